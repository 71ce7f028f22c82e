//! Both ends of a link, with services that want nothing of what is hostile.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use comms_service::accounting::{DropReason, Statistics};
use comms_service::budget::HeldBytes;
use comms_service::graphql_error::link_error;
use comms_service::link::{Action, Command, Link, LinkConfig, ServiceFailure};
use comms_service::message::{End, PayloadType};
use comms_service::options::Addresses;
use comms_service::{LinkOptions, PacketFormat};
use radio_hal::{Ax25Config, Callsign, Deframer, Framer, FramingConfig};

use super::frames::Workshop;

/// The service that good traffic is for.
pub(super) const SERVICE_PORT: u16 = 8020;
/// The satellite's downlink endpoint.
const DOWNLINK_PORT: u16 = 13_011;
/// What a good query begins with: only such are answered.
pub(super) const GOOD: &[u8] = b"good ";
const EXCHANGE_SOCKETS: usize = 4;

/// One end: its engine, and the framing on both sides of it.
struct Half {
    link: Link,
    deframer: Deframer,
    framer: Framer,
    packet: Vec<u8>,
    stream: Vec<u8>,
}

pub(super) struct Ends {
    satellite: Half,
    ground: Half,
    now: Instant,
    payload_type: PayloadType,
}

/// The framing of one end.
pub(super) fn framing(end: End) -> Result<FramingConfig, String> {
    let call = |text| Callsign::new(text, 0).map_err(|error| error.to_string());
    let (satellite, ground) = (call("SAT")?, call("GND")?);
    Ok(FramingConfig::kiss_ax25(match end {
        End::Satellite => Ax25Config::new(satellite, ground),
        End::Ground => Ax25Config::new(ground, satellite),
    }))
}

/// The options of both ends.
pub(super) fn options(format: PacketFormat, error_control: bool) -> LinkOptions {
    let space_packet = format == PacketFormat::SpacePacket;
    LinkOptions {
        format,
        error_control: space_packet.then_some(error_control),
        ..LinkOptions::default()
    }
}

pub(super) const ADDRESSES: Addresses = Addresses {
    ground_ip: Ipv4Addr::LOCALHOST,
    satellite_ip: Ipv4Addr::LOCALHOST,
    ground_port: Some(9001),
};

impl Half {
    fn new(end: End, options: &LinkOptions) -> Result<Self, String> {
        let framing = framing(end)?;
        let framer = Framer::new(&framing, None).map_err(|error| error.to_string())?;
        let format = options.packet_format(end, framer.packet_bytes_max(), ADDRESSES);
        let format = format.map_err(|error| error.to_string())?;
        let config = LinkConfig {
            downlink_ports: vec![DOWNLINK_PORT],
            exchange_sockets: EXCHANGE_SOCKETS,
            ..options.link_config(LinkConfig::new(end))
        };
        Ok(Self {
            link: Link::new(config, format),
            deframer: Deframer::new(&framing).map_err(|error| error.to_string())?,
            framer,
            packet: Vec::new(),
            stream: Vec::new(),
        })
    }

    fn hear(&mut self, now: Instant, stream: &[u8]) {
        self.deframer.push(stream);
        while let Some(packet) = self.deframer.next_packet() {
            if let Ok(packet) = packet {
                self.link.handle_packet(now, packet);
            }
        }
        if self.link.poll_timeout().is_some_and(|due| due <= now) {
            self.link.handle_timeout(now);
        }
    }

    /// What goes to the radio now.
    fn transmit(&mut self, now: Instant, to: &mut impl FnMut(&[u8])) -> Result<(), String> {
        while self.link.poll_packet(now, 0, &mut self.packet) {
            self.stream.clear();
            let framed = self.framer.frame(&self.packet, &mut self.stream);
            framed.map_err(|error| format!("our own packet: {error}"))?;
            to(&self.stream);
            self.link.handle_written(now, 0, Ok(()));
        }
        Ok(())
    }
}

impl Ends {
    pub(super) fn new(format: PacketFormat, error_control: bool) -> Result<Self, String> {
        let options = options(format, error_control);
        let payload_type = match format {
            PacketFormat::Udp => PayloadType::UdpExchange,
            _ => PayloadType::GraphQl,
        };
        Ok(Self {
            satellite: Half::new(End::Satellite, &options)?,
            ground: Half::new(End::Ground, &options)?,
            now: Instant::now(),
            payload_type,
        })
    }

