//! The link to a satellite, as the courier needs it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::client::LinkClient;
use crate::delivery::APP;
use crate::error::{GroundError, one_line};
use crate::files::transfer::{State, Transfer};
use crate::hub::protocol::{PutFile, Request};
use crate::patience::{Patience, retries_default};

/// How files of the courier go beside others: as those of `ground put` do.
const PRIORITY: u8 = 0;

/// No answer came, or none that is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Silence(pub(crate) String);

/// A way to a satellite.
pub(crate) trait Uplink: Send {
    /// Asks the service at `port`; waits `timeout` for an answer after each try, of which all
    /// begin within `within`.
    fn query(
        &self,
        port: u16,
        body: &[u8],
        timeout: Duration,
        within: Duration,
    ) -> Result<Vec<u8>, Silence>;

    /// Orders that the bundle goes up to the agent, once for each key: it is ordered durably,
    /// and a copy of the bundle is kept, when this returns.
    fn put(&self, key: &str, bundle: &Path) -> Result<(), Silence>;

    /// How files stand, the last that ended among them.
    fn transfers(&self) -> Result<Vec<Transfer>, Silence>;
}

/// A link of this ground.
pub(crate) struct LinkUplink(pub(crate) Arc<LinkClient>);

impl Uplink for LinkUplink {
    fn query(
        &self,
        port: u16,
        body: &[u8],
        timeout: Duration,
        within: Duration,
    ) -> Result<Vec<u8>, Silence> {
        let format = self.0.config().comms.format;
        let tries = within.as_millis() / timeout.as_millis().max(1);
        let retries = u32::try_from(tries.saturating_sub(1)).unwrap_or(u32::MAX);
        let patience = Patience {
            timeout,
            retries: retries_default(format).min(retries),
        };
        self.0.query(port, body, patience).map_err(silence)
    }

    fn put(&self, key: &str, bundle: &Path) -> Result<(), Silence> {
        let request = Request::Put(PutFile {
            key: key.to_owned(),
            local: bundle.to_owned(),
            remote: format!("app:{APP}/uploads"),
            overwrite: false,
            acknowledged: true,
            priority: PRIORITY,
        });
        let ordered = |transfer: &Transfer| transfer.state == State::Copying;
        self.0.transfer(&request, None, ordered).map_err(silence)?;
        Ok(())
    }

    fn transfers(&self) -> Result<Vec<Transfer>, Silence> {
        let mut all = Vec::new();
        let listed = self.0.files(true, false, |transfers| {
            all = transfers;
            Ok(false)
        });
        listed.map_err(silence)?;
        Ok(all)
    }
}

fn silence(error: GroundError) -> Silence {
    Silence(one_line(&error.to_string()))
}
