//! When a paper may be issued, until when it is valid and how it stands. Pure.

use card_schema::date::Date;
use card_schema::envelope::paper::PaperKind;

use super::model::{Issued, Since, Standing};
use crate::domains::residence::calendar::{self, months};
use crate::domains::residence::permit::model::{NotNow, Permit, Standing as PermitStanding};

/// What is in force for certificates of registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Regulation {
    /// The first day on which it is in force.
    pub since: Date,
    /// How many months a certificate is valid.
    pub months_of_term: i64,
    /// How many months before its end another may be issued.
    pub months_to_renew: i64,
}

/// The regulations, oldest first.
///
/// The Interim Regulation on Residence Permits (居住证暂行条例, in force from 2016-01-01) asks for a registered residence of
/// half a year before a residence permit (article 2) and leaves to the places what they hand out until then. Here that is a
/// certificate for this half year.
pub const REGULATIONS: [Regulation; 1] = [Regulation {
    since: match Date::new(2016, 1, 1) {
        Some(day) => day,
        None => panic!("the calendar has this day"),
    },
    months_of_term: 6,
    months_to_renew: 1,
}];

const fn not_now(key: &'static str, from: Option<Date>) -> NotNow {
    NotNow { key, from }
}

/// What of the record a certificate rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lives {
    /// Whether it is known where the person lives.
    pub has_address: bool,
    /// The last day on which the person means to live here, where it is known.
    pub until: Option<Date>,
}

/// The last day of a certificate that is issued today; `current` is the last day of one that is valid.
///
/// # Errors
/// Where the person does not live here, or has one that is valid for long enough.
pub fn certificate(
    regulations: &[Regulation],
    lives: Lives,
    current: Option<Date>,
    today: Date,
) -> Result<Date, NotNow> {
    let regulation = calendar::in_force(regulations, |regulation| regulation.since, today)
        .ok_or_else(|| not_now("paper-no-regulation", regulations.first().map(|first| first.since)))?;
    if !lives.has_address {
        return Err(not_now("paper-no-address", None));
    }
    let term = months(today, regulation.months_of_term);
    let until = lives.until.map_or(term, |until| until.min(term));
    if until < today {
        return Err(not_now("paper-stay-over", None));
    }
    match current {
        // Another would say the same.
        Some(current) if current >= until => Err(not_now("paper-is-there", None)),
        Some(current) if today < months(current, -regulation.months_to_renew) => {
            Err(not_now("paper-too-early", Some(months(current, -regulation.months_to_renew))))
        }
        _ => Ok(until),
    }
}

/// The last day of a paper that shows a residence permit; `current` is the last day of one that is valid.
///
/// # Errors
/// Where the permit is not in force, or has a paper that says the same.
pub fn permit(permit: Option<(&Permit, PermitStanding)>, current: Option<Date>) -> Result<Date, NotNow> {
    let in_force = permit
        .filter(|(_, standing)| matches!(standing, PermitStanding::InForce | PermitStanding::Due))
        .and_then(|(permit, _)| permit.valid_until);
    match in_force {
        None => Err(not_now("paper-permit-not-in-force", None)),
        Some(until) if current.is_some_and(|current| current >= until) => Err(not_now("paper-is-there", None)),
        Some(until) => Ok(until),
    }
}

/// How a paper stands.
pub fn standing(paper: &Issued, since: Since, today: Date) -> Standing {
    if paper.withdrawn.is_some() {
        Standing::Withdrawn
    } else if since.changed || !since.has_record || since.ended {
        Standing::Outdated
    } else if paper.valid_until < today {
        Standing::Expired
    } else {
        Standing::Valid
    }
}

/// The last day of the newest paper of a kind that is valid.
pub fn valid_until(papers: &[(Issued, Standing)], kind: PaperKind) -> Option<Date> {
    let valid = papers.iter().filter(|(paper, standing)| paper.kind == kind && *standing == Standing::Valid);
    valid.map(|(paper, _)| paper.valid_until).max()
}

#[cfg(test)]
mod tests {
    use card_schema::clock::Micros;
    use card_schema::ids::{HolderId, PaperNumber, Shard};
    use uuid::Uuid;

    use super::*;
    use crate::domains::residence::permit::model::Act;
    use crate::domains::residence::permit::rules::Clock;
    use crate::people::StaffId;

    fn day(text: &str) -> Date {
        Date::from_digits(text.as_bytes().try_into().unwrap()).unwrap()
    }

