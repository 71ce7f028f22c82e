//! The operator.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::thread;

use comms_service::ground::{GroundControls, GroundLink};
use comms_service::link::{Action, Command, CommandFailure};
use comms_service::message::PayloadType;
use comms_service::pdus::PduSender;
use crossbeam_channel::Receiver;

use super::Radio;
use crate::PATIENCE;

/// The ground end of the link. What came and nobody asked for yet is kept.
pub(crate) struct Ground {
    link: Option<GroundLink>,
    happened: Receiver<Action>,
    kept: RefCell<VecDeque<Event>>,
    ids: Cell<u64>,
}

/// A datagram that came down unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) port: u16,
    pub(crate) command_id: u64,
    pub(crate) payload: Vec<u8>,
}

#[derive(Debug)]
enum Event {
    Answered(u64, Vec<u8>),
    Sent(u64),
    Failed(u64, CommandFailure),
    Heard(Heard),
}

impl Ground {
    pub(crate) fn start(controls: GroundControls<Radio>) -> Self {
        let (link, happened) = GroundLink::start(controls).expect("the ground end starts");
        Ground {
            link: Some(link),
            happened,
            kept: RefCell::default(),
            ids: Cell::new(1),
        }
    }

    fn link(&self) -> &GroundLink {
        self.link.as_ref().expect("the ground end runs")
    }

    /// Sends PDUs up.
    pub(crate) fn pdu_sender(&self) -> PduSender {
        self.link().pdu_sender().expect("a file entity")
    }

    /// Whether it has keys in common with the satellite.
    pub(crate) fn is_in_sync(&self) -> bool {
        self.link().is_in_sync() == Some(true)
    }

    /// Asks the service at `port`; gives the query's id.
    pub(crate) fn ask(&self, port: u16, body: &[u8]) -> u64 {
        self.command(PayloadType::GraphQl, port, body)
    }

    /// Sends a command of any type; gives its id.
    pub(crate) fn command(&self, payload_type: PayloadType, port: u16, payload: &[u8]) -> u64 {
        let command_id = self.link().command_id(self.ids.replace(self.ids.get() + 1));
        self.link().send(Command {
            command_id,
            payload_type,
            port,
            payload: payload.to_vec(),
            timeout: 2 * PATIENCE,
            retries: 0,
        });
        command_id
    }

    /// Asks the service at `port` and waits for its answer.
    #[track_caller]
    pub(crate) fn query(&self, port: u16, body: &[u8]) -> Vec<u8> {
        self.answer_to(self.ask(port, body))
    }

    /// The answer to query `id`.
    #[track_caller]
    pub(crate) fn answer_to(&self, id: u64) -> Vec<u8> {
        self.wait_for(|event| match event {
            Event::Answered(asked, answer) if *asked == id => Some(answer.clone()),
            _ => None,
        })
    }

    /// The next answer, whatever it answers: its id and what it is.
    #[track_caller]
    pub(crate) fn next_answer(&self) -> (u64, Vec<u8>) {
        self.wait_for(|event| match event {
            Event::Answered(id, answer) => Some((*id, answer.clone())),
            _ => None,
        })
    }

    /// Sends a datagram for `port` and waits until the radio took it.
    #[track_caller]
    pub(crate) fn send(&self, port: u16, payload: &[u8]) {
        let id = self.command(PayloadType::Udp, port, payload);
        self.wait_for(|event| matches!(event, Event::Sent(sent) if *sent == id).then_some(()));
    }

    /// The next datagram that came down unasked.
    #[track_caller]
    pub(crate) fn heard(&self) -> Heard {
        self.wait_for(|event| match event {
            Event::Heard(heard) => Some(heard.clone()),
            _ => None,
        })
    }

    /// Takes the first event that `wanted` gives something for; panics when
    /// none comes, or when a command fails meanwhile.
    #[track_caller]
    fn wait_for<T>(&self, wanted: impl Fn(&Event) -> Option<T>) -> T {
        let mut kept = self.kept.borrow_mut();
        let found = kept.iter().enumerate();
        if let Some((at, value)) = found.map(|(at, event)| (at, wanted(event))).find_map(some) {
            kept.remove(at);
            return value;
        }
        loop {
            let Ok(action) = self.happened.recv_timeout(PATIENCE) else {
                panic!("nothing came within {PATIENCE:?}; kept: {kept:?}");
            };
            let event = Event::from(action);
            if let Some(value) = wanted(&event) {
                return value;
            }
            if let Event::Failed(id, failure) = event {
                panic!("command {id} failed: {failure}");
            }
            kept.push_back(event);
        }
    }
}

fn some<T>((at, value): (usize, Option<T>)) -> Option<(usize, T)> {
    value.map(|value| (at, value))
}

impl From<Action> for Event {
    fn from(action: Action) -> Self {
        match action {
            Action::Answered {
                command_id,
                payload,
            } => Event::Answered(command_id, payload.to_vec()),
            Action::Sent { command_id } => Event::Sent(command_id),
            Action::Failed {
                command_id,
                failure,
            } => Event::Failed(command_id, failure),
            Action::Heard(message) => Event::Heard(Heard {
                port: message.head.port,
                command_id: message.head.command_id,
                payload: message.payload.to_vec(),
            }),
            other => panic!("the ground decides nothing of this kind: {other:?}"),
        }
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let Some(link) = self.link.take() else {
            return;
        };
        let report = link.shutdown();
        if !thread::panicking() {
            assert_eq!(report.detached, [""; 0]);
            assert!(report.statistics.balances(), "{:#?}", report.statistics);
        }
    }
}
