//! The nouns of the ledger. Pure: no database, no clock.

use card_schema::ids::{HolderId, OrganisationId, Shard, TapId};

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant = $number,)+ }

        impl $name {
            /// The number in the database. Never reused.
            pub const fn number(self) -> i64 {
                self as i64
            }

            /// What a number in the database stands for.
            pub const fn from_number(number: i64) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

numbered!(
    /// What an amount counts.
    Unit {
        /// Fen, the hundredth part of a yuan.
        CnyFen = 1,
        /// Points of the shared loyalty scheme.
        Points = 2,
    }
);

numbered!(
    /// What an account is for.
    AccountKind {
        /// A holder's stored money.
        Purse = 1,
        /// What a merchant has taken, before settlement.
        Takings = 2,
        /// Cash that an organisation has taken over the counter: the ledger's edge to the world outside, so it goes
        /// below zero by what is in the drawer.
        CashFloat = 3,
    }
);

numbered!(
    /// Why an amount moved.
    TransferKind {
        /// A payment by card.
        Payment = 1,
        /// Cash taken, purse credited.
        TopUp = 2,
    }
);

impl AccountKind {
    /// Whether accounts of this kind may go below zero.
    pub const fn overdraft_allowed(self) -> bool {
        matches!(self, Self::CashFloat)
    }
}

/// Whose account it is: the sixteen bytes of a holder's or an organisation's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner(pub [u8; 16]);

impl From<HolderId> for Owner {
    fn from(holder: HolderId) -> Self {
        Self(*holder.as_bytes())
    }
}

impl From<OrganisationId> for Owner {
    fn from(organisation: OrganisationId) -> Self {
        Self(*organisation.as_bytes())
    }
}

/// What names an account: there is at most one of a kind and unit for an owner in each shard.
///
/// A shared account (a merchant's takings, a float) exists once per shard, so that a tap touches one shard only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountKey {
    /// The shard of the holder whose tap moves the money.
    pub shard: Shard,
    /// Whose.
    pub owner: Owner,
    /// What for.
    pub kind: AccountKind,
    /// Of what.
    pub unit: Unit,
}

/// An account as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub key: AccountKey,
    /// Its number within the shard, counted up from 1.
    pub id: i64,
    /// Whether it may go below zero.
    pub overdraft_allowed: bool,
    /// Sum of what was credited less sum of what was debited, in the account's unit.
    pub balance: i64,
}

/// What caused a transfer: the same cause posts once, however often it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference(pub [u8; 32]);

impl From<TapId> for Reference {
    fn from(tap: TapId) -> Self {
        Self(tap.0)
    }
}

/// A positive amount that moves from one account to another of the same unit and shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Gives.
    pub debit: AccountKey,
    /// Receives.
    pub credit: AccountKey,
    /// How much, in the accounts' unit; above zero.
    pub amount: i64,
    /// Why.
    pub kind: TransferKind,
    /// What caused it. With shard and kind, at most one transfer has it.
    pub reference: Reference,
}