    #[test]
    fn a_certificate_is_valid_for_half_a_year_and_no_longer_than_the_stay() {
        let rows = [
            ("20261128", None, None, Ok("20270528")),
            ("20260831", None, None, Ok("20270228")),
            ("20261128", Some("20270101"), None, Ok("20270101")),
            ("20261128", Some("20280101"), None, Ok("20270528")),
            ("20261128", Some("20261128"), None, Ok("20261128")),
            ("20261128", Some("20261127"), None, Err(("paper-stay-over", None))),
            ("20151231", None, None, Err(("paper-no-regulation", Some("20160101")))),
            // There is one already: another in its last month, or where it would end earlier than the stay.
            ("20261128", None, Some("20270528"), Err(("paper-is-there", None))),
            ("20261129", None, Some("20270528"), Err(("paper-too-early", Some("20270428")))),
            ("20270427", None, Some("20270528"), Err(("paper-too-early", Some("20270428")))),
            ("20270428", None, Some("20270528"), Ok("20271028")),
            ("20270428", Some("20270528"), Some("20270528"), Err(("paper-is-there", None))),
        ];
        for (today, until, current, expected) in rows {
            let lives = Lives { has_address: true, until: until.map(day) };
            let issued = certificate(&REGULATIONS, lives, current.map(day), day(today));
            let expected = expected.map(day).map_err(|(key, from)| not_now(key, from.map(day)));
            assert_eq!(issued, expected, "{today} {until:?} {current:?}");
        }
        let nowhere = Lives { has_address: false, until: None };
        let refused = certificate(&REGULATIONS, nowhere, None, day("20261128"));
        assert_eq!(refused, Err(not_now("paper-no-address", None)));
    }

    #[test]
    fn a_certificate_is_judged_by_the_regulation_of_its_day() {
        let later = Regulation { since: day("20270101"), months_of_term: 12, months_to_renew: 2 };
        let regulations = [REGULATIONS[0], later];
        let lives = Lives { has_address: true, until: None };
        let until = |today| certificate(&regulations, lives, None, day(today)).unwrap();
        assert_eq!(until("20261231"), day("20270630"));
        assert_eq!(until("20270101"), day("20280101"));
    }

    #[test]
    fn a_permit_is_put_on_paper_while_it_is_in_force_and_once_a_term() {
        let on = |text| Clock::on(day(text));
        let begun = on("20260301");
        let applied = begun.apply(Uuid::nil(), Some(day("20200101"))).unwrap();
        let granted = begun.done(&applied, Act::Grant).unwrap();
        let issued = begun.done(&granted, Act::Issue).unwrap();
        let until = issued.valid_until.unwrap();
        let put = |of: &Permit, today, current| permit(Some((of, on(today).standing(of))), current);
        for (of, today) in [(&applied, "20260301"), (&granted, "20260301"), (&issued, "20270302")] {
            assert_eq!(put(of, today, None), Err(not_now("paper-permit-not-in-force", None)), "{:?}", of.stage);
        }
        assert_eq!(permit(None, None), Err(not_now("paper-permit-not-in-force", None)));
        assert_eq!(put(&issued, "20270301", None), Ok(until), "on its last day");
        assert_eq!(put(&issued, "20270215", Some(until)), Err(not_now("paper-is-there", None)));
        let endorsed = on("20270215").done(&issued, Act::Endorse).unwrap();
        assert_eq!(put(&endorsed, "20270215", Some(until)), Ok(endorsed.valid_until.unwrap()), "it says more now");
        let cancelled = begun.done(&issued, Act::Cancel).unwrap();
        assert_eq!(put(&cancelled, "20260301", None), Err(not_now("paper-permit-not-in-force", None)));
    }

    #[test]
    fn a_paper_stands_as_what_it_says_does() {
        let paper = Issued {
            number: PaperNumber([3; 10]),
            kind: PaperKind::Certificate,
            holder: HolderId::new(Shard(3), [8; 16]),
            at: Micros(0),
            leaf: 7,
            by: StaffId(Uuid::nil()),
            valid_until: day("20270528"),
            permit: None,
            withdrawn: None,
        };
        let as_ever = Since { changed: false, has_record: true, ended: false };
        for (since, today, expected) in [
            (as_ever, "20261128", Standing::Valid),
            (as_ever, "20270528", Standing::Valid),
            (as_ever, "20270529", Standing::Expired),
            (Since { changed: true, ..as_ever }, "20261128", Standing::Outdated),
            (Since { has_record: false, ..as_ever }, "20261128", Standing::Outdated),
            (Since { ended: true, ..as_ever }, "20261128", Standing::Outdated),
        ] {
            assert_eq!(standing(&paper, since, day(today)), expected, "{since:?} {today}");
        }
        let withdrawn = Issued { withdrawn: Some((Micros(1), "lost".to_owned())), ..paper.clone() };
        assert_eq!(standing(&withdrawn, as_ever, day("20280101")), Standing::Withdrawn);
        let papers = [(paper.clone(), Standing::Valid), (withdrawn, Standing::Withdrawn)];
        assert_eq!(valid_until(&papers, PaperKind::Certificate), Some(paper.valid_until));
        assert_eq!(valid_until(&papers[1..], PaperKind::Certificate), None);
        assert_eq!(valid_until(&papers, PaperKind::Permit), None);
    }
}
