//! Clients that a public generator, `openapi-python-client`, makes of OpenAPI documents.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::referee;

/// A client as a package of Python.
pub struct GeneratedClient {
    folder: TempDir,
}

impl GeneratedClient {
    /// The package `name` of this document. Panics where the generator leaves anything of it
    /// out, or is not installed.
    #[track_caller]
    pub fn of(name: &str, document: &str) -> Self {
        let folder = TempDir::new().expect("a directory");
        let path = folder.path().join("openapi.json");
        fs::write(&path, document).expect("the document");
        let settings = folder.path().join("generator.yml");
        // What it makes is not made beautiful.
        fs::write(&settings, "post_hooks: []\n").expect("its settings");
        let output = Command::new(referee::python())
            .args(["-m", "openapi_python_client", "generate"])
            .args(["--fail-on-warning", "--meta", "none"])
            .args([Path::new("--path"), &path])
            .args([Path::new("--config"), &settings])
            .args([Path::new("--output-path"), &folder.path().join(name)])
            .output()
            .expect("the generator");
        assert!(
            output.status.success(),
            "the generator ended with {}; if it is missing, run `cargo xtask setup`:\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        Self { folder }
    }

    /// An interpreter that finds the package.
    pub fn python(&self) -> Command {
        let mut command = Command::new(referee::python());
        command.arg("-B").env("PYTHONPATH", self.folder.path());
        command
    }
}
