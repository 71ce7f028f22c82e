//! Whether a satellite is there now: what is heard wins over what was planned.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Contacts;
use crate::client::LinkClient;
use crate::error::GroundError;

/// Who was heard within that time is there, whatever was planned.
const HEARD_WITHIN: Duration = Duration::from_secs(30);
/// Between two questions to the holder of the link.
const ASK_PAUSE: Duration = Duration::from_secs(1);

/// Of the satellite of one link.
#[derive(Debug)]
pub(crate) struct Presence {
    client: LinkClient,
    contacts: Option<Contacts>,
    /// Whether it was heard, when that was asked last.
    heard: Mutex<Option<(Instant, bool)>>,
}

impl Presence {
    /// At the link of `client`.
    ///
    /// # Errors
    /// Those of [`Contacts::of`].
    pub(crate) fn of(client: LinkClient) -> Result<Self, GroundError> {
        Ok(Presence {
            contacts: Contacts::of(client.config())?,
            client,
            heard: Mutex::new(None),
        })
    }

    pub(crate) fn client(&self) -> &LinkClient {
        &self.client
    }

    /// What is planned, where something is.
    pub(crate) fn contacts(&self) -> Option<&Contacts> {
        self.contacts.as_ref()
    }

    /// Whether it is there at `now`, UTC since 1970; none where nothing is planned of that time
    /// and it was not heard, and where nothing is ever planned.
    pub(crate) fn at(&self, now: Duration) -> Option<bool> {
        match self.contacts()?.in_contact(now) {
            Some(true) => Some(true),
            _ if self.is_heard() => Some(true),
            planned => planned,
        }
    }

    fn is_heard(&self) -> bool {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = heard.filter(|(asked, _)| asked.elapsed() < ASK_PAUSE) {
            return known;
        }
        let is_heard = match self.client.heard_ago() {
            Ok(ago) => ago.is_some_and(|ago| ago <= HEARD_WITHIN),
            Err(error) => {
                log::debug!("whether the satellite is heard is not known: {error}");
                false
            }
        };
        *heard = Some((Instant::now(), is_heard));
        is_heard
    }
}
