//! What is being waited for, and how far files are: bars on a terminal, plain lines
//! elsewhere.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::error::one_line;
use crate::files::transfer::{State, Transfer};
use crate::output::note;

/// Shorter waits need no explanation.
const SILENT: Duration = Duration::from_secs(1);
const REFRESH: Duration = Duration::from_secs(1);
/// Between two plain lines, at least.
const LINE_PAUSE: Duration = Duration::from_secs(5);
/// Characters of a name before a bar.
const NAME_CHARACTERS_MAX: usize = 30;
/// A plain line for each so many percent.
const LINE_PERCENT: u64 = 10;

/// Shows the line until it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    showing: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Waiting for `what`. Without a terminal at standard error, nothing is shown.
    pub(crate) fn start(what: String) -> Self {
        if !std::io::stderr().is_terminal() {
            return Progress { showing: None };
        }
        let (end, ended) = bounded::<()>(0);
        let began = Instant::now();
        let show = move || {
            let line = ProgressBar::hidden();
            line.set_style(style("{msg}"));
            let mut pause = SILENT;
            let mut shown = false;
            while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                let seconds = began.elapsed().as_secs();
                line.set_message(format!("{what} … {seconds} s"));
                if !shown {
                    line.set_draw_target(ProgressDrawTarget::stderr());
                }
                line.tick();
                (shown, pause) = (true, REFRESH);
            }
            line.finish_and_clear();
        };
        let thread = thread::Builder::new()
            .name("progress".to_owned())
            .spawn(show);
        Progress {
            showing: thread.ok().map(|thread| (end, thread)),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.showing.take() {
            drop(end);
            let _ = thread.join();
        }
    }
}

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

fn style(template: &str) -> ProgressStyle {
    // The template is ours; another would show the usual bar.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The end of a long name, which tells more than its beginning.
fn short(name: &str) -> String {
    let surplus = name.chars().count().saturating_sub(NAME_CHARACTERS_MAX);
    match surplus {
        0 => name.to_owned(),
        surplus => format!("…{}", name.chars().skip(surplus + 1).collect::<String>()),
    }
}

/// Which plain lines are worth it: when the state changes, at each tenth, and now and then
/// while something moves.
#[derive(Debug, Default)]
struct Lines {
    last: Option<(Instant, State, u64, u64)>,
}

impl Lines {
    fn next(&mut self, now: Instant, transfer: &Transfer) -> Option<String> {
        if transfer.is_over() {
            return None;
        }
        let tenth = tenth(transfer);
        let octets = transfer.octets;
        let is_new = self
            .last
            .is_none_or(|(at, state, tenth_before, octets_before)| {
                state != transfer.state
                    || tenth_before != tenth
                    || (octets_before != octets && now.duration_since(at) >= LINE_PAUSE)
            });
        is_new.then(|| {
            self.last = Some((now, transfer.state, tenth, octets));
            one_line(&format!("{}: {}", transfer.remote, text(transfer)))
        })
    }
}

fn tenth(transfer: &Transfer) -> u64 {
    let percent = u128::from(transfer.octets) * 100;
    let percent = percent.checked_div(u128::from(transfer.size.unwrap_or(0)));
    u64::try_from(percent.unwrap_or(0)).unwrap_or(0) / LINE_PERCENT
}

/// `12.0 kB of 2.1 MB, 1%, 850 B/s, 42 min left, 3 holes, moving`.
fn text(transfer: &Transfer) -> String {
    let mut parts = Vec::new();
    match transfer.size {
        Some(size) if size > 0 => {
            let percent = u128::from(transfer.octets) * 100 / u128::from(size);
            let (octets, size) = (
                octets_text(transfer.octets as f64),
                octets_text(size as f64),
            );
            parts.push(format!("{octets} of {size}, {percent}%"));
        }
        _ if transfer.octets > 0 => parts.push(octets_text(transfer.octets as f64)),
        _ => {}
    }
    if transfer.state == State::Moving
        && let Some(rate) = transfer.octets_per_s.filter(|rate| *rate > 0.0)
    {
        parts.push(format!("{}/s", octets_text(rate)));
        if let Some(left) = transfer.octets_left() {
            parts.push(format!("{} left", time_text(left as f64 / rate)));
        }
    }
    match transfer.holes {
        0 => {}
        1 => parts.push("1 hole".to_owned()),
        holes => parts.push(format!("{holes} holes")),
    }
    parts.push(transfer.state.to_string());
    parts.join(", ")
}

/// `12 B`, `1.5 kB`, `2.0 MB`: in powers of 1000.
pub(crate) fn octets_text(octets: f64) -> String {
    match octets {
        octets if octets < 1e3 => format!("{octets:.0} B"),
        octets if octets < 1e6 => format!("{:.1} kB", octets / 1e3),
        octets if octets < 1e9 => format!("{:.1} MB", octets / 1e6),
        octets => format!("{:.1} GB", octets / 1e9),
    }
}

fn time_text(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 120.0 => format!("{seconds:.0} s"),
        seconds if seconds < 7200.0 => format!("{:.0} min", seconds / 60.0),
        seconds => format!("{:.0} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::transfer::Direction;

    fn transfer(octets: u64, state: State) -> Transfer {
        Transfer {
            id: "2-17".to_owned(),
            direction: Direction::Up,
            remote: "plan.bin".to_owned(),
            local: "/plan.bin".to_owned(),
            state,
            octets,
            size: Some(2_000_000),
            holes: 1,
            octets_to_repeat: 0,
            octets_per_s: Some(1000.0),
            octets_per_pass: None,
            passes_left: None,
            end: None,
            failure: None,
        }
    }

    #[test]
    fn a_line_says_how_far_it_is_and_how_long_it_takes() {
        let text = text(&transfer(500_000, State::Moving));
        let expected = "500.0 kB of 2.0 MB, 25%, 1.0 kB/s, 25 min left, 1 hole, moving";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_long_name_leaves_room_for_its_bar() {
        assert_eq!(short("plan.bin"), "plan.bin");
        let long = format!("logs/{}/today.txt", "x".repeat(200));
        assert_eq!(short(&long).chars().count(), NAME_CHARACTERS_MAX);
        assert!(short(&long).ends_with("/today.txt"));
    }

    #[test]
    fn plain_lines_come_at_each_tenth_and_at_most_every_few_seconds() {
        let start = Instant::now();
        let mut lines = Lines::default();
        let mut next = |ms, octets| {
            let now = start + Duration::from_millis(ms);
            lines.next(now, &transfer(octets, State::Moving)).is_some()
        };
        assert!(next(0, 0));
        assert!(!next(100, 1_000));
        assert!(next(200, 200_000));
        assert!(!next(5_100, 200_100));
        assert!(next(5_300, 200_200));
        assert!(!next(60_000, 200_200));
    }
}
