//! Some work that is done again and again: how much time of the
//! processor it takes, what it allocates.

use std::time::Duration;

use anyhow::Result;

use crate::alternate::alternate;
use crate::cpu;
use crate::figure::{Figure, Goal, Spread};
use crate::section::Run;

/// Calls before anything is measured: buffers have their size then, caches are warm.
const WARM_UP: u32 = 200;
/// Calls whose allocations are counted.
const COUNTED: u32 = 200;

/// What one kind of work is called, and on how many octets it is done.
pub(crate) struct Work<'a> {
    pub(crate) run: &'a Run,
    pub(crate) name: String,
    pub(crate) bytes: usize,
    /// How many times faster than what stands beside it.
    pub(crate) times_faster: Option<f64>,
    /// Whether it is to allocate nothing.
    pub(crate) allocates_nothing: bool,
}

impl Work<'_> {
    /// Ours beside another's.
    ///
    /// # Errors
    /// None of its own.
    pub(crate) fn beside(
        &self,
        mut ours: impl FnMut(),
        mut floor: impl FnMut(),
    ) -> Result<Vec<Figure>> {
        let our_calls = self.calls(&mut ours);
        let floor_calls = self.calls(&mut floor);
        let rounds = alternate(
            self.rounds(),
            || Ok(nanoseconds_each(our_calls, &mut ours)),
            || Ok(nanoseconds_each(floor_calls, &mut floor)),
        )?;
        let mut rate = rounds.figure(self.label("MB/s"), "MB/s", |ns| self.megabytes(*ns));
        if let Some(times) = self.times_faster {
            rate = rate.goal(Goal::AtLeast(times));
        }
        let (own, other) = (allocations(&mut ours), allocations(&mut floor));
        let allocated = Figure::beside(self.label("allocations"), "", &[own], &[other]);
        Ok(vec![
            rounds.figure(self.label("time"), "ns", |ns| *ns),
            rate,
            self.allocation_goal(allocated),
        ])
    }

    /// Ours, with nothing to stand beside it.
    pub(crate) fn alone(&self, mut ours: impl FnMut()) -> Vec<Figure> {
        let calls = self.calls(&mut ours);
        let rounds = 0..self.rounds();
        let times: Vec<f64> = rounds.map(|_| nanoseconds_each(calls, &mut ours)).collect();
        let rates: Vec<f64> = times.iter().map(|ns| self.megabytes(*ns)).collect();
        let allocated = Spread::once(allocations(&mut ours));
        let allocated = Figure::alone(self.label("allocations"), "", allocated);
        vec![
            Figure::alone(self.label("time"), "ns", Spread::of(&times)),
            Figure::alone(self.label("MB/s"), "MB/s", Spread::of(&rates)),
            self.allocation_goal(allocated),
        ]
    }

    fn rounds(&self) -> usize {
        self.run.choose(15, 3)
    }

    fn label(&self, what: &str) -> String {
        match what {
            "MB/s" => format!("{}, {} octets", self.name, self.bytes),
            what => format!("{}, {} octets: {what}", self.name, self.bytes),
        }
    }

    fn megabytes(&self, nanoseconds: f64) -> f64 {
        self.bytes as f64 * 1e3 / nanoseconds.max(1e-3)
    }

    fn allocation_goal(&self, figure: Figure) -> Figure {
        match self.allocates_nothing {
            true => figure.goal(Goal::AtMost(0.0)),
            false => figure,
        }
    }

    /// So many calls that a round takes long enough to be measured.
    fn calls(&self, work: &mut impl FnMut()) -> u32 {
        (0..WARM_UP).for_each(|_| work());
        let least = Duration::from_millis(self.run.choose(20, 1));
        let mut calls = 64;
        while calls < 1 << 24 {
            let began = cpu::own_thread();
            (0..calls).for_each(|_| work());
            if cpu::own_thread().saturating_sub(began) >= least {
                break;
            }
            calls *= 2;
        }
        calls
    }
}

fn nanoseconds_each(calls: u32, work: &mut impl FnMut()) -> f64 {
    let began = cpu::own_thread();
    (0..calls).for_each(|_| work());
    let took = cpu::own_thread().saturating_sub(began);
    took.as_secs_f64() * 1e9 / f64::from(calls)
}

/// Allocations each time; growth of a buffer counts as one.
fn allocations(work: &mut impl FnMut()) -> f64 {
    let counted = allocation_counter::measure(|| (0..COUNTED).for_each(|_| work()));
    counted.count_total as f64 / f64::from(COUNTED)
}
