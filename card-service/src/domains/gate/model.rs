//! What a gate counts.

use card_schema::clock::Micros;
use card_schema::ids::{Shard, TerminalId};

/// One question at a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Where the count is kept.
    pub shard: Shard,
    /// The gate.
    pub terminal: TerminalId,
    /// Hours since 1970 UTC.
    pub hour: i64,
    /// The answer.
    pub passed: bool,
}

/// The hour of a time.
pub(super) fn hour(at: Micros) -> i64 {
    at.seconds().div_euclid(3_600)
}
