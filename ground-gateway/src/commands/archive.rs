//! `ground archive`: what was heard, found again.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, ErrorKind};
use std::path::Path;

use radio_hal::FrameDrop;
use radio_hal::pcap::{LinkType, PcapWriter};
use serde_json::json;

use super::utc;
use crate::archive::{ArchiveError, ArchiveReader, Found, Search};
use crate::arguments::ArchiveArguments;
use crate::config::GroundLinkConfig;
use crate::error::GroundError;
use crate::output::{counted, note, print_line};
use crate::stop::Stop;

/// Frames that are printed where nothing is said of it.
const LIMIT_USUAL: u64 = 100;

pub(crate) fn archive(
    link: &GroundLinkConfig,
    arguments: &ArchiveArguments,
    stop: &Stop,
) -> Result<(), GroundError> {
    let failed = |error: ArchiveError| refused(link, &error.to_string());
    let settings = link.archive.as_ref();
    let settings = settings.ok_or_else(|| {
        refused(
            link,
            "the packet archive is not enabled: see [archive] of the configuration",
        )
    })?;
    let file = settings.file(&link.name);
    let Some(reader) = ArchiveReader::open(&file).map_err(failed)? else {
        note(&format!(
            "link `{}`: nothing was heard yet, as there is no {}",
            link.name,
            file.display()
        ));
        return Ok(());
    };
    if arguments.account {
        let account = reader.account().map_err(failed)?;
        let line = match arguments.json {
            true => json!(account).to_string(),
            false => account.to_string(),
        };
        return print_line(line.as_bytes()).map_err(GroundError::Output);
    }
    let limit_usual = arguments.pcap.is_none().then_some(LIMIT_USUAL);
    let search = Search {
        since: arguments.since,
        until: arguments.until,
        apid: arguments.apid,
        command_id: arguments.command,
        limit: arguments.limit.or(limit_usual),
    };
    match &arguments.pcap {
        Some(path) => write_capture(link, &reader, &search, path, stop),
        None => print(link, &reader, &search, arguments.json, stop),
    }
}

fn print(
    link: &GroundLinkConfig,
    reader: &ArchiveReader,
    search: &Search,
    json: bool,
    stop: &Stop,
) -> Result<(), GroundError> {
    let mut printed: Result<u64, GroundError> = Ok(0);
    let searched = reader.search(search, |found| {
        if stop.is_told() {
            printed = Err(GroundError::Interrupted { after: None });
            return false;
        }
        let line = match json {
            true => json_line(&found),
            false => plain_line(&found),
        };
        match (print_line(line.as_bytes()), &mut printed) {
            (Ok(()), Ok(count)) => {
                *count += 1;
                true
            }
            // Whoever reads has had enough, as `head` does.
            (Err(error), _) if error.kind() == ErrorKind::BrokenPipe => false,
            (Err(error), _) => {
                printed = Err(GroundError::Output(error));
                false
            }
            (Ok(()), Err(_)) => false,
        }
    });
    searched.map_err(|error| refused(link, &error.to_string()))?;
    if printed? == 0 {
        note("no such frame was heard");
    }
    Ok(())
}

/// Packets only: what the link layer refused is none.
fn write_capture(
    link: &GroundLinkConfig,
    reader: &ArchiveReader,
    search: &Search,
    path: &Path,
    stop: &Stop,
) -> Result<(), GroundError> {
    let failed = |error: std::io::Error| GroundError::Capture {
        path: path.to_owned(),
        problem: format!("it cannot be written: {error}"),
    };
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let file = BufWriter::new(file.map_err(failed)?);
    let mut writer = PcapWriter::new(file, LinkType::User0).map_err(failed)?;
    let mut written: Result<u64, GroundError> = Ok(0);
    let searched = reader.search(search, |found| {
        if stop.is_told() {
            written = Err(GroundError::Interrupted { after: None });
            return false;
        }
        if is_no_packet(&found) {
            return true;
        }
        match (writer.write_frame(found.at, &found.octets), &mut written) {
            (Ok(()), Ok(count)) => *count += 1,
            (Err(error), _) => written = Err(failed(error)),
            (Ok(()), Err(_)) => {}
        }
        written.is_ok()
    });
    searched.map_err(|error| refused(link, &error.to_string()))?;
    let written = written?;
    let file: BufWriter<File> = writer.finish().map_err(failed)?;
    file.into_inner()
        .map_err(|error| failed(error.into_error()))?
        .sync_all()
        .map_err(failed)?;
    note(&format!(
        "{} in {}",
        counted(written, "packet"),
        path.display()
    ));
    Ok(())
}

fn is_no_packet(found: &Found) -> bool {
    let refused = found.refused.as_deref();
    refused.is_some_and(|refused| FrameDrop::ALL.iter().any(|drop| drop.as_str() == refused))
}

/// `2026-11-27T10:00:00.123456Z apid 0, command 77, port 8020, 45 octets: 0842…`
fn plain_line(found: &Found) -> String {
    let parts = [
        found.apid.map(|apid| format!("apid {apid}")),
        found.command_id.map(|id| format!("command {id}")),
        found.port.map(|port| format!("port {port}")),
        found
            .refused
            .as_ref()
            .map(|refused| format!("refused ({refused})")),
        Some(counted(found.octets.len(), "octet")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!(
        "{} {}: {}",
        utc(found.at),
        parts.join(", "),
        hex::encode(&found.octets)
    )
}

fn json_line(found: &Found) -> String {
    json!({
        "number": found.number,
        "at": utc(found.at),
        "apid": found.apid,
        "command_id": found.command_id,
        "port": found.port,
        "refused": found.refused,
        "bytes": found.octets.len(),
        "hex": hex::encode(&found.octets),
    })
    .to_string()
}

fn refused(link: &GroundLinkConfig, problem: &str) -> GroundError {
    GroundError::Archive {
        link: link.name.clone(),
        problem: problem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_line_says_what_is_known_of_a_frame() {
        let mut found = Found {
            number: 1,
            at: Duration::from_micros(1_767_225_600_000_250),
            apid: Some(4),
            command_id: Some(77),
            port: Some(8020),
            refused: None,
            octets: vec![0x08, 0x42],
        };
        assert_eq!(
            plain_line(&found),
            "2026-01-01T00:00:00.00025Z apid 4, command 77, port 8020, 2 octets: 0842"
        );
        found.refused = Some("fcs".to_owned());
        (found.apid, found.command_id, found.port) = (None, None, None);
        assert_eq!(
            plain_line(&found),
            "2026-01-01T00:00:00.00025Z refused (fcs), 2 octets: 0842"
        );
        assert!(is_no_packet(&found));
        found.refused = Some("error-control".to_owned());
        assert!(!is_no_packet(&found));
    }
}
