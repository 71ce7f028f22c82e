//! PDUs of file entities: bare, each in one packet, and each accounted for.

mod carrying;
mod contact;
mod departures;
mod limits;

use std::time::Duration;

use comms_service::accounting::DropReason;
use comms_service::link::{ContactReason, LinkConfig, PduRefused, PduToSend, QueueClass};
use comms_service::message::End;
use comms_service::{LinkOptions, PacketFormat};

use crate::rig::{Rig, Told, format, satellite_config};

const DIRECTIVE: QueueClass = QueueClass::Response;
const FILE_DATA: QueueClass = QueueClass::Bulk;
/// Octets of the largest PDU in packets of 256 octets with error control.
const PDU_BYTES_MAX: usize = 256 - 6 - 2;
const ENDS: [End; 2] = [End::Satellite, End::Ground];

/// With a file entity at either end, and these limits on the satellite.
fn rig_with(satellite: LinkConfig) -> Rig {
    rig_in(satellite, PacketFormat::SpacePacket)
}

fn rig_in(satellite: LinkConfig, packet_format: PacketFormat) -> Rig {
    let options = LinkOptions {
        format: packet_format,
        ..LinkOptions::default()
    };
    Rig::new(
        LinkConfig {
            takes_pdus: true,
            ..satellite
        },
        format(&options, End::Satellite),
        LinkConfig {
            takes_pdus: true,
            ..LinkConfig::new(End::Ground)
        },
        format(&options, End::Ground),
    )
}

fn rig() -> Rig {
    rig_with(satellite_config())
}

fn send(
    rig: &mut Rig,
    end: End,
    class: QueueClass,
    token: u64,
    pdu: &[u8],
) -> Result<(), PduRefused> {
    rig.on(end, |link, _| {
        let pdu = PduToSend {
            token,
            class,
            octets: pdu,
        };
        link.handle_pdu_to_send(0, pdu)
    })
}

/// What the entity of this end was told beside of contact.
fn told(rig: &mut Rig, end: End) -> Vec<Told> {
    let is_own = |(to, told): &(End, Told)| *to == end && !matches!(told, Told::Contact(_));
    let (own, others): (Vec<_>, _) = std::mem::take(&mut rig.entity)
        .into_iter()
        .partition(is_own);
    rig.entity = others;
    own.into_iter().map(|(_, told)| told).collect()
}

/// What the entity of this end was told of contact.
fn contacts(rig: &Rig, end: End) -> Vec<(bool, ContactReason)> {
    let told = rig.entity.iter().filter(|(to, _)| *to == end);
    let contacts = told.filter_map(|(_, told)| match told {
        Told::Contact(state) => Some((state.in_contact, state.reason)),
        _ => None,
    });
    contacts.collect()
}

fn departed(tokens: impl IntoIterator<Item = u64>, result: Result<(), DropReason>) -> Vec<Told> {
    let tokens = tokens.into_iter();
    tokens.map(|token| Told::Departed(token, result)).collect()
}

/// Contact ends, after which no time-out is due.
fn assert_idle(rig: &mut Rig) {
    rig.pass(Duration::from_secs(60));
    rig.assert_idle();
}
