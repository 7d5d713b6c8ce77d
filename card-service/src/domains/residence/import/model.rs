//! How an import stands, and each of its rows. No I/O.

use card_schema::clock::Micros;
use card_schema::ids::HolderId;
use uuid::Uuid;

/// How an import stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its rows are looked at, one after the other.
    Checking,
    /// All were looked at; somebody decides.
    Checked,
    /// Its people are registered.
    Registering,
    /// Done.
    Done,
    /// Those who were registered are taken out again.
    Undoing,
    /// That is done too.
    Undone,
}

impl Stage {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::Checking, Self::Checked, Self::Registering, Self::Done, Self::Undoing, Self::Undone];

    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Checking => "checking",
            Self::Checked => "checked",
            Self::Registering => "registering",
            Self::Done => "done",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
        }
    }

    /// The stage of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }

    /// The rows that are still to be worked on in this stage, and the stage after it; none where nothing is to be done.
    pub const fn work(self) -> Option<(Outcome, Self)> {
        match self {
            Self::Checking => Some((Outcome::Unchecked, Self::Checked)),
            Self::Registering => Some((Outcome::Good, Self::Done)),
            Self::Undoing => Some((Outcome::Registered, Self::Undone)),
            Self::Checked | Self::Done | Self::Undone => None,
        }
    }
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Nobody has looked at it.
    Unchecked,
    /// It can be registered.
    Good,
    /// Something is wrong in it.
    Wrong,
    /// A row above has the same document.
    Twice,
    /// Somebody is registered with this document.
    Known,
    /// Somebody is registered who may be the same person.
    Alike,
    /// The person was registered.
    Registered,
    /// The person was registered, and is so no longer.
    Undone,
    /// The person was registered and stays, because something was done with the record since.
    Kept,
}

impl Outcome {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::Unchecked,
        Self::Good,
        Self::Wrong,
        Self::Twice,
        Self::Known,
        Self::Alike,
        Self::Registered,
        Self::Undone,
        Self::Kept,
    ];

    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unchecked => "unchecked",
            Self::Good => "good",
            Self::Wrong => "wrong",
            Self::Twice => "twice",
            Self::Known => "known",
            Self::Alike => "alike",
            Self::Registered => "registered",
            Self::Undone => "undone",
            Self::Kept => "kept",
        }
    }

    /// The outcome of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }

    /// Whether the row cannot be registered as it is.
    pub const fn is_rejected(self) -> bool {
        matches!(self, Self::Wrong | Self::Twice | Self::Known | Self::Alike)
    }
}

/// An import, without what its rows say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Import {
    /// Its id.
    pub import_id: Uuid,
    /// How it stands.
    pub stage: Stage,
    /// All are registered or none.
    pub is_whole: bool,
    /// When something was done with it last.
    pub changed_at: Micros,
}

/// How many rows came out how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(pub Vec<(Outcome, u64)>);

impl Counts {
    /// The rows with an outcome.
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.0.iter().filter(|(one, _)| *one == outcome).map(|(_, count)| count).sum()
    }

    /// All rows.
    pub fn all(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// Rows that cannot be registered as they are.
    pub fn rejected(&self) -> u64 {
        self.0.iter().filter(|(outcome, _)| outcome.is_rejected()).map(|(_, count)| count).sum()
    }

    /// How many rows of a stage's work are done, of how many.
    pub fn progress(&self, stage: Stage) -> (u64, u64) {
        let left = stage.work().map_or(0, |(outcome, _)| self.of(outcome));
        let total = match stage {
            Stage::Checking | Stage::Checked => self.all(),
            _ => self.all() - self.rejected(),
        };
        (total.saturating_sub(left), total)
    }
}

/// A row that was worked on.
#[derive(Clone, Debug)]
pub struct Worked {
    /// Its number in the spreadsheet.
    pub line: u32,
    /// What became of it.
    pub outcome: Outcome,
    /// Who was registered, or is known or alike.
    pub holder: Option<HolderId>,
}
