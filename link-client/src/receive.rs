//! What arrives.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Directories;
use crate::client::{LinkClient, escaped};
use crate::error::LinkError;

/// The service is asked at least so often.
const ASK_TIME: Duration = Duration::from_secs(30);
/// Deliveries that are asked for at once, beside those that are not acknowledged.
const PAGE: usize = 100;
/// Between two questions while nothing is new but something is not acknowledged, so that the
/// service answers at once; and where there is less than a second to wait.
const PAUSE: Duration = Duration::from_millis(100);

/// What arrived, as one.
#[derive(Debug)]
pub struct Delivery {
    client: LinkClient,
    id: String,
    from: String,
    files: Vec<DeliveredFile>,
    tracking_id: String,
    correlation_id: String,
    metadata: BTreeMap<String, String>,
    delivered: String,
}

/// A file that arrived.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct DeliveredFile {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Octets.
    pub size: u64,
    /// Of its octets, in hex.
    #[serde(default)]
    pub blake3: Option<String>,
}

impl Delivery {
    /// The service's number of it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Who sent it.
    #[must_use]
    pub fn from(&self) -> &str {
        &self.from
    }

    /// Where the file is; of a batch, the first one.
    #[must_use]
    pub fn path(&self) -> &Path {
        let first = self.files.first();
        first.map_or(Path::new(""), |file| &file.path)
    }

    /// All files.
    #[must_use]
    pub fn files(&self) -> &[DeliveredFile] {
        &self.files
    }

    /// The sender's id of the request.
    #[must_use]
    pub fn tracking_id(&self) -> &str {
        &self.tracking_id
    }

    /// The sender's.
    #[must_use]
    pub fn correlation_id(&self) -> &str {
        &self.correlation_id
    }

    /// The sender's.
    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// When it arrived: RFC 3339.
    #[must_use]
    pub fn delivered(&self) -> &str {
        &self.delivered
    }

    /// It is done with: its files are removed from the inbox, and it does not come again.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn ack(self) -> Result<(), LinkError> {
        self.acknowledge(true)
    }

    /// It does not come again, and its files stay.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn keep(self) -> Result<(), LinkError> {
        self.acknowledge(false)
    }

    fn acknowledge(&self, remove: bool) -> Result<(), LinkError> {
        let path = format!("/v1/inbox/{}/ack", escaped(&self.id));
        let transport = &self.client.transport;
        let _: Value = transport.post(&path, &json!({ "remove": remove }))?;
        Ok(())
    }
}

/// Deliveries, the oldest first. One that is not acknowledged comes once.
#[derive(Debug)]
pub struct Deliveries {
    client: LinkClient,
    within: Option<Duration>,
    ready: VecDeque<Delivery>,
    seen: HashSet<String>,
    moved: Option<Moved>,
}

/// From the inbox as the service sees it to that of this app.
#[derive(Debug)]
struct Moved {
    from: PathBuf,
    to: PathBuf,
}

#[derive(Deserialize)]
struct Inbox {
    deliveries: Vec<Wire>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    id: String,
    from_app_id: String,
    files: Vec<DeliveredFile>,
    #[serde(default)]
    tracking_id: String,
    #[serde(default)]
    correlation_id: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(default)]
    delivered_time: Option<String>,
}

impl Deliveries {
    pub(crate) fn new(client: LinkClient, within: Option<Duration>) -> Self {
        Deliveries {
            client,
            within,
            ready: VecDeque::new(),
            seen: HashSet::new(),
            moved: None,
        }
    }

    /// Waits for `time` for what has not been seen.
    fn fetch(&mut self, time: Duration) -> Result<(), LinkError> {
        if self.moved.is_none()
            && let Some(beside) = self.client.directories_beside_socket()
        {
            let Directories { inbox, .. } = self.client.directories_of_service()?;
            self.moved = Some(Moved {
                from: inbox,
                to: beside.inbox,
            });
        }
        let seconds = time.as_secs();
        let limit = self.seen.len() + PAGE;
        let path = format!("/v1/inbox?waitSeconds={seconds}&limit={limit}");
        let Inbox { deliveries } = self.client.transport.get(&path, time)?;
        // What is gone was acknowledged, here or elsewhere.
        let there: HashSet<String> = deliveries.iter().map(|wire| wire.id.clone()).collect();
        self.seen.retain(|id| there.contains(id));
        for wire in deliveries {
            if self.seen.insert(wire.id.clone()) {
                let delivery = self.delivery(wire);
                self.ready.push_back(delivery);
            }
        }
        if self.ready.is_empty() && (seconds == 0 || !there.is_empty()) {
            std::thread::sleep(PAUSE.min(time));
        }
        Ok(())
    }

    fn delivery(&self, wire: Wire) -> Delivery {
        let here = |file: DeliveredFile| {
            let moved = self.moved.as_ref().and_then(|moved| {
                let beneath = file.path.strip_prefix(&moved.from).ok()?;
                Some(moved.to.join(beneath))
            });
            DeliveredFile {
                path: moved.unwrap_or_else(|| file.path.clone()),
                ..file
            }
        };
        Delivery {
            client: self.client.clone(),
            id: wire.id,
            from: wire.from_app_id,
            files: wire.files.into_iter().map(here).collect(),
            tracking_id: wire.tracking_id,
            correlation_id: wire.correlation_id,
            metadata: wire.metadata,
            delivered: wire.delivered_time.unwrap_or_default(),
        }
    }
}

impl Iterator for Deliveries {
    type Item = Result<Delivery, LinkError>;

    fn next(&mut self) -> Option<Self::Item> {
        let until = self.within.map(|within| Instant::now() + within);
        loop {
            if let Some(delivery) = self.ready.pop_front() {
                return Some(Ok(delivery));
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if let Err(error) = self.fetch(left.unwrap_or(ASK_TIME).min(ASK_TIME)) {
                return Some(Err(error));
            }
            if self.ready.is_empty() && left.is_some_and(|left| left.is_zero()) {
                return None;
            }
        }
    }
}
