//! The one place that reads the wall clock, and in which time people here read it. Everything that decides by time takes it as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

use card_schema::clock::Micros;
use jiff::tz::Offset;

/// China has one time.
pub const CHINA: Offset = Offset::constant(8);

/// Now, by this machine's clock, which nobody else need believe.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub fn now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
