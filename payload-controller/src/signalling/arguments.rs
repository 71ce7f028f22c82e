//! What `payload_exec` is called with, and the file that it reads.

use crate::core::{SignalVersion, Step, WindowOrder};

/// The arguments of `payload_exec`: `end_s` is when the call, or the window, is to end.
#[must_use]
pub fn exec_arguments(
    order: &WindowOrder,
    version: SignalVersion,
    step: Step,
    end_s: u64,
) -> Vec<String> {
    let mut arguments = vec!["-u".to_owned(), order.user.clone()];
    match step {
        Step::Configure => arguments.push("-e".to_owned()),
        Step::Stop => arguments.push("-s".to_owned()),
        Step::Start => {}
    }
    arguments.extend(["-w".to_owned(), order.id.to_string()]);
    let has_end = match step {
        Step::Configure => version.tells_configure_its_end(),
        Step::Start | Step::Stop => true,
    };
    if has_end {
        arguments.extend(["-t".to_owned(), end_s.to_string()]);
    }
    arguments
}

/// What `window_configs/<id>.json` says. `tasking_parameters` are, to the octet, what the ground
/// gave.
#[must_use]
pub fn window_config(order: &WindowOrder, version: SignalVersion) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let WindowOrder {
        start_s,
        duration_s,
        parameters,
        ..
    } = order;
    format!(
        "{{\"version\":{version},\"signal_parameters\":{{\"window_id\":{id},\
         \"payload\":{payload},\"user\":{user},\"start\":{start_s},\"end\":{end},\
         \"duration\":{duration_s},\"tasking_parameters\":{parameters}}}}}\n",
        version = version.number(),
        id = text(order.id.as_str()),
        payload = text(order.payload.as_str()),
        user = text(&order.user),
        end = order.end().as_secs(),
    )
}
