//! An id that is the same for the same file and the same words.

use sha2::{Digest, Sha256};

use crate::outbox::Place;

/// Of files as they are, and of everything that is said of them.
pub(crate) fn id(places: &[Place], words: &[u8]) -> String {
    let mut hasher = Sha256::new();
    for place in places {
        let path = place.source.as_os_str().as_encoded_bytes();
        hasher.update((path.len() as u64).to_le_bytes());
        hasher.update(path);
        for fact in place.facts {
            hasher.update(fact.to_le_bytes());
        }
    }
    hasher.update(words);
    let hash = hasher.finalize();
    let octets = hash.iter().take(16);
    octets.fold("file-".to_owned(), |id, octet| id + &format!("{octet:02x}"))
}
