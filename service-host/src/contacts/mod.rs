//! When the ground is planned to listen: the list `contacts` in the table of a service, or
//! what the mutation `setContacts` gave in its stead.
//!
//! Each window is told to the link as so far from now. The clock may be set later, or be
//! corrected: then all are told again. What the mutation gave is kept in the state directory,
//! as `<service>.contacts.toml`; lost or torn, the configuration counts.

mod view;
mod windows;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use comms_service::CommsReconfigure;

pub use view::{ContactsView, WindowInput, WindowView};
pub(crate) use windows::{Window, read};

use crate::config_file::ConfigFile;
use crate::state_dir::Store;
use crate::wall_clock;

/// What the state directory calls them.
const KEPT: &str = "contacts";
/// A clock that is off by less is right enough.
const CORRECTION_MIN: Duration = Duration::from_secs(1);

/// The plan of contacts of a service.
pub(crate) struct Contacts {
    service: &'static str,
    store: Option<Store>,
    link: CommsReconfigure,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    of_file: Option<Vec<Window>>,
    /// What counts before it.
    of_operator: Option<Vec<Window>>,
    /// By which times the link was told.
    told: Option<Told>,
}

/// A moment, as two clocks have it.
#[derive(Clone, Copy)]
struct Told {
    monotonic: Instant,
    wall: Option<Duration>,
}

impl Contacts {
    /// With what was kept. The link knows nothing of it before a file is [taken](Self::take_file).
    pub(crate) fn new(service: &'static str, store: Option<Store>, link: CommsReconfigure) -> Self {
        let of_operator = store.as_ref().and_then(|store| {
            let kept = store.read(KEPT).map_err(anyhow::Error::from);
            let kept = kept.and_then(|text| text.as_deref().map(windows::of_toml).transpose());
            kept.unwrap_or_else(|error| {
                let path = store.path(KEPT);
                log::error!("{} is left out: {error:#}", path.display());
                None
            })
        });
        let state = State {
            of_operator,
            ..State::default()
        };
        Contacts {
            service,
            store,
            link,
            state: Mutex::new(state),
        }
    }

    /// Another file counts, which was checked.
    pub(crate) fn take_file(&self, file: &ConfigFile) {
        let mut state = self.state();
        state.of_file = read(file, self.service).unwrap_or_default();
        self.tell(&mut state);
    }

    /// These count from now on.
    ///
    /// # Errors
    /// Which cannot be meant, or that they cannot be kept; the former count then.
    pub(crate) fn set(&self, windows: &[WindowInput]) -> anyhow::Result<()> {
        windows::are_few(windows.len())?;
        let windows = windows.iter().zip(1..).map(|(window, number)| {
            let window = Window::parse(&window.start, &window.end);
            window.with_context(|| format!("window {number}"))
        });
        let windows: Vec<Window> = windows.collect::<anyhow::Result<_>>()?;
        let mut state = self.state();
        if let Some(store) = &self.store {
            let kept = store.write(KEPT, &windows::to_toml(&windows)?);
            kept.with_context(|| format!("cannot write {}", store.path(KEPT).display()))?;
        }
        state.of_operator = Some(windows);
        self.tell(&mut state);
        Ok(())
    }

    /// Those of the file count again.
    ///
    /// # Errors
    /// When what was kept cannot be removed.
    pub(crate) fn clear(&self) -> anyhow::Result<()> {
        let mut state = self.state();
        if let Some(store) = &self.store {
            let removed = store.remove(KEPT);
            removed.with_context(|| format!("cannot remove {}", store.path(KEPT).display()))?;
        }
        state.of_operator = None;
        self.tell(&mut state);
        Ok(())
    }

    /// Tells the link again, if the clock is another.
    pub(crate) fn look(&self) {
        let mut state = self.state();
        let Some(told) = state.told.filter(|_| state.windows().is_some()) else {
            return;
        };
        let expected = told.wall.map(|wall| wall + told.monotonic.elapsed());
        let is_right = match (expected, wall_clock::now()) {
            (Some(expected), Some(wall)) => expected.abs_diff(wall) < CORRECTION_MIN,
            (None, None) => true,
            _ => false,
        };
        if !is_right {
            self.tell(&mut state);
        }
    }

    fn tell(&self, state: &mut State) {
        let told = Told {
            monotonic: Instant::now(),
            wall: wall_clock::now(),
        };
        let plan = state.windows();
        let plan = plan.map(|windows| windows::plan(windows, told.monotonic, told.wall));
        if let Err(error) = self.link.set_contact_plan(plan) {
            // Each way in has checked them.
            log::error!("contacts: {error}");
        }
        state.told = Some(told);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn windows(&self) -> Option<&[Window]> {
        let windows = self.of_operator.as_ref().or(self.of_file.as_ref());
        windows.map(Vec::as_slice)
    }
}
