//! A whole configuration of a service: its file, and the changes that lie over it.

use anyhow::{Context, bail};
use comms_service::security::KeyRing;
use comms_service::{CommsConfig, LinkOptions};
use toml::{Table, Value};

use crate::config_file::ConfigFile;
use crate::contacts;
use crate::link_host::check_keys;

/// What the service reads itself of its table.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OwnTables {
    /// The keys.
    pub(crate) names: &'static [&'static str],
    /// It takes others while it runs.
    pub(crate) are_reloaded: bool,
}

/// What a configuration is read with.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    pub(super) service: &'static str,
    pub(super) own_tables: OwnTables,
    /// What holds where the configuration says nothing.
    pub(super) defaults: CommsConfig,
}

/// A configuration that may be taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Candidate {
    pub(crate) file: ConfigFile,
    /// Keys of `[<service>.comms]` that count before those of the file.
    pub(crate) overlay: Table,
    /// What the key file said when it was read for this candidate, so that a rollback
    /// has the former keys though the file has others; none without security.
    pub(crate) keys: Option<KeyRing>,
}

impl Reader {
    /// The link's part, checked as far as it can be by itself.
    pub(super) fn read(&self, candidate: &Candidate) -> anyhow::Result<(CommsConfig, LinkOptions)> {
        check_keys(&candidate.file, self.service, self.own_tables.names)
            .with_context(|| candidate.file.name())?;
        contacts::read(&candidate.file, self.service).with_context(|| candidate.file.name())?;
        let table = self.effective(candidate)?;
        let (config, mut options) =
            CommsConfig::from_table(&table, self.service, self.defaults.clone())
                .with_context(|| candidate.file.name())?;
        if let Some(security) = &mut options.security {
            security.keys.clone_from(&candidate.keys);
        }
        Ok((config, options))
    }

    /// Has the key file read, if there is one.
    pub(super) fn load_keys(&self, candidate: &mut Candidate) -> anyhow::Result<()> {
        candidate.keys = None;
        let (_, mut options) = self.read(candidate)?;
        options.load_keys()?;
        candidate.keys = options.security.and_then(|security| security.keys);
        Ok(())
    }

    /// The file with the overlay over it.
    fn effective(&self, candidate: &Candidate) -> anyhow::Result<Table> {
        let mut table = candidate.file.table.clone();
        if candidate.overlay.is_empty() {
            return Ok(table);
        }
        let own = table
            .entry(self.service)
            .or_insert_with(|| Value::Table(Table::new()));
        let Some(own) = own.as_table_mut() else {
            bail!("`{}` must be a table", self.service);
        };
        for key in candidate.overlay.keys() {
            own.retain(|own, _| own == "comms" || !is_same(own, key));
        }
        let comms = own
            .entry("comms")
            .or_insert_with(|| Value::Table(Table::new()));
        let Some(comms) = comms.as_table_mut() else {
            bail!("`{}.comms` must be a table", self.service);
        };
        for (key, value) in &candidate.overlay {
            comms.retain(|own, _| !is_same(own, key));
            comms.insert(key.clone(), value.clone());
        }
        Ok(table)
    }

    /// The overlay that `text` is. Unlike in a file, a malformed value of the
    /// specification's keys is an error, too: nobody reads the log up there.
    pub(super) fn overlay(&self, text: &str) -> anyhow::Result<Table> {
        let overlay: Table = text.parse().context("it is not TOML")?;
        let comms = Value::Table(overlay.clone());
        let own = Value::Table(Table::from_iter([("comms".to_owned(), comms)]));
        let table = Table::from_iter([(self.service.to_owned(), own)]);
        let (config, _) = CommsConfig::from_table(&table, self.service, self.defaults.clone())?;
        let malformed = |notice: &&String| !notice.contains("not given, so the defaults hold");
        match config.notices.iter().find(malformed) {
            Some(notice) => bail!("{notice}"),
            None => Ok(overlay),
        }
    }

    /// What only a restart changes.
    pub(super) fn refuse_what_stays(
        &self,
        old: &ConfigFile,
        new: &ConfigFile,
    ) -> anyhow::Result<()> {
        let part = |file: &ConfigFile, name: &str| {
            let own = file.table.get(self.service);
            own.and_then(|own| own.get(name)).cloned()
        };
        let own = match self.own_tables.are_reloaded {
            true => &[],
            false => self.own_tables.names,
        };
        for name in ["addr", "radio"].iter().chain(own) {
            if part(old, name) != part(new, name) {
                let service = self.service;
                bail!("[{service}.{name}] cannot change while the service runs: restart it");
            }
        }
        Ok(())
    }
}

/// Whether two spellings mean the same key.
fn is_same(one: &str, other: &str) -> bool {
    one.replace('_', "-") == other.replace('_', "-")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn reader() -> Reader {
        Reader {
            service: "radio",
            own_tables: OwnTables::default(),
            defaults: CommsConfig::default(),
        }
    }

    fn candidate(file: &str, overlay: &str) -> Candidate {
        Candidate {
            file: ConfigFile {
                path: None,
                table: file.parse().unwrap(),
            },
            overlay: reader().overlay(overlay).unwrap(),
            keys: None,
        }
    }

    #[test]
    fn the_overlay_counts_before_the_file_in_either_spelling_and_place() {
        for file in [
            "[radio.comms]\nmessage_bytes_max = 5\ntimeout = 7",
            "[radio]\ntimeout = 9\n[radio.comms]\nmessage-bytes-max = 5",
            "",
        ] {
            let candidate = candidate(file, "message-bytes-max = 6\ntimeout = 8");
            let (config, options) = reader().read(&candidate).unwrap();
            assert_eq!((config.timeout, options.message_bytes_max), (8, Some(6)));
        }
    }

    #[test]
    fn an_overlay_is_strict_in_the_specified_keys_too() {
        for (text, key) in [
            ("timeout = 'long'", "timeout"),
            ("fromat = 'kubos'", "format"),
            ("format = 'morse'", "format"),
            ("a = ", "TOML"),
        ] {
            let error = format!("{:#}", reader().overlay(text).unwrap_err());
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn radio_and_endpoint_stay() {
        let old = candidate("[radio.radio]\nkind = 'udp'", "").file;
        let new = candidate("[radio.radio]\nkind = 'serial'", "").file;
        let error = reader().refuse_what_stays(&old, &new).unwrap_err();
        assert!(error.to_string().contains("[radio.radio]"), "{error}");
        reader().refuse_what_stays(&old, &old).unwrap();
    }
}
