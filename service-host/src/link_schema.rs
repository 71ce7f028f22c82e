//! The GraphQL schema of a service that stands on a communications link.
//!
//! The names at the root are those that KubOS operators know; `telemetry` and
//! `radio` hold the typed breakdown.

use std::sync::{Arc, Mutex, PoisonError};

use comms_service::CommsTelemetry;
use comms_service::telemetry::Counter;
use juniper::{EmptySubscription, RootNode, graphql_object};
use radio_hal::{FrameStatistics, RadioConnection};

pub use crate::contacts::{ContactsView, WindowInput, WindowView};
use crate::reload::{Configuration, Reload, Standing};

/// What the schema looks at.
#[derive(Clone)]
pub struct LinkContext {
    /// The telemetry of the link.
    pub telemetry: Arc<Mutex<CommsTelemetry>>,
    /// The radio under it.
    pub radio: RadioConnection,
    /// How it is configured.
    pub configuration: Configuration,
}

impl juniper::Context for LinkContext {}

impl LinkContext {
    /// What the link counts.
    #[must_use]
    pub fn telemetry(&self) -> CommsTelemetry {
        self.telemetry
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What the radio counts.
    #[must_use]
    pub fn radio_frames(&self) -> RadioFrames {
        RadioFrames(self.radio.statistics())
    }

    /// How the service is configured; none while it starts.
    #[must_use]
    pub fn configuration(&self) -> Option<ConfigurationView> {
        let reload = self.configuration.get()?;
        let (state, left) = match reload.standing() {
            Standing::Settled => ("settled", None),
            Standing::Staged => ("staged", None),
            Standing::OnTrial(left) => ("on-trial", Some(left)),
        };
        Some(ConfigurationView {
            state: state.to_owned(),
            confirm_ms_left: left
                .map(|left| Counter(u64::try_from(left.as_millis()).unwrap_or(u64::MAX))),
            overlay: reload.overlay(),
        })
    }

    /// Has the configuration file read again, on trial.
    #[must_use]
    pub fn reload_configuration(&self) -> MutationResult {
        MutationResult::of(self, Reload::stage_file)
    }

    /// Changes keys of `[<service>.comms]`, on trial.
    #[must_use]
    pub fn configure(&self, toml: &str) -> MutationResult {
        MutationResult::of(self, |reload| reload.stage_overlay(toml))
    }

    /// Keeps the configuration that is on trial.
    #[must_use]
    pub fn confirm_configuration(&self) -> MutationResult {
        MutationResult::of(self, Reload::confirm)
    }

    /// When the ground listens; none while the service starts.
    #[must_use]
    pub fn contacts(&self) -> Option<ContactsView> {
        Some(self.configuration.get()?.contacts().view())
    }

    /// The ground listens then, whatever the configuration says.
    #[must_use]
    pub fn set_contacts(&self, windows: &[WindowInput]) -> MutationResult {
        MutationResult::of(self, |reload| reload.contacts().set(windows))
    }

    /// The ground listens as the configuration says.
    #[must_use]
    pub fn clear_contacts(&self) -> MutationResult {
        MutationResult::of(self, |reload| reload.contacts().clear())
    }
}

/// The whole schema.
pub type LinkSchema = RootNode<LinkQuery, LinkMutation, EmptySubscription<LinkContext>>;

/// The schema, ready for [`Endpoint::new`](crate::http::Endpoint::new).
#[must_use]
pub fn link_schema() -> LinkSchema {
    LinkSchema::new(LinkQuery, LinkMutation, EmptySubscription::new())
}

/// Queries of a service on a communications link.
pub struct LinkQuery;

#[graphql_object(context = LinkContext)]
impl LinkQuery {
    /// "pong": the service is alive.
    fn ping() -> &'static str {
        "pong"
    }

    /// The newest errors of the link, newest last.
    fn errors(context: &LinkContext) -> Vec<String> {
        context.telemetry().errors()
    }

    /// Everything that the link counts.
    fn telemetry(context: &LinkContext) -> CommsTelemetry {
        context.telemetry()
    }

    /// Everything that the radio counts.
    fn radio(context: &LinkContext) -> RadioFrames {
        context.radio_frames()
    }

    /// How the service is configured; null while it starts.
    fn configuration(context: &LinkContext) -> Option<ConfigurationView> {
        context.configuration()
    }

    /// When the ground is planned to listen; null while the service starts.
    fn contacts(context: &LinkContext) -> Option<ContactsView> {
        context.contacts()
    }

    /// Valid packets from the radio.
    fn packets_up(context: &LinkContext) -> i32 {
        context.telemetry().packets_up()
    }

