//! What holds whatever the operators, services, apps and the radio do.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::link::{
    Command, CommandMemoryConfig, LinkConfig, PduRefused, PduToSend, QueueClass,
};
use comms_service::message::{End, PayloadType};
use comms_service::{LinkOptions, PacketFormat};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

use crate::rig::{Outcome, Rig, Socket, Told, failure, format, octets, satellite_config};

/// What becomes of a packet on the radio.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Deliver,
    Lose,
    Repeat,
    /// It arrives after whatever comes next.
    Delay,
    Alter(usize),
    /// `write` fails.
    Fail,
}

#[derive(Clone, Debug)]
enum Step {
    Ask {
        kind: PayloadType,
        id: u64,
        bytes: usize,
        retries: u32,
    },
    AppSends(usize, usize),
    Pdu(End, QueueClass, usize),
    Answer(usize),
    ServiceFails,
    Reply {
        other_port: bool,
        bytes: usize,
    },
    ExchangeFails,
    Disk(bool),
    Socket(bool),
    /// So many packets of this end, all with one fate.
    Carry(End, usize, Fate),
    Noise(End, Vec<u8>),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Step> {
    let fates = prop_oneof![
        6 => Just(Fate::Deliver),
        1 => Just(Fate::Lose),
        1 => Just(Fate::Repeat),
        1 => Just(Fate::Delay),
        1 => (0..2000_usize).prop_map(Fate::Alter),
        1 => Just(Fate::Fail),
    ];
    let ends = || select(vec![End::Satellite, End::Ground]);
    let kinds = select(vec![
        PayloadType::GraphQl,
        PayloadType::Udp,
        PayloadType::UdpExchange,
    ]);
    let sizes = || prop_oneof![0..300_usize, 0..6000_usize];
    let ids = prop_oneof![9 => 50_000..50_020_u64, 1 => any::<u64>()];
    prop_oneof![
        4 => (kinds, ids, sizes(), 0..3_u32)
            .prop_map(|(kind, id, bytes, retries)| Step::Ask { kind, id, bytes, retries }),
        3 => (0..3_usize, sizes()).prop_map(|(endpoint, bytes)| Step::AppSends(endpoint, bytes)),
        3 => (ends(), select(QueueClass::ALL.to_vec()), 0..260_usize)
            .prop_map(|(end, class, bytes)| Step::Pdu(end, class, bytes)),
        4 => sizes().prop_map(Step::Answer),
        1 => Just(Step::ServiceFails),
        3 => (prop::bool::weighted(0.1), sizes())
            .prop_map(|(other_port, bytes)| Step::Reply { other_port, bytes }),
        1 => Just(Step::ExchangeFails),
        3 => prop::bool::weighted(0.9).prop_map(Step::Disk),
        1 => any::<bool>().prop_map(Step::Socket),
        12 => (ends(), 0..12_usize, fates)
            .prop_map(|(end, packets, fate)| Step::Carry(end, packets, fate)),
        1 => (ends(), prop::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(end, octets)| Step::Noise(end, octets)),
        3 => (0..3000_u64).prop_map(Step::Pass),
    ]
}

/// What the satellite remembers of commands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Memory {
    None,
    Volatile,
    OnDisk,
}

/// A rig with limits so small that each of them is met.
fn small_rig(packet_format: PacketFormat, error_control: bool, memory: Memory) -> Rig {
    let remembers = memory != Memory::None && packet_format == PacketFormat::SpacePacket;
    let options = LinkOptions {
        format: packet_format,
        error_control: Some(error_control),
        http_ports: vec![8020],
        ..LinkOptions::default()
    };
    let satellite = LinkConfig {
        writes: 2,
        downlink_ports: vec![13_011, 13_012],
        handlers_max: 3,
        handler_queue_messages_max: 3,
        exchange_sockets: 2,
        transmit_queue_messages_max: 6,
        message_bytes_max: 5000,
        memory_bytes_max: 16_000,
        reassembly_timeout: Duration::from_secs(2),
        command_memory: remembers.then_some(CommandMemoryConfig {
            commands_max: 8,
            answer_bytes_max: 6000,
            time: Duration::from_secs(60),
        }),
        records_commands: remembers && memory == Memory::OnDisk,
        takes_pdus: true,
        ..satellite_config()
    };
    let ground = LinkConfig {
        transmit_queue_messages_max: 6,
        message_bytes_max: 5500,
        memory_bytes_max: 20_000,
        takes_pdus: true,
        reassembly_timeout: Duration::from_secs(2),
        ..LinkConfig::new(End::Ground)
    };
    Rig::new(
        satellite,
        format(&options, End::Satellite),
        ground,
        format(&options, End::Ground),
    )
}

