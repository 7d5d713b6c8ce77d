//! Agreements to what is done with a registration: the forms on which people sign, who may sign, how an agreement
//! stands. No I/O.

use std::fmt;

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::HolderId;
use serde::{Deserialize, Serialize};

use crate::domains::residence::calendar::day_of;
use crate::plain::half_width;

/// The number of a form: eleven digits that were drawn, and one by which a slip of the hand is noticed (ISO/IEC 7812-1,
/// annex B). It says nothing of anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormNumber(u64);

impl FormNumber {
    /// How many digits it has.
    const DIGITS: usize = 12;

    /// A number from random bytes.
    pub fn from_random(random: [u8; 8]) -> Self {
        let drawn = u64::from_le_bytes(random) % 100_000_000_000;
        Self(drawn * 10 + (10 - luhn(drawn, true)) % 10)
    }

    /// The number that somebody typed; nothing where it is none.
    pub fn parse(typed: &str) -> Option<Self> {
        let digits: String =
            typed.chars().map(half_width).filter(|typed| !typed.is_whitespace() && *typed != '-').collect();
        let is_whole = digits.len() == Self::DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit());
        let number = digits.parse().ok().filter(|_| is_whole)?;
        (luhn(number, false) == 0).then_some(Self(number))
    }

    /// Its digits and nothing else, as they stand in an address.
    pub fn digits(self) -> String {
        format!("{:012}", self.0)
    }

    /// As it is stored.
    pub fn stored(self) -> i64 {
        i64::try_from(self.0).expect("twelve digits are below 2^63")
    }

    /// From its stored form.
    pub fn from_stored(number: i64) -> Option<Self> {
        u64::try_from(number).ok().map(Self)
    }
}

/// The sum of the digits, every second one doubled, modulo ten: the last one is the first to be doubled or the second.
fn luhn(mut number: u64, mut doubled: bool) -> u64 {
    let mut sum = 0;
    while number > 0 {
        let digit = number % 10 * if doubled { 2 } else { 1 };
        sum += digit / 10 + digit % 10;
        (number, doubled) = (number / 10, !doubled);
    }
    sum % 10
}

/// As people compare it: in groups of four.
impl fmt::Display for FormNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, third] = [100_000_000, 10_000, 1].map(|unit| self.0 / unit % 10_000);
        write!(f, "{first:04} {second:04} {third:04}")
    }
}

/// Who signs, in which capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signer {
    /// The person.
    Holder,
    /// Father or mother, as a guardian.
    Parent,
    /// A grandparent, as a guardian.
    Grandparent,
    /// Another guardian.
    Guardian,
    /// Somebody of the family, for a person who cannot sign.
    Relative,
    /// Somebody else, for a person who cannot sign.
    Helper,
}

impl Signer {
    /// Everybody who may, the most frequent first.
    pub const ALL: [Self; 6] =
        [Self::Holder, Self::Parent, Self::Grandparent, Self::Guardian, Self::Relative, Self::Helper];

    /// The name in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Holder => "holder",
            Self::Parent => "parent",
            Self::Grandparent => "grandparent",
            Self::Guardian => "guardian",
            Self::Relative => "relative",
            Self::Helper => "helper",
        }
    }

    /// Whose name it is.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signer| signer.name() == name)
    }

    /// Whether it is somebody who decides for the person.
    pub const fn is_guardian(self) -> bool {
        matches!(self, Self::Parent | Self::Grandparent | Self::Guardian)
    }
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// In which capacity.
    pub signer: Signer,
    /// The name, where it is not the person; empty otherwise.
    pub name: String,
}

/// What somebody says by signing, once it was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// When it was signed.
    pub day: Date,
    /// By whom.
    pub signed: Signed,
}

/// A form that was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// Its number.
    pub number: FormNumber,
    /// When it was printed: nobody has signed it before.
    pub printed: Micros,
    /// The version of the text on it.
    pub version: u16,
}

impl Form {
    /// The day on which it was printed.
    pub fn day(&self) -> Date {
        day_of(self.printed)
    }
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A form is printed.
    Printed,
    /// It is signed.
    Signed,
    /// An agreement is withdrawn.
    Withdrawn,
}

impl Act {
    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Printed => "printed",
            Self::Signed => "signed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The act of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Printed, Self::Signed, Self::Withdrawn].into_iter().find(|act| act.name() == name)
    }
}

/// By which means somebody agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// With the card, when it was taken into use.
    Card,
    /// On a form.
    Paper(FormNumber),
}

/// How the agreement of a person stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has agreed.
    Missing,
    /// Somebody has.
    Agreed {
        /// To which version of the text.
        version: u16,
        /// By which means.
        means: Means,
    },
    /// It was withdrawn.
    Withdrawn,
}

impl Standing {
    /// The last part of the key of its text.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Agreed { .. } => "agreed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// Something that was said about what is done with a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// What follows from it.
    pub standing: Standing,
    /// On which day it was said.
    pub day: Date,
    /// When it came to be known.
    pub at: Micros,
    /// Who recorded it: the name to sign in with; empty where a card has signed.
    pub staff: String,
    /// In which of the person's records.
    pub record: HolderId,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_is_read_as_it_is_printed_and_a_slip_of_the_hand_is_noticed(
            random in any::<[u8; 8]>(), at in 0_usize..12, other in 1_u8..10,
        ) {
            let number = FormNumber::from_random(random);
            let printed = number.to_string();
            prop_assert_eq!(printed.len(), 14);
            let (close, hyphens) = (printed.replace(' ', ""), printed.replace(' ', "-"));
            for typed in [printed.clone(), close, hyphens, format!(" {printed} ")] {
                prop_assert_eq!(FormNumber::parse(&typed), Some(number));
            }
            prop_assert_eq!(FormNumber::from_stored(number.stored()), Some(number));
            prop_assert_eq!(number.digits(), printed.replace(' ', ""));
            let mut digits = number.digits().into_bytes();
            digits[at] = b'0' + (digits[at] - b'0' + other) % 10;
            prop_assert_eq!(FormNumber::parse(&String::from_utf8(digits).unwrap()), None);
        }
    }

    #[test]
    fn what_is_no_number_of_a_form_is_not_read_as_one() {
        for typed in ["", "12", "0004b403", "1234567890", "4539 1488 0343 6467", "一二三四五六七八九十一二"]
        {
            assert_eq!(FormNumber::parse(typed), None, "{typed}");
        }
        // Of ISO/IEC 7812-1, with two digits more.
        assert!(FormNumber::parse("００7992739871３").is_none());
        assert!(FormNumber::parse("0799 2739 8713").is_some() && FormNumber::parse("０799 2739 871３").is_some());
    }
}
