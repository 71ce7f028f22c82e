//! `ground files`: how files stand, and what may become of them.

use std::io::{ErrorKind, IsTerminal as _};
use std::time::{Duration, Instant};

use super::transfer::print_json;
use crate::arguments::FilesArguments;
use crate::client::LinkClient;
use crate::config::GroundLinkConfig;
use crate::contacts::need::{AHEAD_MAX, configured_capacity, lengths_left};
use crate::contacts::{Contacts, now};
use crate::delivery::status::{self, Status};
use crate::error::{GroundError, one_line};
use crate::files::passes::{Capacity, passes_left, passes_of};
use crate::files::transfer::{Direction, Transfer};
use crate::hub::protocol::Change;
use crate::output::{columns, note, print_line};
use crate::progress::{Bars, Progress, octets_text};

/// Between two tables where nobody sits at a terminal.
const TABLE_PAUSE: Duration = Duration::from_secs(5);

pub(crate) fn files(client: &LinkClient, arguments: &FilesArguments) -> Result<(), GroundError> {
    let changes = [
        (&arguments.cancel, Change::Cancel, "cancelled"),
        (&arguments.suspend, Change::Suspend, "suspended"),
        (&arguments.resume, Change::Resume, "resumed"),
    ];
    for (id, change, done) in changes {
        if let Some(id) = id {
            client.change_transfer(id, change)?;
            note(&format!("transaction {id} is {done}"));
            return Ok(());
        }
    }
    let shown = match &arguments.remote {
        _ if arguments.delivered => show_delivered(client, arguments.json),
        Some(directory) => show_names(client, directory.as_deref()),
        None => show(client, arguments),
    };
    match shown {
        // Whoever reads has had enough, as `head` does.
        Err(GroundError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        shown => shown,
    }
}

fn show_delivered(client: &LinkClient, json: bool) -> Result<(), GroundError> {
    let config = client.config();
    let (Some(files), Some(_)) = (&config.files, &config.delivery) else {
        return Err(GroundError::Delivery {
            link: config.name.clone(),
            problem: "the configuration has no such table: nothing is delivered".to_owned(),
        });
    };
    let path = status::path(&files.journal);
    let status = Status::read(&path);
    let status = status.map_err(|source| GroundError::Unreadable { path, source })?;
    let print = |line: &str| print_line(one_line(line).as_bytes()).map_err(GroundError::Output);
    if json {
        // Numbers and texts: nothing in it can fail.
        return print(&serde_json::to_string(&status).unwrap_or_default());
    }
    for file in &status.files {
        print(&file.line())?;
    }
    print(&status.counts.line())
}

fn show_names(client: &LinkClient, directory: Option<&str>) -> Result<(), GroundError> {
    let names = {
        let satellite = &client.config().satellite;
        let _progress = Progress::start(format!("waiting for a listing of `{satellite}`"));
        client.names(directory)?
    };
    for name in names {
        print_line(one_line(&name).as_bytes()).map_err(GroundError::Output)?;
    }
    Ok(())
}

fn show(client: &LinkClient, arguments: &FilesArguments) -> Result<(), GroundError> {
    let bit_rate_bps = client.config().comms.bit_rate_bps;
    let known = known_passes(client.config());
    let live = arguments.watch && !arguments.json && std::io::stderr().is_terminal();
    let mut bars = live.then(Bars::start);
    let mut before: Vec<Transfer> = Vec::new();
    let mut told: Option<Instant> = None;
    client.files(arguments.all, arguments.watch, |mut transfers| {
        for transfer in &mut transfers {
            match (arguments.pass, &known) {
                (Some(pass), _) => count_passes_of(transfer, pass, bit_rate_bps),
                (None, Some((lengths, capacity))) => {
                    count_known_passes(transfer, lengths, *capacity);
                }
                (None, None) => {}
            }
        }
        if let Some(bars) = &mut bars {
            bars.show(&transfers);
            return Ok(true);
        }
        if arguments.json {
            for transfer in transfers
                .iter()
                .filter(|transfer| !before.contains(transfer))
            {
                print_json(transfer)?;
            }
            before = transfers;
            return Ok(true);
        }
        if before != transfers && told.is_none_or(|at| at.elapsed() >= TABLE_PAUSE) {
            for line in table(&transfers) {
                print_line(line.as_bytes()).map_err(GroundError::Output)?;
            }
            told = Some(Instant::now());
            before = transfers;
        } else if told.is_none() {
            note("no files are under way");
            told = Some(Instant::now());
        }
        Ok(true)
    })
}

/// How long the next contacts are, and what one moves, where both are configured.
fn known_passes(link: &GroundLinkConfig) -> Option<(Vec<Duration>, Capacity)> {
    let capacity = configured_capacity(link)?;
    let contacts = Contacts::of(link).and_then(|contacts| {
        let now = now();
        contacts
            .map(|contacts| contacts.between(now, now + AHEAD_MAX))
            .transpose()
    });
    let contacts = contacts.unwrap_or_else(|error| {
        log::warn!("passes are not counted: {error}");
        None
    })?;
    Some((lengths_left(&contacts, now()).collect(), capacity))
}

/// As many of the next contacts as it takes, where no pass was seen that says more.
fn count_known_passes(transfer: &mut Transfer, lengths: &[Duration], capacity: Capacity) {
    let left = transfer.octets_left().filter(|_| !transfer.is_over());
    if let (None, Some(left)) = (transfer.passes_left, left) {
        let passes = passes_of(left, lengths.iter().copied(), capacity);
        transfer.passes_left = passes.map(|passes| passes as u64);
    }
}

/// As many passes of this length as it takes at the rate that is measured, or configured.
fn count_passes_of(transfer: &mut Transfer, pass: Duration, bit_rate_bps: Option<u64>) {
    let measured = transfer.octets_per_s.filter(|rate| *rate > 0.0);
    let configured = bit_rate_bps.map(|bits| bits as f64 / 8.0);
    let capacity = measured.or(configured).map(Capacity::PerSecond);
    transfer.octets_per_pass = capacity.map(|capacity| capacity.octets_in(pass));
    let left = transfer.octets_left().filter(|_| !transfer.is_over());
    transfer.passes_left = left.and_then(|left| passes_left(left, transfer.octets_per_pass));
}

const HEADINGS: [&str; 9] = [
    "ID", "WAY", "OCTETS", "OF", "%", "RATE", "HOLES", "PASSES", "STATE",
];

/// Names last.
fn table(transfers: &[Transfer]) -> Vec<String> {
    let headings = HEADINGS.map(str::to_owned).into_iter();
    let headings = headings.chain(["FILE".to_owned()]).collect();
    let rows = transfers.iter().map(|transfer| {
        let cells = row(transfer).into_iter();
        cells.chain([names(transfer)]).collect()
    });
    let rows: Vec<Vec<String>> = std::iter::once(headings).chain(rows).collect();
    columns(&rows, 2..=7)
}

fn row(transfer: &Transfer) -> [String; 9] {
    let unknown = || "?".to_owned();
    let size = transfer.size;
    let percent = size.map(|size| percent(transfer.octets, size).to_string());
    [
        transfer.id.clone(),
        match transfer.direction {
            Direction::Up => "up".to_owned(),
            Direction::Down => "down".to_owned(),
        },
        transfer.octets.to_string(),
        size.map_or_else(unknown, |size| size.to_string()),
        percent.unwrap_or_else(unknown),
        match transfer.octets_per_s {
            Some(rate) => format!("{}/s", octets_text(rate)),
            None => "-".to_owned(),
        },
        transfer.holes.to_string(),
        match (transfer.passes_left, transfer.is_over()) {
            (Some(passes), _) => passes.to_string(),
            (None, true) => "-".to_owned(),
            (None, false) => unknown(),
        },
        transfer.state.to_string(),
    ]
}

/// From where to where.
fn names(transfer: &Transfer) -> String {
    let Transfer { remote, local, .. } = transfer;
    let names = match transfer.direction {
        Direction::Up => format!("{local} -> {remote}"),
        Direction::Down => format!("{remote} -> {local}"),
    };
    match &transfer.failure {
        Some(failure) => one_line(&format!("{names}: {failure}")),
        None => one_line(&names),
    }
}

/// Whole ones; 100 only when all is there.
fn percent(octets: u64, size: u64) -> u64 {
    match size {
        0 => 100,
        size => u64::try_from(u128::from(octets) * 100 / u128::from(size)).unwrap_or(100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::transfer::State;

    fn transfer() -> Transfer {
        Transfer {
            id: "2-17".to_owned(),
            direction: Direction::Down,
            remote: "a\u{1b}[2J".to_owned(),
            local: "/b".to_owned(),
            state: State::Moving,
            octets: 500,
            size: Some(1000),
            holes: 2,
            octets_to_repeat: 0,
            octets_per_s: Some(100.0),
            octets_per_pass: None,
            passes_left: None,
            end: None,
            failure: None,
        }
    }

    #[test]
    fn a_table_says_what_is_not_known_and_confuses_no_terminal() {
        let lines = table(&[transfer()]);
        assert_eq!(lines.len(), 2);
        for part in [
            "2-17", "down", "500", "1000", "50", "100 B/s", "?", "moving", "-> /b",
        ] {
            assert!(lines[1].contains(part), "{part}: {lines:?}");
        }
        assert!(!lines[1].contains('\u{1b}'));
    }

    #[test]
    fn passes_are_counted_by_what_is_measured_else_by_the_bit_rate() {
        let mut measured = transfer();
        count_passes_of(&mut measured, Duration::from_secs(2), Some(80_000));
        assert_eq!(measured.passes_left, Some(3));
        let mut quiet = transfer();
        quiet.octets_per_s = Some(0.0);
        count_passes_of(&mut quiet, Duration::from_secs(2), Some(800));
        assert_eq!(quiet.passes_left, Some(3));
        count_passes_of(&mut quiet, Duration::from_secs(2), None);
        assert_eq!(quiet.passes_left, None);
    }

    #[test]
    fn without_a_pass_that_was_seen_the_next_contacts_count() {
        let lengths = [1, 1, 10].map(Duration::from_secs);
        let mut unseen = transfer();
        count_known_passes(&mut unseen, &lengths, Capacity::PerSecond(100.0));
        assert_eq!(unseen.passes_left, Some(3));
        let mut seen = transfer();
        seen.passes_left = Some(7);
        count_known_passes(&mut seen, &lengths, Capacity::PerSecond(100.0));
        assert_eq!(seen.passes_left, Some(7));
    }

    #[test]
    fn all_is_a_hundred_percent_and_nothing_else() {
        assert_eq!(
            (percent(999, 1000), percent(1000, 1000), percent(0, 0)),
            (99, 100, 100)
        );
    }
}
