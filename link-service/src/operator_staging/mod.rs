//! Files that go down by means of the operator's own: each request is staged as a directory,
//! from which a program of the operator takes them, and in which it says what became of them.
//! The source is released when it says that the ground has the files.
//!
//! ```text
//! STAGING/NUMBER/request.json     who sends, what it is called at the ground, sizes and hashes
//! STAGING/NUMBER/files/NAME       the files: all of a batch, or none
//! STAGING/NUMBER/delivered        made by the operator: the ground has them
//! STAGING/NUMBER/failed           made by the operator: it never gets them; why stands in it
//! ```
//!
//! `NUMBER` is that of the transfer. The directory appears whole: it is renamed once all is
//! synced. It is removed once the word of the operator is in the journal, or the sender or its
//! time has ended the request. One that disappears without a word is staged again.

mod paper;
mod place;
mod run;

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Sender, bounded};

pub use place::{Place, Word};

use crate::desk::Desk;
use crate::folders::Folders;
use crate::journal::Journal;
use run::Run;

/// The thread that stages. Dropped, it ends; what is staged stays, for the next.
pub struct OperatorStaging {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl OperatorStaging {
    /// Starts the thread `staging`, which takes from the desk what is to go to the ground.
    ///
    /// # Errors
    /// When the system has no thread, or the directory cannot be read.
    pub fn start<F, J>(desk: Arc<Desk<F, J>>, place: Place) -> io::Result<Self>
    where
        F: Folders + 'static,
        J: Journal + 'static,
    {
        let (end, ended) = bounded(0);
        let mut run = Run::new(desk, place)?;
        let thread = thread::Builder::new()
            .name("staging".to_owned())
            .spawn(move || run.until(&ended))?;
        Ok(OperatorStaging {
            end: Some(end),
            thread: Some(thread),
        })
    }
}

impl Drop for OperatorStaging {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            // It told of a panic itself.
            let _ = thread.join();
        }
    }
}
