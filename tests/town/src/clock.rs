//! What time it is in the town: that of the machine, unless a story plays on other days.

use std::{
    process::Command,
    sync::atomic::{AtomicI32, Ordering},
    time::SystemTime,
};

use anyhow::{Context, Result};
use card_schema::{clock::Micros, date::Date};

/// Gives a program another clock (Debian's libfaketime). The loader puts the machine's library folder for `$LIB`.
const LIBRARY: &str = "/usr/$LIB/faketime/libfaketimeMT.so.1";
const DAY_SECONDS: i64 = 86_400;

/// Days by which the town is ahead of the machine. One for all, as a story has a process of its own.
static AHEAD: AtomicI32 = AtomicI32::new(0);

/// Moves the town by so many days from the machine's clock: what starts from now on goes by it. Browsers do not.
pub fn set_days_ahead(days: i32) {
    AHEAD.store(days, Ordering::Relaxed);
}

/// Seconds since 1970, in the town.
///
/// # Errors
/// Where the clock is older than that.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub(crate) fn seconds() -> Result<u64> {
    let machine = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("the clock")?.as_secs();
    let ahead = i64::from(AHEAD.load(Ordering::Relaxed)) * DAY_SECONDS;
    machine.checked_add_signed(ahead).context("the clock")
}

/// Gives a program the town's clock, or one that is wrong by so many days.
pub(crate) fn give(command: &mut Command, days_wrong: i32) {
    let ahead = AHEAD.load(Ordering::Relaxed) + days_wrong;
    if ahead != 0 {
        // The wall clock only: what waits for so long must go on waiting for so long.
        command.env("LD_PRELOAD", LIBRARY).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command.env("FAKETIME", format!("{ahead:+}d"));
    }
}

/// The day in China.
///
/// # Errors
/// Where the clock is older than 1970.
pub fn today() -> Result<Date> {
    Ok(Date::in_china(Micros::from_seconds(i64::try_from(seconds()?)?)))
}
