//! What clients ask for.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use file_delivery::agent::Stopped;
use file_delivery::entity::{GetRequest, PutRequest, RequestError, Role};
use file_delivery::pdu::{TransactionId, TransmissionMode};

use super::events::{note, pending};
use super::{Files, State};
use crate::files::app::AppTarget;
use crate::files::delivery;
use crate::files::orders::Order;
use crate::files::outgoing::{self, Room};
use crate::files::transfer::{Direction, remote_name};
use crate::hub::protocol::{Change, GetFile, PutFile};

/// A key has so many characters at most.
const KEY_BYTES_MAX: usize = 32;

impl Files {
    /// Begins to send a file, unless that is done. `goes_on` is asked while it is copied.
    pub(super) fn put(
        &self,
        request: &PutFile,
        goes_on: impl FnMut(u64) -> bool,
    ) -> Result<(), String> {
        check_key(&request.key)?;
        let target = AppTarget::of(&request.remote).transpose()?;
        if target.is_none() {
            remote_name(&request.remote)?;
        }
        if self.state().orders.find(&request.key).is_some() {
            return Ok(());
        }
        let local = &request.local;
        let stored = outgoing::name(&request.key, local);
        let stored = stored.ok_or_else(|| format!("{} names no file", local.display()))?;
        let to = self.path_of(stored.as_str());
        let room = Room {
            file_bytes_max: self.settings.file_bytes_max,
            free_bytes_min: self.settings.free_bytes_min,
        };
        let size = outgoing::bring_in(local, &to, room, goes_on)
            .map_err(|error| format!("cannot send {}: {error}", local.display()))?;
        let remote = match target {
            // Of the copy, which is what goes.
            Some(target) => hash(&to)
                .map_err(|error| format!("cannot read {}: {error}", to.display()))
                .and_then(|hash| target.address(local, hash, request.overwrite)),
            None => remote_name(&request.remote),
        };
        let remote = remote.inspect_err(|_| {
            let _ = fs::remove_file(&to);
        })?;
        let mut put = PutRequest::file(self.satellite, stored.clone(), remote);
        if !request.acknowledged {
            put.mode = TransmissionMode::Unacknowledged;
            // Else nobody would ever know whether it arrived.
            put.closure_requested = true;
        }
        put.priority = request.priority;
        let order = Order {
            key: request.key.clone(),
            direction: Direction::Up,
            asked_here: true,
            transaction: None,
            remote: request.remote.clone(),
            local: local.clone(),
            stored: stored.to_string(),
            force: false,
            size: Some(size),
            is_moving: false,
            end: None,
        };
        let begun = self.begin(order, |files| files.with_handle(|handle| handle.put(put)));
        // Of a hub that leaves, the copy may be the next one's.
        if begun.is_err() && !self.is_stopping() {
            let _ = fs::remove_file(&to);
        }
        begun
    }

    /// Asks the satellite for a file, unless that is done. Gives the key of the order.
    pub(super) fn get(&self, request: &GetFile) -> Result<String, String> {
        check_key(&request.key)?;
        let remote = remote_name(&request.remote)?;
        if let Some(known) = self.known_get(request)? {
            return Ok(known);
        }
        delivery::check(&request.local, request.force)?;
        let stored = delivery::name(&request.key, &remote).ok_or("the key is no name")?;
        let folder = self.path_of(delivery::FOLDER);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut get = GetRequest::new(self.satellite, remote, stored.clone());
        if !request.acknowledged {
            get.mode = TransmissionMode::Unacknowledged;
        }
        get.priority = request.priority;
        let order = Order {
            key: request.key.clone(),
            direction: Direction::Down,
            asked_here: true,
            transaction: None,
            remote: request.remote.clone(),
            local: request.local.clone(),
            stored: stored.to_string(),
            force: request.force,
            size: None,
            is_moving: false,
            end: None,
        };
        self.begin(order, |files| files.with_handle(|handle| handle.get(get)))?;
        Ok(request.key.clone())
    }

    /// The order that a request is for already, if any.
    fn known_get(&self, request: &GetFile) -> Result<Option<String>, String> {
        let state = self.state();
        if state.orders.find(&request.key).is_some() {
            return Ok(Some(request.key.clone()));
        }
        let mut pending = state.orders.pending();
        let same = pending
            .find(|order| order.direction == Direction::Down && order.local == request.local);
        match same {
            None => Ok(None),
            Some(order) if order.remote == request.remote => Ok(Some(order.key.clone())),
            Some(order) => Err(format!(
                "{} is to become {} of `{}` already (transaction {})",
                request.local.display(),
                order.remote,
                self.satellite_name,
                order.transaction.as_deref().unwrap_or("?"),
            )),
        }
    }

