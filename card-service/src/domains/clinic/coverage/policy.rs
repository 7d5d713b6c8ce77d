//! The rules of a city, dated, as TOML: what the fund pays of what is eligible, and who is covered. Pure.
//!
//! Amounts are in fen, rates in percent, months as 2026-11. A rule holds until a later one begins. An unknown key is an error: what is
//! misspelt would not be followed. What items are covered is not said here (`catalogue`).

use std::collections::{BTreeMap, BTreeSet};

use card_schema::coverage::{Benefit, Level, Shares};
use card_schema::month::Month;
use card_schema::{money::Fen, rate::Rate};
use serde::Deserialize;

use crate::i18n::Words;
use crate::versions::{self, Versions};

/// The rules of Beijing.
const BEIJING: &str = include_str!("../../../../data/coverage/beijing.toml");
/// The largest file.
pub const MAX_BYTES: usize = 1 << 20;

/// The rules of a city, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    versions: Versions<Version>,
}

/// The rules from a month on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// The first month.
    pub from: Month,
    /// Where they were published.
    pub source: String,
    /// What the holder's own account may pay.
    pub account: BTreeSet<Own>,
    /// Who is covered.
    pub eligibility: Terms,
    /// By benefit; one that is not there is not offered.
    #[serde(rename = "benefit")]
    pub benefits: BTreeMap<Benefit, Rule>,
}

/// A share that is the holder's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Own {
    /// 丙类自费.
    Excluded,
    /// 超限价.
    OverPrice,
    /// 先行自付.
    First,
    /// 起付线.
    Deductible,
    /// 按比例自付.
    CoInsurance,
    /// 超封顶线.
    OverCeiling,
}

/// Which months cover whom. All of it in months.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// A month that counts covers itself and so many after it.
    #[serde(rename = "lasts_months")]
    pub lasts: u16,
    /// Where more are missing between two that count, a waiting period begins with the latter.
    #[serde(rename = "gap_months")]
    pub gap: u16,
    /// How long it is; its first month is the one that counts.
    #[serde(rename = "waiting_months")]
    pub waiting: u16,
    /// How long it is for whoever was never insured before.
    #[serde(rename = "first_waiting_months")]
    pub first_waiting: u16,
}

/// A benefit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Over what eligible amounts accumulate.
    pub period: Period,
    /// What the holder pays of them before the fund pays anything: of a year one amount, of stays one for the first of a year, the second
    /// and so on; the last holds for all later ones.
    #[serde(rename = "deductible_fen")]
    pub deductibles: Vec<Fen>,
    /// The most that the fund pays in a calendar year; anything where it does not say.
    #[serde(rename = "ceiling_fen")]
    pub ceiling: Option<Fen>,
    /// What it pays of what lies above the deductible, the lowest band first.
    pub bands: Vec<Band>,
    /// Whom it pays less.
    pub referral: Option<Referral>,
}

/// Over what eligible amounts accumulate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// A calendar year.
    Year,
    /// A stay.
    Stay,
}

/// What the fund pays of what has accumulated up to an amount, by level of the clinic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// Up to where; without end where it does not say. The fund pays nothing of what lies above the last band.
    #[serde(rename = "up_to_fen")]
    pub up_to: Option<Fen>,
    community: Rate,
    primary: Rate,
    secondary: Rate,
    tertiary: Rate,
}

/// Whoever comes without being sent is paid less.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Referral {
    /// At which clinics.
    pub levels: BTreeSet<Level>,
    /// By how many points of a hundred each rate is less; never below nothing.
    pub less: Rate,
}

/// Why rules cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It says no versions.
    Versions(versions::Unusable),
    /// A version does not say where it was published.
    Source(Month),
    /// In a version a month covers more months than may be missing: cover and waiting period would overlap.
    Lasts(Month),
    /// A benefit of a version.
    Rule(Month, Benefit, Broken),
}

/// What is wrong with a benefit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// There is no deductible, one is negative, or a year has several.
    Deductible,
    /// The ceiling is negative.
    Ceiling,
    /// There is no band, one does not reach above the one before it, or one that has no end is not the last.
    Bands,
    /// No level is named at which a referral matters.
    Referral,
}

