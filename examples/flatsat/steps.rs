//! The demonstration, step by step.

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use service_host::signals;

use crate::files;
use crate::parties::Flatsat;
use crate::payloads;
use crate::show::{Show, line};
use crate::spacecraft;
use crate::tasking;
use crate::trust;

pub(crate) const STEPS: usize = 15;

const PICTURE: &str =
    "  ground ══ AX.25 in KISS over UDP ══ ethernet-service ── HTTP and UDP ── telemetry service
     ║                                       └────── UDP downlink port ── mission app
     ╠═══ the same, with passes and lost frames ═══ file-service
     ╠═══ the same ═══ link-service ── payload app
     ║                      ╠══════ link-service of another spacecraft
     ║                      ╚────── oort-agent ── payload_exec ── payload-controller
     ╚═══ the same ═══ payload-controller ── gRPC, TLS ── hosted payload";

/// Runs all steps; with `stay`, keeps everything running afterwards.
pub(crate) fn run(stay: bool, cut_radio_before: Option<u64>) -> anyhow::Result<()> {
    let stop = signals::stop_requested()?;
    let mut show = Show::new(STEPS);
    show.title("Heliograph flatsat: a ground station and a satellite on this machine");
    line(PICTURE);

    let mut flatsat = Flatsat::start()?;
    let steps: [(&str, Step, &str); STEPS] = [
        (
            "the parties start, each a process of its own",
            start,
            "a link needs no more than its processes and their configuration",
        ),
        (
            "both ends have a key and agree; a stranger meets silence",
            trust::keys,
            "nobody without the key is answered",
        ),
        (
            "a GraphQL query travels up, its answer down",
            query,
            "a service on board is asked from the ground as if it were here",
        ),
        (
            "an answer larger than a frame comes down in segments",
            long_answer,
            "its octets are whole",
        ),
        (
            "a mission app talks to the ground, unasked",
            beacons,
            "what is sent to a downlink port is heard on the ground",
        ),
        (
            "another one hands over a message, and hears what became of it",
            trust::submit,
            "an app knows when the ground has heard it",
        ),
        (
            "a UDP command goes up to the service",
            command,
            "the service did what it was told",
        ),
        (
            "a mutation is asked again and again, and runs once",
            trust::mutation,
            "whoever has no answer may ask again: nothing is executed twice",
        ),
        (
            "a file comes down through passes, over a radio that loses frames",
            files::down,
            "it goes on where it was when contact was lost, and is whole",
        ),
        ("another goes up", files::up, "the same the other way"),
        (
            "a payload app hands over a picture; two passes, and a restart between them",
            spacecraft::to_ground,
            "what was accepted arrives, whatever ends in between; then the source is released",
        ),
        (
            "the same to an app of another spacecraft",
            spacecraft::to_another,
            "it is stored while the other is out of sight, and forwarded",
        ),
        (
            "the ground has a hosted payload take a picture, which comes down",
            payloads::from_ground_to_ground,
            "a payload of somebody else works, encrypted, and its file is removed once it is here",
        ),
        (
            "a customer orders a window of a payload's time, and finds its picture",
            tasking::window,
            "an order by HTTP becomes work on board at its time, once",
        ),
        (
            "what the satellite's end of the link has counted",
            telemetry,
            "nothing was lost without a counted reason",
        ),
    ];
    for (text, step, proven) in steps {
        let number = show.step(text);
        if cut_radio_before == Some(number as u64) {
            flatsat.end("ethernet-service");
            flatsat.end("file-service");
            show.note("(the satellite's radios are cut now, as asked)");
        }
        let result = step(&mut flatsat, &show);
        // The signal may have reached the parties too: then they are not to blame.
        if let Ok(signal) = stop.try_recv() {
            bail!("stopped by {signal} in step {number}");
        }
        result.with_context(|| format!("step {number} failed: {text}"))?;
        show.proven(proven);
    }
    show.end("Everything arrived.");
    if stay {
        what_to_try(&flatsat);
        stop.recv()?;
    }
    Ok(())
}

