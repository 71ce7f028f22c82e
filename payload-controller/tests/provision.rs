//! The files of an app.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use payload_controller::grpc::{Connection, Identity, Settings, SettingsError, certificate};
use payload_controller::provision::{
    AppFolder, Credentials, Order, Protection, ProvisionError, Renew, cookie, provision,
};
use payload_interface::{AppName, AppNumber, Profile};
use serde_json::Value;
use tempfile::TempDir;

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const NOTHING: Renew = Renew {
    app: false,
    controller: false,
};

fn number(number: u16) -> AppNumber {
    AppNumber::try_from(number).unwrap()
}

fn order(folder: &TempDir, app: &str, renew: Renew) -> Order {
    Order {
        credentials: Credentials::new(folder.path()),
        app: app.parse().unwrap(),
        number: number(4),
        callbacks: SocketAddr::from(([10, 0, 0, 2], 50_053)),
        controller: SocketAddr::from(([10, 0, 0, 1], 50_051)),
        known_as: vec![LOCALHOST],
        protection: Protection::Cookie,
        renew,
    }
}

fn files(order: &Order) -> (AppFolder, Vec<PathBuf>) {
    let made = provision(order).unwrap();
    (order.credentials.app(&order.app), made.written)
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn all(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(all(&path)),
            false => found.push((path.clone(), fs::read(&path).unwrap())),
        }
    }
    found.sort();
    found
}

#[test]
fn an_app_gets_all_that_the_sdk_reads() {
    let folder = TempDir::new().unwrap();
    let order = order(&folder, "camera", NOTHING);
    let (app, written) = files(&order);
    assert_eq!(written.len(), 7, "{written:?}");
    assert_eq!(
        fs::read(app.controller()).unwrap(),
        fs::read(order.credentials.certificate()).unwrap()
    );
    Identity::read(&app.certificate(), &app.key()).unwrap();
    Identity::read(&order.credentials.certificate(), &order.credentials.key()).unwrap();
    cookie(&app.config(), number(4)).unwrap();

    let config = json(&app.config());
    assert_eq!(config["ID"]["App_Id"], 4);
    assert_eq!(config["Network"]["VM_IP_Address"], "10.0.0.2");
    assert_eq!(
        config["Network"]["Application_Controller_IP_Address"],
        "10.0.0.1"
    );
    assert_eq!(config["cookie"].as_str().unwrap().len(), 23);
    assert!(config["cookie"].as_str().unwrap().ends_with("004"));
    assert!(fs::metadata(app.config()).unwrap().len() <= 4095);

    let environment = fs::read_to_string(app.environment()).unwrap();
    for line in [
        "PAYLOAD_CONTROLLER_IP=10.0.0.1",
        "PC_API_PORT=50051",
        "PAYLOAD_APP_IP=10.0.0.2",
        "APP_API_PORT=50053",
        "SSL_FLAG=1",
        "KEEPALIVE=0",
    ] {
        assert!(
            environment.lines().any(|it| it == line),
            "{line}: {environment}"
        );
    }
}

