//! The clock of residence permits: who may have one, until when it is in force, what may be done with it. Pure.
//!
//! Numbers of months and days come from [`REGULATIONS`], dated: an act is judged by what is in force on its day.

use card_schema::date::Date;
use jiff::Span;
use uuid::Uuid;

use super::model::{Act, NotNow, Permit, Stage, Standing};
use crate::domains::residence::calendar::{self, months, shifted};

/// What a regulation says of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Regulation {
    /// The first day on which it is in force.
    pub since: Date,
    /// For how many months somebody must have lived in the city.
    pub months_of_residence: i64,
    /// How many days a decision may take.
    pub days_to_decide: i64,
    /// How many months a permit is in force, from being issued or endorsed.
    pub months_of_term: i64,
    /// How many months before the end of its term a permit may be endorsed.
    pub months_to_endorse: i64,
}

/// The regulations, oldest first.
///
/// Interim Regulation on Residence Permits (居住证暂行条例), State Council Decree No. 663, in force from 2016-01-01: half a year
/// of residence and one of three grounds (article 2), made and handed out within 15 days (article 10), endorsed every year
/// in the last month of the term; without, its use is suspended, and with a later endorsement restored, while the years of
/// residence count anew from that day (article 11).
pub const REGULATIONS: [Regulation; 1] = [Regulation {
    since: match Date::new(2016, 1, 1) {
        Some(day) => day,
        None => panic!("the calendar has this day"),
    },
    months_of_residence: 6,
    days_to_decide: 15,
    months_of_term: 12,
    months_to_endorse: 1,
}];

/// The one of some regulations, oldest first, that is in force on a day.
fn in_force(regulations: &[Regulation], day: Date) -> Result<&Regulation, NotNow> {
    let found = calendar::in_force(regulations, |regulation| regulation.since, day);
    found.ok_or_else(|| NotNow { key: "permit-no-regulation", from: regulations.first().map(|first| first.since) })
}

/// The clock of some regulations.
#[derive(Clone, Copy, Debug)]
pub struct Clock<'a> {
    regulations: &'a [Regulation],
    today: Date,
}

impl Clock<'static> {
    /// Of the regulations there are, on a day.
    pub const fn on(today: Date) -> Self {
        Self { regulations: &REGULATIONS, today }
    }
}

