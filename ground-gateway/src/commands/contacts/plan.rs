//! `ground contacts --plan`: how many contacts what waits needs, and what was heard in the last
//! ones.

use serde_json::{Value, json};

use super::past::{Past, archive, heard_text, open_archive, outside, past, table};
use super::{hours, json_of, print, to_second};
use crate::archive::HeardIn;
use crate::arguments::ContactsArguments;
use crate::client::LinkClient;
use crate::config::GroundLinkConfig;
use crate::contacts::need::{AHEAD_MAX, FILE_SHARE, Need, Waiting, configured_capacity, need};
use crate::contacts::{BETWEEN_MAX, Contact, Contacts, now};
use crate::error::{GroundError, one_line};
use crate::files::passes::Capacity;
use crate::files::transfer::{Direction, Transfer};
use crate::output::{counted, note};
use crate::patience::{Patience, TIMEOUT_DEFAULT, retries_default};
use crate::progress::octets_text;

/// What is known of one queue.
struct Queue {
    /// Whose, for people.
    name: String,
    /// Whose, for programs.
    key: &'static str,
    waiting: Waiting,
    capacity: Option<Capacity>,
}

pub(super) fn plan(
    client: &LinkClient,
    contacts: Option<&Contacts>,
    arguments: &ContactsArguments,
) -> Result<(), GroundError> {
    let link = client.config();
    let mut transfers = Vec::new();
    if link.files.is_some() {
        client.files(false, false, |all| {
            transfers = all;
            Ok(true)
        })?;
    }
    let now = now();
    let span = hours(arguments);
    let ahead = match contacts {
        Some(contacts) => Some(contacts.between(now, now + span.max(AHEAD_MAX).min(BETWEEN_MAX))?),
        None => None,
    };
    let reader = open_archive(link)?;
    let since = now.saturating_sub(span);
    let past = match contacts {
        Some(contacts) => past(link, contacts, reader.as_ref(), since, now)?,
        None => Vec::new(),
    };
    let outside = reader.map(|reader| outside(&reader, &past, since, now));
    let outside = outside.transpose().map_err(|error| archive(link, &error))?;
    let mut queues = queues(link, &transfers, &past);
    if let Some(port) = arguments.ask {
        queues.push(on_board(client, port, &past)?);
    }
    let needs: Vec<Need> = queues
        .iter()
        .map(|queue| need(&queue.waiting, queue.capacity, ahead.as_deref(), now))
        .collect();
    if arguments.json {
        let shown = ahead.unwrap_or_default().into_iter();
        let shown: Vec<Contact> = shown.filter(|one| one.start < now + span).collect();
        return print(&whole_json(&queues, &needs, &shown, &past, outside).to_string());
    }
    for (queue, need) in queues.iter().zip(&needs) {
        print(&sentence(queue, need))?;
    }
    if past.is_empty() {
        note(&format!("no contact in the last {} h", arguments.hours));
    }
    for line in table(&past) {
        print(&line)?;
    }
    if let Some(outside) = outside {
        print(&format!("heard outside of them: {}", heard_text(&outside)))?;
    }
    Ok(())
}

/// The ground's own: up, and what it asked for.
fn queues(link: &GroundLinkConfig, transfers: &[Transfer], past: &[Past]) -> Vec<Queue> {
    let measured = transfers
        .iter()
        .find_map(|transfer| transfer.octets_per_pass)
        .map(Capacity::PerPass);
    let up = Queue {
        name: "up".to_owned(),
        key: "up",
        waiting: Waiting::of(transfers, Direction::Up),
        capacity: measured.or_else(|| configured_capacity(link)),
    };
    let down = Queue {
        name: "down".to_owned(),
        key: "down",
        waiting: Waiting::of(transfers, Direction::Down),
        capacity: measured
            .or_else(|| configured_capacity(link))
            .or_else(|| heard(past)),
    };
    vec![up, down]
}

/// By the contact in which most was heard a second.
fn heard(past: &[Past]) -> Option<Capacity> {
    let rates = past.iter().filter_map(|past| {
        let heard = past.heard.filter(|heard| heard.octets > 0)?;
        let length = past.contact.length().as_secs_f64();
        (length > 0.0).then(|| heard.octets as f64 / length)
    });
    let most = rates.reduce(f64::max)?;
    Some(Capacity::PerSecond(most * FILE_SHARE))
}

