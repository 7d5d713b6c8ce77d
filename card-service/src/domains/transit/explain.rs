//! What a leg cost, in the words of the tariff. Pure.

use std::borrow::Cow;

use card_schema::money::Fen;

use super::model::{Charge, Step};
use super::tariff::{AreaIx, OfGroup, Tariff};

/// A line of an explanation; the amounts of all lines are what was charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The end of the text's key.
    pub key: &'static str,
    /// What it is about, in the tariff's own words.
    pub what: Cow<'a, str>,
    /// What is paid of the leg, where that is said in percent.
    pub percent: Option<u8>,
    /// What it adds or takes.
    pub amount: Fen,
}

impl Tariff {
    /// Why a leg cost what it did.
    ///
    /// # Panics
    /// With a charge of another tariff.
    pub fn explained(&self, charge: &Charge) -> Vec<Line<'_>> {
        charge.steps.iter().map(|step| self.line(step)).collect()
    }

    fn line(&self, step: &Step) -> Line<'_> {
        let counted = |number: usize| Cow::from(&*self.counted[number].id);
        let (key, what, percent) = match *step {
            Step::Fare { product, from, to, .. } => {
                let product = &self.products[usize::from(product)].name;
                let what = match (self.area(from), self.area(to)) {
                    (None, None) => Cow::from(&**product),
                    (from, to) => format!("{product} {}→{}", from.unwrap_or("*"), to.unwrap_or("*")).into(),
                };
                ("fare", what, None)
            }
            Step::Unknown => ("unknown", Cow::default(), None),
            Step::Joined { .. } => ("joined", Cow::default(), None),
            Step::Transfer { rule, .. } => ("transfer", self.transfer_named(rule), None),
            Step::Window { number, .. } => ("window", Cow::from(&*self.windows[number].id), None),
            Step::Concession { number, percent, .. } => {
                ("concession", Cow::from(&*self.concessions[number].id), Some(percent))
            }
            Step::Discount { number, percent, .. } => ("discount", counted(number), Some(percent)),
            Step::Cap { number, .. } => ("cap", counted(number), None),
            Step::Paid { .. } => ("paid", Cow::default(), None),
            Step::Pass { number } => ("pass", Cow::from(&*self.passes[number].id), None),
            Step::Maximum { .. } => ("maximum", Cow::default(), None),
            Step::SameStop => ("same-stop", Cow::default(), None),
        };
        Line { key, what, percent, amount: step.amount() }
    }

    fn area(&self, area: Option<AreaIx>) -> Option<&str> {
        area.map(|area| &*self.areas[usize::from(area)])
    }

    /// The groups that a transfer rule names.
    fn transfer_named(&self, rule: usize) -> Cow<'_, str> {
        let named = |of: OfGroup| match of {
            OfGroup::One(group) => &*self.groups[usize::from(group)],
            OfGroup::AnyOther => "*",
        };
        let rule = &self.transfer_rules[rule];
        format!("{}→{}", named(rule.from), named(rule.to)).into()
    }
}