impl Clock<'_> {
    fn regulation(&self) -> Result<&Regulation, NotNow> {
        in_force(self.regulations, self.today)
    }

    /// A new application of somebody who has lived in the city since a day; none where that is not known.
    ///
    /// # Errors
    /// Before half a year is over.
    pub fn apply(&self, permit_id: Uuid, city_since: Option<Date>) -> Result<Permit, NotNow> {
        let regulation = self.regulation()?;
        let city_since = city_since.ok_or(NotNow { key: "permit-city-since-unknown", from: None })?;
        let from = months(city_since, regulation.months_of_residence);
        if self.today < from {
            return Err(NotNow { key: "permit-too-early", from: Some(from) });
        }
        Ok(Permit {
            permit_id,
            stage: Stage::Applied,
            applied: self.today,
            decide_by: shifted(self.today, Span::new().days(regulation.days_to_decide)),
            counts_from: None,
            valid_until: None,
        })
    }

    /// A permit after something was done with it.
    ///
    /// # Errors
    /// When that cannot be done now.
    pub fn done(&self, permit: &Permit, act: Act) -> Result<Permit, NotNow> {
        let regulation = self.regulation()?;
        let mut next = permit.clone();
        match (permit.stage, act) {
            (Stage::Applied, Act::Grant) => next.stage = Stage::Granted,
            (Stage::Applied, Act::Refuse) => next.stage = Stage::Refused,
            (Stage::Applied | Stage::Granted, Act::Withdraw) => next.stage = Stage::Withdrawn,
            (Stage::Granted, Act::Issue) => {
                next.stage = Stage::Issued;
                next.counts_from = Some(self.today);
                next.valid_until = Some(months(self.today, regulation.months_of_term));
            }
            (Stage::Issued, Act::Endorse) => {
                let end = permit.valid_until.unwrap_or(self.today);
                let from = months(end, -regulation.months_to_endorse);
                if self.today < from {
                    return Err(NotNow { key: "permit-endorse-too-early", from: Some(from) });
                }
                // In time, no day of the term is lost; late, everything counts from today.
                let begins = if self.today <= end { end } else { self.today };
                if begins != end {
                    next.counts_from = Some(begins);
                }
                next.valid_until = Some(months(begins, regulation.months_of_term));
            }
            (Stage::Granted | Stage::Issued, Act::Cancel) => next.stage = Stage::Cancelled,
            _ => return Err(NotNow { key: "permit-not-now", from: None }),
        }
        Ok(next)
    }

    /// What may be done with a permit, or with none, in the order of a permit's life.
    pub fn acts(&self, permit: Option<&Permit>) -> Vec<Act> {
        match permit.filter(|permit| !permit.stage.is_final()) {
            None => vec![Act::Apply],
            Some(permit) => Act::ALL.into_iter().filter(|act| self.done(permit, *act).is_ok()).collect(),
        }
    }

    /// How a permit stands.
    pub fn standing(&self, permit: &Permit) -> Standing {
        match (permit.stage, permit.valid_until) {
            (Stage::Applied, _) if permit.decide_by < self.today => Standing::Overdue,
            (Stage::Applied, _) => Standing::Waiting,
            (Stage::Granted, _) => Standing::Granted,
            (Stage::Issued, Some(until)) if until < self.today => Standing::Suspended,
            (Stage::Issued, _) if self.done(permit, Act::Endorse).is_ok() => Standing::Due,
            (Stage::Issued, _) => Standing::InForce,
            (Stage::Refused, _) => Standing::Refused,
            (Stage::Withdrawn, _) => Standing::Withdrawn,
            (Stage::Cancelled, _) => Standing::Cancelled,
        }
    }

    /// The last day of the terms that may be endorsed now.
    ///
    /// # Errors
    /// Before there was a regulation.
    pub fn endorsed_up_to(&self) -> Result<Date, NotNow> {
        let months_to_endorse = self.regulation()?.months_to_endorse;
        // The last of a month reaches back over more days than the months after it have: look a little further, and let
        // `standing` decide.
        Ok(shifted(self.today, Span::new().months(months_to_endorse).days(3)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        Date::from_digits(text.as_bytes().try_into().unwrap()).unwrap()
    }

    fn on(text: &str) -> Clock<'static> {
        Clock::on(day(text))
    }

    fn issued(text: &str) -> Permit {
        let applied = on(text).apply(Uuid::nil(), Some(day("20200101"))).unwrap();
        let granted = on(text).done(&applied, Act::Grant).unwrap();
        on(text).done(&granted, Act::Issue).unwrap()
    }

    #[test]
    fn half_a_year_is_waited_for_to_the_day() {
        for (since, first) in
            [("20260301", "20260901"), ("20260831", "20270228"), ("20230831", "20240229"), ("20251231", "20260630")]
        {
            let before = on(first).today.start_utc().plus_seconds(-1);
            let early = Clock::on(Date::of_utc(before)).apply(Uuid::nil(), Some(day(since)));
            assert_eq!(early, Err(NotNow { key: "permit-too-early", from: Some(day(first)) }));
            assert!(on(first).apply(Uuid::nil(), Some(day(since))).is_ok());
        }
        assert_eq!(on("20260901").apply(Uuid::nil(), None).unwrap_err().key, "permit-city-since-unknown");
        assert_eq!(on("20151231").apply(Uuid::nil(), Some(day("20100101"))).unwrap_err().key, "permit-no-regulation");
    }

    #[test]
    fn a_decision_has_fifteen_days() {
        let applied = on("20261120").apply(Uuid::nil(), Some(day("20200101"))).unwrap();
        assert_eq!(applied.decide_by, day("20261205"));
        assert_eq!(on("20261205").standing(&applied), Standing::Waiting);
        assert_eq!(on("20261206").standing(&applied), Standing::Overdue);
        assert!(on("20261206").done(&applied, Act::Grant).is_ok(), "late is better than never");
    }

    #[test]
    fn a_missed_endorsement_suspends_and_a_late_one_restores_while_the_years_begin_anew() {
        let permit = issued("20260115");
        assert_eq!((permit.counts_from, permit.valid_until), (Some(day("20260115")), Some(day("20270115"))));
        for (today, standing) in [
            ("20261214", Standing::InForce),
            ("20261215", Standing::Due),
            ("20270115", Standing::Due),
            ("20270116", Standing::Suspended),
        ] {
            assert_eq!(on(today).standing(&permit), standing, "{today}");
        }
        let early = on("20261214").done(&permit, Act::Endorse).unwrap_err();
        assert_eq!(early, NotNow { key: "permit-endorse-too-early", from: Some(day("20261215")) });
        let in_time = on("20261215").done(&permit, Act::Endorse).unwrap();
        assert_eq!((in_time.counts_from, in_time.valid_until), (permit.counts_from, Some(day("20280115"))));
        let late = on("20270301").done(&permit, Act::Endorse).unwrap();
        assert_eq!((late.counts_from, late.valid_until), (Some(day("20270301")), Some(day("20280301"))));
        assert_eq!(on("20270301").standing(&late), Standing::InForce);
    }

    #[test]
    fn what_may_be_done_follows_from_the_stage() {
        let acts = |permit: Option<&Permit>| on("20260201").acts(permit);
        assert_eq!(acts(None), [Act::Apply]);
        let applied = on("20260201").apply(Uuid::nil(), Some(day("20200101"))).unwrap();
        assert_eq!(acts(Some(&applied)), [Act::Grant, Act::Refuse, Act::Withdraw]);
        let granted = on("20260201").done(&applied, Act::Grant).unwrap();
        assert_eq!(acts(Some(&granted)), [Act::Withdraw, Act::Issue, Act::Cancel]);
        assert_eq!(acts(Some(&issued("20260101"))), [Act::Cancel]);
        assert_eq!(acts(Some(&issued("20250101"))), [Act::Endorse, Act::Cancel]);
        for act in [Act::Refuse, Act::Withdraw] {
            let ended = on("20260201").done(&applied, act).unwrap();
            assert_eq!(acts(Some(&ended)), [Act::Apply], "whoever was refused may apply again");
            assert!(Act::ALL.iter().all(|act| on("20260201").done(&ended, *act).is_err()));
        }
    }

    #[test]
    fn an_act_is_judged_by_the_regulation_of_its_day() {
        // Invented: a second regulation that asks for a whole year and gives two.
        let mut later = REGULATIONS[0];
        later.since = day("20270101");
        (later.months_of_residence, later.months_of_term) = (12, 24);
        let both = [REGULATIONS[0], later];
        let on = |text: &str| Clock { regulations: &both, today: day(text) };
        let since = Some(day("20260601"));
        assert!(on("20261231").apply(Uuid::nil(), since).is_ok());
        let early = on("20270101").apply(Uuid::nil(), since).unwrap_err();
        assert_eq!(early.from, Some(day("20270601")));
        let endorsed = on("20270110").done(&issued("20260115"), Act::Endorse).unwrap();
        assert_eq!(endorsed.valid_until, Some(day("20290115")));
    }

    #[test]
    fn every_term_that_may_be_endorsed_ends_before_the_day_that_is_looked_for() {
        let first = day("20260101").start_utc();
        for ahead in 0..800 {
            let permit = issued("20240229");
            let until = Date::of_utc(first.plus_seconds(86_400 * ahead));
            let permit = Permit { valid_until: Some(until), ..permit };
            for back in 0..40 {
                let clock = Clock::on(Date::of_utc(until.start_utc().plus_seconds(-86_400 * back)));
                if clock.standing(&permit) == Standing::Due {
                    assert!(until <= clock.endorsed_up_to().unwrap(), "{until} on {}", clock.today);
                }
            }
        }
    }
}
