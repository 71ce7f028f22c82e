//! A spacecraft and its ground station, the air between them, and what happens to all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use heliograph_tests::binaries::ChildGuard;
use heliograph_tests::ports::free_udp_port;
use serde_json::Value;

use super::{IMAGES, OTHERS};
use crate::air::{Air, Ports};
use crate::buckets::Buckets;
use crate::site::{Site, Wiring};

/// So long may nothing that is waited for happen. It is long: a soak has many files, and a
/// machine may have much to do.
const PATIENCE: Duration = Duration::from_secs(600);
/// Between two looks, each of which costs requests.
const LOOK: Duration = Duration::from_millis(50);
/// Of the operator's plan: from long ago until long after.
const PASS: &str = r#"[{ start: "2026-01-01T00:00:00Z", end: "2090-01-01T00:00:00Z" }]"#;

pub(super) struct Mission {
    pub(super) site: Site,
    air: Air,
    satellite: Option<[ChildGuard; 2]>,
    ground: ChildGuard,
    /// Deliveries that grounds told before they were killed.
    told: usize,
    began: Instant,
}

/// Waits until there is something.
#[track_caller]
pub(super) fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let is_last = Instant::now() >= deadline;
        match condition() {
            Some(value) => return value,
            None if is_last => panic!("not within {PATIENCE:?}: {what}"),
            None => thread::sleep(LOOK),
        }
    }
}

/// Whether some of its octets are on the ground, and some are not.
fn is_amid(file: &Value) -> bool {
    let (octets, size) = (file["octets"].as_u64(), file["size"].as_u64());
    octets > Some(0) && octets < size
}

fn wiring() -> Wiring {
    let ports = Ports {
        satellite: free_udp_port(),
        of_satellite: free_udp_port(),
        ground: free_udp_port(),
        of_ground: free_udp_port(),
    };
    let times = "ack-timeout-ms = 1000, nak-timeout-ms = 1000, inactivity-timeout-ms = 2000";
    Wiring {
        ports,
        n1: 1024,
        // It sees both ways.
        satellite_channel: "channel = { seed = 8, frame-loss = 0.05 }".to_owned(),
        ground_channel: String::new(),
        satellite_comms: "bit-rate-bps = 16_000_000\ncontact-hold-ms = 1000\n\
             hold-outside-contact = [\"bulk\"]\n\
             [[link-service.contacts]]\nstart = 2089-01-01T00:00:00Z\nend = 2089-01-01T00:10:00Z"
            .to_owned(),
        ground_comms: "contact-hold-ms = 1000".to_owned(),
        satellite_files: format!("peers = [{{ entity-id = 2, {times} }}]"),
        ground_files: format!("peers = [{{ {times} }}]"),
    }
}

impl Mission {
    /// All of it runs, and there is no contact.
    pub(super) fn start(buckets: &Buckets) -> Self {
        let wiring = wiring();
        let site = Site::wired(&wiring, |_| {
            format!(
                "manifest-minutes = 60\n{}[[delivery.topics]]\ntopic = \"images\"\n{}",
                buckets.line(OTHERS),
                buckets.line(IMAGES),
            )
        });
        Mission {
            air: Air::start(wiring.ports),
            satellite: Some(site.start_satellite()),
            ground: site.start_ground(),
            told: 0,
            began: Instant::now(),
            site,
        }
    }

    /// The pass of the plan begins.
    pub(super) fn aos(&self) {
        self.air.aos();
        self.site.change(&format!("setContacts(windows: {PASS})"));
    }

    /// The signal is lost, before the plan says so.
    pub(super) fn los(&self) {
        self.air.los();
        self.site.change("clearContacts");
    }

    /// The signal is lost when some octets of a file are on the ground and some are not.
    pub(super) fn los_amid_a_file(&self) {
        until("the signal is lost amid a file", || {
            self.coming().iter().any(is_amid).then_some(())?;
            self.los();
            let left = until("the ground hears nothing", || {
                let coming = self.coming();
                let waits = |file: &Value| file["state"] == "contact" || file["state"] == "resting";
                coming.iter().all(waits).then_some(coming)
            });
            // All may have come to its end meanwhile.
            if left.iter().any(is_amid) {
                return Some(());
            }
            self.aos();
            None
        });
    }

    /// What comes down, as the ground tells.
    fn coming(&self) -> Vec<Value> {
        let said = until("the ground tells of files", || {
            // Its hub may be about to start.
            self.site.run(&["files", "--json"]).ok()
        });
        let lines = said
            .lines()
            .map(|line| serde_json::from_str(line).expect(line));
        lines
            .filter(|file: &Value| file["direction"] == "down")
            .collect()
    }

    /// Link service and agent are killed, and start again.
    pub(super) fn lose_the_spacecraft(&mut self) {
        for process in self.satellite.iter().flatten() {
            process.signal("KILL");
        }
        self.satellite = None;
        self.satellite = Some(self.site.start_satellite());
    }

    /// The ground is killed, and starts again.
    pub(super) fn lose_the_ground(&mut self) {
        self.ground.signal("KILL");
        self.ground.wait_for_exit(PATIENCE);
        self.told = self.deliveries();
        self.ground = self.site.start_ground();
    }

    /// How many files are at their places, as the grounds told.
    fn deliveries(&self) -> usize {
        let lines = self.ground.lines();
        let told = lines
            .iter()
            .filter(|line| line.text.contains(" octets) as "));
        self.told + told.count()
    }

    pub(super) fn wait_for_deliveries(&self, count: usize) {
        until("so many are delivered", || {
            (self.deliveries() >= count).then_some(())
        });
    }

    /// How all items stand, by their identifiers.
    pub(super) fn items(&self) -> BTreeMap<String, Value> {
        let listed = self.listed("").into_iter();
        listed
            .map(|item| (item["uuid"].as_str().unwrap().to_owned(), item))
            .collect()
    }

    /// Those in that state.
    pub(super) fn in_state(&self, state: &str) -> BTreeSet<String> {
        let listed = self.listed(&format!("&state={state}")).into_iter();
        listed
            .map(|item| item["uuid"].as_str().unwrap().to_owned())
            .collect()
    }

    fn listed(&self, filter: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self
                .site
                .ask(&format!("/sdk/v2/files?limit=1000{filter}{cursor}"));
            all.extend(page["files"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    }

    /// For people who look: how long it took.
    pub(super) fn say_what_it_took(&self, count: usize) {
        let seconds = self.began.elapsed().as_secs();
        println!(
            "{count} files through {} passes in {seconds} s",
            1 + super::LOSSES_OF_SIGNAL.len()
        );
    }
}
