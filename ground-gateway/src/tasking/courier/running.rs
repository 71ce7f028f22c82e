//! The thread of a satellite.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::round::Courier;
use crate::stop::Stop;
use crate::tasking::moment::Now;

/// Between two looks whether there is something to say.
const ROUND: Duration = Duration::from_millis(200);
/// After the store failed.
const FAILURE_PAUSE: Duration = Duration::from_secs(5);

/// Whether a satellite is in contact at a time; none where nobody knows.
pub(crate) type Contact = Arc<dyn Fn(Now) -> Option<bool> + Send + Sync>;

/// Works until it is told to stop.
#[derive(Debug)]
pub(crate) struct CourierThread(Option<JoinHandle<()>>);

impl CourierThread {
    /// # Errors
    /// The system has no thread.
    pub(crate) fn start(courier: Courier, contact: Contact, stop: Stop) -> io::Result<Self> {
        let thread = thread::Builder::new()
            .name("courier".to_owned())
            .spawn(move || run(courier, &contact, &stop))?;
        Ok(CourierThread(Some(thread)))
    }
}

impl Drop for CourierThread {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take()
            && thread.join().is_err()
        {
            log::error!("a courier panicked");
        }
    }
}

fn run(mut courier: Courier, contact: &Contact, stop: &Stop) {
    loop {
        let in_contact = contact(Now::of_system());
        let pause = match courier.round(&Now::of_system, in_contact) {
            Ok(true) => Duration::ZERO,
            Ok(false) => ROUND,
            Err(error) => {
                log::error!("{error}");
                FAILURE_PAUSE
            }
        };
        if !stop.sleep(pause) {
            return;
        }
    }
}
