//! What comes up by the link service: receipts, and files for the payload.
//!
//! | name of the file | what it is |
//! |---|---|
//! | `receipts/…` | a [receipt](delivery_receipt) |
//! | `….oort.tar`, `….oort.tar.gz` | a bundle, as those that go down: it becomes an upload |
//!
//! Only what the ground sent is taken; anything else stays in the inbox, acknowledged.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use delivery_receipt::{RECEIPT_BYTES_MAX, Receipt};
use link_client::{Delivery, LinkClient, LinkError};
use oort_bundle::{BundleError, SUFFIX, SUFFIX_GZIP};

use crate::agent::{Agent, AgentError};
use crate::item::TransferMeta;
use crate::limits::STREAM_BYTES_MAX;
use crate::store::StoreError;

/// The directory of the inbox that receipts come to.
pub const RECEIPTS: &str = "receipts";
/// Who sends what is taken.
const GROUND: &str = "ground";
/// The service is asked at least so often, so that a stop does not wait for longer.
const WAIT: Duration = Duration::from_secs(1);
/// Between two tries while the service is away.
const PAUSE: Duration = Duration::from_secs(1);

/// Why something that arrived is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArrivalError {
    /// It is neither a receipt nor a bundle.
    #[error("it is neither a receipt nor a bundle")]
    Neither,
    /// It is not to be read.
    #[error("it is not to be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It is no bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The agent does not take it.
    #[error(transparent)]
    Agent(#[from] AgentError),
}

impl ArrivalError {
    /// Whether another try may help: the disk, or the room on it.
    fn may_heal(&self) -> bool {
        matches!(
            self,
            ArrivalError::Bundle(BundleError::System(_))
                | ArrivalError::Agent(AgentError::Store(
                    StoreError::NoRoom | StoreError::System { .. }
                ))
        )
    }
}

/// Takes a file that came from the ground, by its name.
///
/// # Errors
/// [`ArrivalError`]: nothing has become of it.
pub fn take(agent: &Agent, path: &Path) -> Result<(), ArrivalError> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.unwrap_or_default();
    let folder = path.parent().and_then(Path::file_name);
    if folder.is_some_and(|folder| folder == RECEIPTS) {
        let octets = read(File::open(path)?, RECEIPT_BYTES_MAX)?;
        let receipt: Receipt = serde_json::from_slice(&octets).map_err(io::Error::other)?;
        return Ok(agent.accept_receipt(receipt)?);
    }
    match [SUFFIX, SUFFIX_GZIP]
        .iter()
        .any(|suffix| name.ends_with(suffix))
    {
        true => take_bundle(agent, File::open(path)?),
        false => Err(ArrivalError::Neither),
    }
}

fn take_bundle(agent: &Agent, bundle: impl Read) -> Result<(), ArrivalError> {
    oort_bundle::read(bundle, |meta, data, bytes| {
        let (meta, odd) = TransferMeta::read(meta).map_err(|error| {
            BundleError::not_one(format!("its meta is not to be read: {error}"))
        })?;
        for odd in odd {
            log::warn!("{}: {odd}", meta.file_info.id);
        }
        if bytes != meta.file_info.size || bytes > STREAM_BYTES_MAX {
            let text = format!(
                "its data has {bytes} octets; its meta says {}, and {STREAM_BYTES_MAX} are the most",
                meta.file_info.size
            );
            return Err(BundleError::NotOne(text).into());
        }
        Ok(agent.put_upload(&meta, data)?)
    })
}

fn read(from: impl Read, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    from.take(bytes_max + 1).read_to_end(&mut octets)?;
    match octets.len() as u64 > bytes_max {
        true => Err(io::Error::other("it is too long")),
        false => Ok(octets),
    }
}

/// Takes what arrives, on a thread of its own. Dropped, it stops.
pub struct InboxThread {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl InboxThread {
    /// Starts it.
    ///
    /// # Errors
    /// The system has no thread.
    pub fn start(agent: Arc<Agent>, client: LinkClient) -> io::Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let run = move || {
            let mut waits = HashSet::new();
            while !over.load(Ordering::SeqCst) {
                if let Err(error) = look(&agent, &client, &mut waits) {
                    // The pump says when the service is away.
                    log::debug!("the inbox: {error}");
                    thread::sleep(PAUSE);
                }
            }
        };
        let thread = thread::Builder::new()
            .name("oort-inbox".to_owned())
            .spawn(run)?;
        Ok(InboxThread {
            is_over,
            thread: Some(thread),
        })
    }
}

impl Drop for InboxThread {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the inbox panicked");
        }
    }
}

/// Takes what is there and what comes meanwhile. What waits, for room say, holds up nothing.
fn look(agent: &Agent, client: &LinkClient, waits: &mut HashSet<String>) -> Result<(), LinkError> {
    for delivery in client.receive_within(WAIT) {
        take_delivery(agent, delivery?, waits)?;
    }
    Ok(())
}

fn take_delivery(
    agent: &Agent,
    delivery: Delivery,
    waits: &mut HashSet<String>,
) -> Result<(), LinkError> {
    let from = delivery.from();
    if from != GROUND {
        log::warn!("the inbox: what {from} sent is not taken, and stays");
        return delivery.keep();
    }
    let mut is_taken = true;
    for file in delivery.files() {
        match take(agent, &file.path) {
            Ok(()) => log::info!("the inbox: {}", file.name),
            // It comes again with the next look.
            Err(error) if error.may_heal() => {
                if waits.insert(delivery.id().to_owned()) {
                    log::warn!("the inbox: {} waits: {error}", file.name);
                }
                return Ok(());
            }
            Err(error) => {
                log::warn!("the inbox: {} is not taken, and stays: {error}", file.name);
                is_taken = false;
            }
        }
    }
    waits.remove(delivery.id());
    match is_taken {
        true => delivery.ack(),
        false => delivery.keep(),
    }
}
