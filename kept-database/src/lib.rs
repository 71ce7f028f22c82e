//! One `redb` database in a file, as every journal here has it.
//!
//! - **Damaged**, it is kept aside as `….damaged-N` and a new one begun, which is told: a
//!   service that does not start any more helps nobody.
//! - **Failed**, it is opened again by the next call, so that nobody has to restart. Of what
//!   was to be written all or nothing is there then.
//! - Nobody else can read it (mode 0600), and one process at a time has it.
//!
//! ```
//! use kept_database::DatabaseFile;
//! use redb::{ReadableDatabase, TableDefinition};
//!
//! const NUMBERS: TableDefinition<u64, u64> = TableDefinition::new("numbers");
//!
//! # fn main() -> Result<(), redb::Error> {
//! # let folder = std::env::temp_dir().join(format!("kept-database-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder)?;
//! let mut file = DatabaseFile::open(&folder.join("numbers.redb"), 1 << 20, |database| {
//!     let transaction = database.begin_write()?;
//!     transaction.open_table(NUMBERS)?;
//!     Ok(transaction.commit()?)
//! })?;
//! let six = file.with(|database| {
//!     let transaction = database.begin_write()?;
//!     transaction.open_table(NUMBERS)?.insert(2, 6)?;
//!     transaction.commit()?;
//!     let transaction = database.begin_read()?;
//!     let six = transaction.open_table(NUMBERS)?.get(2)?;
//!     Ok(six.map(|six| six.value()))
//! })?;
//! assert_eq!(six, Some(6));
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok(())
//! # }
//! ```

mod backend;

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{Database, Error};

use backend::Backend;

/// Damaged databases that are kept aside at most.
const SET_ASIDE_MAX: u32 = 100;

/// Who is told what is done to the file: nobody, but in tests and counts.
pub trait Watch: Send + Sync + std::fmt::Debug {
    /// Octets were written.
    fn written(&self) {}
    /// What was written is on the disk.
    fn synced(&self) {}
}

/// Nobody.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Watch for Unwatched {}

/// Makes the tables where there are none, and reads what is to be whole.
pub type Prepare = fn(&Database) -> Result<(), Error>;

/// A database in a file.
#[derive(Debug)]
pub struct DatabaseFile {
    path: PathBuf,
    cache_bytes: usize,
    prepare: Prepare,
    watch: Arc<dyn Watch>,
    /// None after it failed, until it is opened again.
    database: Option<Database>,
    set_aside: Option<PathBuf>,
}

impl DatabaseFile {
    /// Opens the database at `path`, or begins one; its directory is made. A damaged one is
    /// kept aside, and a new one begun: [`take_set_aside`](Self::take_set_aside) tells.
    /// `prepare` is called each time that it is opened. It has so many octets of cache.
    ///
    /// # Errors
    /// It cannot be made or read, or another process has it open.
    pub fn open(path: &Path, cache_bytes: usize, prepare: Prepare) -> Result<Self, Error> {
        Self::open_watched(path, cache_bytes, prepare, Arc::new(Unwatched))
    }

    /// The same, with somebody who is told of each step.
    ///
    /// # Errors
    /// As there.
    pub fn open_watched(
        path: &Path,
        cache_bytes: usize,
        prepare: Prepare,
        watch: Arc<dyn Watch>,
    ) -> Result<Self, Error> {
        let mut file = DatabaseFile {
            path: path.to_owned(),
            cache_bytes,
            prepare,
            watch,
            database: None,
            set_aside: None,
        };
        if let Some(directory) = directory_of(path) {
            fs::create_dir_all(directory)?;
        }
        file.with(|_| Ok(()))?;
        Ok(file)
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a damaged database is kept now, if one was found since this was asked last.
    pub fn take_set_aside(&mut self) -> Option<PathBuf> {
        self.set_aside.take()
    }

    /// Runs with the database, which is opened where it is not.
    ///
    /// # Errors
    /// Those of `run`, or of opening it. The next call opens it again.
    pub fn with<T>(&mut self, run: impl FnOnce(&Database) -> Result<T, Error>) -> Result<T, Error> {
        let database = match self.database.take() {
            Some(database) => database,
            None => self.open_or_begin()?,
        };
        let ran = unless_it_panics(|| run(&database));
        match ran {
            Ok(value) => {
                self.database = Some(database);
                Ok(value)
            }
            Err(error) => {
                // It may panic once more on the way out.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(database)));
                Err(error)
            }
        }
    }

    fn open_or_begin(&mut self) -> Result<Database, Error> {
        match self.open_once() {
            Err(error) if is_damage(&error) => {
                self.set_aside = Some(set_aside(&self.path)?);
                self.open_once()
            }
            opened => opened,
        }
    }

    fn open_once(&self) -> Result<Database, Error> {
        unless_it_panics(|| {
            let backend = Backend::open(&self.path, Arc::clone(&self.watch))?;
            let database = Database::builder()
                .set_cache_size(self.cache_bytes)
                .create_with_backend(backend)?;
            (self.prepare)(&database)?;
            // So that the database's name is on the disk, too.
            if let Some(directory) = directory_of(&self.path) {
                fs::File::open(directory)?.sync_all()?;
            }
            Ok(database)
        })
    }
}

/// What to say of an error: which database it was.
#[must_use]
pub fn explained(path: &Path, error: &Error) -> String {
    let path = path.display();
    match error {
        Error::DatabaseAlreadyOpen | Error::LockProtocolMismatch => {
            format!("another process has {path} open")
        }
        error => format!("{path}: {error}"),
    }
}

fn directory_of(path: &Path) -> Option<&Path> {
    let directory = path.parent()?;
    match directory.as_os_str().is_empty() {
        true => Some(Path::new(".")),
        false => Some(directory),
    }
}

/// What the library takes for impossible in a file that it did not write.
fn unless_it_panics<T>(run: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        Err(Error::Corrupted(
            "the database library panicked on it".to_string(),
        ))
    })
}

fn is_damage(error: &Error) -> bool {
    match error {
        Error::Corrupted(_)
        | Error::RepairAborted
        | Error::UpgradeRequired(_)
        | Error::TableTypeMismatch { .. }
        | Error::TypeDefinitionChanged { .. } => true,
        // No database at all, or one that ends too soon.
        Error::Io(error) => matches!(
            error.kind(),
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
        ),
        _ => false,
    }
}

fn set_aside(path: &Path) -> io::Result<PathBuf> {
    for number in 1..=SET_ASIDE_MAX {
        let mut aside = path.as_os_str().to_owned();
        aside.push(format!(".damaged-{number}"));
        let aside = PathBuf::from(aside);
        // The last place is used again and again.
        if number == SET_ASIDE_MAX || !aside.exists() {
            fs::rename(path, &aside)?;
            return Ok(aside);
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
