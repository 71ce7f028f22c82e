//! The configuration file.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use service_host::address::AddrConfig;
use service_host::config_file::{CONFIG_BYTES_MAX, ConfigError, ConfigFile};
use tempfile::TempDir;

fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

fn read(text: &str) -> Result<ConfigFile, ConfigError> {
    let folder = TempDir::new().unwrap();
    ConfigFile::read(&write(&folder, "config.toml", text))
}

const DEFAULT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8150);

fn addr(text: &str) -> Result<SocketAddr, ConfigError> {
    let default = AddrConfig {
        ip: DEFAULT.ip(),
        port: DEFAULT.port(),
    };
    AddrConfig::read(&read(text).unwrap(), "ethernet-service", default).map(AddrConfig::socket_addr)
}

#[test]
fn the_file_of_the_command_line_comes_before_all_others() {
    let folder = TempDir::new().unwrap();
    let explicit = write(&folder, "mine.toml", "a = 1");
    let candidate = write(&folder, "config.toml", "a = 2");
    let found = ConfigFile::find_among(Some(&explicit), &[candidate]).unwrap();
    assert_eq!(found.path, Some(explicit));
    assert_eq!(found.table["a"].as_integer(), Some(1));
}

#[test]
fn candidates_are_taken_in_order_and_the_missing_ones_skipped() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("missing.toml");
    let first = write(&folder, "first.toml", "a = 1");
    let second = write(&folder, "second.toml", "a = 2");
    let found = ConfigFile::find_among(None, &[&missing, &first, &second]).unwrap();
    assert_eq!(found.path, Some(first));
}

#[test]
fn without_any_file_the_defaults_hold() {
    let found = ConfigFile::find_among::<&Path>(None, &[]).unwrap();
    assert_eq!(found.path, None);
    assert!(found.table.is_empty());
}

#[test]
fn a_file_named_but_missing_stops_the_start() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("missing.toml");
    let candidate = write(&folder, "config.toml", "");
    let error = ConfigFile::find_among(Some(&missing), &[candidate]).unwrap_err();
    assert!(error.to_string().contains("missing.toml"), "{error}");
}

#[test]
fn a_candidate_that_cannot_be_read_stops_the_search() {
    let folder = TempDir::new().unwrap();
    let unreadable = folder.path().join("config.toml");
    fs::create_dir(&unreadable).unwrap();
    let second = write(&folder, "second.toml", "");
    let error = ConfigFile::find_among(None, &[unreadable, second]).unwrap_err();
    assert!(matches!(error, ConfigError::Unreadable { .. }), "{error}");
}

#[test]
fn a_file_that_is_too_long_or_not_text_is_refused() {
    let folder = TempDir::new().unwrap();
    let length = usize::try_from(CONFIG_BYTES_MAX).unwrap() + 1;
    let long = write(&folder, "long.toml", &"#".repeat(length));
    let error = ConfigFile::read(&long).unwrap_err();
    assert!(error.to_string().contains("longer than 1048576 bytes"));

    let binary = folder.path().join("binary.toml");
    fs::write(&binary, [0xC0, 0xDB]).unwrap();
    let error = ConfigFile::read(&binary).unwrap_err();
    assert!(error.to_string().contains("binary.toml"), "{error}");
}

#[test]
fn a_syntax_error_names_file_line_and_column_in_characters() {
    let text = read("[a]\nb = 1\nc = ] \n").unwrap_err().to_string();
    assert!(text.contains("config.toml:3:5: "), "{text}");

    let text = read("[a]\nb = \"ä\" 5\n").unwrap_err().to_string();
    assert!(text.contains("config.toml:2:9: "), "{text}");
    assert!(!text.contains('\n'), "{text}");
}

#[test]
fn an_address_is_read_and_what_is_missing_is_the_default() {
    let full = "[ethernet-service.addr]\nip = \"10.0.0.1\"\nport = 9000\n";
    assert_eq!(addr(full).unwrap(), "10.0.0.1:9000".parse().unwrap());
    let port_only = "[ethernet-service.addr]\nport = 9000\n";
    assert_eq!(addr(port_only).unwrap(), "127.0.0.1:9000".parse().unwrap());
    for text in [
        "",
        "[ethernet-service]\nx = 1\n",
        "[other.addr]\nport = 1\n",
    ] {
        assert_eq!(addr(text).unwrap(), DEFAULT);
    }
}

#[test]
fn an_unknown_key_is_named_with_file_and_table() {
    let text = addr("[ethernet-service.addr]\nprot = 1\n")
        .unwrap_err()
        .to_string();
    for part in ["config.toml", "[ethernet-service.addr]", "`prot`", "`port`"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_malformed_value_is_named_with_its_key() {
    for (key, value) in [("port", "70000"), ("port", "\"x\""), ("ip", "\"1.2.3\"")] {
        let text = format!("[ethernet-service.addr]\n{key} = {value}\n");
        let error = addr(&text).unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn a_value_where_a_table_belongs_is_refused() {
    for (text, said) in [
        (
            "ethernet-service = 5\n",
            "[ethernet-service]: must be a table",
        ),
        (
            "[ethernet-service]\naddr = \"127.0.0.1\"\n",
            "[ethernet-service.addr]: must be a table",
        ),
    ] {
        let error = addr(text).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_section_can_be_any_type_and_any_depth() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Deep {
        x: Vec<u8>,
    }
    let file = read("[a.b.c]\nx = [1, 2]\n").unwrap();
    let deep: Option<Deep> = file.section(&["a", "b", "c"]).unwrap();
    assert_eq!(deep, Some(Deep { x: vec![1, 2] }));
    assert_eq!(file.section::<Deep>(&["a", "c"]).unwrap(), None);
}
