//! `[archive]`: where frames are kept, and how many.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The least of `bytes-max`: below, there is hardly room for an index.
const BYTES_MAX_LEAST: u64 = 1 << 20;
const BYTES_MAX_USUAL: u64 = 1 << 30;
/// The most of `days-max`: a hundred years.
const DAYS_MAX_MOST: u32 = 36_525;
const DAYS_MAX_USUAL: u32 = 90;
/// Beneath the directory of state.
const FOLDER: &str = "archive";

/// The archive of this ground station.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveSettings {
    /// Where the files stand, one for each link.
    pub directory: PathBuf,
    /// What is used of a file, in octets: above, the oldest frames go.
    pub bytes_max: u64,
    /// Older frames go.
    pub days_max: u32,
}

/// The table, as it is written.
#[derive(Debug, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    enabled: bool,
    directory: Option<PathBuf>,
    bytes_max: u64,
    days_max: u32,
}

impl Default for Written {
    fn default() -> Self {
        Written {
            enabled: true,
            directory: None,
            bytes_max: BYTES_MAX_USUAL,
            days_max: DAYS_MAX_USUAL,
        }
    }
}

impl ArchiveSettings {
    /// Reads the table, which need not be there. By default the directory is one beneath
    /// `state`. None where nothing is to be kept; without a table, where there is no `state`.
    pub(crate) fn read(
        table: Option<&toml::Value>,
        state: Option<&Path>,
    ) -> Result<Option<Self>, String> {
        let written = table.map(|table| table.clone().try_into::<Written>());
        let is_written = written.is_some();
        let written = written.transpose().map_err(|error| error.to_string())?;
        let Written {
            enabled,
            directory,
            bytes_max,
            days_max,
        } = written.unwrap_or_default();
        if bytes_max < BYTES_MAX_LEAST {
            return Err(format!(
                "`bytes-max` is {bytes_max}: {BYTES_MAX_LEAST} octets are the least"
            ));
        }
        if !(1..=DAYS_MAX_MOST).contains(&days_max) {
            return Err(format!(
                "`days-max` is {days_max}: write 1 to {DAYS_MAX_MOST}"
            ));
        }
        if let Some(relative) = directory.as_ref().filter(|path| !path.is_absolute()) {
            return Err(format!(
                "`directory` is {}: write an absolute path",
                relative.display()
            ));
        }
        let directory = directory.or_else(|| state.map(|state| state.join(FOLDER)));
        match (enabled, directory) {
            (false, _) => Ok(None),
            (true, Some(directory)) => Ok(Some(ArchiveSettings {
                directory,
                bytes_max,
                days_max,
            })),
            (true, None) if is_written => Err("it needs the key `directory`: HOME is not set, \
                                               where it would be by default"
                .to_owned()),
            (true, None) => Ok(None),
        }
    }

    /// The file of the link called `link`.
    pub fn file(&self, link: &str) -> PathBuf {
        self.directory.join(format!("{link}.packets.sqlite"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<ArchiveSettings>, String> {
        let table = text.parse::<toml::Table>().unwrap();
        ArchiveSettings::read(Some(&table.into()), Some(Path::new("/state")))
    }

    #[test]
    fn frames_are_kept_where_state_is_unless_that_is_said_otherwise() {
        let usual = ArchiveSettings::read(None, Some(Path::new("/state"))).unwrap();
        let usual = usual.unwrap();
        assert_eq!(usual.directory, Path::new("/state/archive"));
        assert_eq!((usual.bytes_max, usual.days_max), (1 << 30, 90));
        assert_eq!(
            usual.file("uhf"),
            Path::new("/state/archive/uhf.packets.sqlite")
        );
        assert_eq!(read("").unwrap().unwrap(), usual);
        assert_eq!(ArchiveSettings::read(None, None), Ok(None));
        assert_eq!(read("enabled = false"), Ok(None));
        let own = read("directory = '/d'\nbytes-max = 2000000\ndays-max = 7").unwrap();
        let own = own.unwrap();
        assert_eq!((own.bytes_max, own.days_max), (2_000_000, 7));
        assert_eq!(own.directory, Path::new("/d"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_key() {
        for (text, key) in [
            ("bytes-max = 1000", "`bytes-max`"),
            ("days-max = 0", "`days-max`"),
            ("days-max = 40000", "`days-max`"),
            ("directory = 'here'", "`directory`"),
            ("direktory = '/d'", "direktory"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(key), "{error}");
        }
        let nowhere = ArchiveSettings::read(Some(&toml::Table::new().into()), None);
        assert!(nowhere.unwrap_err().contains("`directory`"));
    }
}
