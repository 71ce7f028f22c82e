//! The thread of `ground serve` that gives services on board the plan of contacts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use comms_service::durable_file;
use serde_json::{Value, json};

use super::giving::{Giving, Known, PLAN_AHEAD, plan};
use super::window::windows;
use super::{Presence, Window, now};
use crate::client::LinkClient;
use crate::error::{GroundError, one_line};
use crate::patience::Patience;
use crate::stop::{Stop, StopHandle};

/// Between two looks whether somebody is to be given something.
const LOOK_PAUSE: Duration = Duration::from_secs(1);
/// Contacts are computed anew after so long.
const PLAN_AGE_MAX: Duration = Duration::from_secs(60);
/// For each service.
const PATIENCE: Patience = Patience {
    timeout: Duration::from_secs(5),
    retries: 1,
};
/// Octets of the largest note that is read.
const NOTE_BYTES_MAX: u64 = 1 << 20;

/// The thread. Dropped, it ends.
pub(crate) struct PlanGiver {
    stop: Option<StopHandle>,
    thread: Option<JoinHandle<()>>,
}

impl PlanGiver {
    /// For the link of `client`; none where no service on board is to be told.
    ///
    /// # Errors
    /// Those of [`Contacts::of`], and where the system gives no thread.
    pub(crate) fn start(client: &LinkClient) -> Result<Option<Self>, GroundError> {
        let settings = client.config().contacts.as_ref();
        let Some(settings) = settings.filter(|settings| !settings.services.is_empty()) else {
            return Ok(None);
        };
        let note = settings.given_file.as_deref();
        let known = note.map(read_note).unwrap_or_default();
        let giving = Giving::new(&settings.services, known);
        let (handle, stop) = Stop::pair();
        let giver = Giver {
            presence: Presence::of(client.another(stop.clone()))?,
            note: settings.given_file.clone(),
            giving,
            ahead: None,
        };
        let thread = thread::Builder::new().name("contact-plan".to_owned());
        let thread = thread.spawn(move || giver.run(&stop));
        let thread = thread.map_err(|error| GroundError::System {
            what: "a thread",
            problem: error.to_string(),
        })?;
        Ok(Some(PlanGiver {
            stop: Some(handle),
            thread: Some(thread),
        }))
    }
}

impl Drop for PlanGiver {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Giver {
    presence: Presence,
    note: Option<PathBuf>,
    giving: Giving,
    /// When anybody listens, and when that was computed.
    ahead: Option<(Instant, Vec<Window>)>,
}

/// What a service said to a plan.
enum Said {
    Taken,
    Refused(String),
}

impl Giver {
    fn run(mut self, stop: &Stop) {
        while stop.sleep(LOOK_PAUSE) {
            if self.presence.at(now()) != Some(true) {
                continue;
            }
            let plan = match self.plan() {
                Ok(plan) => plan,
                Err(error) => {
                    log::error!("no plan of contacts: {error}");
                    continue;
                }
            };
            while let Some(port) = self.giving.next(now(), &plan)
                && !stop.is_told()
            {
                self.give(port, &plan);
            }
        }
    }

    fn plan(&mut self) -> Result<Vec<Window>, GroundError> {
        let now = now();
        let fresh = self
            .ahead
            .as_ref()
            .filter(|(at, _)| at.elapsed() < PLAN_AGE_MAX);
        let windows = match fresh {
            Some((_, windows)) => windows.clone(),
            None => {
                let contacts = self.presence.contacts();
                let ahead = contacts.map(|contacts| contacts.between(now, now + PLAN_AHEAD));
                let windows = windows(&ahead.transpose()?.unwrap_or_default());
                self.ahead = Some((Instant::now(), windows.clone()));
                windows
            }
        };
        Ok(plan(windows, now))
    }

