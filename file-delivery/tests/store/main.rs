//! Stores and journals.

mod contract;
#[cfg(target_os = "linux")]
mod crash;
#[cfg(target_os = "linux")]
mod directory;
#[cfg(target_os = "linux")]
mod full_disk;
#[cfg(target_os = "linux")]
mod hostile;
mod memory;
mod redb_journal;

use file_delivery::StoreName;
use file_delivery::pdu::tlv::{FilestoreRequest, Lv};
use file_delivery::pdu::{EntityId, TransactionId, TransactionSeq};
use file_delivery::store::memory::MemoryDisk;
use file_delivery::store::{FileStore, Staging, StoreError};

fn name(name: &str) -> StoreName {
    name.parse().unwrap()
}

fn transaction(number: u64) -> TransactionId {
    TransactionId {
        source: EntityId(3),
        number: TransactionSeq(number),
    }
}

fn staging(number: u64, beside: &str) -> Staging {
    Staging {
        transaction: transaction(number),
        beside: Some(name(beside)),
    }
}

fn lv(octets: &str) -> Lv<'_> {
    Lv::new(octets.as_bytes()).unwrap()
}

fn create_directory(name: &str) -> FilestoreRequest<'_> {
    FilestoreRequest::CreateDirectory(lv(name))
}

/// What a file holds.
fn content<S: FileStore>(store: &mut S, of: &str) -> Result<Vec<u8>, StoreError> {
    let (mut source, identity) = store.open(&name(of))?;
    let mut octets = vec![0; usize::try_from(identity.size).unwrap()];
    store.read(&mut source, 0, &mut octets)?;
    Ok(octets)
}

/// Puts a file there by a transaction.
fn put<S: FileStore>(
    store: &mut S,
    number: u64,
    to: &str,
    octets: &[u8],
) -> Result<(), StoreError> {
    let place = staging(number, to);
    let mut staged = store.stage(&place, Some(octets.len() as u64))?;
    store.write(&mut staged, 0, octets)?;
    store.deliver(&place, octets.len() as u64, &name(to))
}

fn is_not_allowed<T>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::NotAllowed { .. }))
}

fn is_missing<T>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Missing { .. }))
}

#[test]
fn stores_and_journals_go_to_other_threads() {
    fn goes<T: Send>() {}
    goes::<file_delivery::store::RedbJournal>();
    goes::<file_delivery::store::memory::MemoryStore>();
    goes::<file_delivery::store::memory::MemoryJournal>();
    #[cfg(target_os = "linux")]
    goes::<file_delivery::store::Directory>();
}
