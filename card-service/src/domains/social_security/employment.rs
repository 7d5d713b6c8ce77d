//! Who is insured through whom, from which month up to which. Pure.

use card_schema::ids::OrganisationId;
use card_schema::month::Month;

use super::model::Household;

/// Somebody is insured through an employer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Employment {
    /// Through whom.
    pub employer: OrganisationId,
    /// The first month.
    pub from: Month,
    /// The last; none where no end is known.
    pub until: Option<Month>,
    /// Where the household is registered, as the employer declares it.
    pub household: Household,
}

/// Why somebody cannot be enrolled, or leave: a field of a form, and the key of what to do about it.
pub type Wrong = (&'static str, &'static str);

/// So many months ago an employment can begin: a month that is over for longer cannot be declared any more.
const BACK: u32 = 1;
/// And so many months ahead.
const AHEAD: u32 = 3;

impl Employment {
    /// Whether somebody is insured in a month.
    pub fn is_in(&self, month: Month) -> bool {
        self.from <= month && self.until.is_none_or(|until| month <= until)
    }

    /// Whether it has no month: it was ended before it began.
    fn is_empty(&self) -> bool {
        self.until.is_some_and(|until| until < self.from)
    }

    /// Whether both have a month in common.
    fn meets(&self, other: &Self) -> bool {
        if self.is_empty() || other.is_empty() {
            return false;
        }
        self.until.is_none_or(|until| other.from <= until) && other.until.is_none_or(|until| self.from <= until)
    }

    /// Whether a new one can stand beside those that there are: somebody is insured through one employer at a time (Social Insurance
    /// Law, article 4, and the bureau's own registers).
    ///
    /// # Errors
    /// What to do about it.
    pub fn check(&self, others: &[Self], now: Month) -> Result<(), Wrong> {
        let first = (0..BACK).fold(now, |month, _| month.before());
        let last = (0..AHEAD).fold(now, |month, _| month.after());
        if self.from < first {
            return Err(("from", "insured-from-over"));
        }
        if self.from > last {
            return Err(("from", "insured-from-late"));
        }
        match others.iter().find(|other| other.meets(self)) {
            None => Ok(()),
            Some(other) if other.employer == self.employer => Err(("number", "insured-already")),
            // Which other employer that is, is nothing for this one.
            Some(_) => Err(("number", "insured-elsewhere")),
        }
    }

    /// As it is when somebody leaves.
    ///
    /// # Errors
    /// What to do about it.
    pub fn ended(&self, until: Month, now: Month) -> Result<Self, Wrong> {
        if self.until.is_some() {
            return Err(("number", "insured-left-already"));
        }
        // Whoever never began has no month: the last lies before the first.
        if until < self.from.before() {
            return Err(("until", "insured-until-before"));
        }
        if until < now.before() {
            return Err(("until", "insured-until-over"));
        }
        if until > now {
            return Err(("until", "insured-until-late"));
        }
        Ok(Self { until: Some(until), ..*self })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    fn employment(employer: u128, from: &str, until: Option<&str>) -> Employment {
        Employment {
            employer: OrganisationId(Uuid::from_u128(employer)),
            from: month(from),
            until: until.map(month),
            household: Household::OtherRural,
        }
    }

    #[test]
    fn nobody_is_insured_twice_in_a_month_nor_from_long_ago() {
        let now = month("2026-11");
        let others = [employment(1, "2026-01", Some("2026-09")), employment(2, "2026-12", None)];
        for (from, until, expected) in [
            ("2026-10", Some("2026-11"), None),
            ("2026-09", Some("2026-09"), Some("insured-from-over")),
            ("2027-03", None, Some("insured-from-late")),
            ("2026-10", None, Some("insured-elsewhere")),
            ("2026-12", Some("2026-12"), Some("insured-elsewhere")),
        ] {
            let wrong = employment(3, from, until).check(&others, now).err().map(|(_, key)| key);
            assert_eq!(wrong, expected, "{from}");
        }
        let again = employment(2, "2026-11", None).check(&others, now);
        assert_eq!(again, Err(("number", "insured-already")));
        let never = [employment(1, "2026-12", Some("2026-11"))];
        assert_eq!(employment(2, "2026-11", None).check(&never, now), Ok(()), "what never began is in nobody's way");
        assert_eq!(employment(1, "2026-10", Some("2026-11")).check(&others, now), Ok(()), "whoever left may come back");
    }

    #[test]
    fn whoever_leaves_has_a_last_month_that_is_not_over_and_leaves_once() {
        let now = month("2026-11");
        let since = employment(1, "2026-10", None);
        let ended = |of: Employment, until: &str| of.ended(month(until), now).map_err(|(_, key)| key);
        assert!(ended(since, "2026-11").unwrap().is_in(month("2026-11")));
        assert!(!ended(since, "2026-10").unwrap().is_in(month("2026-11")));
        assert_eq!(ended(since, "2026-09"), Err("insured-until-over"));
        assert_eq!(ended(since, "2026-12"), Err("insured-until-late"));
        assert_eq!(ended(employment(1, "2026-01", Some("2026-11")), "2026-11"), Err("insured-left-already"));
        let to_come = employment(1, "2026-12", None);
        assert!(!ended(to_come, "2026-11").unwrap().is_in(month("2026-12")), "it never began");
        assert_eq!(ended(employment(1, "2027-01", None), "2026-11"), Err("insured-until-before"));
    }
}
