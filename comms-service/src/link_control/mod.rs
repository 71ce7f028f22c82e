//! Link control: what the two ends of a link tell each other. One unsegmented
//! packet each; the first octet is the type.

mod reception_report;

pub use reception_report::{Heard, ReceptionReport, ReceptionReportError};
