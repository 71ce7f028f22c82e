//! Packets that go to the radio on the thread that brings them: waking another for
//! every few datagrams would cost more than sending them does.

use std::sync::{Mutex, TryLockError};

use super::super::Shell;
use super::transmitter::Transmitter;

/// Lets `hand_over` give packets to the engine, and sends them at once where that keeps
/// this thread no longer than a quick `write` does.
pub(super) fn bring<Connection>(
    transmitter: &Mutex<Transmitter<Connection>>,
    shell: &Shell,
    hand_over: &mut dyn FnMut(),
) {
    let mut transmitter = match transmitter.try_lock() {
        Ok(transmitter) => transmitter,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => {
            hand_over();
            return;
        }
    };
    let asleep = match transmitter.is_quick() {
        true => LetSleep::begin(shell, transmitter.number()),
        false => None,
    };
    let Some(mut asleep) = asleep else {
        drop(transmitter);
        hand_over();
        return;
    };
    hand_over();
    transmitter.send_at_once(shell);
    asleep.leaves_something = !transmitter.is_done();
    drop(transmitter);
}

/// Keeps a transmit thread that sleeps asleep, whatever comes for it meanwhile.
struct LetSleep<'a> {
    shell: &'a Shell,
    number: usize,
    /// The thread is to be woken even if there is no new packet.
    leaves_something: bool,
}

impl<'a> LetSleep<'a> {
    /// None when the thread is awake.
    fn begin(shell: &'a Shell, number: usize) -> Option<Self> {
        shell.let_sleep(number).then_some(LetSleep {
            shell,
            number,
            // Until it is known: a panic leaves something.
            leaves_something: true,
        })
    }
}

impl Drop for LetSleep<'_> {
    fn drop(&mut self) {
        self.shell.end_let_sleep(self.number, self.leaves_something);
    }
}