fn other(end: End) -> End {
    match end {
        End::Satellite => End::Ground,
        End::Ground => End::Satellite,
    }
}

/// Carries the next packet of `end`, by whichever `write` has one.
fn carry(rig: &mut Rig, end: End, fate: Fate, late: &mut VecDeque<(End, Vec<u8>)>) -> bool {
    let Some((write, mut packet)) =
        (0..2).find_map(|write| Some((write, rig.begin_write(end, write)?)))
    else {
        return false;
    };
    let result = match fate {
        Fate::Fail => Err("failed".to_string()),
        _ => Ok(()),
    };
    rig.end_write(end, write, result);
    let receiver = other(end);
    let overdue = std::mem::take(late);
    match fate {
        Fate::Deliver => rig.hear(receiver, packet),
        Fate::Lose | Fate::Fail => {}
        Fate::Repeat => rig.hear_all(receiver, [packet.clone(), packet]),
        Fate::Delay => late.push_back((receiver, packet)),
        Fate::Alter(bit) => {
            let bit = bit % (packet.len() * 8);
            packet[bit / 8] ^= 1 << (bit % 8);
            rig.hear(receiver, packet);
        }
    }
    for (receiver, packet) in overdue {
        rig.hear(receiver, packet);
    }
    true
}

fn port_of(kind: PayloadType) -> u16 {
    match kind {
        PayloadType::GraphQl => 8020,
        PayloadType::Udp => 8000,
        _ => 8030,
    }
}

/// A PDU that tells its number and its end.
fn pdu(end: End, number: u64, bytes: usize) -> Vec<u8> {
    let mut pdu = octets(bytes);
    let told = [&[u8::from(end == End::Ground)][..], &number.to_be_bytes()].concat();
    pdu.iter_mut()
        .zip(told)
        .for_each(|(octet, told)| *octet = told);
    pdu
}

/// Gives whether the entity was promised a departure.
fn send_pdu(rig: &mut Rig, end: End, class: QueueClass, number: u64, bytes: usize) -> bool {
    let octets = pdu(end, number, bytes);
    let pdu = PduToSend {
        token: number,
        class,
        octets: &octets,
    };
    let queued = rig.on(end, |link, _| link.handle_pdu_to_send(0, pdu));
    assert!(!matches!(
        queued,
        Err(PduRefused::Stopped | PduRefused::InternalFault(_))
    ));
    queued.is_ok()
}

fn take(rig: &mut Rig, step: Step, late: &mut VecDeque<(End, Vec<u8>)>) {
    match step {
        Step::Ask {
            kind,
            id,
            bytes,
            retries,
        } => rig.command(Command {
            command_id: id,
            payload_type: kind,
            port: port_of(kind),
            payload: octets(bytes),
            timeout: Duration::from_millis(1000),
            retries,
        }),
        Step::AppSends(endpoint, bytes) => rig.app_sends(endpoint, &octets(bytes)),
        Step::Answer(bytes) if !rig.posts.is_empty() => rig.service_answers(&octets(bytes)),
        Step::ServiceFails if !rig.posts.is_empty() => {
            rig.service_fails(DropReason::ServiceError, "it failed");
        }
        Step::Reply { other_port, bytes } => {
            if let Some(request) = rig.exchanges.pop_front() {
                drop(request.payload);
                let port = request.port.wrapping_add(u16::from(other_port));
                rig.service_replies(request.socket, port, &octets(bytes));
            }
        }
        Step::ExchangeFails => {
            if let Some(request) = rig.exchanges.pop_front() {
                let refused = failure(DropReason::ServiceUnreachable, "refused");
                rig.on(End::Satellite, |link, now| {
                    link.handle_exchange_failed(now, request.socket, refused);
                });
            }
        }
        Step::Disk(works) => rig.disk_writes(match works {
            true => Ok(()),
            false => Err("no space left"),
        }),
        Step::Socket(takes) => {
            rig.socket = match takes {
                true => Socket::Takes,
                false => Socket::Refuses(failure(DropReason::SocketBusy, "busy")),
            };
        }
        Step::Carry(end, packets, fate) => {
            for _ in 0..packets {
                carry(rig, end, fate, late);
            }
        }
        Step::Noise(end, octets) => rig.hear(end, octets),
        Step::Pass(ms) => rig.pass(Duration::from_millis(ms)),
        Step::Answer(_) | Step::ServiceFails | Step::Pdu(..) => {}
    }
}

