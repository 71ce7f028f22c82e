//! The ground end of a link: the same engine and threads as on the satellite,
//! with an operator behind them instead of services.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::accounting::Statistics;
use crate::control::{ReadFn, WriteFn};
use crate::error::{CommsError, CommsResult};
use crate::link::{Action, Command, ContactState, Link, LinkConfig, TIMEOUT_MAX};
use crate::message::End;
use crate::options::{Addresses, LinkOptions};
use crate::packet::LinkPacket;
use crate::pdus::{PduReceiver, PduSender};
use crate::shell::{
    self, Ending, Perform, RadioFunctions, Running, Shell, ShutdownReport, Writing, first_counts,
};

/// What a ground end consists of.
pub struct GroundControls<Connection> {
    /// Gives one whole packet from the radio.
    pub read: Arc<ReadFn<Connection>>,
    /// Hands one packet to the radio.
    pub write: Arc<WriteFn<Connection>>,
    /// What both are called with.
    pub connection: Connection,
    /// Packet format and limits, as the satellite has them.
    pub options: LinkOptions,
    /// What the radio says of its largest packet, in octets.
    pub radio_bytes_max: Option<usize>,
    /// The addresses that format `udp` needs, as the satellite has them.
    pub addresses: Addresses,
    /// How long `read` may take to come back with nothing; at most
    /// [`TIMEOUT_MAX`].
    pub read_timeout: Duration,
    /// Takes the PDUs of the satellite's file entity, where there is one here. Without
    /// it, PDUs are dropped as `not-asked`.
    pub pdus: Option<Arc<dyn PduReceiver>>,
}

/// A running ground end.
pub struct GroundLink {
    running: Running,
    pdu_sender: Option<PduSender>,
}

impl GroundLink {
    /// Starts the ground end. What happens to commands and what is heard comes
    /// by the receiver: [`Action::Answered`], [`Action::Replied`], [`Action::Sent`],
    /// [`Action::Failed`] and [`Action::Heard`]. What is not taken from it counts
    /// against the memory budget, and no more is accepted once that is spent.
    ///
    /// # Errors
    /// [`CommsError::Config`] when the options do not
    /// fit together, or carry no PDUs though there is a receiver of them;
    /// [`CommsError::Io`] when the system
    /// gives no thread.
    pub fn start<Connection: Clone + Send + 'static>(
        controls: GroundControls<Connection>,
    ) -> CommsResult<(GroundLink, Receiver<Action>)> {
        let (happened, receiver) = unbounded();
        let (running, pdu_sender) = start_end(End::Ground, controls, Arc::new(Report(happened)))?;
        let link = GroundLink {
            running,
            pdu_sender,
        };
        Ok((link, receiver))
    }

    /// A command id that the format can carry, made of random bits.
    pub fn command_id(&self, random: u64) -> u64 {
        self.running.shell().with(|link, _| link.command_id(random))
    }

    /// Sends a command up. What becomes of it comes by the receiver.
    pub fn send(&self, command: Command) {
        self.running.shell().with(|link, _| link.command(command));
    }

    /// Sends a message to a UDP service that may answer within a reply window, and
    /// takes up to `replies_max` replies within the command's time-out:
    /// [`Action::Replied`], then [`Action::Sent`] or [`Action::Failed`].
    pub fn converse(&self, command: Command, replies_max: u32) {
        let shell = self.running.shell();
        shell.with(|link, _| link.converse(command, replies_max));
    }

    /// Takes a command back: it is not sent (again), and nothing more comes of it
    /// by the receiver. What the radio took already cannot be taken back.
    pub fn cancel(&self, command_id: u64) {
        self.running.shell().with(|link, _| link.cancel(command_id));
    }

    /// Sends PDUs up; none without a receiver of PDUs.
    pub fn pdu_sender(&self) -> Option<PduSender> {
        self.pdu_sender.clone()
    }

    /// Whether we have keys in common with the satellite; none without security.
    pub fn is_in_sync(&self) -> Option<bool> {
        self.running.shell().with(|link, _| link.is_in_sync())
    }

    /// Asks for new keys: the next challenge of the satellite is answered, though
    /// we have keys. [`wants_resync`](Self::wants_resync) tells when it is done.
    pub fn want_resync(&self) {
        self.running.shell().with(|link, _| link.want_resync());
    }

    /// Whether new keys were asked for and are not here yet.
    pub fn wants_resync(&self) -> bool {
        self.running.shell().with(|link, _| link.wants_resync())
    }

    /// Whether the satellite was heard, and when.
    pub fn contact(&self) -> ContactState {
        self.running.shell().contact()
    }

    /// Everything counted, in one consistent snapshot.
    pub fn statistics(&self) -> Statistics {
        self.running.shell().statistics()
    }

    /// Stops the threads, within one read timeout. Commands and PDUs that still wait
    /// for the radio are not sent.
    pub fn shutdown(self) -> ShutdownReport {
        self.running.stop()
    }
}

/// Starts an end of a link with no services behind it. `perform` does what its engine
/// decides.
pub(crate) fn start_end<Connection: Clone + Send + 'static>(
    end: End,
    controls: GroundControls<Connection>,
    perform: Arc<dyn Perform>,
) -> CommsResult<(Running, Option<PduSender>)> {
    let options = &controls.options;
    let format = options.packet_format(end, controls.radio_bytes_max, controls.addresses)?;
    if controls.pdus.is_some() {
        check_carries_pdus(&*format)?;
    }
    let config = LinkConfig {
        first_counts_seed: first_counts::seed(),
        takes_pdus: controls.pdus.is_some(),
        ..options.link_config(LinkConfig::new(end))
    };
    let mut link = Link::new(config, format);
    let mut files = None;
    if let Some(start) = options.start_security(end)? {
        start
            .notice
            .into_iter()
            .for_each(|notice| link.note(notice));
        link = link.with_security(start.security);
        files = Some(start.files);
    }
    let (shell, wakes) = Shell::new(link, 1, perform);
    let pdu_sender = controls.pdus.map(|receiver| {
        shell.keep_pdus(receiver);
        PduSender::new(&shell, 0, 1)
    });
    let radio = RadioFunctions {
        read: Some((
            shell::reading_one(controls.read),
            controls.connection.clone(),
        )),
        write: vec![(Writing::one(controls.write), controls.connection)],
    };
    let ending = Ending {
        timeout: controls.read_timeout.min(TIMEOUT_MAX),
        // A command that fails by the stop must not be run by the satellite.
        sends_the_rest: false,
    };
    let running = Running::start(shell, ending, |shell, threads| {
        if let Some(files) = files {
            shell.keep_security(files, threads)?;
        }
        let (read, outlets) = radio.into_parts();
        shell::start_threads(shell, wakes, read, outlets, threads)
    })?;
    Ok((running, pdu_sender))
}

/// A file entity needs a link that carries its PDUs.
pub(crate) fn check_carries_pdus(format: &dyn LinkPacket) -> CommsResult<()> {
    match format.pdu_bytes_max() {
        0 => Err(CommsError::Config(format!(
            "there is a receiver of PDUs, but format `{}` carries none as it is configured: use \
             format `space-packet` with an APID for `cfdp`",
            format.name()
        ))),
        _ => Ok(()),
    }
}

/// Passes on what the engine decides; the ground's engine decides nothing else.
struct Report(Sender<Action>);

impl Perform for Report {
    fn perform(&self, _shell: &Shell, action: Action) {
        let _ = self.0.send(action);
    }
}
