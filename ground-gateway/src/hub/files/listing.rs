//! The names of the files that the satellite has. A listing is asked for by a client that
//! waits, and outlives neither it nor the hub.

use std::fs;
use std::io;

use file_delivery::StoreName;
use file_delivery::entity::ListRequest;
use file_delivery::pdu::TransactionId;

use super::{Files, State};
use crate::files::delivery;
use crate::files::transfer::remote_name;

/// Listings come under `incoming/list-…`.
const PREFIX: &str = "list-";
/// Octets of a listing that are read.
const LISTING_BYTES_MAX: u64 = 16 << 20;

/// What became of a listing.
pub(super) enum Listing {
    Awaited,
    /// Nothing came: there is no such directory, or it may not be listed.
    None,
    Came(StoreName),
}

impl Files {
    /// Asks for the names in a directory, or in the root.
    pub(super) fn begin_listing(&self, directory: Option<&str>) -> Result<TransactionId, String> {
        let directory = directory.map(remote_name).transpose()?;
        let random = getrandom::u64().map_err(|error| error.to_string())?;
        let local = format!("{}/{PREFIX}{random:016x}", delivery::FOLDER);
        let request = ListRequest {
            entity: self.satellite,
            directory,
            local: local.parse().map_err(|error| format!("{error}"))?,
            priority: u8::MAX,
        };
        // Kept: the event finds whom it is for.
        let mut state = self.state();
        let asked =
            self.with_handle(|handle| handle.with(move |entity, now| entity.list(now, &request)));
        match asked {
            Some(Ok(Ok(id))) => {
                state.listings.insert(id, Listing::Awaited);
                Ok(id)
            }
            Some(Ok(Err(error))) => Err(error.to_string()),
            _ => Err("the file entity has stopped".to_owned()),
        }
    }

    /// The names, if the satellite has answered.
    pub(super) fn listed(&self, id: TransactionId) -> Option<Result<Vec<String>, String>> {
        let state = self.state();
        match state.listings.get(&id) {
            Some(Listing::Awaited) => None,
            Some(Listing::Came(name)) => Some(self.read_listing(name)),
            Some(Listing::None) | None => Some(Err(format!(
                "`{}` has no such directory, or does not list it",
                self.satellite_name
            ))),
        }
    }

    fn read_listing(&self, name: &StoreName) -> Result<Vec<String>, String> {
        let path = self.path_of(name.as_str());
        let read = || -> io::Result<String> {
            if fs::metadata(&path)?.len() > LISTING_BYTES_MAX {
                return Err(io::Error::other("it is too large"));
            }
            fs::read_to_string(&path)
        };
        let text = read().map_err(|error| format!("the listing {}: {error}", path.display()))?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Nobody waits for it any more.
    pub(super) fn end_listing(&self, id: TransactionId) {
        let ended = self.state().listings.remove(&id);
        match ended {
            Some(Listing::Came(name)) => self.remove_listing(&name),
            Some(Listing::Awaited) => {
                // Where the satellite has the request, the listing is removed when it comes.
                let _ = self.with_handle(|handle| handle.cancel(id));
            }
            Some(Listing::None) | None => {}
        }
    }

    /// The satellite answered.
    pub(super) fn take_listing(
        &self,
        state: &mut State,
        request: TransactionId,
        listing: Option<StoreName>,
    ) {
        match (state.listings.get_mut(&request), listing) {
            (Some(waits), Some(name)) => *waits = Listing::Came(name),
            (Some(waits), None) => *waits = Listing::None,
            (None, Some(name)) if is_listing(name.as_str()) => self.remove_listing(&name),
            (None, _) => {}
        }
    }

    fn remove_listing(&self, name: &StoreName) {
        if let Err(error) = fs::remove_file(self.path_of(name.as_str())) {
            log::warn!("the listing {name} cannot be removed: {error}");
        }
    }

    /// Removes what came for clients of earlier hubs.
    pub(super) fn remove_listings(&self) {
        let Ok(entries) = fs::read_dir(self.path_of(delivery::FOLDER)) else {
            // There never was one.
            return;
        };
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(PREFIX) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Whether a name of the store is that of a listing.
pub(super) fn is_listing(name: &str) -> bool {
    let within = name.strip_prefix(delivery::FOLDER);
    within.is_some_and(|rest| rest.starts_with("/list-"))
}
