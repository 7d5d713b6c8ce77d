//! Residence permits: what they rest on, where one is in its life, what may be done with it. No I/O.

use card_schema::date::Date;
use uuid::Uuid;

/// Why somebody may have a permit (Interim Regulation on Residence Permits, article 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// Lawful and stable work.
    Work,
    /// A lawful and stable home.
    Home,
    /// Continuous study.
    Study,
}

impl Ground {
    /// The last part of the key of its text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Home => "home",
            Self::Study => "study",
        }
    }
}

/// What was shown to prove a ground (article 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A contract of employment.
    LabourContract,
    /// An employer's letter.
    EmployerLetter,
    /// A business licence of the person's own.
    BusinessLicence,
    /// A tenancy agreement.
    Lease,
    /// A title to the home, or the contract of its purchase.
    Title,
    /// A letter of whoever gives the home: the landlord, the employer, the school.
    AccommodationLetter,
    /// A student card.
    StudentCard,
    /// A school's letter.
    SchoolLetter,
}

impl Proof {
    /// Every kind, by ground.
    pub const ALL: [Self; 8] = [
        Self::LabourContract,
        Self::EmployerLetter,
        Self::BusinessLicence,
        Self::Lease,
        Self::Title,
        Self::AccommodationLetter,
        Self::StudentCard,
        Self::SchoolLetter,
    ];

    /// Its name in forms and where it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LabourContract => "labour_contract",
            Self::EmployerLetter => "employer_letter",
            Self::BusinessLicence => "business_licence",
            Self::Lease => "lease",
            Self::Title => "title",
            Self::AccommodationLetter => "accommodation_letter",
            Self::StudentCard => "student_card",
            Self::SchoolLetter => "school_letter",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|proof| proof.name() == name)
    }

    /// What it proves.
    pub const fn ground(self) -> Ground {
        match self {
            Self::LabourContract | Self::EmployerLetter | Self::BusinessLicence => Ground::Work,
            Self::Lease | Self::Title | Self::AccommodationLetter => Ground::Home,
            Self::StudentCard | Self::SchoolLetter => Ground::Study,
        }
    }
}

/// Where a permit is in its life, as it is stored. That a term has ended is no stage: the calendar says it ([`Standing`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Applied for.
    Applied,
    /// Granted, not handed over yet.
    Granted,
    /// Handed over.
    Issued,
    /// Refused.
    Refused,
    /// Taken back by whoever applied.
    Withdrawn,
    /// Ended.
    Cancelled,
}

impl Stage {
    const ALL: [Self; 6] =
        [Self::Applied, Self::Granted, Self::Issued, Self::Refused, Self::Withdrawn, Self::Cancelled];

    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Granted => "granted",
            Self::Issued => "issued",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Cancelled => "cancelled",
        }
    }

    /// The stage of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }

    /// Whether nothing comes after it.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Refused | Self::Withdrawn | Self::Cancelled)
    }
}

/// What is done with a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It is applied for.
    Apply,
    /// It is granted.
    Grant,
    /// It is refused.
    Refuse,
    /// The application is taken back.
    Withdraw,
    /// It is handed over; its term begins.
    Issue,
    /// It is endorsed for another term.
    Endorse,
    /// It is ended.
    Cancel,
}

impl Act {
    /// Every act, in the order of a permit's life.
    pub const ALL: [Self; 7] =
        [Self::Apply, Self::Grant, Self::Refuse, Self::Withdraw, Self::Issue, Self::Endorse, Self::Cancel];

    /// Its name in forms and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Grant => "grant",
            Self::Refuse => "refuse",
            Self::Withdraw => "withdraw",
            Self::Issue => "issue",
            Self::Endorse => "endorse",
            Self::Cancel => "cancel",
        }
    }

    /// The act of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.name() == name)
    }

    /// Whether it takes away or gives what only a supervisor may.
    pub const fn is_decision(self) -> bool {
        matches!(self, Self::Grant | Self::Refuse | Self::Cancel)
    }

    /// Why it is done: words of a list, so that nothing personal is written there. Empty where it needs no reason.
    pub const fn reasons(self) -> &'static [&'static str] {
        match self {
            Self::Refuse => &["proof_not_sufficient", "lives_elsewhere", "false_statement"],
            Self::Cancel => &["left_city", "household_registered_here", "holder_asked", "false_statement"],
            Self::Apply | Self::Grant | Self::Withdraw | Self::Issue | Self::Endorse => &[],
        }
    }

    /// Whether a proof of the ground is shown for it.
    pub const fn needs_proof(self) -> bool {
        matches!(self, Self::Apply | Self::Endorse)
    }
}

/// A permit, or an application for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    /// Its number.
    pub permit_id: Uuid,
    /// Where it is in its life.
    pub stage: Stage,
    /// The day of the application.
    pub applied: Date,
    /// The last day on which the decision is in time.
    pub decide_by: Date,
    /// The day from which years of residence count without a break; none before it was issued.
    pub counts_from: Option<Date>,
    /// The last day of the term; none before it was issued.
    pub valid_until: Option<Date>,
}

/// How a permit stands on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has decided yet.
    Waiting,
    /// Nobody has decided, and the time for that is over.
    Overdue,
    /// To be handed over.
    Granted,
    /// In force.
    InForce,
    /// In force, and may be endorsed now.
    Due,
    /// Out of use until it is endorsed.
    Suspended,
    /// Refused.
    Refused,
    /// Taken back.
    Withdrawn,
    /// Ended.
    Cancelled,
}

impl Standing {
    /// Every standing.
    pub const ALL: [Self; 9] = [
        Self::Waiting,
        Self::Overdue,
        Self::Granted,
        Self::InForce,
        Self::Due,
        Self::Suspended,
        Self::Refused,
        Self::Withdrawn,
        Self::Cancelled,
    ];

    /// The last part of the key of its text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Overdue => "overdue",
            Self::Granted => "granted",
            Self::InForce => "in-force",
            Self::Due => "due",
            Self::Suspended => "suspended",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Why something cannot be done with a permit, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotNow {
    /// The key of the text that says what to do.
    pub key: &'static str,
    /// From which day on it can be done, as `day` in the text.
    pub from: Option<Date>,
}
