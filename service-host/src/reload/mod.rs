//! Another configuration while the service runs: validated, staged, committed.
//!
//! Two ways lead here. Whoever sits at the machine changes the file and sends
//! SIGHUP: the new file counts at once, for good. What comes by a mutation may
//! have come over the link, and may cut it off: it counts once its answer has
//! left, on trial. A message that shows that the ground goes along with it
//! ([`CommsReconfigure::is_proven`]), or the mutation `confirmConfiguration`, keeps it; else it is rolled back after the window of
//! [`LinkOptions::confirm_window`](comms_service::LinkOptions::confirm_window).
//!
//! Nothing on trial is ever what a restart finds:
//!
//! | file in the state directory | holds | written |
//! |---|---|---|
//! | `<service>.overlay.toml` | the changes made by `configure` | when they are confirmed |
//! | `<service>.unconfirmed.toml` | the file before, and the one that `reloadConfiguration` read | before that is taken; removed when it is confirmed |

mod candidate;
mod start;
mod trial;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use comms_service::{CommsReconfigure, PacketFormat};
use crossbeam_channel::{Receiver, Sender, bounded};
use toml::{Table, Value};

pub(crate) use candidate::OwnTables;
use candidate::{Candidate, Reader};
pub(crate) use start::Start;
use trial::{Trial, Verdict};

use crate::config_file::ConfigFile;
use crate::contacts::Contacts;
use crate::link_host::OwnReload;
use crate::state_dir::Store;

/// So long the answer to a mutation has to get into the queue.
const ANSWER_TIME: Duration = Duration::from_millis(500);
/// So long it has to leave, before the configuration changes under it.
const ANSWER_LEAVES_MAX: Duration = Duration::from_secs(10);
/// How often a staged configuration is looked at.
const STAGED_LOOK: Duration = Duration::from_millis(50);
/// How often one on trial is.
const TRIAL_LOOK: Duration = Duration::from_millis(250);

/// Octets that a message must be able to have, so that a change over the link can be
/// taken back over the link.
const MESSAGE_BYTES_MIN: usize = 1024;
/// Octets of memory that it takes, with room for others beside it.
const MEMORY_BYTES_MIN: usize = 65_536;

const OVERLAY: &str = "overlay";
const UNCONFIRMED: &str = "unconfirmed";

/// The configuration of a service, for its GraphQL schema: there once the service
/// has started.
#[derive(Clone, Default)]
pub struct Configuration {
    reload: Arc<OnceLock<Arc<Reload>>>,
}

impl Configuration {
    pub(crate) fn is(&self, reload: Arc<Reload>) {
        // Set once, by the one start of a service.
        let _ = self.reload.set(reload);
    }

    /// None while the service starts.
    pub(crate) fn get(&self) -> Option<&Arc<Reload>> {
        self.reload.get()
    }
}

/// Where a configuration stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It holds for good.
    Settled,
    /// Another one is checked and is taken once the answer has left.
    Staged,
    /// It is rolled back unless it is confirmed within so much contact.
    OnTrial(Duration),
}

/// Changes the configuration of one running service.
pub(crate) struct Reload {
    reader: Reader,
    store: Option<Store>,
    link: CommsReconfigure,
    own_port: u16,
    contacts: Contacts,
    state: Mutex<State>,
    wake: Sender<()>,
    woken: Receiver<()>,
}

struct State {
    running: Candidate,
    change: Change,
}

enum Change {
    None,
    Staged {
        next: Candidate,
        kind: Kind,
        at: Instant,
    },
    OnTrial {
        before: Candidate,
        kind: Kind,
        trial: Trial,
    },
}

/// What a change is kept by, once it is confirmed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Overlay,
    File,
}

impl Reload {
    fn new(
        reader: Reader,
        store: Option<Store>,
        running: Candidate,
        link: CommsReconfigure,
        own_port: u16,
        contacts: Contacts,
    ) -> Self {
        let (wake, woken) = bounded(1);
        contacts.take_file(&running.file);
        Reload {
            contacts,
            reader,
            store,
            link,
            own_port,
            state: Mutex::new(State {
                running,
                change: Change::None,
            }),
            wake,
            woken,
        }
    }

    /// SIGHUP: reads the file again and takes it. What is on trial is over: its
    /// changes are not taken along. `own` takes what the service reads itself.
    ///
    /// # Errors
    /// What is wrong with the file; nothing has changed then.
    pub(crate) fn take_file(&self, own: Option<&OwnReload>) -> anyhow::Result<()> {
        let mut state = self.state();
        let mut next = Candidate {
            file: read_again(&state.running.file)?,
            overlay: state.confirmed().overlay.clone(),
            keys: None,
        };
        self.reader.load_keys(&mut next)?;
        self.check(&state.running, &next)?;
        if let Some(own) = own {
            own(&next.file)?;
        }
        self.apply(&next)?;
        state.running = next;
        state.change = Change::None;
        if let Some(store) = &self.store {
            let removed = store.remove(UNCONFIRMED);
            removed.with_context(|| {
                let path = store.path(UNCONFIRMED);
                format!(
                    "the file is taken, but {} cannot be removed, and a restart would not take it",
                    path.display()
                )
            })?;
        }
        Ok(())
    }

