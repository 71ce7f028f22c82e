//! `ground contacts`: when there is contact, and what the queues need of it.

mod past;
mod plan;

use std::time::Duration;

use serde_json::{Value, json};

use super::utc;
use crate::arguments::ContactsArguments;
use crate::client::LinkClient;
use crate::contacts::{Contact, Contacts, ELEMENTS_AGE_MAX, now};
use crate::error::GroundError;
use crate::output::{columns, note, print_line};

const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn contacts(
    client: &LinkClient,
    arguments: &ContactsArguments,
) -> Result<(), GroundError> {
    let link = client.config();
    let contacts = Contacts::of(link)?;
    let Some(contacts) = &contacts else {
        return match arguments.plan {
            // What the queues need may be known by what was seen.
            true => plan::plan(client, None, arguments),
            false => Err(GroundError::Contacts {
                link: link.name.clone(),
                problem: "when there is contact is not known: give it a `tle-file` and a \
                          [[station]], or `contacts`"
                    .to_owned(),
            }),
        };
    };
    warn_of_old_elements(contacts);
    if arguments.plan {
        return plan::plan(client, Some(contacts), arguments);
    }
    let now = now();
    let found = contacts.between(now, now + hours(arguments))?;
    if arguments.json {
        for contact in &found {
            print(&json_of(contact).to_string())?;
        }
        return Ok(());
    }
    if found.is_empty() {
        note(&format!("no contact within {} h", arguments.hours));
        return Ok(());
    }
    for line in table(&found) {
        print(&line)?;
    }
    Ok(())
}

fn hours(arguments: &ContactsArguments) -> Duration {
    let hours = u32::try_from(arguments.hours).unwrap_or(u32::MAX);
    HOUR.saturating_mul(hours)
}

fn warn_of_old_elements(contacts: &Contacts) {
    let age = contacts.elements_age(now());
    if let Some(age) = age.filter(|age| *age > ELEMENTS_AGE_MAX) {
        let days = age.as_secs() / 86_400;
        note(&format!(
            "the elements are {days} days old: passes may be minutes away from where they say"
        ));
    }
}

fn print(line: &str) -> Result<(), GroundError> {
    print_line(line.as_bytes()).map_err(GroundError::Output)
}

const HEADINGS: [&str; 6] = ["AOS", "LOS", "MIN:S", "HIGH", "AZIMUTH", "STATION"];

fn table(contacts: &[Contact]) -> Vec<String> {
    let headings = HEADINGS.map(str::to_owned).to_vec();
    let rows = contacts.iter().map(|contact| row(contact).to_vec());
    let rows: Vec<_> = std::iter::once(headings).chain(rows).collect();
    columns(&rows, 2..=3)
}

fn row(contact: &Contact) -> [String; 6] {
    let seen = contact.seen.as_ref();
    let unknown = || "-".to_owned();
    [
        to_second(contact.start),
        to_second(contact.end),
        minutes(contact.length()),
        seen.map_or_else(unknown, |seen| format!("{:.0}°", seen.elevation_max_deg)),
        seen.map_or_else(unknown, |seen| {
            let [rises, high, sinks] = [
                seen.azimuth_start_deg,
                seen.azimuth_highest_deg,
                seen.azimuth_end_deg,
            ]
            // 359.6° is north.
            .map(|azimuth| azimuth.round().rem_euclid(360.0));
            format!("{rises:3.0}°-{high:3.0}°-{sinks:3.0}°")
        }),
        contact.station.clone().unwrap_or_else(unknown),
    ]
}

/// As `ground contacts --json` has it.
fn json_of(contact: &Contact) -> Value {
    let seen = contact.seen.as_ref();
    // A hundredth of a degree is more than is known.
    let round = |degrees: f64| (degrees * 100.0).round() / 100.0;
    json!({
        "aos": utc(milliseconds(contact.start)),
        "los": utc(milliseconds(contact.end)),
        "station": contact.station,
        "highest": seen.map(|seen| utc(milliseconds(seen.highest))),
        "elevation_max_deg": seen.map(|seen| round(seen.elevation_max_deg)),
        "azimuth_aos_deg": seen.map(|seen| round(seen.azimuth_start_deg)),
        "azimuth_highest_deg": seen.map(|seen| round(seen.azimuth_highest_deg)),
        "azimuth_los_deg": seen.map(|seen| round(seen.azimuth_end_deg)),
    })
}

fn milliseconds(at: Duration) -> Duration {
    Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or(u64::MAX))
}

fn to_second(at: Duration) -> String {
    utc(Duration::from_secs_f64(at.as_secs_f64().round()))
}

fn minutes(length: Duration) -> String {
    let seconds = length.as_secs_f64().round() as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contacts::Seen;

    #[test]
    fn a_table_of_passes_says_when_where_and_how_high() {
        let start = Duration::from_millis(1_767_225_600_400);
        let given = Contact {
            station: None,
            start,
            end: start + Duration::from_secs(125),
            seen: None,
        };
        let predicted = Contact {
            station: Some("Berlin".to_owned()),
            seen: Some(Seen {
                highest: start + Duration::from_secs(60),
                elevation_max_deg: 71.4,
                azimuth_start_deg: 359.7,
                azimuth_highest_deg: 90.2,
                azimuth_end_deg: 179.9,
            }),
            ..given.clone()
        };
        let lines = table(&[predicted.clone(), given]);
        assert_eq!(
            lines[1],
            "2026-01-01T00:00:00Z  2026-01-01T00:02:05Z   2:05   71°    0°- 90°-180°  Berlin"
        );
        assert!(
            lines[2].ends_with("2:05     -  -               -"),
            "{lines:?}"
        );
        let json = json_of(&predicted);
        assert_eq!(json["aos"], "2026-01-01T00:00:00.4Z");
        assert_eq!(json["azimuth_aos_deg"], 359.7);
    }
}
