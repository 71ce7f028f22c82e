//! The way to the service.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use crate::answer::{Directories, Link, Links};
use crate::error::LinkError;
use crate::receive::Deliveries;
use crate::request::{Priority, Request};
use crate::sent::Sent;
use crate::transport::{Address, Transport};

/// The environment variable that says where the app's socket is.
pub const SOCKET_VARIABLE: &str = "HELIOGRAPH_LINK_SOCKET";
/// Where it is without one: beside the inbox and the outbox, where an app starts.
const SOCKET: &str = "link.sock";
/// So long the service may be away.
const PATIENCE: Duration = Duration::from_secs(10);
/// Requests of a page.
const PAGE: usize = 100;

/// A client of the link service, as one app. Which app it is says the socket, or the token.
/// Clones are as good.
#[derive(Clone, Debug)]
pub struct LinkClient {
    pub(crate) transport: Transport,
}

impl LinkClient {
    /// At the app's socket that `HELIOGRAPH_LINK_SOCKET` names; without it, at `link.sock`
    /// in the current directory.
    #[must_use]
    pub fn from_env() -> Self {
        let named = std::env::var_os(SOCKET_VARIABLE);
        LinkClient::connect(named.map_or_else(|| SOCKET.into(), PathBuf::from))
    }

    /// At an app's socket. Nothing is asked yet.
    #[must_use]
    pub fn connect(socket: impl Into<PathBuf>) -> Self {
        LinkClient::at(Address::Unix(socket.into()))
    }

    /// At the service's port, such as `127.0.0.1:8151`, with the app's token.
    #[must_use]
    pub fn connect_tcp(address: impl Into<String>, token: &str) -> Self {
        LinkClient::at(Address::Tcp(address.into(), token.trim().to_owned()))
    }

    fn at(address: Address) -> Self {
        LinkClient {
            transport: Transport {
                address,
                patience: PATIENCE,
            },
        }
    }

    /// The service may be away for so long before a call fails; 10 s where nothing is said.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.transport.patience = patience;
        self
    }

    /// Sends a file to an app. One that is not in the outbox is copied there.
    ///
    /// # Errors
    /// [`LinkError`]: nothing has become of it.
    pub fn send(&self, app: &str, file: impl AsRef<Path>) -> Result<Sent, LinkError> {
        self.request(file).to(app).send()
    }

    /// Sends a file to the ground.
    ///
    /// # Errors
    /// [`LinkError`]: nothing has become of it.
    pub fn downlink(&self, file: impl AsRef<Path>) -> Result<Sent, LinkError> {
        self.request(file).to_ground().send()
    }

    /// Sends a file to an app of another spacecraft: `app@node`.
    ///
    /// # Errors
    /// [`LinkError`]: nothing has become of it.
    pub fn crosslink(&self, app: &str, file: impl AsRef<Path>) -> Result<Sent, LinkError> {
        self.request(file).to(app).send()
    }

    /// A request to send a file, of which everything can be said.
    pub fn request(&self, file: impl AsRef<Path>) -> Request {
        Request::new(self.clone(), file.as_ref())
    }

    /// How a request of this app stands, by its number or `tracking:` and its tracking id.
    /// Nothing where there is none.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn status(&self, id: &str) -> Result<Option<Link>, LinkError> {
        self.transport.find(&format!("/v1/links/{}", escaped(id)))
    }

    /// All requests of this app that are known, the oldest first; or only those that have
    /// not ended.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn list(&self, open_only: bool) -> Result<Vec<Link>, LinkError> {
        let state = match open_only {
            true => "&state=open",
            false => "",
        };
        let mut all = Vec::new();
        let mut from = String::new();
        loop {
            let path = format!("/v1/links?limit={PAGE}{state}{from}");
            let mut page: Links = self.transport.get(&path, Duration::ZERO)?;
            all.append(&mut page.links);
            match page.next {
                Some(next) => from = format!("&from={}", escaped(&next)),
                None => return Ok(all),
            }
        }
    }

    /// It is not to be delivered. Who has it already, has it.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn cancel(&self, id: &str) -> Result<Link, LinkError> {
        self.about(id, "cancel", &json!({}))
    }

    /// It is not to go on until it is let go.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn hold(&self, id: &str) -> Result<Link, LinkError> {
        self.about(id, "hold", &json!({}))
    }

    /// It may go on.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn release(&self, id: &str) -> Result<Link, LinkError> {
        self.about(id, "release", &json!({}))
    }

    /// It has another priority from now on.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn set_priority(&self, id: &str, priority: Priority) -> Result<Link, LinkError> {
        self.about(id, "priority", &json!({"priority": priority}))
    }

    fn about(&self, id: &str, what: &str, body: &serde_json::Value) -> Result<Link, LinkError> {
        let path = format!("/v1/links/{}/{what}", escaped(id));
        self.transport.post(&path, body)
    }

    /// What arrives for this app, for ever: each delivery once, until it is acknowledged and
    /// again with the next `receive`.
    #[must_use]
    pub fn receive(&self) -> Deliveries {
        Deliveries::new(self.clone(), None)
    }

    /// The same, until nothing has come for `time`.
    #[must_use]
    pub fn receive_within(&self, time: Duration) -> Deliveries {
        Deliveries::new(self.clone(), Some(time))
    }

    /// Where this app's directories are. Those beside the socket are taken, so that they are
    /// right in a container as well; without them it is what the service says.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn directories(&self) -> Result<Directories, LinkError> {
        match self.directories_beside_socket() {
            Some(directories) => Ok(directories),
            None => self.directories_of_service(),
        }
    }

    pub(crate) fn directories_of_service(&self) -> Result<Directories, LinkError> {
        self.transport.get("/v1/directories", Duration::ZERO)
    }

    pub(crate) fn directories_beside_socket(&self) -> Option<Directories> {
        let Address::Unix(socket) = &self.transport.address else {
            return None;
        };
        let root = std::path::absolute(socket).ok()?;
        let root = root.parent()?;
        let (inbox, outbox) = (root.join("inbox"), root.join("outbox"));
        (inbox.is_dir() && outbox.is_dir()).then(|| Directories {
            root: root.to_path_buf(),
            inbox,
            outbox,
        })
    }
}

/// As a part of a path or query.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => {
                escaped.push(char::from(octet));
            }
            octet => escaped += &format!("%{octet:02X}"),
        }
    }
    escaped
}
