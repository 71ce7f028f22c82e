//! A real `sshd` on this machine, with keys that are thrown away.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use heliograph_tests::binaries::ChildGuard;
use heliograph_tests::payload::PATIENCE;
use heliograph_tests::ports::free_tcp_port;
use tempfile::TempDir;

use super::rig::executable;

pub(super) struct Sshd {
    folder: TempDir,
    port: u16,
}

fn key(path: &Path) {
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]);
    assert!(keygen.arg(path).status().unwrap().success());
}

fn user() -> String {
    let user = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(user.stdout).unwrap().trim().to_owned()
}

impl Sshd {
    /// Its keys and its configuration. Its `date` only notes what it is called with.
    pub(super) fn new() -> Sshd {
        let folder = TempDir::new().unwrap();
        let port = free_tcp_port();
        let sshd = Sshd { folder, port };
        key(&sshd.path("host_key"));
        key(&sshd.path("identity"));
        fs::copy(sshd.path("identity.pub"), sshd.path("authorized_keys")).unwrap();
        let host_key = fs::read_to_string(sshd.path("host_key.pub")).unwrap();
        sshd.know(&host_key);
        fs::create_dir(sshd.path("bin")).unwrap();
        let note = format!(
            "#!/bin/sh\necho \"$@\" >> '{}'\n",
            sshd.path("date").display()
        );
        executable(&sshd.path("bin/date"), &note);
        let at = sshd.folder.path().display();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/host_key\nPidFile none\n\
             AuthorizedKeysFile {at}/authorized_keys\nStrictModes no\nUsePAM no\n\
             PasswordAuthentication no\nPermitRootLogin prohibit-password\n\
             SetEnv PATH={at}/bin:/usr/bin:/bin\n"
        );
        fs::write(sshd.path("config"), config).unwrap();
        // A daemon of root wants it, and only its service makes it.
        let _ = fs::create_dir_all("/run/sshd");
        sshd
    }

    /// The client knows that key of it.
    pub(super) fn know(&self, key: &str) {
        let known = format!("[127.0.0.1]:{} {key}", self.port);
        fs::write(self.path("known_hosts"), known).unwrap();
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn start(&self) -> ChildGuard {
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-e", "-f"]).arg(self.path("config"));
        let sshd = ChildGuard::spawn(&mut command);
        sshd.wait_for_line("Server listening", PATIENCE);
        sshd
    }

    /// `transport` of a payload there.
    pub(super) fn transport(&self) -> String {
        let at = self.folder.path().display();
        format!(
            "transport = {{ ssh = '{}@127.0.0.1', port = {}, identity-file = '{at}/identity', \
             known-hosts-file = '{at}/known_hosts' }}",
            user(),
            self.port
        )
    }

    /// What its `date` was called with.
    pub(super) fn dates(&self) -> String {
        fs::read_to_string(self.path("date")).unwrap_or_default()
    }

    /// Another key.
    pub(super) fn another_key(&self) -> String {
        key(&self.path("another"));
        fs::read_to_string(self.path("another.pub")).unwrap()
    }

    /// Whoever is connected is cut off.
    pub(super) fn cut(&self, sshd: ChildGuard) {
        let children = format!("/proc/{}/task/{}/children", sshd.id(), sshd.id());
        let children = fs::read_to_string(children).unwrap();
        for child in children.split_whitespace() {
            let killed = Command::new("kill")
                .args(["-KILL", child])
                .status()
                .unwrap();
            assert!(killed.success());
        }
        drop(sshd);
    }
}

/// Permissions of a file.
pub(super) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
