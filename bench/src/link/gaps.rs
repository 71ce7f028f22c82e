//! How long the air is idle from one frame to the next while a service has more to send.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use comms_service::{CommsConfig, CommsTelemetry, LinkOptions, radio};
use radio_hal::{Ax25Config, FramingConfig, RadioConnection};

use super::{radio as bench_radio, rate_text};
use crate::figure::{Figure, Spread};
use crate::section::Run;

/// Bit rate and octets of a packet.
const LINKS: [(u64, usize); 5] = [
    (9_600, 256),
    (1_000_000, 256),
    (1_000_000, 2048),
    (10_000_000, 256),
    (10_000_000, 2048),
];
const CREDITS: [usize; 3] = [1, 2, 4];
/// Headers and error control of a packet with a whole message in it.
const HEADER_BYTES: usize = 18;
/// What a frame has beside its packet: AX.25 header, FCS and flag.
const FRAME_BYTES: usize = 19;
/// Frames that the measurement is made of, at most.
const FRAMES_MAX: usize = 1_000;
const READ_TIMEOUT: Duration = Duration::from_millis(200);
/// Datagrams that go to the service without a pause: fewer than its socket holds.
const DATAGRAMS_AT_ONCE: usize = 20;
const PAUSE: Duration = Duration::from_micros(500);
/// How long the radio may get nothing before what it has counts as all.
const PATIENCE: Duration = Duration::from_secs(2);

/// The gaps, in microseconds, and the part of the time that they are.
pub(super) fn measure(run: &Run) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (bit_rate_bps, packet_bytes) in LINKS {
        let frame_time = frame_time(bit_rate_bps, packet_bytes);
        let lasts = run.choose(Duration::from_secs(5), Duration::from_millis(500));
        let frames = (lasts.as_nanos() / frame_time.as_nanos()) as usize;
        for credits in CREDITS {
            let frames = frames.clamp(8, FRAMES_MAX);
            let gaps = gaps(bit_rate_bps, packet_bytes, credits, frames)?;
            let name = format!(
                "idle air, {}, N1 {packet_bytes}, credits: {credits}",
                rate_text(bit_rate_bps)
            );
            let sum: f64 = gaps.iter().sum();
            let took = sum + gaps.len() as f64 * frame_time.as_secs_f64() * 1e6;
            figures.push(Figure::alone(
                format!("{name}, gap"),
                "us",
                Spread::of(&gaps),
            ));
            let late = Spread::once(percentile(&gaps, 0.99));
            figures.push(Figure::alone(format!("{name}, gap p99"), "us", late));
            let share = Spread::once(sum / took * 100.0);
            figures.push(Figure::alone(name, "%", share));
        }
    }
    Ok(figures)
}

/// The gap before each frame that was queued when the one before it ended, in
/// microseconds.
fn gaps(bit_rate_bps: u64, packet_bytes: usize, credits: usize, frames: usize) -> Result<Vec<f64>> {
    let (radio, log) = bench_radio::paced(bit_rate_bps, credits);
    let ax25 = Ax25Config {
        n1: packet_bytes,
        ..Ax25Config::new("HELIO".parse()?, "GROUND".parse()?)
    };
    let connection = RadioConnection::new(radio, FramingConfig::ax25(ax25), READ_TIMEOUT)?;
    let config = CommsConfig {
        // Ports that the system chooses, so that nothing collides.
        handler_port_min: 0,
        handler_port_max: 0,
        downlink_ports: Some(vec![0]),
        ..CommsConfig::default()
    };
    let telemetry = Arc::new(Mutex::new(CommsTelemetry::default()));
    let handle = radio::builder(connection, config, LinkOptions::default())?.start(telemetry)?;
    let endpoints = handle.downlink_addrs();
    let port = endpoints.first().context("no downlink endpoint")?.port();
    let app = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let payload = vec![0x55; packet_bytes - HEADER_BYTES];
    for sent in 1..=frames {
        app.send_to(&payload, SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        if sent % DATAGRAMS_AT_ONCE == 0 {
            thread::sleep(PAUSE);
        }
    }
    let all_queued = Instant::now();
    let frame_time = frame_time(bit_rate_bps, packet_bytes);
    let sent = log.wait_for(frames, PATIENCE.max(frame_time * 4));
    handle.shutdown();
    let measured = sent.iter().filter(|one| one.taken > all_queued);
    let gaps: Vec<f64> = measured.map(|one| one.gap.as_secs_f64() * 1e6).collect();
    ensure!(!gaps.is_empty(), "the radio was faster than the app");
    Ok(gaps)
}

/// About the air time of a full frame.
fn frame_time(bit_rate_bps: u64, packet_bytes: usize) -> Duration {
    let bits = (packet_bytes + FRAME_BYTES) as f64 * 8.0;
    Duration::from_secs_f64(bits / bit_rate_bps as f64)
}

/// The value that so many of all are not above.
fn percentile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let index = (sorted.len() as f64 * part).ceil() as usize;
    let value = sorted.get(index.saturating_sub(1));
    value.copied().unwrap_or_default()
}
