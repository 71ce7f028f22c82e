//! Names of apps and files.

use std::path::{Component, Path};

use link_service::names::{
    APP_ID_BYTES_MAX, AppId, COMPONENT_BYTES_MAX, FileName, FileNameError, SUBDIRECTORY_DEPTH_MAX,
    Subdirectory,
};
use proptest::prelude::*;

/// Names that look like trouble: few characters, so that `..`, `//` and the like come often.
fn trouble() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        r"[a./\\\x00\n~-]{0,12}",
        r"(\.\./|/|\./|[a-z]{1,3}/){0,10}[a-z.]{0,4}",
    ]
}

fn is_app(name: &str) -> bool {
    name.parse::<AppId>().is_ok()
}

#[test]
fn an_app_has_lower_case_letters_digits_and_hyphens_inside() {
    for name in [
        "a",
        "0",
        "camera",
        "node-b",
        "a--b",
        &"x".repeat(APP_ID_BYTES_MAX),
    ] {
        assert!(is_app(name), "{name}");
    }
    let long = "x".repeat(APP_ID_BYTES_MAX + 1);
    for name in [
        "", "-", "-a", "a-", "A", "a_b", "a.b", ".", "..", "./a", "a/b", "/a", "a b", "a\0", "ä",
        "a\n", "*", "a@b", &long,
    ] {
        assert!(!is_app(name), "{name:?}");
    }
}

#[test]
fn the_name_of_an_app_is_taken_as_it_is() {
    assert_eq!(
        "platform-mts".parse::<AppId>().unwrap().as_str(),
        "platform-mts"
    );
    let error = "Platform-MTS".parse::<AppId>().unwrap_err();
    assert_eq!(error.name, "Platform-MTS");
}

#[test]
fn an_error_shows_no_more_of_a_name_than_a_name_may_have_and_nothing_raw() {
    let long = format!("\u{1b}[2J{}", "x".repeat(10_000));
    let error = long.parse::<AppId>().unwrap_err().to_string();
    assert!(error.len() < 300, "{error}");
    assert!(!error.contains('\u{1b}'), "{error}");
    for name in [".\u{1b}[2J", "\u{1b}", "a\u{7}.part"] {
        let error = name.parse::<FileName>().unwrap_err().to_string();
        assert!(!error.chars().any(char::is_control), "{error:?}");
    }
}

#[test]
fn a_file_name_is_one_component_that_begins_with_no_dot() {
    for name in [
        "image.png",
        "a b",
        "ü.bin",
        "-rf",
        "~",
        "...a".trim_start_matches('.'),
    ] {
        assert!(name.parse::<FileName>().is_ok(), "{name}");
    }
    for (name, error) in [
        ("", FileNameError::Empty),
        (".", FileNameError::Dot { name: ".".into() }),
        ("..", FileNameError::Dot { name: "..".into() }),
        (
            ".link",
            FileNameError::Dot {
                name: ".link".into(),
            },
        ),
        ("a/b", FileNameError::Character { character: '/' }),
        ("a\\b", FileNameError::Character { character: '\\' }),
        ("a\0b", FileNameError::Character { character: '\0' }),
        ("\0", FileNameError::Character { character: '\0' }),
        ("a\n", FileNameError::Character { character: '\n' }),
    ] {
        assert_eq!(name.parse::<FileName>(), Err(error), "{name:?}");
    }
}

#[test]
fn a_component_is_as_long_as_file_systems_have_it_in_octets() {
    assert!("x".repeat(COMPONENT_BYTES_MAX).parse::<FileName>().is_ok());
    let umlauts = "ü".repeat(128);
    let error = FileNameError::TooLong { bytes: 256 };
    assert_eq!(umlauts.parse::<FileName>(), Err(error.clone()));
    assert_eq!(format!("a/{umlauts}").parse::<Subdirectory>(), Err(error));
}

#[test]
fn the_services_own_names_are_nobody_elses() {
    for name in [
        "a.part",
        "a.linkrequest.json",
        "a.linkresponse.json",
        "a.batch",
    ] {
        let refused = name.parse::<FileName>();
        assert!(
            matches!(refused, Err(FileNameError::Reserved { .. })),
            "{name}"
        );
    }
    assert!("part".parse::<FileName>().is_ok());
    assert!("a.json".parse::<FileName>().is_ok());
}

#[test]
fn a_subdirectory_is_components_and_none_of_them_leads_up() {
    assert!("".parse::<Subdirectory>().unwrap().is_empty());
    let deep = "a/b/c".parse::<Subdirectory>().unwrap();
    assert_eq!(deep.components().collect::<Vec<_>>(), ["a", "b", "c"]);
    for path in [
        "/", "/a", "a/", "a//b", "..", "a/..", "../a", "a/../b", ".", "a/./b", "\0",
    ] {
        assert!(path.parse::<Subdirectory>().is_err(), "{path:?}");
    }
}

#[test]
fn a_subdirectory_has_so_many_components_and_no_more() {
    let deepest = ["a"; SUBDIRECTORY_DEPTH_MAX].join("/");
    assert!(deepest.parse::<Subdirectory>().is_ok());
    let depth = SUBDIRECTORY_DEPTH_MAX + 1;
    let error = FileNameError::TooDeep { depth };
    assert_eq!(format!("a/{deepest}").parse::<Subdirectory>(), Err(error));
}

#[test]
fn names_out_of_json_keep_to_the_same_grammar() {
    assert!(serde_json::from_str::<FileName>("\"a.png\"").is_ok());
    for name in ["\"../a\"", "\"a\\u0000\"", "7", "null"] {
        assert!(serde_json::from_str::<FileName>(name).is_err(), "{name}");
        assert!(
            serde_json::from_str::<Subdirectory>(name).is_err(),
            "{name}"
        );
        assert!(serde_json::from_str::<AppId>(name).is_err(), "{name}");
    }
}

proptest! {
    #[test]
    fn no_file_name_leads_anywhere_but_right_beneath(name in trouble()) {
        if let Ok(name) = name.parse::<FileName>() {
            let inbox = Path::new("/apps/camera/inbox");
            let path = inbox.join(name.as_str());
            prop_assert_eq!(path.parent(), Some(inbox));
            prop_assert_eq!(path.file_name().and_then(|name| name.to_str()), Some(name.as_str()));
        }
    }

    #[test]
    fn no_subdirectory_leads_anywhere_but_beneath(path in trouble()) {
        if let Ok(subdirectory) = path.parse::<Subdirectory>() {
            let inbox = Path::new("/apps/camera/inbox");
            let whole = inbox.join(subdirectory.to_string());
            let beneath = whole.strip_prefix(inbox).unwrap();
            let parts: Vec<_> = beneath.components().collect();
            prop_assert!(parts.iter().all(|part| matches!(part, Component::Normal(_))));
            prop_assert_eq!(parts.len(), subdirectory.components().count());
            prop_assert_eq!(subdirectory.to_string(), path);
        }
    }

    #[test]
    fn no_name_of_an_app_is_more_than_one_component(name in trouble()) {
        if let Ok(app) = name.parse::<AppId>() {
            let root = Path::new("/apps").join(app.as_str());
            prop_assert_eq!(root.parent(), Some(Path::new("/apps")));
            prop_assert_eq!(app.to_string(), name);
        }
    }

    #[test]
    fn what_is_taken_is_taken_again_as_it_was(name in "[a-z0-9. _-]{1,20}") {
        if let Ok(file) = name.parse::<FileName>() {
            let json = serde_json::to_string(&file).unwrap();
            prop_assert_eq!(serde_json::from_str::<FileName>(&json).unwrap(), file);
        }
    }
}
