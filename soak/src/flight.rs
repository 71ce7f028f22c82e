//! The real `ethernet-service` and a ground end over real sockets, with a channel
//! that loses between them: queries, mutations, messages, apps that burst, services
//! that are slow or gone, a third party that sends garbage on the same frequency, and
//! restarts of the service, in order and by force.
//!
//! At the end the load stops, and what both ends counted must add up; what the
//! service takes of the machine must be as it was soon after its last start.

mod air;
mod board;
mod load;
mod metrics;
mod satellite;

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use comms_service::accounting::Statistics;

use crate::process::Usage;
use crate::table::{Line, flat, line};
use air::Air;
use board::Board;
use load::Load;
use metrics::Metrics;
use satellite::Satellite;

/// Between two looks at everything.
const LOOK: Duration = Duration::from_millis(500);
/// After the load: how long until all is through.
const DRAIN_MAX: Duration = Duration::from_secs(60);
/// A started service is warm after this share of the time that is left.
const WARM_UP: f64 = 0.2;
/// What a stop by SIGTERM may take.
const STOP_MAX: Duration = Duration::from_secs(10);
const GROWTH_KIB_MAX: u64 = 8 << 10;
/// Handler threads come with load and may stay.
const GROWTH_THREADS_MAX: u64 = 4;
/// Connections to services that are kept open.
const GROWTH_DESCRIPTORS_MAX: u64 = 16;

/// A soak to be run.
#[derive(Debug, Clone)]
pub struct Flight {
    /// How long the load lasts.
    pub time: Duration,
    /// Of the load and the channel.
    pub seed: u64,
    /// The folder with the binary of `ethernet-service`.
    pub binaries: PathBuf,
}

/// How far a run is.
#[derive(Debug, Clone)]
pub struct At {
    /// 0 to 1.
    pub share: f64,
    /// What happened so far.
    pub text: String,
}

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Report {
    /// What both ends counted, by direction and reason.
    pub accounts: Vec<String>,
    /// What must be, and whether it is.
    pub lines: Vec<Line>,
}

/// What the service took of the machine: when it was warm, at most, and when the
/// load had ended.
#[derive(Debug, Default)]
struct Watch {
    warm: Option<Usage>,
    highest: Usage,
    end: Usage,
}

/// What became of the restarts.
#[derive(Debug, Default)]
struct Restarts {
    in_order: u32,
    by_force: u32,
    slowest_stop: Duration,
    not_clean: u32,
}

impl Flight {
    /// Runs, and tells `progress` how far it is.
    ///
    /// # Errors
    /// What could not be started or does not answer.
    pub fn run(&self, mut progress: impl FnMut(At)) -> Result<Report> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let board = Board::start()?;
        let air = Air::start(self.seed)?;
        let mut satellite = Satellite::start(&self.binaries, folder.path(), &air, self.seed)?;
        let own_before = Usage::own();
        let load = Load::start(&air, &board, satellite.downlink_port, self.seed)?;

        let began = Instant::now();
        // Once in order and once by force, in the first half.
        let mut due = [0.2, 0.4].map(|share| self.time.mul_f64(share)).to_vec();
        due.reverse();
        let warm_from = self.time.mul_f64(0.4 + 0.6 * WARM_UP);
        let (mut restarts, mut watch) = (Restarts::default(), Watch::default());
        let mut unbalanced = Vec::new();
        while began.elapsed() < self.time {
            thread::sleep(LOOK);
            let elapsed = began.elapsed();
            if due.pop_if(|at| *at <= elapsed).is_some() {
                restarts.restart(&mut satellite)?;
                continue;
            }
            let usage = Usage::of(satellite.id());
            if elapsed >= warm_from {
                watch.look(usage);
            }
            let metrics = satellite.metrics()?;
            unbalanced.extend(metrics.unbalanced());
            let ground = load.statistics();
            if !ground.balances() {
                unbalanced.push("the ground's".to_owned());
            }
            progress(At {
                share: elapsed.as_secs_f64() / self.time.as_secs_f64(),
                text: format!(
                    "{}; {} KiB, {} threads, {} descriptors",
                    load.counts(),
                    usage.resident_kib,
                    usage.threads,
                    usage.descriptors
                ),
            });
        }
        load.stop();
        air.stop_garbage();
        let drained = drain(&satellite, &load)?;
        watch.end = Usage::of(satellite.id());
        let metrics = satellite.metrics()?;
        let served_last = load.probe();
        let stop = satellite.stop()?;
        restarts.note(&stop);
        let (counts, ground, detached) = load.finish();
        let garbage = air.finish();
        let (ran_again, ran) = board.mutations();
        drop(board);
        let own_after = Usage::own();

