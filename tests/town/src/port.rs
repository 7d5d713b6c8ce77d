//! Ports for programs that are told theirs before they start, and again when they come back.

use std::{
    fs,
    net::TcpListener,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixListener},
    },
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result};

/// The kernel's range for whoever names no port (Linux `Documentation/networking/ip-sysctl.rst`).
const EPHEMERAL: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// What this process has taken, until it ends.
static TAKEN: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());

/// A port of this machine on which nothing listens, which is this process's until it ends. It lies below those that
/// the kernel gives away, so no connection of another test takes it before its program does, or while its program is
/// being started again.
///
/// # Errors
/// When the kernel does not tell its range, or gives away nearly every port.
pub fn free() -> Result<u16> {
    let range = fs::read_to_string(EPHEMERAL).context(EPHEMERAL)?;
    let end: u16 = range.split_whitespace().next().and_then(|first| first.parse().ok()).context("a range of ports")?;
    let start = end / 2;
    // Another town looks at the same moment: not in order, so that they seldom meet.
    (0..1000)
        .map(|_| fastrand::u16(start..end))
        .find(|port| take(*port) && TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .context("a free port below those that the kernel gives away")
}

/// Takes a port for this process; whether no other town has it. It is taken as a name in the kernel (`unix(7)`, abstract
/// sockets), which no file outlives.
fn take(port: u16) -> bool {
    let name = SocketAddr::from_abstract_name(format!("new-resident-card/port/{port}"));
    let Ok(held) = name.and_then(|name| UnixListener::bind_addr(&name)) else { return false };
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner).push(held);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_once() {
        let port = free().unwrap();
        // Nothing listens there yet, and still it is nobody else's.
        assert!(TcpListener::bind(("127.0.0.1", port)).is_ok());
        assert!(!take(port));
    }
}
