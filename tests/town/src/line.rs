//! A line that carries bytes and can be broken as networks are: the way from the daemons to the service, where a story
//! wants to break it. It reads nothing of what it carries.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use nix::{
    libc::linger,
    sys::socket::{setsockopt, sockopt::Linger},
};

use crate::port;

/// How often a silent connection looks whether its line has changed.
const LOOK: Duration = Duration::from_millis(10);
/// Bytes that are carried at once.
const CHUNK: usize = 16 * 1024;
/// Bytes that a slow line carries at once, and how long each takes: 2 kB/s.
const SLOW: (usize, Duration) = (64, Duration::from_millis(32));

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Everything comes so much later.
    Latency(Duration),
    /// Connections are reset, those that stand and those that begin.
    Reset,
    /// Connections stand and nothing comes: a firewall has forgotten them.
    HalfOpen,
    /// As slow as a line of the eighties.
    Slow,
    /// The next answer ends in its middle, and so does every connection.
    Truncated,
}

impl Fault {
    /// A line around the world and back, on a bad day.
    pub const LATE: Self = Self::Latency(Duration::from_millis(700));
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    fault: Option<Fault>,
    /// The fault that comes as soon as something has gone up.
    next: Option<Fault>,
    /// Counts repairs: connections of which bytes are lost do not live through one.
    repairs: u64,
    /// Counts the times that all connections were forgotten.
    forgotten: u64,
}

/// A line from a port of its own to another.
#[derive(Clone, Debug)]
pub struct Line {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

impl Line {
    /// Begins to carry whatever comes to its port to port `to`, as long as this process lives.
    ///
    /// # Errors
    /// When there is no port.
    pub fn start(to: u16) -> Result<Self> {
        let port = port::free()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).context("the line's port")?;
        let line = Self { port, state: Arc::default() };
        let carrier = line.clone();
        thread::spawn(move || {
            for from in listener.incoming().flatten() {
                carrier.connect(from, to);
            }
        });
        Ok(line)
    }

    /// Where it begins.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Breaks it, also for the connections that stand.
    pub fn break_with(&self, fault: Fault) {
        self.lock().fault = Some(fault);
    }

    /// Breaks it as soon as something has gone up, so that its answer finds it broken.
    pub fn break_after_next_request(&self, fault: Fault) {
        self.lock().next = Some(fault);
    }

    /// Resets every connection that stands; those that begin are carried.
    pub fn forget(&self) {
        self.lock().forgotten += 1;
    }

    /// Repairs it. Connections that have lost bytes are reset.
    pub fn repair(&self) {
        let mut state = self.lock();
        (state.fault, state.next) = (None, None);
        state.repairs += 1;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding this lock")
    }

    fn now(&self) -> State {
        *self.lock()
    }

    fn connect(&self, from: TcpStream, to: u16) {
        if self.now().fault == Some(Fault::Reset) {
            return reset(&from);
        }
        // Nobody listens there while the service is stopped.
        let Ok(there) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)) else { return reset(&from) };
        let ends = from.try_clone().and_then(|from| Ok((from, there.try_clone()?)));
        let Ok((from_again, there_again)) = ends else { return };
        let connection =
            Arc::new(Connection { line: self.clone(), begun: self.now(), is_reset: AtomicBool::new(false) });
        let back = Arc::clone(&connection);
        thread::spawn(move || connection.carry(from, there, Way::Up));
        thread::spawn(move || back.carry(there_again, from_again, Way::Down));
    }
}

/// One connection through the line.
struct Connection {
    line: Line,
    begun: State,
    is_reset: AtomicBool,
}

impl Connection {
    /// Carries one way, until the connection ends or the line ends it.
    fn carry(&self, mut from: TcpStream, mut to: TcpStream, way: Way) {
        if self.until_end(&mut from, &mut to, way).is_ok() {
            // The other way may still be under way; what it says has nobody to hear it.
            let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
            return;
        }
        // Closed when the other way has seen it, too.
        self.is_reset.store(true, Ordering::Relaxed);
        reset(&from);
        reset(&to);
    }

