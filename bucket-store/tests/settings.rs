//! The settings of a bucket: what is taken, and how a mistake is told.

use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::thread;

use bucket_store::object_store::{ObjectStore as _, PutOptions, PutPayload};
use bucket_store::{BucketError, BucketSettings};
use tempfile::TempDir;

struct Keys(TempDir);

impl Keys {
    fn new() -> Keys {
        let keys = Keys(TempDir::new().unwrap());
        keys.write("id", "an-id", 0o600);
        keys.write("secret", "a-secret", 0o600);
        keys
    }

    fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    fn settings(&self, url: &str) -> BucketSettings {
        BucketSettings {
            url: url.to_owned(),
            endpoint: Some("https://s3.example.org".to_owned()),
            region: None,
            access_key_file: Some(self.0.path().join("id")),
            secret_key_file: Some(self.0.path().join("secret")),
            ca_file: None,
            allow_http: false,
            conditional_put: true,
        }
    }
}

#[test]
fn keys_are_beneath_the_prefix_and_are_taken_as_they_are() {
    let keys = Keys::new();
    for (url, key) in [
        ("s3://mission", "a/100% [raw] ~#?.é"),
        ("s3://mission/", "a/100% [raw] ~#?.é"),
        ("s3://mission/apps", "apps/a/100% [raw] ~#?.é"),
        (
            "s3://mission/apps/flight/",
            "apps/flight/a/100% [raw] ~#?.é",
        ),
    ] {
        let bucket = keys.settings(url).open().unwrap();
        let found = bucket.key(["a", "100% [raw] ~#?.é"]).unwrap();
        assert_eq!(found.as_ref(), key);
    }
}

#[test]
fn what_is_no_key_is_refused() {
    let bucket = Keys::new().settings("s3://mission/apps").open().unwrap();
    let long = "x".repeat(1024);
    for components in [
        ["a", ""],
        ["a", "b/c"],
        ["a", ".."],
        ["a", "\n"],
        ["a", &*long],
    ] {
        let refused = bucket.key(components);
        assert!(
            matches!(refused, Err(BucketError::Key { .. })),
            "{refused:?}"
        );
    }
    let fits = "x".repeat(1024 - "apps/a/".len());
    bucket.key(["a", &fits]).unwrap();
}

#[test]
fn a_place_that_is_none_is_refused_and_says_what_to_write() {
    let keys = Keys::new();
    for url in [
        "mission",
        "http://mission",
        "s3://",
        "s3://ab",
        "s3://Mission",
        "s3://m m/a",
    ] {
        let error = keys.settings(url).check().unwrap_err().to_string();
        assert!(error.contains("s3://BUCKET"), "{url}: {error}");
    }
    for (endpoint, allow_http, wanted) in [
        ("http://10.0.0.5:8333", false, "allow-http"),
        ("10.0.0.5:8333", true, "https://HOST"),
        ("https://", true, "https://HOST"),
        ("https://key:secret@host", true, "https://HOST"),
        ("https://host/path", true, "https://HOST"),
    ] {
        let settings = BucketSettings {
            endpoint: Some(endpoint.to_owned()),
            allow_http,
            ..keys.settings("s3://mission")
        };
        let error = settings.check().unwrap_err().to_string();
        assert!(error.contains(wanted), "{endpoint}: {error}");
    }
}

#[test]
fn keys_that_others_can_read_or_that_are_none_are_refused_and_not_told() {
    let keys = Keys::new();
    let settings = keys.settings("s3://mission");
    let refused = |settings: &BucketSettings| settings.open().unwrap_err().to_string();

    keys.write("secret", "a-secret", 0o640);
    let error = refused(&settings);
    assert!(
        error.contains("chmod 600") && error.contains("secret-key-file"),
        "{error}"
    );
    keys.write("secret", "two\nlines", 0o600);
    let error = refused(&settings);
    assert!(
        error.contains("no key") && !error.contains("lines"),
        "{error}"
    );
    fs::remove_file(keys.0.path().join("secret")).unwrap();
    assert!(refused(&settings).contains("cannot be read"));

    let one = BucketSettings {
        secret_key_file: None,
        ..settings.clone()
    };
    assert!(refused(&one).contains("`secret-key-file` is not"));
    let none = BucketSettings {
        access_key_file: None,
        ..one
    };
    // Nobody looks for keys at an address of a cloud.
    if std::env::var_os("AWS_ACCESS_KEY_ID").is_none() {
        assert!(refused(&none).contains("AWS_ACCESS_KEY_ID"));
    }
}

#[test]
fn certificates_that_are_none_are_refused() {
    let keys = Keys::new();
    let settings = BucketSettings {
        ca_file: Some(keys.write("ca.pem", "no certificate", 0o644)),
        ..keys.settings("s3://mission")
    };
    let error = settings.open().map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("ca-file"), "{error}");
}

/// The head of the request by which an object is put.
fn head_of_a_put(keys: &Keys, conditional_put: bool) -> String {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = BucketSettings {
        endpoint: Some(format!("http://{}", server.local_addr().unwrap())),
        allow_http: true,
        conditional_put,
        ..keys.settings("s3://mission")
    };
    let answers = thread::spawn(move || {
        let (mut client, _) = server.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut octet = [0];
            client.read_exact(&mut octet).unwrap();
            head.extend(octet);
        }
        let answer = "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        client.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(head).unwrap().to_ascii_lowercase()
    });
    let bucket = settings.open().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let options = PutOptions {
        mode: bucket.create(),
        ..PutOptions::default()
    };
    let key = bucket.key(["a"]).unwrap();
    let put = bucket.store().put_opts(&key, PutPayload::new(), options);
    assert!(runtime.block_on(put).is_err());
    answers.join().unwrap()
}

#[test]
fn a_server_is_asked_not_to_replace_an_object_unless_it_does_not_know_that() {
    let keys = Keys::new();
    assert!(head_of_a_put(&keys, true).contains("\r\nif-none-match: *\r\n"));
    assert!(!head_of_a_put(&keys, false).contains("if-none-match"));
}