type Step = fn(&mut Flatsat, &Show) -> anyhow::Result<()>;

fn start(flatsat: &mut Flatsat, show: &Show) -> anyhow::Result<()> {
    flatsat.wait_until_up()?;
    let ports = &flatsat.ports;
    if !ports.are_all_usual() {
        show.note("(some of the usual ports are taken: others are used in their place)");
    }
    for party in &flatsat.parties {
        let what = match party.name {
            "telemetry-service" => format!(
                "GraphQL on TCP {}, commands on UDP {}",
                ports.telemetry, ports.telemetry_command
            ),
            "ethernet-service" => format!(
                "radio on UDP {}, GraphQL on TCP {}, downlink port UDP {}",
                ports.radio_satellite, ports.ethernet_graphql, ports.downlink
            ),
            "file-service" => format!("radio on UDP {}", ports.files_satellite),
            _ => "a beacon every 500 ms".to_string(),
        };
        show.note(&format!(
            "{:<18} process {:<8} {what}",
            party.name,
            party.pid()
        ));
    }
    show.note(&format!(
        "{:<18} a process for each command, radios on UDP {} and {}",
        "ground", ports.radio_ground, ports.files_ground
    ));
    Ok(())
}

/// Shows a query and its answer; gives the answer, and the data in it.
pub(crate) fn ask(
    flatsat: &Flatsat,
    show: &Show,
    port: u16,
    query: &str,
) -> anyhow::Result<(String, Value)> {
    let service = port.to_string();
    show.up(&format!("ground query --service {service} '{query}'"));
    let answer = flatsat.ground(&["query", "--service", &service, "--timeout", "5s", query])?;
    show.down(&answer);
    let json: Value = serde_json::from_str(&answer).context("the answer is not JSON")?;
    let errors = &json["errors"];
    ensure!(
        errors.is_null(),
        "the service answered with errors: {errors}"
    );
    Ok((answer, json["data"].clone()))
}

fn query(flatsat: &mut Flatsat, show: &Show) -> anyhow::Result<()> {
    let port = flatsat.ports.telemetry;
    let (_, data) = ask(
        flatsat,
        show,
        port,
        "{ ping battery { voltage temperature } }",
    )?;
    ensure!(
        data["ping"] == "pong",
        "expected \"pong\", got {}",
        data["ping"]
    );
    Ok(())
}

fn long_answer(flatsat: &mut Flatsat, show: &Show) -> anyhow::Result<()> {
    let before = packets_down(flatsat)?;
    let port = flatsat.ports.telemetry;
    let (answer, data) = ask(
        flatsat,
        show,
        port,
        "{ history(samples: 400) { age voltage } }",
    )?;
    let samples = data["history"].as_array().map_or(0, Vec::len);
    ensure!(samples == 400, "expected 400 samples, got {samples}");
    let packets = packets_down(flatsat)? - before;
    show.note(&format!(
        "{} octets came whole, in frames of at most 256 octets ({packets} packets down in the meantime)",
        answer.len()
    ));
    Ok(())
}

fn packets_down(flatsat: &Flatsat) -> anyhow::Result<i64> {
    let service = flatsat.ports.ethernet_graphql.to_string();
    let answer = flatsat.ground(&["query", "--service", &service, "{ packetsDown }"])?;
    let answer: Value = serde_json::from_str(&answer)?;
    answer["data"]["packetsDown"]
        .as_i64()
        .context("no packetsDown in the answer")
}

