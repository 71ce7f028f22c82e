//! Another configuration for a link that runs. Counters, open commands, handlers
//! and queues stay.

use std::time::Instant;

use super::{Link, LinkConfig, TIMEOUT_MAX};
use crate::accounting::DropReason;
use crate::packet::{LinkPacket, Parsed};
use crate::reassembly::Dropped;
use crate::security::TRAILER_BYTES;

/// Whether the other end was heard under the configuration that holds.
#[derive(Default)]
pub(super) struct Proof {
    /// The packet format before, where the last change was one of the format.
    former: Option<Box<dyn LinkPacket>>,
    /// Whether the packet that came last can only be meant for it.
    packet_proves: bool,
    heard: bool,
}

impl Proof {
    /// The format accepted `octets` as `parsed`. What the former one reads in the
    /// same way may be from somebody who knows nothing of the change.
    fn hear(&mut self, format: &dyn LinkPacket, parsed: &Parsed, octets: &[u8]) {
        if self.heard {
            return;
        }
        let formerly = self.former.as_ref().map(|former| former.parse(octets));
        self.packet_proves = match formerly {
            None | Some(Err(_)) => true,
            Some(Ok(former)) => format.has_error_control() && former != *parsed,
        };
    }

    /// The message that the last packet made whole is let in.
    pub(super) fn let_in(&mut self) {
        self.heard |= self.packet_proves;
        if self.heard {
            self.former = None;
        }
    }
}

impl Link {
    /// A valid packet came from the other end.
    pub(super) fn heard_ground(&mut self, now: Instant, parsed: &Parsed, octets: &[u8]) {
        // With security nobody is heard before it is known who it is.
        if self.security.is_none() {
            self.in_contact(now);
        }
        self.proof.hear(&*self.format, parsed, octets);
    }

    /// Whether a message came and was let in since the last
    /// [`reconfigure`](Self::reconfigure), which shows that the other end goes along
    /// with it. Where the packet format changed, its last packet must be one which
    /// the format before would have refused; or read otherwise, if the new one has
    /// error control.
    pub fn is_proven(&self) -> bool {
        self.proof.heard
    }

    /// Takes other limits, and another packet format where one is given.
    ///
    /// What a link is built of stays as it is: which end it is, its `write`
    /// functions, handlers and sockets, the time-out of services, whether PDUs are
    /// taken, and the commands that may be open. With another format, what is under way in the old one is
    /// dropped as `reconfigured`: open messages from the radio, messages whose
    /// first packet has left, and those that the new format cannot carry. All
    /// others leave in the new format.
    pub fn reconfigure(
        &mut self,
        now: Instant,
        config: LinkConfig,
        format: Option<Box<dyn LinkPacket>>,
    ) {
        let reassembly_timeout = config.reassembly_timeout.min(TIMEOUT_MAX);
        let trailer_bytes = match self.security {
            Some(_) => TRAILER_BYTES,
            None => 0,
        };
        let message_bytes_max = config.message_bytes_max.saturating_add(trailer_bytes);
        self.reassembly
            .set_limits(message_bytes_max, reassembly_timeout);
        self.budget.set_bytes_max(config.memory_bytes_max);
        self.handlers
            .set_waiting_max(config.handler_queue_messages_max);
        self.exchanges.reconfigure(
            config.handler_queue_messages_max,
            config.reply_windows.clone(),
        );
        self.gate.reconfigure(config.admission.clone());
        self.contact.reconfigure(config.contact.clone());
        for queue in &mut self.transmit {
            queue.set_limits(
                config.transmit_queue_messages_max,
                &config.queue,
                config.pace,
                reassembly_timeout,
            );
        }
        self.config = LinkConfig {
            end: self.config.end,
            writes: self.config.writes,
            handlers_max: self.config.handlers_max,
            exchange_sockets: self.config.exchange_sockets,
            timeout: self.config.timeout,
            commands_max: self.config.commands_max,
            command_memory: self.config.command_memory,
            records_commands: self.config.records_commands,
            takes_pdus: self.config.takes_pdus,
            first_counts_seed: self.config.first_counts_seed,
            reassembly_timeout,
            ..config
        };
        self.proof = Proof::default();
        if let Some(format) = format {
            self.speak(now, format);
        }
        self.contact.pass(now);
        self.tell_contact(now);
    }

    fn speak(&mut self, now: Instant, format: Box<dyn LinkPacket>) {
        let packets = self.reassembly.restart();
        if packets > 0 {
            self.drop_packets(Dropped {
                reason: DropReason::Reconfigured,
                packets,
                head: None,
            });
        }
        let mut departures = Vec::new();
        for (write, queue) in self.transmit.iter_mut().enumerate() {
            let gone = queue.reformat(&*format);
            departures.extend(gone.into_iter().map(|departure| (write, departure)));
        }
        self.proof.former = Some(std::mem::replace(&mut self.format, format));
        for (write, departure) in departures {
            self.depart(now, write, departure);
        }
    }
}
