//! A file for an app on board: `app:camera`, `app:camera/plans`.

use std::path::Path;

use file_delivery::StoreName;
use file_delivery::address::Address;

const PREFIX: &str = "app:";
/// Who sends what goes up.
const FROM: &str = "ground";
const APP_BYTES_MAX: usize = 63;

/// Which app is to have a file, and where in its inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AppTarget {
    pub(crate) app: String,
    /// Beneath the inbox; empty for the inbox itself.
    subdirectory: String,
}

impl AppTarget {
    /// What REMOTE says, if it names an app at all.
    pub(crate) fn of(remote: &str) -> Option<Result<Self, String>> {
        let path = remote.strip_prefix(PREFIX)?;
        let (app, subdirectory) = path.split_once('/').unwrap_or((path, ""));
        let is_inner = |octet: u8| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let is_app = (1..=APP_BYTES_MAX).contains(&app.len())
            && app.bytes().all(is_inner)
            && !app.starts_with('-')
            && !app.ends_with('-');
        Some(match is_app {
            true => Ok(AppTarget {
                app: app.to_owned(),
                subdirectory: subdirectory.trim_end_matches('/').to_owned(),
            }),
            false => Err(format!(
                "REMOTE {remote:?}: `{app}` names no app: 1 to {APP_BYTES_MAX} of a-z, 0-9 and `-`, \
                 which is at neither end"
            )),
        })
    }

    /// What the file at `local` with that hash is called on its way.
    pub(crate) fn address(
        &self,
        local: &Path,
        hash: [u8; 32],
        overwrite: bool,
    ) -> Result<StoreName, String> {
        let named = local.display();
        let file = local.file_name().and_then(|name| name.to_str());
        let file = file.ok_or_else(|| format!("{named} names no file"))?;
        let path = match self.subdirectory.is_empty() {
            true => file.to_owned(),
            false => format!("{}/{file}", self.subdirectory),
        };
        let address = Address {
            app: self.app.clone(),
            from: FROM.to_owned(),
            hash,
            overwrite,
            path,
        };
        address.name().map_err(|error| format!("{named}: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(remote: &str) -> AppTarget {
        AppTarget::of(remote).unwrap().unwrap()
    }

    #[test]
    fn a_file_for_an_app_is_called_by_its_address() {
        let hash = [0xab; 32];
        let digits = "ab".repeat(32);
        for (remote, overwrite, address) in [
            (
                "app:camera",
                false,
                format!("to/camera/ground/{digits}/a.bin"),
            ),
            (
                "app:camera/x/y/",
                true,
                format!("to/camera/ground/{digits}.over/x/y/a.bin"),
            ),
        ] {
            let name = target(remote).address(Path::new("/home/a.bin"), hash, overwrite);
            assert_eq!(name.unwrap().as_str(), address);
        }
    }

    #[test]
    fn what_is_no_app_and_no_address_is_refused_before_anything_goes_up() {
        assert!(AppTarget::of("plans/monday.bin").is_none());
        for remote in ["app:", "app:Camera", "app:-x", "app:/x"] {
            AppTarget::of(remote).unwrap().unwrap_err();
        }
        for subdirectory in ["..", "a//b"] {
            let target = target(&format!("app:camera/{subdirectory}"));
            target.address(Path::new("/a"), [0; 32], false).unwrap_err();
        }
        let long = target("app:camera").address(Path::new(&"x".repeat(200)), [0; 32], false);
        assert!(long.unwrap_err().contains("213 are the most"));
    }
}
