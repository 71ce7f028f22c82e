//! The names of the original's client, with its time for an answer.

use std::path::Path;
use std::time::Duration;

use crate::answer::{Directories, Link};
use crate::client::LinkClient;
use crate::error::LinkError;
use crate::request::Request;

/// So long the original waits for an answer.
const ANSWER_TIME: Duration = Duration::from_secs(30);

impl LinkClient {
    /// Sends a file to an app, and waits up to 30 s until it has it.
    ///
    /// # Errors
    /// [`LinkError::NotEnded`]: it goes on; the same call made again is the same request.
    pub fn send_file_to_app(
        &self,
        app: &str,
        file: impl AsRef<Path>,
        overwrite: bool,
    ) -> Result<Link, LinkError> {
        waited(self.request(file).to(app).overwrite(overwrite))
    }

    /// Sends a file to the ground, and waits up to 30 s until it is there. Where the file is
    /// to go on the ground cannot be said: `app` is taken, and means nothing, as in the
    /// original.
    ///
    /// # Errors
    /// [`LinkError::NotEnded`]: it goes on; the same call made again is the same request.
    pub fn downlink_file(
        &self,
        app: &str,
        file: impl AsRef<Path>,
        overwrite: bool,
    ) -> Result<Link, LinkError> {
        let _ = app;
        waited(self.request(file).to_ground().overwrite(overwrite))
    }

    /// Sends a file to an app of another spacecraft (`app@node`), and waits up to 30 s until
    /// it has it.
    ///
    /// # Errors
    /// [`LinkError::NotEnded`]: it goes on; the same call made again is the same request.
    pub fn crosslink_file(
        &self,
        app: &str,
        file: impl AsRef<Path>,
        overwrite: bool,
    ) -> Result<Link, LinkError> {
        waited(self.request(file).to(app).overwrite(overwrite))
    }

    /// As [`directories`](Self::directories).
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn get_xfer_directories(&self) -> Result<Directories, LinkError> {
        self.directories()
    }
}

fn waited(request: Request) -> Result<Link, LinkError> {
    request.send()?.wait_for(ANSWER_TIME)
}
