//! What a month costs. Pure.

use card_schema::date::Date;
use card_schema::money::Fen;
use card_schema::month::Month;
use card_schema::rate::Rate;
use serde::Serialize;

use super::model::{Household, Insurance};
use super::scheme::{Rates, Rule, Scheme};

/// Of whom, for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worker {
    /// What they earn in a month, as the employer declares it.
    pub wage: Fen,
    /// Where their household is registered.
    pub household: Household,
    /// When they were born.
    pub born: Date,
    /// The class of risk of their employer, counted up from 1.
    pub risk: u8,
}

/// What an insurance costs in a month, and how that comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Contribution {
    /// Which.
    pub insurance: Insurance,
    /// Of what it is reckoned: the wage, within the bounds.
    #[serde(rename = "base_fen")]
    pub base: Fen,
    /// What bounds the wage; nothing where it lies between them.
    pub bound: Option<Bound>,
    /// The rate of the employer.
    pub employer_rate: Rate,
    /// What the employer pays.
    #[serde(rename = "employer_fen")]
    pub employer: Fen,
    /// The rate of the worker.
    pub person_rate: Rate,
    /// What of the worker's share is fixed.
    #[serde(rename = "person_fixed_fen")]
    pub person_fixed: Fen,
    /// What the worker pays, the fixed part included.
    #[serde(rename = "person_fen")]
    pub person: Fen,
    /// What of the base is the worker's own.
    pub account_rate: Rate,
    /// What of both shares is credited to the worker's own account.
    #[serde(rename = "account_fen")]
    pub account: Fen,
}

/// A bound of a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The wage is less.
    Floor,
    /// The wage is more.
    Ceiling,
}

/// Why it cannot be said what a month costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// No rules are known of a month so long ago: the first that they are known of.
    Before(Month),
    /// There is no such class of risk: how many there are.
    Risk(usize),
    /// Nobody earns less than nothing.
    Wage,
    /// The worker was born later.
    Born,
}

/// What a worker's month costs, by insurance.
///
/// # Errors
/// [`Wrong`].
pub fn contributions(scheme: &Scheme, month: Month, worker: &Worker) -> Result<Vec<Contribution>, Wrong> {
    let version = scheme.of(month).ok_or(Wrong::Before(scheme.versions()[0].from))?;
    if worker.wage < Fen::ZERO {
        return Err(Wrong::Wage);
    }
    if worker.born >= month.after().first() {
        return Err(Wrong::Born);
    }
    version.rules.iter().map(|(insurance, rule)| contribution(*insurance, rule, month, worker)).collect()
}

fn contribution(insurance: Insurance, rule: &Rule, month: Month, worker: &Worker) -> Result<Contribution, Wrong> {
    let (base, bound) = if worker.wage < rule.floor {
        (rule.floor, Some(Bound::Floor))
    } else if worker.wage > rule.ceiling {
        (rule.ceiling, Some(Bound::Ceiling))
    } else {
        (worker.wage, None)
    };
    let rates = rule.rates.iter().find(|rates| rates.households.contains(&worker.household));
    let Rates { employer, person: person_rate, person_fixed, account, .. } = rates.expect("checked when it was read");
    let classes = employer.rates();
    // Where all pay the same, it does not matter how dangerous the work is.
    let class = if classes.len() == 1 { Some(0) } else { usize::from(worker.risk).checked_sub(1) };
    let employer_rate = *class.and_then(|class| classes.get(class)).ok_or(Wrong::Risk(classes.len()))?;
    let age = age(worker.born, month);
    let account_rate =
        account.iter().rev().find(|credited| credited.from_age <= age).map_or(Rate::ZERO, |credited| credited.rate);
    let (employer, person) = (employer_rate.of(base), Fen(person_rate.of(base).0 + person_fixed.0));
    Ok(Contribution {
        insurance,
        base,
        bound,
        employer_rate,
        employer,
        person_rate: *person_rate,
        person_fixed: *person_fixed,
        person,
        account_rate,
        // Rounded apart, both shares may come to a fen less than their sum.
        account: account_rate.of(base).min(Fen(employer.0 + person.0)),
    })
}

/// Whole years on the first day of a month.
fn age(born: Date, month: Month) -> u8 {
    let first = month.first();
    let has_been = (first.month(), first.day()) >= (born.month(), born.day());
    let years = i32::from(first.year()) - i32::from(born.year()) - i32::from(!has_been);
    u8::try_from(years.max(0)).unwrap_or(u8::MAX)
}
