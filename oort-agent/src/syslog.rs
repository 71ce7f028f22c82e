//! The log as datagrams to the system's: RFC 3164 as local programs speak it.

use std::io;
use std::os::unix::net::UnixDatagram;

use log::{Level, LevelFilter, Log, Metadata, Record};

/// Where it is.
const SOCKET: &str = "/dev/log";
/// Of a daemon: RFC 3164 §4.1.1.
const FACILITY: u8 = 3;

struct Syslog {
    socket: UnixDatagram,
    ident: String,
    level: LevelFilter,
}

/// Logs there from now on, under this name.
pub(crate) fn start(ident: &str, level: LevelFilter) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(SOCKET)?;
    let syslog = Syslog {
        socket,
        ident: ident.to_owned(),
        level,
    };
    log::set_boxed_logger(Box::new(syslog)).map_err(io::Error::other)?;
    log::set_max_level(level);
    Ok(())
}

impl Log for Syslog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.level
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let severity = match record.level() {
            Level::Error => 3,
            Level::Warn => 4,
            Level::Info => 6,
            Level::Debug | Level::Trace => 7,
        };
        let priority = FACILITY * 8 + severity;
        let (ident, process) = (&self.ident, std::process::id());
        let line = format!("<{priority}>{ident}[{process}]: {}", record.args());
        // Where nobody listens, nobody wants to know.
        let _ = self.socket.send(line.as_bytes());
    }

    fn flush(&self) {}
}
