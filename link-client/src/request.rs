//! A request is put together.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::answer::Link;
use crate::client::LinkClient;
use crate::error::LinkError;
use crate::outbox::{Place, Placed};
use crate::sent::Sent;
use crate::tracking;

/// How often a request that failed may be made anew under an id of the same file.
const TRIES_MAX: u32 = 10_000;

/// What goes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Priority {
    /// Last.
    Low,
    /// The usual.
    #[default]
    Medium,
    /// Before what is usual.
    High,
    /// Before everything.
    Critical,
}

/// A request to send a file, or several as one. Nothing happens before [`send`](Self::send).
#[derive(Debug)]
#[must_use]
pub struct Request {
    client: LinkClient,
    files: Vec<PathBuf>,
    tracking_id: Option<String>,
    body: Body,
}

/// As it is on the wire.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    request_header: Header,
    link_type: &'static str,
    priority: Priority,
    file_names: Vec<String>,
    subdirectory: String,
    destination_app_ids: Vec<String>,
    overwrite: bool,
    leave_source_file: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in_seconds: Option<u64>,
}

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    tracking_id: String,
    correlation_id: String,
    metadata: std::collections::BTreeMap<String, String>,
}

impl Request {
    pub(crate) fn new(client: LinkClient, file: &Path) -> Self {
        Request {
            client,
            files: vec![file.to_path_buf()],
            tracking_id: None,
            body: Body {
                link_type: "APP2APP",
                ..Body::default()
            },
        }
    }

    /// Together with this file: all arrive, in a directory of their own, or none. All come
    /// from one directory of the outbox, or from elsewhere.
    pub fn with(mut self, file: impl AsRef<Path>) -> Self {
        self.files.push(file.as_ref().to_path_buf());
        self
    }

    /// To this app; `app@node` is one of another spacecraft.
    pub fn to(mut self, app: &str) -> Self {
        if app.contains('@') {
            self.body.link_type = "CROSSLINK";
        }
        self.body.destination_app_ids.push(app.to_owned());
        self
    }

    /// To all of these, and each of them is told of.
    pub fn to_all<A: AsRef<str>>(self, apps: impl IntoIterator<Item = A>) -> Self {
        apps.into_iter().fold(self, |all, app| all.to(app.as_ref()))
    }

    /// To the ground.
    pub fn to_ground(mut self) -> Self {
        self.body.link_type = "DOWNLINK";
        self.body.destination_app_ids.push("ground".to_owned());
        self
    }

