//! The table of a file entity: `[file-service.files]`, and `[link.files]` on the ground.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::ChecksumType;
use crate::entity::{EntityConfig, NakMode, Peer};
use crate::pdu::EntityId;
use crate::store::DirectoryLimits;

/// What the table `files` says; strict: a key that is not known is an error.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct FileSettings {
    /// The folder of the files. Made if it is not there.
    pub root: PathBuf,
    /// The file of the journal of transactions. Made if it is not there.
    pub journal: PathBuf,
    /// The id of this entity.
    pub entity_id: u64,
    /// Octets that may go over the link again after a power cut.
    pub sync_bytes: u64,
    /// Octets of the largest file.
    pub file_bytes_max: u64,
    /// Octets of all files together that are being received.
    pub staged_bytes_max: u64,
    /// Octets of the file system that are left free.
    pub free_bytes_min: u64,
    /// Transactions that are under way at once, of each direction.
    pub transactions_max: usize,
    /// The other entities.
    pub peers: Vec<PeerSettings>,
}

/// Another entity.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct PeerSettings {
    /// Its id.
    pub entity_id: u64,
    /// Checksum of files that are sent to it.
    pub checksum: Checksum,
    /// When it is asked for what is missing.
    pub nak: Nak,
    /// Whether PDUs to it end with a CRC.
    pub crc: bool,
    /// Whether it may ask this entity to send files.
    pub may_ask: bool,
    /// From when EOF or Finished left until it is sent again, in ms of contact.
    pub ack_timeout_ms: u64,
    /// Silence after a list of what is missing until there is another, in ms of contact.
    pub nak_timeout_ms: u64,
    /// Silence of the other end until it is asked again, in ms of contact.
    pub inactivity_timeout_ms: u64,
}

/// A checksum of files.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Checksum {
    /// Sum of words of 32 bits.
    Modular,
    /// CRC-32C (Castagnoli).
    #[serde(rename = "crc-32c")]
    Crc32c,
    /// CRC-32 (IEEE 802.3).
    #[serde(rename = "crc-32")]
    Crc32,
}

/// When a receiver asks for what is missing.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Nak {
    /// After EOF, at AOS, and when the NAK timer runs out.
    Deferred,
    /// When a hole is seen, too.
    Immediate,
}

impl Default for FileSettings {
    fn default() -> Self {
        let entity = EntityConfig::new(EntityId(1));
        let limits = DirectoryLimits::default();
        FileSettings {
            root: "file-service/files".into(),
            journal: "file-service/files.redb".into(),
            entity_id: entity.id.0,
            sync_bytes: entity.sync_bytes,
            file_bytes_max: limits.file_bytes_max,
            staged_bytes_max: limits.staged_bytes_max,
            free_bytes_min: limits.free_bytes_min,
            transactions_max: entity.transactions_max,
            peers: vec![PeerSettings::default()],
        }
    }
}

impl Default for PeerSettings {
    fn default() -> Self {
        let peer = Peer::new(EntityId(2));
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        PeerSettings {
            entity_id: peer.id.0,
            checksum: Checksum::Crc32,
            nak: Nak::Deferred,
            crc: peer.crc,
            may_ask: peer.may_ask,
            ack_timeout_ms: ms(peer.ack_timeout),
            nak_timeout_ms: ms(peer.nak_timeout),
            inactivity_timeout_ms: ms(peer.inactivity_timeout),
        }
    }
}

/// Values of a [`FileSettings`] that do not fit together, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// `sync-bytes`.
    #[error("sync-bytes is 0: every octet would wait for the disk")]
    NoSyncBytes,
    /// `transactions-max`.
    #[error("transactions-max is 0: no file could go either way")]
    NoTransactions,
    /// A peer with the id of this entity.
    #[error("peer {0} has the id of this entity: give one of them another entity-id")]
    OwnId(u64),
    /// Two peers with the same id.
    #[error("there are two peers {0}")]
    TwoPeers(u64),
    /// A timeout of a peer.
    #[error("{key} of peer {peer} is 0: it would be out before an answer can come")]
    NoTimeout {
        /// Its key.
        key: &'static str,
        /// Whose.
        peer: u64,
    },
}

