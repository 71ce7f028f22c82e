//! PDUs of file entities, from one end to the other and back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::budget::HeldBytes;
use comms_service::link::{ContactReason, ContactState, QueueClass, WhenFull};
use comms_service::options::{ClassOptions, QueueOptions};
use comms_service::pdus::{PduReceiver, PduRefused, PduSender};
use comms_service::{
    CommsConfig, CommsError, CommsResult, CommsServiceBuilder, FrameBuffer, LinkOptions,
    PacketFormat,
};
use crossbeam_channel::{Sender, TryRecvError, bounded, unbounded};
use heliograph_tests::http_service::{HttpService, Reply};
use heliograph_tests::wait::eventually;

use crate::PATIENCE;
use crate::rig::{Entity, Flight, Radio, Satellite, Setup, Told};

const DIRECTIVE: QueueClass = QueueClass::Response;
const FILE_DATA: QueueClass = QueueClass::Bulk;

/// What the next call of `write` does before it sends, and whether it does.
type Step = CommsResult<()>;

/// A flight whose satellite writes when the test says so.
struct Stepped {
    flight: Flight,
    own: Entity,
    ground: Entity,
    steps: Sender<Step>,
}

impl Stepped {
    fn start(setup: &Setup) -> Self {
        let (steps, next) = unbounded::<Step>();
        let write = move |radio: &Radio, packet: &[u8]| {
            // Without any more steps, as it likes.
            next.recv().unwrap_or(Ok(()))?;
            radio.write(packet)
        };
        let (radio, other_end) = Radio::pair();
        let controls = setup.controls(Some(Arc::new(Radio::read)), vec![Arc::new(write)], radio);
        let (own, ground) = (Entity::default(), Entity::default());
        let flight = Flight {
            satellite: Satellite::start(setup.builder(controls).pdus(own.receiver())),
            ground: setup.ground_with_entity(other_end, &ground),
        };
        Stepped {
            flight,
            own,
            ground,
            steps,
        }
    }

    fn step(&self, step: Step) {
        self.steps.send(step).expect("the radio writes");
    }

    /// A PDU is with the radio, which does not take it yet.
    fn occupy(&self, token: u64) {
        let sender = self.flight.satellite.pdu_sender();
        sender.send(FILE_DATA, token, b"first").expect("room");
        self.flight.satellite.wait_until(|all| {
            let out = &all.packets_out;
            out.in_flight == 1
        });
    }
}

#[test]
fn a_pdu_goes_up_and_one_goes_down() {
    let (flight, satellite, ground) = Setup::default().flight_with_entities();
    let up = flight.ground.pdu_sender();
    let down = flight.satellite.pdu_sender();
    up.send(DIRECTIVE, 7, b"metadata").expect("room");
    assert_eq!(satellite.pdu(), b"metadata");
    assert_eq!(ground.departure(), (7, Ok(())));
    down.send(FILE_DATA, 8, b"file data").expect("room");
    assert_eq!(ground.pdu(), b"file data");
    assert_eq!(satellite.departure(), (8, Ok(())));

    let all = flight.satellite.wait_until_drained();
    assert_eq!((all.messages_in.offered, all.messages_in.delivered), (1, 1));
    assert_eq!(all.classes_out.bulk.messages.delivered, 1);
}

#[test]
fn the_entity_hears_of_contact_before_the_pdu_that_began_it() {
    let (flight, satellite, ground) = Setup::default().flight_with_entities();
    for entity in [&satellite, &ground] {
        let at_first = entity.contact();
        assert_eq!(at_first.reason, ContactReason::NoPlan);
        assert!(!at_first.in_contact);
    }
    let up = flight.ground.pdu_sender();
    up.send(DIRECTIVE, 1, b"metadata").expect("room");
    let heard = satellite.contact();
    assert_eq!(heard.reason, ContactReason::Heard);
    assert!(heard.in_contact && flight.satellite.pdu_sender().contact().in_contact);
    assert_eq!(satellite.pdu(), b"metadata");
    // The ground heard nothing.
    assert!(!up.contact().in_contact);
}