    /// What goes first.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.body.priority = priority;
        self
    }

    /// It takes the place of a file of that name.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.body.overwrite = overwrite;
        self
    }

    /// The file stays in the outbox. One from elsewhere stays where it is anyway.
    pub fn leave_source(mut self, leave_source: bool) -> Self {
        self.body.leave_source_file = leave_source;
        self
    }

    /// What is not delivered after that time (whole seconds), is not delivered.
    pub fn expires_in(mut self, time: Duration) -> Self {
        self.body.expires_in_seconds = Some(time.as_secs());
        self
    }

    /// The directory beneath the inbox that it comes to. A file that is in a directory of the
    /// outbox comes to the same one of the inbox.
    pub fn subdirectory(mut self, subdirectory: &str) -> Self {
        self.body.subdirectory = subdirectory.to_owned();
        self
    }

    /// The app's own id of the request: the same id is the same request, whatever became of
    /// it. Without one, the same file, unchanged, with the same words, is the same request as
    /// long as it has not failed.
    pub fn tracking_id(mut self, id: &str) -> Self {
        self.tracking_id = Some(id.to_owned());
        self
    }

    /// For the app's own use.
    pub fn correlation_id(mut self, id: &str) -> Self {
        self.body.request_header.correlation_id = id.to_owned();
        self
    }

    /// For the app's own use.
    pub fn metadata(mut self, key: &str, value: &str) -> Self {
        let metadata = &mut self.body.request_header.metadata;
        metadata.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Hands it in. Once it is accepted, it survives a power cut.
    ///
    /// # Errors
    /// [`LinkError`]: nothing has become of it, but that the file may be in the outbox where
    /// the service did not answer.
    pub fn send(mut self) -> Result<Sent, LinkError> {
        if let Some(id) = self.tracking_id.take() {
            self.body.request_header.tracking_id = id;
            if let Some(link) = self.known()? {
                return Ok(Sent::new(self.client, link, Vec::new()));
            }
        }
        let directories = self.client.directories()?;
        let places = match self.places(&directories.outbox) {
            Err(LinkError::NoFile { path, error }) => {
                return match self.under_way(&directories.outbox)? {
                    Some(link) => Ok(Sent::new(self.client, link, Vec::new())),
                    None => Err(LinkError::NoFile { path, error }),
                };
            }
            places => places?,
        };
        self.body.file_names = places.iter().map(|place| place.name.clone()).collect();
        self.body.leave_source_file &= places.iter().all(|place| place.is_in_outbox);
        if self.body.request_header.tracking_id.is_empty()
            && let Some(link) = self.derive_tracking_id(&places)?
        {
            return Ok(Sent::new(self.client, link, Vec::new()));
        }
        let placed = Placed::all(&places, self.client.transport.patience)?;
        self.hand_in(placed)
    }

    /// Where the files are to be; all in the directory of the first.
    fn places(&mut self, outbox: &Path) -> Result<Vec<Place>, LinkError> {
        let mut places = Vec::with_capacity(self.files.len());
        for file in &self.files {
            let place = Place::of(file, outbox, &self.body.subdirectory)?;
            self.body.subdirectory = place.subdirectory.clone();
            places.push(place);
        }
        Ok(places)
    }

    fn hand_in(self, placed: Vec<Placed>) -> Result<Sent, LinkError> {
        match self.client.transport.post::<Link>("/v1/links", &self.body) {
            Ok(link) => {
                // Somebody sent the same at the same time, and these copies are too many.
                if link.is_known {
                    placed.iter().for_each(Placed::take_back);
                }
                Ok(Sent::new(self.client, link, placed))
            }
            Err(error) => {
                if matches!(error, LinkError::Refused { .. }) {
                    placed.iter().for_each(Placed::take_back);
                }
                Err(error)
            }
        }
    }

    /// The id of these files and these words; the request that has it already, but not one
    /// that failed.
    fn derive_tracking_id(&mut self, places: &[Place]) -> Result<Option<Link>, LinkError> {
        let words = serde_json::to_vec(&self.body).unwrap_or_default();
        let id = tracking::id(places, &words);
        for number in 1..TRIES_MAX {
            self.body.request_header.tracking_id = match number {
                1 => id.clone(),
                number => format!("{id}-{number}"),
            };
            match self.known()? {
                Some(link) if link.has_ended() && !link.is_ok() => {}
                known => return Ok(known),
            }
        }
        Ok(None)
    }

    fn known(&self) -> Result<Option<Link>, LinkError> {
        let id = &self.body.request_header.tracking_id;
        self.client.status(&format!("tracking:{id}"))
    }

    /// The request that took the files out of the outbox, and has not ended.
    fn under_way(&self, outbox: &Path) -> Result<Option<Link>, LinkError> {
        let left = self.files.iter().map(|file| Place::left(file, outbox));
        let Some(left) = left.collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        let is_it = |link: &Link| {
            let to = link.recipients.iter().map(|to| &to.app_id);
            let files = link.files.iter().map(|file| &file.name);
            files.eq(left.iter().map(|(name, _)| name))
                && left.iter().all(|(_, within)| *within == link.subdirectory)
                && to.eq(&self.body.destination_app_ids)
        };
        Ok(self.client.list(true)?.into_iter().rfind(is_it))
    }
}
