//! What is wrong with the configuration, and where.

use service_host::config_file::{ConfigError, ConfigFile};

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A value is none.
    #[error("{place}: {message}")]
    Value {
        /// Of what.
        place: String,
        /// Why.
        message: String,
    },
    /// Two have the same.
    #[error("{what} {which} is there twice")]
    Twice {
        /// What.
        what: &'static str,
        /// Which.
        which: String,
    },
    /// Something names what is not there.
    #[error("{place}: there is no {what} {which}")]
    NoSuch {
        /// Who names it.
        place: String,
        /// What.
        what: &'static str,
        /// Which.
        which: String,
    },
    /// There are too many.
    #[error("{count} {what}, and {most} are the most")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
}

/// What is wrong, and in which file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// It is not as it is to be.
    #[error("{error}{hint}")]
    Written {
        /// What the reader says.
        error: ConfigError,
        /// What may have been meant.
        hint: String,
    },
    /// It reads well, and cannot be.
    #[error("{file}: [payload-controller]: {problem}")]
    Problem {
        /// Which file.
        file: String,
        /// What is wrong.
        problem: Problem,
    },
}

impl Problem {
    pub(super) fn of(self, file: &ConfigFile) -> SettingsError {
        SettingsError::Problem {
            file: file.name(),
            problem: self,
        }
    }

    pub(super) fn value(place: impl Into<String>, message: impl Into<String>) -> Self {
        Problem::Value {
            place: place.into(),
            message: message.into(),
        }
    }
}

/// With the known key that is most like the unknown one, if any is.
pub(super) fn explained(error: ConfigError) -> SettingsError {
    let text = error.to_string();
    let hint = nearest(&text).map(|nearest| format!(" (do you mean `{nearest}`?)"));
    SettingsError::Written {
        hint: hint.unwrap_or_default(),
        error,
    }
}

/// The reader says "unknown field `a`, expected one of `b`, `c`".
fn nearest(text: &str) -> Option<&str> {
    let (_, said) = text.split_once("unknown field `")?;
    let (unknown, said) = said.split_once('`')?;
    let known = said.split('`').skip(1).step_by(2);
    let ranked = known.map(|known| (strsim::damerau_levenshtein(unknown, known), known));
    let (distance, nearest) = ranked.min()?;
    (distance <= 1 + nearest.len() / 3).then_some(nearest)
}
