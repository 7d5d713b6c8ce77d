//! What holders are told of their own social security: what has become of each month, and of what they have disputed. Keys, names and
//! amounts: whoever shows them has the words.

use serde::{Deserialize, Serialize};

use crate::{clock::Micros, date::Date, ids::OrganisationId, money::Fen, month::Month};

/// What somebody has of social security.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Insurance {
    /// How many months count towards what months give a right to; also of those that are not told.
    pub counted: u32,
    /// What is in the holder's own account of the pension insurance.
    pub pension_fen: Fen,
    /// The same of the medical insurance.
    pub medical_fen: Fen,
    /// The months of the last three years, and older ones that were disputed; newest first.
    pub months: Vec<InsuredMonth>,
    /// How many older ones there are besides.
    pub older: u32,
    /// How many of the older ones are [gaps](MonthState::is_gap).
    pub older_gaps: u32,
}

/// A month for which an employer has to see to somebody's insurance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InsuredMonth {
    /// Which.
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = r"^[0-9]{4}-[0-9]{2}$"))]
    pub month: Month,
    /// The employer, as a dispute names it.
    pub employer_id: OrganisationId,
    /// What the employer is called.
    pub employer: String,
    /// How it stands.
    pub state: MonthState,
    /// What was declared of it and what that comes to; nothing where it was not declared.
    pub sums: Option<MonthSums>,
    /// Whether a correction of what was paid waits to be paid.
    pub correction_waits: bool,
    /// What the holder has said against it, if anything.
    pub dispute: Option<DisputeSeen>,
}

/// What a month comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MonthSums {
    /// The wage, as the employer has declared it.
    pub wage_fen: Fen,
    /// What is kept of the wage.
    pub person_fen: Fen,
    /// What the employer adds.
    pub employer_fen: Fen,
}

/// How a month of somebody who is insured stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MonthState {
    /// It was paid in time.
    Paid,
    /// It was paid after the day on which it was due.
    PaidLate,
    /// It was declared, and can be paid in time still.
    Declared,
    /// It was declared and not paid, and the day is over.
    Unpaid,
    /// It can be declared still.
    Open,
    /// It was not declared, and the day is over.
    Missing,
}

impl MonthState {
    /// Whether it counts towards what months give a right to.
    pub const fn counts(self) -> bool {
        matches!(self, Self::Paid | Self::PaidLate)
    }

    /// Whether somebody should have done something and has not.
    pub const fn is_gap(self) -> bool {
        matches!(self, Self::Unpaid | Self::Missing)
    }
}

/// A dispute as its holder sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DisputeSeen {
    /// When the service got it, in microseconds since 1970.
    pub at: Micros,
    /// The last day on which it is to be answered.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
    pub due: Date,
    /// What the bureau has answered; nothing while it has not.
    pub answered: Option<Answered>,
}

/// An answer, and when it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Answered {
    /// By the service's clock, in microseconds since 1970.
    pub at: Micros,
    /// What it says.
    pub answer: DisputeAnswer,
}

/// What the bureau answers to a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DisputeAnswer {
    /// The holder is right: the employer has been told to declare, to correct or to pay.
    Upheld,
    /// The employer has set it right since.
    SetRight,
    /// What was declared is right, or nothing had to be.
    Unfounded,
}

impl DisputeAnswer {
    /// Every answer.
    pub const ALL: [Self; 3] = [Self::Upheld, Self::SetRight, Self::Unfounded];

    /// Its name in the database and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Upheld => "upheld",
            Self::SetRight => "set_right",
            Self::Unfounded => "unfounded",
        }
    }

    /// The answer of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.name() == name)
    }
}