impl Unusable {
    /// The key of a text that says so, and what it is filled in with.
    pub fn words(&self) -> Words {
        let (key, at, benefit) = match self {
            Self::Versions(unusable) => return unusable.words(),
            Self::Source(from) => ("coverage-no-source", from, ""),
            Self::Lasts(from) => ("coverage-lasts", from, ""),
            Self::Rule(from, benefit, broken) => (broken.text_key(), from, benefit.name()),
        };
        (key, vec![("at", at.to_string()), ("benefit", benefit.to_owned())])
    }
}

impl Broken {
    /// The key of its text.
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::Deductible => "coverage-broken-deductible",
            Self::Ceiling => "coverage-broken-ceiling",
            Self::Bands => "coverage-broken-bands",
            Self::Referral => "coverage-broken-referral",
        }
    }
}

impl Band {
    /// The rate at a level.
    pub const fn rate(&self, level: Level) -> Rate {
        match level {
            Level::Community => self.community,
            Level::Primary => self.primary,
            Level::Secondary => self.secondary,
            Level::Tertiary => self.tertiary,
        }
    }
}

impl Rule {
    fn check(&self) -> Result<(), Broken> {
        let negative = |fen: &Fen| *fen < Fen::ZERO;
        let too_many = self.period == Period::Year && self.deductibles.len() > 1;
        if self.deductibles.is_empty() || too_many || self.deductibles.iter().any(negative) {
            return Err(Broken::Deductible);
        }
        if self.ceiling.as_ref().is_some_and(negative) {
            return Err(Broken::Ceiling);
        }
        let (last, others) = self.bands.split_last().ok_or(Broken::Bands)?;
        let mut below = Fen::ZERO;
        for band in others {
            below = band.up_to.filter(|up_to| *up_to > below).ok_or(Broken::Bands)?;
        }
        if last.up_to.is_some_and(|up_to| up_to <= below) {
            return Err(Broken::Bands);
        }
        if self.referral.as_ref().is_some_and(|referral| referral.levels.is_empty()) {
            return Err(Broken::Referral);
        }
        Ok(())
    }

    /// The deductible after so many stays in the year.
    pub fn deductible(&self, stays: u32) -> Fen {
        let stays = usize::try_from(stays).unwrap_or(usize::MAX);
        self.deductibles[stays.min(self.deductibles.len() - 1)]
    }
}

impl versions::Version for Version {
    fn from(&self) -> Month {
        self.from
    }
}

impl Version {
    fn check(&self) -> Result<(), Unusable> {
        if self.source.trim().is_empty() {
            return Err(Unusable::Source(self.from));
        }
        if self.eligibility.lasts > self.eligibility.gap {
            return Err(Unusable::Lasts(self.from));
        }
        let check = |(benefit, rule): (&Benefit, &Rule)| {
            rule.check().map_err(|broken| Unusable::Rule(self.from, *benefit, broken))
        };
        self.benefits.iter().try_for_each(check)
    }

    /// What of a bill the holder's own account may pay.
    pub fn from_account(&self, shares: &Shares) -> Fen {
        let share = |own: &Own| match own {
            Own::Excluded => shares.excluded_fen,
            Own::OverPrice => shares.over_price_fen,
            Own::First => shares.first_fen,
            Own::Deductible => shares.deductible_fen,
            Own::CoInsurance => shares.co_insurance_fen,
            Own::OverCeiling => shares.over_ceiling_fen,
        };
        Fen(self.account.iter().map(|own| share(own).0).sum())
    }
}

impl Policy {
    /// Those that come with the program.
    ///
    /// # Panics
    /// Never: a test reads them.
    pub fn beijing() -> Self {
        Self::read(BEIJING).expect("a test reads them")
    }

    /// Reads rules and looks whether they can be followed.
    ///
    /// # Errors
    /// Why they cannot.
    pub fn read(text: &str) -> Result<Self, Unusable> {
        let versions = Versions::read(text).map_err(Unusable::Versions)?;
        versions.all().iter().try_for_each(Version::check)?;
        Ok(Self { versions })
    }

    /// All versions, the oldest first.
    pub fn versions(&self) -> &[Version] {
        self.versions.all()
    }

    /// The rules of a month; nothing before the first.
    pub fn of(&self, month: Month) -> Option<&Version> {
        self.versions.of(month)
    }
}
