//! Whether a file can be called at all.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::super::running::PATH;
use super::finding::{Finding, Level};

/// Octets in which the first line of a script is.
const FIRST_LINE_BYTES_MAX: u64 = 256;

pub(super) fn look(path: &Path) -> Finding {
    match looked(path) {
        Ok(text) => Finding::new(Level::Ok, "file", text),
        Err(text) => Finding::new(Level::Failure, "file", text),
    }
}

fn looked(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let about = fs::metadata(path).map_err(|error| format!("{shown}: {error}"))?;
    if !about.is_file() {
        return Err(format!("{shown} is no file"));
    }
    let mode = about.permissions().mode() & 0o777;
    if mode & 0o111 == 0 {
        return Err(format!(
            "it is not executable (mode {mode:03o}): chmod 755 it, or upload it with executable=true"
        ));
    }
    let mut begin = Vec::new();
    let read = File::open(path).and_then(|file| {
        let mut file = file.take(FIRST_LINE_BYTES_MAX);
        file.read_to_end(&mut begin)
    });
    read.map_err(|error| format!("{shown}: {error}"))?;
    if begin.starts_with(b"\x7fELF") {
        return Ok("an executable program".to_owned());
    }
    let Some(line) = begin.strip_prefix(b"#!") else {
        return Err(
            "it begins neither with `#!` and an interpreter nor as a program of this system: the \
             call fails with `Exec format error`"
                .to_owned(),
        );
    };
    let line = line.split(|octet| *octet == b'\n').next();
    let line = String::from_utf8_lossy(line.unwrap_or_default());
    if line.ends_with('\r') {
        return Err(
            "its lines end with CR LF: the interpreter that is looked for has a CR at the end of \
             its name. Save it with LF"
                .to_owned(),
        );
    }
    interpreted(&line)
}

fn interpreted(line: &str) -> Result<String, String> {
    let mut words = line.split_ascii_whitespace();
    let interpreter = words.next().unwrap_or_default();
    if !Path::new(interpreter).is_file() {
        return Err(format!(
            "its interpreter `{}` is not there: a payload has its own, or the first line is wrong",
            interpreter.escape_debug()
        ));
    }
    if Path::new(interpreter)
        .file_name()
        .is_some_and(|name| name == "env")
    {
        let name = words.find(|word| *word != "-S" && !word.contains('='));
        let name = name.unwrap_or_default();
        let found = PATH
            .split(':')
            .map(|folder| PathBuf::from(folder).join(name));
        return match found.into_iter().find(|path| path.is_file()) {
            Some(found) => Ok(format!("a script for {}", found.display())),
            None => Err(format!(
                "its interpreter `{}` is not in PATH, which on board is {PATH}",
                name.escape_debug()
            )),
        };
    }
    Ok(format!("a script for {interpreter}"))
}