fn command(flatsat: &mut Flatsat, show: &Show) -> anyhow::Result<()> {
    let port = flatsat.ports.telemetry_command.to_string();
    let text = "heater on";
    show.up(&format!("ground send --port {port} --text '{text}'"));
    flatsat.ground(&["send", "--port", &port, "--text", text])?;
    let port = flatsat.ports.telemetry;
    // The command has been sent when `ground` returns; the service may need a
    // moment more to take it.
    for _ in 0..20 {
        let (_, data) = ask(flatsat, show, port, "{ lastCommand }")?;
        if data["lastCommand"] == text {
            return Ok(());
        }
    }
    bail!("the command did not arrive at the service");
}

fn beacons(flatsat: &mut Flatsat, show: &Show) -> anyhow::Result<()> {
    show.up("ground listen --count 3    (nothing goes up for this)");
    let heard = flatsat.ground(&["listen", "--count", "3", "--for", "10s"])?;
    let lines: Vec<&str> = heard.lines().collect();
    ensure!(
        lines.len() == 3,
        "expected 3 beacons, heard {}",
        lines.len()
    );
    lines.iter().for_each(|line| show.down(line));
    Ok(())
}

fn telemetry(flatsat: &mut Flatsat, show: &Show) -> anyhow::Result<()> {
    const FLOWS: [(&str, &str); 4] = [
        ("uplinkPackets", "packets up"),
        ("uplinkMessages", "messages up"),
        ("downlinkMessages", "messages down"),
        ("downlinkPackets", "packets down"),
    ];
    let flow = "{ offered delivered queued inFlight dropped { reason count } }";
    let flows: Vec<String> = FLOWS
        .iter()
        .map(|(name, _)| format!("{name} {flow}"))
        .collect();
    let query = format!("{{ telemetry {{ accounting {{ {} }} }} }}", flows.join(" "));
    let service = flatsat.ports.ethernet_graphql.to_string();
    show.up(&format!(
        "ground query --service {service} '{{ telemetry {{ accounting … }} }}'"
    ));
    let answer = flatsat.ground(&["query", "--service", &service, &query])?;
    let answer: Value = serde_json::from_str(&answer)?;
    let accounting = &answer["data"]["telemetry"]["accounting"];
    show.note("                     offered  delivered  queued  in flight  dropped");
    for (name, words) in FLOWS {
        let flow = &accounting[name];
        let count = |field: &str| flow[field].as_i64().unwrap_or(-1);
        let dropped: i64 = flow["dropped"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|dropped| dropped["count"].as_i64().unwrap_or(0))
            .sum();
        let [offered, delivered, queued, in_flight] =
            ["offered", "delivered", "queued", "inFlight"].map(count);
        show.note(&format!(
            "{words:<18} {offered:>9} {delivered:>10} {queued:>7} {in_flight:>10} {dropped:>8}"
        ));
        ensure!(
            offered == delivered + queued + in_flight + dropped,
            "the account of {name} does not add up"
        );
    }
    show.note("each line adds up: offered = delivered + queued + in flight + dropped");
    show.note("(the message in flight is this very query)");
    Ok(())
}

fn what_to_try(flatsat: &Flatsat) {
    let ports = &flatsat.ports;
    let config = format!(" -c {}", flatsat.file("ground.toml"));
    let ground = "cargo run --release --bin ground --";
    line(&format!(
        "\nEverything keeps running until Ctrl-C. In another terminal, try:
  {ground} query{config} --service {} '{{ battery {{ voltage }} }}'
  {ground} send{config} --port {} --text 'heater off'
  {ground} listen{config}
  {ground} get{config} --link files image.raw
  echo hello | nc -u -w0 127.0.0.1 {}       (and see it arrive at `ground listen`)
  http://127.0.0.1:{}/          GraphiQL of the satellite's communications service
  http://127.0.0.1:{}/metrics   its metrics
  http://127.0.0.1:{}/          GraphiQL of the telemetry service",
        ports.telemetry,
        ports.telemetry_command,
        ports.downlink,
        ports.ethernet_graphql,
        ports.ethernet_graphql,
        ports.telemetry,
    ));
}