    /// `Err` where the connection is to be reset.
    fn until_end(&self, from: &mut TcpStream, to: &mut TcpStream, way: Way) -> Result<(), ()> {
        from.set_read_timeout(Some(LOOK)).map_err(drop)?;
        let mut chunk = vec![0; CHUNK];
        // The number of the repair before which bytes of this connection were lost.
        let mut lost: Option<u64> = None;
        loop {
            let read = from.read(&mut chunk);
            let State { fault, repairs, forgotten, .. } = self.line.now();
            let is_lost = lost.is_some_and(|lost| lost != repairs) || forgotten != self.begun.forgotten;
            if is_lost || fault == Some(Fault::Reset) || self.is_reset.load(Ordering::Relaxed) {
                return Err(());
            }
            let bytes = match read {
                Ok(0) => return Ok(()),
                Ok(bytes) => &chunk[..bytes],
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
                Err(_) => return Err(()),
            };
            match fault {
                Some(Fault::HalfOpen) => lost = Some(repairs),
                Some(Fault::Truncated) if way == Way::Down => {
                    return to.write_all(&bytes[..bytes.len() / 2]).map_err(drop);
                }
                Some(Fault::Slow) => self.carry_slowly(bytes, to)?,
                Some(Fault::Latency(latency)) => {
                    thread::sleep(latency);
                    to.write_all(bytes).map_err(drop)?;
                }
                None | Some(Fault::Reset | Fault::Truncated) => to.write_all(bytes).map_err(drop)?,
            }
            if way == Way::Up {
                let mut state = self.line.lock();
                state.fault = state.next.take().or(state.fault);
            }
        }
    }

    /// As long as the line is slow.
    fn carry_slowly(&self, bytes: &[u8], to: &mut TcpStream) -> Result<(), ()> {
        for part in bytes.chunks(SLOW.0) {
            if self.line.now().fault == Some(Fault::Slow) {
                thread::sleep(SLOW.1);
            }
            to.write_all(part).map_err(drop)?;
        }
        Ok(())
    }
}

/// The next close of this end is a reset.
fn reset(end: &TcpStream) {
    // An end that is closed already needs none.
    let _ = setsockopt(end, Linger, &linger { l_onoff: 1, l_linger: 0 });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody who says back whatever is said.
    fn echo() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for end in listener.incoming().flatten() {
                thread::spawn(move || std::io::copy(&mut &end, &mut &end));
            }
        });
        port
    }

    /// What comes back of eight bytes: all, a part, nothing in time, or an error.
    fn said(end: &mut TcpStream) -> Result<usize, ErrorKind> {
        end.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let mut back = [0; 8];
        end.write_all(b"12345678").map_err(|error| error.kind())?;
        let mut come = 0;
        while come < back.len() {
            match end.read(&mut back[come..]).map_err(|error| error.kind())? {
                0 => break,
                more => come += more,
            }
        }
        Ok(come)
    }

    #[test]
    fn each_fault_does_what_it_says_and_a_repaired_line_carries() {
        for fault in [Fault::LATE, Fault::Reset, Fault::HalfOpen, Fault::Slow, Fault::Truncated] {
            let line = Line::start(echo()).unwrap();
            let mut end = TcpStream::connect((Ipv4Addr::LOCALHOST, line.port())).unwrap();
            assert_eq!(said(&mut end), Ok(8), "before {fault:?}");
            line.break_with(fault);
            let broken = said(&mut end);
            match fault {
                Fault::Latency(_) | Fault::Slow => assert_eq!(broken, Ok(8), "{fault:?}"),
                Fault::Truncated => assert_eq!(broken, Ok(4)),
                Fault::HalfOpen => assert_eq!(broken, Err(ErrorKind::WouldBlock)),
                Fault::Reset => assert!(broken.is_err() || broken == Ok(0), "{broken:?}"),
            }
            line.repair();
            let mut end = TcpStream::connect((Ipv4Addr::LOCALHOST, line.port())).unwrap();
            assert_eq!(said(&mut end), Ok(8), "after {fault:?}");
        }
    }
}
