//! What all apps share: the bus, devices, heaters, and what is to be done next.

use std::collections::{BTreeMap, VecDeque};

use payload_interface::{AppName, AppNumber};

use super::action::Action;
use super::bus::Bus;
use super::notice::{Notice, What};
use super::power::{Asker, Devices, Interlock};
use super::record::Record;
use super::thermal::Thermal;
use super::time::Now;

/// What apps share.
#[derive(Debug)]
pub(crate) struct Craft {
    pub(crate) bus: Bus,
    pub(crate) devices: Devices,
    pub(crate) thermal: Thermal,
    pub(crate) numbers: BTreeMap<AppNumber, AppName>,
    /// The outbound directory, as payloads know it.
    pub(crate) outbound: String,
    pub(crate) ids: Ids,
    records: VecDeque<Record>,
    actions: VecDeque<Action>,
    /// Apps that went on or off: others may want to hear it.
    pub(crate) gone_on_or_off: VecDeque<(AppName, bool)>,
}

/// The last numbers that were given.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    pub(crate) call: u64,
    pub(crate) run: u64,
    pub(crate) file: u64,
    pub(crate) copy: u64,
    pub(crate) request: u64,
}

/// The next number.
pub(crate) fn next(last: &mut u64) -> u64 {
    *last += 1;
    *last
}

impl Craft {
    pub(crate) fn new(bus: Bus, devices: Devices, thermal: Thermal, outbound: String) -> Self {
        Craft {
            bus,
            devices,
            thermal,
            outbound,
            numbers: BTreeMap::new(),
            ids: Ids::default(),
            records: VecDeque::new(),
            actions: VecDeque::new(),
            gone_on_or_off: VecDeque::new(),
        }
    }

    pub(crate) fn act(&mut self, action: Action) {
        match action {
            Action::Record(record) => self.records.push_back(record),
            action => self.actions.push_back(action),
        }
    }

    pub(crate) fn record(&mut self, record: Record) {
        self.records.push_back(record);
    }

    pub(crate) fn tell(&mut self, now: Now, app: Option<&AppName>, what: What) {
        self.actions.push_back(Action::Tell(Notice {
            at: now.wall,
            app: app.cloned(),
            what,
        }));
    }

    /// The next: records before all that follows from them.
    pub(crate) fn next(&mut self) -> Option<Action> {
        match self.records.pop_front() {
            Some(record) => Some(Action::Record(record)),
            None => self.actions.pop_front(),
        }
    }

    /// Begins to switch a device.
    pub(crate) fn switch(
        &mut self,
        now: Now,
        device: u16,
        on: bool,
        asker: Asker,
    ) -> Result<(), Interlock> {
        let battery = self.bus.battery(now);
        let actions = self.devices.switch(now, device, on, asker, battery)?;
        actions.into_iter().for_each(|action| self.act(action));
        Ok(())
    }

    /// Switches a device off, which nothing stands in the way of.
    pub(crate) fn switch_off(&mut self, now: Now, device: u16) {
        // Nothing but a switch that an app wants is refused.
        let _ = self.switch(now, device, false, Asker::Controller);
    }
}