    /// Stages the file as it is now, on trial.
    ///
    /// # Errors
    /// What is wrong with it, or why it cannot be on trial.
    pub(crate) fn stage_file(&self) -> anyhow::Result<()> {
        let mut state = self.state();
        let store = self.ready_to_stage(&state)?;
        let mut next = Candidate {
            file: read_again(&state.running.file)?,
            overlay: state.running.overlay.clone(),
            keys: None,
        };
        self.reader.load_keys(&mut next)?;
        self.check(&state.running, &next)?;
        self.refuse_lock_out(&next)?;
        let marker = Table::from_iter([
            (
                "before".to_owned(),
                Value::Table(state.running.file.table.clone()),
            ),
            (
                "unconfirmed".to_owned(),
                Value::Table(next.file.table.clone()),
            ),
        ]);
        let path = store.path(UNCONFIRMED);
        let written = store.write(UNCONFIRMED, &toml::to_string(&marker)?);
        written.with_context(|| format!("cannot write {}", path.display()))?;
        self.stage(&mut state, next, Kind::File);
        Ok(())
    }

    /// Stages `text`, keys of `[<service>.comms]`, in the place of what was
    /// changed by mutations before; empty text takes all that back.
    ///
    /// # Errors
    /// What is wrong with it, or why it cannot be on trial.
    pub(crate) fn stage_overlay(&self, text: &str) -> anyhow::Result<()> {
        let mut state = self.state();
        self.ready_to_stage(&state)?;
        let mut next = Candidate {
            file: state.running.file.clone(),
            overlay: self.reader.overlay(text)?,
            keys: None,
        };
        self.reader.load_keys(&mut next)?;
        self.check(&state.running, &next)?;
        self.refuse_lock_out(&next)?;
        self.stage(&mut state, next, Kind::Overlay);
        Ok(())
    }

    /// Keeps what is on trial.
    ///
    /// # Errors
    /// When nothing is on trial, or it cannot be kept.
    pub(crate) fn confirm(&self) -> anyhow::Result<()> {
        let mut state = self.state();
        match state.change {
            Change::OnTrial { kind, .. } => {
                self.keep(&mut state, kind);
                Ok(())
            }
            Change::Staged { .. } => bail!("the configuration is staged, but not taken yet"),
            Change::None => bail!("there is no configuration to confirm"),
        }
    }

    /// Where the configuration stands.
    pub(crate) fn standing(&self) -> Standing {
        match &self.state().change {
            Change::None => Standing::Settled,
            Change::Staged { .. } => Standing::Staged,
            Change::OnTrial { trial, .. } => Standing::OnTrial(trial.left()),
        }
    }

    /// What mutations have changed, as TOML.
    pub(crate) fn overlay(&self) -> String {
        toml::to_string(&self.state().running.overlay).unwrap_or_default()
    }

    /// When the ground listens.
    pub(crate) fn contacts(&self) -> &Contacts {
        &self.contacts
    }

    /// Something was staged: [`look`](Self::look).
    pub(crate) fn woken(&self) -> &Receiver<()> {
        &self.woken
    }

    /// It is `now`: takes what is staged, keeps or rolls back what is on trial.
    /// Gives when to look again; none while nothing changes.
    pub(crate) fn look(&self, now: Instant) -> Option<Duration> {
        let mut state = self.state();
        match std::mem::replace(&mut state.change, Change::None) {
            Change::None => None,
            Change::Staged { next, kind, at } => {
                let waited = now.saturating_duration_since(at);
                let answered = waited >= ANSWER_TIME && self.link.nothing_to_send();
                if !answered && waited < ANSWER_LEAVES_MAX {
                    state.change = Change::Staged { next, kind, at };
                    return Some(STAGED_LOOK);
                }
                self.take_on_trial(&mut state, next, kind)
            }
            Change::OnTrial {
                before,
                kind,
                mut trial,
            } => {
                let contact = self.link.contact().reason;
                let longest_pass = self.link.longest_contact_window();
                let verdict = trial.look(now, self.link.is_proven(), contact, longest_pass);
                match verdict {
                    Verdict::Confirmed => {
                        self.keep(&mut state, kind);
                        return None;
                    }
                    Verdict::RollBack => match self.apply(&before) {
                        Ok(_) => {
                            self.tell("the configuration was not confirmed and is rolled back");
                            state.running = before;
                            return None;
                        }
                        Err(error) => {
                            log::error!("the configuration cannot be rolled back yet: {error:#}");
                        }
                    },
                    Verdict::Open => {}
                }
                state.change = Change::OnTrial {
                    before,
                    kind,
                    trial,
                };
                Some(TRIAL_LOOK)
            }
        }
    }