/// What waits at the link service on board for the ground.
fn on_board(client: &LinkClient, port: u16, past: &[Past]) -> Result<Queue, GroundError> {
    let query = json!({ "query": "{links(state:OPEN,limit:1000){bytes recipients{app octets}}}" });
    let patience = Patience {
        timeout: TIMEOUT_DEFAULT,
        retries: retries_default(client.config().comms.format),
    };
    let answer = client.query(port, query.to_string().as_bytes(), patience)?;
    let waiting = waiting_on_board(&answer).ok_or_else(|| GroundError::Failed {
        message: format!(
            "port {port} does not say what waits, as a link service does: {}",
            one_line(&String::from_utf8_lossy(&answer))
        ),
    })?;
    let link = client.config();
    Ok(Queue {
        name: format!("on board (port {port})"),
        key: "on_board",
        waiting,
        capacity: configured_capacity(link).or_else(|| heard(past)),
    })
}

/// Numbers of more than 32 bits are texts.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn waiting_on_board(answer: &[u8]) -> Option<Waiting> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let mut waiting = Waiting::default();
    for link in answer.pointer("/data/links")?.as_array()? {
        let recipients = link.get("recipients")?.as_array()?.iter();
        let mut ground = recipients.filter(|to| to.get("app").is_some_and(|app| app == "ground"));
        if let Some(ground) = ground.next() {
            let there = number(ground.get("octets")?)?;
            let left = number(link.get("bytes")?)?.saturating_sub(there);
            waiting.files += 1;
            waiting.octets = waiting.octets.saturating_add(left);
        }
    }
    Some(waiting)
}

/// `up: 2 files, 499.0 kB: 3 passes at 960 B/s, through 2026-11-27T10:00:00Z over Berlin`
fn sentence(queue: &Queue, need: &Need) -> String {
    let Queue { name, waiting, .. } = queue;
    let unknown = match waiting.unknown {
        0 => String::new(),
        unknown => format!(" and {} of unknown size", counted(unknown, "file")),
    };
    let what = format!(
        "{}, {}{unknown}",
        counted(waiting.files, "file"),
        octets_text(waiting.octets as f64)
    );
    let rate = match queue.capacity {
        Some(Capacity::PerPass(octets)) => {
            format!("at {} a pass, as was seen", octets_text(octets as f64))
        }
        Some(Capacity::PerSecond(rate)) => format!("at {}/s", octets_text(rate)),
        None => String::new(),
    };
    match need {
        Need::Nothing => format!("{name}: nothing waits"),
        Need::Unknown => format!(
            "{name}: {what}: how many passes is not known: no pass was seen that moved \
             something, and there is no `bit-rate-bps` with known contacts"
        ),
        Need::MoreThan(passes) => format!(
            "{name}: {what}: more than the {} of the next days, {rate}",
            count_passes(*passes)
        ),
        Need::Passes(passes, last) => {
            let last = last.as_ref().map(|last| {
                let station = last.station.as_ref();
                let station = station.map_or(String::new(), |name| format!(" over {name}"));
                format!(", the last until {}{station}", to_second(last.end))
            });
            let last = last.unwrap_or_default();
            format!("{name}: {what}: {} {rate}{last}", count_passes(*passes))
        }
    }
}

fn count_passes(passes: u64) -> String {
    match passes {
        1 => "1 pass".to_owned(),
        passes => format!("{passes} passes"),
    }
}

fn whole_json(
    queues: &[Queue],
    needs: &[Need],
    ahead: &[Contact],
    past: &[Past],
    outside: Option<HeardIn>,
) -> Value {
    let mut whole = serde_json::Map::new();
    for (queue, need) in queues.iter().zip(needs) {
        whole.insert(queue.key.to_owned(), queue_json(queue, need));
    }
    let heard_json = |heard: &HeardIn| json!({ "frames": heard.frames, "octets": heard.octets, "refused": heard.refused });
    let past_json = past.iter().map(|past| {
        let mut json = json_of(&past.contact);
        if let Some(object) = json.as_object_mut() {
            let heard = past.heard.as_ref().map(heard_json);
            object.insert("heard".to_owned(), json!(heard));
        }
        json
    });
    whole.insert("past".to_owned(), past_json.collect());
    whole.insert("ahead".to_owned(), ahead.iter().map(json_of).collect());
    whole.insert(
        "heard_outside".to_owned(),
        json!(outside.as_ref().map(heard_json)),
    );
    Value::Object(whole)
}

