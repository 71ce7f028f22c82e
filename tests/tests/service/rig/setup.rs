//! What a test wants of its service; by default, room and time for everything.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use comms_service::ground::GroundControls;
use comms_service::message::End;
use comms_service::options::Addresses;
use comms_service::packet::LinkPacket;
use comms_service::{
    CommsControlBlock, CommsService, CommsServiceBuilder, LinkOptions, ReadFn, WriteFn,
};

use super::{Entity, Flight, Ground, Radio, Satellite};
use crate::PATIENCE;

/// How long the radio's `read` waits for a packet.
pub(crate) const READ_TIMEOUT: Duration = Duration::from_millis(50);

#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) handlers: u16,
    pub(crate) handler_ports: RangeInclusive<u16>,
    /// How long a service may take for its answer.
    pub(crate) timeout: Duration,
    /// Port 0 is any that is free.
    pub(crate) downlink_ports: Option<Vec<u16>>,
    pub(crate) ground_port: Option<u16>,
    pub(crate) ground_ip: Ipv4Addr,
    pub(crate) radio_bytes_max: Option<usize>,
    pub(crate) options: LinkOptions,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            handlers: 50,
            handler_ports: 0..=0,
            timeout: PATIENCE,
            downlink_ports: None,
            ground_port: None,
            ground_ip: Ipv4Addr::LOCALHOST,
            radio_bytes_max: None,
            options: LinkOptions::default(),
        }
    }
}

impl Setup {
    /// A service whose radio is `connection`, with `read` and `write` of the
    /// test's own.
    pub(crate) fn controls<C: Clone>(
        &self,
        read: Option<Arc<ReadFn<C>>>,
        write: Vec<Arc<WriteFn<C>>>,
        connection: C,
    ) -> CommsControlBlock<C> {
        CommsControlBlock {
            read,
            write,
            read_conn: connection.clone(),
            write_conn: connection,
            handler_port_min: *self.handler_ports.start(),
            handler_port_max: *self.handler_ports.end(),
            max_num_handlers: self.handlers,
            timeout: self.timeout.as_millis() as u64,
            ground_ip: self.ground_ip,
            satellite_ip: Ipv4Addr::LOCALHOST,
            downlink_ports: self.downlink_ports.clone(),
            ground_port: self.ground_port,
        }
    }

    /// The same, of `controls` that the test may have changed.
    pub(crate) fn builder<C: Clone + Send + 'static>(
        &self,
        controls: CommsControlBlock<C>,
    ) -> CommsServiceBuilder<C> {
        CommsService::builder(controls)
            .options(self.options.clone())
            .radio_bytes_max(self.radio_bytes_max)
            .read_timeout(READ_TIMEOUT)
    }

    /// A service with an ordinary radio, and the radio's other end.
    pub(crate) fn with_radio(&self) -> (Satellite, Radio) {
        let (radio, other_end) = Radio::pair();
        let controls = self.controls(
            Some(Arc::new(Radio::read)),
            vec![Arc::new(Radio::write)],
            radio,
        );
        (Satellite::start(self.builder(controls)), other_end)
    }

    /// A service with an ordinary radio, and an operator at its other end.
    pub(crate) fn flight(&self) -> Flight {
        let (satellite, other_end) = self.with_radio();
        Flight {
            satellite,
            ground: self.ground(other_end),
        }
    }

    /// The same with a file entity behind either end: first the satellite's.
    pub(crate) fn flight_with_entities(&self) -> (Flight, Entity, Entity) {
        let (radio, other_end) = Radio::pair();
        let controls = self.controls(
            Some(Arc::new(Radio::read)),
            vec![Arc::new(Radio::write)],
            radio,
        );
        let (own, ground) = (Entity::default(), Entity::default());
        let flight = Flight {
            satellite: Satellite::start(self.builder(controls).pdus(own.receiver())),
            ground: self.ground_with_entity(other_end, &ground),
        };
        (flight, own, ground)
    }

    /// An operator at `radio`, who has a file entity.
    pub(crate) fn ground_with_entity(&self, radio: Radio, entity: &Entity) -> Ground {
        Ground::start(GroundControls {
            pdus: Some(entity.receiver()),
            ..self.ground_controls(radio)
        })
    }

    /// An operator at `radio`.
    pub(crate) fn ground(&self, radio: Radio) -> Ground {
        Ground::start(self.ground_controls(radio))
    }

    /// What an operator at `radio` starts with.
    pub(crate) fn ground_controls(&self, radio: Radio) -> GroundControls<Radio> {
        GroundControls {
            read: Arc::new(Radio::read),
            write: Arc::new(Radio::write),
            connection: radio,
            options: self.options.clone(),
            radio_bytes_max: self.radio_bytes_max,
            addresses: self.addresses(),
            read_timeout: READ_TIMEOUT,
            pdus: None,
        }
    }

    /// The packet format of one end.
    pub(crate) fn format(&self, end: End) -> Box<dyn LinkPacket> {
        let format = self
            .options
            .packet_format(end, self.radio_bytes_max, self.addresses());
        format.expect("a setup that fits together")
    }

    fn addresses(&self) -> Addresses {
        Addresses {
            ground_ip: self.ground_ip,
            satellite_ip: Ipv4Addr::LOCALHOST,
            ground_port: self.ground_port,
        }
    }
}
