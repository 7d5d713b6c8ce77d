//! A reversal as somebody wants it, and as it was done. No I/O.

use card_schema::clock::Micros;
use card_schema::ids::CardId;
use card_schema::money::Fen;
use card_schema::operation::OperationCode;
use serde::{Deserialize, Serialize};

use crate::ledger::TransferKind;

/// Why something is reversed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The same was booked twice.
    Twice,
    /// It should have been another amount.
    WrongAmount,
    /// What was paid for came back, or never came.
    Returned,
    /// Somebody else used the card.
    Misused,
    /// Nobody wanted to top up.
    Mistaken,
    /// The terminal did not do what it was told.
    TerminalFault,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 6] =
        [Self::Twice, Self::WrongAmount, Self::Returned, Self::Misused, Self::Mistaken, Self::TerminalFault];

    /// Its name in the database and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Twice => "twice",
            Self::WrongAmount => "wrong_amount",
            Self::Returned => "returned",
            Self::Misused => "misused",
            Self::Mistaken => "mistaken",
            Self::TerminalFault => "terminal_fault",
        }
    }

    /// The reason of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// Those for which a transfer of this kind is reversed.
    pub const fn of(kind: TransferKind) -> &'static [Self] {
        match kind {
            TransferKind::Payment => {
                &[Self::Twice, Self::WrongAmount, Self::Returned, Self::Misused, Self::TerminalFault]
            }
            TransferKind::TopUp => &[Self::Mistaken, Self::Twice, Self::WrongAmount, Self::TerminalFault],
            TransferKind::Shortfall
            | TransferKind::PointsEarned
            | TransferKind::PointsRedeemed
            | TransferKind::PointsExpired
            | TransferKind::Fare
            | TransferKind::Folded
            | TransferKind::Pass
            | TransferKind::ContributionArrived
            | TransferKind::Contribution
            // A bill is taken back whole, at the clinic.
            | TransferKind::ClaimFund
            | TransferKind::ClaimAccount
            | TransferKind::ClaimOwn
            | TransferKind::ClaimsPaidOut => &[],
        }
    }
}

/// What is to be reversed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversal {
    /// The card that was tapped.
    pub card: CardId,
    /// The tap, by its number in the card's shard.
    pub tap: i64,
    /// How much of it.
    pub amount: Fen,
    /// Why.
    pub reason: Reason,
}

/// Why nothing was reversed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undone {
    /// It is more than is left of what was booked.
    Over {
        /// How much is left.
        left: Fen,
    },
    /// The account from which it would come does not hold so much any more.
    Short {
        /// How much can still be reversed.
        at_most: Fen,
    },
    /// The very same waits already.
    Asked,
    /// The form was sent before, and said something else then.
    Sent,
}

/// A reversal that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// When.
    pub at: Micros,
    /// How much.
    pub amount: Fen,
    /// Why.
    pub reason: Reason,
    /// Who wanted it: the name to sign in with.
    pub staff: String,
    /// Who agreed; nobody where one did it alone.
    pub agreed: Option<String>,
}

/// What a shop has given back itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// When, by the terminal's clock.
    pub at: Micros,
    /// How much.
    pub amount: Fen,
    /// A refund or a void.
    pub operation: OperationCode,
    /// The terminal's name.
    pub terminal: Option<String>,
}
