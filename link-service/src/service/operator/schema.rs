//! Queries and mutations. Those of the link have the names that they have at any service.

use comms_service::CommsTelemetry;
use juniper::{EmptySubscription, FieldError, FieldResult, GraphQLEnum, RootNode, graphql_object};
use service_host::link_schema::{
    ConfigurationView, ContactsView, MutationResult, RadioFrames, WindowInput,
};

use super::Context;
use super::degraded::DegradedBox;
use super::links::Link;
use super::peers::Peer;
use crate::desk::{AskError, Desk, TransferView};
use crate::names::AppId;
use crate::record::TransferId;
use crate::request::Priority;
use crate::service::run::ServiceDesk;

/// Transfers of one answer, at most.
const LINKS_MAX: usize = 1000;

/// The whole schema.
pub(super) type Schema = RootNode<Query, Mutation, EmptySubscription<Context>>;

pub(super) struct Query;

pub(super) struct Mutation;

/// Which transfers.
#[derive(Clone, Copy, PartialEq, Eq, GraphQLEnum)]
enum LinkState {
    /// Those that have not ended.
    Open,
    /// Those that have.
    Ended,
}

/// What goes first.
#[derive(Clone, Copy, PartialEq, Eq, GraphQLEnum)]
enum LinkPriority {
    /// Last.
    Low,
    /// The usual.
    Medium,
    /// Before what is usual.
    High,
    /// Before everything.
    Critical,
}

#[graphql_object(context = Context)]
impl Query {
    /// "pong": the service is alive.
    fn ping() -> &'static str {
        "pong"
    }

    /// The newest errors of the link, newest last.
    fn errors(context: &Context) -> Vec<String> {
        context.link.telemetry().errors()
    }

    /// Everything that the link counts.
    fn telemetry(context: &Context) -> CommsTelemetry {
        context.link.telemetry()
    }

    /// Everything that the radio counts.
    fn radio(context: &Context) -> RadioFrames {
        context.link.radio_frames()
    }

    /// How the service is configured; null while it starts.
    fn configuration(context: &Context) -> Option<ConfigurationView> {
        context.link.configuration()
    }

    /// When the ground is planned to listen; null while the service starts.
    fn contacts(context: &Context) -> Option<ContactsView> {
        context.link.contacts()
    }

    /// Valid packets from the radio.
    fn packets_up(context: &Context) -> i32 {
        context.link.telemetry().packets_up()
    }

    /// Packets that the radio took.
    fn packets_down(context: &Context) -> i32 {
        context.link.telemetry().packets_down()
    }

    /// Packets from the radio that were dropped.
    fn failed_packets_up(context: &Context) -> i32 {
        context.link.telemetry().failed_packets_up()
    }

    /// Messages for the ground that were dropped.
    fn failed_packets_down(context: &Context) -> i32 {
        context.link.telemetry().failed_packets_down()
    }

    /// The links to other spacecraft.
    fn peers(context: &Context) -> Vec<Peer> {
        context.peers.iter().map(Peer::of).collect()
    }

    /// Inboxes and outboxes that are on no disk of this machine, as on a share: what is
    /// weaker there, the log says.
    fn degraded(context: &Context) -> Vec<DegradedBox> {
        let shares = context.reloader.shares();
        shares.iter().map(DegradedBox::of).collect()
    }

    /// Transfers of all apps, or of one: the oldest first, from the one with the number `from`
    /// on, at most `limit` (100; 1000 at most).
    fn links(
        context: &Context,
        state: Option<LinkState>,
        sender: Option<String>,
        from: Option<String>,
        limit: Option<i32>,
    ) -> FieldResult<Vec<Link>> {
        let from = from.map_or(Ok(TransferId(0)), |from| number(&from))?;
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        let is_wanted = |view: &TransferView| {
            let of_sender = |sender: &String| view.transfer.from().to_string() == *sender;
            let of_state = |state: LinkState| view.has_ended() == (state == LinkState::Ended);
            sender.as_ref().is_none_or(of_sender) && state.is_none_or(of_state)
        };
        let limit = limit.unwrap_or(100).min(LINKS_MAX);
        let views = context.desk().list_all(from, limit, is_wanted);
        Ok(views.iter().map(Link::of).collect())
    }

    /// The transfer with this number; null where there is none.
    fn link(context: &Context, id: String) -> FieldResult<Option<Link>> {
        let id = number(&id)?;
        let views = context
            .desk()
            .list_all(id, 1, |view| view.transfer.id == id);
        Ok(views.first().map(Link::of))
    }
}

