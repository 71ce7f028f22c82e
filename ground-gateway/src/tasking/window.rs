//! A window: a payload is at work for a time.

use std::fmt;
use std::str::FromStr;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WindowOrder {
    pub(crate) window_type: String,
    pub(crate) satellite: String,
    /// In seconds since 1970.
    pub(crate) start_s: i64,
    pub(crate) duration_s: i64,
    /// A JSON object, as it was written.
    pub(crate) parameters: String,
}

/// When a payload is busy: a window and its buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start_s: i64,
    pub(crate) end_s: i64,
    pub(crate) pre_buffer_s: i64,
    pub(crate) post_buffer_s: i64,
}

impl Span {
    pub(crate) fn busy_from_s(&self) -> i64 {
        self.start_s.saturating_sub(self.pre_buffer_s)
    }

    /// The first second that is free again.
    pub(crate) fn busy_to_s(&self) -> i64 {
        self.end_s.saturating_add(self.post_buffer_s)
    }
}

/// A window that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) id: i64,
    pub(crate) order: WindowOrder,
    pub(crate) span: Span,
    /// As the configuration calls it.
    pub(crate) payload: String,
    /// Whose it is.
    pub(crate) user: String,
    pub(crate) state: WindowState,
    /// Why it failed or is cancelled.
    pub(crate) reason: String,
    /// What the spacecraft says of its steps: JSON.
    pub(crate) result: Option<String>,
    /// Whether the spacecraft may know it.
    pub(crate) is_offered: bool,
}

/// How a window stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WindowState {
    /// The spacecraft has not said that it has it.
    PendingSync,
    /// The spacecraft has it.
    Synced,
    /// It is to be cancelled, and the spacecraft may have it.
    PendingCancel,
    /// It ran.
    Executed,
    /// It did not, or not to its end.
    Failed,
    /// Nobody wants it any more.
    Cancelled,
}

impl WindowState {
    pub(crate) const ALL: [WindowState; 6] = [
        WindowState::PendingSync,
        WindowState::Synced,
        WindowState::PendingCancel,
        WindowState::Executed,
        WindowState::Failed,
        WindowState::Cancelled,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            WindowState::PendingSync => "PENDING_SYNC",
            WindowState::Synced => "SYNCED",
            WindowState::PendingCancel => "PENDING_CANCEL",
            WindowState::Executed => "EXECUTED",
            WindowState::Failed => "FAILED",
            WindowState::Cancelled => "CANCELLED",
        }
    }
}

impl fmt::Display for WindowState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for WindowState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|state| state.as_str()).collect();
            format!("{text:?} is no state; there are {}", known.join(", "))
        })
    }
}