    /// Time passes.
    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    /// The satellite (`up`) or the ground hears octets. What they lead to comes to
    /// nothing.
    pub(super) fn hear(&mut self, up: bool, stream: &[u8]) {
        self.now += Duration::from_millis(1);
        let now = self.now;
        if up {
            self.satellite.hear(now, stream);
            serve(&mut self.satellite.link, now);
            let mut into_space = |_: &[u8]| ();
            // Our own packets always fit; those of good exchanges say so if not.
            let _ = self.satellite.transmit(now, &mut into_space);
        } else {
            self.ground.hear(now, stream);
            while self.ground.link.poll_action().is_some() {}
        }
    }

    /// One question and its answer, or a datagram down; true when it was served.
    pub(super) fn exchange(&mut self, workshop: &mut Workshop) -> Result<bool, String> {
        self.now += Duration::from_millis(1);
        let now = self.now;
        let mut question = GOOD.to_vec();
        question.extend(workshop.payload());
        // Drawn, as the ground draws it: a forgery that hits the id of a command to come
        // uses it up.
        let command_id = self.ground.link.command_id(workshop.random());
        self.ground.link.command(Command {
            command_id,
            payload_type: self.payload_type,
            port: SERVICE_PORT,
            payload: question.clone(),
            timeout: Duration::from_secs(10),
            retries: 0,
        });
        let datagram = [GOOD, b"beacon"].concat();
        self.satellite.link.handle_datagram(now, 0, &datagram);
        for _ in 0..2 {
            let satellite = &mut self.satellite;
            self.ground.transmit(now, &mut |stream| {
                workshop.keep(true, stream);
                satellite.hear(now, stream);
            })?;
            serve(&mut self.satellite.link, now);
            let ground = &mut self.ground;
            self.satellite.transmit(now, &mut |stream| {
                workshop.keep(false, stream);
                ground.hear(now, stream);
            })?;
        }
        let (mut answered, mut heard) = (false, false);
        while let Some(action) = self.ground.link.poll_action() {
            match action {
                Action::Answered {
                    command_id: id,
                    payload,
                } if id == command_id => answered = payload.as_slice() == question,
                Action::Heard(message) => heard |= message.payload.as_slice() == datagram,
                _ => {}
            }
        }
        self.ground.link.cancel(command_id);
        Ok(answered && heard)
    }

    /// Everything ends; both accounts.
    pub(super) fn finish(mut self) -> Result<[(&'static str, Statistics); 2], String> {
        self.pass(Duration::from_secs(24 * 3600));
        let now = self.now;
        for half in [&mut self.satellite, &mut self.ground] {
            half.link.handle_timeout(now);
            serve(&mut half.link, now);
            half.transmit(now, &mut |_| ())?;
        }
        Ok([
            ("satellite", self.satellite.link.statistics()),
            ("ground", self.ground.link.statistics()),
        ])
    }
}

/// Services that answer what is good with itself, and refuse the rest.
fn serve(link: &mut Link, now: Instant) {
    let refusal = || ServiceFailure {
        reason: DropReason::ServiceUnreachable,
        message: "nobody listens".to_owned(),
    };
    while let Some(action) = link.poll_action() {
        match action {
            Action::Post { handler, body, .. } => {
                let is_good = body.starts_with(GOOD) && link_error(&body).is_none();
                let answer = match is_good {
                    true => HeldBytes::copy_of(link.budget(), &body).map_err(|_| refusal()),
                    false => Err(refusal()),
                };
                drop(body);
                link.handle_answer(handler, answer);
            }
            Action::SendDatagram { payload, .. } => {
                drop(payload);
                link.handle_datagram_sent(Err(refusal()));
            }
            Action::Exchange {
                socket,
                port,
                payload,
            } => match payload.starts_with(GOOD) {
                true => link.handle_reply(now, socket, port, &payload),
                false => link.handle_exchange_failed(now, socket, refusal()),
            },
            _ => {}
        }
    }
}
