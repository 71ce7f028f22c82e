//! Who takes what goes down: the link service, or a test.

use std::path::{Path, PathBuf};

use link_client::{LinkClient, LinkError, Priority, Standing};

/// Takes bundles down to the ground.
pub trait Carrier: Send {
    /// The directory that bundles are put into.
    ///
    /// # Errors
    /// It does not answer.
    fn outbox(&self) -> Result<PathBuf, LinkError>;

    /// A bundle that is in the outbox is to go down. The same tracking id is the same request.
    ///
    /// # Errors
    /// [`LinkError`].
    fn hand_in(
        &self,
        bundle: &Path,
        tracking: &str,
        topic: &str,
        priority: Priority,
    ) -> Result<(), LinkError>;

    /// How it stands; none where nobody knows it.
    ///
    /// # Errors
    /// [`LinkError`].
    fn standing(&self, tracking: &str) -> Result<Option<Standing>, LinkError>;

    /// It is not to go down.
    ///
    /// # Errors
    /// [`LinkError`].
    fn cancel(&self, tracking: &str) -> Result<(), LinkError>;

    /// It has another priority from now on.
    ///
    /// # Errors
    /// [`LinkError`].
    fn set_priority(&self, tracking: &str, priority: Priority) -> Result<(), LinkError>;

    /// All requests that are known, by their tracking ids.
    ///
    /// # Errors
    /// [`LinkError`].
    fn all(&self) -> Result<Vec<(String, Standing)>, LinkError>;
}

impl Carrier for LinkClient {
    fn outbox(&self) -> Result<PathBuf, LinkError> {
        Ok(self.directories()?.outbox)
    }

    fn hand_in(
        &self,
        bundle: &Path,
        tracking: &str,
        topic: &str,
        priority: Priority,
    ) -> Result<(), LinkError> {
        let request = self.request(bundle).to_ground();
        let request = request.priority(priority).tracking_id(tracking);
        request.metadata("topic", topic).send().map(drop)
    }

    fn standing(&self, tracking: &str) -> Result<Option<Standing>, LinkError> {
        let link = self.status(&format!("tracking:{tracking}"))?;
        Ok(link.map(|link| link.standing()))
    }

    fn cancel(&self, tracking: &str) -> Result<(), LinkError> {
        LinkClient::cancel(self, &format!("tracking:{tracking}")).map(drop)
    }

    fn set_priority(&self, tracking: &str, priority: Priority) -> Result<(), LinkError> {
        LinkClient::set_priority(self, &format!("tracking:{tracking}"), priority).map(drop)
    }

    fn all(&self) -> Result<Vec<(String, Standing)>, LinkError> {
        let all = self.list(false)?.into_iter();
        Ok(all
            .map(|link| (link.tracking_id.clone(), link.standing()))
            .collect())
    }
}
