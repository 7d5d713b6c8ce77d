//! A batch on its way through intake: what is submitted, under which rules, and what comes back.

use std::sync::Arc;

use card_schema::clock::Micros;
use card_schema::envelope::PublicKey;
use card_schema::envelope::receipt::TapOutcome;
use card_schema::ids::TerminalId;
use card_schema::wire::terminal::Limits;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::memory::Memory;
use super::verify::Candidate;
use crate::config::Config;
use crate::db::DbError;
use crate::domains::purse::DayLimits;

/// A terminal's clock may be off by a day; what is further off is for a person to look at.
const CLOCK_TOLERANCE_SECONDS: i64 = 86_400;
/// Taps may come in this long after they were made.
const OFFLINE_LIMIT_SECONDS: i64 = 30 * 86_400;

/// The service's rules for taps.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// The limits that terminals keep as well.
    pub limits: Limits,
    /// What a holder may pay on one day.
    pub day_limits: DayLimits,
    /// How far a terminal's clock may be off, in seconds.
    pub clock_tolerance_seconds: i64,
    /// How long ago a tap may have been made when it comes in, in seconds.
    pub offline_limit_seconds: i64,
}

impl Policy {
    /// As it is configured.
    pub fn of(config: &Config) -> Self {
        Self {
            limits: config.limits.into(),
            day_limits: config.limits.into(),
            clock_tolerance_seconds: CLOCK_TOLERANCE_SECONDS,
            offline_limit_seconds: OFFLINE_LIMIT_SECONDS,
        }
    }
}

/// What every group is decided with.
#[derive(Debug)]
pub(super) struct Means {
    /// The rules.
    pub(super) policy: Policy,
    /// What need not be read again.
    pub(super) memory: Memory,
}

/// A verified batch, waiting to be decided.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The terminal that signed it.
    pub terminal: TerminalId,
    /// The key with which it signed.
    pub key: PublicKey,
    /// Its taps in order.
    pub taps: Vec<Candidate>,
    /// When it came in.
    pub received_at: Micros,
}

/// Why a batch was not decided.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// No room in the queue.
    #[error("the queue is full")]
    Full,
    /// The terminal is not known (any more).
    #[error("the terminal is not known")]
    UnknownTerminal,
    /// Nothing was written.
    #[error("the batch could not be written")]
    Db(#[source] Arc<DbError>),
    /// The service is stopping.
    #[error("the service is stopping")]
    Stopping,
}

/// One answer a tap, in the order of the batch.
pub(super) type Answer = Result<Vec<TapOutcome>, SubmitError>;

/// A batch in the queue, and who waits for its answer.
pub(super) struct Command {
    pub(super) submission: Arc<Submission>,
    pub(super) reply: oneshot::Sender<Answer>,
    pub(super) queued_at: Instant,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Command").field("taps", &self.submission.taps.len()).finish_non_exhaustive()
    }
}