#[test]
fn two_files_at_once_arrive_in_order_fed_by_departures() {
    const PDUS: u64 = 2_000;
    let (flight, satellite, ground) = Setup::default().flight_with_entities();
    let service = HttpService::always(Reply::ok("pong"));
    let ends = [
        (flight.satellite.pdu_sender(), &satellite),
        (flight.ground.pdu_sender(), &ground),
    ];
    thread::scope(|scope| {
        for (sender, entity) in &ends {
            scope.spawn(move || {
                let (mut sent, mut departed, mut heard) = (0, 0, 0);
                while departed < PDUS || heard < PDUS {
                    while sent < PDUS && sent - departed < sender.credits() as u64 {
                        let pdu = sent.to_be_bytes();
                        sender.send(FILE_DATA, sent, &pdu).expect("room");
                        sent += 1;
                    }
                    match entity.next() {
                        Told::Pdu(octets) => {
                            assert_eq!(octets, u64::to_be_bytes(heard));
                            heard += 1;
                        }
                        Told::Departed(token, result) => {
                            assert_eq!((token, result), (departed, Ok(())));
                            departed += 1;
                        }
                        Told::Contact(_) => {}
                    }
                }
            });
        }
        // Whoever asks meanwhile is answered.
        for _ in 0..10 {
            assert_eq!(flight.ground.query(service.port(), b"{}"), b"pong");
        }
    });
    let all = flight.satellite.wait_until_drained();
    assert_eq!(all.classes_out.bulk.messages.delivered, PDUS);
}

#[test]
fn a_directive_overtakes_file_data_that_waits() {
    let stepped = Stepped::start(&Setup::default());
    stepped.occupy(0);
    let sender = stepped.flight.satellite.pdu_sender();
    for token in 1..4 {
        sender.send(FILE_DATA, token, b"data").expect("room");
    }
    sender.send(DIRECTIVE, 9, b"nak").expect("room");
    for _ in 0..5 {
        stepped.step(Ok(()));
    }
    let order: Vec<u64> = (0..5).map(|_| stepped.own.departure().0).collect();
    assert_eq!(order, [0, 9, 1, 2, 3]);
    let heard: Vec<_> = (0..5).map(|_| stepped.ground.pdu()).collect();
    assert_eq!(heard[1], b"nak");
}

#[test]
fn whoever_sent_a_pdu_is_told_when_it_is_dropped_and_why() {
    let setup = Setup {
        options: LinkOptions {
            transmit_queue_messages_max: Some(3),
            ..LinkOptions::default()
        },
        // No `write` begins at the stop after one that took longer.
        timeout: Duration::from_millis(1),
        ..Setup::default()
    };
    let Stepped {
        flight,
        own,
        ground,
        steps,
    } = Stepped::start(&setup);
    let sender = flight.satellite.pdu_sender();
    sender.send(FILE_DATA, 0, b"lost").expect("room");
    flight
        .satellite
        .wait_until(|all| all.packets_out.in_flight == 1);
    for token in 1..3 {
        sender.send(FILE_DATA, token, b"data").expect("room");
    }
    let refused = sender.send(FILE_DATA, 3, b"data").unwrap_err();
    assert!(matches!(refused, PduRefused::QueueFull(_)), "{refused}");
    assert_eq!(refused.drop_reason(), DropReason::QueueFull);
    steps
        .send(Err(CommsError::Radio("no power".into())))
        .expect("it writes");
    assert_eq!(own.departure(), (0, Err(DropReason::WriteFailed)));
    steps.send(Ok(())).expect("it writes");
    assert_eq!(own.departure(), (1, Ok(())));
    assert_eq!(ground.pdu(), b"data");

    // `write` has the last, and does not return before the end.
    flight
        .satellite
        .wait_until(|all| all.packets_out.in_flight == 1);
    let Flight { satellite, ground } = flight;
    let report = satellite.shut_down().report;
    assert_eq!(own.departure(), (2, Err(DropReason::Shutdown)));
    let bulk = &report.statistics.classes_out.bulk.messages;
    assert_eq!((bulk.offered, bulk.delivered), (4, 1));
    let reasons = [
        DropReason::QueueFull,
        DropReason::WriteFailed,
        DropReason::Shutdown,
    ];
    assert!(reasons.iter().all(|reason| bulk.dropped.of(*reason) == 1));
    assert_eq!(report.statistics.memory_bytes_used, 0);

    // The call comes back after all: nothing more is told, and nothing more is taken.
    drop(steps);
    let stopped = sender.send(DIRECTIVE, 4, b"late");
    assert_eq!(stopped, Err(PduRefused::Stopped));
    drop(ground);
    let told = own.into_told();
    let left: Vec<Told> = told.try_iter().collect();
    let contact = |told: &Told| matches!(told, Told::Contact(_));
    assert!(left.iter().all(contact), "{left:?}");
}

