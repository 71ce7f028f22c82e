//! `[link.files]`: the file entity of the ground on a link.

use std::path::Path;

use file_delivery::setup::FileSettings;
use toml::{Table, Value};

/// The ground's entity, where nothing else is said; as `file-service` knows it.
const GROUND_ID: i64 = 2;
/// The satellite's.
const SATELLITE_ID: i64 = 1;

/// Reads the table. Its keys are those of `[file-service.files]`, but for the defaults:
/// this is entity 2, the only peer is entity 1, peers may not ask for anything, and files
/// and journal stand beneath `state`, the folder of the link's state.
pub(crate) fn read(table: &Table, state: Option<&Path>) -> Result<FileSettings, String> {
    let mut table = table.clone();
    for (key, name) in [("root", "files"), ("journal", "files.redb")] {
        match table.get(key) {
            None => {
                let state =
                    state.ok_or_else(|| format!("it needs the key `{key}`: HOME is not set"))?;
                let path = state.join(name);
                let path = path
                    .to_str()
                    .ok_or_else(|| format!("it needs the key `{key}`"))?;
                table.insert(key.to_owned(), path.into());
            }
            Some(Value::String(path)) if Path::new(path).is_absolute() => {}
            Some(value) => {
                return Err(format!("`{key}` is {value}: write an absolute path"));
            }
        }
    }
    let own = Value::Integer(GROUND_ID);
    table.entry("entity-id").or_insert(own);
    let peers = table
        .entry("peers")
        .or_insert_with(|| Value::Array(vec![Table::new().into()]));
    if let Value::Array(peers) = peers {
        for peer in peers.iter_mut().filter_map(Value::as_table_mut) {
            let satellite = Value::Integer(SATELLITE_ID);
            peer.entry("entity-id").or_insert(satellite);
            // Without security, whoever can transmit is the satellite.
            peer.entry("may-ask").or_insert(Value::Boolean(false));
        }
    }
    let settings: FileSettings = table
        .try_into()
        .map_err(|error: toml::de::Error| error.to_string())?;
    settings.check().map_err(|error| error.to_string())?;
    match settings.peers.is_empty() {
        true => Err("`peers` is empty: the first of them is the satellite".to_owned()),
        false => Ok(settings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Result<FileSettings, String> {
        read(&text.parse().unwrap(), Some(Path::new("/state/uhf")))
    }

    #[test]
    fn an_empty_table_is_the_other_end_of_the_file_service() {
        let ground = settings("").unwrap();
        let satellite = FileSettings::default();
        assert_eq!(ground.entity_id, satellite.peers[0].entity_id);
        assert_eq!(ground.peers[0].entity_id, satellite.entity_id);
        assert!(!ground.peers[0].may_ask && satellite.peers[0].may_ask);
        assert_eq!(ground.root, Path::new("/state/uhf/files"));
        assert_eq!(ground.journal, Path::new("/state/uhf/files.redb"));
    }

    #[test]
    fn its_keys_are_those_of_the_file_service() {
        let text = "root = '/a'\nentity-id = 7\npeers = [{ nak = 'immediate' }]";
        let ground = settings(text).unwrap();
        assert_eq!((ground.entity_id, ground.peers[0].entity_id), (7, 1));
        let text = "[[peers]]\nmay-ask = true\n[[peers]]\nentity-id = 3";
        let asks = settings(text).unwrap().peers;
        assert_eq!((asks[0].may_ask, asks[1].may_ask), (true, false));
        assert!(settings("rot = '/a'").unwrap_err().contains("rot"));
    }

    #[test]
    fn what_depends_on_where_a_command_runs_is_refused() {
        assert!(settings("root = 'files'").unwrap_err().contains("absolute"));
        assert!(read(&Table::new(), None).unwrap_err().contains("`root`"));
        assert!(settings("peers = []").unwrap_err().contains("`peers`"));
        assert!(settings("entity-id = 1").unwrap_err().contains("peer 1"));
    }
}
