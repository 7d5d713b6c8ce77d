//! Numbers of identity documents: what makes one well-formed, and what may be shown of it.
//!
//! A well-formed number is not a verified person: whether it was ever issued, only its register knows. Numbers are
//! personal data: they are wiped when dropped, `Debug` shows the mask, and nothing here can be serialised by accident.
//!
//! Sources: GB 11643-1999 (citizens' numbers, with ISO 7064 MOD 11-2 for the check character). Foreign permanent
//! residents' numbers of December 2023: the National Immigration Administration's 《新版外国人永久居留身份证机读信息规则》
//! (18 characters, first digit 9, check character MOD 11-2 as for citizens, the nationality's letters now digits), seen as a
//! reader manufacturer reprints it. Their layout, and all of the numbers of 2017 with the check digit of ICAO Doc 9303
//! part 3, section 4.9, is as independent programs that check such numbers have it; the rules of 2017 themselves were not
//! to be had.

mod check;
mod citizen;
mod foreign;
mod region;
mod typed;

use std::fmt;

use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::date::Date;

/// What is wrong with a number. Holds none of its digits, so it may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DocumentError {
    /// No document has a number of this many characters.
    #[error("no known document has a number of {0} characters")]
    Length(usize),
    /// A character that cannot stand there.
    #[error("character {0} cannot stand there")]
    Character(usize),
    /// The check character does not fit the others: something was mistyped.
    #[error("the number is mistyped: its check character does not fit")]
    CheckCharacter,
    /// The place code names no province.
    #[error("the number names no place")]
    Region,
    /// The birth date is no day, or is not yet.
    #[error("the number holds no possible birth date")]
    Birth,
}

/// Which register gave the number out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// 公民身份号码, also on residence permits of people from Hong Kong, Macao and Taiwan.
    Citizen,
    /// 外国人永久居留身份证, card of 2017.
    ForeignResident2017,
    /// 外国人永久居留身份证, card of December 2023.
    ForeignResident2023,
}

impl DocumentKind {
    /// The name in JSON and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Citizen => "citizen",
            Self::ForeignResident2017 => "foreign_resident_2017",
            Self::ForeignResident2023 => "foreign_resident_2023",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Citizen, Self::ForeignResident2017, Self::ForeignResident2023]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// Sex as the number's order digit has it: odd male, even female.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sex {
    /// 女
    Female,
    /// 男
    Male,
}

impl Sex {
    const fn of_digit(digit: u8) -> Self {
        if digit.is_multiple_of(2) { Self::Female } else { Self::Male }
    }
}

/// A well-formed number in its one canonical form: capital letters, no spaces, a citizen's always with 18 characters.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct DocumentNumber {
    text: String,
    #[zeroize(skip)]
    kind: DocumentKind,
}

impl DocumentNumber {
    /// Reads a number as people type it: with spaces, a small x, or full-width digits. A citizen's number of 15 digits,
    /// as given out until 1999, becomes the one of 18 that replaced it.
    ///
    /// `today` is the day after which nobody is born yet.
    ///
    /// # Errors
    /// The number is not well-formed: see [`DocumentError`].
    pub fn parse(typed: &str, today: Date) -> Result<Self, DocumentError> {
        let text = typed::canonical(typed);
        let (kind, text) = match (text.len(), text.as_bytes().first()) {
            (15, Some(b'A'..=b'Z')) => {
                foreign::check_2017(&text, today)?;
                (DocumentKind::ForeignResident2017, text.to_string())
            }
            (15, _) => (DocumentKind::Citizen, citizen::modernise(&text, today)?),
            (18, Some(b'9')) => {
                foreign::check_2023(&text, today)?;
                (DocumentKind::ForeignResident2023, text.to_string())
            }
            (18, _) => {
                citizen::check(&text, today)?;
                (DocumentKind::Citizen, text.to_string())
            }
            _ => return Err(DocumentError::Length(text.chars().count())),
        };
        Ok(Self { text, kind })
    }

    /// Which register gave it out.
    pub const fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// The number itself. The name is long to be found in reviews: each use is a place where personal data goes.
    pub fn expose_number(&self) -> &str {
        &self.text
    }

    /// The day of birth. A card of 2017 holds two digits of the year: the latest century that is not after `today`.
    pub fn birth(&self, today: Date) -> Date {
        let birth = match self.kind {
            DocumentKind::Citizen | DocumentKind::ForeignResident2023 => full_birth(&self.text),
            DocumentKind::ForeignResident2017 => foreign::birth_2017(&self.text, today),
        };
        birth.expect("parsing has checked the birth date, and time does not go back")
    }

    /// The sex in the order digit.
    pub fn sex(&self) -> Sex {
        let at = self.text.len() - 2;
        Sex::of_digit(self.text.as_bytes()[at] - b'0')
    }

    /// What may be shown on a screen or a receipt to tell one document from another: the check character, and where
    /// the order number has digits besides that of the sex, those. Place, nationality, birth and sex stay hidden.
    pub fn masked(&self) -> String {
        let shown: &[usize] = match self.kind {
            DocumentKind::Citizen | DocumentKind::ForeignResident2023 => &[14, 15, 17],
            DocumentKind::ForeignResident2017 => &[14],
        };
        let mask = |(at, character)| if shown.contains(&at) { character } else { '*' };
        self.text.chars().enumerate().map(mask).collect()
    }
}

impl fmt::Debug for DocumentNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DocumentNumber({}, {})", self.kind.name(), self.masked())
    }
}

/// The birth date of the forms with 18 characters.
fn full_birth(text: &str) -> Option<Date> {
    Date::from_digits(text.as_bytes().get(6..14)?.try_into().ok()?)
}

/// Refuses a character that is no digit at each place that must have one, counted from 1 for people.
fn check_digits(text: &str, places: std::ops::Range<usize>) -> Result<(), DocumentError> {
    let bytes = text.as_bytes();
    places
        .into_iter()
        .find(|at| !bytes.get(*at).is_some_and(u8::is_ascii_digit))
        .map_or(Ok(()), |at| Err(DocumentError::Character(at + 1)))
}

#[cfg(test)]
mod tests;
