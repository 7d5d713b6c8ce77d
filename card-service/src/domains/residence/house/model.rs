//! Houses, and who lives in them from when to when. No I/O.

use card_schema::clock::Micros;
use uuid::Uuid;

/// A house. Its id says nothing of where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HouseId(pub Uuid);

/// A house as it is known without its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct House {
    /// Its id.
    pub id: HouseId,
    /// The code of the grid cell in which it lies.
    pub cell: String,
}

/// That somebody lives in a house. Days are the moments at which they begin in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    /// In which.
    pub house: HouseId,
    /// The first day.
    pub since: Micros,
    /// The first day on which nobody expects the person there any more, where that is known.
    pub until: Option<Micros>,
}

/// What becomes of somebody's home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Stay,
    /// The same house from another day on, or up to another.
    Dates(Stay),
    /// The one is the home no longer, since a day; another is.
    Move {
        /// The day, where there was a home.
        left: Option<Micros>,
        /// The other, where it is known.
        to: Option<Stay>,
    },
}

/// An answer to the question in which cell a house lies.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum CellAnswer {
    /// Nobody knows yet.
    NotKnown,
    /// In the cell of this code.
    In(String),
}

impl CellAnswer {
    /// The code, where one was given.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::NotKnown => None,
            Self::In(code) => Some(code),
        }
    }
}
