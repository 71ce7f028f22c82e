//! A ground on a virtual clock, and a spacecraft at the other end of a link that can fail.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oort_bundle::Summed;
use serde_json::{Value, json};

use super::spacecraft::Spacecraft;
use crate::config::GroundConfig;
use crate::delivery::{Object, inspect};
use crate::files::transfer::{Direction, State, Transfer};
use crate::tasking::courier::{Courier, Silence, Uplink};
use crate::tasking::desk::{Answer, Asked, Caller, Desk};
use crate::tasking::moment::Now;
use crate::tasking::plan::Plan;
use crate::tasking::problem::Problem;
use crate::tasking::step::{AtStep, unwatched};
use crate::tasking::store::WindowFilter;
use crate::tasking::token::Role;
use crate::tasking::upload::UploadOrder;
use crate::tasking::window::{Window, WindowOrder};

/// When tests begin.
pub(super) const BEGIN_S: i64 = 1_800_000_000;
/// Of windows of type PAYLOAD_SDR.
pub(super) const PRE_BUFFER_S: i64 = 120;

const LINK: &str = "
[[link]]
name = 'uhf'
satellite = 'helio'
[link.radio]
kind = 'udp'
bind = '127.0.0.1:9001'
peer = '127.0.0.1:13000'
framing = 'kiss-ax25'
ax25 = { callsign = 'GROUND', peer = 'HELIO-1' }
[link.files]
root = '/r'
journal = '/j'
";

/// A plan of two satellites: FM1 with the payloads SDR, CAM and one that it has not; FM2.
pub(super) fn plan(directory: &Path, more: &str) -> Result<Plan, String> {
    let text = format!(
        "{LINK}
[tasking]
directory = '{}'
{more}
[[tasking.window-types]]
name = 'PAYLOAD_CAM'
pre-buffer-s = 10
post-buffer-s = 5
[[tasking.satellites]]
id = 'FM1'
norad-id = 51099
link = 'uhf'
[[tasking.satellites.payloads]]
name = 'SDR'
topic = 'sdr'
signalled = 'radio'
[[tasking.satellites.payloads]]
name = 'CAM'
topic = 'cam'
[[tasking.satellites.payloads]]
name = 'IPI'
signalled = 'broken'
[[tasking.satellites]]
id = 'FM2'
link = 'uhf'
[[tasking.satellites.payloads]]
name = 'SDR'
",
        directory.display()
    );
    let config = GroundConfig::from_table(&text.parse().unwrap(), "test.toml");
    let config = config.map_err(|error| error.to_string())?;
    Ok(config.tasking().unwrap().clone())
}

/// A ground station.
pub(super) struct Ground {
    pub(super) desk: Arc<Desk>,
    pub(super) sky: Arc<Sky>,
    courier: Courier,
}

/// What is not the ground's: the time, the spacecraft, the air between.
pub(super) struct Sky {
    folder: PathBuf,
    now_ms: AtomicI64,
    pub(super) spacecraft: Spacecraft,
    /// Nothing gets through.
    pub(super) is_dark: AtomicBool,
    /// What goes up does, and answers do not come down.
    pub(super) is_deaf: AtomicBool,
    /// Answers that tell of steps do not come down.
    pub(super) is_mute_of_steps: AtomicBool,
    /// What happens on the ground while the next thing is said.
    pub(super) meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// All that was asked.
    pub(super) said: Mutex<Vec<Value>>,
}

impl Sky {
    pub(super) fn new(folder: &Path, now_s: i64) -> Arc<Sky> {
        Arc::new(Sky {
            spacecraft: Spacecraft::new(folder.join("spacecraft.json"), PRE_BUFFER_S),
            folder: folder.to_owned(),
            now_ms: AtomicI64::new(now_s * 1_000),
            is_dark: AtomicBool::new(false),
            is_deaf: AtomicBool::new(false),
            is_mute_of_steps: AtomicBool::new(false),
            meanwhile: Mutex::default(),
            said: Mutex::default(),
        })
    }

    pub(super) fn now(&self) -> Now {
        Now {
            ms: self.now_ms.load(Ordering::SeqCst),
        }
    }

    pub(super) fn wait(&self, seconds: i64) {
        self.now_ms.fetch_add(seconds * 1_000, Ordering::SeqCst);
        self.spacecraft.live(self.now().s());
    }

    fn transfers_file(&self) -> PathBuf {
        self.folder.join("transfers.json")
    }

