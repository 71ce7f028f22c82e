//! Section `growth`: how the cost grows with ports, downlinks, message size and queue.
//!
//! Twice as much is to cost twice as much, and what costs something for each packet is
//! to cost the same however many ports there are.

mod fan;
mod plot;

use anyhow::{Result, ensure};

use crate::cpu;
use crate::engines::{Ends, PACKET_BYTES_USUAL};
use crate::figure::{Figure, Goal, Spread};
use crate::progress::say;
use crate::section::Run;
use plot::Plot;

/// What a cost may be multiplied by where the number doubles, if it is the cost of each.
const PER_DOUBLING_MOST: f64 = 1.1;

const MESSAGE_BYTES: [usize; 9] = [16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576];
/// From here on headers and the like do not count any more.
const MESSAGE_BYTES_LARGE: usize = 4096;

/// As many messages as a queue takes unless it is told otherwise.
const QUEUED: [u32; 11] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
const QUEUED_MANY: u32 = 16;
const QUEUED_BYTES: usize = 64;

/// What was measured at some number of something: the cost of each.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub(crate) number: f64,
    pub(crate) cost: Spread,
    /// The same of what stands beside it.
    pub(crate) floor: Option<Spread>,
}

impl Point {
    /// What nothing stands beside.
    fn alone(number: f64, cost: Spread) -> Self {
        let floor = None;
        Point {
            number,
            cost,
            floor,
        }
    }
}

/// Measures it, and draws it where it is to go.
///
/// # Errors
/// When a child cannot be started, something is lost, or a plot cannot be written.
pub(crate) fn run(run: &Run) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (measure, plot) in [
        (fan::ports as fn(&Run) -> Result<Vec<Point>>, &plot::PORTS),
        (fan::downlinks, &plot::DOWNLINKS),
        (message_size, &plot::MESSAGE),
        (queue_depth, &plot::QUEUE),
    ] {
        say(format_args!("  {}", plot.title));
        let points = measure(run)?;
        figures.extend(of_points(plot, &points));
        if let Some(folder) = &run.plots {
            plot.draw(folder, &points)?;
        }
    }
    Ok(figures)
}

/// The cost of each at the smallest and the largest number, and what it is multiplied by
/// where the number doubles.
fn of_points(plot: &Plot, points: &[Point]) -> Vec<Figure> {
    let counted: Vec<&Point> = points.iter().filter(|p| p.number >= plot.from).collect();
    let (Some(first), Some(last)) = (counted.first(), counted.last()) else {
        return Vec::new();
    };
    let doublings = (last.number / first.number).log2().max(1.0);
    let factor = |cost: fn(&Point) -> Option<Spread>| {
        let factor = cost(last)?.median / cost(first)?.median;
        Some(factor.powf(1.0 / doublings))
    };
    let at = |point: &Point| {
        let name = format!("{}, {} {}", plot.title, point.number, plot.of);
        let figure = Figure::alone(name, plot.unit, point.cost);
        Figure {
            floor: point.floor,
            ratio: point.floor.map(|floor| point.cost.median / floor.median),
            ..figure
        }
    };
    let name = format!("{}: factor for each doubling", plot.title);
    let ours: Vec<f64> = factor(|point| Some(point.cost)).into_iter().collect();
    let factor = match factor(|point| point.floor) {
        Some(floor) => Figure::beside(name, "", &ours, &[floor]),
        None => Figure::alone(name, "", Spread::of(&ours)),
    };
    vec![
        at(first),
        at(last),
        factor.goal(Goal::AtMost(PER_DOUBLING_MOST)),
    ]
}

/// Answers of so many octets through both engines, in packets of the usual size.
fn message_size(run: &Run) -> Result<Vec<Point>> {
    let mut ends = Ends::new(PACKET_BYTES_USUAL, None)?;
    let mut points = Vec::new();
    for bytes in MESSAGE_BYTES {
        let answer = vec![0x5A; bytes];
        ensure!(ends.ask(&answer) == 1, "no answer of {bytes} octets came");
        let times = u32::try_from(run.choose(2_000_000, 100_000) / (bytes + 500) + 1)?;
        let cost = each(run, times, bytes as f64, || {
            ends.ask(&answer);
        });
        points.push(Point::alone(bytes as f64, cost));
    }
    Ok(points)
}

/// So many messages wait, then they leave.
fn queue_depth(run: &Run) -> Result<Vec<Point>> {
    let mut ends = Ends::new(PACKET_BYTES_USUAL, None)?;
    let datagram = [0x5A; QUEUED_BYTES];
    let mut points = Vec::new();
    for count in QUEUED {
        let left = ends.fill_and_empty(count, &datagram);
        ensure!(left == count, "{left} of {count} messages left the queue");
        let times = run.choose(40_000, 2_000) / count + 1;
        let cost = each(run, times, count.into(), || {
            ends.fill_and_empty(count, &datagram);
        });
        points.push(Point::alone(count.into(), cost));
    }
    Ok(points)
}

/// The thread's time for each of `parts` of some work, which is done so many times in
/// each round.
fn each(run: &Run, times: u32, parts: f64, mut work: impl FnMut()) -> Spread {
    let rounds = 0..run.choose(7, 2);
    let costs: Vec<f64> = rounds
        .map(|_| {
            let began = cpu::own_thread();
            (0..times).for_each(|_| work());
            let took = cpu::own_thread().saturating_sub(began);
            took.as_secs_f64() * 1e9 / (f64::from(times) * parts)
        })
        .collect();
    Spread::of(&costs)
}
