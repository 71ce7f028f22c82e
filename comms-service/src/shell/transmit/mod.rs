//! The way of packets to the radio. Each `write` has a [`Transmitter`], which whoever
//! holds it is alone with: a thread of its own, or for a moment the thread that brings
//! packets ([`Outlet::bring`]).

mod bring;
mod transmitter;

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::radio::Writing;
use super::{Shell, unpoisoned};

use transmitter::Transmitter;

/// One `write` and what hands packets to it.
pub(crate) trait Outlet: Send + Sync {
    /// The loop of its thread.
    fn run(&self, shell: &Shell);

    /// Lets `hand_over` give packets to the engine. They go to the radio on this
    /// thread, if the outlet's own sleeps and the radio is quick; else the other is
    /// woken for them.
    fn bring(&self, shell: &Shell, hand_over: &mut dyn FnMut());
}

/// The outlets of a link, by the number of their `write`.
pub(crate) type Outlets = Vec<Arc<dyn Outlet>>;

struct WriteOutlet<Connection>(Mutex<Transmitter<Connection>>);

/// The outlets of `writes`.
pub(super) fn outlets<Connection: Send + 'static>(
    writes: Vec<(Writing<Connection>, Connection)>,
) -> Outlets {
    let outlets = writes.into_iter().enumerate();
    let outlets = outlets.map(|(number, (writing, connection))| {
        let transmitter = Transmitter::new(number, writing, connection);
        Arc::new(WriteOutlet(Mutex::new(transmitter))) as Arc<dyn Outlet>
    });
    outlets.collect()
}

impl<Connection: Send> Outlet for WriteOutlet<Connection> {
    fn run(&self, shell: &Shell) {
        loop {
            // Asked before the queue is: what came before the end is still sent.
            let nothing_more_comes = shell.end().is_requested();
            let mut transmitter = unpoisoned(&self.0);
            let number = transmitter.number();
            let ControlFlow::Continue(paced_until) = transmitter.send_all(shell) else {
                return;
            };
            drop(transmitter);
            let paced = paced_until.map(|at| at.saturating_duration_since(Instant::now()));
            match (nothing_more_comes, paced) {
                (true, None) => return,
                (true, Some(pause)) if !shell.may_write(pause) => return,
                (true, Some(pause)) => std::thread::sleep(pause),
                (false, _) => shell.sleep_until_packets(number, paced_until),
            }
        }
    }

    fn bring(&self, shell: &Shell, hand_over: &mut dyn FnMut()) {
        bring::bring(&self.0, shell, hand_over);
    }
}
