//! A file for a payload.

use std::fmt;
use std::str::FromStr;

/// Octets of a destination at most.
pub(crate) const DESTINATION_BYTES_MAX: usize = 255;
/// Of the last part of one at most: it names a file.
const NAME_BYTES_MAX: usize = 128;

/// Beneath these nothing of a customer goes: they are the system's.
const FORBIDDEN: [&str; 16] = [
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib64",
    "/usr/sbin",
];

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UploadOrder {
    pub(crate) satellite: String,
    pub(crate) payload: String,
    pub(crate) destination: String,
    pub(crate) is_executable: bool,
    pub(crate) itar: bool,
}

/// An upload that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upload {
    /// Ascends.
    pub(crate) number: i64,
    /// A UUID: that of the bundle, too.
    pub(crate) id: String,
    pub(crate) order: UploadOrder,
    /// Its name on board.
    pub(crate) name: String,
    pub(crate) user: String,
    pub(crate) bytes: u64,
    /// When all of it had come, in seconds since 1970.
    pub(crate) taken_s: i64,
    pub(crate) state: UploadState,
    /// Why it failed or is cancelled.
    pub(crate) reason: String,
}

/// How an upload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UploadState {
    /// Nothing of it went up.
    Pending,
    /// It goes up.
    Uploading,
    /// The spacecraft has it, whole.
    Uploaded,
    /// It does not, and will not.
    Failed,
    /// Nobody wants it any more.
    Cancelled,
}

impl UploadState {
    pub(crate) const ALL: [UploadState; 5] = [
        UploadState::Pending,
        UploadState::Uploading,
        UploadState::Uploaded,
        UploadState::Failed,
        UploadState::Cancelled,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            UploadState::Pending => "PENDING",
            UploadState::Uploading => "UPLOADING",
            UploadState::Uploaded => "UPLOADED",
            UploadState::Failed => "FAILED",
            UploadState::Cancelled => "CANCELLED",
        }
    }
}

impl fmt::Display for UploadState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for UploadState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is no state of an upload"))
    }
}

/// Whether a file may go there; gives the name that it has on board.
pub(crate) fn check_destination(destination: &str) -> Result<&str, String> {
    let refuse = |problem: &str| Err(format!("destination_path {destination:?}: {problem}"));
    if destination.len() > DESTINATION_BYTES_MAX {
        return refuse(&format!("{DESTINATION_BYTES_MAX} octets are the most"));
    }
    if destination.chars().any(char::is_control) {
        return refuse("it has a control character");
    }
    let beneath = destination.strip_prefix('/').unwrap_or(destination);
    let mut parts = beneath.split('/');
    if parts.any(|part| matches!(part, "" | "." | "..")) {
        return refuse("write a path to a file, without empty parts, `.` and `..`");
    }
    let is_beneath = |folder: &&&str| {
        let rest = destination.strip_prefix(**folder);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if let Some(folder) = FORBIDDEN.iter().find(is_beneath) {
        return refuse(&format!("{folder} is the system's"));
    }
    let name = beneath.rsplit('/').next().unwrap_or(beneath);
    match name.len() <= NAME_BYTES_MAX {
        true => Ok(name),
        false => refuse(&format!(
            "the name of the file has more than {NAME_BYTES_MAX} octets"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_a_path_to_a_file_of_the_customer() {
        for (destination, name) in [
            ("/signaling/inbox/john/plan.json", "plan.json"),
            ("model.bin", "model.bin"),
            ("a/b c", "b c"),
            ("/etcetera/x", "x"),
        ] {
            assert_eq!(check_destination(destination), Ok(name));
        }
        for destination in [
            "",
            "/",
            "a/",
            "//a",
            "a//b",
            "../a",
            "/opt/../etc/passwd",
            "/etc/passwd",
            "/etc",
            "a\nb",
            "/usr/bin/x",
            &"x".repeat(129),
            &format!("/{}", "x/".repeat(130)),
        ] {
            assert!(check_destination(destination).is_err(), "{destination:?}");
        }
    }
}
