//! Why a transfer is not posted.

use card_schema::clock::Micros;

/// Why a transfer is not posted. Numbers of transfers are those within the shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// Zero or below.
    #[error("the amount {0} is not above zero")]
    Amount(i64),
    /// Over [`MAX_AMOUNT`](super::MAX_AMOUNT).
    #[error("the amount {0} is over the limit of one transfer")]
    AmountTooLarge(i64),
    /// Two units, two shards, or an account with itself.
    #[error("a transfer needs two different accounts of one unit in one shard")]
    Accounts,
    /// A hold that would be over before it began.
    #[error("the time to post a hold, {0} microseconds, is not above zero")]
    Timeout(i64),
    /// What is available does not cover the amount.
    #[error("{available} is available, which does not cover {amount}")]
    Overdraft {
        /// Balance less holds, down to the account's credit limit.
        available: i64,
        /// What was asked for.
        amount: i64,
    },
    /// A balance, or the sum of the holds on it, would leave the range of 64 bits.
    #[error("a balance would overflow")]
    Overflow,
    /// The same cause has already moved something else.
    #[error("this reference was already used for another transfer")]
    ReferenceReused,
    /// The transfer that is named does not exist in this shard.
    #[error("there is no transfer {0} in this shard")]
    NotFound(i64),
    /// The end of a hold differs from the hold, or a reversal from its original, in more than it may.
    #[error("accounts, kind or amount are not those of transfer {0}, which is named")]
    Mismatch(i64),
    /// Only a hold can be posted, voided or expire.
    #[error("transfer {0} is not a hold")]
    NotAHold(i64),
    /// More is to be posted than was held.
    #[error("{held} is held, which does not cover {amount}")]
    OverHold {
        /// What the hold set aside.
        held: i64,
        /// What was asked for.
        amount: i64,
    },
    /// A hold is posted once; what was not posted of it is released.
    #[error("hold {0} was already posted")]
    HoldPosted(i64),
    /// Released by somebody.
    #[error("hold {0} was voided")]
    HoldVoided(i64),
    /// Its time is over, whether or not that was posted yet.
    #[error("the time of hold {0} is over")]
    HoldExpired(i64),
    /// Its time is not over.
    #[error("hold {hold} may be posted until {} microseconds since 1970", expires_at.0)]
    HoldNotDue {
        /// The hold.
        hold: i64,
        /// From when it can expire.
        expires_at: Micros,
    },
    /// A hold, a void or an expiry: no balance moved.
    #[error("transfer {0} moved nothing that could be reversed")]
    NothingToReverse(i64),
    /// What was reversed in error is transferred anew.
    #[error("transfer {0} is itself a reversal")]
    ReversalOfReversal(i64),
    /// All reversals together would move back more than the original moved.
    #[error("{left} is left to reverse, which does not cover {amount}")]
    OverReversal {
        /// What the original moved less what was reversed of it.
        left: i64,
        /// What was asked for.
        amount: i64,
    },
    /// Linked transfers are of one shard: what stands or falls together is written together.
    #[error("linked transfers need accounts of one shard")]
    LinkedShards,
}

/// Why none of some linked transfers is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("linked transfer {index} is refused")]
pub struct Refused {
    /// The first that is refused, counted from 0.
    pub index: usize,
    /// Why.
    #[source]
    pub reason: LedgerError,
}
