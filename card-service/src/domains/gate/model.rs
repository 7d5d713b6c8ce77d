//! Sites, who may pass there and why, visitors' passes, and what a gate counts. No I/O.

use card_schema::clock::Micros;
use card_schema::gate::Window;
use card_schema::ids::{HolderId, OrganisationId, PaperNumber, Shard, SiteId, TerminalId};
use uuid::Uuid;

use crate::people::StaffId;

/// Seconds of an hour.
const HOUR_SECONDS: i64 = 3_600;

/// Somebody was let in at a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Where the count is kept.
    pub shard: Shard,
    /// The gate.
    pub terminal: TerminalId,
    /// Hours since 1970 UTC.
    pub hour: i64,
}

/// The hour of a time.
pub(super) fn hour(at: Micros) -> i64 {
    at.seconds().div_euclid(HOUR_SECONDS)
}

/// How many were let in at a site in an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hour {
    /// Hours since 1970 UTC.
    pub hour: i64,
    /// How many were let in.
    pub passed: u64,
}

/// What kind of place has gates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteKind {
    /// A village.
    Village,
    /// A compound of houses.
    Compound,
    /// A dormitory.
    Dormitory,
}

impl SiteKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Village, Self::Compound, Self::Dormitory];

    /// Its name in the database and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Village => "village",
            Self::Compound => "compound",
            Self::Dormitory => "dormitory",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A place with gates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// Who runs it.
    pub organisation: OrganisationId,
    /// What it is.
    pub kind: SiteKind,
    /// Its name for people; no two are equal.
    pub name: String,
    /// Whether nobody passes there any more. Final.
    pub closed: bool,
}

/// A terminal at a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Post {
    /// The terminal.
    pub terminal: TerminalId,
    /// Where it stands.
    pub site: SiteId,
    /// Since when.
    pub since: Micros,
}

/// Why somebody may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Lives there.
    Lives,
    /// Works there.
    Works,
    /// Cares for somebody there.
    Cares,
    /// Visits family there.
    Visits,
    /// Delivers there.
    Delivers,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 5] = [Self::Lives, Self::Works, Self::Cares, Self::Visits, Self::Delivers];

    /// Those of visitors: who lives there has a card, or a certificate.
    pub const OF_VISITORS: [Self; 4] = [Self::Visits, Self::Delivers, Self::Works, Self::Cares];

    /// Its name in the database and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lives => "lives",
            Self::Works => "works",
            Self::Cares => "cares",
            Self::Visits => "visits",
            Self::Delivers => "delivers",
        }
    }

    /// The reason of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// Why it was ended that somebody may pass. None says anything of the person that the reason did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// Nobody needs it any more.
    Unneeded,
    /// The holder asked.
    HolderAsked,
    /// Whoever runs the site asked.
    SiteAsked,
    /// It was entered by mistake.
    Mistaken,
}

impl EndReason {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Unneeded, Self::HolderAsked, Self::SiteAsked, Self::Mistaken];

    /// Its name in the database and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unneeded => "unneeded",
            Self::HolderAsked => "holder_asked",
            Self::SiteAsked => "site_asked",
            Self::Mistaken => "mistaken",
        }
    }

    /// The reason of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// That a holder may pass at a site, as it is stored: why is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub holder: HolderId,
    /// Where.
    pub site: SiteId,
    /// When.
    pub window: Window,
    /// Why, under the person's key.
    pub reason: Vec<u8>,
    /// When it was granted.
    pub granted_at: Micros,
    /// Who granted it.
    pub granted_by: StaffId,
    /// When, by whom and why it was ended, if it was.
    pub ended: Option<(Micros, StaffId, EndReason)>,
}

/// A visitor's pass that was given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issued {
    /// Its number.
    pub number: PaperNumber,
    /// Where it is good.
    pub site: SiteId,
    /// Why it was given out.
    pub reason: Reason,
    /// From when on it is good.
    pub from: Micros,
    /// From when on it is good no more.
    pub until: Micros,
    /// When it was given out.
    pub issued_at: Micros,
    /// Who gave it out.
    pub by: StaffId,
    /// When it was withdrawn, if it was.
    pub withdrawn_at: Option<Micros>,
}

/// How a visitor's pass stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is good.
    Good,
    /// It is not good yet.
    NotYet,
    /// Its time is over.
    Over,
    /// Somebody withdrew it, or nobody passes at its site any more.
    Withdrawn,
}

impl Standing {
    /// Every standing.
    pub const ALL: [Self; 4] = [Self::Good, Self::NotYet, Self::Over, Self::Withdrawn];

    /// The last part of the key of its text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::NotYet => "not-yet",
            Self::Over => "over",
            Self::Withdrawn => "withdrawn",
        }
    }
}