#[test]
fn nobody_but_their_owner_reads_them() {
    let folder = TempDir::new().unwrap();
    let order = order(&folder, "camera", NOTHING);
    let (app, written) = files(&order);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for path in written {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    assert_eq!(mode(app.path()), 0o700);
    assert_eq!(mode(&order.credentials.controller()), 0o700);
}

#[test]
fn a_second_time_nothing_is_made_and_what_is_missing_is() {
    let folder = TempDir::new().unwrap();
    let (app, _) = files(&order(&folder, "camera", NOTHING));
    let before = all(folder.path());
    let (_, written) = files(&order(&folder, "camera", NOTHING));
    assert!(written.is_empty(), "{written:?}");
    assert_eq!(all(folder.path()), before);

    fs::remove_file(app.environment()).unwrap();
    let (_, written) = files(&order(&folder, "camera", NOTHING));
    assert_eq!(written, [app.environment()]);
    assert_eq!(all(folder.path()), before);

    // A second app has the same controller.
    let (other, written) = files(&Order {
        number: number(5),
        ..order(&folder, "other", NOTHING)
    });
    assert_eq!(written.len(), 5);
    assert_eq!(
        fs::read(other.controller()).unwrap(),
        fs::read(app.controller()).unwrap()
    );
    assert_ne!(
        certificate(&other.certificate()).unwrap(),
        certificate(&app.certificate()).unwrap()
    );
}

#[test]
fn what_was_cut_off_between_key_and_certificate_is_made_anew() {
    let folder = TempDir::new().unwrap();
    let (app, _) = files(&order(&folder, "camera", NOTHING));
    let key = fs::read(app.key()).unwrap();
    fs::remove_file(app.certificate()).unwrap();
    let (_, written) = files(&order(&folder, "camera", NOTHING));
    assert_eq!(written, [app.key(), app.certificate()]);
    assert_ne!(fs::read(app.key()).unwrap(), key);
}

#[test]
fn renewed_an_app_has_another_certificate_and_cookie_and_keeps_what_the_operator_wrote() {
    let folder = TempDir::new().unwrap();
    let (app, _) = files(&order(&folder, "camera", NOTHING));
    let (old, old_certificate) = (json(&app.config()), certificate(&app.certificate()));
    let mut edited = old.clone();
    edited["IO_Access"]["GPIO"] = serde_json::json!({"adapter_type": "FTDI"});
    fs::write(app.config(), edited.to_string()).unwrap();

    let renewed = Renew {
        app: true,
        controller: false,
    };
    let (_, written) = files(&order(&folder, "camera", renewed));
    assert_eq!(written, [app.key(), app.certificate(), app.config()]);
    let new = json(&app.config());
    assert_ne!(new["cookie"], old["cookie"]);
    assert_eq!(new["IO_Access"]["GPIO"]["adapter_type"], "FTDI");
    assert_ne!(
        certificate(&app.certificate()).unwrap(),
        old_certificate.unwrap()
    );
}

#[test]
fn a_config_that_is_no_longer_the_apps_is_said_to_be_so() {
    let folder = TempDir::new().unwrap();
    let (app, _) = files(&order(&folder, "camera", NOTHING));
    let other_number = Order {
        number: number(5),
        ..order(&folder, "camera", NOTHING)
    };
    let error = provision(&other_number).unwrap_err();
    assert!(matches!(error, ProvisionError::Config(_)), "{error}");
    assert!(error.to_string().contains("--renew"), "{error}");

    fs::write(app.config(), "{").unwrap();
    let error = provision(&order(&folder, "camera", NOTHING)).unwrap_err();
    assert!(error.to_string().contains("no JSON object"), "{error}");
}

#[test]
fn a_config_that_the_sdk_would_cut_off_is_not_written() {
    let folder = TempDir::new().unwrap();
    let (app, _) = files(&order(&folder, "camera", NOTHING));
    let mut config = json(&app.config());
    config["Storage"]["Path"] = Value::from("x".repeat(3_500));
    let before = config.to_string();
    assert!(before.len() <= 4095);
    fs::write(app.config(), &before).unwrap();
    let renewed = Renew {
        app: true,
        controller: false,
    };
    config["Network"]["Note"] = Value::from("y".repeat(4095 - before.len() - 10));
    fs::write(app.config(), config.to_string()).unwrap();
    let there = fs::read(app.config()).unwrap();
    let error = provision(&order(&folder, "camera", renewed)).unwrap_err();
    assert!(matches!(error, ProvisionError::TooLong { .. }), "{error}");
    assert_eq!(fs::read(app.config()).unwrap(), there);
}

#[test]
fn a_certificate_of_the_controller_for_other_addresses_is_said_to_be_so() {
    let folder = TempDir::new().unwrap();
    files(&order(&folder, "camera", NOTHING));
    let moved = |renew| Order {
        controller: SocketAddr::from(([10, 0, 0, 9], 50_051)),
        ..order(&folder, "camera", renew)
    };
    let error = provision(&moved(NOTHING)).unwrap_err();
    assert!(
        matches!(error, ProvisionError::OtherAddress { .. }),
        "{error}"
    );
    let renewed = Renew {
        app: false,
        controller: true,
    };
    provision(&moved(renewed)).unwrap();
}

fn connection(port: u16) -> Connection {
    Connection {
        callbacks: SocketAddr::from(([127, 0, 0, 1], port)),
        calls_from: None,
        controller: None,
        security: Protection::Cookie,
        profile: Profile::Exact,
    }
}

#[test]
fn settings_that_would_mix_apps_up_or_lack_an_address_are_refused() {
    let settings = Settings::default();
    let apps: Vec<AppName> = ["a", "b"].iter().map(|it| it.parse().unwrap()).collect();
    let (one, other) = (connection(1), connection(2));
    let error = settings
        .config([(&apps[0], number(1), &one), (&apps[1], number(2), &one)])
        .unwrap_err();
    assert!(
        matches!(error, SettingsError::SameCallbacks { .. }),
        "{error}"
    );
    let error = settings
        .config([(&apps[0], number(1), &one), (&apps[1], number(1), &other)])
        .unwrap_err();
    assert!(matches!(error, SettingsError::SameNumber { .. }), "{error}");

    let plain = Connection {
        security: Protection::Plain,
        ..connection(1)
    };
    let error = settings
        .config([(&apps[0], number(1), &plain)])
        .unwrap_err();
    assert!(error.to_string().contains("plain-addr"), "{error}");
    let everywhere = Settings {
        addr: SocketAddr::from(([0, 0, 0, 0], 50_051)),
        ..Settings::default()
    };
    let error = everywhere
        .order(&apps[0], number(1), &one, NOTHING)
        .unwrap_err();
    assert!(error.to_string().contains("known-as"), "{error}");
}

#[test]
fn an_app_that_was_never_provisioned_is_said_to_be_so() {
    let folder = TempDir::new().unwrap();
    let settings = Settings {
        credentials: folder.path().to_owned(),
        ..Settings::default()
    };
    let app: AppName = "camera".parse().unwrap();
    let error = settings
        .config([(&app, number(1), &connection(1))])
        .unwrap_err();
    assert!(
        error.to_string().contains("payload-controller provision"),
        "{error}"
    );
}
