//! The client of the OORT-style agent in C, and programs that use it.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::workspace;

/// The library, as a payload team builds it.
pub struct CClient(TempDir);

impl CClient {
    /// Builds it; panics with what the compiler says.
    #[track_caller]
    pub fn build() -> Self {
        let folder = TempDir::new().expect("a directory");
        let build = Self::sources().join("build.sh");
        succeeds(Command::new("sh").arg(build).arg(folder.path()));
        Self(folder)
    }

    /// Where its sources are.
    pub fn sources() -> PathBuf {
        workspace().join("clients/c")
    }

    /// Builds a program of one file with it; a warning is an error.
    #[track_caller]
    pub fn program(&self, source: &Path) -> PathBuf {
        let name = source.file_stem().expect("a file of C");
        let program = self.0.path().join(name);
        succeeds(
            Command::new("cc")
                .args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"])
                .args([Path::new("-I"), &Self::sources(), source])
                .args([Path::new("-o"), &program])
                .args([Path::new("-L"), self.0.path()])
                .arg("-lheliograph_oort"),
        );
        program
    }
}

#[track_caller]
fn succeeds(command: &mut Command) {
    let output = command.output().expect("a C compiler");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