    fn orders(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.transfers_file());
        serde_json::from_str(&text.unwrap_or_else(|_| "[]".to_owned())).unwrap()
    }

    fn save(&self, orders: &[Value]) {
        let part = self.folder.join("transfers.part");
        fs::write(&part, Value::from(orders).to_string()).unwrap();
        fs::rename(part, self.transfers_file()).unwrap();
    }

    /// The transfers that were ordered end: each arrives, or does not for that reason.
    pub(super) fn end_transfers(&self, failure: Option<&str>) {
        let mut orders = self.orders();
        for order in &mut orders {
            if order["end"].is_null() {
                order["end"] = json!({ "failure": failure });
            }
        }
        self.save(&orders);
    }

    /// What is on board.
    pub(super) fn bundles(&self) -> Vec<Object> {
        let whole = self
            .orders()
            .into_iter()
            .filter(|order| !order["end"].is_null() && order["end"]["failure"].is_null());
        let opened = whole.map(|order| {
            let path = self.folder.join("air").join(order["key"].as_str().unwrap());
            inspect(&fs::File::open(path).unwrap(), "helio", 1 << 20).unwrap()
        });
        opened.collect()
    }

    pub(super) fn orders_count(&self) -> usize {
        self.orders().len()
    }
}

struct Air(Arc<Sky>);

impl Uplink for Air {
    fn query(&self, _: u16, body: &[u8], _: Duration, _: Duration) -> Result<Vec<u8>, Silence> {
        let silence = || Silence("no answer".to_owned());
        let asked: Value = serde_json::from_slice(body).unwrap();
        let is_of_steps = asked["query"].as_str().unwrap().contains("configure");
        if let Some(happens) = self.0.meanwhile.lock().unwrap().take() {
            happens();
        }
        let variables = asked["variables"].as_object().unwrap().values();
        for order in variables.filter(|value| value["start"].is_number()) {
            // Nothing is offered once it is to be prepared.
            let begin_s = order["start"].as_i64().unwrap() - PRE_BUFFER_S;
            assert!(
                self.0.now().s() < begin_s,
                "{order} at {}",
                self.0.now().s()
            );
        }
        self.0.said.lock().unwrap().push(asked);
        if self.0.is_dark.load(Ordering::SeqCst) {
            return Err(silence());
        }
        let answer = self.0.spacecraft.answer(body, self.0.now().s());
        let is_mute = is_of_steps && self.0.is_mute_of_steps.load(Ordering::SeqCst);
        match is_mute || self.0.is_deaf.load(Ordering::SeqCst) {
            true => Err(silence()),
            false => Ok(answer),
        }
    }

    fn put(&self, key: &str, bundle: &Path) -> Result<(), Silence> {
        let mut orders = self.0.orders();
        if orders.iter().all(|order| order["key"] != key) {
            let air = self.0.folder.join("air");
            fs::create_dir_all(&air).unwrap();
            fs::copy(bundle, air.join(key)).unwrap();
            orders.push(json!({ "key": key, "local": bundle, "end": null }));
            self.0.save(&orders);
        }
        Ok(())
    }

    fn transfers(&self) -> Result<Vec<Transfer>, Silence> {
        let orders = self.0.orders().into_iter();
        Ok(orders.map(|order| transfer(&order)).collect())
    }
}

fn transfer(order: &Value) -> Transfer {
    let failure = order["end"]["failure"].as_str();
    Transfer {
        id: "2-1".to_owned(),
        direction: Direction::Up,
        remote: "app:oort/uploads".to_owned(),
        local: order["local"].as_str().unwrap().to_owned(),
        state: match (&order["end"], failure) {
            (Value::Null, _) => State::Moving,
            (_, None) => State::Arrived,
            (_, Some(_)) => State::Failed,
        },
        octets: 0,
        size: None,
        holes: 0,
        octets_to_repeat: 0,
        octets_per_s: None,
        octets_per_pass: None,
        passes_left: None,
        end: None,
        failure: failure.map(str::to_owned),
    }
}

pub(super) fn caller() -> Caller {
    Caller {
        token: "00".to_owned(),
        name: "john".to_owned(),
        role: Role::Operator,
        satellites: Vec::new(),
        remote: "127.0.0.1".to_owned(),
    }
}

/// A window of the SDR of FM1, so many seconds after tests begin.
pub(super) fn order(start_s: i64) -> WindowOrder {
    WindowOrder {
        window_type: "PAYLOAD_SDR".to_owned(),
        satellite: "FM1".to_owned(),
        start_s: BEGIN_S + start_s,
        duration_s: 60,
        parameters: "{\"z\": 1.50, \"a\":[]}".to_owned(),
    }
}

