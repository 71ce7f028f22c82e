//! Which names are addresses of files for apps.

use file_delivery::StoreName;
use file_delivery::address::{ADDRESS_BYTES_MAX, Address, AddressError};
use proptest::prelude::*;

fn address() -> impl Strategy<Value = Address> {
    let path = proptest::collection::vec("[A-Za-z0-9 .äß]{1,12}", 1..4);
    let parts = ("[a-z][a-z0-9-]{0,20}", "[a-z][a-z0-9-]{0,20}", path);
    let flags = (any::<[u8; 32]>(), any::<bool>());
    (parts, flags).prop_map(|((app, from, path), (hash, overwrite))| Address {
        app,
        from,
        hash,
        overwrite,
        path: path.join("/"),
    })
}

proptest! {
    #[test]
    fn an_address_is_read_from_the_name_that_it_makes(address in address()) {
        match address.name() {
            Ok(name) => {
                prop_assert!(Address::is_meant(&name));
                prop_assert_eq!(Address::of(&name), Ok(address));
            }
            // A component that is "." or "..", or all of it is too long.
            Err(AddressError::Name(_) | AddressError::TooLong { .. }) => {}
            Err(error) => prop_assert!(false, "{error}"),
        }
    }

    #[test]
    fn whatever_name_comes_is_an_address_that_makes_it_or_none(name in "(to/)?[a-f0-9/.]{0,150}") {
        if let Ok(name) = name.parse::<StoreName>()
            && let Ok(address) = Address::of(&name)
        {
            prop_assert_eq!(address.name().unwrap(), name);
        }
    }
}

#[test]
fn what_is_no_address_is_refused_with_what_is_wrong() {
    let digits = "0f".repeat(32);
    let refused = |name: &str| name.parse::<Address>().unwrap_err();
    for name in [
        "to",
        "to/camera",
        "to/camera/ground",
        "from/camera/ground/x/y",
    ] {
        assert_eq!(refused(name), AddressError::Shape, "{name}");
    }
    assert_eq!(
        refused(&format!("to/camera/ground/{digits}")),
        AddressError::Shape
    );
    for hash in [
        &digits[1..],
        &digits.to_uppercase(),
        "x",
        &format!("{digits}.OVER"),
    ] {
        let error = refused(&format!("to/camera/ground/{hash}/a"));
        assert!(
            matches!(error, AddressError::Hash { .. }),
            "{hash}: {error}"
        );
    }
    let fits = ADDRESS_BYTES_MAX - format!("to/camera/ground/{digits}/").len();
    let named = |bytes: usize| format!("to/camera/ground/{digits}/{}", "x".repeat(bytes));
    assert!(named(fits).parse::<Address>().is_ok());
    let bytes = ADDRESS_BYTES_MAX + 1;
    assert_eq!(refused(&named(fits + 1)), AddressError::TooLong { bytes });
}

#[test]
fn a_part_that_would_make_it_another_address_is_refused() {
    let address = Address {
        app: "camera/x".to_owned(),
        from: "ground".to_owned(),
        hash: [0; 32],
        overwrite: false,
        path: "a".to_owned(),
    };
    assert!(address.name().is_err());
}
