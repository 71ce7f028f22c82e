//! The key file: text, one line for each generation of the link's master key.
//!
//! ```text
//! # generation   64 hex digits
//! 1   8f0c…e1
//! 2   03d4…77
//! ```
//!
//! One line, or two during a rotation: then both are accepted, and the ground
//! sends under that of the last line. `head -c 32 /dev/urandom | xxd -p -c 64`
//! makes a key. Errors never repeat what stands in the file.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::keys::{GENERATIONS_MAX, KEY_BYTES, Key, KeyRing};

/// Longest key file, in octets.
pub const KEY_FILE_BYTES_MAX: u64 = 4096;

/// Why a key file is refused.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read.
    #[error("the key file {} cannot be read: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Others could read or replace it.
    #[error("the key file {} {problem}", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// It says something that is no key.
    #[error("the key file {}: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// In which line, what; never the line.
        problem: String,
    },
}

impl KeyRing {
    /// Reads a key file: a regular file of mode 0600 or stricter that belongs to us
    /// or to root.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn load(path: &Path) -> Result<KeyRing, KeyFileError> {
        let io = |cause| KeyFileError::Io {
            path: path.to_path_buf(),
            cause,
        };
        // The kind is asked first, so that a FIFO in its place blocks nobody.
        let kind = std::fs::metadata(path).map_err(io)?;
        check_exposure(&kind).map_err(|problem| exposed(path, problem))?;
        let file = File::open(path).map_err(io)?;
        // Asked again of what was really opened.
        let opened = file.metadata().map_err(io)?;
        check_exposure(&opened).map_err(|problem| exposed(path, problem))?;
        let mut text = Zeroizing::new(Vec::with_capacity(KEY_FILE_BYTES_MAX as usize + 1));
        file.take(KEY_FILE_BYTES_MAX + 1)
            .read_to_end(&mut text)
            .map_err(io)?;
        KeyRing::parse(&text).map_err(|problem| KeyFileError::Content {
            path: path.to_path_buf(),
            problem,
        })
    }

    /// Reads the text of a key file.
    ///
    /// # Errors
    /// What is wrong, without a word of the text.
    pub fn parse(text: &[u8]) -> Result<KeyRing, String> {
        if text.len() as u64 > KEY_FILE_BYTES_MAX {
            return Err(format!("it is longer than {KEY_FILE_BYTES_MAX} octets"));
        }
        let text = std::str::from_utf8(text).map_err(|_| "it is no text".to_string())?;
        let mut keys: Vec<(u8, Key)> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let number = index + 1;
            let (generation, key) =
                parse_line(line).map_err(|problem| format!("line {number}: {problem}"))?;
            if keys.iter().any(|(known, _)| *known == generation) {
                return Err(format!(
                    "line {number}: generation {generation} stands twice"
                ));
            }
            if keys.iter().any(|(_, known)| **known == *key) {
                return Err(format!("line {number}: the same key stands twice"));
            }
            keys.push((generation, key));
        }
        match keys.len() {
            0 => Err("there is no key in it: write a line `1 <64 hex digits>`".to_string()),
            1..=GENERATIONS_MAX => Ok(KeyRing::new(keys)),
            count => Err(format!(
                "{count} generations are more than the {GENERATIONS_MAX} that can be active"
            )),
        }
    }
}

fn parse_line(line: &str) -> Result<(u8, Key), String> {
    let mut words = line.split_whitespace();
    let (generation, digits, more) = (words.next(), words.next(), words.next());
    let (Some(generation), Some(digits), None) = (generation, digits, more) else {
        return Err("write a generation and 64 hex digits".to_string());
    };
    let generation = generation.parse().ok();
    let generation = generation
        .filter(|generation| (1..=254).contains(generation))
        .ok_or("the generation must be a number in 1..=254")?;
    if digits.len() != 2 * KEY_BYTES {
        let count = digits.len();
        return Err(format!("the key has {count} digits; it must have 64"));
    }
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    for (octet, pair) in key.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let pair = pair.iter().map(|digit| (*digit as char).to_digit(16));
        for digit in pair {
            let digit = digit.ok_or("a key has only the digits 0-9 and a-f")?;
            *octet = (*octet << 4) | digit as u8;
        }
    }
    if key.iter().all(|octet| *octet == 0) {
        return Err("a key of zeros protects nothing".to_string());
    }
    Ok((generation, key))
}

