//! The archive, by its public story: what is heard is found again.

use std::path::Path;
use std::time::Duration;

use comms_service::message::{Class, End, Head, PayloadType};

use super::store::FRAMES_PER_REMOVAL;
use super::{Account, Archive, ArchiveReader, ArchivedFrame, Found, Search};
use crate::GroundConfig;
use crate::config::GroundLinkConfig;

const START: Duration = Duration::from_secs(1_800_000_000);

pub(super) fn link(folder: &Path, keys: &str) -> GroundLinkConfig {
    let text = format!(
        "[[link]]\nname = 'uhf'\nsatellite = 'b'\n[link.radio]\nkind = 'udp'\n\
         bind = '127.0.0.1:0'\npeer = '127.0.0.1:9'\nframing = 'raw'\n\
         [archive]\ndirectory = {folder:?}\n{keys}\n"
    );
    let config = GroundConfig::from_table(&text.parse().unwrap(), "test").unwrap();
    config.link(None).unwrap().clone()
}

/// Packets of a message as the satellite sends it.
fn packets(link: &GroundLinkConfig, command_id: u64, bytes: usize, count: u16) -> Vec<Vec<u8>> {
    let format = link
        .comms
        .packet_format(End::Satellite, None, link.addresses);
    let format = format.unwrap();
    let head = Head {
        payload_type: PayloadType::GraphQl,
        class: Class::Standard,
        security: None,
        command_id,
        port: 8020,
    };
    let head = format.classify(head, bytes);
    let payload = vec![b'x'; bytes];
    let packets = (0..format.packet_count(&head, bytes).unwrap()).map(|index| {
        let mut packet = Vec::new();
        let count = (count + u16::try_from(index).unwrap()) % 16_384;
        format
            .build(&head, &payload, index, count, &mut packet)
            .unwrap();
        packet
    });
    packets.collect()
}

fn frames(packets: Vec<Vec<u8>>) -> Vec<ArchivedFrame> {
    let frames = packets.into_iter().zip(0..);
    let frames = frames.map(|(octets, second)| ArchivedFrame {
        at: START + Duration::from_secs(second),
        octets,
        refused: None,
    });
    frames.collect()
}

fn of(heard: &[ArchivedFrame]) -> Account {
    Account {
        heard: heard.len() as u64,
        ..Account::default()
    }
}

fn search(link: &GroundLinkConfig, search: Search) -> Vec<Found> {
    let file = link.archive.as_ref().unwrap().file(&link.name);
    let reader = ArchiveReader::open(&file).unwrap().unwrap();
    let mut all = Vec::new();
    reader
        .search(&search, |found| {
            all.push(found);
            true
        })
        .unwrap();
    all
}

fn account(link: &GroundLinkConfig) -> Account {
    let file = link.archive.as_ref().unwrap().file(&link.name);
    ArchiveReader::open(&file)
        .unwrap()
        .unwrap()
        .account()
        .unwrap()
}

#[test]
fn a_frame_is_found_by_its_time_its_apid_and_its_command() {
    let folder = tempfile::tempdir().unwrap();
    let link = link(folder.path(), "");
    let mut archive = Archive::open(&link).unwrap();
    // Three segments, then one packet.
    let mut all = packets(&link, 77, 600, 0);
    assert_eq!(all.len(), 3);
    all.extend(packets(&link, u64::MAX, 20, 3));
    let heard = frames(all.clone());
    archive.store(&heard, of(&heard)).unwrap();

    // While it is open to be written.
    let everything = search(&link, Search::default());
    let octets = everything.iter().map(|found| found.octets.clone());
    assert_eq!(octets.collect::<Vec<_>>(), all);
    let of = |command_id| {
        let command_id = Some(command_id);
        search(
            &link,
            Search {
                command_id,
                ..Search::default()
            },
        )
    };
    assert_eq!((of(77).len(), of(u64::MAX).len(), of(5).len()), (3, 1, 0));
    assert!(of(77).iter().all(|found| found.port == Some(8020)));
    let apid = everything[0].apid;
    let on = |apid| {
        search(
            &link,
            Search {
                apid,
                ..Search::default()
            },
        )
    };
    assert_eq!((on(apid).len(), on(Some(2000)).len()), (4, 0));
    let second = |second| Some(START + Duration::from_secs(second));
    let some = search(
        &link,
        Search {
            since: second(1),
            until: second(3),
            ..Search::default()
        },
    );
    let times: Vec<u64> = some
        .iter()
        .map(|found| (found.at - START).as_secs())
        .collect();
    assert_eq!(times, [1, 2]);
    let last = search(
        &link,
        Search {
            limit: Some(2),
            ..Search::default()
        },
    );
    assert_eq!(last, everything[2..]);
}

#[test]
fn a_search_goes_over_many_pages_and_misses_none() {
    let folder = tempfile::tempdir().unwrap();
    let link = link(folder.path(), "");
    let mut archive = Archive::open(&link).unwrap();
    let heard: Vec<ArchivedFrame> = (0..2000_u64)
        .map(|number| ArchivedFrame {
            // Many at the same time, as a radio that is quick gives them.
            at: START + Duration::from_secs(number / 700),
            octets: number.to_be_bytes().to_vec(),
            refused: Some("fcs"),
        })
        .collect();
    archive.store(&heard, of(&heard)).unwrap();
    let octets = |found: Vec<Found>| {
        let all = found.into_iter().map(|found| found.octets);
        all.collect::<Vec<_>>()
    };
    let wanted: Vec<_> = heard.iter().map(|frame| frame.octets.clone()).collect();
    assert_eq!(octets(search(&link, Search::default())), wanted);
    for count in [1, 699, 700, 1300, 1999, 2000, 5000] {
        let last = search(
            &link,
            Search {
                limit: Some(count),
                ..Search::default()
            },
        );
        let from = wanted.len().saturating_sub(count as usize);
        assert_eq!(octets(last), wanted[from..]);
    }
}

