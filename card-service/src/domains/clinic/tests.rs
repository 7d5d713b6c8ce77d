//! What bills rest on, how long they are good, and that what is sealed opens where it lies and nowhere else.

use card_schema::clock::Micros;
use card_schema::coverage::{Benefit, Eligibility};
use card_schema::ids::{ClaimId, HolderId, OrganisationId, Shard, TapId};
use card_schema::money::Fen;
use uuid::Uuid;

use super::clearing::model::{Difference, RowWrong, Stated, differences, payouts, read, standing, sums};
use super::coverage::model::SoFar;
use super::model::{Claim, Payers, Settled};
use super::sealed::Content;
use super::{changes, is_good, is_open, so_far};
use crate::keys::file::{FileStore, Opener};

const MADE: Micros = Micros(1_764_547_200_000_000);

/// A bill of the visit with a number, that waits.
fn bill(visit: u8, benefit: Benefit, day: &str, seen: u32) -> Claim {
    Claim {
        id: ClaimId::new(Shard(3), [visit; 16]),
        visit: TapId([visit; 32]),
        holder: HolderId::new(Shard(3), [7; 16]),
        clinic: OrganisationId(Uuid::nil()),
        benefit,
        day: day.parse().unwrap(),
        made_at: MADE,
        seen,
        payers: Payers { eligible: Fen(1_000), fund: Fen(700), account: Fen(0), rest: Fen(300) },
        settled: None,
        reversed_at: None,
        is_cleared: false,
    }
}

fn settled(claim: Claim) -> Claim {
    Claim { settled: Some(Settled { with: TapId([9; 32]), signed_at: MADE, at: MADE }), ..claim }
}

fn reversed(claim: Claim) -> Claim {
    Claim { reversed_at: Some(MADE), ..settled(claim) }
}

#[test]
fn what_stands_of_the_same_year_and_benefit_accumulates_and_nothing_else() {
    let of = |visit, benefit, day| settled(bill(visit, benefit, day, 0));
    let all = [
        of(1, Benefit::Outpatient, "2026-01-01"),
        of(2, Benefit::Outpatient, "2026-12-31"),
        of(3, Benefit::Outpatient, "2025-12-31"),
        of(4, Benefit::Inpatient, "2026-05-01"),
        bill(5, Benefit::Outpatient, "2026-05-01", 0),
        reversed(bill(6, Benefit::Outpatient, "2026-05-01", 0)),
    ];
    let before = |visit: u8| so_far(&all, Benefit::Outpatient, "2026-06-01".parse().unwrap(), TapId([visit; 32]));
    assert_eq!(before(9), SoFar { eligible: Fen(2_000), fund: Fen(1_400), stays: 2 });
    assert_eq!(before(2), SoFar { eligible: Fen(1_000), fund: Fen(700), stays: 1 }, "without its own");
    assert_eq!(changes(&all), 4 + 2, "settled, and taken back");
}

#[test]
fn a_bill_is_good_for_a_day_and_until_another_is_settled_or_taken_back() {
    let waits = bill(1, Benefit::Outpatient, "2026-01-01", 1);
    let other = settled(bill(2, Benefit::Inpatient, "2025-01-01", 0));
    let later = |seconds| MADE.plus_seconds(seconds);
    for (of_person, now, good) in [
        (&[waits, other][..], later(0), true),
        (&[waits, other], later(86_400), true),
        (&[waits, other], later(86_401), false),
        (&[waits], later(0), false),
        (&[waits, reversed(other)], later(0), false),
    ] {
        assert_eq!(is_good(&waits, of_person, now), good, "{of_person:?} {now:?}");
    }
    assert!(!is_good(&settled(waits), &[other], later(0)), "settled already");
}

#[test]
fn what_was_reckoned_on_top_of_a_bill_rests_on_it() {
    let first = settled(bill(1, Benefit::Outpatient, "2026-01-01", 0));
    let second = bill(2, Benefit::Outpatient, "2026-02-01", 1);
    assert!(settled(second).rests_on(&first) && !first.rests_on(&settled(second)));
    assert!(!second.rests_on(&first) && !reversed(second).rests_on(&first), "what waits or went back holds nothing");
    for other in [bill(3, Benefit::Inpatient, "2026-02-01", 1), bill(3, Benefit::Outpatient, "2027-01-01", 1)] {
        assert!(!settled(other).rests_on(&first), "{other:?}");
    }
}

