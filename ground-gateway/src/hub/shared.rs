//! What the threads of a hub have in common.

use std::collections::BTreeMap;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use comms_service::budget::HeldBytes;
use comms_service::ground::GroundLink;
use comms_service::link::{Action, Command, CommandFailure};
use crossbeam_channel::{Receiver, Sender, bounded};

use super::files::Files;
use super::listeners::{ListenerQueue, Listeners};
use super::protocol::Heard;
use crate::config::GroundLinkConfig;

/// Clients of one hub at once.
const CLIENTS_MAX: usize = 64;
/// Draws of a command id before all are taken to be in use. Format `udp` has
/// only some sixteen thousand.
const ID_DRAWS_MAX: usize = 64;

pub(super) struct Shared {
    pub(super) config: GroundLinkConfig,
    /// None once the link is being shut down.
    link: Mutex<Option<GroundLink>>,
    state: Mutex<State>,
    changed: Condvar,
    /// None without files, and once the hub leaves.
    files: Mutex<Option<Arc<Files>>>,
}

#[derive(Default)]
struct State {
    leaving: bool,
    closed: bool,
    next_client: u64,
    clients: BTreeMap<u64, UnixStream>,
    commands: BTreeMap<u64, Pending>,
    listeners: Listeners,
}

/// A command whose client has not been told the outcome.
struct Pending {
    outcome: Sender<Outcome>,
    deadline: Instant,
}

/// What became of a command.
pub(super) enum Outcome {
    Answered(HeldBytes),
    /// One reply of several; the command stays open.
    Replied(HeldBytes),
    Sent,
    Failed(CommandFailure),
}

/// Why a request is not taken.
pub(super) enum Refused {
    /// The hub leaves within that time.
    Leaving(Duration),
    /// It cannot be taken at all.
    Because(String),
}

