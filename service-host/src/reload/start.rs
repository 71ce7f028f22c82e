//! What a service starts with: its file, and what was confirmed over the link. A
//! file of the state directory that is lost or torn never keeps it from starting.

use std::sync::Arc;

use anyhow::Context;
use comms_service::{CommsConfig, CommsReconfigure, LinkOptions};
use toml::{Table, Value};

use super::candidate::{Candidate, OwnTables, Reader};
use super::{OVERLAY, Reload, UNCONFIRMED};
use crate::config_file::ConfigFile;
use crate::contacts::Contacts;
use crate::state_dir::Store;

/// A configuration to start with.
pub(crate) struct Start {
    reader: Reader,
    store: Option<Store>,
    candidate: Candidate,
}

impl Start {
    /// What `service` is to start with, where its configuration is `file`.
    ///
    /// # Errors
    /// What is wrong with the file. What is wrong in the state directory, or does
    /// not fit the file any more, is left out, and the log says so.
    pub(crate) fn read(
        service: &'static str,
        own_tables: OwnTables,
        defaults: CommsConfig,
        file: &ConfigFile,
    ) -> anyhow::Result<Self> {
        let reader = Reader {
            service,
            own_tables,
            defaults,
        };
        let mut candidate = Candidate {
            file: file.clone(),
            overlay: Table::new(),
            keys: None,
        };
        let (_, options) = reader.read(&candidate)?;
        let folder = options.state_dir.as_deref();
        let store = folder.map(|folder| Store::new(folder, service));
        if let Some(store) = &store {
            for (what, with) in [
                (UNCONFIRMED, with_confirmed_file as With),
                (OVERLAY, with_overlay),
            ] {
                match with(&reader, store, &candidate) {
                    Ok(with) => candidate = with,
                    Err(error) => {
                        let path = store.path(what);
                        log::error!("{} is left out: {error:#}", path.display());
                    }
                }
            }
        }
        Ok(Start {
            reader,
            store,
            candidate,
        })
    }

    /// The file that counts.
    pub(crate) fn file(&self) -> &ConfigFile {
        &self.candidate.file
    }

    /// The link's part.
    pub(crate) fn link(&self) -> anyhow::Result<(CommsConfig, LinkOptions)> {
        self.reader.read(&self.candidate)
    }

    /// The same, with what the key file says now.
    pub(crate) fn link_with_keys(&mut self) -> anyhow::Result<(CommsConfig, LinkOptions)> {
        self.reader.load_keys(&mut self.candidate)?;
        self.link()
    }

    /// Leaves out what was changed by mutations; false where nothing was.
    pub(crate) fn leave_overlay(&mut self) -> bool {
        !std::mem::take(&mut self.candidate.overlay).is_empty()
    }

    /// The service runs with it; `own_port` is that of its GraphQL endpoint.
    pub(crate) fn running(self, link: CommsReconfigure, own_port: u16) -> Arc<Reload> {
        let Start {
            reader,
            store,
            candidate,
        } = self;
        let contacts = Contacts::new(reader.service, store.clone(), link.clone());
        let reload = Reload::new(reader, store, candidate, link, own_port, contacts);
        Arc::new(reload)
    }
}

/// A candidate, with what a file of the state directory says.
type With = fn(&Reader, &Store, &Candidate) -> anyhow::Result<Candidate>;

