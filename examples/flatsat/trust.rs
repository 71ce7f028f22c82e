//! The steps that show what makes the link one that can be trusted.

use std::thread;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use comms_service::submit::{Outgoing, State, SubmitClient};
use serde_json::Value;

use crate::parties::Flatsat;
use crate::show::Show;
use crate::steps::ask;

/// Keys for this session are made of the key that both ends have.
pub(crate) fn keys(flatsat: &mut Flatsat, show: &Show) -> anyhow::Result<()> {
    show.up("ground resync");
    flatsat.ground(&["resync", "--timeout", "10s"])?;
    show.note("new keys on the link: from now on each message is authentic, and is taken once");

    let port = flatsat.ports.telemetry.to_string();
    show.up(&format!(
        "ground query --service {port} '{{ ping }}'    (by a stranger, without the key)"
    ));
    let told = ["query", "--service", &port, "--timeout", "1s"];
    let told = [&told[..], &["--retries", "0", "{ ping }"]].concat();
    let stranger = flatsat.ground_with("stranger.toml", &told)?;
    ensure!(!stranger.status.success(), "a stranger was answered");
    show.note("silence");
    Ok(())
}

/// The ground asks again before the service can have answered.
pub(crate) fn mutation(flatsat: &mut Flatsat, show: &Show) -> anyhow::Result<()> {
    let port = flatsat.ports.telemetry;
    let service = port.to_string();
    let mutation = "mutation { deploy }";
    let told = ["query", "--service", &service, "--timeout", "200ms"];
    let told = [&told[..], &["--retries", "9", mutation]].concat();
    // Where the disk is slow, the first answer may be there before the second try.
    for mutations in 1..=10 {
        let before = came_again(flatsat)?;
        show.up(&format!(
            "ground query --service {service} --timeout 200ms --retries 9 '{mutation}'"
        ));
        show.down(&flatsat.ground(&told)?);
        let (_, data) = ask(flatsat, show, port, "{ deployments }")?;
        let runs = &data["deployments"];
        ensure!(*runs == mutations, "{mutations} mutations ran {runs} times");
        let again = came_again(flatsat)? - before;
        if again > 0 {
            show.note(&format!("it came {} times and ran once", again + 1));
            return Ok(());
        }
    }
    bail!("it was never asked again");
}

/// How many commands came again and did not run.
fn came_again(flatsat: &Flatsat) -> anyhow::Result<u64> {
    let query = "{ telemetry { accounting { uplinkMessages { dropped { reason count } } } } }";
    let service = flatsat.ports.ethernet_graphql.to_string();
    let answer = flatsat.ground(&["query", "--service", &service, query])?;
    let answer: Value = serde_json::from_str(&answer)?;
    let dropped = &answer["data"]["telemetry"]["accounting"]["uplinkMessages"]["dropped"];
    let is_known = |reason: &Value| reason == "command-joined" || reason == "answered-from-memory";
    let dropped = dropped.as_array().into_iter().flatten();
    let known = dropped.filter(|dropped| is_known(&dropped["reason"]));
    Ok(known.filter_map(|known| known["count"].as_u64()).sum())
}

/// The ground listens and reports; until it does, the app hears that nobody heard.
pub(crate) fn submit(flatsat: &mut Flatsat, show: &Show) -> anyhow::Result<()> {
    let mut app = SubmitClient::connect_unix(flatsat.file("submit.sock"))?;
    app.set_read_timeout(Some(Duration::from_secs(10)))?;
    let message = Outgoing {
        heard_within: Some(Duration::from_secs(1)),
        ..Outgoing::new(flatsat.ports.downlink, b"picture 1 is ready")
    };
    show.up("ground listen --for 4s    (nothing goes up but reports of what was heard)");
    let flatsat = &*flatsat;
    thread::scope(|scope| {
        let listener = scope.spawn(|| flatsat.ground(&["listen", "--for", "4s"]));
        let mut is_heard = false;
        while !is_heard && !listener.is_finished() {
            is_heard = app.send(&message)?.state == State::Heard;
        }
        let Ok(heard) = listener.join() else {
            bail!("the listener panicked");
        };
        let heard = heard?;
        let mut lines = heard.lines();
        let line = lines.find(|line| line.contains("picture"));
        show.down(line.context("the ground did not hear the message")?);
        ensure!(is_heard, "the app was not told that the ground heard it");
        show.note("the app's receipts: queued, sent, heard");
        Ok(())
    })
}