fn exposed(path: &Path, problem: String) -> KeyFileError {
    KeyFileError::Exposed {
        path: path.to_path_buf(),
        problem,
    }
}

#[cfg(unix)]
fn check_exposure(found: &std::fs::Metadata) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt as _;
    if !found.is_file() {
        return Err("is no regular file".to_string());
    }
    let mode = found.mode() & 0o777;
    if mode & 0o177 != 0 {
        return Err(format!("has mode {mode:o}: run chmod 600 on it"));
    }
    let (owner, own) = (found.uid(), own_user()?);
    if owner != own && owner != 0 {
        return Err(format!(
            "belongs to user {owner}: it must belong to user {own}, who runs this, or to root"
        ));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_exposure(found: &std::fs::Metadata) -> Result<(), String> {
    match found.is_file() {
        true => Ok(()),
        false => Err("is no regular file".to_string()),
    }
}

#[cfg(unix)]
fn own_user() -> Result<u32, String> {
    Ok(rustix::process::geteuid().as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1B1C1D1E1F";

    fn refused(text: &str) -> String {
        let problem = KeyRing::parse(text.as_bytes()).unwrap_err();
        assert!(!problem.contains("0203"), "{problem}");
        problem
    }

    #[test]
    fn one_or_two_generations_with_comments_are_read() {
        let other = KEY.replace("0001", "ff01");
        let ring = KeyRing::parse(format!("# key\n\n 3\t{KEY} # old\r\n7 {other}\n").as_bytes());
        let ring = ring.unwrap();
        assert!(ring.has(3) && ring.has(7) && !ring.has(1));
        assert_eq!(ring.newest(), 7);
    }

    #[test]
    fn what_is_no_good_key_is_refused_without_being_repeated() {
        let zeros = "0".repeat(64);
        let cases = [
            (format!("1 {zeros}"), "zeros"),
            (format!("1 {}", &KEY[2..]), "62 digits"),
            (format!("1 {KEY}00"), "66 digits"),
            (format!("1 {}", KEY.replace("1B", "xx")), "0-9"),
            (format!("1 {}", KEY.replace("1B", "é")), "0-9"),
            (format!("0 {KEY}"), "1..=254"),
            (format!("255 {KEY}"), "1..=254"),
            (KEY.to_string(), "generation"),
            (format!("1 {KEY} {KEY}"), "generation"),
            (format!("1 {KEY}\n1 {KEY}"), "line 2: generation 1"),
            (format!("1 {KEY}\n2 {KEY}"), "same key"),
            (String::new(), "no key"),
            ("# nothing".to_string(), "no key"),
            ("#".repeat(5000), "longer"),
        ];
        for (text, expected) in cases {
            let problem = refused(&text);
            assert!(problem.contains(expected), "{problem}");
        }
        let more = format!(
            "1 {KEY}\n2 {}\n3 {}",
            KEY.replace("00", "01"),
            KEY.replace("00", "02")
        );
        assert!(refused(&more).contains("3 generations"));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("link.key");
        std::fs::write(&path, format!("1 {KEY}\n")).unwrap();
        for (mode, accepted) in [(0o600, true), (0o400, true), (0o640, false), (0o700, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            match KeyRing::load(&path) {
                Ok(_) => assert!(accepted, "{mode:o}"),
                Err(error) => {
                    let text = error.to_string();
                    assert!(!accepted && text.contains("chmod 600"), "{text}");
                }
            }
        }
        let error = KeyRing::load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("no regular file"), "{error}");
        let error = KeyRing::load(&dir.path().join("none")).unwrap_err();
        assert!(error.to_string().contains("cannot be read"));
    }
}