pub(super) fn upload_order() -> UploadOrder {
    UploadOrder {
        satellite: "FM1".to_owned(),
        payload: "SDR".to_owned(),
        destination: "/signaling/inbox/john/run.py".to_owned(),
        is_executable: true,
        itar: false,
    }
}

pub(super) fn asked_at(caller: &Caller, now: Now) -> Asked<'_> {
    Asked {
        caller,
        action: "a test",
        key: None,
        now,
    }
}

impl Ground {
    pub(super) fn new(folder: &Path) -> Ground {
        Self::watched(folder, Sky::new(folder, BEGIN_S), unwatched())
    }

    /// One that goes on in a folder.
    pub(super) fn watched(folder: &Path, sky: Arc<Sky>, at_step: AtStep) -> Ground {
        let plan = plan(&folder.join("tasking"), "").unwrap();
        Self::planned(plan, sky, at_step)
    }

    /// One whose FM1 has that payload no more.
    pub(super) fn without(folder: &Path, payload: &str) -> Ground {
        let mut plan = plan(&folder.join("tasking"), "").unwrap();
        for satellite in &mut plan.satellites {
            satellite.payloads.retain(|one| one.name != payload);
        }
        Self::planned(plan, Sky::new(folder, BEGIN_S), unwatched())
    }

    fn planned(plan: Plan, sky: Arc<Sky>, at_step: AtStep) -> Ground {
        let desk = Arc::new(Desk::open(plan, at_step).unwrap());
        let satellite = desk.plan.satellite("FM1").unwrap().clone();
        let air = Box::new(Air(Arc::clone(&sky)));
        Ground {
            courier: Courier::new(Arc::clone(&desk), satellite, air),
            desk,
            sky,
        }
    }

    pub(super) fn asked<'a>(&self, caller: &'a Caller) -> Asked<'a> {
        asked_at(caller, self.sky.now())
    }

    pub(super) fn order(&self, order: &WindowOrder) -> Result<i64, Problem> {
        let answer = self
            .desk
            .order_window(&self.asked(&caller()), order, false)?;
        Ok(id_of(&answer).parse().unwrap())
    }

    pub(super) fn upload(&self, octets: &[u8]) -> Result<String, Problem> {
        let (caller, order) = (caller(), upload_order());
        let asked = self.asked(&caller);
        let mut incoming = self.desk.begin_upload(&asked, &order, 0)?;
        for piece in octets.chunks(1_000) {
            self.desk.write_upload(&mut incoming, piece)?;
        }
        Ok(id_of(&self.desk.end_upload(&asked, &order, incoming)?))
    }

    pub(super) fn cancel(&self, id: i64) -> Result<Answer, Problem> {
        self.desk.cancel_window(&self.asked(&caller()), id)
    }

    /// Rounds until there is nothing to say, with contact as it says.
    pub(super) fn work_with(&mut self, in_contact: Option<bool>) {
        let sky = Arc::clone(&self.sky);
        for _ in 0..100 {
            if !self.courier.round(&|| sky.now(), in_contact).unwrap() {
                return;
            }
        }
        panic!("the courier never rests");
    }

    /// The same in contact.
    pub(super) fn work(&mut self) {
        self.work_with(Some(true));
    }

    /// For so many seconds, step by step.
    pub(super) fn live(&mut self, seconds: i64) {
        for _ in 0..seconds.div_euclid(10) {
            self.work();
            self.sky.wait(10);
        }
        self.work();
    }

    pub(super) fn window(&self, id: i64) -> Window {
        let found = self.desk.store.look(|tables| tables.window(id));
        found.unwrap().unwrap()
    }

    pub(super) fn state(&self, id: i64) -> &'static str {
        self.window(id).state.as_str()
    }

    pub(super) fn windows(&self) -> Vec<Window> {
        let filter = WindowFilter {
            limit: 1_000,
            ..WindowFilter::default()
        };
        self.desk.windows(&caller(), filter).unwrap().0
    }

    pub(super) fn uploads(&self) -> Vec<(String, &'static str, String)> {
        let filter = crate::tasking::store::UploadFilter {
            limit: 1_000,
            ..Default::default()
        };
        let uploads = self.desk.uploads(&caller(), filter).unwrap().0;
        let told = uploads.into_iter();
        told.map(|one| (one.id, one.state.as_str(), one.reason))
            .collect()
    }
}

pub(super) fn id_of(answer: &Answer) -> String {
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    body["data"]["id"].as_str().unwrap().to_owned()
}

/// What octets are, by SHA-256.
pub(super) fn sha256(octets: &[u8]) -> String {
    let mut summed = Summed::new(octets);
    std::io::copy(&mut summed, &mut std::io::sink()).unwrap();
    summed.sums().sha256
}
