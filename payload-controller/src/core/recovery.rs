//! A new run of the controller finds an app as it was recorded.

use std::time::Duration;

use super::action::Action;
use super::app::App;
use super::craft::Craft;
use super::interface::Interface;
use super::life::{Life, REASON_ILL, Then};
use super::record::{AppRecord, StreamRecord};
use super::rules::Start;
use super::streams::Stream;
use super::time::{Moment, Now};

impl App {
    /// A new run of the controller finds the app as it was recorded.
    pub(super) fn recover(&mut self, craft: &mut Craft, now: Now, record: Option<AppRecord>) {
        let Some(record) = record else {
            if self.rules.start == Start::Boot {
                self.start(craft, now, "the controller was started");
            }
            return;
        };
        self.is_wanted = record.is_wanted;
        self.sessions = record.sessions;
        self.session = record.session;
        self.ladder.rung = record.rung.map(|(rung, at)| (rung, Moment::past(now, at)));
        let boots = record.boots.into_iter();
        self.ladder.boots = boots.map(|at| Moment::past(now, at)).collect();
        self.ladder.quarantines = record.quarantines;
        self.process = record.process.filter(|_| self.rules.has_process);
        if let Some(process) = self.process {
            craft.act(Action::Attach(self.rules.name.clone(), process));
        }
        if let Some(until) = record.quarantined_until {
            let most = self.rules.restart.quarantine_max;
            let until = Moment::future(now, until, most);
            self.turn(craft, now, Life::Quarantined { until }, "as before");
            return;
        }
        if self.session.is_some() {
            // It never registers again by itself: a health check finds out how it is.
            let interface = self.rules.interface;
            let reads = |stream: &StreamRecord| interface >= Interface::of_stream(stream.kind);
            for stream in record.streams.into_iter().filter(reads) {
                let next = now.after(Duration::from_millis(stream.period_ms));
                let stream = Stream {
                    record: stream,
                    next,
                };
                self.streams.insert(stream.record.kind, stream);
            }
            self.recover_copies(craft, now, record.copies);
            self.up(now, now.monotonic);
            self.turn(craft, now, Life::Up, "the controller was restarted");
            if !self.is_wanted {
                let grace = self.rules.shutdown.grace;
                self.ask_to_shut_down(craft, now, grace, REASON_ILL, Then::Off);
            }
            return;
        }
        match (self.is_wanted, self.process) {
            (true, Some(_)) => {
                let register_by = now.after(self.rules.registration_timeout);
                let life = Life::Starting { register_by };
                self.turn(craft, now, life, "the controller was restarted");
            }
            (true, None) => self.start(craft, now, "the controller was restarted"),
            (false, Some(_)) => self.kill(craft, now, Then::Off),
            (false, None) => {}
        }
    }
}