#[test]
fn bills_of_a_visit_are_written_until_the_next_day_and_of_a_stay_longer() {
    let day = |text: &str| text.parse().unwrap();
    for (benefit, today, open) in [
        (Benefit::Outpatient, "2026-05-01", true),
        (Benefit::Outpatient, "2026-05-02", true),
        (Benefit::SpecialOutpatient, "2026-05-03", false),
        (Benefit::Outpatient, "2026-04-30", false),
        (Benefit::Inpatient, "2026-07-30", true),
        (Benefit::Inpatient, "2026-07-31", false),
    ] {
        assert_eq!(is_open(benefit, day("2026-05-01"), day(today)), open, "{benefit:?} {today}");
    }
}

#[test]
fn what_is_sealed_in_a_bill_opens_there_and_in_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let keys = FileStore::create(folder.path(), &Opener::choose(folder.path(), None, None)).unwrap();
    let content = Content {
        diagnosis: "made-up disease".to_owned(),
        referred: true,
        standing: Eligibility::Never,
        lines: Vec::new(),
    };
    let [one, other] = [1, 2].map(|id| ClaimId::new(Shard(3), [id; 16]));
    let sealed = content.seal(&keys, one, [5; 12]).unwrap();
    assert_eq!(Content::open(&keys, one, &sealed).unwrap(), content);
    assert!(Content::open(&keys, other, &sealed).is_err());
    assert!(!format!("{content:?}").contains("made-up"));
}

#[test]
fn a_month_pays_out_what_stands_by_shard_and_once() {
    let of = |visit, shard| Claim {
        id: ClaimId::new(Shard(shard), [visit; 16]),
        payers: Payers { eligible: Fen(0), fund: Fen(700), account: Fen(50), rest: Fen(250) },
        ..settled(bill(visit, Benefit::Outpatient, "2026-01-01", 0))
    };
    let cash = Claim { payers: Payers { eligible: Fen(0), fund: Fen(0), account: Fen(0), rest: Fen(9) }, ..of(4, 9) };
    let gone = reversed(of(5, 3));
    let claims = standing(vec![of(1, 3), of(2, 3), of(3, 5), cash, gone]);
    let all = sums(&claims);
    assert_eq!((all.count, all.total, all.due()), (4, Fen(3_009), Fen(2_250)));
    let clinic = OrganisationId(Uuid::from_u128(1));
    let paid = payouts(clinic, "2026-01".parse().unwrap(), &claims);
    assert_eq!(
        paid.iter().map(|one| (one.debit.shard, one.amount)).collect::<Vec<_>>(),
        [(Shard(3), 1_500), (Shard(5), 750)]
    );
    let cause = |clinic, month: &str| payouts(clinic, month.parse().unwrap(), &claims)[0].reference;
    assert_eq!(cause(clinic, "2026-01"), paid[0].reference);
    let other = OrganisationId(Uuid::from_u128(2));
    assert!(cause(clinic, "2026-02") != paid[0].reference && cause(other, "2026-01") != paid[0].reference);
}

#[test]
fn a_clinics_list_is_read_whole_or_told_what_is_wrong_and_compared_bill_by_bill() {
    use super::clearing::model::Part::{Account, Fund, Number, Total};
    let ours: Vec<_> = [1, 2, 3].map(|visit| settled(bill(visit, Benefit::Outpatient, "2026-01-01", 0))).into();
    let row = |row, id: &str, [total, fund, account]: [&str; 3]| {
        let cells = [(Number, id), (Total, total), (Fund, fund), (Account, account)];
        (row, cells.map(|(part, text)| (part, text.to_owned())).into())
    };
    let id = |visit: usize| ours[visit].id.to_string();
    let same = ["10.00", "7.00", "0"];
    let unknown = ClaimId::new(Shard(3), [9; 16]);
    let stated =
        read(vec![row(2, &id(0), same), row(3, &id(1), ["10", "7.01", "0"]), row(4, &unknown.to_string(), same)]);
    let stated = stated.unwrap();
    let found = differences(&ours, &stated);
    let theirs = |row: usize| stated[row];
    assert_eq!(
        found,
        [
            Difference::Amounts(theirs(1), ours[1]),
            Difference::Unknown(Stated { row: 4, id: unknown, amounts: [Fen(1_000), Fen(700), Fen(0)] }),
            Difference::Missing(ours[2]),
        ]
    );
    assert!(differences(&ours[..1], &stated[..1]).is_empty());
    let wrong = read(vec![
        row(2, &id(0), same),
        row(3, "no number", same),
        row(4, &id(1), ["10", "-7", "0"]),
        row(5, &id(0), same),
        row(6, &id(2), ["10", "7", ""]),
    ]);
    let expected = [(3, RowWrong::Number), (4, RowWrong::Amount), (5, RowWrong::Twice(2)), (6, RowWrong::Amount)];
    assert_eq!(wrong, Err(expected.into()));
}
