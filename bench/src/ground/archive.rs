//! The packet archive: a million packets written, and found again by time, APID and command. It
//! is a process of its own, whose memory is told.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use comms_service::message::{Class, End, Head, PayloadType};
use comms_service::packet::LinkPacket;
use ground_gateway::archive::{Account, Archive, ArchiveReader, ArchivedFrame, Search};
use ground_gateway::{GroundConfig, GroundLinkConfig};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cpu;
use crate::figure::{Figure, Goal, Spread};
use crate::section::Run;

const FRAMES: u64 = 1_000_000;
const FRAMES_QUICK: u64 = 20_000;
/// Of one transaction.
const BATCH: usize = 4096;
/// Packets of 256 octets: answers of three, telemetry of one.
const ANSWER_BYTES: usize = 700;
const TELEMETRY_BYTES: usize = 230;
const BETWEEN_FRAMES: Duration = Duration::from_millis(100);
const START: Duration = Duration::from_secs(1_800_000_000);
/// Of each search.
const ROUNDS: u64 = 50;
const PASS: Duration = Duration::from_secs(600);
const COUNTS: u16 = 16_384;
/// What the process may take, whatever the archive has.
const MEMORY_KIB_MAX: f64 = 65_536.0;

/// What the process is told.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    folder: PathBuf,
    frames: u64,
}

/// Measures the process.
pub(super) fn measure(run: &Run) -> Result<Vec<Figure>> {
    let folder = TempDir::new()?;
    let own = env::current_exe().context("the path of this binary is not known")?;
    let frames = run.choose(FRAMES, FRAMES_QUICK);
    let output = Command::new(own)
        .arg("packet-archive")
        .arg(folder.path())
        .arg(frames.to_string())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "packet-archive: {said}");
    let found: Value = serde_json::from_slice(&output.stdout)?;
    let number = |key: &str| {
        let number = found.get(key).and_then(Value::as_f64);
        number.with_context(|| format!("packet-archive does not say `{key}`"))
    };
    let once = |name: &str, unit, value| {
        let name = format!("archive of {frames} packets: {name}");
        Figure::alone(name, unit, Spread::once(value))
    };
    let mut figures = vec![
        once("written", "packets/s", number("packets_per_s")?),
        once("file", "octets/packet", number("octets_per_packet")?),
        once("memory at most", "KiB", number("peak_kib")?).goal(Goal::AtMost(MEMORY_KIB_MAX)),
    ];
    let searches = found.get("searches").and_then(Value::as_object);
    for (name, times) in searches.context("packet-archive does not say its searches")? {
        let times = times.as_array().into_iter().flatten();
        let times: Vec<f64> = times.filter_map(Value::as_f64).collect();
        let name = format!("archive of {frames} packets: {name}");
        figures.push(Figure::alone(name, "ms", Spread::of(&times)));
    }
    Ok(figures)
}

/// Writes and searches the archive; says what that took.
///
/// # Errors
/// When it cannot be written or read.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let link = link(&arguments.folder)?;
    let settings = link.archive.as_ref().context("the link has no archive")?;
    let file = settings.file(&link.name);
    let mut air = Air::new(&link)?;
    let mut archive = Archive::open(&link)?;
    let mut writing = Duration::ZERO;
    while air.heard < arguments.frames {
        let left = usize::try_from(arguments.frames - air.heard).unwrap_or(BATCH);
        let batch = air.next_frames(left.min(BATCH))?;
        let account = Account {
            heard: batch.len() as u64,
            ..Account::default()
        };
        let began = Instant::now();
        archive.store(&batch, account)?;
        writing += began.elapsed();
    }
    drop(archive);
    let octets = file.metadata()?.len();
    let reader = ArchiveReader::open(&file)?.context("there is no archive")?;
    let account = reader.account()?;
    ensure!(account.balances() && account.stored == arguments.frames);
    let found = json!({
        "packets_per_s": arguments.frames as f64 / writing.as_secs_f64(),
        "octets_per_packet": octets as f64 / arguments.frames as f64,
        "searches": searches(&reader, &air)?,
        "peak_kib": cpu::usage(process::id())?.resident_kib_peak,
    });
    println!("{found}");
    Ok(())
}

fn link(folder: &Path) -> Result<GroundLinkConfig> {
    let text = format!(
        "[[link]]\nname = 'bench'\nsatellite = 'bench'\n[link.radio]\nkind = 'udp'\n\
         bind = '127.0.0.1:0'\npeer = '127.0.0.1:9'\nframing = 'raw'\n\
         [archive]\ndirectory = {folder:?}\nbytes-max = 1000000000000\n"
    );
    let config = GroundConfig::from_table(&text.parse()?, "bench")?;
    Ok(config.link(None)?.clone())
}

