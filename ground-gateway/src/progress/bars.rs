//! How far files are.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::time::Instant;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};

use super::lines::{Lines, text};
use super::style;
use super::waiting::Progress;
use crate::error::one_line;
use crate::files::transfer::Transfer;
use crate::output::note;

/// Characters of a name before a bar.
const NAME_CHARACTERS_MAX: usize = 30;

/// How far one file is.
#[derive(Debug)]
pub(crate) struct TransferProgress {
    /// Until there is something to show.
    waiting: Option<Progress>,
    shows: Shows,
}

#[derive(Debug)]
enum Shows {
    Nothing,
    /// None until there is something to show.
    Bar(Option<ProgressBar>),
    Lines(Lines),
}

impl TransferProgress {
    /// Nothing is shown if `quiet`.
    pub(crate) fn start(quiet: bool, link: &str) -> Self {
        let shows = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Shows::Nothing,
            (false, true) => Shows::Bar(None),
            (false, false) => Shows::Lines(Lines::default()),
        };
        let waiting = || Progress::start(format!("waiting for link `{link}`"));
        TransferProgress {
            waiting: (!quiet).then(waiting),
            shows,
        }
    }

    /// So it stands now.
    pub(crate) fn show(&mut self, transfer: &Transfer) {
        // The line goes before the bar comes.
        drop(self.waiting.take());
        match &mut self.shows {
            Shows::Bar(Some(bar)) => set(bar, transfer),
            Shows::Bar(shown) => {
                let bar = shown.insert(bar(transfer));
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.tick();
            }
            Shows::Lines(lines) => {
                if let Some(line) = lines.next(Instant::now(), transfer) {
                    note(&line);
                }
            }
            Shows::Nothing => {}
        }
    }
}

impl Drop for TransferProgress {
    fn drop(&mut self) {
        if let Shows::Bar(Some(bar)) = &self.shows {
            bar.finish_and_clear();
        }
    }
}

/// How far many files are.
#[derive(Debug)]
pub(crate) struct Bars {
    all: MultiProgress,
    of: BTreeMap<String, ProgressBar>,
}

impl Bars {
    pub(crate) fn start() -> Self {
        Bars {
            all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            of: BTreeMap::new(),
        }
    }

    /// So they stand now.
    pub(crate) fn show(&mut self, transfers: &[Transfer]) {
        let all = &self.all;
        self.of.retain(|id, bar| {
            let stays = transfers.iter().any(|transfer| transfer.id == *id);
            if !stays {
                all.remove(bar);
            }
            stays
        });
        for transfer in transfers {
            let known = self.of.entry(transfer.id.clone());
            set(known.or_insert_with(|| all.add(bar(transfer))), transfer);
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        // A terminal that is gone has nothing to clear.
        let _ = self.all.clear();
    }
}

/// Not drawn yet.
fn bar(transfer: &Transfer) -> ProgressBar {
    let bar = ProgressBar::hidden().with_style(style("{prefix} [{bar:20}] {wide_msg}"));
    set(&bar, transfer);
    bar
}

fn set(bar: &ProgressBar, transfer: &Transfer) {
    // Less than there is, until there is something.
    bar.set_length(transfer.size.unwrap_or(u64::MAX).max(1));
    bar.set_prefix(short(&one_line(&transfer.remote)));
    bar.set_message(text(transfer));
    bar.set_position(transfer.octets);
}

/// The end of a long name, which tells more than its beginning.
fn short(name: &str) -> String {
    let surplus = name.chars().count().saturating_sub(NAME_CHARACTERS_MAX);
    match surplus {
        0 => name.to_owned(),
        surplus => format!("…{}", name.chars().skip(surplus + 1).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_leaves_room_for_its_bar() {
        assert_eq!(short("plan.bin"), "plan.bin");
        let long = format!("logs/{}/today.txt", "x".repeat(200));
        assert_eq!(short(&long).chars().count(), NAME_CHARACTERS_MAX);
        assert!(short(&long).ends_with("/today.txt"));
    }
}