impl FileSettings {
    /// Whether the values fit together.
    ///
    /// # Errors
    /// Which do not, and what to do.
    pub fn check(&self) -> Result<(), SettingsError> {
        let own = self.entity_id;
        if self.sync_bytes == 0 {
            return Err(SettingsError::NoSyncBytes);
        }
        if self.transactions_max == 0 {
            return Err(SettingsError::NoTransactions);
        }
        let mut known = vec![own];
        for peer in &self.peers {
            let id = peer.entity_id;
            if id == own {
                return Err(SettingsError::OwnId(id));
            }
            if known.contains(&id) {
                return Err(SettingsError::TwoPeers(id));
            }
            known.push(id);
            for (key, value) in [
                ("ack-timeout-ms", peer.ack_timeout_ms),
                ("nak-timeout-ms", peer.nak_timeout_ms),
                ("inactivity-timeout-ms", peer.inactivity_timeout_ms),
            ] {
                if value == 0 {
                    return Err(SettingsError::NoTimeout { key, peer: id });
                }
            }
        }
        Ok(())
    }

    /// The entity's own limits.
    pub fn entity(&self) -> EntityConfig {
        EntityConfig {
            sync_bytes: self.sync_bytes,
            file_bytes_max: self.file_bytes_max,
            transactions_max: self.transactions_max,
            ..EntityConfig::new(EntityId(self.entity_id))
        }
    }

    /// The limits of the folder.
    pub fn limits(&self) -> DirectoryLimits {
        DirectoryLimits {
            file_bytes_max: self.file_bytes_max,
            staged_bytes_max: self.staged_bytes_max,
            free_bytes_min: self.free_bytes_min,
            ..DirectoryLimits::default()
        }
    }

    /// The other entities. PDUs are as large as the link carries.
    pub fn peers(&self) -> impl Iterator<Item = Peer> + '_ {
        self.peers.iter().map(|peer| Peer {
            pdu_bytes_max: usize::MAX,
            crc: peer.crc,
            checksum_type: match peer.checksum {
                Checksum::Modular => ChecksumType::MODULAR,
                Checksum::Crc32c => ChecksumType::CRC_32C,
                Checksum::Crc32 => ChecksumType::CRC_32,
            },
            nak_mode: match peer.nak {
                Nak::Deferred => NakMode::Deferred,
                Nak::Immediate => NakMode::Immediate,
            },
            may_ask: peer.may_ask,
            ack_timeout: Duration::from_millis(peer.ack_timeout_ms),
            nak_timeout: Duration::from_millis(peer.nak_timeout_ms),
            inactivity_timeout: Duration::from_millis(peer.inactivity_timeout_ms),
            ..Peer::new(EntityId(peer.entity_id))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut FileSettings)) -> String {
        let mut settings = FileSettings::default();
        change(&mut settings);
        settings.check().unwrap_err().to_string()
    }

    #[test]
    fn the_defaults_fit_together() {
        FileSettings::default().check().unwrap();
    }

    #[test]
    fn values_that_do_not_fit_are_refused_by_name() {
        let same = refusal(|settings| settings.entity_id = 2);
        assert!(same.contains("peer 2"), "{same}");
        let twice = refusal(|settings| settings.peers.push(PeerSettings::default()));
        assert!(twice.contains("two peers 2"), "{twice}");
        let sync = refusal(|settings| settings.sync_bytes = 0);
        assert!(sync.contains("sync-bytes"), "{sync}");
        let none = refusal(|settings| settings.transactions_max = 0);
        assert!(none.contains("transactions-max"), "{none}");
        let timeout = refusal(|settings| settings.peers[0].nak_timeout_ms = 0);
        assert!(timeout.contains("nak-timeout-ms"), "{timeout}");
    }
}