#[test]
fn a_link_that_has_stopped_lets_go_of_the_entity() {
    let (flight, satellite, _ground) = Setup::default().flight_with_entities();
    let sender = flight.satellite.pdu_sender();
    let telemetry = Arc::clone(&flight.satellite.telemetry);
    sender.send(DIRECTIVE, 1, b"the last").expect("room");
    assert_eq!(satellite.departure(), (1, Ok(())));
    let told = satellite.into_told();
    flight.satellite.shut_down();
    let end = std::iter::repeat_with(|| told.try_recv()).find(Result::is_err);
    assert_eq!(end, Some(Err(TryRecvError::Disconnected)));
    drop((sender, telemetry));
}

#[test]
fn a_pdu_that_is_too_large_for_one_packet_is_refused_at_once() {
    let (flight, satellite, ground) = Setup::default().flight_with_entities();
    for (sender, receiver) in [
        (flight.satellite.pdu_sender(), &ground),
        (flight.ground.pdu_sender(), &satellite),
    ] {
        let bytes_max = sender.pdu_bytes_max();
        assert_eq!(bytes_max, 256 - 6 - 2);
        let bytes = bytes_max + 1;
        let refused = sender.send(FILE_DATA, 1, &vec![0; bytes]);
        assert_eq!(refused, Err(PduRefused::TooLarge { bytes, bytes_max }));
        sender
            .send(FILE_DATA, 2, &vec![1; bytes_max])
            .expect("room");
        let told = std::iter::repeat_with(|| receiver.next());
        let mut pdus = told.filter(|told| matches!(told, Told::Pdu(_)));
        assert_eq!(pdus.next(), Some(Told::Pdu(vec![1; bytes_max])));
    }
}

#[test]
fn the_largest_pdu_follows_the_radio_and_another_configuration() {
    let setup = Setup {
        radio_bytes_max: Some(1_000),
        ..Setup::default()
    };
    let (flight, ..) = setup.flight_with_entities();
    let sender = flight.satellite.pdu_sender();
    assert_eq!(sender.pdu_bytes_max(), 1_000 - 8);
    let smaller = LinkOptions {
        packet_bytes_max: Some(100),
        ..LinkOptions::default()
    };
    let config = CommsConfig {
        handler_port_min: 0,
        handler_port_max: 0,
        timeout: PATIENCE.as_millis() as u64,
        satellite_ip: "127.0.0.1".to_owned(),
        ..CommsConfig::default()
    };
    let reconfigure = flight.satellite.reconfigure();
    reconfigure.apply(config.clone(), smaller).expect("it fits");
    assert_eq!(sender.pdu_bytes_max(), 100 - 8);
    let kubos = LinkOptions {
        format: PacketFormat::Kubos,
        ..LinkOptions::default()
    };
    let refused = reconfigure.apply(config, kubos).unwrap_err().to_string();
    assert!(refused.contains("receiver of PDUs"), "{refused}");
    assert_eq!(sender.pdu_bytes_max(), 100 - 8);
}

/// Sends every PDU that comes back at once, by the thread that tells of it.
#[derive(Default)]
struct Echo {
    sender: OnceLock<PduSender>,
    departures: AtomicUsize,
}

impl PduReceiver for Echo {
    fn pdu(&self, octets: HeldBytes) {
        let sender = self.sender.get().expect("set before");
        sender.send(DIRECTIVE, 0, &octets).expect("room");
    }

    fn departed(&self, _: u64, result: Result<(), DropReason>) {
        assert_eq!(result, Ok(()));
        self.departures.fetch_add(1, Ordering::SeqCst);
    }

