//! What a person sees: headings, and what came back, in colour on a terminal.

use std::io::{IsTerminal, Write};

/// Longest excerpt of an answer, in characters.
const EXCERPT_CHARS: usize = 160;

pub(crate) struct Show {
    coloured: bool,
    step: usize,
    steps: usize,
}

impl Show {
    pub(crate) fn new(steps: usize) -> Show {
        let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Show {
            coloured,
            step: 0,
            steps,
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        match self.coloured {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_string(),
        }
    }

    pub(crate) fn title(&self, text: &str) {
        line(&self.paint("1;36", text));
    }

    /// Begins the next step; gives its number.
    pub(crate) fn step(&mut self, text: &str) -> usize {
        self.step += 1;
        let number = self.paint("1;33", &format!("[{}/{}]", self.step, self.steps));
        line(&format!("\n{number} {}", self.paint("1", text)));
        self.step
    }

    /// What is sent up.
    pub(crate) fn up(&self, text: &str) {
        line(&format!("    {} {text}", self.paint("34", "up  ▲")));
    }

    /// What comes down.
    pub(crate) fn down(&self, text: &str) {
        let mut excerpt: String = text.chars().take(EXCERPT_CHARS).collect();
        if excerpt.len() < text.len() {
            excerpt += &format!(" … ({} octets in all)", text.len());
        }
        line(&format!("    {} {excerpt}", self.paint("32", "down▼")));
    }

    pub(crate) fn note(&self, text: &str) {
        line(&format!("    {}", self.paint("2", text)));
    }

    /// What a step has shown.
    pub(crate) fn proven(&self, text: &str) {
        line(&format!("    {} {text}", self.paint("1;32", "proven:")));
    }

    pub(crate) fn end(&self, text: &str) {
        line(&format!("\n{}", self.paint("1;32", text)));
    }
}

/// Prints a line. When nobody reads any more, there is nothing left to show: this
/// unwinds without a word, and the parties and their files go with it.
pub(crate) fn line(text: &str) {
    if writeln!(std::io::stdout(), "{text}").is_err() {
        std::panic::resume_unwind(Box::new(()));
    }
}
