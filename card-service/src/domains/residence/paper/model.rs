//! Papers that were issued: what was done with them and how one stands. No I/O.

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::envelope::paper::PaperKind;
use card_schema::ids::{HolderId, PaperNumber};
use uuid::Uuid;

use crate::domains::residence::model::Field;
use crate::people::StaffId;

/// What is done with a paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It is issued.
    Issued,
    /// It is withdrawn.
    Withdrawn,
}

impl Act {
    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The act of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Issued, Self::Withdrawn].into_iter().find(|act| act.name() == name)
    }
}

/// Why a paper is withdrawn: words of a list, so that nothing personal is written there.
pub const REASONS: [&str; 4] = ["lost", "holder_asked", "left_city", "false_statement"];

/// What a paper says, so that it says it no longer when that changes.
pub const fn rests_on(kind: PaperKind) -> &'static [Field] {
    match kind {
        PaperKind::Certificate => &[
            Field::DocumentKind,
            Field::DocumentNumber,
            Field::Name,
            Field::Address,
            Field::Room,
            Field::AddressSince,
            Field::StayUntil,
        ],
        PaperKind::Permit => &[Field::DocumentKind, Field::DocumentNumber, Field::Name, Field::Address, Field::Room],
    }
}

/// A paper that was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// Its number.
    pub number: PaperNumber,
    /// What it is.
    pub kind: PaperKind,
    /// Whose it is.
    pub holder: HolderId,
    /// When it was issued.
    pub at: Micros,
    /// The leaf that says so: what changed in the record since has a greater number.
    pub leaf: i64,
    /// Who issued it.
    pub by: StaffId,
    /// The last day on which it is valid.
    pub valid_until: Date,
    /// The residence permit that it shows.
    pub permit: Option<Uuid>,
    /// When it was withdrawn and why, where somebody did that.
    pub withdrawn: Option<(Micros, String)>,
}

/// What has become of that on which a paper rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// What it says was changed in the record.
    pub changed: bool,
    /// The record is there and stands for itself.
    pub has_record: bool,
    /// The residence permit that it shows has ended.
    pub ended: bool,
}

/// How a paper stands on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It says what is so.
    Valid,
    /// Its last day is over.
    Expired,
    /// What it says is so no longer.
    Outdated,
    /// Somebody withdrew it.
    Withdrawn,
}

impl Standing {
    /// Every standing.
    pub const ALL: [Self; 4] = [Self::Valid, Self::Expired, Self::Outdated, Self::Withdrawn];

    /// The last part of the key of its text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expired => "expired",
            Self::Outdated => "outdated",
            Self::Withdrawn => "withdrawn",
        }
    }
}
