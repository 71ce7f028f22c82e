//! The handler threads: each takes a query, posts it, brings the answer back.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crossbeam_channel::{Receiver, after, never, select};

use super::http::{Client, IDLE_TIMEOUT};
use super::performer::Job;
use crate::accounting::DropReason;
use crate::link::ServiceFailure;
use crate::shell::{OWN_STACK_BYTES, Shell, Threads};

pub(super) fn start(
    shell: &Arc<Shell>,
    handlers: usize,
    jobs: Receiver<Job>,
    client: &Arc<Client>,
    threads: &mut Threads,
) -> io::Result<()> {
    for number in 0..handlers {
        let (shell, jobs, client) = (Arc::clone(shell), jobs.clone(), Arc::clone(client));
        let run = move || run(&shell, &jobs, &client);
        threads.spawn(&format!("handler-{number}"), OWN_STACK_BYTES, run)?;
    }
    Ok(())
}

fn run(shell: &Shell, jobs: &Receiver<Job>, client: &Client) {
    let mut has_worked = false;
    loop {
        // The last handler at work closes the connections that nobody needs any
        // more; all others sleep.
        let idle = if has_worked {
            after(IDLE_TIMEOUT)
        } else {
            never()
        };
        let job = select! {
            recv(jobs) -> job => job,
            recv(idle) -> _ => {
                client.close_idle();
                has_worked = false;
                continue;
            }
            recv(shell.stop().requested()) -> _ => return,
        };
        let Ok(job) = job else { return };
        // Both may be there at once: a query that waited is not posted any more.
        if shell.is_stopping() {
            return;
        }
        let (handler, port) = (job.handler, job.port);
        let answer = catch_unwind(AssertUnwindSafe(|| client.post(port, &job.body)));
        let answer = answer.unwrap_or_else(|_| {
            Err(ServiceFailure {
                reason: DropReason::ServiceError,
                message: format!("the handler failed on the answer of port {port}"),
            })
        });
        drop(job);
        shell.with(|link, _| link.handle_answer(handler, answer));
        has_worked = true;
    }
}
