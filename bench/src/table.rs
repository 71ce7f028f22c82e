//! The figures: a table for people, JSON for what compares runs.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::{IsTerminal, Write as _, stdout};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::figure::{Figure, Goal, Spread};
use crate::section::Section;

const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

/// The figures of each section, on standard output.
pub(crate) fn show(figures: &[(Section, Vec<Figure>)]) {
    let may_colour = stdout().is_terminal() && env::var_os("NO_COLOR").is_none();
    let _ = write!(stdout(), "{}", text(figures, may_colour));
}

/// All columns but the first are as wide as this; the first as its widest name.
const WIDTHS: [usize; 5] = [28, 28, 8, 9, 4];
const HEADS: [&str; 5] = ["ours", "floor", "ratio", "goal", "met"];

fn text(figures: &[(Section, Vec<Figure>)], may_colour: bool) -> String {
    let names = figures.iter().flat_map(|(_, figures)| figures);
    let name_width = names
        .map(|figure| label(figure).chars().count())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for (section, figures) in figures {
        let mut line = format!("{:<name_width$}", section.name());
        for (head, width) in HEADS.iter().zip(WIDTHS) {
            let _ = write!(line, "  {head:>width$}");
        }
        let _ = writeln!(text, "\n{line}\n{}", "-".repeat(line.chars().count()));
        for figure in figures {
            let _ = write!(text, "{:<name_width$}", label(figure));
            let cells = [
                spread(figure.ours),
                figure.floor.map_or_else(String::new, spread),
                figure.ratio.map_or_else(String::new, number),
                figure
                    .goal
                    .map_or_else(String::new, |goal| goal.to_string()),
                verdict(figure.is_met()).to_owned(),
            ];
            let colour = match figure.is_met() {
                Some(true) if may_colour => GREEN,
                Some(false) if may_colour => RED,
                _ => "",
            };
            let _ = write!(text, "{colour}");
            for (cell, width) in cells.iter().zip(WIDTHS) {
                let _ = write!(text, "  {cell:>width$}");
            }
            let end = if colour.is_empty() { "" } else { PLAIN };
            let _ = writeln!(text, "{end}");
        }
    }
    text
}

fn label(figure: &Figure) -> String {
    match figure.unit {
        "" => figure.name.clone(),
        unit => format!("{}, {unit}", figure.name),
    }
}

fn verdict(is_met: Option<bool>) -> &'static str {
    match is_met {
        Some(true) => "yes",
        Some(false) => "NO",
        None => "",
    }
}

/// The median, and from where to where the rounds went if they differ.
fn spread(spread: Spread) -> String {
    let median = number(spread.median);
    let (min, max) = (number(spread.min), number(spread.max));
    match min == max {
        true => median,
        false => format!("{median} ({min} to {max})"),
    }
}

/// With as many digits as say something.
fn number(value: f64) -> String {
    match value.abs() {
        size if size == 0.0 || size >= 1000.0 => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Writes the figures as a JSON array.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write_json(file: &Path, figures: &[(Section, Vec<Figure>)]) -> Result<()> {
    let all = figures
        .iter()
        .flat_map(|(section, figures)| figures.iter().map(|figure| value(*section, figure)));
    let all: Vec<Value> = all.collect();
    let text = format!("{:#}\n", Value::from(all));
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

fn value(section: Section, figure: &Figure) -> Value {
    let range = |spread: Spread| json!({ "min": spread.min, "max": spread.max });
    json!({
        "section": section.name(),
        "name": figure.name,
        "unit": figure.unit,
        "ours": figure.ours.median,
        "floor": figure.floor.map(|floor| floor.median),
        "ratio": figure.ratio,
        "goal": figure.goal.map(|goal| match goal {
            Goal::AtLeast(least) => json!({ "at_least": least }),
            Goal::AtMost(most) => json!({ "at_most": most }),
        }),
        "met": figure.is_met(),
        "spread": {
            "ours": range(figure.ours),
            "floor": figure.floor.map(range),
        },
    })
}
