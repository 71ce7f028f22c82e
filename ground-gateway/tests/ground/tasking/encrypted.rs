//! The API, encrypted.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};

use super::site::Site;

/// A certificate for `localhost`, and its key.
fn make(folder: &Path) -> [std::path::PathBuf; 2] {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let files = ["tls.pem", "tls.key"].map(|name| folder.join(name));
    fs::write(&files[0], certificate.pem()).unwrap();
    fs::write(&files[1], key.serialize_pem()).unwrap();
    fs::set_permissions(&files[1], fs::Permissions::from_mode(0o600)).unwrap();
    files
}

/// One whose certificate and key are beside its configuration.
fn site(listen: &str) -> Site {
    Site::with_files(listen, |folder| {
        let [certificate, key] = make(folder);
        format!(
            "certificate-file = '{}'\nkey-file = '{}'",
            certificate.display(),
            key.display()
        )
    })
}

fn client(site: &Site) -> (ClientConnection, TcpStream) {
    let pem = fs::read(site.rig.file("tls.pem")).unwrap();
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(&pem).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(("127.0.0.1", site.port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    (connection, stream)
}

#[test]
fn an_address_that_others_reach_is_served_encrypted_and_not_otherwise() {
    let site = site("0.0.0.0");
    let _serving = site.start();
    let token = site.token("vera", &["--role", "viewer"]);
    let (mut connection, mut stream) = client(&site);
    let mut tls = Stream::new(&mut connection, &mut stream);
    let request = format!(
        "GET /tasking/satellites HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Connection: close\r\n\r\n"
    );
    tls.write_all(request.as_bytes()).unwrap();
    let mut said = Vec::new();
    // The other end may close without a word.
    let _ = tls.read_to_end(&mut said);
    let said = String::from_utf8_lossy(&said);
    assert!(
        said.starts_with("HTTP/1.1 200") && said.contains("\"FM1\""),
        "{said}"
    );

    let mut plain = TcpStream::connect(("127.0.0.1", site.port)).unwrap();
    plain
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    plain
        .write_all(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said);
    assert!(
        !said.starts_with(b"HTTP"),
        "{}",
        String::from_utf8_lossy(&said)
    );
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let site = site("127.0.0.1");
    let key = site.rig.file("tls.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let outcome = site.rig.run(&["serve"]);
    assert_eq!(outcome.0, 1);
    assert!(outcome.2.contains("tls.key"), "{}", outcome.2);
}
