//! Which of an organisation's people stand on a list. No I/O.

use crate::domains::residence::import::sheet::MAX_ROWS;
use crate::domains::residence::model::Field;

/// How many people stand on a list at most: what can be read back.
#[expect(clippy::cast_possible_truncation, reason = "5,000")]
pub const PEOPLE_MAX: u32 = MAX_ROWS as u32;

/// What makes a person one of an organisation's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// Works or studies there.
    Works,
    /// Lives in its dormitory, or in a home that it lets.
    Lives,
}

impl Tie {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Works, Self::Lives];

    /// Its name in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Lives => "lives",
        }
    }

    /// The field that says so.
    pub const fn field(self) -> Field {
        match self {
            Self::Works => Field::Occupation,
            Self::Lives => Field::Host,
        }
    }
}

/// The people of one list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whom {
    /// What makes them the organisation's.
    pub tie: Tie,
    /// Which of several lists, from 0, where there are more people than one holds.
    pub part: u32,
}

impl Whom {
    /// The lists of so many people.
    pub fn lists(tie: Tie, count: u32) -> impl Iterator<Item = Self> {
        (0..count.div_ceil(PEOPLE_MAX)).map(move |part| Self { tie, part })
    }

    /// Its name in forms.
    pub fn name(self) -> String {
        format!("{}-{}", self.tie.name(), self.part + 1)
    }

    /// The first and the last of so many people who stand on it, from 1.
    pub fn places(self, count: u32) -> (u32, u32) {
        (self.part * PEOPLE_MAX + 1, count.min((self.part + 1) * PEOPLE_MAX))
    }
}

/// What a list is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A workbook.
    Xlsx,
    /// Separated by commas.
    Csv,
}

impl Format {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Xlsx, Self::Csv];

    /// Its name in forms, and the end of the file's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
        }
    }

    /// The format of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_does_not_fit_on_one_list_stands_on_the_next() {
        let places = |count| Whom::lists(Tie::Works, count).map(|list| list.places(count)).collect::<Vec<_>>();
        assert_eq!(places(0), []);
        assert_eq!(places(1), [(1, 1)]);
        assert_eq!(places(5_000), [(1, 5_000)]);
        assert_eq!(places(10_001), [(1, 5_000), (5_001, 10_000), (10_001, 10_001)]);
        let names: Vec<_> = Whom::lists(Tie::Lives, 5_001).map(Whom::name).collect();
        assert_eq!(names, ["lives-1", "lives-2"]);
    }
}
