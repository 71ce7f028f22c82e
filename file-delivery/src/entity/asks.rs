//! What a user asks another entity to do (CCSDS 727.0-B-5 §6). The answers are events.

use std::time::Instant;

use super::Entity;
use super::event::{PutRequest, RequestError};
use crate::StoreName;
use crate::pdu::tlv::{DirectoryMessage, Lv, ProxyMessage, RemoteMessage, ReservedMessage};
use crate::pdu::{EntityId, TransactionId, TransmissionMode};
use crate::store::{FileStore, Journal};

/// A file that another entity is to send here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetRequest {
    /// Which entity.
    pub source: EntityId,
    /// The file's name there.
    pub remote: StoreName,
    /// Its name here.
    pub local: StoreName,
    /// How the file comes: acknowledged or not. The request itself is acknowledged.
    pub mode: TransmissionMode,
    /// Of the request; nothing tells the other entity.
    pub priority: u8,
}

impl GetRequest {
    /// A file that comes acknowledged.
    pub fn new(source: EntityId, remote: StoreName, local: StoreName) -> Self {
        GetRequest {
            source,
            remote,
            local,
            mode: TransmissionMode::Acknowledged,
            priority: 0,
        }
    }
}

/// A listing that another entity is to send here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRequest {
    /// Which entity.
    pub entity: EntityId,
    /// Of which directory there; of the root without.
    pub directory: Option<StoreName>,
    /// The name that the file with the listing is to have here.
    pub local: StoreName,
    /// Of the request; nothing tells the other entity.
    pub priority: u8,
}

impl<S: FileStore, J: Journal> Entity<S, J> {
    /// Asks another entity for a file (a proxy put, §6.2). The file comes by a transaction
    /// of the other entity that names this one as the originating;
    /// [`Event::ProxyFinished`](super::Event::ProxyFinished) tells how it ended there.
    ///
    /// # Errors
    /// [`RequestError`]; nothing was begun.
    pub fn get(
        &mut self,
        now: Instant,
        request: &GetRequest,
    ) -> Result<TransactionId, RequestError> {
        let put = ProxyMessage::PutRequest {
            destination: self.config.id,
            source_name: request.remote.lv(),
            destination_name: request.local.lv(),
        };
        let mode = ProxyMessage::TransmissionMode(request.mode);
        let mut asks = ask(
            request.source,
            request.priority,
            ReservedMessage::Proxy(put),
        )?
        .with_reserved(&ReservedMessage::Proxy(mode))?;
        if request.mode == TransmissionMode::Unacknowledged {
            // Else the other entity would not know how it ended.
            let closure = ProxyMessage::ClosureRequest(true);
            asks = asks.with_reserved(&ReservedMessage::Proxy(closure))?;
        }
        self.put(now, &asks)
    }

    /// Asks the entity that was asked for a file not to send it. A request that is still
    /// here is cancelled by [`cancel`](Self::cancel).
    ///
    /// # Errors
    /// [`RequestError`]; nothing was begun.
    pub fn cancel_get(
        &mut self,
        now: Instant,
        source: EntityId,
        request: TransactionId,
    ) -> Result<TransactionId, RequestError> {
        let cancel = ReservedMessage::Proxy(ProxyMessage::PutCancel);
        let asks = ask(source, 0, cancel)?
            .with_reserved(&ReservedMessage::OriginatingTransaction(request))?;
        self.put(now, &asks)
    }

    /// Asks another entity for the names in a directory (§6.3);
    /// [`Event::Listed`](super::Event::Listed) tells where they are.
    ///
    /// # Errors
    /// [`RequestError`]; nothing was begun.
    pub fn list(
        &mut self,
        now: Instant,
        request: &ListRequest,
    ) -> Result<TransactionId, RequestError> {
        let directory = request.directory.as_ref();
        let listing = DirectoryMessage::ListingRequest {
            directory: directory.map_or(Lv::EMPTY, StoreName::lv),
            file: request.local.lv(),
        };
        let listing = ReservedMessage::Directory(listing);
        self.put(now, &ask(request.entity, request.priority, listing)?)
    }

    /// Asks another entity how a transaction stands there (§6.4), and for a report as the
    /// file `local`; [`Event::RemoteStatus`](super::Event::RemoteStatus) tells it.
    ///
    /// # Errors
    /// [`RequestError`]; nothing was begun.
    pub fn remote_status(
        &mut self,
        now: Instant,
        entity: EntityId,
        transaction: TransactionId,
        local: Option<&StoreName>,
    ) -> Result<TransactionId, RequestError> {
        let report = RemoteMessage::StatusReportRequest {
            transaction,
            report_file: local.map_or(Lv::EMPTY, StoreName::lv),
        };
        self.put(now, &ask(entity, 0, ReservedMessage::Remote(report))?)
    }

    /// Asks another entity to suspend a transaction (§6.5);
    /// [`Event::RemoteSuspension`](super::Event::RemoteSuspension) tells what came of it.
    ///
    /// # Errors
    /// [`RequestError`]; nothing was begun.
    pub fn remote_suspend(
        &mut self,
        now: Instant,
        entity: EntityId,
        transaction: TransactionId,
    ) -> Result<TransactionId, RequestError> {
        let suspend = ReservedMessage::Remote(RemoteMessage::SuspendRequest(transaction));
        self.put(now, &ask(entity, 0, suspend)?)
    }

    /// Asks another entity to resume a transaction (§6.6);
    /// [`Event::RemoteSuspension`](super::Event::RemoteSuspension) tells what came of it.
    ///
    /// # Errors
    /// [`RequestError`]; nothing was begun.
    pub fn remote_resume(
        &mut self,
        now: Instant,
        entity: EntityId,
        transaction: TransactionId,
    ) -> Result<TransactionId, RequestError> {
        let resume = ReservedMessage::Remote(RemoteMessage::ResumeRequest(transaction));
        self.put(now, &ask(entity, 0, resume)?)
    }
}

fn ask(
    entity: EntityId,
    priority: u8,
    message: ReservedMessage<'_>,
) -> Result<PutRequest, RequestError> {
    let request = PutRequest {
        priority,
        ..PutRequest::without_file(entity)
    };
    Ok(request.with_reserved(&message)?)
}