    fn give(&mut self, port: u16, plan: &[Window]) {
        let client = self.presence.client();
        let link = &client.config().name;
        let answer = client.query(port, &mutation(plan), PATIENCE);
        match answer.map(|answer| said(&answer)) {
            Ok(Said::Taken) => {
                log::info!(
                    "link `{link}`: port {port} has the next {} contacts",
                    plan.len()
                );
                self.giving.given(port, plan);
            }
            Ok(Said::Refused(why)) => {
                log::warn!("link `{link}`: port {port} does not take the plan of contacts: {why}");
                self.giving.refused(now(), port);
            }
            Err(error) => {
                log::info!("link `{link}`: no plan of contacts for port {port}: {error}");
                self.giving.no_answer(now(), port);
            }
        }
        self.note();
    }

    /// Of what is not noted, the next process gives the plan anew.
    fn note(&self) {
        let Some(file) = &self.note else {
            return;
        };
        let noted = serde_json::to_vec(&self.giving.known()).map_err(io::Error::from);
        let noted = noted.and_then(|octets| {
            fs::create_dir_all(file.parent().unwrap_or(Path::new("/")))?;
            durable_file::replace(file, &octets)
        });
        if let Err(error) = noted {
            log::warn!("{} is not written: {error}", file.display());
        }
    }
}

fn read_note(file: &Path) -> Known {
    let read = || -> io::Result<Known> {
        if fs::metadata(file)?.len() > NOTE_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too long"));
        }
        Ok(serde_json::from_slice(&fs::read(file)?)?)
    };
    match read() {
        Ok(known) => known,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Known::default(),
        Err(error) => {
            let file = file.display();
            log::warn!("{file} is not read ({error}): services are given the plan anew");
            Known::default()
        }
    }
}

fn mutation(plan: &[Window]) -> Vec<u8> {
    let windows = plan.iter().map(|window| window.to_graphql());
    let windows = windows.collect::<Vec<_>>().join(",");
    let query = format!("mutation{{setContacts(windows:[{windows}]){{success errors}}}}");
    json!({ "query": query }).to_string().into_bytes()
}

fn said(answer: &[u8]) -> Said {
    let Ok(answer) = serde_json::from_slice::<Value>(answer) else {
        return Said::Refused("its answer is no JSON".to_owned());
    };
    let set = answer.pointer("/data/setContacts");
    match set.and_then(|set| set.get("success")) {
        Some(Value::Bool(true)) => Said::Taken,
        Some(_) => {
            let errors = set.and_then(|set| set.get("errors"));
            let errors = errors.and_then(Value::as_str).unwrap_or_default();
            Said::Refused(one_line(errors))
        }
        None => Said::Refused(one_line(&answer.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_one_short_message() {
        let window = Window {
            start_s: 1_767_225_600,
            end_s: 1_767_226_110,
        };
        let longest = mutation(&[window; super::super::giving::PLAN_WINDOWS_MAX]);
        assert!(longest.len() < 5000, "{} octets", longest.len());
        let one: Value = serde_json::from_slice(&mutation(&[window])).unwrap();
        let query = one["query"].as_str().unwrap();
        assert_eq!(
            query,
            "mutation{setContacts(windows:[{start:\"2026-01-01T00:00:00Z\",\
             end:\"2026-01-01T00:08:30Z\"}]){success errors}}"
        );
    }

    #[test]
    fn only_who_says_so_has_the_plan() {
        let taken = br#"{"data":{"setContacts":{"success":true,"errors":""}}}"#;
        assert!(matches!(said(taken), Said::Taken));
        for (answer, words) in [
            (
                r#"{"data":{"setContacts":{"success":false,"errors":"window 2"}}}"#,
                "window 2",
            ),
            (
                r#"{"errors":[{"message":"Unknown field"}]}"#,
                "Unknown field",
            ),
            ("pong", "no JSON"),
        ] {
            let Said::Refused(why) = said(answer.as_bytes()) else {
                panic!("{answer}");
            };
            assert!(why.contains(words), "{why}");
        }
    }

    #[test]
    fn a_note_that_is_damaged_is_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("given.json");
        assert_eq!(read_note(&file), Known::default());
        fs::write(&file, "{\"8151\": 7}").unwrap();
        assert_eq!(read_note(&file), Known::default());
        fs::write(&file, r#"{"8151":[{"start_s":1,"end_s":2}]}"#).unwrap();
        assert_eq!(read_note(&file).0[&8151].len(), 1);
    }
}
