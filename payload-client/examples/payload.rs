//! A payload: registers, takes images, stages them for the ground, answers health checks, and
//! shuts down when it is told to.
//!
//! ```text
//! cargo run -p payload-client --example payload -- FOLDER OUTBOUND
//! ```
//!
//! `FOLDER` is what `payload-controller provision` names at its end.

use std::path::{Path, PathBuf};
use std::{env, error::Error, fs, thread, time::Duration};

use payload_client::interface::ReturnCode;
use payload_client::interface::messages::FileDlRadioType::FileDlSband as S_BAND;
use payload_client::interface::messages::FilePriorities::FileDlPriorityHigh as HIGH;
use payload_client::{Channel, Files, OnFailedHealth, Payload, Run, create_channel};

struct Camera {
    outbound: PathBuf,
}

impl Payload for Camera {
    fn has_sequence(&self, sequence: &str) -> bool {
        sequence == "Image"
    }

    fn sequence(&self, channel: &Channel, run: &Run) -> Result<(), String> {
        let text = |error: payload_client::CallError| error.to_string();
        let place = channel.current_location().map_err(text)?;
        for percent in [25, 50, 75] {
            if run.is_cancelled() {
                return Err("the image was cancelled".to_owned());
            }
            thread::sleep(Duration::from_millis(50));
            run.progress(percent, "exposing").map_err(text)?;
        }
        let image = format!("{} at {} {}", run.params(), place.latitude, place.longitude);
        let written = fs::write(self.outbound.join("image.raw"), image);
        written.map_err(|error| error.to_string())?;
        let staged = channel.stage_file_download(Path::new("image.raw"), HIGH, S_BAND);
        staged.map_err(text)
    }

    fn health(&self) -> ReturnCode {
        ReturnCode::SUCCESS
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let (Some(folder), Some(outbound)) = (arguments.next(), arguments.next()) else {
        return Err("the folder of its files, and its outbound directory, please".into());
    };
    let channel = create_channel(&Files::folder(&folder), Camera { outbound })?;
    channel.register(OnFailedHealth::Restart)?;
    while !channel.wait_for_shutdown(Some(Duration::from_secs(60))) {}
    channel.delete_channel();
    Ok(())
}
