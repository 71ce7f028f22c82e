//! Which call does what.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::Stream;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::answer;
use super::follow::follow;
use super::limits::PAGE_MAX;
use super::messages::link_reference::Reference;
use super::messages::link_server::Link;
use super::messages::list_request::State;
use super::messages::{
    AcknowledgeRequest, AcknowledgeResponse, Delivery, GetXferDirectoriesRequest, LinkReference,
    LinkRequest, LinkResponse, ListRequest, ListResponse, ReceiveRequest, XferDirectories,
};
use super::receive::Receiving;
use super::request;
use crate::api::Pool;
use crate::api::json::answer::Directories;
use crate::api::json::refusal::Refusal;
use crate::api::json::{Asks, Way};
use crate::desk::{AskError, Desk, TransferView};
use crate::folders::Folders;
use crate::journal::Journal;
use crate::names::AppId;
use crate::record::TransferId;

/// Many answers.
pub(super) type Many<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The calls, for one way in.
pub struct Calls<F: Folders + 'static, J: Journal + 'static> {
    /// Who knows.
    pub desk: Arc<Desk<F, J>>,
    /// What waits for the disk, does so there.
    pub pool: Arc<Pool>,
    /// How it is known who asks.
    pub way: Way,
}

impl<F: Folders, J: Journal> Calls<F, J> {
    pub(super) fn sender(&self, shown: &MetadataMap) -> Result<AppId, Refusal> {
        self.way
            .sender(&Asks::by_headers(shown.as_ref()), self.desk.access())
    }

    async fn submit(
        &self,
        sender: &AppId,
        message: LinkRequest,
    ) -> Result<(TransferView, bool), Refusal> {
        let request = request::request(message, sender)?;
        let (desk, sender) = (Arc::clone(&self.desk), sender.clone());
        let submitted = self.pool.run(move || {
            let receipt = desk.submit(&sender, request)?;
            let view = desk.status(&sender, receipt.id)?;
            Ok::<_, Refusal>((view, receipt.is_known))
        });
        submitted.await?
    }

    fn find(&self, sender: &AppId, reference: Option<Reference>) -> Result<TransferId, AskError> {
        let found = match reference {
            Some(Reference::Id(id)) => TransferId::of_name(&id),
            Some(Reference::TrackingId(id)) => self.desk.find(sender, &id),
            None => None,
        };
        found.ok_or(AskError::Unknown)
    }

    /// How one stands, after something was asked of it.
    fn ask(
        &self,
        request: Request<LinkReference>,
        does: impl FnOnce(&Desk<F, J>, &AppId, TransferId) -> Result<(), AskError>,
    ) -> Result<Response<LinkResponse>, Status> {
        let sender = self.sender(request.metadata())?;
        let asked = self
            .find(&sender, request.into_inner().reference)
            .and_then(|id| {
                does(&self.desk, &sender, id)?;
                self.desk.status(&sender, id)
            });
        Ok(Response::new(match asked {
            Ok(view) => answer::standing(&view),
            Err(error) => answer::refused(error.into(), &sender, None),
        }))
    }
}

#[tonic::async_trait]
impl<F: Folders, J: Journal> Link for Arc<Calls<F, J>> {
    type FollowStream = Many<LinkResponse>;
    type ReceiveStream = Many<Delivery>;

    async fn send(&self, request: Request<LinkRequest>) -> Result<Response<LinkResponse>, Status> {
        let sender = self.sender(request.metadata())?;
        let message = request.into_inner();
        let echo = message.clone();
        Ok(Response::new(match self.submit(&sender, message).await {
            Ok((view, true)) => answer::standing(&view),
            Ok((view, false)) => answer::accepted(&view),
            Err(refusal) => answer::refused(refusal, &sender, Some(echo)),
        }))
    }

    async fn follow(
        &self,
        request: Request<LinkRequest>,
    ) -> Result<Response<Many<LinkResponse>>, Status> {
        let sender = self.sender(request.metadata())?;
        let message = request.into_inner();
        let echo = message.clone();
        Ok(Response::new(match self.submit(&sender, message).await {
            Ok((view, is_known)) => follow(Arc::clone(self), view, is_known),
            Err(refusal) => {
                let refused = answer::refused(refusal, &sender, Some(echo));
                Box::pin(futures_util::stream::iter([Ok(refused)]))
            }
        }))
    }

    async fn status(
        &self,
        request: Request<LinkReference>,
    ) -> Result<Response<LinkResponse>, Status> {
        self.ask(request, |_, _, _| Ok(()))
    }

    async fn cancel(
        &self,
        request: Request<LinkReference>,
    ) -> Result<Response<LinkResponse>, Status> {
        self.ask(request, |desk, sender, id| desk.cancel(sender, id))
    }

    async fn list(&self, request: Request<ListRequest>) -> Result<Response<ListResponse>, Status> {
        let sender = self.sender(request.metadata())?;
        let ListRequest { from, limit, state } = request.into_inner();
        let from = match &*from {
            "" => TransferId(0),
            from => TransferId::of_name(from)
                .ok_or_else(|| Refusal::invalid("from is to be the id of a request"))?,
        };
        let has_ended = match State::try_from(state) {
            Ok(State::Any) => None,
            Ok(State::Open) => Some(false),
            Ok(State::Ended) => Some(true),
            Err(_) => return Err(Refusal::invalid(format!("state: there is no {state}")).into()),
        };
        let limit = match usize::try_from(limit) {
            Ok(limit @ 1..=PAGE_MAX) => limit,
            _ => PAGE_MAX,
        };
        let desk = Arc::clone(&self.desk);
        let page = self.pool.run(move || {
            let is_wanted =
                |view: &TransferView| has_ended.is_none_or(|ended| ended == view.has_ended());
            // One more says where the next page begins.
            let mut views = desk.list_where(&sender, from, limit + 1, is_wanted);
            let next = views.get(limit).map(|view| view.transfer.id.to_string());
            views.truncate(limit);
            ListResponse {
                links: views.iter().map(answer::standing).collect(),
                next: next.unwrap_or_default(),
            }
        });
        Ok(Response::new(page.await?))
    }

    async fn receive(
        &self,
        request: Request<ReceiveRequest>,
    ) -> Result<Response<Many<Delivery>>, Status> {
        let app = self.sender(request.metadata())?;
        let (shown, _, ReceiveRequest { only_present }) = request.into_parts();
        let receiving = Receiving {
            calls: Arc::clone(self),
            app,
            shown,
            only_present,
        };
        Ok(Response::new(receiving.stream()))
    }

    async fn acknowledge(
        &self,
        request: Request<AcknowledgeRequest>,
    ) -> Result<Response<AcknowledgeResponse>, Status> {
        let app = self.sender(request.metadata())?;
        let AcknowledgeRequest { id, keep_files } = request.into_inner();
        let id = TransferId::of_name(&id).ok_or(Refusal::from(AskError::Unknown))?;
        let desk = Arc::clone(&self.desk);
        let done = self
            .pool
            .run(move || desk.acknowledge(&app, id, !keep_files));
        done.await?.map_err(Refusal::from)?;
        Ok(Response::new(AcknowledgeResponse {}))
    }

    async fn get_xfer_directories(
        &self,
        request: Request<GetXferDirectoriesRequest>,
    ) -> Result<Response<XferDirectories>, Status> {
        let sender = self.sender(request.metadata())?;
        let access = self.desk.access().current();
        let Directories {
            root,
            inbox,
            outbox,
        } = Directories::of(&sender, &access)?;
        Ok(Response::new(XferDirectories {
            root,
            inbox,
            outbox,
        }))
    }
}
