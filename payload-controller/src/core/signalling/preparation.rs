//! A window's preparation: its device goes on, its payload is reached, gets the time, its
//! configuration and its files, and is configured.

use std::time::Duration;

use super::deed::{Deed, Part, Setback};
use super::record::{Step, WindowState};
use super::rules::{END_MARGIN, PART_MAX, TRY_AGAIN, UPLOAD_TRIES_MAX};
use super::window::{Around, Phase, Window};
use crate::core::power::Asker;

impl Window {
    pub(super) fn power(&mut self, around: &mut Around<'_>, again: Duration) {
        let now = around.now;
        let Some(device) = around.rules.device else {
            return self.prepare(around, None);
        };
        if around.craft.devices.is_on(device) {
            return self.prepare(around, None);
        }
        self.phase = Phase::Power { again };
        if again <= now.monotonic {
            let switched = around.craft.switch(now, device, true, Asker::Controller);
            if let Err(interlock) = switched {
                self.hinder(
                    around,
                    format!("device {device} is not switched on: {interlock}"),
                );
            }
            let again = now.after(TRY_AGAIN);
            self.phase = Phase::Power { again };
        }
    }

    /// A device was switched, or not.
    pub(super) fn switched(&mut self, around: &mut Around<'_>, why_not: Option<&str>) {
        if let Phase::Power { again } = self.phase {
            if let Some(why) = why_not {
                self.setback = format!("its device was not switched on: {why}");
            }
            self.power(around, again);
        }
    }

    /// The next part after that one.
    pub(super) fn prepare(&mut self, around: &mut Around<'_>, after: Option<Part>) {
        let rules = around.rules;
        let parts = [
            (Part::Reach, rules.is_remote),
            (Part::Clock, rules.sets_clock),
            (Part::Config, true),
            (Part::Uploads, rules.has_inbox),
        ];
        let next = parts
            .into_iter()
            .find(|(part, is_wanted)| *is_wanted && after.is_none_or(|after| *part > after));
        match next {
            Some((part, _)) => self.ask(around, part, 1),
            None => self.configure(around),
        }
    }

    pub(super) fn ask(&mut self, around: &mut Around<'_>, part: Part, tries: u32) {
        let until = around.now.after(PART_MAX);
        self.phase = Phase::Doing { part, tries, until };
        self.act(around, Deed::Part(part));
    }

    /// A part was done, or not.
    pub(super) fn part_ended(
        &mut self,
        around: &mut Around<'_>,
        part: Part,
        result: Result<(), Setback>,
    ) {
        if part == Part::End {
            if let Phase::Ending { until, .. } = self.phase {
                self.phase = Phase::Ending {
                    until,
                    is_done: true,
                };
                self.finish_if_ended(around);
            }
            return;
        }
        let Phase::Doing {
            part: at, tries, ..
        } = self.phase
        else {
            return;
        };
        if at != part {
            return;
        }
        let Err(setback) = result else {
            return self.prepare(around, Some(part));
        };
        let why = format!("{}: {}", part.name(), setback.why);
        match part {
            _ if self.is_missed(around) => {}
            Part::Config if setback.is_final => self.fail(around, why),
            // The payload may have another way to the time, and to its files.
            Part::Clock => {
                self.hinder(around, why);
                self.prepare(around, Some(part));
            }
            Part::Uploads if setback.is_final || tries >= UPLOAD_TRIES_MAX => {
                self.hinder(around, why);
                self.prepare(around, Some(part));
            }
            _ => {
                self.hinder(around, why);
                let until = around.now.after(TRY_AGAIN);
                self.phase = Phase::Pausing { part, tries, until };
            }
        }
    }

    pub(super) fn configure(&mut self, around: &mut Around<'_>) {
        let now = around.now;
        let time = around.rules.configure_max;
        let end = now.wall.saturating_add(time);
        self.setback.clear();
        self.turn(around, WindowState::Configuring, "");
        self.call(around, Step::Configure, end.as_secs(), time, END_MARGIN);
    }
}
