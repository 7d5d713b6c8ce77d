//! Ports for programs that are told theirs before they start, and again when they come back.

use std::{fs, net::TcpListener};

use anyhow::{Context, Result};

/// The kernel's range for whoever names no port (Linux `Documentation/networking/ip-sysctl.rst`).
const EPHEMERAL: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// A port of this machine on which nothing listens. It lies below those that the kernel gives away, so no connection of
/// another test takes it before its program does, or while its program is being started again.
///
/// # Errors
/// When the kernel does not tell its range, or gives away nearly every port.
pub fn free() -> Result<u16> {
    let range = fs::read_to_string(EPHEMERAL).context(EPHEMERAL)?;
    let end: u16 = range.split_whitespace().next().and_then(|first| first.parse().ok()).context("a range of ports")?;
    let start = end / 2;
    // Another town looks at the same moment: not in order, so that they do not meet.
    (0..1000)
        .map(|_| fastrand::u16(start..end))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .context("a free port below those that the kernel gives away")
}
