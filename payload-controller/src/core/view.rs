//! What is told of apps to whoever may ask.

use payload_interface::AppName;
use serde::Serialize;

use super::Controller;
use super::app::App;
use super::counts::AppCounts;
use super::record::{FileRecord, RunId, RunRecord, SessionRecord};
use super::signalling::{SignalledView, WindowRecord};

/// How it stands with an app.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AppView {
    /// Its name.
    pub name: AppName,
    /// Its number.
    pub number: u16,
    /// What it is: `up`, `starting`, `quarantined`, …
    pub life: &'static str,
    /// Its registration.
    pub session: Option<SessionRecord>,
    /// Health checks that were missed in a row.
    pub misses: u32,
    /// Calls that wait for it.
    pub calls_waiting: usize,
    /// Calls that are under way.
    pub calls_under_way: usize,
    /// Its counters, as it told them last.
    pub metrics: Vec<(String, u32)>,
    /// Runs that have not ended.
    pub runs_open: usize,
    /// Files that are not on the ground.
    pub files_open: usize,
    /// What was counted.
    pub counts: AppCounts,
}

impl AppView {
    /// Whether it is registered, and missed no health check since it last said that it is well.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.life == "up" && self.misses == 0
    }
}

/// How it stands with a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceView {
    /// Its number.
    pub id: u16,
    /// Whose it is.
    pub owner: Option<AppName>,
    /// Whether it is on.
    pub is_on: bool,
}

impl Controller {
    /// All apps, by their names.
    pub fn apps(&self) -> impl Iterator<Item = AppView> {
        self.apps.values().map(App::view)
    }

    /// One app.
    #[must_use]
    pub fn app(&self, name: &AppName) -> Option<AppView> {
        self.apps.get(name).map(App::view)
    }

    /// Runs of an app that are remembered, the oldest first.
    #[must_use]
    pub fn runs(&self, app: &AppName) -> Vec<RunRecord> {
        let app = self.apps.get(app);
        app.map(|app| app.runs.all().into_iter().cloned().collect())
            .unwrap_or_default()
    }

    /// Runs that are remembered, from that number on, which are wanted: so many at most.
    #[must_use]
    pub fn runs_from(
        &self,
        from: RunId,
        most: usize,
        is_wanted: impl Fn(&RunRecord) -> bool,
    ) -> Vec<RunRecord> {
        let apps = self.apps.values();
        let wanted = apps.flat_map(|app| app.runs.all().into_iter());
        let mut wanted: Vec<_> = wanted
            .filter(|run| run.id >= from && is_wanted(run))
            .collect();
        wanted.sort_by_key(|run| run.id);
        wanted.into_iter().take(most).cloned().collect()
    }

    /// Files of an app that are not on the ground, the oldest first.
    #[must_use]
    pub fn files(&self, app: &AppName) -> Vec<FileRecord> {
        let app = self.apps.get(app);
        app.map(|app| app.files.open().cloned().collect())
            .unwrap_or_default()
    }

    /// Windows that are remembered and wanted: the earliest start first, so many at most.
    #[must_use]
    pub fn windows(
        &self,
        most: usize,
        is_wanted: impl Fn(&WindowRecord) -> bool,
    ) -> Vec<WindowRecord> {
        self.signalling.windows(most, is_wanted)
    }

    /// Payloads that are called through `payload_exec`, by their names.
    pub fn signalled(&self) -> impl Iterator<Item = SignalledView> {
        self.signalling.views()
    }

    /// All devices, by their numbers.
    pub fn devices(&self) -> impl Iterator<Item = DeviceView> {
        self.craft.devices.all().map(|device| DeviceView {
            id: device.rules.id,
            owner: device.rules.owner.clone(),
            is_on: device.is_on,
        })
    }
}

impl App {
    fn view(&self) -> AppView {
        AppView {
            name: self.rules.name.clone(),
            number: self.rules.number.get(),
            life: self.life.name(),
            session: self.session.clone(),
            misses: self.health.misses(),
            calls_waiting: self.outbox.waiting(),
            calls_under_way: self.outbox.under_way(),
            metrics: self.metrics.clone(),
            runs_open: self.runs.open_count(),
            files_open: self.files.open_count(),
            counts: self.counts.clone(),
        }
    }
}
