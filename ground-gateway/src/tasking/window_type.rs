//! Types of windows: how long before and after one its payload is busy, and how long one is.

use serde::Deserialize;

/// One type, as it is written in `[[tasking.window-types]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct WindowType {
    /// Its name, as `PAYLOAD_SDR`.
    pub(crate) name: String,
    /// The payload is made ready for so long before the start, in seconds.
    pub(crate) pre_buffer_s: i64,
    /// It is busy for so long after the end, in seconds.
    pub(crate) post_buffer_s: i64,
    /// A window is this long at least, in seconds.
    #[serde(default = "shortest")]
    pub(crate) duration_min_s: i64,
}

fn shortest() -> i64 {
    1
}

/// Those that are documented: name, buffers, least duration.
const DOCUMENTED: [(&str, i64, i64, i64); 11] = [
    ("LEASE_ADCS", 420, 420, 60),
    ("LEASE_ISL", 60, 60, 60),
    ("MAINTENANCE", 0, 0, 60),
    ("PAYLOAD_CORAL", 300, 150, 30),
    ("PAYLOAD_DEXTER", 220, 265, 1),
    ("PAYLOAD_IPI", 120, 210, 30),
    ("PAYLOAD_MARSUPIAL", 300, 150, 30),
    ("PAYLOAD_MYRIAD", 300, 150, 30),
    ("PAYLOAD_NANO", 300, 150, 30),
    ("PAYLOAD_SABERTOOTH", 180, 210, 30),
    ("PAYLOAD_SDR", 120, 210, 30),
];

impl WindowType {
    /// The types that there are without a word in the configuration.
    pub(crate) fn documented() -> Vec<WindowType> {
        let of =
            |(name, pre_buffer_s, post_buffer_s, duration_min_s): (&str, _, _, _)| WindowType {
                name: name.to_owned(),
                pre_buffer_s,
                post_buffer_s,
                duration_min_s,
            };
        DOCUMENTED.into_iter().map(of).collect()
    }
}
