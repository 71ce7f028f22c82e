//! An app registers, and asks what is known of it.

use payload_interface::extension as ext;
use payload_interface::messages as msg;
use payload_interface::{ReqStatus, Request, ReturnCode};

use super::action::RequestId;
use super::app::App;
use super::craft::Craft;
use super::life::{Life, Step};
use super::notice::What;
use super::record::{RunState, SessionRecord};
use super::requests::{Refusal, refuse};
use super::rules::Version;
use super::time::Now;

impl App {
    pub(super) fn register(
        &mut self,
        craft: &mut Craft,
        now: Now,
        after: Option<RequestId>,
        ask: &msg::ReqRegisterParams,
    ) -> Result<(), Refusal> {
        let has_process = self.rules.has_process;
        let life = self.life.name();
        match self.life {
            Life::Starting { .. } | Life::Awaited | Life::Up => {}
            Life::Closed => {}
            Life::Off | Life::HostOn { .. } | Life::Pausing { .. } if !has_process => {}
            // Whoever starts it was quicker than we.
            Life::Stopping {
                step: Step::Leaving,
                then,
                ..
            } if !has_process => self.ended(craft, now, then, "it registered anew"),
            _ => {
                let why = format!("the app is {life}, and may not register now");
                return refuse(ReturnCode::NOT_PERMITTED, why);
            }
        }
        let version = ask.sdk_version.unwrap_or_default();
        let version = Version(version.major, version.minor, version.patch);
        if !self.rules.versions.allows(version) {
            let why = format!("SDK {version} is not taken: {} is", self.rules.versions);
            return refuse(ReturnCode::INCOMPATIBLE_VERSION, why);
        }
        if !matches!(ask.health_check_fail_action, 0 | 1) {
            let why = "health_check_fail_action is neither 0 nor 1";
            return refuse(ReturnCode::INVALID_PARAMS, why);
        }
        self.down(craft, now, "it registered anew");
        self.is_wanted = true;
        self.sessions = self.sessions.saturating_add(1);
        self.session = Some(SessionRecord {
            number: self.sessions,
            at: now.seconds(),
            restart_when_ill: ask.health_check_fail_action == 1,
            version: (version.0, version.1, version.2),
        });
        self.up(now, now.after(self.health.every()));
        let what = What::Registered {
            session: self.sessions,
            version: version.to_string(),
        };
        craft.tell(now, Some(&self.rules.name), what);
        craft
            .gone_on_or_off
            .push_back((self.rules.name.clone(), true));
        let response = msg::RespRegisterParams {
            correlation_id: ask.correlation_id,
            req_status: ReqStatus::Success.into(),
            auth_token: String::new(),
        };
        self.respond(now, after, response);
        Ok(())
    }

    /// What the app is told of itself.
    pub(super) fn session(&self, request: &Request) -> Option<ext::SessionStatus> {
        let Request::GetSession(_) = request else {
            return None;
        };
        let runs = self.runs.open().map(|run| {
            use ext::run_status::State;
            let state = match run.state {
                RunState::Running => State::Running,
                RunState::Late => State::Late,
                RunState::Unknown => State::Unknown,
                _ => State::Accepted,
            };
            let deadline = run.asked.saturating_add(run.within_ms) / 1000;
            ext::RunStatus {
                run: Some(ext::SequenceRun {
                    sequence_id: run.sequence.clone(),
                    correlation_id: run.correlation_id,
                }),
                state: state.into(),
                deadline: i64::try_from(deadline).unwrap_or(i64::MAX),
                percent: run.percent,
            }
        });
        let waiting = self.outbox.waiting();
        Some(ext::SessionStatus {
            acknowledgement: Some(ext::Acknowledgement::default()),
            is_registered: self.session.is_some(),
            registered_at: self.session.as_ref().map_or(0, |session| session.at),
            health_misses: self.health.misses(),
            runs: runs.collect(),
            calls_waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
        })
    }
}
