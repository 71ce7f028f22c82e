//! Queries and mutations. Those of the link have the names that they have at any service.

use std::collections::BTreeSet;
use std::time::Duration;

use comms_service::CommsTelemetry;
use comms_service::telemetry::Counter;
use juniper::{EmptySubscription, FieldResult, GraphQLObject, RootNode, graphql_object};
use payload_interface::AppName;
use service_host::link_schema::{
    ConfigurationView, ContactsView, MutationResult, RadioFrames, WindowInput,
};

use super::Context;
use super::apps::{App, Health};
use super::devices::Device;
use super::files::StagedFile;
use super::history::{Message, Notice};
use super::runs::{Run, RunStanding};
use super::windows::{PayloadWindow, WindowOrder, WindowState, window_id};
use crate::core::{AppView, Command, Controller, Done, RunId};

/// Runs, notices or messages of one answer, at most.
const ANSWER_MAX: usize = 1000;
/// Where nothing is said.
const ANSWER_DEFAULT: usize = 100;

/// The whole schema.
pub(super) type Schema = RootNode<Query, Mutation, EmptySubscription<Context>>;

pub(super) struct Query;

pub(super) struct Mutation;

/// Whether a sequence was ordered.
#[derive(GraphQLObject)]
#[graphql(context = Context)]
struct SequenceResult {
    /// It was.
    success: bool,
    /// Why it was not.
    errors: String,
    /// The number of its run.
    run: Option<Counter>,
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

    /// All apps, by their names.
    fn apps(context: &Context) -> FieldResult<Vec<App>> {
        Ok(context.views()?.iter().map(App::of).collect())
    }

    /// The app of that name; null where there is none.
    fn app(context: &Context, name: String) -> FieldResult<Option<App>> {
        let name: AppName = name.parse()?;
        let view = context.door.look(move |it| it.app(&name))?;
        Ok(view.as_ref().map(App::of))
    }

    /// How all apps are.
    fn health(context: &Context) -> FieldResult<Vec<Health>> {
        Ok(context.views()?.iter().map(Health::of).collect())
    }

    /// Runs of all apps, or of one: the oldest first, from the one with the number `from` on,
    /// at most `limit` (100; 1000 at most).
    fn runs(
        context: &Context,
        app: Option<String>,
        state: Option<RunStanding>,
        from: Option<Counter>,
        limit: Option<i32>,
    ) -> FieldResult<Vec<Run>> {
        let app: Option<AppName> = app.map(|app| app.parse()).transpose()?;
        let from = RunId(from.map_or(0, |from| from.0));
        let runs = context.door.look(move |it| {
            it.runs_from(from, at_most(limit), |run| {
                app.as_ref().is_none_or(|app| run.app == *app)
                    && state.is_none_or(|state| state.is_of(run))
            })
        })?;
        Ok(runs.iter().map(Run::of).collect())
    }

    /// The run with that number; null where there is none.
    fn run(context: &Context, id: Counter) -> FieldResult<Option<Run>> {
        let id = RunId(id.0);
        let runs = context
            .door
            .look(move |it| it.runs_from(id, 1, |run| run.id == id))?;
        Ok(runs.first().map(Run::of))
    }

    /// Files of all apps, or of one, that are not on the ground: the oldest of each app first.
    fn files(context: &Context, app: Option<String>) -> FieldResult<Vec<StagedFile>> {
        let app: Option<AppName> = app.map(|app| app.parse()).transpose()?;
        let files = context.door.look(move |it| {
            let apps = it.apps().map(|view| view.name);
            let wanted = apps.filter(|name| app.as_ref().is_none_or(|app| app == name));
            let files = wanted.flat_map(|name| it.files(&name));
            files.take(ANSWER_MAX).collect::<Vec<_>>()
        })?;
        Ok(files.iter().map(StagedFile::of).collect())
    }