/// Everything is delivered, answered or overdue.
fn drain(rig: &mut Rig, late: &mut VecDeque<(End, Vec<u8>)>) {
    for _ in 0..40 {
        for end in [End::Ground, End::Satellite] {
            while carry(rig, end, Fate::Deliver, late) {}
        }
        for (receiver, packet) in std::mem::take(late) {
            rig.hear(receiver, packet);
        }
        while !rig.journal.is_empty() {
            rig.disk_writes(Ok(()));
        }
        while !rig.posts.is_empty() {
            rig.service_answers(b"{}");
        }
        rig.exchanges.clear();
        rig.pass(Duration::from_secs(3));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        rng_seed: RngSeed::Fixed(1969),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// The rig itself checks the accounts and the memory after each call.
    #[test]
    fn accounts_add_up_memory_is_bounded_and_everything_drains(
        packet_format in select(vec![
            PacketFormat::SpacePacket,
            PacketFormat::SpacePacket,
            PacketFormat::Kubos,
            PacketFormat::Udp,
        ]),
        error_control: bool,
        memory in select(vec![Memory::None, Memory::Volatile, Memory::OnDisk]),
        steps in prop::collection::vec(steps(), 1..120),
    ) {
        let mut rig = small_rig(packet_format, error_control, memory);
        let mut late = VecDeque::new();
        let mut asked = 0;
        let mut promised = Vec::new();
        for (number, step) in steps.into_iter().enumerate() {
            if let Step::Pdu(end, class, bytes) = step
                && send_pdu(&mut rig, end, class, number as u64, bytes)
            {
                promised.push((end, number as u64, bytes));
            }
            asked += usize::from(matches!(step, Step::Ask { .. }));
            take(&mut rig, step, &mut late);
        }
        drain(&mut rig, &mut late);
        rig.assert_idle();
        prop_assert_eq!(rig.outcomes.len(), asked, "one outcome for each command");
        let mut departed = Vec::new();
        for (end, told) in std::mem::take(&mut rig.entity) {
            match told {
                Told::Departed(number, _) => departed.push((end, number)),
                Told::Pdu(octets) if error_control => prop_assert!(
                    promised.iter().any(|(from, number, bytes)| {
                        *from == other(end) && octets == pdu(*from, *number, *bytes)
                    }),
                    "nobody sent {octets:?}"
                ),
                Told::Pdu(_) | Told::Contact(_) => {}
            }
        }
        departed.sort_by_key(|(_, number)| *number);
        let promised = promised.into_iter().map(|(end, number, _)| (end, number));
        prop_assert_eq!(departed, promised.collect::<Vec<_>>(), "one departure for each PDU");
    }

    /// With error control nothing wrong comes out, whatever the radio does.
    #[test]
    fn an_answer_that_arrives_is_the_answer_that_was_given(
        sizes in prop::collection::vec(0..4000_usize, 1..12),
        fates in prop::collection::vec(
            select(vec![Fate::Deliver, Fate::Deliver, Fate::Deliver, Fate::Lose, Fate::Repeat,
                        Fate::Delay, Fate::Alter(7), Fate::Alter(300), Fate::Fail]),
            1..200,
        ),
        remembers: bool,
    ) {
        let mut rig = Rig::with_satellite(LinkConfig {
            command_memory: remembers.then(CommandMemoryConfig::default),
            ..satellite_config()
        });
        let mut late = VecDeque::new();
        for (id, bytes) in sizes.iter().enumerate() {
            rig.query(id as u64 + 1, 8020, &(*bytes as u32).to_be_bytes());
        }
        for fate in fates {
            carry(&mut rig, End::Ground, fate, &mut late);
            carry(&mut rig, End::Satellite, fate, &mut late);
            while let Some(post) = rig.posts.front() {
                let asked: [u8; 4] = post.body.to_vec().try_into().unwrap();
                rig.service_answers(&octets(u32::from_be_bytes(asked) as usize));
            }
        }
        let mut answered = BTreeSet::new();
        for outcome in &rig.outcomes {
            if let Outcome::Answered(id, answer) = outcome {
                prop_assert_eq!(answer, &octets(sizes[*id as usize - 1]));
                prop_assert!(answered.insert(*id));
            }
        }
    }
}
