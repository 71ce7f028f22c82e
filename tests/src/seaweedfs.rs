//! SeaweedFS, an S3 server in software by others: the program itself, on loopback, with its
//! data in a folder of its own.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::binaries::ChildGuard;
use crate::ports::free_tcp_port;
use crate::wait::within;
use crate::workspace;

/// How long it may take until it answers.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Who may do everything.
pub const ACCESS_KEY: &str = "linkaccess";
/// The key that belongs to it.
pub const SECRET_KEY: &str = "linksecret";
/// Who may read and nothing else.
pub const READER_ACCESS_KEY: &str = "readaccess";
/// The key that belongs to it.
pub const READER_SECRET_KEY: &str = "readsecret";

const IDENTITIES: &str = r#"{"identities": [
  {"name": "link", "credentials": [{"accessKey": "linkaccess", "secretKey": "linksecret"}],
   "actions": ["Admin", "Read", "Write", "List", "Tagging"]},
  {"name": "reader", "credentials": [{"accessKey": "readaccess", "secretKey": "readsecret"}],
   "actions": ["Read", "List"]}
]}"#;

/// A server that runs. Dropped, it is killed, and its data is gone.
#[derive(Debug)]
pub struct SeaweedFs {
    process: ChildGuard,
    folder: TempDir,
    s3: u16,
    filer: u16,
}

impl SeaweedFs {
    /// Starts one, and waits until it answers; panics with what to do where it is not
    /// installed.
    #[track_caller]
    pub fn start() -> Self {
        let program = workspace().join("target/referees/bin/weed");
        assert!(
            program.is_file(),
            "SeaweedFS is not installed: run `cargo xtask setup`"
        );
        let folder = TempDir::new().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("data")).expect("a folder for data");
        fs::write(path("s3.json"), IDENTITIES).expect("a file of identities");
        let (s3, filer) = (free_tcp_port(), free_tcp_port());
        let mut command = Command::new(program);
        command.current_dir(folder.path());
        command.args(["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-dir=data"]);
        // It tells nobody that it was here.
        command.arg("-master.telemetry=false");
        command.args(["-filer", "-s3", "-s3.config=s3.json"]);
        command.args(["-s3.autoCreateBucket=false", "-s3.port.iceberg=0"]);
        command.args(["-s3.port.lance=0", "-filer.localSocket=filer.sock"]);
        command.args(["-s3.localSocket=s3.sock", "-master.volumeSizeLimitMB=64"]);
        command.args(["-volume.max=0", "-volume.minFreeSpacePercent=0"]);
        command.args([format!("-s3.port={s3}"), format!("-filer.port={filer}")]);
        for port in [
            "master.port",
            "master.port.grpc",
            "volume.port",
            "volume.port.grpc",
            "filer.port.grpc",
            "s3.port.grpc",
        ] {
            command.arg(format!("-{port}={}", free_tcp_port()));
        }
        let process = ChildGuard::spawn(&mut command);
        let server = SeaweedFs {
            process,
            folder,
            s3,
            filer,
        };
        let is_up = || (ask(s3, "GET", "/healthz")? == 200).then_some(());
        if within(START_TIMEOUT, is_up).is_none() {
            let lines = server.process.lines();
            let last: Vec<&str> = lines
                .iter()
                .rev()
                .take(20)
                .map(|line| &*line.text)
                .collect();
            panic!("SeaweedFS does not answer; it wrote last: {last:#?}");
        }
        server
    }

    /// Makes a bucket.
    #[track_caller]
    pub fn make_bucket(&self, name: &str) {
        let path = format!("/buckets/{name}/");
        let made = || ask(self.filer, "POST", &path).filter(|status| *status == 201);
        assert!(
            within(START_TIMEOUT, made).is_some(),
            "no bucket {name} is to be had"
        );
    }

    /// Where S3 is.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.s3)
    }

    /// Files of an access key and a secret key.
    pub fn key_files(&self, access: &str, secret: &str) -> (PathBuf, PathBuf) {
        let write = |name: String, key: &str| {
            let path = self.folder.path().join(name);
            fs::write(&path, key).expect("a file of a key");
            fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("its mode");
            path
        };
        (
            write(format!("{access}.id"), access),
            write(format!("{access}.secret"), secret),
        )
    }
}

/// The status of a request without a body.
fn ask(port: u16, method: &str, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(READ_TIMEOUT)).ok()?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
         Content-Length: 0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    // It may be cut off behind the head, which is enough.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    answer.split(' ').nth(1)?.parse().ok()
}