/// The file before, where the one that is there was read by a mutation and never
/// confirmed.
fn with_confirmed_file(
    reader: &Reader,
    store: &Store,
    candidate: &Candidate,
) -> anyhow::Result<Candidate> {
    let Some(text) = store.read(UNCONFIRMED)? else {
        return Ok(candidate.clone());
    };
    let marker: Table = text.parse().context("it is not TOML")?;
    let part = |name: &str| {
        let part = marker.get(name).and_then(Value::as_table);
        part.with_context(|| format!("it has no table `{name}`"))
    };
    let (unconfirmed, before) = (part("unconfirmed")?, part("before")?);
    if *unconfirmed != candidate.file.table {
        // The file was changed since.
        store.remove(UNCONFIRMED)?;
        return Ok(candidate.clone());
    }
    let confirmed = Candidate {
        file: ConfigFile {
            path: candidate.file.path.clone(),
            table: before.clone(),
        },
        ..candidate.clone()
    };
    reader.read(&confirmed)?;
    log::warn!(
        "{} was never confirmed: the configuration before it holds (SIGHUP takes the file, or a \
         change of the file and a restart)",
        candidate.file.name()
    );
    Ok(confirmed)
}

/// With the changes that were made by mutations and confirmed.
fn with_overlay(
    reader: &Reader,
    store: &Store,
    candidate: &Candidate,
) -> anyhow::Result<Candidate> {
    let Some(text) = store.read(OVERLAY)? else {
        return Ok(candidate.clone());
    };
    let with = Candidate {
        overlay: reader.overlay(&text)?,
        ..candidate.clone()
    };
    reader.read(&with)?;
    Ok(with)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// What a service with this in its state directory starts with: the largest
    /// message of its file, or what counts in its stead.
    fn message_bytes_max(folder: &Path) -> Option<usize> {
        let text = format!(
            "[radio.comms]\nstate-dir = '{}'\nmessage-bytes-max = 1",
            folder.display()
        );
        let file = ConfigFile {
            path: None,
            table: text.parse().unwrap(),
        };
        let start =
            Start::read("radio", OwnTables::default(), CommsConfig::default(), &file).unwrap();
        start.link().unwrap().1.message_bytes_max
    }

    fn store(folder: &Path) -> Store {
        Store::new(folder, "radio")
    }

    fn marker(unconfirmed: &str, before: &str) -> String {
        format!("[unconfirmed]\n{unconfirmed}\n[before]\n{before}")
    }

    #[test]
    fn the_file_counts_where_nothing_is_kept_and_where_what_is_kept_is_torn() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(message_bytes_max(folder.path()), Some(1));
        for torn in [
            "",
            "message-bytes-max =",
            "message-bytes-max = 'no'",
            "mesage-bytes-max = 2",
        ] {
            for what in [OVERLAY, UNCONFIRMED] {
                store(folder.path()).write(what, torn).unwrap();
                assert_eq!(message_bytes_max(folder.path()), Some(1), "{what}: {torn}");
            }
        }
        fs::write(store(folder.path()).path(OVERLAY), [0xFF, 0xFE]).unwrap();
        assert_eq!(message_bytes_max(folder.path()), Some(1));
        fs::remove_file(store(folder.path()).path(OVERLAY)).unwrap();
        fs::create_dir(store(folder.path()).path(OVERLAY)).unwrap();
        assert_eq!(message_bytes_max(folder.path()), Some(1));
    }

    #[test]
    fn a_confirmed_change_counts_before_the_file() {
        let folder = tempfile::tempdir().unwrap();
        store(folder.path())
            .write(OVERLAY, "message-bytes-max = 2")
            .unwrap();
        assert_eq!(message_bytes_max(folder.path()), Some(2));
    }

    #[test]
    fn a_file_that_was_never_confirmed_does_not_count_until_it_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        let own = |bytes: u32| {
            format!("radio.comms = {{ state-dir = '{path}', message-bytes-max = {bytes} }}")
        };
        store(folder.path())
            .write(UNCONFIRMED, &marker(&own(1), &own(3)))
            .unwrap();
        assert_eq!(message_bytes_max(folder.path()), Some(3));
        store(folder.path())
            .write(UNCONFIRMED, &marker(&own(5), &own(3)))
            .unwrap();
        assert_eq!(message_bytes_max(folder.path()), Some(1));
        assert_eq!(store(folder.path()).read(UNCONFIRMED).unwrap(), None);
    }
}
