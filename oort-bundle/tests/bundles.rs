//! Bundles, and what is none.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};

use oort_bundle::{BundleError, META_BYTES_MAX, Summed, compression_helps, read, write};

fn bundle(meta: &[u8], data: &[u8], is_compressed: bool) -> Vec<u8> {
    let to = tempfile::tempfile().unwrap();
    let bytes = data.len() as u64;
    let mut file = write((meta, 7), (data, bytes), to, is_compressed).unwrap();
    let mut octets = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut octets).unwrap();
    octets
}

fn unpack(octets: &[u8]) -> Result<(Vec<u8>, Vec<u8>), BundleError> {
    read(octets, |meta, data, bytes| {
        let mut octets = Vec::new();
        data.read_to_end(&mut octets)?;
        assert_eq!(octets.len() as u64, bytes);
        Ok((meta.to_vec(), octets))
    })
}

/// An archive with entries of that kind and name.
fn archive(entries: &[(tar::EntryType, &str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (kind, name, octets) in entries {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(*kind);
        header.set_size(octets.len() as u64);
        archive.append_data(&mut header, name, *octets).unwrap();
    }
    archive.into_inner().unwrap()
}

#[test]
fn what_is_written_is_read_compressed_or_not() {
    for is_compressed in [false, true] {
        for data in [&b""[..], b"data", &[7; 100_000]] {
            let octets = bundle(b"{}", data, is_compressed);
            assert_eq!(octets.starts_with(&[0x1F, 0x8B]), is_compressed);
            assert_eq!(unpack(&octets).unwrap(), (b"{}".to_vec(), data.to_vec()));
        }
    }
}

#[test]
fn a_part_of_a_bundle_is_none_wherever_it_ends() {
    for is_compressed in [false, true] {
        let whole = bundle(b"{}", b"some data", is_compressed);
        // Behind the data there is nothing that anybody needs.
        let needed = if is_compressed {
            whole.len() - 40
        } else {
            1536 + 9
        };
        for end in 0..needed {
            let part = unpack(&whole[..end]);
            assert!(
                matches!(part, Err(BundleError::NotOne(_))),
                "{end}: {part:?}"
            );
        }
    }
}

#[test]
fn other_archives_are_none() {
    use tar::EntryType::{GNULongName, Link, Regular, Symlink};
    let long = vec![b' '; META_BYTES_MAX as usize + 1];
    for entries in [
        &[][..],
        &[(Regular, "data", &b"d"[..]), (Regular, "meta.json", b"{}")],
        &[(Regular, "meta.json", b"{}")],
        &[(Symlink, "meta.json", b""), (Regular, "data", b"d")],
        &[(Regular, "meta.json", b"{}"), (Link, "data", b"")],
        &[(GNULongName, "meta.json", b"{}"), (Regular, "data", b"d")],
        &[(Regular, "meta.json", &long), (Regular, "data", b"d")],
    ] {
        let unpacked = unpack(&archive(entries));
        assert!(
            matches!(unpacked, Err(BundleError::NotOne(_))),
            "{unpacked:?}"
        );
    }
}

#[test]
fn data_that_ends_too_soon_makes_no_bundle() {
    let to = tempfile::tempfile().unwrap();
    assert!(write((b"{}", 0), (&b"four"[..], 5), to, false).is_err());
}

#[test]
fn what_repeats_is_worth_compressing_and_noise_is_not() {
    let file = |octets: &[u8]| -> File {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, octets).unwrap();
        file.rewind().unwrap();
        file
    };
    // SHA-256 of a counter is noise enough.
    let noise: Vec<u8> = (0..2_000_u32)
        .flat_map(|at| {
            let mut summed = Summed::new(io::Cursor::new(at.to_be_bytes()));
            io::copy(&mut summed, &mut io::sink()).unwrap();
            hex::decode(summed.sums().sha256).unwrap()
        })
        .collect();
    assert!(compression_helps(&file(&[7; 50_000])).unwrap());
    assert!(!compression_helps(&file(&noise)).unwrap());
    let mut read = Vec::new();
    let mut whole = file(b"whole");
    compression_helps(&whole).unwrap();
    whole.read_to_end(&mut read).unwrap();
    assert_eq!(read, b"whole");
}

#[test]
fn sums_are_those_of_the_standards() {
    let mut summed = Summed::new(&b"123456789"[..]);
    io::copy(&mut summed, &mut io::sink()).unwrap();
    let sums = summed.sums();
    assert_eq!((&*sums.crc32, sums.bytes), ("cbf43926", 9));
    // Of the empty text: FIPS 180-4.
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(Summed::new(io::empty()).sums().sha256, empty);
}
