//! Accounts and what names them: units, kinds, owners, causes. Pure: no database, no clock. Transfers are in
//! `transfer`.

use card_schema::ids::{HolderId, OrganisationId, Shard};
use card_schema::points::ProgrammeId;

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

/// What an amount counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// Fen, the hundredth part of a yuan.
    CnyFen,
    /// Points of a programme: those of another are something else.
    Points(ProgrammeId),
}

impl Unit {
    /// Above the numbers of all units that are no points.
    const POINTS: i64 = 1 << 32;

    /// The number in the database. Never reused.
    pub const fn number(self) -> i64 {
        match self {
            Self::CnyFen => 1,
            Self::Points(programme) => Self::POINTS + programme.0 as i64,
        }
    }

    /// What a number in the database stands for.
    pub fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::CnyFen),
            _ => u32::try_from(number.checked_sub(Self::POINTS)?)
                .ok()
                .map(|programme| Self::Points(ProgrammeId(programme))),
        }
    }
}

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
        /// What the issuer has advanced for payments that were accepted offline and not covered, as a negative balance.
        IssuerRisk = 4,
        /// Points that a holder has. Below zero where a refund took back points that were given away already; nothing else
        /// takes more than there is (`domains/points`).
        HolderPoints = 5,
        /// Points that an organisation has given to all who have some, as a negative balance, less those that it has taken.
        PointsLiability = 6,
        /// What has been handed to a bank to pay out: the ledger's edge to the banks.
        Settlement = 7,
        /// What an operator of vehicles has taken for one network or pass, before settlement. Below zero where more went back than
        /// was taken since the last settlement (`domains/transit`).
        FareTakings = 8,
        /// What an employer has paid for contributions and has not been taken by a declaration; all shards together never below zero
        /// (`domains/social_security`).
        EmployerCredit = 9,
        /// What has arrived for contributions: the ledger's edge to the banks.
        ContributionBank = 10,
        /// A holder's own account of the pension insurance. Below zero where a correction took back what was gone; nothing else takes
        /// more than there is.
        PensionAccount = 11,
        /// The same of the medical insurance.
        MedicalAccount = 12,
        /// The fund of the pension insurance, as of all others on its own (Social Insurance Law, article 64).
        PensionFund = 13,
        /// The fund of the medical insurance.
        MedicalFund = 14,
        /// The fund of the unemployment insurance.
        UnemploymentFund = 15,
        /// The fund of the work injury insurance.
        WorkInjuryFund = 16,
        /// The fund of the maternity insurance.
        MaternityFund = 17,
        /// What a clinic has to get of funds and of holders' own accounts for bills that were settled (`domains/clinic`).
        ClinicClaims = 18,
    }
);

numbered!(
    /// Why an amount moved.
    TransferKind {
        /// A payment by card.
        Payment = 1,
        /// Cash taken, purse credited.
        TopUp = 2,
        /// What a payment accepted offline lacked, advanced by the issuer.
        Shortfall = 3,
        /// Points for a purchase.
        PointsEarned = 4,
        /// Points for goods or money off.
        PointsRedeemed = 5,
        /// Points whose time was over.
        PointsExpired = 6,
        /// What rides cost, as far as it was not booked before; the other way round where it was too much.
        Fare = 7,
        /// A pass for rides.
        Pass = 8,
        /// What fares between two accounts have come to in a month, in the place of them, and with the first moment of the month for
        /// its time (`crate::folding`).
        Folded = 9,
        /// What an employer has paid for contributions.
        ContributionArrived = 10,
        /// What a declaration has taken of it, for funds and workers' accounts.
        Contribution = 11,
        /// What the fund pays of a clinic's bill.
        ClaimFund = 12,
        /// What the holder's own account of the medical insurance pays of it.
        ClaimAccount = 13,
        /// What the holder pays of it from the purse.
        ClaimOwn = 14,
        /// What a clinic is paid for the bills of a month.
        ClaimsPaidOut = 15,
    }
);

/// How far below zero an account may go, in its unit. What is held counts as gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreditLimit(i64);

impl CreditLimit {
    /// Not below zero.
    pub const NO_OVERDRAFT: Self = Self(0);
    /// As far as 64 bits reach: an edge of the ledger, whose balance only mirrors what lies outside.
    pub const UNLIMITED: Self = Self(i64::MAX);

    /// This far below zero; nothing for a negative limit.
    pub const fn new(limit: i64) -> Option<Self> {
        if limit < 0 { None } else { Some(Self(limit)) }
    }

    /// The limit as a number of the account's unit, zero or above; [`i64::MAX`] stands for [`Self::UNLIMITED`].
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl AccountKind {
    /// The limit with which accounts of this kind are opened.
    pub const fn credit_limit(self) -> CreditLimit {
        match self {
            Self::Purse | Self::Takings | Self::ClinicClaims => CreditLimit::NO_OVERDRAFT,
            Self::CashFloat
            | Self::IssuerRisk
            | Self::HolderPoints
            | Self::PointsLiability
            | Self::Settlement
            | Self::FareTakings
            | Self::EmployerCredit
            | Self::ContributionBank
            | Self::PensionAccount
            | Self::MedicalAccount
            | Self::PensionFund
            | Self::MedicalFund
            | Self::UnemploymentFund
            | Self::WorkInjuryFund
            | Self::MaternityFund => CreditLimit::UNLIMITED,
        }
    }
}

/// Whose account it is: the sixteen bytes of a holder's or an organisation's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner(pub [u8; 16]);

impl Owner {
    /// Whoever issues the cards.
    pub const ISSUER: Self = Self([0; 16]);
}

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
    /// How far below zero it may go.
    pub credit_limit: CreditLimit,
    /// Sum of what was credited less sum of what was debited, in the account's unit.
    pub balance: i64,
    /// Sum of the open holds on it, in the account's unit; zero or above. Part of the balance still, but promised.
    pub held: i64,
}

impl Account {
    /// An account that no transfer has touched. Its number is given when it is opened.
    pub(super) const fn unopened(key: AccountKey) -> Self {
        Self { key, id: 0, credit_limit: key.kind.credit_limit(), balance: 0, held: 0 }
    }

    /// How much may be debited or held: balance less holds, down to the credit limit. Held at the ends of 64 bits.
    pub const fn available(&self) -> i64 {
        self.balance.saturating_sub(self.held).saturating_add(self.credit_limit.0)
    }
}

/// What caused a transfer: the same cause posts once, however often it is asked for. The ledger compares these bytes
/// and reads nothing out of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference(pub [u8; 32]);
