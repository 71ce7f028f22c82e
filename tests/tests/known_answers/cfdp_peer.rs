//! Files from and to another implementation of CFDP: `cfdp-py`.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, unbounded};
use file_delivery::ChecksumType;
use file_delivery::StoreName;
use file_delivery::entity::{Entity, EntityConfig, Event, NakMode, Outcome, Peer, PutRequest};
use file_delivery::pdu::{DeliveryCode, EntityId, TransmissionMode};
use file_delivery::store::memory::MemoryDisk;
use heliograph_tests::workspace;
use serde_json::{Value, json};

/// Of all timers, on both ends: what is lost costs the test so long.
const TIMEOUT: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(240);
/// After so long without a PDU, none comes of a transaction that is over.
const SILENCE: Duration = Duration::from_secs(2);
const PDU_BYTES_MAX: usize = 1_024;
const MIB: usize = 1024 * 1024;

/// The ids of the two ends.
const SENDER: EntityId = EntityId(1);
const RECEIVER: EntityId = EntityId(2);

/// A transfer between the two implementations.
#[derive(Clone, Copy, Debug)]
struct Transfer {
    bytes: usize,
    loss_percent: u32,
    acknowledged: bool,
    checksum: (&'static str, ChecksumType),
    immediate: bool,
}

const USUAL: Transfer = Transfer {
    bytes: MIB,
    loss_percent: 0,
    acknowledged: true,
    checksum: ("crc32", ChecksumType::CRC_32),
    immediate: false,
};

/// How a transfer ended on either end, and the file that arrived.
#[derive(Debug)]
struct Ended {
    ours: Option<Outcome>,
    theirs: Value,
    arrived: Option<Vec<u8>>,
}

fn content(bytes: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let octets = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    octets.take(bytes).collect()
}

fn name() -> StoreName {
    "file.bin".parse().expect("a name")
}

impl Transfer {
    /// From us to them.
    fn to_them(self) -> Ended {
        self.run(true)
    }

    /// From them to us.
    fn to_us(self) -> Ended {
        self.run(false)
    }

    fn run(self, we_send: bool) -> Ended {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file.bin");
        let disk = MemoryDisk::new(1);
        match we_send {
            true => disk.put(&name(), &content(self.bytes)),
            false => std::fs::write(&file, content(self.bytes)).expect("the file is written"),
        }
        let (own, other) = match we_send {
            true => (SENDER, RECEIVER),
            false => (RECEIVER, SENDER),
        };
        let (child, stdin, pdus) = start(&json!({
            "role": if we_send { "receive" } else { "send" },
            "file": file,
            "there": "file.bin",
            "acknowledged": self.acknowledged,
            "closure": true,
            "checksum": self.checksum.0,
            "pdu_bytes": PDU_BYTES_MAX,
            "immediate": self.immediate,
            "timeout": TIMEOUT.as_secs_f64(),
        }));
        let peer = Peer {
            pdu_bytes_max: PDU_BYTES_MAX,
            checksum_type: self.checksum.1,
            nak_mode: if self.immediate {
                NakMode::Immediate
            } else {
                NakMode::Deferred
            },
            ack_timeout: TIMEOUT,
            ack_limit: u32::MAX,
            nak_timeout: TIMEOUT,
            nak_limit: u32::MAX,
            inactivity_timeout: 2 * TIMEOUT,
            inactivity_limit: u32::MAX,
            check_timeout: TIMEOUT,
            ..Peer::new(other)
        };
        let (store, journal) = (disk.store(), disk.journal());
        let config = EntityConfig::new(own);
        let mut entity = Entity::new(Instant::now(), config, [peer], store, journal)
            .expect("an empty journal can be read");
        if we_send {
            let put = PutRequest {
                mode: match self.acknowledged {
                    true => TransmissionMode::Acknowledged,
                    false => TransmissionMode::Unacknowledged,
                },
                closure_requested: true,
                ..PutRequest::file(other, name(), name())
            };
            entity.put(Instant::now(), &put).expect("it begins");
        }
        let ours = exchange(&mut entity, stdin, &pdus, self.loss_percent);
        let output = child.wait_with_output().expect("the peer ends");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let last = told.lines().last().unwrap_or_default();
        let theirs = serde_json::from_str(last).unwrap_or(Value::Null);
        let arrived = match we_send {
            true => std::fs::read(&file).ok(),
            false => disk.file(&name()),
        };
        Ended {
            ours,
            theirs,
            arrived,
        }
    }