    fn take_on_trial(&self, state: &mut State, next: Candidate, kind: Kind) -> Option<Duration> {
        // Of the one that it must not cut off, not its own.
        let window = self.reader.read(&state.running);
        let window = window.map(|(_, options)| options.confirm_window());
        let taken = window.and_then(|window| Ok((window, self.apply(&next)?)));
        match taken {
            Ok((window, since)) => {
                log::info!("another configuration is on trial");
                let before = std::mem::replace(&mut state.running, next);
                state.change = Change::OnTrial {
                    before,
                    kind,
                    trial: Trial::begin(since, window),
                };
                Some(TRIAL_LOOK)
            }
            Err(error) => {
                self.tell(&format!("the staged configuration is not taken: {error:#}"));
                None
            }
        }
    }

    /// What is on trial stays, for a restart as well.
    fn keep(&self, state: &mut State, kind: Kind) {
        state.change = Change::None;
        let Some(store) = &self.store else { return };
        let kept = match kind {
            Kind::File => store.remove(UNCONFIRMED),
            Kind::Overlay if state.running.overlay.is_empty() => store.remove(OVERLAY),
            Kind::Overlay => toml::to_string(&state.running.overlay)
                .map_err(std::io::Error::other)
                .and_then(|text| store.write(OVERLAY, &text)),
        };
        match kept {
            Ok(()) => log::info!("the configuration is confirmed"),
            Err(error) => self.tell(&format!(
                "the configuration is confirmed, but a restart will not know it: {error}"
            )),
        }
    }

    fn ready_to_stage(&self, state: &State) -> anyhow::Result<&Store> {
        if !matches!(state.change, Change::None) {
            bail!(
                "another configuration is not confirmed yet: confirm it, or wait until it is rolled \
                 back"
            );
        }
        self.store.as_ref().context(
            "without state-dir a restart could not tell what is confirmed: set state-dir, or change \
             the file and send SIGHUP",
        )
    }

    fn stage(&self, state: &mut State, next: Candidate, kind: Kind) {
        let at = Instant::now();
        state.change = Change::Staged { next, kind, at };
        let _ = self.wake.try_send(());
    }

    fn check(&self, running: &Candidate, next: &Candidate) -> anyhow::Result<()> {
        let (config, options) = self.reader.read(next)?;
        self.reader.refuse_what_stays(&running.file, &next.file)?;
        self.link
            .check(config, options)
            .with_context(|| next.file.name())
    }

    /// Through the endpoint alone a change can be taken back from the ground.
    fn refuse_lock_out(&self, next: &Candidate) -> anyhow::Result<()> {
        let (_, options) = self.reader.read(next)?;
        let closed = |ports: &[u16]| !ports.contains(&self.own_port);
        let without = |key| {
            format!(
                "{key} must have {}, the port of this endpoint: without it, nothing could be \
                 changed over the link any more",
                self.own_port
            )
        };
        if options.allowed_ports.graphql.as_deref().is_some_and(closed) {
            bail!(without("allowed-ports.graphql"));
        }
        // In this format all other ports are called by UDP.
        if options.format == PacketFormat::Udp && closed(&options.http_ports) {
            bail!(without("http-ports"));
        }
        let too_small = |bytes: Option<usize>, min| bytes.is_some_and(|bytes| bytes < min);
        for (key, bytes, min) in [
            (
                "message-bytes-max",
                options.message_bytes_max,
                MESSAGE_BYTES_MIN,
            ),
            (
                "memory-bytes-max",
                options.memory_bytes_max,
                MEMORY_BYTES_MIN,
            ),
        ] {
            if too_small(bytes, min) {
                bail!(
                    "{key} must be {min} at least: with less, nothing could be changed over the \
                     link any more"
                );
            }
        }
        Ok(())
    }

    fn apply(&self, next: &Candidate) -> anyhow::Result<Instant> {
        let (config, options) = self.reader.read(next)?;
        let at = self.link.apply(config, options)?;
        self.contacts.take_file(&next.file);
        Ok(at)
    }

    fn tell(&self, text: &str) {
        log::warn!("{text}");
        self.link.note(text.to_owned());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What holds for good.
    fn confirmed(&self) -> &Candidate {
        match &self.change {
            Change::OnTrial { before, .. } => before,
            _ => &self.running,
        }
    }
}

fn read_again(file: &ConfigFile) -> anyhow::Result<ConfigFile> {
    match &file.path {
        Some(path) => Ok(ConfigFile::read(path)?),
        None => bail!("there is no configuration file: the service was started without one"),
    }
}
