//! What is being waited for, and how far files are: bars on a terminal, plain lines
//! elsewhere.

mod bars;
mod lines;
mod waiting;

use indicatif::ProgressStyle;

pub(crate) use bars::{Bars, TransferProgress};
pub(crate) use lines::octets_text;
pub(crate) use waiting::Progress;

fn style(template: &str) -> ProgressStyle {
    // The template is ours; another would show the usual bar.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
