//! `ground resync`: new keys, after a loss of state.

use crate::arguments::ResyncArguments;
use crate::client::LinkClient;
use crate::error::GroundError;
use crate::output::note;
use crate::progress::Progress;

pub(crate) fn resync(client: &LinkClient, arguments: &ResyncArguments) -> Result<(), GroundError> {
    let (link, satellite) = (&client.config().name, &client.config().satellite);
    {
        let waiting = format!("waiting for `{satellite}` to offer new keys on link `{link}`");
        let _progress = Progress::start(waiting);
        client.resync(arguments.timeout)?;
    }
    note(&format!("new keys on link `{link}`"));
    Ok(())
}