    /// Notes an order, begins its transaction, and notes which that is.
    fn begin(
        &self,
        order: Order,
        begin: impl FnOnce(&Self) -> Option<Result<TransactionId, RequestError>>,
    ) -> Result<(), String> {
        // Kept: an event of the transaction finds the order with its transaction.
        let mut state = self.state();
        let key = order.key.clone();
        let noted = state.orders.add(order);
        noted.map_err(|error| format!("the order cannot be noted: {error}"))?;
        let begun = begin(self).unwrap_or(Err(RequestError::Stopped(Stopped)));
        match begun {
            Ok(id) => {
                let id = id.to_string();
                // The next hub finds it by its name, if need be.
                note(
                    state
                        .orders
                        .change(&key, |order| order.transaction = Some(id)),
                );
                drop(state);
                self.look();
                Ok(())
            }
            Err(error) => {
                note(state.orders.withdraw(&key));
                Err(error.to_string())
            }
        }
    }

    /// Cancels, suspends or resumes a transaction.
    pub(super) fn change(&self, id: &str, change: Change) -> Result<(), String> {
        let id: TransactionId = id.parse().map_err(|error| format!("{id:?}: {error}"))?;
        self.look();
        let mut state = self.state();
        let order = pending(&state, id);
        let parts = parts(&state, id);
        if order.is_none() && parts.is_empty() {
            let text = format!("there is no transaction {id} under way: see `ground files`");
            return Err(text);
        }
        let changed = match change {
            Change::Cancel => self.cancel(&mut state, order, id, &parts),
            Change::Suspend | Change::Resume if parts.is_empty() => Err(format!(
                "`{}` was asked for the file, and nothing of it has come: there is nothing to \
                 suspend or resume here",
                self.satellite_name
            )),
            Change::Suspend | Change::Resume => self.suspend(&parts, change == Change::Suspend),
        };
        drop(state);
        self.look();
        changed
    }

    fn cancel(
        &self,
        state: &mut State,
        order: Option<Order>,
        id: TransactionId,
        parts: &[(TransactionId, Role)],
    ) -> Result<(), String> {
        let mut cancelled = Ok(());
        for (part, _) in parts {
            let part = *part;
            let of_entity = self.with_handle(|handle| handle.cancel(part));
            // One that has ended meanwhile is no loss.
            if let Some(Err(error)) = of_entity
                && !matches!(error, RequestError::UnknownTransaction(_))
            {
                cancelled = Err(error.to_string());
            }
        }
        let Some(order) = order else {
            return cancelled;
        };
        if order.is_moving {
            return Err(format!(
                "{} has come: there is nothing to cancel",
                order.remote
            ));
        }
        if order.direction == Direction::Down {
            // The satellite may have the request, or be about to send.
            let satellite = self.satellite;
            let asked = self.with_handle(|handle| {
                handle.with(move |entity, now| entity.cancel_get(now, satellite, id))
            });
            if let Some(Ok(Err(error))) = asked {
                cancelled = cancelled.and(Err(error.to_string()));
            }
        }
        self.end(state, &order, Some("it was cancelled".to_owned()));
        cancelled
    }

    fn suspend(&self, parts: &[(TransactionId, Role)], suspend: bool) -> Result<(), String> {
        for (part, role) in parts {
            let (part, role, satellite) = (*part, *role, self.satellite);
            let done = self.with_handle(|handle| {
                handle.with(move |entity, now| {
                    match suspend {
                        true => entity.suspend(now, part)?,
                        false => entity.resume(now, part)?,
                    }
                    // Who sends is the one that is to be silent.
                    match (role, suspend) {
                        (Role::Receiver, true) => {
                            entity.remote_suspend(now, satellite, part).map(drop)
                        }
                        (Role::Receiver, false) => {
                            entity.remote_resume(now, satellite, part).map(drop)
                        }
                        (Role::Sender, _) => Ok(()),
                    }
                })
            });
            match done {
                Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) => return Err(error.to_string()),
                Some(Err(error)) => return Err(error.to_string()),
                None => return Err(Stopped.to_string()),
            }
        }
        Ok(())
    }
}

/// What a file is, by BLAKE3.
fn hash(path: &Path) -> io::Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize().into())
}

/// What is under way of a transaction: itself, and the file that it asked for.
fn parts(state: &State, id: TransactionId) -> Vec<(TransactionId, Role)> {
    let of_it = state
        .reports
        .iter()
        .filter(|report| report.transaction == id || is_file_of(report, id));
    of_it
        .map(|report| (report.transaction, report.role))
        .collect()
}

fn is_file_of(report: &file_delivery::entity::TransactionReport, request: TransactionId) -> bool {
    // The answer to a request has no name.
    let is_file = report.role == Role::Receiver && report.name.is_some();
    is_file && report.originating == Some(request)
}

/// It becomes part of file names.
fn check_key(key: &str) -> Result<(), String> {
    let fits = !key.is_empty() && key.len() <= KEY_BYTES_MAX;
    match fits && key.bytes().all(|octet| octet.is_ascii_hexdigit()) {
        true => Ok(()),
        false => Err("the key of the order is no hexadecimal number".to_owned()),
    }
}

/// Commands run in folders of their own.
pub(super) fn check_path(path: &Path) -> Result<(), String> {
    match path.is_absolute() {
        true => Ok(()),
        false => Err(format!("{} is no absolute path", path.display())),
    }
}
