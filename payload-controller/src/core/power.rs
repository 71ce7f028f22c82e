//! Devices: to whom they belong, and when they are switched.

use std::collections::BTreeMap;
use std::time::Duration;

use payload_interface::{AppName, ReqStatus};

use super::action::Action;
use super::record::{DeviceRecord, Record};
use super::rules::DeviceRules;
use super::time::{Now, earlier, ms};

/// Why a device is not switched.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Interlock {
    /// It is being switched.
    #[error("it is being switched")]
    Busy,
    /// It was switched off just before.
    #[error("it was switched off less than {} s ago", .off_min.as_secs_f64())]
    JustOff {
        /// How long it stays off.
        off_min: Duration,
    },
    /// The battery is low.
    #[error("the battery has {volts:.2} V, less than {least:.2} V")]
    Battery {
        /// What it has.
        volts: f64,
        /// What it is to have.
        least: f64,
    },
    /// Nobody knows what the battery has.
    #[error("the battery's voltage is not known")]
    BatteryUnknown,
}

impl Interlock {
    /// As an app is told it.
    pub(crate) fn status(&self) -> ReqStatus {
        match self {
            Interlock::Busy => ReqStatus::Busy,
            _ => ReqStatus::Failed,
        }
    }
}

/// Who wants a device to be switched.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Asker {
    /// The controller itself, or an operator.
    Controller,
    /// An app, in this session, by this request.
    App {
        app: AppName,
        session: u64,
        correlation_id: i32,
    },
}

#[derive(Debug)]
struct Switching {
    on: bool,
    asker: Asker,
    until: Duration,
}

#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) rules: DeviceRules,
    pub(crate) is_on: bool,
    off_since: Option<Duration>,
    switching: Option<Switching>,
}

#[derive(Debug, Default)]
pub(crate) struct Devices {
    all: BTreeMap<u16, Device>,
    /// Switches in whose place another came.
    superseded: Vec<Switched>,
}

/// A switch that came to its end.
#[derive(Debug)]
pub(crate) struct Switched {
    pub(crate) device: u16,
    pub(crate) on: bool,
    pub(crate) asker: Asker,
    pub(crate) result: Result<(), String>,
}

impl Devices {
    /// As they were recorded; nobody knows how long they have been off.
    pub(crate) fn recovered(
        rules: Vec<DeviceRules>,
        records: &[DeviceRecord],
        now: Now,
    ) -> (Self, Vec<Action>) {
        let mut actions = Vec::new();
        let devices = rules.into_iter().map(|rules| {
            let record = records.iter().find(|record| record.id == rules.id);
            // It may have been recorded and not done.
            if let Some(record) = record {
                actions.push(Action::Switch {
                    device: rules.id,
                    on: record.is_on,
                });
            }
            let is_on = record.is_some_and(|record| record.is_on);
            let off_since = record.filter(|record| !record.is_on);
            let device = Device {
                is_on,
                off_since: off_since.map(|_| now.monotonic),
                switching: None,
                rules,
            };
            (device.rules.id, device)
        });
        let all = devices.collect();
        let superseded = Vec::new();
        (Devices { all, superseded }, actions)
    }

    pub(crate) fn get(&self, id: u16) -> Option<&Device> {
        self.all.get(&id)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Device> {
        self.all.values()
    }

    pub(crate) fn is_on(&self, id: u16) -> bool {
        self.all.get(&id).is_some_and(|device| device.is_on)
    }

    /// Whether it is off, and is not being switched.
    pub(crate) fn is_off(&self, id: u16) -> bool {
        let device = self.all.get(&id);
        device.is_none_or(|device| !device.is_on && device.switching.is_none())
    }

    /// Begins to switch it: what is to be recorded and done. `battery` is what it has now.
    pub(crate) fn switch(
        &mut self,
        now: Now,
        id: u16,
        on: bool,
        asker: Asker,
        battery: Option<f64>,
    ) -> Result<Vec<Action>, Interlock> {
        let Some(device) = self.all.get_mut(&id) else {
            return Ok(Vec::new());
        };
        // The controller may always switch off: what goes on then is going off again.
        if device.switching.is_some() && (on || asker != Asker::Controller) {
            return Err(Interlock::Busy);
        }
        if on {
            let off_min = device.rules.off_min;
            let is_just_off = |off: Duration| now.monotonic < off.saturating_add(off_min);
            if !device.is_on && device.off_since.is_some_and(is_just_off) {
                return Err(Interlock::JustOff { off_min });
            }
            if let Some(least) = device.rules.battery_v_min {
                match battery {
                    None => return Err(Interlock::BatteryUnknown),
                    Some(volts) if volts < least => {
                        return Err(Interlock::Battery { volts, least });
                    }
                    Some(_) => {}
                }
            }
        }
        if let Some(switching) = device.switching.take() {
            self.superseded.push(Switched {
                device: id,
                on: switching.on,
                asker: switching.asker,
                result: Err("it was switched otherwise meanwhile".to_owned()),
            });
        }
        device.switching = Some(Switching {
            on,
            asker,
            until: now.after(device.rules.timeout),
        });
        let record = DeviceRecord {
            id,
            is_on: on,
            at: ms(now.wall),
        };
        Ok(vec![
            Action::Record(Record::Device(record)),
            Action::Switch { device: id, on },
        ])
    }

    /// It was switched, or not.
    pub(crate) fn switched(
        &mut self,
        now: Now,
        id: u16,
        on: bool,
        result: Result<(), String>,
    ) -> Option<Switched> {
        let device = self.all.get_mut(&id)?;
        if result.is_ok() {
            if device.is_on && !on {
                device.off_since = Some(now.monotonic);
            }
            device.is_on = on;
        }
        let switching = device.switching.take_if(|switching| switching.on == on)?;
        Some(Switched {
            device: id,
            on,
            asker: switching.asker,
            result,
        })
    }

    /// Those that took too long, or in whose place another came.
    pub(crate) fn due(&mut self, now: Now) -> Vec<Switched> {
        let late = self.all.iter().filter_map(|(id, device)| {
            let switching = device.switching.as_ref()?;
            (switching.until <= now.monotonic).then_some((*id, switching.on))
        });
        let late: Vec<(u16, bool)> = late.collect();
        let ended = late.into_iter().filter_map(|(id, on)| {
            self.switched(
                now,
                id,
                on,
                Err("nothing was heard of it in time".to_owned()),
            )
        });
        let mut ended: Vec<_> = ended.collect();
        ended.append(&mut self.superseded);
        ended
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        let until = self.all.values();
        until
            .filter_map(|device| Some(device.switching.as_ref()?.until))
            .fold(None, |least, until| earlier(least, Some(until)))
    }

    /// When an app's host may be switched on at the earliest.
    pub(crate) fn may_go_on_at(&self, id: u16) -> Option<Duration> {
        let device = self.all.get(&id)?;
        Some(device.off_since?.saturating_add(device.rules.off_min))
    }
}
