//! Several files as one archive.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::Duration;

use link_service::bundle::{Bundle, Piece};
use link_service::record::{FileRecord, Leg, LegPhase, Phase, Transfer, TransferId};
use link_service::request::{LinkRequest, LinkType, Priority};
use proptest::prelude::*;

fn transfer(files: &BTreeMap<String, Vec<u8>>) -> Transfer {
    let record = |octets: &Vec<u8>| FileRecord {
        size: octets.len() as u64,
        modified_ns: 1_800_000_000_123_456_789,
        number: 1,
        hash: None,
    };
    Transfer {
        id: TransferId(1),
        sender: "camera".parse().unwrap(),
        origin: None,
        bundle_hash: None,
        request: LinkRequest {
            link_type: LinkType::Downlink,
            priority: Priority::Medium,
            files: files.keys().map(|name| name.parse().unwrap()).collect(),
            subdirectory: Default::default(),
            recipients: vec!["ground".parse().unwrap()],
            overwrite: false,
            leave_source: false,
            expires: None,
            request_id: "pass-7".to_owned(),
            correlation_id: String::new(),
            metadata: BTreeMap::new(),
        },
        accepted_at: Duration::from_secs(7),
        files: files.values().map(record).collect(),
        legs: vec![Leg {
            recipient: "ground".parse().unwrap(),
            phase: LegPhase::Waiting,
            text: String::new(),
            ended_at: Duration::ZERO,
        }],
        attempts: 0,
        phase: Phase::Claimed,
    }
}

/// The octets of the archive from `offset` on, read in pieces of that size.
fn read(bundle: &Bundle, files: &[Vec<u8>], mut offset: u64, piece_bytes: u64) -> Vec<u8> {
    let mut octets = Vec::new();
    while let Some(piece) = bundle.piece(offset, piece_bytes) {
        let before = octets.len();
        match piece {
            Piece::Octets(part) => octets.extend_from_slice(part),
            Piece::Zeros(bytes) => octets.resize(before + bytes as usize, 0),
            Piece::File {
                index,
                offset,
                bytes,
            } => {
                let from = offset as usize;
                octets.extend_from_slice(&files[index][from..from + bytes as usize]);
            }
        }
        offset += (octets.len() - before) as u64;
    }
    octets
}

fn files() -> impl Strategy<Value = BTreeMap<String, Vec<u8>>> {
    let name = prop_oneof![
        3 => "[a-z]{1,12}".prop_map(|name| format!("{name}.raw")),
        1 => "[a-zäß]{120,127}".prop_map(|name| format!("{name}x")),
    ];
    let octets = proptest::collection::vec(any::<u8>(), 0..1500);
    proptest::collection::btree_map(name, octets, 2..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_archive_has_all_files_whatever_part_of_it_is_read(
        files in files(),
        piece_bytes in 1..2000_u64,
        cut in any::<prop::sample::Index>(),
    ) {
        let bundle = Bundle::of(&transfer(&files)).unwrap();
        let contents: Vec<Vec<u8>> = files.values().cloned().collect();
        let whole = read(&bundle, &contents, 0, piece_bytes);
        prop_assert_eq!(whole.len() as u64, bundle.bytes());
        let cut = cut.index(whole.len());
        let rest = read(&bundle, &contents, cut as u64, piece_bytes);
        prop_assert!(rest == whole[cut..]);

        let mut archive = tar::Archive::new(whole.as_slice());
        let mut unpacked = BTreeMap::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            prop_assert_eq!(entry.header().mtime().unwrap(), 1_800_000_000);
            let name = entry.path().unwrap().to_string_lossy().into_owned();
            let mut octets = Vec::new();
            entry.read_to_end(&mut octets).unwrap();
            unpacked.insert(name, octets);
        }
        prop_assert_eq!(unpacked, files);
    }
}