fn queue_json(queue: &Queue, need: &Need) -> Value {
    let (per_pass, per_s) = match queue.capacity {
        Some(Capacity::PerPass(octets)) => (Some(octets), None),
        Some(Capacity::PerSecond(rate)) => (None, Some(rate)),
        None => (None, None),
    };
    let (passes, last) = match need {
        Need::Nothing => (Some(0), None),
        Need::Passes(passes, last) => (Some(*passes), last.as_ref()),
        Need::MoreThan(_) | Need::Unknown => (None, None),
    };
    let more_than = match need {
        Need::MoreThan(passes) => Some(*passes),
        _ => None,
    };
    json!({
        "files": queue.waiting.files,
        "files_of_unknown_size": queue.waiting.unknown,
        "octets": queue.waiting.octets,
        "octets_per_pass": per_pass,
        "octets_per_s": per_s,
        "passes": passes,
        "more_passes_than": more_than,
        "last_pass": last.map(json_of),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Duration = Duration::from_secs(1_767_225_600);

    fn contact(start_s: u64, length_s: u64) -> Contact {
        let start = NOW + Duration::from_secs(start_s);
        Contact {
            station: Some("Berlin".to_owned()),
            start,
            end: start + Duration::from_secs(length_s),
            seen: None,
        }
    }

    fn up(octets: u64) -> Queue {
        Queue {
            name: "up".to_owned(),
            key: "up",
            waiting: Waiting {
                files: 2,
                unknown: 0,
                octets,
            },
            capacity: Some(Capacity::PerSecond(960.0)),
        }
    }

    #[test]
    fn what_is_needed_is_one_sentence() {
        let queue = up(499_000);
        let last = Some(contact(600, 60));
        assert_eq!(
            sentence(&queue, &Need::Passes(3, last)),
            "up: 2 files, 499.0 kB: 3 passes at 960 B/s, the last until 2026-01-01T00:11:00Z over \
             Berlin"
        );
        assert_eq!(sentence(&queue, &Need::Nothing), "up: nothing waits");
        let more = sentence(&queue, &Need::MoreThan(9));
        assert!(more.contains("more than the 9 passes"), "{more}");
        assert!(sentence(&queue, &Need::Unknown).contains("bit-rate-bps"));
        let json = queue_json(&queue, &Need::Passes(3, None));
        assert_eq!(
            (&json["passes"], &json["octets"]),
            (&json!(3), &json!(499_000))
        );
    }

    #[test]
    fn what_waits_on_board_for_the_ground_is_read_of_the_link_service() {
        let answer = json!({ "data": { "links": [
            { "bytes": "1000", "recipients": [{ "app": "ground", "octets": "400" }] },
            { "bytes": "7", "recipients": [{ "app": "camera", "octets": "0" }] },
            { "bytes": 50, "recipients": [
                { "app": "camera", "octets": 1 }, { "app": "ground", "octets": 0 }] },
        ] } });
        let waiting = waiting_on_board(answer.to_string().as_bytes()).unwrap();
        assert_eq!((waiting.files, waiting.octets), (2, 650));
        assert_eq!(waiting_on_board(b"{\"errors\":[]}"), None);
    }

    #[test]
    fn a_pass_moves_what_was_heard_in_the_best_one() {
        let heard = |octets| HeardIn {
            frames: 1,
            octets,
            refused: 0,
        };
        let past = [(0, 100, 400), (200, 10, 200), (400, 100, 0)];
        let past = past.map(|(start, length, octets)| Past {
            contact: contact(start, length),
            heard: Some(heard(octets)),
        });
        let Some(Capacity::PerSecond(rate)) = super::heard(&past) else {
            panic!("a rate");
        };
        assert!((rate - 20.0 * FILE_SHARE).abs() < 1e-9);
        assert_eq!(super::heard(&past[2..]), None);
    }
}
