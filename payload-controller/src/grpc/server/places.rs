//! Which connections there are, and which gives way to another.
//!
//! Strangers cannot keep apps out: a connection on which no app has made a call gives way. Nor
//! can an app keep others out: of each, there are a few.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use payload_interface::AppName;
use tokio::sync::watch;

/// All places.
#[derive(Debug)]
pub(super) struct Places {
    connections_max: usize,
    of_an_app_max: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    /// In the order in which they came.
    connections: BTreeMap<u64, Connection>,
}

#[derive(Debug)]
struct Connection {
    app: Option<AppName>,
    close: watch::Sender<bool>,
}

/// The place of a connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    number: u64,
    places: Arc<Places>,
    /// True, once it is to give way.
    pub(super) closing: watch::Receiver<bool>,
}

impl Places {
    pub(super) fn new(connections_max: usize, of_an_app_max: usize) -> Arc<Self> {
        Arc::new(Places {
            connections_max,
            of_an_app_max,
            taken: Mutex::default(),
        })
    }

    /// A place, or none where all are taken by apps.
    pub(super) fn take(self: &Arc<Self>) -> Option<Place> {
        let mut taken = self.taken();
        if taken.connections.len() >= self.connections_max {
            let stranger = taken.connections.iter().find(|(_, it)| it.app.is_none());
            let number = *stranger?.0;
            // Its own task ends it; its place is the new one's at once.
            taken.close(number);
        }
        let number = taken.next;
        taken.next += 1;
        let (close, closing) = watch::channel(false);
        let connection = Connection { app: None, close };
        taken.connections.insert(number, connection);
        Some(Place {
            number,
            places: Arc::clone(self),
            closing,
        })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn close(&mut self, number: u64) {
        if let Some(connection) = self.connections.remove(&number) {
            // It fails where the connection is gone.
            let _ = connection.close.send(true);
        }
    }
}

impl Place {
    /// An app made a call on it.
    pub(super) fn is_of(&self, app: &AppName) {
        let mut taken = self.places.taken();
        let Some(connection) = taken.connections.get_mut(&self.number) else {
            return;
        };
        if connection.app.as_ref() == Some(app) {
            return;
        }
        connection.app = Some(app.clone());
        let of_app: Vec<u64> = taken
            .connections
            .iter()
            .filter(|(_, it)| it.app.as_ref() == Some(app))
            .map(|(number, _)| *number)
            .collect();
        let too_many = of_app.len().saturating_sub(self.places.of_an_app_max);
        for number in of_app.into_iter().take(too_many) {
            taken.close(number);
        }
    }

    /// Whether an app made a call on it.
    pub(super) fn is_an_apps(&self) -> bool {
        let taken = self.places.taken();
        taken
            .connections
            .get(&self.number)
            .is_some_and(|connection| connection.app.is_some())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken().connections.remove(&self.number);
    }
}
