//! `ground audit`: who asked what of the tasking API.

use std::io::{self, ErrorKind};

use super::token::open;
use crate::arguments::AuditArguments;
use crate::error::GroundError;
use crate::output::print_line;
use crate::tasking::audit::Logged;
use crate::tasking::plan::Plan;
use crate::tasking::store::StoreError;

/// Why it is not all printed.
enum Undone {
    Store(StoreError),
    Output(io::Error),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Undone::Store(error)
    }
}

pub(crate) fn audit(plan: &Plan, arguments: &AuditArguments) -> Result<(), GroundError> {
    let store = open(plan)?;
    let printed = store.look(|tables| {
        let after = match arguments.last {
            Some(count) => tables.audit_before_last(count)?,
            None => arguments.after.unwrap_or(0),
        };
        tables.audit(after, |logged| {
            let line = match arguments.json {
                // Numbers and texts: nothing in it can fail.
                true => serde_json::to_string(&logged).unwrap_or_default(),
                false => Logged::line(&logged),
            };
            print_line(line.as_bytes()).map_err(Undone::Output)?;
            Ok(true)
        })
    });
    match printed {
        Ok(()) => Ok(()),
        // Whoever reads has had enough, as `head` does.
        Err(Undone::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(Undone::Output(error)) => Err(GroundError::Output(error)),
        Err(Undone::Store(error)) => Err(GroundError::Tasking {
            problem: error.to_string(),
        }),
    }
}
