//! A link that runs: started as a whole, stopped as a whole.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::threads::Threads;
use super::{Shell, ShutdownReport};

/// What a stop waits beyond the time-outs: a `read` may have begun just now, and
/// a busy machine lets nobody end on the dot.
const STOP_MARGIN: Duration = Duration::from_millis(100);

/// A shell and its threads.
pub(crate) struct Running {
    shell: Arc<Shell>,
    threads: LinkThreads,
    ending: Ending,
}

/// How a link is to stop.
#[derive(Clone, Copy)]
pub(crate) struct Ending {
    /// How long the functions that its threads are in may take to return.
    pub(crate) timeout: Duration,
    /// Whether what waits for the radio is sent before the end.
    pub(crate) sends_the_rest: bool,
}

/// The threads of a link, by when they stop.
pub(crate) struct LinkThreads {
    /// These give the engine something to do; they stop first.
    pub(crate) intake: Threads,
    /// These hand packets to the radio.
    pub(crate) transmit: Threads,
}

impl Running {
    /// Starts threads by `start`; when that fails, none of them is left.
    pub(crate) fn start(
        shell: Arc<Shell>,
        ending: Ending,
        start: impl FnOnce(&Arc<Shell>, &mut LinkThreads) -> io::Result<()>,
    ) -> io::Result<Self> {
        let mut threads = LinkThreads {
            intake: Threads::new(&shell, Shell::stop),
            transmit: Threads::new(&shell, Shell::end),
        };
        let started = start(&shell, &mut threads);
        let running = Running {
            shell,
            threads,
            ending,
        };
        match started {
            Ok(()) => Ok(running),
            Err(error) => {
                running.stop();
                Err(error)
            }
        }
    }

    pub(crate) fn shell(&self) -> &Arc<Shell> {
        &self.shell
    }

    /// Waits until every thread has ended.
    pub(crate) fn wait(self) {
        self.threads.intake.join(None);
        self.threads.transmit.join(None);
    }

    /// First nothing more is taken in; then what waits for the radio is sent, as
    /// far as time allows; what is still held after that is dropped.
    pub(crate) fn stop(self) -> ShutdownReport {
        let now = Instant::now();
        let send_until = match self.ending.sends_the_rest {
            true => now + self.ending.timeout,
            false => now,
        };
        let deadline = now + self.ending.timeout + STOP_MARGIN;
        self.shell.request_stop(send_until);
        let mut detached = self.threads.intake.join(Some(deadline));
        self.shell.request_end();
        // Even after an intake that did not end, the others get a moment to.
        let deadline = deadline.max(Instant::now() + STOP_MARGIN);
        detached.extend(self.threads.transmit.join(Some(deadline)));
        self.shell.close();
        ShutdownReport {
            detached,
            statistics: self.shell.statistics(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::link::{Action, Link, LinkConfig};
    use crate::message::End;
    use crate::options::{Addresses, LinkOptions};
    use crate::shell::{OWN_STACK_BYTES, Perform};

    struct Idle;

    impl Perform for Idle {
        fn perform(&self, _: &Shell, _: Action) {}
    }

    fn shell() -> Arc<Shell> {
        let addresses = Addresses {
            ground_ip: Ipv4Addr::LOCALHOST,
            satellite_ip: Ipv4Addr::LOCALHOST,
            ground_port: None,
        };
        let format = LinkOptions::default().packet_format(End::Ground, None, addresses);
        let link = Link::new(LinkConfig::new(End::Ground), format.unwrap());
        Shell::new(link, 1, Arc::new(Idle)).0
    }

    const ENDING: Ending = Ending {
        timeout: Duration::from_secs(20),
        sends_the_rest: true,
    };

    #[test]
    fn a_start_that_fails_halfway_leaves_no_thread_behind() {
        let shell = shell();
        let began = Instant::now();
        let started = Running::start(Arc::clone(&shell), ENDING, |shell, threads| {
            for group in [&mut threads.intake, &mut threads.transmit] {
                let own = Arc::clone(shell);
                group.spawn("waiting", OWN_STACK_BYTES, move || {
                    while own.stop().sleep(Duration::from_secs(1)) {}
                })?;
            }
            Err(io::ErrorKind::OutOfMemory.into())
        });
        assert!(started.is_err());
        assert!(began.elapsed() < ENDING.timeout);
        // No thread holds the shell any more.
        assert_eq!(Arc::strong_count(&shell), 1);
    }

    #[test]
    fn a_thread_that_panics_goes_on_and_says_so() {
        let mut turns = 0;
        let running = Running::start(shell(), ENDING, |_, threads| {
            threads.intake.spawn("clumsy", OWN_STACK_BYTES, move || {
                turns += 1;
                assert!(turns > 2, "turn {turns}");
            })
        });
        let running = running.unwrap();
        let shell = Arc::clone(running.shell());
        running.wait();
        let errors = shell.statistics().errors;
        assert_eq!(errors.len(), 2, "{errors:?}");
        assert!(errors[0].contains("thread clumsy"), "{errors:?}");
        assert!(errors[1].contains("turn 2"), "{errors:?}");
    }
}