    /// Packets that the radio took.
    fn packets_down(context: &LinkContext) -> i32 {
        context.telemetry().packets_down()
    }

    /// Packets from the radio that were dropped.
    fn failed_packets_up(context: &LinkContext) -> i32 {
        context.telemetry().failed_packets_up()
    }

    /// Messages for the ground that were dropped.
    fn failed_packets_down(context: &LinkContext) -> i32 {
        context.telemetry().failed_packets_down()
    }
}

/// Mutations of a service on a communications link.
pub struct LinkMutation;

#[graphql_object(context = LinkContext)]
impl LinkMutation {
    /// Does nothing: shows that commands arrive.
    fn noop() -> MutationResult {
        MutationResult {
            success: true,
            errors: String::new(),
        }
    }

    /// Has the configuration file read again. What is in it holds once this answer
    /// has left, and is rolled back unless it is confirmed: by a message from
    /// the ground, or `confirmConfiguration`.
    fn reload_configuration(context: &LinkContext) -> MutationResult {
        context.reload_configuration()
    }

    /// Changes keys of `[<service>.comms]`: `toml` takes the place of all changes
    /// made in this way before; an empty text takes them back. It holds, and is
    /// rolled back, as after `reloadConfiguration`.
    fn configure(context: &LinkContext, toml: String) -> MutationResult {
        context.configure(&toml)
    }

    /// Keeps the configuration that is on trial.
    fn confirm_configuration(context: &LinkContext) -> MutationResult {
        context.confirm_configuration()
    }

    /// The ground listens in these windows, whatever the configuration says; they take the
    /// place of all before. A restart knows them where the service has a `state-dir`.
    fn set_contacts(context: &LinkContext, windows: Vec<WindowInput>) -> MutationResult {
        context.set_contacts(&windows)
    }

    /// The ground listens as the configuration says.
    fn clear_contacts(context: &LinkContext) -> MutationResult {
        context.clear_contacts()
    }
}

/// How a service is configured.
#[derive(Clone, Debug, juniper::GraphQLObject)]
#[graphql(name = "Configuration", context = LinkContext)]
pub struct ConfigurationView {
    /// `settled`; `staged`: another one is taken once the answer has left;
    /// `on-trial`: it is rolled back unless it is confirmed.
    pub state: String,
    /// Contact that is left to confirm it, in ms.
    pub confirm_ms_left: Option<Counter>,
    /// What `configure` has changed, as TOML.
    pub overlay: String,
}

impl MutationResult {
    fn of(context: &LinkContext, change: impl FnOnce(&Reload) -> anyhow::Result<()>) -> Self {
        let changed = match context.configuration.get() {
            Some(reload) => change(reload),
            None => Err(anyhow::anyhow!(
                "the service has not started yet: try again"
            )),
        };
        MutationResult {
            success: changed.is_ok(),
            errors: changed.map_or_else(|error| format!("{error:#}"), |()| String::new()),
        }
    }
}

/// Whether a mutation did what it was asked to.
#[derive(Clone, Debug, juniper::GraphQLObject)]
pub struct MutationResult {
    /// It did.
    pub success: bool,
    /// Why it did not.
    pub errors: String,
}

/// What the radio counts.
pub struct RadioFrames(pub FrameStatistics);

/// What became of the frames of the radio: received = delivered + dropped.
#[graphql_object]
#[graphql(context = LinkContext)]
impl RadioFrames {
    /// Frames that came in, good or not.
    fn received(&self) -> Counter {
        Counter(self.0.received)
    }

    /// Frames whose packet was handed to the link.
    fn delivered(&self) -> Counter {
        Counter(self.0.delivered)
    }

    /// Frames that were dropped, by reason; reasons that did not occur are left out.
    fn dropped(&self) -> Vec<DroppedFrames> {
        let drops = self.0.drops().filter(|(_, count)| *count > 0);
        let view = drops.map(|(reason, count)| DroppedFrames {
            reason: reason.as_str().to_string(),
            count: Counter(count),
        });
        view.collect()
    }

    /// Packets that the transmitter took.
    fn transmitted(&self) -> Counter {
        Counter(self.0.transmitted)
    }

    /// Packets that were refused or could not be sent, and are not tried again.
    fn transmit_failures(&self) -> Counter {
        Counter(self.0.transmit_failures)
    }
}

/// How many frames were dropped for one reason.
#[derive(juniper::GraphQLObject)]
#[graphql(context = LinkContext)]
struct DroppedFrames {
    /// The reason.
    reason: String,
    /// How many.
    count: Counter,
}
