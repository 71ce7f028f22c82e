//! Who takes files down: the link service, or a test.

use std::path::{Path, PathBuf};

use link_client::{LinkClient, LinkError, Priority, Standing};

use crate::core::{FileBand, FilePriority, FileRecord};

/// Takes files down to the ground.
pub trait Carrier: Send {
    /// The directory that files are put into.
    ///
    /// # Errors
    /// [`LinkError`].
    fn outbox(&self) -> Result<PathBuf, LinkError>;

    /// A file that is in the outbox is to go down. Once this returns, that survives a power
    /// cut. The same tracking id is the same request.
    ///
    /// # Errors
    /// [`LinkError`]: it is not to go down.
    fn hand_in(&self, file: &Path, tracking: &str, record: &FileRecord) -> Result<(), LinkError>;

    /// How a request stands; none where nobody knows it.
    ///
    /// # Errors
    /// [`LinkError`].
    fn standing(&self, tracking: &str) -> Result<Option<Standing>, LinkError>;
}

impl Carrier for LinkClient {
    fn outbox(&self) -> Result<PathBuf, LinkError> {
        Ok(self.directories()?.outbox)
    }

    fn hand_in(&self, file: &Path, tracking: &str, record: &FileRecord) -> Result<(), LinkError> {
        let band = match record.band {
            FileBand::SBand => "S",
            FileBand::XBand => "X",
        };
        let request = self.request(file).to_ground().overwrite(true);
        let request = request.priority(priority(record.priority));
        let request = request.tracking_id(tracking);
        let request = request.metadata("app", record.app.as_str());
        request.metadata("band", band).send().map(drop)
    }

    fn standing(&self, tracking: &str) -> Result<Option<Standing>, LinkError> {
        let link = self.status(&format!("tracking:{tracking}"))?;
        Ok(link.map(|link| link.standing()))
    }
}

/// There is no link service: no file goes down.
#[derive(Clone, Copy, Debug)]
pub struct NoLink;

impl NoLink {
    fn error(file: &Path) -> LinkError {
        LinkError::NotSendable {
            path: file.to_owned(),
            why: "no link service is configured: [payload-controller.link]",
        }
    }
}

impl Carrier for NoLink {
    fn outbox(&self) -> Result<PathBuf, LinkError> {
        Err(NoLink::error(Path::new("")))
    }

    fn hand_in(&self, file: &Path, _: &str, _: &FileRecord) -> Result<(), LinkError> {
        Err(NoLink::error(file))
    }

    fn standing(&self, _: &str) -> Result<Option<Standing>, LinkError> {
        Err(NoLink::error(Path::new("")))
    }
}

impl Carrier for Box<dyn Carrier> {
    fn outbox(&self) -> Result<PathBuf, LinkError> {
        self.as_ref().outbox()
    }

    fn hand_in(&self, file: &Path, tracking: &str, record: &FileRecord) -> Result<(), LinkError> {
        self.as_ref().hand_in(file, tracking, record)
    }

    fn standing(&self, tracking: &str) -> Result<Option<Standing>, LinkError> {
        self.as_ref().standing(tracking)
    }
}

fn priority(priority: FilePriority) -> Priority {
    match priority {
        FilePriority::Low => Priority::Low,
        FilePriority::Normal => Priority::Medium,
        FilePriority::High => Priority::High,
        FilePriority::Immediate => Priority::Critical,
    }
}
