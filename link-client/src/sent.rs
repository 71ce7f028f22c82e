//! A request that was accepted.

use std::time::{Duration, Instant};

use crate::answer::Link;
use crate::client::{LinkClient, escaped};
use crate::error::LinkError;
use crate::outbox::Placed;

/// The service is asked at least so often.
const ASK_TIME: Duration = Duration::from_secs(30);
/// Between two questions where there is less than a second to wait.
const PAUSE: Duration = Duration::from_millis(20);

/// A request that was accepted. Dropped, it goes on.
#[derive(Debug)]
pub struct Sent {
    client: LinkClient,
    link: Link,
    placed: Vec<Placed>,
}

impl Sent {
    pub(crate) fn new(client: LinkClient, link: Link, placed: Vec<Placed>) -> Self {
        Sent {
            client,
            link,
            placed,
        }
    }

    /// The service's number of it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.link.id
    }

    /// How it stood when it was handed in.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// How it stands.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn status(&self) -> Result<Link, LinkError> {
        self.ask(Duration::ZERO)
    }

    /// Waits until all recipients have it, for as long as that takes.
    ///
    /// # Errors
    /// [`LinkError::NotDelivered`] where it ended without that, and others.
    pub fn wait(&self) -> Result<Link, LinkError> {
        loop {
            let link = self.ask(ASK_TIME)?;
            if link.has_ended() {
                return self.outcome(link);
            }
        }
    }

    /// The same, for `time` at most.
    ///
    /// # Errors
    /// [`LinkError::NotEnded`]: it goes on; and those of [`wait`](Self::wait).
    pub fn wait_for(&self, time: Duration) -> Result<Link, LinkError> {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let link = self.ask(left.min(ASK_TIME))?;
            if link.has_ended() {
                return self.outcome(link);
            }
            if left.is_zero() {
                return Err(LinkError::NotEnded { id: link.id });
            }
            // The service waits for whole seconds.
            if left < Duration::from_secs(1) {
                std::thread::sleep(PAUSE.min(left));
            }
        }
    }

    /// It is not to be delivered. Who has it already, has it.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn cancel(&self) -> Result<Link, LinkError> {
        self.client.cancel(&self.link.id)
    }

    fn ask(&self, wait: Duration) -> Result<Link, LinkError> {
        let seconds = wait.as_secs();
        let id = escaped(&self.link.id);
        let path = format!("/v1/links/{id}?waitSeconds={seconds}");
        self.client.transport.get(&path, wait)
    }

    fn outcome(&self, link: Link) -> Result<Link, LinkError> {
        if link.is_ok() {
            return Ok(link);
        }
        self.placed.iter().for_each(Placed::take_back);
        Err(LinkError::NotDelivered(Box::new(link)))
    }
}
