//! What does not fit.

use std::fmt;

/// A field that holds what it is not to hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Invalid {
    /// Which, as the `.proto` files name it; within others, with their names before it.
    pub field: String,
    /// Why.
    pub problem: Problem,
}

/// Why a value does not fit its field.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The original would have made it empty.
    #[error("has {octets} octets; at most {octets_max} fit")]
    TooLong {
        /// Octets there are.
        octets: usize,
        /// Octets that fit.
        octets_max: usize,
    },
    /// It is to say something.
    #[error("is empty")]
    Empty,
    /// A string would end there.
    #[error("holds an octet of 0")]
    Nul,
    /// The original would have made another number of it.
    #[error("is {value}; {min} to {max} fit")]
    OutOfRange {
        /// The number.
        value: i64,
        /// The smallest that fits.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// It names nothing.
    #[error("is {value}, which has no meaning")]
    NoSuch {
        /// The number.
        value: i32,
    },
    /// There are more than the original has room for.
    #[error("has {count} entries; at most {count_max} fit")]
    TooMany {
        /// Entries there are.
        count: usize,
        /// Entries that fit.
        count_max: usize,
    },
    /// The original would have read what is not there.
    #[error("is said to have {stated} entries, and has {there}")]
    Fewer {
        /// Entries there are said to be.
        stated: i32,
        /// Entries there are.
        there: usize,
    },
    /// It is no number.
    #[error("is infinite or no number")]
    NotFinite,
    /// It is not there.
    #[error("is missing")]
    Missing,
}

impl From<Problem> for Invalid {
    fn from(problem: Problem) -> Self {
        Invalid {
            field: String::new(),
            problem,
        }
    }
}

impl Invalid {
    /// Of that field.
    pub(crate) fn of(mut self, field: &str) -> Self {
        let separator = match self.field.chars().next() {
            None | Some('[') => "",
            Some(_) => ".",
        };
        self.field = format!("{field}{separator}{}", self.field);
        self
    }

    /// Of that entry.
    pub(crate) fn at(mut self, index: usize) -> Self {
        let separator = if self.field.is_empty() { "" } else { "." };
        self.field = format!("[{index}]{separator}{}", self.field);
        self
    }
}

impl std::error::Error for Invalid {}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.problem)
    }
}
