//! Waiting for something to become true: bounded, never for a fixed time.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

/// How long anything in a town may take before it counts as hung. Generous: test machines are shared.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again, first quickly and then every 50 ms, until there is an answer.
///
/// # Errors
/// Whatever `ask` fails with, or that it did not come true within [`PATIENCE`].
pub fn until<T>(what: &str, ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    within(PATIENCE, what, ask)
}

/// Like [`until`], for what may take another time.
///
/// # Errors
/// Whatever `ask` fails with, or that it did not come true in time.
pub fn within<T>(patience: Duration, what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let began = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if began.elapsed() > patience {
            bail!("waited {} s in vain: {what}", patience.as_secs());
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}
