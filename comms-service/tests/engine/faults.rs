//! A packet format of a mission's own that panics.

use std::panic::{AssertUnwindSafe, catch_unwind};

use comms_service::accounting::DropReason;
use comms_service::link::{Action, Command, CommandFailure, Link, LinkConfig};
use comms_service::message::{End, Head, PayloadType};
use comms_service::packet::{LinkPacket, PacketError, Parsed};

use crate::rig::COMMAND_TIMEOUT;

/// Octets at which the format panics: when it counts packets, and when it builds one.
const UNCOUNTABLE_BYTES: usize = 13;
const UNBUILDABLE_BYTES: usize = 17;

struct Clumsy;

impl LinkPacket for Clumsy {
    fn name(&self) -> &'static str {
        "clumsy"
    }

    fn parse(&self, octets: &[u8]) -> Result<Parsed, PacketError> {
        Err(PacketError::TooShort {
            bytes: octets.len(),
            bytes_min: usize::MAX,
        })
    }

    fn packet_count(&self, _: &Head, bytes: usize) -> Result<u32, PacketError> {
        assert_ne!(bytes, UNCOUNTABLE_BYTES, "no such length");
        Ok(1)
    }

    fn channel_of(&self, _: &Head) -> u16 {
        0
    }

    fn build(
        &self,
        _: &Head,
        payload: &[u8],
        _: u32,
        _: u16,
        out: &mut Vec<u8>,
    ) -> Result<(), PacketError> {
        assert_ne!(payload.len(), UNBUILDABLE_BYTES, "no such packet");
        out.clear();
        out.extend_from_slice(payload);
        Ok(())
    }
}

#[test]
fn a_command_at_which_the_format_panics_fails_and_is_not_waited_for() {
    for bytes in [UNCOUNTABLE_BYTES, UNBUILDABLE_BYTES] {
        let now = std::time::Instant::now();
        let mut link = Link::new(LinkConfig::new(End::Ground), Box::new(Clumsy));
        let command = Command {
            command_id: 1,
            payload_type: PayloadType::GraphQl,
            port: 8020,
            payload: vec![0; bytes],
            timeout: COMMAND_TIMEOUT,
            retries: 2,
        };
        let cut_off = catch_unwind(AssertUnwindSafe(|| {
            link.command(command);
            link.poll_packet(now, 0, &mut Vec::new());
        }));
        assert!(cut_off.is_err());
        link.handle_panic("clumsy");
        let action = link.poll_action();
        let fault = CommandFailure::Dropped(DropReason::InternalFault);
        match action {
            Some(Action::Failed {
                command_id: 1,
                failure,
            }) => assert_eq!(failure, fault),
            other => panic!("{bytes} octets: {other:?}"),
        }
        assert!(link.poll_action().is_none());
        assert_eq!(link.poll_timeout(), None);
        assert!(link.statistics().balances());
        assert_eq!(link.statistics().memory_bytes_used, 0);
    }
}