    #[track_caller]
    fn assert_arrives(self) {
        for ended in [self.to_them(), self.to_us()] {
            let ours = ended.ours.as_ref();
            assert!(
                ours.is_some_and(Outcome::is_success),
                "{self:?}: {:?}",
                ended.ours
            );
            assert_eq!(
                ended.theirs["condition"], "NO_ERROR",
                "{self:?}: {}",
                ended.theirs
            );
            assert_eq!(ended.theirs["delivery"], "DATA_COMPLETE", "{self:?}");
            let is_whole = ended.arrived == Some(content(self.bytes));
            assert!(is_whole, "{self:?}: another file arrived");
        }
    }
}

fn start(wish: &Value) -> (Child, ChildStdin, Receiver<Vec<u8>>) {
    let python = workspace().join("target/referees/bin/python");
    let script = workspace().join("tests/referees/cfdp_peer.py");
    let mut child = Command::new(python)
        .arg("-B")
        .arg(script)
        .arg(wish.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the peer starts: cargo xtask setup installs it");
    let stdin = child.stdin.take().expect("it is piped");
    let mut stdout = child.stdout.take().expect("it is piped");
    let (sender, pdus) = unbounded();
    // It reads whatever we do, so that the peer never waits for us to read.
    thread::spawn(move || {
        let mut length = [0; 2];
        while stdout.read_exact(&mut length).is_ok() {
            let mut pdu = vec![0; usize::from(u16::from_be_bytes(length))];
            if stdout.read_exact(&mut pdu).is_err() || sender.send(pdu).is_err() {
                return;
            }
        }
    });
    (child, stdin, pdus)
}

/// Carries PDUs until the peer has ended, and gives how we say that it ended.
fn exchange<S, J>(
    entity: &mut Entity<S, J>,
    stdin: ChildStdin,
    pdus: &Receiver<Vec<u8>>,
    loss_percent: u32,
) -> Option<Outcome>
where
    S: file_delivery::store::FileStore,
    J: file_delivery::store::Journal,
{
    let until = Instant::now() + PATIENCE;
    let mut stdin = Some(stdin);
    let mut random = 1_u32;
    let mut is_lost = move || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 16) % 100 < loss_percent
    };
    let (mut outcome, mut pdu) = (None, Vec::new());
    let mut heard = Instant::now();
    while Instant::now() < until {
        let now = Instant::now();
        let is_over = outcome.is_some() && entity.transactions().next().is_none();
        if is_over && now - heard > SILENCE {
            // Without acknowledgements the last word may be lost for good.
            break;
        }
        if entity.poll_timeout().is_some_and(|at| at <= now) {
            entity.handle_timeout(now);
        }
        let events = std::iter::from_fn(|| entity.poll_event());
        for event in events.collect::<Vec<_>>() {
            if let Event::Finished { outcome: ended, .. } = event {
                outcome = Some(ended);
            }
        }
        let token = entity.poll_directive(now, &mut pdu);
        let token = token.or_else(|| entity.poll_data(now, &mut pdu));
        if let Some(token) = token {
            let length = u16::try_from(pdu.len()).expect("a PDU is small");
            if !is_lost() {
                let octets = [&length.to_be_bytes()[..], &pdu].concat();
                // A peer that has ended reads nothing any more.
                let written = stdin.as_mut().map(|stdin| stdin.write_all(&octets));
                stdin = stdin.filter(|_| written.is_some_and(|written| written.is_ok()));
            }
            entity.handle_departed(Instant::now(), token, true);
        }
        let wait = match token {
            Some(_) => Duration::ZERO,
            None => entity
                .poll_timeout()
                .map_or(TIMEOUT, |at| at.saturating_duration_since(now))
                .min(TIMEOUT),
        };
        match pdus.recv_timeout(wait) {
            Ok(pdu) => {
                heard = Instant::now();
                if !is_lost() {
                    entity.handle_pdu(heard, &pdu);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    outcome
}

#[test]
fn files_arrive_from_and_at_cfdp_py() {
    for bytes in [0, 1, 1_000, MIB] {
        Transfer { bytes, ..USUAL }.assert_arrives();
    }
}

#[test]
fn a_large_file_arrives_from_and_at_cfdp_py() {
    let bytes = 64 * MIB;
    Transfer { bytes, ..USUAL }.assert_arrives();
}

#[test]
fn files_arrive_from_and_at_cfdp_py_under_each_checksum_and_with_immediate_naks() {
    for checksum in [
        ("modular", ChecksumType::MODULAR),
        ("crc32c", ChecksumType::CRC_32C),
    ] {
        let bytes = 100_000;
        Transfer {
            bytes,
            checksum,
            immediate: true,
            loss_percent: 5,
            ..USUAL
        }
        .assert_arrives();
    }
}

#[test]
fn files_arrive_from_and_at_cfdp_py_though_pdus_are_lost() {
    for loss_percent in [5, 20] {
        Transfer {
            loss_percent,
            ..USUAL
        }
        .assert_arrives();
    }
}

#[test]
fn unacknowledged_files_arrive_from_and_at_cfdp_py() {
    Transfer {
        acknowledged: false,
        ..USUAL
    }
    .assert_arrives();
}

#[test]
fn an_unacknowledged_file_of_cfdp_py_of_which_pdus_are_lost_is_no_success() {
    let transfer = Transfer {
        acknowledged: false,
        loss_percent: 5,
        bytes: 200_000,
        ..USUAL
    };
    let ended = transfer.to_us();
    assert_eq!(ended.arrived, None);
    let ours = ended.ours.expect("its receiver says how it ended");
    assert_eq!(ours.delivery, DeliveryCode::Incomplete);
}
