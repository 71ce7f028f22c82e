//! The life of one connection, on a thread of its own.

use std::io::{self, BufReader, ErrorKind, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::request::{self, Request};
use super::{Behaviour, Moment, Reply, Shared};

/// How often a waiting connection looks for its moment, and at its client.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// An accepted connection. However its thread ends, it is closed and taken out
/// of the service's books.
pub(super) struct Connection<'a> {
    pub(super) stream: TcpStream,
    pub(super) number: usize,
    pub(super) shared: &'a Shared,
}

impl Connection<'_> {
    /// Serves requests until either end closes; with no behaviour, reads none.
    pub(super) fn serve(self, behaviour: Option<&Behaviour>) {
        let served = match behaviour {
            Some(behaviour) => self.exchange(behaviour),
            None => self.wait_for(&Moment::Never),
        };
        match served {
            Err(error) if error.kind() == ErrorKind::InvalidData => self.refuse(&error.to_string()),
            // The client is gone, or the service is being dropped.
            Ok(()) | Err(_) => {}
        }
    }

    fn exchange(&self, behaviour: &Behaviour) -> io::Result<()> {
        self.stream.set_nodelay(true)?;
        let mut reader = BufReader::new(&self.stream);
        while let Some(request) = request::read(&mut reader, &mut &self.stream, self.number)? {
            let request = self.record(request);
            let reply = behaviour(&request);
            self.wait_for(&reply.starts)?;
            self.send(&reply)?;
            if request.asks_to_close() {
                break;
            }
            if reader.buffer().is_empty() && self.is_idle_until(&reply.closes)? {
                break;
            }
        }
        Ok(())
    }

    fn record(&self, mut request: Request) -> Request {
        self.shared.change(|state| {
            request.number = state.requests.len();
            state.requests.push(request.clone());
        });
        request
    }

    fn send(&self, reply: &Reply) -> io::Result<()> {
        let octets = reply.octets();
        let Some(pause) = reply.drip else {
            return (&self.stream).write_all(&octets);
        };
        for octet in octets {
            (&self.stream).write_all(&[octet])?;
            self.wait_for(&Moment::After(pause))?;
        }
        Ok(())
    }

    fn refuse(&self, why: &str) {
        self.shared
            .change(|state| state.malformed.push(why.to_owned()));
        let refusal = Reply::status(400, why).then_close();
        // The connection ends here whether the client hears this or not.
        let _ = (&self.stream).write_all(&refusal.octets());
    }

    /// Waits for `moment`; an error when the client hangs up before.
    fn wait_for(&self, moment: &Moment) -> io::Result<()> {
        let since = Instant::now();
        while !moment.has_come(since) {
            if self.look()? == Sight::Octets {
                thread::sleep(POLL_INTERVAL);
            }
        }
        Ok(())
    }

    /// Waits for `moment` and says whether it came before any further request.
    fn is_idle_until(&self, moment: &Moment) -> io::Result<bool> {
        if matches!(moment, Moment::Never) {
            return Ok(false);
        }
        let since = Instant::now();
        while !moment.has_come(since) {
            if self.look()? == Sight::Octets {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Looks for up to [`POLL_INTERVAL`] whether the client sends anything, and
    /// leaves that unread; an error when it has hung up, which cannot be seen
    /// behind unread octets, or when the service is being dropped.
    fn look(&self) -> io::Result<Sight> {
        if self.shared.lock().stopping {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        self.stream.set_read_timeout(Some(POLL_INTERVAL))?;
        let seen = self.stream.peek(&mut [0]);
        self.stream.set_read_timeout(None)?;
        match seen {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(Sight::Octets),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(Sight::Nothing)
            }
            Err(error) => Err(error),
        }
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        // Fails when the client has closed it already.
        let _ = self.stream.shutdown(Shutdown::Both);
        self.shared
            .change(|state| state.connections.remove(&self.number));
    }
}

#[derive(PartialEq)]
enum Sight {
    Nothing,
    Octets,
}
