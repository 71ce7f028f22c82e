//! Whose token is taken, and which token files are.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use link_service::access::Access;
use link_service::api::{TokenError, Tokens};
use service_host::config_file::ConfigFile;
use tempfile::TempDir;

use crate::rig::app;

fn read(folder: &Path) -> Result<Tokens, TokenError> {
    let text = ["camera", "analyser"].map(|name| {
        let path = folder.join(name);
        let path = path.display();
        format!("[[link-service.apps]]\nid = '{name}'\ntoken-file = '{path}'\n")
    });
    let file = ConfigFile {
        table: text.concat().parse().unwrap(),
        path: None,
    };
    Tokens::read(Access::read(&file).unwrap().registry())
}

fn write(folder: &Path, name: &str, text: &str, mode: u32) {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_token_is_of_the_app_whose_file_it_is_in() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "camera", "0123456789abcdef\n", 0o600);
    write(folder.path(), "analyser", "fedcba9876543210\n", 0o400);
    let tokens = read(folder.path()).unwrap();
    assert_eq!(tokens.owner(b"0123456789abcdef"), Some(app("camera")));
    assert_eq!(tokens.owner(b"fedcba9876543210"), Some(app("analyser")));
    for wrong in [
        "",
        "0123456789abcde",
        "0123456789abcdef\n",
        "0123456789abcdeF",
    ] {
        assert_eq!(tokens.owner(wrong.as_bytes()), None, "{wrong:?}");
    }
}

#[test]
fn a_token_that_is_no_secret_is_not_taken() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "analyser", "fedcba9876543210\n", 0o600);
    assert!(matches!(
        read(folder.path()),
        Err(TokenError::Unreadable { .. })
    ));
    for mode in [0o640, 0o604, 0o620, 0o666] {
        write(folder.path(), "camera", "0123456789abcdef\n", mode);
        assert!(matches!(
            read(folder.path()),
            Err(TokenError::Exposed { .. })
        ));
    }
    for text in [
        "",
        "short\n",
        "with blanks in it, and long\n",
        "0123456789abcdef\nmore of it, too",
    ] {
        write(folder.path(), "camera", text, 0o600);
        assert!(
            matches!(read(folder.path()), Err(TokenError::Unfit { .. })),
            "{text:?}"
        );
    }
    write(folder.path(), "camera", " fedcba9876543210", 0o600);
    assert!(matches!(
        read(folder.path()),
        Err(TokenError::Shared { .. })
    ));
}