    fn contact(&self, _: ContactState) {}
}

fn with_receiver(receiver: Arc<dyn PduReceiver>) -> (Flight, Entity) {
    let setup = Setup::default();
    let (builder, other_end) = builder(&setup);
    let ground = Entity::default();
    let flight = Flight {
        satellite: Satellite::start(builder.pdus(receiver)),
        ground: setup.ground_with_entity(other_end, &ground),
    };
    (flight, ground)
}

fn builder(setup: &Setup) -> (CommsServiceBuilder<Radio>, Radio) {
    let (radio, other_end) = Radio::pair();
    let controls = setup.controls(
        Some(Arc::new(Radio::read)),
        vec![Arc::new(Radio::write)],
        radio,
    );
    (setup.builder(controls), other_end)
}

#[test]
fn an_entity_may_answer_a_pdu_from_within() {
    let echo = Arc::new(Echo::default());
    let (flight, ground) = with_receiver(Arc::clone(&echo) as Arc<dyn PduReceiver>);
    let set = echo.sender.set(flight.satellite.pdu_sender());
    assert!(set.is_ok());
    let sender = flight.ground.pdu_sender();
    for number in 0..100_u64 {
        sender.send(DIRECTIVE, number, &[1; 50]).expect("room");
    }
    let mut back = 0;
    while back < 100 {
        back += usize::from(ground.next() == Told::Pdu(vec![1; 50]));
    }
    flight.satellite.wait_until_drained();
    assert_eq!(echo.departures.load(Ordering::SeqCst), 100);
}

/// Holds a lock while it sends, and wants it when it is told something.
#[derive(Default)]
struct Locked {
    state: Mutex<Vec<(u64, Result<(), DropReason>)>>,
}

impl PduReceiver for Locked {
    fn pdu(&self, _: HeldBytes) {}

    fn departed(&self, token: u64, result: Result<(), DropReason>) {
        self.state.lock().unwrap().push((token, result));
    }

    fn contact(&self, _: ContactState) {}
}

#[test]
fn an_entity_is_told_nothing_from_within_its_own_call() {
    let setup = Setup {
        options: LinkOptions {
            queue: QueueOptions {
                bulk: ClassOptions {
                    messages_max: Some(1),
                    when_full: Some(WhenFull::Oldest),
                    ..ClassOptions::default()
                },
                ..QueueOptions::default()
            },
            ..LinkOptions::default()
        },
        ..Setup::default()
    };
    let (radio, _other_end) = Radio::pair();
    let (go_on, wait) = bounded::<()>(0);
    let write = move |radio: &Radio, packet: &[u8]| {
        let _ = wait.recv();
        radio.write(packet)
    };
    let controls = setup.controls(Some(Arc::new(Radio::read)), vec![Arc::new(write)], radio);
    let entity = Arc::new(Locked::default());
    let receiver = Arc::clone(&entity) as Arc<dyn PduReceiver>;
    let satellite = Satellite::start(setup.builder(controls).pdus(receiver));
    let sender = satellite.pdu_sender();
    sender.send(DIRECTIVE, 0, b"eof").expect("room");
    satellite.wait_until(|all| all.packets_out.in_flight == 1);
    {
        let _held = entity.state.lock().unwrap();
        for token in 1..4 {
            // Each makes room for itself.
            sender.send(FILE_DATA, token, b"data").expect("room");
        }
    }
    let displaced = [1, 2].map(|token| (token, Err(DropReason::Displaced)));
    // Though the radio is stuck and nothing else happens.
    eventually(PATIENCE, || {
        (entity.state.lock().unwrap()[..] == displaced).then_some(())
    });
    drop(go_on);
}

/// Panics at every PDU.
struct Clumsy;

impl PduReceiver for Clumsy {
    fn pdu(&self, octets: HeldBytes) {
        panic!("{} octets", octets.len());
    }

    fn departed(&self, _: u64, _: Result<(), DropReason>) {}

    fn contact(&self, _: ContactState) {}
}

