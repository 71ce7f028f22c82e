//! A hosted payload: an application that somebody else wrote, with a camera.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use payload_client::interface::messages::{FileDlRadioType, FilePriorities};
use payload_client::{Channel, Files, OnFailedHealth, Payload, Run, create_channel};

use crate::show::line;

/// What it calls its picture.
pub(crate) const PICTURE: &str = "payload.raw";
/// So much of it there is.
pub(crate) const PICTURE_BYTES: usize = 60_000;

#[derive(Debug, Parser)]
struct Arguments {
    /// Where it was provisioned.
    #[arg(long)]
    credentials: PathBuf,
    /// Its outbound directory.
    #[arg(long)]
    outbound: PathBuf,
}

struct Camera {
    outbound: PathBuf,
}

impl Payload for Camera {
    fn sequence(&self, channel: &Channel, run: &Run) -> Result<(), String> {
        let place = channel.current_location();
        let place = place.map_err(|error| error.to_string())?;
        line(&format!(
            "    hosted payload: {} with {}, over {:.1}°, {:.1}°",
            run.sequence(),
            run.params(),
            place.latitude,
            place.longitude
        ));
        let picture = fs::write(self.outbound.join(PICTURE), picture());
        picture.map_err(|error| error.to_string())?;
        let (soon, band) = (
            FilePriorities::FileDlPriorityHigh,
            FileDlRadioType::FileDlXband,
        );
        let staged = channel.stage_file_download(Path::new(PICTURE), soon, band);
        staged.map_err(|error| error.to_string())?;
        line("    hosted payload: the picture is staged");
        Ok(())
    }
}

/// What it sees.
pub(crate) fn picture() -> Vec<u8> {
    (0..PICTURE_BYTES)
        .map(|at| ((at / 97) ^ at) as u8)
        .collect()
}

pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> anyhow::Result<()> {
    let Arguments {
        credentials,
        outbound,
    } = Arguments::parse_from(arguments);
    let channel = create_channel(&Files::folder(&credentials), Camera { outbound })?;
    channel.register(OnFailedHealth::Restart)?;
    if channel.wait_for_shutdown(None) {
        line("    hosted payload: it shuts down, as it was told");
    }
    channel.delete_channel();
    Ok(())
}
