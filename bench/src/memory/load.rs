//! Everything full at once: handlers, their queue, reassembly, command memory, errors
//! and the queue before the radio.

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use comms_service::message::{Class, PayloadType};

use super::ground::DISCARD_PORT;
use super::services::{Answering, Silent};
use super::site::Site;
use crate::cpu::{self, Usage};

/// As many as are remembered.
const COMMANDS: usize = 4096;
/// Commands with the service at once: fewer than may wait for a handler.
const COMMANDS_AT_ONCE: usize = 32;
/// Of which as many as are kept are errors.
const GARBAGE_PACKETS: usize = 200;
/// As many as handlers; and again so many may wait for one.
const QUERIES: usize = 50;
const QUERY_BYTES: usize = 64 * 1024;
/// More than may wait for the radio.
const DATAGRAMS: usize = 2000;
const DATAGRAM_BYTES: usize = 4000;
/// Messages whose ends never come, on channels of their own, and their octets.
const UNFINISHED: [(PayloadType, Class, usize); 3] = [
    (PayloadType::GraphQl, Class::Bulk, 900 * 1024),
    (PayloadType::Udp, Class::Standard, 60_000),
    (PayloadType::Udp, Class::Bulk, 60_000),
];

/// Between two messages, so that no socket's buffer is too small for what is sent.
const PAUSE: Duration = Duration::from_micros(300);
const SETTLES_AFTER: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(60);

/// Services that the load is with.
pub(super) struct Load {
    answering: Answering,
    silent: Silent,
}

/// What a service holds under the load.
pub(super) struct Full {
    pub(super) usage: Usage,
    held: String,
    queued: u64,
    in_flight: u64,
    commands: u64,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} KiB resident, {} threads; {}; {} messages and packets queued, {} being worked \
             on, {} commands remembered",
            self.usage.resident_kib,
            self.usage.threads,
            self.held,
            self.queued,
            self.in_flight,
            self.commands
        )
    }
}

impl Load {
    /// Starts the services.
    ///
    /// # Errors
    /// When there is no socket.
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            answering: Answering::start()?,
            silent: Silent::start()?,
        })
    }

    /// Fills everything; gives what the service takes then.
    ///
    /// # Errors
    /// When a socket fails.
    pub(super) fn apply(&mut self, site: &mut Site) -> Result<Full> {
        self.fill_command_memory(site)?;
        for _ in 0..GARBAGE_PACKETS {
            site.ground.garbage()?;
            thread::sleep(PAUSE);
        }
        self.silent.hold();
        self.ask(site)?;
        for _ in 0..DATAGRAMS {
            site.datagram(&[0x5A; DATAGRAM_BYTES])?;
            thread::sleep(PAUSE);
        }
        for (payload_type, class, bytes) in UNFINISHED {
            let payload = vec![0x5A; bytes];
            site.ground
                .send_without_end(payload_type, class, &payload, PAUSE)?;
        }
        // Last: they have the part of the budget that datagrams may not have.
        self.ask(site)?;
        thread::sleep(SETTLES_AFTER);
        let usage = cpu::usage(site.id())?;
        let metrics = site.metrics()?;
        Ok(Full {
            usage,
            held: site.memory_bytes()?,
            queued: metrics.sum("heliograph_queued{"),
            in_flight: metrics.sum("heliograph_in_flight{"),
            commands: metrics.value("heliograph_commands_remembered")?,
        })
    }

    /// Queries that are not answered.
    fn ask(&self, site: &mut Site) -> Result<()> {
        for _ in 0..QUERIES {
            site.ground
                .query(self.silent.port(), &[b' '; QUERY_BYTES])?;
            thread::sleep(PAUSE * 10);
        }
        Ok(())
    }

    fn fill_command_memory(&self, site: &mut Site) -> Result<()> {
        site.ground.wait_at_most(Duration::from_secs(1))?;
        let body = b"{\"query\":\"mutation { turn }\"}";
        let mut asked = 0;
        let mut open = 0_usize;
        while asked < COMMANDS || open > 0 {
            while asked < COMMANDS && open < COMMANDS_AT_ONCE {
                site.ground.query(self.answering.port(), body)?;
                asked += 1;
                open += 1;
            }
            match site.ground.hear()? {
                true => open = open.saturating_sub(1),
                false => open = 0,
            }
        }
        Ok(())
    }

    /// Ends the load; waits until the service has nothing more to do.
    ///
    /// # Errors
    /// When it does not come to that.
    pub(super) fn wait_until_over(&mut self, site: &mut Site) -> Result<()> {
        self.silent.hang_up();
        for (payload_type, class, _) in UNFINISHED {
            // A new message ends the one before it.
            site.ground.send(payload_type, class, DISCARD_PORT, b"x")?;
        }
        let began = Instant::now();
        site.ground.wait_at_most(SETTLES_AFTER)?;
        loop {
            while site.ground.hear()? {}
            let metrics = site.metrics()?;
            let rest = metrics.sum("heliograph_queued{") + metrics.sum("heliograph_in_flight{");
            if rest == 0 {
                return Ok(());
            }
            ensure!(
                began.elapsed() < PATIENCE,
                "the load did not come to its end"
            );
        }
    }
}
