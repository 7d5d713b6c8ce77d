//! What is insured, of whom, and at which rates. Pure.

use std::fmt;
use std::str::FromStr;

use card_schema::money::Fen;
use serde::{Deserialize, Deserializer, Serialize, de};

/// An insurance (Social Insurance Law of 2010, article 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Insurance {
    /// 基本养老保险.
    Pension,
    /// 基本医疗保险.
    Medical,
    /// 失业保险.
    Unemployment,
    /// 工伤保险.
    WorkInjury,
    /// 生育保险.
    Maternity,
}

impl Insurance {
    /// Every one, in the order of the law.
    pub const ALL: [Self; 5] = [Self::Pension, Self::Medical, Self::Unemployment, Self::WorkInjury, Self::Maternity];

    /// Its name in files and in keys of texts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pension => "pension",
            Self::Medical => "medical",
            Self::Unemployment => "unemployment",
            Self::WorkInjury => "work_injury",
            Self::Maternity => "maternity",
        }
    }
}

/// Where a household is registered, as rates depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Household {
    /// In a town of this city.
    LocalUrban,
    /// In the country around this city.
    LocalRural,
    /// In a town elsewhere.
    OtherUrban,
    /// In the country elsewhere.
    OtherRural,
}

impl Household {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::LocalUrban, Self::LocalRural, Self::OtherUrban, Self::OtherRural];

    /// Its name in the database and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LocalUrban => "local_urban",
            Self::LocalRural => "local_rural",
            Self::OtherUrban => "other_urban",
            Self::OtherRural => "other_rural",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|household| household.name() == name)
    }
}

/// A part of a base, in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u32);

impl Rate {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// All of it.
    pub const WHOLE: Self = Self(1_000_000);

    /// What it comes to of a base that is zero or above, to the nearest fen, half a fen upwards.
    pub const fn of(self, base: Fen) -> Fen {
        let millionths = base.0 as i128 * self.0 as i128;
        #[expect(clippy::cast_possible_truncation, reason = "no more than the base")]
        Fen(((millionths + 500_000) / 1_000_000) as i64)
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Rate {
    /// In percent.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 10_000, format!("{:04}", self.0 % 10_000));
        match rest.trim_end_matches('0') {
            "" => write!(out, "{whole}%"),
            rest => write!(out, "{whole}.{rest}%"),
        }
    }
}

/// A text that is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rate is written in percent, from 0% to 100%, with at most four decimals")]
pub struct NoRate;

impl FromStr for Rate {
    type Err = NoRate;

    fn from_str(text: &str) -> Result<Self, NoRate> {
        let text = text.strip_suffix('%').ok_or(NoRate)?;
        let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
        let digits =
            |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit());
        if !digits(whole, 3) || !digits(rest, 4) {
            return Err(NoRate);
        }
        let number: u32 = format!("{whole}{rest:0<4}").parse().map_err(|_| NoRate)?;
        Some(Self(number)).filter(|rate| *rate <= Self::WHOLE).ok_or(NoRate)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Serialize for Rate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
