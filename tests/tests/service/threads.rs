//! The threads around the engine, with pauses and failures at random and the machine
//! under load: whatever the moment of the stop, each thread ends in time and nothing
//! waits for itself.
//!
//! These are real threads, not all their interleavings: a model checker would have to
//! know of the channels and sockets between them. What the engine itself does is
//! played step by step in `simulation`.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use comms_service::accounting::{Flow, Statistics};
use comms_service::{CommsError, CommsResult};
use heliograph_tests::http_service::{HttpService, Moment, Reply};
use heliograph_tests::udp::UdpPeer;

use crate::PATIENCE;
use crate::rig::{READ_TIMEOUT, Radio, Satellite, Setup, query};

const SEEDS: u64 = 120;
/// At the same time, each with threads of its own.
const AT_ONCE: u64 = 4;
/// Threads that do nothing but take the processor from the others.
const BURNERS: usize = 2;
/// How long a service may take for its answer.
const TIMEOUT: Duration = Duration::from_millis(200);
const PAUSE_MAX_MS: u64 = 5;
/// What a machine under load may add to a stop.
const MARGIN: Duration = Duration::from_secs(3);

/// Numbers at random that several threads share (SplitMix64).
#[derive(Clone)]
struct Chance(Arc<AtomicU64>);

impl Chance {
    fn new(seed: u64) -> Self {
        Self(Arc::new(AtomicU64::new(seed)))
    }

    fn below(&self, limit: u64) -> u64 {
        let state = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn pause(&self) {
        match self.below(3) {
            0 => {}
            1 => thread::yield_now(),
            _ => thread::sleep(Duration::from_millis(self.below(PAUSE_MAX_MS))),
        }
    }
}

/// A service whose radio pauses, fails and is not ready, as `chance` has it.
fn satellite(setup: &Setup, radio: Radio, chance: &Chance) -> Satellite {
    let (reading, writing) = (chance.clone(), chance.clone());
    let read = move |radio: &Radio| -> CommsResult<Vec<u8>> {
        reading.pause();
        match reading.below(20) {
            0 => Err(CommsError::Radio("noise".into())),
            1 => Ok(Vec::new()),
            _ => radio.read(),
        }
    };
    let write = move |radio: &Radio, packet: &[u8]| -> CommsResult<()> {
        writing.pause();
        match writing.below(20) {
            0 => Err(CommsError::Radio("no antenna".into())),
            1 => Err(CommsError::NotReady("still sending".into())),
            _ => radio.write(packet),
        }
    };
    let controls = setup.controls(Some(Arc::new(read)), vec![Arc::new(write)], radio);
    Satellite::start(setup.builder(controls))
}

/// Services that answer, late or not at all.
fn moody(chance: &Chance) -> HttpService {
    let chance = chance.clone();
    HttpService::start(move |request| {
        let reply = Reply::ok(request.body.clone());
        match chance.below(4) {
            0 => Reply::silence(),
            1 => reply,
            _ => reply.starts(Moment::After(Duration::from_millis(chance.below(60)))),
        }
    })
}

/// One service with everything going on, stopped at some moment.
fn lands(seed: u64) {
    let chance = Chance::new(seed);
    let setup = Setup {
        handlers: 1 + chance.below(4) as u16,
        timeout: TIMEOUT,
        downlink_ports: Some(vec![0]),
        ..Setup::default()
    };
    let service = moody(&chance);
    let (app, udp_service) = (UdpPeer::bind(), UdpPeer::bind());
    let (radio, other_end) = Radio::pair();
    let satellite = satellite(&setup, radio, &chance);
    let ground = setup.ground(other_end);
    let downlink = satellite.downlink_port(0);
    let telemetry = Arc::clone(&satellite.telemetry);
    let done = AtomicBool::new(false);
    let landing = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let looked = telemetry.lock().expect("nobody panicked").packets_up();
                assert!(looked >= 0);
                chance.pause();
            }
        });
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                app.send_to(downlink, &vec![0x42; chance.below(2000) as usize]);
                chance.pause();
            }
        });
        for number in 0..chance.below(40) as usize {
            ground.ask(service.port(), &query(number));
            if chance.below(3) == 0 {
                ground.command(
                    comms_service::message::PayloadType::Udp,
                    udp_service.port(),
                    b"hello",
                );
            }
            chance.pause();
        }
        let ground = match chance.below(2) {
            0 => {
                drop(ground);
                None
            }
            _ => Some(ground),
        };
        let landing = satellite.shut_down();
        done.store(true, Ordering::Relaxed);
        drop(ground);
        landing
    });
    assert_eq!(landing.report.detached, [""; 0], "seed {seed}");
    let bound = READ_TIMEOUT + TIMEOUT + MARGIN;
    assert!(landing.took < bound, "seed {seed}: {:?}", landing.took);
    let all = &landing.report.statistics;
    assert!(is_idle(all), "seed {seed}: {all:#?}");
}

fn is_idle(all: &Statistics) -> bool {
    let idle = |flow: &Flow| flow.queued + flow.in_flight == 0;
    [
        &all.packets_in,
        &all.messages_in,
        &all.messages_out,
        &all.packets_out,
    ]
    .into_iter()
    .all(idle)
}

#[test]
fn whatever_the_moment_of_the_stop_every_thread_ends_and_nothing_is_held() {
    let done = Arc::new(AtomicBool::new(false));
    for _ in 0..BURNERS {
        let done = Arc::clone(&done);
        thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
    }
    let (landed, landings) = mpsc::channel();
    for lane in 0..AT_ONCE {
        let landed = landed.clone();
        thread::spawn(move || {
            for seed in (lane..SEEDS).step_by(AT_ONCE as usize) {
                lands(seed);
                let _ = landed.send(seed);
            }
        });
    }
    drop(landed);
    let mut open: Vec<u64> = (0..SEEDS).collect();
    while !open.is_empty() {
        match landings.recv_timeout(PATIENCE) {
            Ok(seed) => open.retain(|waiting| *waiting != seed),
            // A deadlock, or what its own thread has said.
            Err(error) => panic!("{error}; not landed: {open:?}"),
        }
    }
    done.store(true, Ordering::Relaxed);
}
