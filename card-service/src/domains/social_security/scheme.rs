//! The rules of a city, dated, as TOML: for each insurance between which bounds a base lies and who pays how much of it. Pure.
//!
//! Amounts are in fen, rates in percent, months as 2026-11. A rule holds until a later one begins. An unknown key is an error: what is
//! misspelt would not be followed.

use std::collections::{BTreeMap, BTreeSet};

use card_schema::money::Fen;
use card_schema::month::Month;
use card_schema::rate::Rate;
use serde::Deserialize;

use super::model::{Household, Insurance};
use crate::i18n::Words;
use crate::versions::{self, Versions};

/// The rules of Beijing.
const BEIJING: &str = include_str!("../../../data/social-security/beijing.toml");
/// The largest file.
pub const MAX_BYTES: usize = 1 << 20;

/// The rules of a city, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheme {
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
    /// By insurance; one that is not there is not contributed to.
    #[serde(rename = "insurance")]
    pub rules: BTreeMap<Insurance, Rule>,
}

/// An insurance.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The least that a base is.
    #[serde(rename = "floor_fen")]
    pub floor: Fen,
    /// The most.
    #[serde(rename = "ceiling_fen")]
    pub ceiling: Fen,
    /// Who pays how much: one for each kind of household.
    #[serde(rename = "rate")]
    pub rates: Vec<Rates>,
}

/// Who pays how much.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Of which households; of all where it does not say.
    #[serde(default = "all")]
    pub households: BTreeSet<Household>,
    /// What the employer pays: one rate, or one for each class of risk, of which an employer has one.
    pub employer: Employer,
    /// What the worker pays.
    #[serde(default)]
    pub person: Rate,
    /// What the worker pays besides, whatever the base.
    #[serde(default = "nothing", rename = "person_fen")]
    pub person_fixed: Fen,
    /// What of the base is credited to the worker's own account, by age; nothing where it does not say.
    #[serde(default)]
    pub account: Vec<Credited>,
}

/// What an employer pays.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "what an employer pays is a rate in percent, like 16%, or a list of such rates by class of risk"
)]
pub enum Employer {
    /// The same as every other.
    Same(Rate),
    /// By class of risk, counted up from 1.
    ByRisk(Vec<Rate>),
}

/// What is credited to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credited {
    /// From which age on, in whole years.
    #[serde(default)]
    pub from_age: u8,
    /// How much of the base.
    pub rate: Rate,
}

fn all() -> BTreeSet<Household> {
    Household::ALL.into()
}

const fn nothing() -> Fen {
    Fen::ZERO
}

/// Why rules cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It says no versions.
    Versions(versions::Unusable),
    /// An insurance of a version.
    Rule(Month, Insurance, Broken),
}

/// What is wrong with an insurance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The floor is negative or above the ceiling.
    Bounds,
    /// A kind of household has no rates, or two.
    Households,
    /// There is no class of risk.
    Risks,
    /// More is credited to accounts than is paid, ages do not go up, or nobody has an account with this insurance.
    Account,
    /// Something fixed is negative.
    Negative,
}

impl Unusable {
    /// The key of a text that says so, and what it is filled in with.
    pub fn words(&self) -> Words {
        match self {
            Self::Versions(unusable) => unusable.words(),
            Self::Rule(from, insurance, broken) => {
                (broken.text_key(), vec![("at", from.to_string()), ("insurance", insurance.name().to_owned())])
            }
        }
    }
}

impl Broken {
    /// The key of its text.
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::Bounds => "security-bounds",
            Self::Households => "security-households",
            Self::Risks => "security-risks",
            Self::Account => "security-account",
            Self::Negative => "security-negative",
        }
    }
}

impl Employer {
    /// The rates by class of risk; one where there are no classes.
    pub fn rates(&self) -> &[Rate] {
        match self {
            Self::Same(rate) => std::slice::from_ref(rate),
            Self::ByRisk(rates) => rates,
        }
    }
}

impl Rates {
    fn check(&self) -> Result<(), Broken> {
        let least = self.employer.rates().iter().min().ok_or(Broken::Risks)?;
        if self.person_fixed < Fen::ZERO {
            return Err(Broken::Negative);
        }
        let paid = least.plus(self.person);
        let begins = self.account.first().is_none_or(|first| first.from_age == 0);
        let goes_up = self.account.windows(2).all(|pair| pair[0].from_age < pair[1].from_age);
        if begins && goes_up && self.account.iter().all(|credited| credited.rate <= paid) {
            Ok(())
        } else {
            Err(Broken::Account)
        }
    }
}

impl Rule {
    fn check(&self) -> Result<(), Broken> {
        if self.floor < Fen::ZERO || self.floor > self.ceiling {
            return Err(Broken::Bounds);
        }
        let mut households: Vec<_> = self.rates.iter().flat_map(|rates| &rates.households).collect();
        households.sort();
        if !households.into_iter().eq(&all()) {
            return Err(Broken::Households);
        }
        self.rates.iter().try_for_each(Rates::check)
    }
}

impl versions::Version for Version {
    fn from(&self) -> Month {
        self.from
    }
}

impl Version {
    fn check(&self) -> Result<(), Unusable> {
        let check = |(insurance, rule): (&Insurance, &Rule)| {
            // Nobody has an account of their own with the others.
            let has_account = matches!(insurance, Insurance::Pension | Insurance::Medical);
            let credits = rule.rates.iter().any(|rates| !rates.account.is_empty());
            let checked = if credits && !has_account { Err(Broken::Account) } else { rule.check() };
            checked.map_err(|broken| Unusable::Rule(self.from, *insurance, broken))
        };
        self.rules.iter().try_for_each(check)
    }
}

impl Scheme {
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