#[test]
fn what_is_no_valid_packet_is_kept_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let link = link(folder.path(), "");
    let mut archive = Archive::open(&link).unwrap();
    let mut heard = frames(packets(&link, 77, 20, 0));
    heard[0].octets[9] ^= 1;
    heard.push(ArchivedFrame {
        at: START,
        octets: vec![1, 2, 3],
        refused: Some("fcs"),
    });
    archive.store(&heard, of(&heard)).unwrap();
    let mut refused: Vec<_> = search(&link, Search::default())
        .into_iter()
        .map(|found| (found.refused.unwrap(), found.apid, found.command_id))
        .collect();
    refused.sort();
    let expected = ["error-control", "fcs"].map(|reason| (reason.to_owned(), None, None));
    assert_eq!(refused, expected);
    let file = link.archive.as_ref().unwrap().file(&link.name);
    let reader = ArchiveReader::open(&file).unwrap().unwrap();
    let heard = reader
        .heard_in(START, START + Duration::from_secs(1))
        .unwrap();
    assert_eq!((heard.frames, heard.octets, heard.refused), (0, 0, 2));
}

#[test]
fn a_segment_after_a_gap_is_of_no_command() {
    let folder = tempfile::tempdir().unwrap();
    let link = link(folder.path(), "");
    let mut archive = Archive::open(&link).unwrap();
    let mut all = packets(&link, 77, 900, 16_382);
    assert_eq!(all.len(), 4);
    all.remove(2);
    let heard = frames(all);
    archive.store(&heard, of(&heard)).unwrap();
    let commands = search(&link, Search::default());
    let commands: Vec<_> = commands.iter().map(|found| found.command_id).collect();
    assert_eq!(commands, [Some(77), Some(77), None]);
}

#[test]
fn the_account_adds_up_over_processes() {
    let folder = tempfile::tempdir().unwrap();
    let link = link(folder.path(), "");
    for _ in 0..2 {
        let mut archive = Archive::open(&link).unwrap();
        let lost = Account {
            heard: 5,
            queue_full: 3,
            storage_failed: 2,
            ..Account::default()
        };
        let heard = frames(packets(&link, 1, 600, 0));
        archive.store(&heard, of(&heard).and(lost)).unwrap();
    }
    let account = account(&link);
    assert!(account.balances(), "{account:?}");
    assert_eq!((account.heard, account.stored), (16, 6));
    assert_eq!(search(&link, Search::default()).len(), 6);
}

#[test]
fn the_oldest_go_when_there_are_too_many_octets_and_the_file_stays_within_them() {
    let folder = tempfile::tempdir().unwrap();
    let bytes_max = 2 << 20;
    let link = link(folder.path(), &format!("bytes-max = {bytes_max}"));
    let mut archive = Archive::open(&link).unwrap();
    let batch: Vec<ArchivedFrame> = (0..2000)
        .map(|_| ArchivedFrame {
            at: START,
            octets: vec![0; 250],
            refused: Some("fcs"),
        })
        .collect();
    for _ in 0..20 {
        archive.store(&batch, of(&batch)).unwrap();
        while archive.remove_surplus(START).unwrap() {}
    }
    let account = account(&link);
    assert!(account.balances() && account.removed > 0, "{account:?}");
    let left = search(&link, Search::default());
    assert_eq!(left.len() as u64, account.stored - account.removed);
    assert!(left.len() > 2000, "{}", left.len());
    assert_eq!(left.last().unwrap().number as u64, account.stored);
    drop(archive);
    let file = link.archive.as_ref().unwrap().file(&link.name);
    let octets = file.metadata().unwrap().len();
    // A batch comes before what is too much goes.
    let batch_bytes = 2 * u64::from(FRAMES_PER_REMOVAL) * 400;
    assert!(octets < bytes_max + batch_bytes, "{octets} octets");
}

#[test]
fn what_is_too_old_goes() {
    let folder = tempfile::tempdir().unwrap();
    let link = link(folder.path(), "days-max = 7");
    let mut archive = Archive::open(&link).unwrap();
    let heard = frames(packets(&link, 1, 900, 0));
    archive.store(&heard, of(&heard)).unwrap();
    let week = Duration::from_secs(7 * 86_400);
    assert!(!archive.remove_surplus(START + week).unwrap());
    assert!(
        archive
            .remove_surplus(START + week + Duration::from_secs(2))
            .unwrap()
    );
    assert_eq!(search(&link, Search::default()).len(), 2);
    assert_eq!(account(&link).removed, 2);
}

#[test]
fn an_archive_that_nobody_writes_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let link = link(folder.path(), "");
    let file = link.archive.as_ref().unwrap().file(&link.name);
    assert!(ArchiveReader::open(&file).unwrap().is_none());
    std::fs::write(&file, "").unwrap();
    assert!(ArchiveReader::open(&file).unwrap().is_none());
    let mut archive = Archive::open(&link).unwrap();
    let heard = frames(packets(&link, 1, 20, 0));
    archive.store(&heard, of(&heard)).unwrap();
    drop(archive);
    assert_eq!(search(&link, Search::default()).len(), 1);
}
