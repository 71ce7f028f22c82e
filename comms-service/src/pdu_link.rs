//! A link that carries the PDUs of a file entity and nothing else: that of two spacecraft.
//!
//! Nobody behind it runs a command, whatever comes. One of its two ends is the one that calls
//! the other: it takes the part of a ground ([`End::Ground`]), as packets say which way they
//! go.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use comms_service::message::End;
//! use comms_service::pdus::PduReceiver;
//! use comms_service::pdu_link::PduLink;
//! use comms_service::LinkOptions;
//! use radio_hal::RadioConfig;
//!
//! # fn start(radio: RadioConfig, entity: Arc<dyn PduReceiver>)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! let link = PduLink::start(End::Ground, radio.open()?, LinkOptions::default(), entity)?;
//! let pdus = link.pdu_sender();
//! # drop(pdus);
//! # Ok(())
//! # }
//! ```

use std::net::Ipv4Addr;
use std::sync::Arc;

use radio_hal::RadioConnection;

use crate::accounting::Statistics;
use crate::error::{CommsError, CommsResult};
use crate::ground::{GroundControls, start_end};
use crate::link::Action;
use crate::message::End;
use crate::options::{Addresses, AllowedPorts, LinkOptions};
use crate::pdus::{PduReceiver, PduSender};
use crate::radio;
use crate::shell::{Perform, Running, Shell, ShutdownReport};

/// A running link that carries PDUs only.
pub struct PduLink {
    running: Running,
    pdus: PduSender,
}

impl PduLink {
    /// Starts one end. What else comes than PDUs is dropped and counted.
    ///
    /// # Errors
    /// [`CommsError::Config`] when the options do not fit together, or carry no PDUs;
    /// [`CommsError::Io`] when the system gives no thread.
    pub fn start(
        end: End,
        connection: RadioConnection,
        options: LinkOptions,
        pdus: Arc<dyn PduReceiver>,
    ) -> CommsResult<PduLink> {
        let nobody = || Some(Vec::new());
        let controls = GroundControls {
            read: Arc::new(radio::read),
            write: Arc::new(radio::write),
            radio_bytes_max: connection.packet_bytes_max(),
            read_timeout: connection.read_timeout(),
            options: LinkOptions {
                allowed_ports: AllowedPorts {
                    graphql: nobody(),
                    udp: nobody(),
                    // No format that carries PDUs has it.
                    exchange: None,
                },
                ..options
            },
            // Only format `udp` has any, which carries no PDUs.
            addresses: Addresses {
                ground_ip: Ipv4Addr::LOCALHOST,
                satellite_ip: Ipv4Addr::LOCALHOST,
                ground_port: None,
            },
            pdus: Some(pdus),
            connection,
        };
        let (running, pdus) = start_end(end, controls, Arc::new(Nobody))?;
        let no_pdus = || CommsError::Config("the link takes no PDUs".to_owned());
        Ok(PduLink {
            running,
            pdus: pdus.ok_or_else(no_pdus)?,
        })
    }

    /// Sends PDUs.
    pub fn pdu_sender(&self) -> PduSender {
        self.pdus.clone()
    }

    /// Everything counted, in one consistent snapshot.
    pub fn statistics(&self) -> Statistics {
        self.running.shell().statistics()
    }

    /// Asks for something that counts, without keeping the link from its end.
    pub fn counter(&self) -> impl Fn() -> Statistics + Send + Sync + use<> {
        let shell = Arc::clone(self.running.shell());
        move || shell.statistics()
    }

    /// Stops the threads, within one read timeout.
    pub fn shutdown(self) -> ShutdownReport {
        self.running.stop()
    }
}

/// There is nobody behind it.
struct Nobody;

impl Perform for Nobody {
    fn perform(&self, _shell: &Shell, _action: Action) {}
}
