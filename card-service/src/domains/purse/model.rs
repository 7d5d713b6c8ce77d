//! The accounts that purse operations move money between, and what a holder pays on a day.

use card_schema::date::Date;
use card_schema::ids::{HolderId, OrganisationId, Shard};
use card_schema::money::Fen;

use crate::ledger::{AccountKey, AccountKind, Owner, Unit};

/// A holder's stored money.
pub fn purse_of(holder: HolderId, shard: Shard) -> AccountKey {
    AccountKey { shard, owner: holder.into(), kind: AccountKind::Purse, unit: Unit::CnyFen }
}

/// What an organisation has taken from holders of one shard.
pub fn takings_of(organisation: OrganisationId, shard: Shard) -> AccountKey {
    AccountKey { shard, owner: organisation.into(), kind: AccountKind::Takings, unit: Unit::CnyFen }
}

/// What the issuer has advanced for holders of one shard, as a negative balance. The issuer is no organisation of the list.
pub fn risk_of(shard: Shard) -> AccountKey {
    AccountKey { shard, owner: Owner::ISSUER, kind: AccountKind::IssuerRisk, unit: Unit::CnyFen }
}

/// The cash that an organisation has taken in from holders of one shard, as a negative balance.
pub fn float_of(organisation: OrganisationId, shard: Shard) -> AccountKey {
    AccountKey { shard, owner: organisation.into(), kind: AccountKind::CashFloat, unit: Unit::CnyFen }
}

/// What a holder may pay on one day in China, by the service's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayLimits {
    /// All payments together.
    pub paid: Fen,
    /// How many payments without PIN; for the next one it is asked.
    pub without_pin: u32,
}

/// What a holder has paid and topped up on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// All payments together; what went back is not taken off.
    pub paid: Fen,
    /// How many payments without PIN.
    pub without_pin: u32,
    /// What was topped up that no member of staff has approved.
    pub topped_up: Fen,
}

impl Spent {
    /// With what was paid besides.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self {
            paid: Fen(self.paid.0.saturating_add(more.paid.0)),
            without_pin: self.without_pin.saturating_add(more.without_pin),
            topped_up: Fen(self.topped_up.0.saturating_add(more.topped_up.0)),
        }
    }
}

/// Whose day it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HolderDay {
    /// Where everything of the holder lies.
    pub shard: Shard,
    /// The holder.
    pub holder: HolderId,
    /// The day.
    pub day: Date,
}