impl Shared {
    pub(super) fn new(
        config: GroundLinkConfig,
        link: GroundLink,
        files: Option<Arc<Files>>,
    ) -> Self {
        Shared {
            config,
            link: Mutex::new(Some(link)),
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
            files: Mutex::new(files),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn link(&self) -> MutexGuard<'_, Option<GroundLink>> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The files of this link, if it has any.
    pub(super) fn files(&self) -> Option<Arc<Files>> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.clone()
    }

    /// Serves files no more.
    pub(super) fn close_files(&self) {
        let files = self.files.lock();
        drop(files.unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Whether the hub takes no more commands.
    pub(super) fn is_closing(&self) -> bool {
        self.state().leaving
    }

    // Clients.

    /// Admits a client; `stream` is kept to be shut down when the hub closes.
    pub(super) fn add_client(&self, stream: UnixStream) -> Result<u64, Refused> {
        let mut state = self.state();
        if state.closed {
            return Err(Refused::Leaving(Duration::ZERO));
        }
        if state.clients.len() >= CLIENTS_MAX {
            let name = &self.config.name;
            return Err(Refused::Because(format!(
                "link `{name}` is busy: {CLIENTS_MAX} commands use it already; try again later"
            )));
        }
        let client = state.next_client;
        state.next_client += 1;
        state.clients.insert(client, stream);
        Ok(client)
    }

    pub(super) fn remove_client(&self, client: u64) {
        let mut state = self.state();
        state.clients.remove(&client);
        state.listeners.remove(client);
        self.changed.notify_all();
    }

    pub(super) fn add_listener(&self, client: u64) -> ListenerQueue {
        self.state().listeners.add(client)
    }

    // Commands.

    /// Makes room for a command that is done at `deadline` at the latest; gives
    /// its id. From here until [`Shared::take_back`] the hub does not leave. Up to
    /// `replies_max` replies may wait for the client.
    pub(super) fn admit(
        &self,
        deadline: Instant,
        replies_max: u32,
    ) -> Result<(u64, Receiver<Outcome>), Refused> {
        let mut state = self.state();
        if state.leaving {
            return Err(Refused::Leaving(state.longest_wait()));
        }
        let command_id = self.free_command_id(&state).map_err(Refused::Because)?;
        let (outcome, outcomes) = bounded(replies_max as usize + 1);
        state
            .commands
            .insert(command_id, Pending { outcome, deadline });
        Ok((command_id, outcomes))
    }

    fn free_command_id(&self, state: &State) -> Result<u64, String> {
        let link = self.link();
        let link = link.as_ref().ok_or("the link is closed")?;
        for _ in 0..ID_DRAWS_MAX {
            let random = getrandom::u64()
                .map_err(|error| format!("the system refuses random bits: {error}"))?;
            let command_id = link.command_id(random);
            if !state.commands.contains_key(&command_id) {
                return Ok(command_id);
            }
        }
        Err("no command id is free: try again later".to_owned())
    }

    /// The command's client knows the outcome, or wants none: the command goes up
    /// no more.
    pub(super) fn take_back(&self, command_id: u64) {
        // Before its id is free for another command.
        if let Some(link) = &*self.link() {
            link.cancel(command_id);
        }
        self.state().commands.remove(&command_id);
        self.changed.notify_all();
    }

    pub(super) fn send(&self, command: Command) {
        if let Some(link) = &*self.link() {
            link.send(command);
        }
    }

    pub(super) fn converse(&self, command: Command, replies_max: u32) {
        if let Some(link) = &*self.link() {
            link.converse(command, replies_max);
        }
    }

    /// Asks for new keys; whether the link has any.
    pub(super) fn want_resync(&self) -> bool {
        let link = self.link();
        let link = link.as_ref().filter(|link| link.is_in_sync().is_some());
        link.inspect(|link| link.want_resync()).is_some()
    }

    /// Whether new keys were asked for and are not here yet.
    pub(super) fn wants_resync(&self) -> bool {
        self.link().as_ref().is_some_and(GroundLink::wants_resync)
    }

    /// How long ago the satellite was heard.
    pub(super) fn heard_ago(&self) -> Option<Duration> {
        let heard_at = self.link().as_ref()?.contact().heard_at?;
        Some(heard_at.elapsed())
    }

    /// The newest line among the link's errors.
    pub(super) fn last_error(&self) -> Option<String> {
        let link = self.link();
        link.as_ref()?.statistics().errors.pop()
    }

    /// Passes on what the link did.
    pub(super) fn route(&self, action: Action) {
        let (command_id, outcome) = match action {
            Action::Answered {
                command_id,
                payload,
            } => (command_id, Outcome::Answered(payload)),
            Action::Replied {
                command_id,
                payload,
            } => (command_id, Outcome::Replied(payload)),
            Action::Sent { command_id } => (command_id, Outcome::Sent),
            Action::Failed {
                command_id,
                failure,
            } => (command_id, Outcome::Failed(failure)),
            Action::Heard(message) => {
                let heard = Heard {
                    port: message.head.port,
                    command_id: message.head.command_id,
                    payload: message.payload.to_vec(),
                };
                self.state().listeners.give(heard);
                return;
            }
            // The other actions are a satellite's.
            _ => return,
        };
        if let Some(pending) = self.state().commands.get(&command_id) {
            let _ = pending.outcome.try_send(outcome);
        }
    }

    // Leaving.

    /// How many commands the hub still works on.
    pub(super) fn commands_open(&self) -> usize {
        self.state().commands.len()
    }

    /// Takes no more commands, and waits until those it has are done, each
    /// within its deadline and `grace` for its client to take the answer.
    pub(super) fn drain(&self, grace: Duration) {
        let mut state = self.state();
        state.leaving = true;
        let longest = state.longest_wait() + grace;
        let waited = self
            .changed
            .wait_timeout_while(state, longest, |state| !state.commands.is_empty());
        drop(waited);
    }

    /// Lets listeners have what waits for them, then closes all connections;
    /// waits for either at most `timeout`.
    pub(super) fn close_clients(&self, timeout: Duration) {
        let mut state = self.state();
        state.closed = true;
        // A listener whose queue has lost its writer ends when it is empty.
        state.listeners = Listeners::default();
        let state = self.wait_for_clients(state, timeout);
        for stream in state.clients.values() {
            // Fails where the client was quicker.
            let _ = stream.shutdown(Shutdown::Both);
        }
        drop(self.wait_for_clients(state, timeout));
    }

    fn wait_for_clients<'a>(
        &self,
        state: MutexGuard<'a, State>,
        timeout: Duration,
    ) -> MutexGuard<'a, State> {
        let present = |state: &mut State| !state.clients.is_empty();
        self.changed
            .wait_timeout_while(state, timeout, present)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    /// Stops the link and closes the radio.
    pub(super) fn close_link(&self) {
        let link = self.link().take();
        if let Some(link) = link {
            let report = link.shutdown();
            for thread in report.detached {
                log::warn!(
                    "link `{}`: its thread `{thread}` does not end",
                    self.config.name
                );
            }
        }
    }
}

impl State {
    fn longest_wait(&self) -> Duration {
        let deadlines = self.commands.values().map(|pending| pending.deadline);
        deadlines.max().map_or(Duration::ZERO, |deadline| {
            deadline.saturating_duration_since(Instant::now())
        })
    }
}