    /// Windows of payloads that are called through `payload_exec`: those with these ids (unknown
    /// ones are left out), or all, those that stand so, the earliest start first, at most `limit`
    /// (100; 1000 at most).
    fn windows(
        context: &Context,
        ids: Option<Vec<String>>,
        state: Option<WindowState>,
        limit: Option<i32>,
    ) -> FieldResult<Vec<PayloadWindow>> {
        let ids: Option<BTreeSet<String>> = ids.map(|ids| ids.into_iter().collect());
        let windows = context.door.look(move |it| {
            it.windows(at_most(limit), |window| {
                let id = window.order.id.as_str();
                ids.as_ref().is_none_or(|ids| ids.contains(id))
                    && state.is_none_or(|state| state == window.state.into())
            })
        })?;
        Ok(windows.iter().map(PayloadWindow::of).collect())
    }

    /// All devices, by their numbers.
    fn devices(context: &Context) -> FieldResult<Vec<Device>> {
        let devices = context.door.look(|it| it.devices().collect::<Vec<_>>())?;
        Ok(devices.iter().map(Device::of).collect())
    }

    /// What happened since the controller began, the oldest first, after the one with the
    /// number `after`, at most `limit` (100; 1000 at most). Only so many are remembered; the log
    /// has them all.
    fn notices(context: &Context, after: Option<Counter>, limit: Option<i32>) -> Vec<Notice> {
        let after = after.map_or(0, |after| after.0);
        let notices = context.log.notices_after(after).into_iter();
        let notices = notices.take(at_most(limit));
        notices
            .map(|(number, notice)| Notice::of(number, &notice))
            .collect()
    }

    /// Messages of payloads, as `notices`.
    fn messages(context: &Context, after: Option<Counter>, limit: Option<i32>) -> Vec<Message> {
        let after = after.map_or(0, |after| after.0);
        let messages = context.log.messages_after(after);
        let messages = messages.iter().take(at_most(limit));
        messages.map(Message::of).collect()
    }
}

#[graphql_object(context = Context)]
impl Mutation {
    /// Does nothing: shows that commands arrive.
    fn noop() -> MutationResult {
        done(Ok(()))
    }

    /// Has the configuration of the link read again. What is in it holds once this answer
    /// has left, and is rolled back unless it is confirmed: by a message from the ground, or
    /// `confirmConfiguration`. Apps, devices and their rules change with a restart only.
    fn reload_configuration(context: &Context) -> MutationResult {
        context.link.reload_configuration()
    }

    /// Changes keys of `[payload-controller.comms]`: `toml` takes the place of all changes made
    /// in this way before; an empty text takes them back. It holds, and is rolled back, as
    /// after `reloadConfiguration`.
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

    /// Begins an app that is off.
    fn start(context: &Context, app: String) -> MutationResult {
        context.of_app(app, Command::Start)
    }

    /// Shuts an app down: it is asked to, then killed, then switched off. It is told to have
    /// `graceS` seconds, or what its rules say, and `reason` (0 to 255).
    fn shutdown(
        context: &Context,
        app: String,
        grace_s: Option<i32>,
        #[graphql(default = 0)] reason: i32,
    ) -> MutationResult {
        let number = |what: &str, most: &str| format!("`{what}` must be from 0 to {most}");
        let reason = u8::try_from(reason).map_err(|_| number("reason", "255"));
        let grace = grace_s.map(|grace| u64::try_from(grace).map(Duration::from_secs));
        let grace = grace.transpose();
        let grace = grace.map_err(|_| number("graceS", "2147483647"));
        let order = reason.and_then(|reason| Ok((reason, grace?)));
        match order {
            Ok((reason, grace)) => {
                context.of_app(app, |app| Command::Shutdown { app, grace, reason })
            }
            Err(error) => done(Err(error)),
        }
    }

    /// Begins an app in quarantine, or one that was given up, again: what it did is forgotten.
    fn release(context: &Context, app: String) -> MutationResult {
        context.of_app(app, Command::Release)
    }

    /// Begins a sequence of an app that is registered; it is to be done within `withinS`
    /// seconds. `run` follows it.
    fn start_sequence(
        context: &Context,
        app: String,
        sequence: String,
        #[graphql(default)] params: String,
        within_s: i32,
    ) -> SequenceResult {
        let within = u64::try_from(within_s).unwrap_or_default();
        let ordered = context.order_of_app(app, |app| Command::StartSequence {
            app,
            sequence,
            params,
            within: Duration::from_secs(within),
        });
        let (run, errors) = match ordered {
            Ok(Done::Run(run)) => (Some(Counter(run.0)), String::new()),
            Ok(Done::Accepted) => (None, String::new()),
            Err(error) => (None, error),
        };
        SequenceResult {
            success: run.is_some(),
            errors,
            run,
        }
    }

