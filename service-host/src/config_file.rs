//! The configuration file: finding it, reading it, and taking typed tables
//! out of it.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// Where a service looks for its configuration when the command line names no
/// file, in this order.
pub const CONFIG_CANDIDATES: [&str; 2] = ["./config.toml", "/etc/heliograph/config.toml"];

/// Longest configuration file read. A larger one is a mistake (a log, a device),
/// not a configuration.
pub const CONFIG_BYTES_MAX: u64 = 1024 * 1024;

/// A configuration file, read and parsed once.
#[derive(Clone, Debug, Default)]
pub struct ConfigFile {
    /// Where it was read from; `None` if there is none and defaults hold.
    pub path: Option<PathBuf>,
    /// Its parsed content.
    pub table: toml::Table,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file named on the command line, or one found by search, cannot be read.
    #[error("cannot read the configuration file {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },

    /// The file is longer than [`CONFIG_BYTES_MAX`].
    #[error("the configuration file {} is longer than {CONFIG_BYTES_MAX} bytes; is it the right file?", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },

    /// The file is not TOML.
    #[error("{}:{line}:{column}: not valid TOML: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line of the error, from 1.
        line: usize,
        /// Column of the error in characters, from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },

    /// A table does not hold what its reader expects: a value of the wrong
    /// type or out of range, a missing key, or an unknown one.
    #[error("{file}: [{table}]: {message}")]
    Section {
        /// The file, or a phrase that says there is none.
        file: String,
        /// Path of the table, joined by dots.
        table: String,
        /// What is wrong, with the key.
        message: String,
    },
}

impl ConfigFile {
    /// Finds and reads the configuration: `explicit` if it is given (it must
    /// then exist), else the first of [`CONFIG_CANDIDATES`] that exists, else
    /// none, which leaves every setting at its default. The log says which.
    pub fn find(explicit: Option<&Path>) -> Result<Self, ConfigError> {
        let found = Self::find_among(explicit, &CONFIG_CANDIDATES)?;
        match &found.path {
            Some(path) => log::info!("configuration: {}", path.display()),
            None => log::info!(
                "configuration: defaults, as neither {} exists",
                CONFIG_CANDIDATES.join(" nor ")
            ),
        }
        Ok(found)
    }

    /// [`ConfigFile::find`] with other places to search, and without a word in
    /// the log.
    ///
    /// A candidate that exists but cannot be read stops the search with an
    /// error: falling through to the next would run the service with settings
    /// that its operator did not mean.
    pub fn find_among<P: AsRef<Path>>(
        explicit: Option<&Path>,
        candidates: &[P],
    ) -> Result<Self, ConfigError> {
        if let Some(path) = explicit {
            return Self::read(path);
        }
        for candidate in candidates {
            match Self::read(candidate.as_ref()) {
                Err(ConfigError::Unreadable { cause, .. })
                    if cause.kind() == io::ErrorKind::NotFound => {}
                read => return read,
            }
        }
        Ok(Self::default())
    }

    /// Reads and parses the file at `path`.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |cause| ConfigError::Unreadable {
            path: path.to_owned(),
            cause,
        };
        let mut text = String::new();
        File::open(path)
            .and_then(|file| file.take(CONFIG_BYTES_MAX + 1).read_to_string(&mut text))
            .map_err(unreadable)?;
        if text.len() as u64 > CONFIG_BYTES_MAX {
            return Err(ConfigError::TooLong {
                path: path.to_owned(),
            });
        }
        let table = parse(path, &text)?;
        Ok(Self {
            path: Some(path.to_owned()),
            table,
        })
    }

    /// The file's path, or a phrase that says there is none: for errors.
    pub fn name(&self) -> String {
        match &self.path {
            Some(path) => path.display().to_string(),
            None => "default configuration".to_owned(),
        }
    }

    /// Takes the table at the path `name` (`&["ethernet-service", "addr"]`) as
    /// a `T`; `None` if there is no such table.
    ///
    /// Strictness is `T`'s: give it `#[serde(deny_unknown_fields)]`, so that a
    /// mistyped key is refused, with its name, instead of silently ignored.
    pub fn section<T: DeserializeOwned>(&self, name: &[&str]) -> Result<Option<T>, ConfigError> {
        let mut table = &self.table;
        for (depth, key) in name.iter().enumerate() {
            table = match table.get(*key) {
                None => return Ok(None),
                Some(toml::Value::Table(inner)) => inner,
                Some(_) => {
                    let path = name.get(..=depth).unwrap_or(name);
                    return Err(self.section_error(path, "must be a table".to_owned()));
                }
            };
        }
        table
            .clone()
            .try_into()
            .map(Some)
            .map_err(|error: toml::de::Error| self.section_error(name, one_line(&error)))
    }

    fn section_error(&self, name: &[&str], message: String) -> ConfigError {
        ConfigError::Section {
            file: self.name(),
            table: name.join("."),
            message,
        }
    }
}

fn parse(path: &Path, text: &str) -> Result<toml::Table, ConfigError> {
    text.parse().map_err(|error: toml::de::Error| {
        let offset = error.span().map_or(0, |span| span.start);
        let (line, column) = position(text, offset);
        ConfigError::Syntax {
            path: path.to_owned(),
            line,
            column,
            message: error.message().trim().replace('\n', "; "),
        }
    })
}

/// Line and column, from 1, of the byte at `offset`.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |tail| tail.chars().count())
        + 1;
    (line, column)
}

/// The message of a typed error, which the `toml` crate spreads over lines
/// ("…\nin `addr.port`").
fn one_line(error: &toml::de::Error) -> String {
    error
        .to_string()
        .lines()
        .map(str::trim)
        .collect::<Vec<_>>()
        .join(" ")
}
