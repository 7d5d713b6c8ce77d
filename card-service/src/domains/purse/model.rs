//! The accounts that purse operations move money between.

use card_schema::ids::{HolderId, OrganisationId, Shard};

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