/// What is heard, an answer and a datagram in turn.
struct Air {
    format: Box<dyn LinkPacket>,
    answers: u64,
    counts: [u16; 2],
    heard: u64,
    waiting: Vec<Vec<u8>>,
}

impl Air {
    fn new(link: &GroundLinkConfig) -> Result<Self> {
        Ok(Air {
            format: link
                .comms
                .packet_format(End::Satellite, None, link.addresses)?,
            answers: 0,
            counts: [0; 2],
            heard: 0,
            waiting: Vec::new(),
        })
    }

    /// The id of the command of answer `number`.
    fn command(number: u64) -> u64 {
        // As they are drawn: in no order.
        (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    fn next_frames(&mut self, count: usize) -> Result<Vec<ArchivedFrame>> {
        let mut frames = Vec::with_capacity(count);
        while frames.len() < count {
            if self.waiting.is_empty() {
                self.send()?;
            }
            let octets = self.waiting.remove(0);
            frames.push(ArchivedFrame {
                at: time(self.heard),
                octets,
                refused: None,
            });
            self.heard += 1;
        }
        Ok(frames)
    }

    fn send(&mut self) -> Result<()> {
        let command = Self::command(self.answers);
        self.answers += 1;
        self.build(PayloadType::GraphQl, command, ANSWER_BYTES, 0)?;
        self.build(PayloadType::Udp, 0, TELEMETRY_BYTES, 1)
    }

    fn build(
        &mut self,
        payload_type: PayloadType,
        command_id: u64,
        bytes: usize,
        flow: usize,
    ) -> Result<()> {
        let head = Head {
            payload_type,
            class: Class::Standard,
            security: None,
            command_id,
            port: 8020,
        };
        let payload = vec![command_id.to_le_bytes()[0]; bytes];
        for index in 0..self.format.packet_count(&head, bytes)? {
            let count = self.counts.get_mut(flow).context("a flow")?;
            let mut packet = Vec::new();
            self.format
                .build(&head, &payload, index, *count, &mut packet)?;
            *count = (*count + 1) % COUNTS;
            self.waiting.push(packet);
        }
        Ok(())
    }
}

fn time(frame: u64) -> Duration {
    START + BETWEEN_FRAMES * u32::try_from(frame).unwrap_or(u32::MAX)
}

/// By what is searched, and how many ms each round took.
fn searches(reader: &ArchiveReader, air: &Air) -> Result<Value> {
    let mut random = fastrand::Rng::with_seed(1);
    let mut at = || time(random.u64(..air.heard));
    let mut moments = Vec::new();
    for _ in 0..ROUNDS {
        moments.push(at());
    }
    let pass = |since: Duration| Search {
        since: Some(since),
        until: Some(since + PASS),
        ..Search::default()
    };
    let mut first = None;
    reader.search(
        &Search {
            limit: Some(1),
            ..Search::default()
        },
        |found| {
            first = found.apid;
            false
        },
    )?;
    let apid = first;
    let commands: Vec<u64> = (0..ROUNDS)
        .map(|_| Air::command(random.u64(..air.answers)))
        .collect();
    let search = |search: Search| {
        let mut count = 0;
        let began = Instant::now();
        reader.search(&search, |_| {
            count += 1;
            true
        })?;
        anyhow::Ok((began.elapsed().as_secs_f64() * 1e3, count))
    };
    let each = |all: Vec<Search>| {
        let times = all.into_iter().map(|wanted| Ok(search(wanted)?.0));
        times.collect::<Result<Vec<f64>>>()
    };
    let by_time = each(moments.iter().map(|since| pass(*since)).collect())?;
    let last = moments.iter().map(|until| Search {
        until: Some(*until),
        limit: Some(100),
        ..Search::default()
    });
    let last = each(last.collect())?;
    let by_apid = moments.iter().map(|until| Search {
        until: Some(*until),
        apid,
        limit: Some(100),
        ..Search::default()
    });
    let by_apid = each(by_apid.collect())?;
    let by_command = commands.iter().map(|command| Search {
        command_id: Some(*command),
        ..Search::default()
    });
    let by_command = each(by_command.collect())?;
    let mut sums = Vec::new();
    for since in &moments {
        let began = Instant::now();
        reader.heard_in(*since, *since + PASS)?;
        sums.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(json!({
        "a pass of 10 min (6 000 packets)": by_time,
        "the last 100 before a time": last,
        "the last 100 of an APID before a time": by_apid,
        "the answer to a command": by_command,
        "the sums of a pass of 10 min": sums,
    }))
}
