//! What two people do together. No I/O.

use card_schema::clock::Micros;
use card_schema::ids::{CardId, TerminalId};
use card_schema::money::Fen;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domains::purse::reversal::model::Reversal;
use crate::intake::quarantine::model::Settlement;
use crate::people::model::Permission;
use crate::people::{StaffId, StaffRole};

/// Something that may take two: exactly what will be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "deed", rename_all = "snake_case")]
pub enum Deed {
    /// Somebody who was added begins to work.
    Admit {
        /// Who.
        staff: StaffId,
        /// As what.
        role: StaffRole,
    },
    /// Somebody who was suspended may sign in again.
    Resume {
        /// Who.
        staff: StaffId,
        /// The role that they have.
        role: StaffRole,
    },
    /// Somebody who has lost what makes their codes signs in without, and sets it up anew.
    TakeSecondFactor {
        /// Who.
        staff: StaffId,
    },
    /// Somebody gets another role.
    ChangeRole {
        /// Who.
        staff: StaffId,
        /// The role that they have when it is asked for; with another it is not done.
        from: StaffRole,
        /// The role that they get.
        to: StaffRole,
    },
    /// Somebody signs in with a card, of whom neither password nor code is asked then.
    SignInWithCard {
        /// Who.
        staff: StaffId,
        /// The role that they have.
        role: StaffRole,
        /// Their card; with another it is not done.
        card: CardId,
    },
    /// What a tap has moved goes back. Asked for only above the limit up to which one does it.
    Reverse(Reversal),
    /// Taps that were held are booked. Asked for only above the same limit.
    Settle(Settlement),
}

/// Who does something that may take two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hands {
    /// Who wants it.
    pub by: StaffId,
    /// Who agreed; nobody where one did it alone.
    pub agreed_by: Option<StaffId>,
}

/// What came of something that may take two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is done.
    Now,
    /// Somebody else has to agree to this request first.
    Waits(Uuid),
}

/// What somebody may do alone, with the form by which it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Means {
    /// What goes along with the form.
    pub id: Uuid,
    /// How much one may move.
    pub limit: Fen,
    /// How much of that is used up.
    pub alone: Fen,
}

/// What something is done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A member of staff.
    Staff(StaffId),
    /// A tap of a card, by its number in the card's shard.
    Tap(CardId, i64),
    /// Taps of a terminal that are held.
    Terminal(TerminalId),
}

impl Deed {
    /// What both people must be allowed to do.
    pub const fn permission(self) -> Permission {
        match self {
            Self::Admit { .. }
            | Self::Resume { .. }
            | Self::TakeSecondFactor { .. }
            | Self::ChangeRole { .. }
            | Self::SignInWithCard { .. } => Permission::Administer,
            Self::Reverse(_) | Self::Settle(_) => Permission::ReverseTransfers,
        }
    }

    /// Whom or what it is about.
    pub const fn about(self) -> About {
        match self {
            Self::Admit { staff, .. }
            | Self::Resume { staff, .. }
            | Self::TakeSecondFactor { staff }
            | Self::SignInWithCard { staff, .. }
            | Self::ChangeRole { staff, .. } => About::Staff(staff),
            Self::Reverse(reversal) => About::Tap(reversal.card, reversal.tap),
            Self::Settle(settlement) => About::Terminal(settlement.terminal),
        }
    }
}

/// How far a request is, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody else has decided.
    Waiting,
    /// Somebody else agreed, and it was done.
    Approved,
    /// Somebody else did not agree.
    Refused,
    /// Whoever asked took it back.
    Withdrawn,
    /// There was nobody else, so it was done by one.
    Alone,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Approved, Self::Refused, Self::Withdrawn, Self::Alone];

    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Alone => "alone",
        }
    }

    /// The state of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Why somebody does not agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objection {
    /// Nobody needs it.
    Unneeded,
    /// It is more than the work asks for.
    TooMuch,
    /// It is about the wrong member or the wrong taps, or was asked for by mistake.
    Mistaken,
    /// The member could not be asked in person.
    NotSeen,
    /// Nothing was shown that bears the reason out.
    Unfounded,
    /// It looks like misuse.
    Suspicious,
}

impl Objection {
    /// Every objection.
    pub const ALL: [Self; 6] =
        [Self::Unneeded, Self::TooMuch, Self::Mistaken, Self::NotSeen, Self::Unfounded, Self::Suspicious];

    /// Those that there may be to something about this.
    pub const fn to(about: About) -> &'static [Self] {
        match about {
            About::Staff(_) => &[Self::Unneeded, Self::TooMuch, Self::Mistaken, Self::NotSeen, Self::Suspicious],
            About::Tap(..) | About::Terminal(_) => &[Self::Unneeded, Self::Mistaken, Self::Unfounded, Self::Suspicious],
        }
    }

    /// Its name in the database and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unneeded => "unneeded",
            Self::TooMuch => "too-much",
            Self::Mistaken => "mistaken",
            Self::NotSeen => "not-seen",
            Self::Unfounded => "unfounded",
            Self::Suspicious => "suspicious",
        }
    }

    /// The objection of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|objection| objection.name() == name)
    }
}

/// What somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its id.
    pub approval_id: Uuid,
    /// What is to be done.
    pub deed: Deed,
    /// Who asked.
    pub asked_by: StaffId,
    /// When.
    pub asked_at: Micros,
    /// When it is too late to decide.
    pub expires_at: Micros,
    /// How far it is.
    pub state: State,
    /// Who decided, and when.
    pub decided: Option<(StaffId, Micros)>,
    /// Why it was refused: the name of an objection. In rows from before there was a list of them, what was typed: the log
    /// speaks for it.
    pub reason: Option<String>,
}

/// What somebody says to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is to be done.
    Approve,
    /// It is not.
    Refuse,
    /// Whoever asked takes it back.
    Withdraw,
}

impl Answer {
    /// Every answer.
    pub const ALL: [Self; 3] = [Self::Approve, Self::Refuse, Self::Withdraw];

    /// Its name in a form.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Refuse => "refuse",
            Self::Withdraw => "withdraw",
        }
    }

    /// The answer of a name in a form.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.name() == name)
    }

    /// How far the request is after it.
    pub const fn state(self) -> State {
        match self {
            Self::Approve => State::Approved,
            Self::Refuse => State::Refused,
            Self::Withdraw => State::Withdrawn,
        }
    }
}
