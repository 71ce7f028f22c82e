//! Which file names are taken from the link.

use file_delivery::StoreName;
use file_delivery::name::{NAME_BYTES_MAX, NameError};
use proptest::prelude::*;

fn refused(name: &str) -> NameError {
    StoreName::new(name.as_bytes()).expect_err(name)
}

#[test]
fn relative_names_of_any_depth_are_taken_as_they_are() {
    for name in [
        "a",
        "images/2026/frame 0001.raw",
        ".hidden",
        "..a",
        "a..",
        "...",
        "Kraków/Ägypten.txt",
        "-rf",
        "~",
    ] {
        let taken: StoreName = name.parse().expect(name);
        assert_eq!(taken.as_str(), name);
        assert_eq!(taken.lv().octets(), name.as_bytes());
        assert_eq!(taken.components().collect::<Vec<_>>().join("/"), name);
    }
}

#[test]
fn what_leads_out_of_the_store_is_refused() {
    assert_eq!(refused("/etc/passwd"), NameError::Absolute);
    assert_eq!(refused("/"), NameError::Absolute);
    for name in ["..", "../a", "a/..", "a/../b"] {
        assert_eq!(refused(name), NameError::DotComponent { parent: true });
    }
}

#[test]
fn a_second_spelling_of_a_name_is_refused() {
    for name in [".", "./a", "a/.", "a/./b"] {
        assert_eq!(refused(name), NameError::DotComponent { parent: false });
    }
    assert_eq!(refused("a//b"), NameError::EmptyComponent { at: 2 });
    assert_eq!(refused("a/"), NameError::EmptyComponent { at: 2 });
    assert_eq!(refused("a\\b"), NameError::Backslash { at: 1 });
}

#[test]
fn control_characters_are_refused_wherever_they_stand() {
    for character in ['\0', '\n', '\x1B', '\x7F', '\u{9B}'] {
        let name = format!("ab{character}c");
        let expected = NameError::ControlCharacter { character, at: 2 };
        assert_eq!(refused(&name), expected);
    }
    assert_eq!(
        refused("a\nb").to_string(),
        "the name has the control character U+000A at octet 1"
    );
}

#[test]
fn empty_too_long_and_not_utf_8_are_refused() {
    assert_eq!(refused(""), NameError::Empty);
    assert!(StoreName::new(&[b'a'; NAME_BYTES_MAX]).is_ok());
    let too_long = [b'a'; NAME_BYTES_MAX + 1];
    assert_eq!(
        StoreName::new(&too_long),
        Err(NameError::TooLong { bytes: 256 })
    );
    assert_eq!(
        StoreName::new(b"ab\xFFc"),
        Err(NameError::NotUtf8 { at: 2 })
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_name_that_is_taken_stays_beneath_where_it_starts(
        octets in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            "[./a\\\\é\n-]{0,20}".prop_map(String::into_bytes),
        ],
    ) {
        if let Ok(name) = StoreName::new(&octets) {
            prop_assert_eq!(name.as_str().as_bytes(), octets);
            let path = std::path::Path::new(name.as_str());
            let plain = |part| matches!(part, std::path::Component::Normal(_));
            prop_assert!(path.components().all(plain));
            let spelled: std::path::PathBuf = path.components().collect();
            prop_assert_eq!(spelled.to_str(), Some(name.as_str()));
        }
    }
}
