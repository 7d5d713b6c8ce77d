//! Rates: how much of an amount, in percent as people and files write it. Rounds to the nearest fen.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::money::Fen;

/// A part of an amount, in millionths.
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

    /// What is left of it without the other; nothing where that is more.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// In millionths.
    pub const fn millionths(self) -> u32 {
        self.0
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
