//! A bill as it is kept, without what is sealed in it. Pure.

use card_schema::clock::Micros;
use card_schema::coverage::Benefit;
use card_schema::date::Date;
use card_schema::ids::{ClaimId, HolderId, OrganisationId, TapId};
use card_schema::money::Fen;

/// A bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its number.
    pub id: ClaimId,
    /// The tap with which its holder has checked in.
    pub visit: TapId,
    /// Whose card that was.
    pub holder: HolderId,
    /// Who has written it.
    pub clinic: OrganisationId,
    /// As what the visit is insured.
    pub benefit: Benefit,
    /// On which day it was.
    pub day: Date,
    /// When it was written.
    pub made_at: Micros,
    /// How often bills of this person had been settled or taken back by then: what it comes to rests on these.
    pub seen: u32,
    /// Who pays it.
    pub payers: Payers,
    /// How it was settled; nothing while it waits.
    pub settled: Option<Settled>,
    /// When it was taken back.
    pub reversed_at: Option<Micros>,
    /// Whether the clinic was paid for the month in which it was settled.
    pub is_cleared: bool,
}

/// Who pays a bill. None is below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payers {
    /// What of it could be covered, whoever pays it.
    pub eligible: Fen,
    /// What the fund pays.
    pub fund: Fen,
    /// What the holder's own account of the medical insurance pays.
    pub account: Fen,
    /// What is left to the holder.
    pub rest: Fen,
}

impl Payers {
    /// What the bill comes to.
    pub const fn total(&self) -> Fen {
        Fen(self.fund.0 + self.account.0 + self.rest.0)
    }

    /// All of it, the fund's part, and the own account's.
    pub const fn amounts(&self) -> [Fen; 3] {
        [self.total(), self.fund, self.account]
    }
}

/// How a bill was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The tap.
    pub with: TapId,
    /// The terminal's clock in it.
    pub signed_at: Micros,
    /// When the service booked it.
    pub at: Micros,
}

impl Claim {
    /// Whether it was settled and stands.
    pub const fn stands(&self) -> bool {
        self.settled.is_some() && self.reversed_at.is_none()
    }

    /// Whether nobody has settled it yet.
    pub const fn waits(&self) -> bool {
        self.settled.is_none()
    }

    /// Whether what could be covered of it accumulates with what could be covered of another.
    fn accumulates_with(&self, other: &Self) -> bool {
        (self.benefit, self.day.year()) == (other.benefit, other.day.year())
    }

    /// Whether it was reckoned after another one, and on top of it.
    pub fn rests_on(&self, other: &Self) -> bool {
        self.stands() && self.accumulates_with(other) && self.seen > other.seen
    }
}
