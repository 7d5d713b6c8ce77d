//! What has become of somebody's months: which were paid, which late, which are missing. Pure.

use std::collections::{BTreeMap, BTreeSet};

use card_schema::clock::Micros;
use card_schema::ids::OrganisationId;
use card_schema::money::Fen;
use card_schema::month::Month;
use card_schema::wire::insurance::MonthState;

use super::declaration::{DeclarationId, Sums};
use super::employment::Employment;

/// As what a look at somebody's months stands in the holder's list.
pub const READ: &str = "insurance";

/// What was declared of somebody for a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Of which month.
    pub month: Month,
    /// By whom.
    pub employer: OrganisationId,
    /// In which declaration.
    pub declaration: DeclarationId,
    /// When.
    pub filed_at: Micros,
    /// When it was paid; none where it is not.
    pub paid_at: Option<Micros>,
    /// What they earn.
    pub wage: Fen,
    /// What it comes to.
    pub sums: Sums,
}

/// A month of somebody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonthOf {
    /// Which.
    pub month: Month,
    /// Who has to see to it.
    pub employer: OrganisationId,
    /// How it stands.
    pub state: MonthState,
    /// What it comes to, as it was declared last: of a month that was paid, what was paid. None where it was not declared.
    pub declared: Option<Declared>,
    /// Whether a correction of what was paid waits to be paid.
    pub correction_waits: bool,
}

/// The last moment at which a month is paid in time: the end of the month after it, in which it can be declared still.
pub fn due(month: Month) -> Micros {
    month.after().span().end
}

/// Every month in which somebody was to be insured, and every one that was declared, the newest first.
pub fn months(employments: &[Employment], declared: &[Declared], now: Micros, this: Month) -> Vec<MonthOf> {
    let mut of_month: BTreeMap<(Month, OrganisationId), Vec<Declared>> = BTreeMap::new();
    for one in declared {
        of_month.entry((one.month, one.employer)).or_default().push(*one);
    }
    let mut keys: BTreeSet<_> = of_month.keys().copied().collect();
    for employment in employments {
        let last = employment.until.map_or(this, |until| until.min(this));
        let months = std::iter::successors(Some(employment.from), |month| Some(month.after()));
        keys.extend(months.take_while(|month| *month <= last).map(|month| (month, employment.employer)));
    }
    let month_of = |(month, employer)| {
        let all = of_month.get(&(month, employer)).map_or(&[][..], Vec::as_slice);
        // A correction takes nothing from a month that was paid, and does not make it late.
        let paid_at = all.iter().filter_map(|one| one.paid_at).min();
        let holds = all.iter().max_by_key(|one| (one.paid_at.is_some(), one.filed_at));
        let declared = holds.map(|one| Declared { paid_at, ..*one });
        let later = |holds: &Declared| all.iter().any(|one| one.filed_at > holds.filed_at);
        let correction_waits = paid_at.is_some() && declared.as_ref().is_some_and(later);
        let is_over = now >= due(month);
        let state = match declared {
            Some(Declared { paid_at: Some(at), .. }) if at < due(month) => MonthState::Paid,
            Some(Declared { paid_at: Some(_), .. }) => MonthState::PaidLate,
            Some(_) if is_over => MonthState::Unpaid,
            Some(_) => MonthState::Declared,
            None if is_over => MonthState::Missing,
            None => MonthState::Open,
        };
        MonthOf { month, employer, state, declared, correction_waits }
    };
    keys.into_iter().rev().map(month_of).collect()
}

/// How many months count: one that two employers have paid is one.
pub fn counted(months: &[MonthOf]) -> usize {
    months.iter().filter(|of| of.state.counts()).map(|of| of.month).collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domains::social_security::model::Household;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    fn at(day: &str) -> Micros {
        day.parse::<card_schema::date::Date>().unwrap().start_in_china()
    }

    const EMPLOYER: OrganisationId = OrganisationId(Uuid::from_u128(1));

    fn declared(of: &str, filed: &str, paid: Option<&str>, person: i64) -> Declared {
        Declared {
            month: month(of),
            employer: EMPLOYER,
            declaration: DeclarationId([1; 16]),
            filed_at: at(filed),
            paid_at: paid.map(at),
            wage: Fen(800_000),
            sums: Sums { person: Fen(person), ..Sums::default() },
        }
    }

    #[test]
    fn each_month_of_an_employment_is_paid_or_somebody_sees_that_it_is_not() {
        let since =
            Employment { employer: EMPLOYER, from: month("2026-05"), until: None, household: Household::OtherUrban };
        let all = [
            declared("2026-05", "2026-05-20", Some("2026-06-30"), 1),
            declared("2026-06", "2026-06-20", Some("2026-08-01"), 1),
            declared("2026-07", "2026-07-20", None, 1),
            declared("2026-10", "2026-10-20", None, 1),
        ];
        let found = months(&[since], &all, at("2026-11-30"), month("2026-11"));
        let states: Vec<_> = found.iter().map(|of| (of.month.to_string(), of.state)).collect();
        let expected = [
            ("2026-11", MonthState::Open),
            ("2026-10", MonthState::Declared),
            ("2026-09", MonthState::Missing),
            ("2026-08", MonthState::Missing),
            ("2026-07", MonthState::Unpaid),
            ("2026-06", MonthState::PaidLate),
            ("2026-05", MonthState::Paid),
        ];
        assert_eq!(states, expected.map(|(month, state)| (month.to_owned(), state)));
        assert_eq!((counted(&found), found.iter().filter(|of| of.state.is_gap()).count()), (2, 3));
    }

    #[test]
    fn a_correction_holds_when_it_is_paid_and_takes_no_month_away_nor_makes_it_late() {
        let first = declared("2026-05", "2026-05-20", Some("2026-05-25"), 1);
        for (paid, person, waits) in [(None, 1, true), (Some("2026-08-21"), 2, false)] {
            let correction = declared("2026-05", "2026-08-20", paid, 2);
            for all in [[first, correction], [correction, first]] {
                let found = months(&[], &all, at("2026-11-30"), month("2026-11"));
                assert_eq!(found.len(), 1);
                assert_eq!((found[0].state, found[0].correction_waits), (MonthState::Paid, waits));
                assert_eq!(found[0].declared.unwrap().sums.person, Fen(person));
            }
        }
    }

    #[test]
    fn whoever_has_left_lacks_nothing_afterwards_and_two_employers_make_one_month() {
        let left = Employment {
            employer: EMPLOYER,
            from: month("2026-05"),
            until: Some(month("2026-05")),
            household: Household::OtherUrban,
        };
        let first = declared("2026-05", "2026-05-20", Some("2026-05-25"), 1);
        let other = Declared { employer: OrganisationId(Uuid::from_u128(2)), ..first };
        let found = months(&[left], &[first, other], at("2026-11-30"), month("2026-11"));
        assert_eq!((found.len(), counted(&found)), (2, 1));
        let never = Employment { from: month("2026-06"), ..left };
        assert_eq!(months(&[never], &[], at("2026-11-30"), month("2026-11")), []);
    }
}
