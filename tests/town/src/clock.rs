//! What time it is for those in the town who go by a clock of their own.

use std::time::SystemTime;

use anyhow::{Context, Result};

/// Seconds since 1970.
///
/// # Errors
/// Where the clock is older than that.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub(crate) fn seconds() -> Result<u64> {
    Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("the clock")?.as_secs())
}