    /// Has a run end early. Only payloads that know the extension can.
    fn cancel_sequence(
        context: &Context,
        run: Counter,
        #[graphql(default)] reason: String,
    ) -> MutationResult {
        context.does(Command::CancelRun(RunId(run.0), reason))
    }

    /// Gives up a run of which nothing is heard, so that another of its name may begin.
    fn abandon_run(context: &Context, run: Counter) -> MutationResult {
        context.does(Command::AbandonRun(RunId(run.0)))
    }

    /// Schedules a window of a payload that is called through `payload_exec`. The same order
    /// again changes nothing and succeeds; another one with an id that is known is refused. So
    /// are an unknown payload, a window whose preparation should have begun already, one that
    /// overlaps another of its payload with their buffers, and one too many.
    fn schedule_window(context: &Context, window: WindowOrder) -> MutationResult {
        match window.checked() {
            Ok(order) => context.does(Command::ScheduleWindow(Box::new(order))),
            Err(error) => done(Err(error)),
        }
    }

    /// Cancels a window: before its start it will not run; while it runs it is ended as at its
    /// end. One that has ended, or is not known, is refused.
    fn cancel_window(context: &Context, id: String) -> MutationResult {
        match window_id(&id) {
            Ok(id) => context.does(Command::CancelWindow(id)),
            Err(error) => done(Err(error)),
        }
    }

    /// Switches a device, within its interlocks.
    fn power(context: &Context, device: i32, on: bool) -> MutationResult {
        match u16::try_from(device) {
            Ok(device) => context.does(Command::Power { device, on }),
            Err(_) => done(Err(format!("there is no device {device}"))),
        }
    }

    /// Tells a payload something: `dataHex` are 1020 octets at most in hexadecimal digits. What
    /// it answers is among the notices.
    fn message(
        context: &Context,
        app: String,
        command_id: i32,
        #[graphql(default)] data_hex: String,
    ) -> MutationResult {
        let data = hex::decode(data_hex);
        let data = data.map_err(|error| format!("`dataHex`: {error}"));
        let id = u16::try_from(command_id);
        let id = id.map_err(|_| "`commandId` must be from 0 to 65535".to_owned());
        match id.and_then(|id| Ok((id, data?))) {
            Ok((command_id, data)) => context.of_app(app, |app| Command::Message {
                app,
                command_id,
                data,
            }),
            Err(error) => done(Err(error)),
        }
    }

    /// Asks a payload for its counters, which are then `metrics` of the app.
    fn ask_metrics(context: &Context, app: String) -> MutationResult {
        context.of_app(app, Command::Metrics)
    }
}

impl Context {
    fn views(&self) -> FieldResult<Vec<AppView>> {
        let views = |controller: &Controller| controller.apps().collect();
        Ok(self.door.look(views)?)
    }

    fn order(&self, command: Command) -> Result<Done, String> {
        let ordered = self.door.command(command);
        let done = ordered.map_err(|busy| busy.to_string())?;
        done.map_err(|error| error.to_string())
    }

    fn order_of_app(
        &self,
        app: String,
        command: impl FnOnce(AppName) -> Command,
    ) -> Result<Done, String> {
        let app = app.parse::<AppName>();
        let app = app.map_err(|error| error.to_string())?;
        self.order(command(app))
    }

    fn does(&self, command: Command) -> MutationResult {
        done(self.order(command).map(|_| ()))
    }

    fn of_app(&self, app: String, command: impl FnOnce(AppName) -> Command) -> MutationResult {
        done(self.order_of_app(app, command).map(|_| ()))
    }
}

fn at_most(limit: Option<i32>) -> usize {
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    limit.unwrap_or(ANSWER_DEFAULT).min(ANSWER_MAX)
}

fn done(result: Result<(), String>) -> MutationResult {
    MutationResult {
        success: result.is_ok(),
        errors: result.err().unwrap_or_default(),
    }
}
