//! The queue before a client that listens: bounded in messages and octets.
//! Whoever reads too slowly loses messages, and is told how many.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::protocol::Heard;

/// Messages that wait for one listener.
pub(crate) const LISTENER_MESSAGES_MAX: usize = 1024;
/// Octets that wait for one listener. A single message may always wait.
pub(crate) const LISTENER_BYTES_MAX: usize = 1 << 20;

/// All who listen.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    queues: BTreeMap<u64, Writer>,
}

#[derive(Debug)]
struct Writer {
    messages: Sender<Arc<Heard>>,
    load: Arc<Load>,
}

/// What one listener has before it, and what it lost.
#[derive(Debug, Default)]
struct Load {
    bytes: AtomicUsize,
    lost: AtomicU64,
}

/// The end of a queue that a listener's connection reads.
#[derive(Debug)]
pub(super) struct ListenerQueue {
    messages: Receiver<Arc<Heard>>,
    load: Arc<Load>,
}

impl Listeners {
    pub(super) fn add(&mut self, client: u64) -> ListenerQueue {
        let (sender, messages) = bounded(LISTENER_MESSAGES_MAX);
        let load = Arc::new(Load::default());
        let writer = Writer {
            messages: sender,
            load: Arc::clone(&load),
        };
        self.queues.insert(client, writer);
        ListenerQueue { messages, load }
    }

    pub(super) fn remove(&mut self, client: u64) {
        self.queues.remove(&client);
    }

    /// Gives `heard` to everybody who has room for it.
    pub(super) fn give(&self, heard: Heard) {
        let heard = Arc::new(heard);
        let bytes = heard.payload.len();
        for Writer { messages, load } in self.queues.values() {
            let waiting = load.bytes.fetch_add(bytes, Ordering::Relaxed);
            let room = waiting == 0 || waiting + bytes <= LISTENER_BYTES_MAX;
            if !room || messages.try_send(Arc::clone(&heard)).is_err() {
                load.bytes.fetch_sub(bytes, Ordering::Relaxed);
                load.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl ListenerQueue {
    /// The next message, if one comes within `timeout`.
    pub(super) fn next(&self, timeout: Duration) -> Result<Arc<Heard>, RecvTimeoutError> {
        let heard = self.messages.recv_timeout(timeout)?;
        let bytes = heard.payload.len();
        self.load.bytes.fetch_sub(bytes, Ordering::Relaxed);
        Ok(heard)
    }

    /// Messages lost since the last call.
    pub(super) fn take_lost(&self) -> u64 {
        self.load.lost.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(bytes: usize) -> Heard {
        Heard {
            port: 13_011,
            command_id: 0,
            payload: vec![7; bytes],
        }
    }

    #[test]
    fn a_slow_listener_loses_messages_and_not_the_others() {
        let mut listeners = Listeners::default();
        let (slow, quick) = (listeners.add(1), listeners.add(2));
        for _ in 0..LISTENER_MESSAGES_MAX + 3 {
            listeners.give(heard(1));
            assert!(quick.next(Duration::ZERO).is_ok());
        }
        assert_eq!((slow.take_lost(), quick.take_lost()), (3, 0));
        assert_eq!(slow.take_lost(), 0);
    }

    #[test]
    fn large_messages_are_bounded_by_their_octets() {
        let mut listeners = Listeners::default();
        let queue = listeners.add(1);
        listeners.give(heard(2 * LISTENER_BYTES_MAX));
        listeners.give(heard(1));
        assert_eq!(queue.take_lost(), 1);
        assert!(queue.next(Duration::ZERO).is_ok());
        listeners.give(heard(LISTENER_BYTES_MAX / 2));
        listeners.give(heard(LISTENER_BYTES_MAX / 2));
        listeners.give(heard(1));
        assert_eq!(queue.take_lost(), 1);
    }
}
