//! SQLite files of the ground: one is opened here, whatever is in it.
//!
//! What is committed is on the disk (write-ahead log, `synchronous = FULL`). Nobody else can
//! read a file (mode 0600); other processes of its owner may, while it is written.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// How long a statement waits for another process.
const BUSY_MAX: Duration = Duration::from_secs(5);
/// Of statements that are kept compiled.
const STATEMENTS_MAX: usize = 64;

/// Why a file is not opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    /// The file cannot be made.
    #[error("cannot open {}: {error}", .file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is no database, or does not work.
    #[error("{}: {error}", .file.display())]
    Sqlite {
        /// Which.
        file: PathBuf,
        /// Why.
        error: rusqlite::Error,
    },
    /// A newer program made it.
    #[error("{} is of a newer version of this program ({found}; {known} is known here): use that", .file.display())]
    Newer {
        /// Which.
        file: PathBuf,
        /// The version of its schema.
        found: usize,
        /// The newest that is known.
        known: usize,
    },
}

/// Opens the database in `file`, which is made if it is not there, and brings its schema up to
/// date: of `steps`, those that it has not had are run, each as a whole or not at all. Steps are
/// only ever added at the end.
pub(crate) fn open(file: &Path, steps: &[&str]) -> Result<Connection, DatabaseError> {
    make(file).map_err(|error| DatabaseError::File {
        file: file.to_owned(),
        error,
    })?;
    let failed = |error| DatabaseError::Sqlite {
        file: file.to_owned(),
        error,
    };
    let mut database = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
    let newer = migrate(&mut database, steps).map_err(failed)?;
    match newer {
        Some(found) => Err(DatabaseError::Newer {
            file: file.to_owned(),
            found,
            known: steps.len(),
        }),
        None => Ok(database),
    }
}

/// Opens the database in `file`, which is there, to read it.
pub(crate) fn open_to_read(file: &Path) -> Result<Connection, DatabaseError> {
    connect(file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|error| DatabaseError::Sqlite {
        file: file.to_owned(),
        error,
    })
}

fn make(file: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let options = options.append(true).create(true).mode(0o600);
    options.open(file).map(drop)
}

fn connect(file: &Path, how: OpenFlags) -> rusqlite::Result<Connection> {
    let database = Connection::open_with_flags(file, how | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    database.busy_timeout(BUSY_MAX)?;
    database.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    if how.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) {
        database.pragma_update(None, "journal_mode", "WAL")?;
        database.pragma_update(None, "synchronous", "FULL")?;
        database.pragma_update(None, "foreign_keys", true)?;
    }
    Ok(database)
}

/// The version that is newer than what is known, if it is.
fn migrate(database: &mut Connection, steps: &[&str]) -> rusqlite::Result<Option<usize>> {
    loop {
        // Two processes may begin at once: only one of them runs a step.
        let transaction =
            database.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let done: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let done = usize::try_from(done).unwrap_or(usize::MAX);
        match steps.get(done) {
            Some(step) => {
                transaction.execute_batch(step)?;
                transaction.pragma_update(None, "user_version", done as i64 + 1)?;
                transaction.commit()?;
            }
            None if done > steps.len() => return Ok(Some(done)),
            None => return Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "CREATE TABLE numbers (number INTEGER PRIMARY KEY) STRICT";
    const TWO: &str = "ALTER TABLE numbers ADD COLUMN name TEXT";

    fn count(database: &Connection) -> i64 {
        let count = "SELECT count(*) FROM numbers";
        database.query_row(count, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn each_step_is_run_once_and_what_is_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.sqlite");
        let first = open(&file, &[ONE]).unwrap();
        first.execute("INSERT INTO numbers VALUES (7)", []).unwrap();
        drop(first);
        let second = open(&file, &[ONE, TWO]).unwrap();
        assert_eq!(count(&second), 1);
        second
            .execute("UPDATE numbers SET name = 'seven'", [])
            .unwrap();
        assert_eq!(count(&open_to_read(&file).unwrap()), 1);
    }

    #[test]
    fn a_step_that_fails_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.sqlite");
        let bad = format!("{ONE}; nonsense");
        assert!(matches!(
            open(&file, &[&bad]),
            Err(DatabaseError::Sqlite { .. })
        ));
        assert_eq!(count(&open(&file, &[ONE]).unwrap()), 0);
    }

    #[test]
    fn a_file_of_a_newer_program_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.sqlite");
        open(&file, &[ONE, TWO]).unwrap();
        let refused = open(&file, &[ONE]).unwrap_err().to_string();
        assert!(refused.contains("newer version"), "{refused}");
    }

    #[test]
    fn nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.sqlite");
        open(&file, &[ONE]).unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
