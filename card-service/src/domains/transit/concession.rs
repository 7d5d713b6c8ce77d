//! Concessions of holders: which somebody was granted, for which days, and what follows at once for rides of these days. What a
//! concession is worth stands in the fares.

use std::collections::BTreeSet;

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::HolderId;

use super::closing::{Cause, reckon};
use super::model::RiderKey;
use super::store::{concession as store, riding};
use super::{Fares, Tariff};
use crate::db::{DbError, Tx};
use crate::people::StaffId;

/// As what a look at a holder's concessions stands in the holder's list.
pub const READ: &str = "concessions";
/// No concession is granted for longer: whoever has a right to it shows so again.
const LONGEST_DAYS: i64 = 3_660;

/// Names a concession of a holder. Random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConcessionId(pub [u8; 16]);

/// What somebody was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Which of those that the holder has.
    pub id: ConcessionId,
    /// Its name in the fares.
    pub concession: String,
    /// The first day of service.
    pub from: Date,
    /// The last; before the first where it was ended before it began.
    pub until: Date,
}

/// A concession of a holder, and who granted or ended it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What.
    pub grant: Grant,
    /// When something was done with it last.
    pub at: Micros,
    /// By whom: the name to sign in with.
    pub staff: String,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// One more.
    Grant(Grant),
    /// One of them, no longer than today.
    End(ConcessionId),
}

/// Who does it, and when.
#[derive(Clone, Copy, Debug)]
pub struct By {
    /// Who.
    pub staff: StaffId,
    /// When.
    pub now: Micros,
    /// The day on which it is where the stations are.
    pub today: Date,
}

/// Why it is not done: a field of a form, and the key of what to do about it.
pub type Wrong = (&'static str, &'static str);

impl Grant {
    /// Whether it is good on a day.
    pub fn is_good(&self, day: Date) -> bool {
        (self.from..=self.until).contains(&day)
    }

    /// Whether there are days to come on which it is good.
    pub fn goes_on(&self, today: Date) -> bool {
        self.until > today && self.until >= self.from
    }

    /// As it is when it is ended on a day: that day is its last, and it has none where it has not begun.
    fn ended(&self, today: Date) -> Self {
        let before = Date::from_days(self.from.days() - 1).unwrap_or(self.from);
        Self { until: if self.from > today { before } else { today }, ..self.clone() }
    }

    /// What is wrong with a new one beside those that the holder has.
    fn check(&self, tariff: Option<&Tariff>, held: &[Held], today: Date) -> Result<(), Wrong> {
        if tariff.and_then(|tariff| tariff.concession(&self.concession)).is_none() {
            return Err(("concession", "fares-held-concession-missing"));
        }
        if self.from < today {
            return Err(("from", "fares-held-from-over"));
        }
        if self.until < self.from {
            return Err(("until", "fares-held-until-before"));
        }
        if self.until.days() - self.from.days() > LONGEST_DAYS {
            return Err(("until", "fares-held-until-late"));
        }
        let overlaps = |held: &Held| {
            let Self { concession, from, until, .. } = &held.grant;
            *concession == self.concession && *from <= self.until && self.from <= *until && from <= until
        };
        if held.iter().any(overlaps) { Err(("from", "fares-held-twice")) } else { Ok(()) }
    }
}

/// Does what was asked for, in a transaction that has locked the holder's shard; what is wrong with it where it cannot be done. What
/// the holder's rides cost is reckoned anew. `blind` is random.
///
/// # Errors
/// When the database fails.
pub async fn carry_out(
    tx: &mut Tx,
    fares: &Fares,
    by: By,
    holder: HolderId,
    wish: Wish,
    blind: [u8; 16],
) -> Result<Result<(), Wrong>, DbError> {
    let held = store::of(tx.conn(), holder).await?;
    let grant = match wish {
        Wish::Grant(grant) => {
            let tariff = fares.at(by.now).map(|version| &*version.tariff);
            if let Err(wrong) = grant.check(tariff, &held, by.today) {
                return Ok(Err(wrong));
            }
            grant
        }
        Wish::End(id) => {
            let one = held.into_iter().map(|held| held.grant).find(|grant| grant.id == id);
            match one.filter(|grant| grant.goes_on(by.today)) {
                Some(grant) => grant.ended(by.today),
                None => return Ok(Err(("ends", "fares-held-over-already"))),
            }
        }
    };
    store::put(tx, by.now, by.staff, holder, &grant, blind).await?;
    let rider = RiderKey::holder(holder.shard(), holder);
    let riders = BTreeSet::from([rider]);
    // Whoever has not travelled is no rider yet.
    if !riding::known(tx.conn(), &riders).await?[&rider].showings.is_empty() {
        reckon(tx, fares, rider.shard, &riders, by.now, Cause::Concession).await?;
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domains::transit::feed;
    use crate::testing::city::{SUPPLEMENT_TEXT, files, zipped};

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn grant(concession: &str, from: &str, until: &str) -> Grant {
        Grant { id: ConcessionId([7; 16]), concession: concession.to_owned(), from: day(from), until: day(until) }
    }

    #[test]
    fn a_concession_is_one_of_the_fares_for_days_to_come_and_not_twice() {
        let more = "\n[[concession]]\nid = \"child\"\nrider_category = \"c\"\n";
        let tariff = feed::read(&zipped(&files()), &format!("{SUPPLEMENT_TEXT}{more}")).0.unwrap();
        let today = day("2026-11-23");
        let held = |grant: Grant| Held { grant, at: Micros(0), staff: "test-clerk".to_owned() };
        let never_begun = grant("child", "2027-02-01", "2027-01-31");
        let has = [held(grant("child", "2027-01-01", "2027-12-31")), held(never_begun)];
        for (concession, from, until, expected) in [
            ("child", "2026-11-23", "2026-12-31", None),
            ("child", "2028-01-01", "2028-12-31", None),
            ("adult", "2026-11-23", "2026-12-31", Some("concession")),
            ("", "2026-11-23", "2026-12-31", Some("concession")),
            ("child", "2026-11-22", "2026-12-31", Some("from")),
            ("child", "2026-12-02", "2026-12-01", Some("until")),
            ("child", "2028-01-01", "2039-01-01", Some("until")),
            ("child", "2026-12-01", "2027-01-01", Some("from")),
            ("child", "2027-12-31", "2028-01-01", Some("from")),
        ] {
            let wrong = grant(concession, from, until).check(Some(&tariff), &has, today).err();
            assert_eq!(wrong.map(|(field, _)| field), expected, "{concession} {from} {until}");
        }
        assert!(grant("child", "2026-11-23", "2026-12-31").check(None, &[], today).is_err(), "there are no fares");
    }

    #[test]
    fn one_that_is_ended_has_today_as_its_last_day_or_none() {
        let today = day("2026-11-23");
        let begun = grant("child", "2026-11-01", "2026-12-31");
        assert!(begun.goes_on(today) && begun.is_good(today));
        let ended = begun.ended(today);
        assert!(ended.until == today && ended.is_good(today) && !ended.goes_on(today), "today it is good still");
        let to_come = grant("child", "2026-12-01", "2026-12-31");
        assert!(to_come.goes_on(today) && !to_come.is_good(today));
        assert_eq!(to_come.ended(today).until, day("2026-11-30"));
        assert!(!to_come.ended(today).goes_on(today), "it never was");
        assert!(!grant("child", "2026-11-01", "2026-11-22").goes_on(today));
    }
}