        let mut lines = watch.lines();
        lines.extend(restarts.lines());
        lines.push(line(
            "accounts at every look",
            unbalanced.is_empty(),
            match unbalanced.first() {
                None => "all four of both ends added up".to_owned(),
                Some(which) => format!("{} times not, first {which}", unbalanced.len()),
            },
        ));
        lines.push(line(
            "everything through after the load",
            drained,
            "nothing queued, in flight or held, both ends".to_owned(),
        ));
        lines.push(line(
            "traffic",
            counts.answered > 0 && counts.sent > 0 && counts.heard > 0,
            counts.to_string(),
        ));
        lines.push(line(
            "garbage on the frequency",
            garbage > 0,
            format!("{garbage} datagrams of a third party, both ways"),
        ));
        lines.push(line(
            "one outcome for each command",
            counts.open == 0,
            format!("{} of {} without", counts.open, counts.asked),
        ));
        lines.push(line(
            "a query after it all",
            served_last,
            "answered by its service".to_owned(),
        ));
        lines.push(line("mutations", ran_again == 0, ran));
        lines.push(line(
            "threads of the ground end",
            detached.is_empty() && own_after.threads <= own_before.threads,
            format!("left behind: {detached:?}"),
        ));
        let accounts = accounts(&metrics, &ground);
        Ok(Report { accounts, lines })
    }
}

/// Waits until nothing is on its way any more.
fn drain(satellite: &Satellite, load: &Load) -> Result<bool> {
    let deadline = Instant::now() + DRAIN_MAX;
    while Instant::now() < deadline {
        let ground = load.statistics();
        let flows = [
            &ground.packets_in,
            &ground.messages_in,
            &ground.messages_out,
            &ground.packets_out,
        ];
        let idle = flows.iter().all(|flow| flow.queued + flow.in_flight == 0);
        if idle && load.open() == 0 && satellite.metrics()?.is_idle() {
            return Ok(true);
        }
        thread::sleep(LOOK);
    }
    Ok(false)
}

impl Watch {
    fn look(&mut self, usage: Usage) {
        self.warm.get_or_insert(usage);
        self.highest = self.highest.max(usage);
    }

    fn lines(&self) -> Vec<Line> {
        let (warm, highest, end) = (self.warm.unwrap_or_default(), self.highest, self.end);
        let row = |what, of: fn(Usage) -> u64, growth_max| {
            flat(what, of(warm), of(end), of(highest), growth_max)
        };
        vec![
            row("resident memory, KiB", |it| it.resident_kib, GROWTH_KIB_MAX),
            row("threads", |it| it.threads, GROWTH_THREADS_MAX),
            row(
                "file descriptors",
                |it| it.descriptors,
                GROWTH_DESCRIPTORS_MAX,
            ),
        ]
    }
}

impl Restarts {
    fn restart(&mut self, satellite: &mut Satellite) -> Result<()> {
        if self.in_order == 0 {
            self.in_order += 1;
            let stop = satellite.stop()?;
            self.note(&stop);
        } else {
            self.by_force += 1;
            satellite.kill()?;
        }
        satellite.start_again()
    }

    fn note(&mut self, stop: &satellite::Stop) {
        self.slowest_stop = self.slowest_stop.max(stop.took);
        self.not_clean += u32::from(!stop.is_clean);
    }

    fn lines(&self) -> [Line; 2] {
        let slowest = self.slowest_stop;
        [
            line(
                "restarts",
                self.in_order + self.by_force > 0 && self.not_clean == 0,
                format!(
                    "{} in order, {} by force; {} stops without success",
                    self.in_order, self.by_force, self.not_clean
                ),
            ),
            line(
                "slowest stop",
                slowest <= STOP_MAX,
                format!(
                    "{} ms; at most {}",
                    slowest.as_millis(),
                    STOP_MAX.as_millis()
                ),
            ),
        ]
    }
}

/// What both ends counted, as a table.
fn accounts(satellite: &Metrics, ground: &Statistics) -> Vec<String> {
    let mut rows = vec![format!(
        "{:<28} {:>9} {:>9} {:>7} {:>9} {:>9}",
        "since the last start", "offered", "delivered", "queued", "in flight", "dropped"
    )];
    for flow in satellite.flows() {
        rows.extend(flow.rows("satellite"));
    }
    let flows = [
        ("downlink-packets", &ground.packets_in),
        ("downlink-messages", &ground.messages_in),
        ("uplink-messages", &ground.messages_out),
        ("uplink-packets", &ground.packets_out),
    ];
    for (name, flow) in flows {
        rows.extend(metrics::Account::of(name, flow).rows("ground"));
    }
    rows
}