#[graphql_object(context = Context)]
impl Mutation {
    /// Does nothing: shows that commands arrive.
    fn noop() -> MutationResult {
        done(Ok::<_, String>(()))
    }

    /// Has the configuration of the link read again. What is in it holds once this answer
    /// has left, and is rolled back unless it is confirmed: by a message from the ground, or
    /// `confirmConfiguration`. Apps and policy are for `reloadApps`.
    fn reload_configuration(context: &Context) -> MutationResult {
        context.link.reload_configuration()
    }

    /// Changes keys of `[link-service.comms]`: `toml` takes the place of all changes made in
    /// this way before; an empty text takes them back. It holds, and is rolled back, as after
    /// `reloadConfiguration`.
    fn configure(context: &Context, toml: String) -> MutationResult {
        context.link.configure(&toml)
    }

    /// Keeps the configuration that is on trial.
    fn confirm_configuration(context: &Context) -> MutationResult {
        context.link.confirm_configuration()
    }

    /// The ground listens in these windows, whatever the configuration says; they take the
    /// place of all before. A restart knows them where the service has a `state-dir`.
    fn set_contacts(context: &Context, windows: Vec<WindowInput>) -> MutationResult {
        context.link.set_contacts(&windows)
    }

    /// The ground listens as the configuration says.
    fn clear_contacts(context: &Context) -> MutationResult {
        context.link.clear_contacts()
    }

    /// Has apps and policy read again. They hold at once, and for good; with a mistake in
    /// them, the former do.
    fn reload_apps(context: &Context) -> MutationResult {
        let read = context.reloader.read_again();
        done(read.map_err(|error| format!("{error:#}")))
    }

    /// The transfer is not to be delivered. Who has it already, has it.
    fn cancel(context: &Context, id: String) -> MutationResult {
        context.ask(&id, Desk::cancel)
    }

    /// The transfer is not to go on until it is released.
    fn hold(context: &Context, id: String) -> MutationResult {
        context.ask(&id, Desk::hold)
    }

    /// The transfer may go on.
    fn release(context: &Context, id: String) -> MutationResult {
        context.ask(&id, Desk::release)
    }

    /// The transfer has another priority.
    fn prioritise(context: &Context, id: String, priority: LinkPriority) -> MutationResult {
        let priority = match priority {
            LinkPriority::Low => Priority::Low,
            LinkPriority::Medium => Priority::Medium,
            LinkPriority::High => Priority::High,
            LinkPriority::Critical => Priority::Critical,
        };
        context.ask(&id, |desk, sender, id| {
            desk.reprioritise_unasked(sender, id, priority)
        })
    }
}

impl Context {
    fn desk(&self) -> &ServiceDesk {
        &self.reloader.desk
    }

    /// The operator may what the sender may.
    fn ask(
        &self,
        id: &str,
        does: impl FnOnce(&ServiceDesk, &AppId, TransferId) -> Result<(), AskError>,
    ) -> MutationResult {
        let asked = number(id).map_err(|error| error.message().to_owned());
        done(asked.and_then(|id| {
            let sender = self.desk().sender(id);
            let sender = sender.ok_or_else(|| format!("there is no transfer {id}"))?;
            does(self.desk(), &sender, id).map_err(|error| error.to_string())
        }))
    }
}

fn number(id: &str) -> Result<TransferId, FieldError> {
    let number = TransferId::of_name(id);
    number.ok_or_else(|| "the number of a transfer has 16 digits of 0-9 and a-f".into())
}

fn done(result: Result<(), impl ToString>) -> MutationResult {
    MutationResult {
        success: result.is_ok(),
        errors: result.map_or_else(|error| error.to_string(), |()| String::new()),
    }
}