#[test]
fn a_receiver_that_panics_costs_nobody_anything_but_itself() {
    let (flight, ground) = with_receiver(Arc::new(Clumsy));
    let sender = flight.ground.pdu_sender();
    sender.send(DIRECTIVE, 1, b"pdu").expect("room");
    assert_eq!(ground.departure(), (1, Ok(())));
    let service = HttpService::always(Reply::ok("pong"));
    assert_eq!(flight.ground.query(service.port(), b"{}"), b"pong");
    let panicked =
        |error: &String| error.contains("receiver of PDUs failed: it panicked: 3 octets");
    flight
        .satellite
        .wait_until(|all| all.errors.iter().any(panicked));
}

#[test]
fn pdus_go_by_the_write_that_is_meant_for_them() {
    let setup = Setup::default();
    let (radio, other_end) = Radio::pair();
    let (told, by_second) = bounded(1);
    let second = move |radio: &Radio, packet: &[u8]| {
        let _ = told.try_send(());
        radio.write(packet)
    };
    let controls = setup.controls(
        Some(Arc::new(Radio::read)),
        vec![Arc::new(Radio::write), Arc::new(second)],
        radio,
    );
    let own = Entity::default();
    let builder = setup.builder(controls).pdus(own.receiver()).pdu_write(1);
    let satellite = Satellite::start(builder);
    let sender = satellite.pdu_sender();
    sender.send(FILE_DATA, 1, b"data").expect("room");
    other_end.expect();
    by_second.recv_timeout(PATIENCE).expect("it is called");
    assert_eq!(own.departure(), (1, Ok(())));
}

#[test]
fn so_many_pdus_keep_the_radio_busy_as_it_may_have_and_one_more() {
    let credits = |builder: CommsServiceBuilder<Radio>| {
        let entity = Entity::default();
        let satellite = Satellite::start(builder.pdus(entity.receiver()));
        satellite.pdu_sender().credits()
    };
    let many = |radio: &Radio, packets: &FrameBuffer| {
        packets.iter().try_for_each(|packet| radio.write(packet))?;
        Ok(packets.len())
    };
    let setup = Setup::default();
    // The other ends are kept: a radio without one fails.
    let (one, _one) = builder(&setup);
    assert_eq!(credits(one), 2);
    let (batches, _batches) = builder(&setup);
    assert_eq!(credits(batches.write_many(0, 16, Arc::new(many))), 17);
    let paced = Setup {
        options: LinkOptions {
            bit_rate_bps: Some(9_600),
            ..LinkOptions::default()
        },
        ..Setup::default()
    };
    let (slow, _slow) = builder(&paced);
    assert_eq!(credits(slow.write_many(0, 16, Arc::new(many))), 2);
}

#[test]
fn a_link_that_carries_no_pdus_does_not_start_with_an_entity() {
    let entity = Entity::default();
    let kubos = Setup {
        options: LinkOptions {
            format: PacketFormat::Kubos,
            ..LinkOptions::default()
        },
        ..Setup::default()
    };
    let (radio, other_end) = Radio::pair();
    let controls = kubos.controls(None, vec![Arc::new(Radio::write)], radio);
    let refused = kubos.builder(controls).pdus(entity.receiver());
    let error = Satellite::try_start(refused).err().expect("it is refused");
    assert!(error.to_string().contains("format `kubos`"), "{error}");
    let controls = comms_service::ground::GroundControls {
        pdus: Some(entity.receiver()),
        ..kubos.ground_controls(other_end)
    };
    let error = comms_service::ground::GroundLink::start(controls).err();
    let error = error.expect("it is refused").to_string();
    assert!(error.contains("format `kubos`"), "{error}");

    let (builder, _other_end) = builder(&Setup::default());
    let builder = builder.pdus(entity.receiver()).pdu_write(1);
    let error = Satellite::try_start(builder).err().expect("it is refused");
    assert!(error.to_string().contains("`write` 1"), "{error}");
}

#[test]
fn without_an_entity_there_is_no_sender_and_pdus_are_counted() {
    let (satellite, other_end) = Setup::default().with_radio();
    let entity = Entity::default();
    let ground = Setup::default().ground_with_entity(other_end, &entity);
    let sender = ground.pdu_sender();
    sender.send(DIRECTIVE, 1, b"pdu").expect("room");
    satellite.wait_until(|all| all.messages_in.dropped.of(DropReason::NotCarried) == 1);
}
