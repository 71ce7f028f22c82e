//! The thread that makes the state of the security layer durable.

use std::sync::{Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded, select};

use super::Shell;
use crate::security::StateFiles;

/// The state's files, and the way to the thread that writes them.
pub(super) struct SecurityState {
    /// Closed, so that the next process can have them, once the shell is.
    files: Mutex<Option<StateFiles>>,
    jobs: Sender<Job>,
}

/// Octets to be stored, and the engine's name for them.
pub(super) struct Job {
    token: u64,
    octets: Vec<u8>,
}

impl SecurityState {
    pub(super) fn new(files: StateFiles) -> (SecurityState, Receiver<Job>) {
        // The engine asks for the next store when it knows how the last one ended.
        let (jobs, receiver) = bounded(1);
        let files = Mutex::new(Some(files));
        (SecurityState { files, jobs }, receiver)
    }

    pub(super) fn ask(&self, token: u64, octets: Vec<u8>) {
        let _ = self.jobs.try_send(Job { token, octets });
    }

    /// The last store.
    pub(super) fn close(&self, octets: &[u8]) {
        if let Err(error) = self.store(octets) {
            log::warn!("the security state could not be stored at the end: {error}");
        }
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.take();
    }

    fn store(&self, octets: &[u8]) -> Result<(), String> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        match &*files {
            Some(files) => files.store(octets).map_err(|error| error.to_string()),
            None => Err("its files are closed".to_string()),
        }
    }
}

pub(super) fn run(shell: &Shell, jobs: &Receiver<Job>) {
    let Some(state) = shell.security_state.get() else {
        return;
    };
    let store = |job: Job| {
        let result = state.store(&job.octets);
        if let Err(error) = &result {
            log::error!("the security state could not be stored: {error}");
        }
        shell.with(|link, now| link.handle_security_stored(now, job.token, result));
    };
    loop {
        select! {
            recv(jobs) -> job => match job {
                Ok(job) => store(job),
                Err(_) => return,
            },
            recv(shell.end().requested()) -> _ => {
                jobs.try_iter().for_each(store);
                return;
            }
        }
    }
}
