//! What bills cost, from figures that were worked out by hand, and rules and items that cannot be followed.

mod reckoned;

use std::collections::BTreeSet;

use card_schema::coverage::{Benefit, Eligibility, ItemClass, Level, Line, Shares};
use card_schema::money::Fen;
use card_schema::month::Month;

use super::catalogue::{self, Catalogue};
use super::city::Coverage;
use super::model::{SoFar, Visit, Wrong};
use super::policy::{self, Broken, Policy};
use super::rules::{calculate, eligibility, left, uncovered, version};
use crate::i18n::Locale;
use crate::versions;

fn visit(benefit: Benefit, level: Level, day: &str) -> Visit {
    Visit { benefit, level, day: day.parse().unwrap(), referred: false }
}

fn line(item: &str, quantity: &str, price: i64) -> Line {
    Line { item: item.parse().unwrap(), quantity: quantity.parse().unwrap(), price_fen: Fen(price) }
}

fn so_far(eligible: i64, fund: i64, stays: u32) -> SoFar {
    SoFar { eligible: Fen(eligible), fund: Fen(fund), stays }
}

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

#[test]
fn a_visit_to_a_large_hospital_falls_into_its_shares() {
    let Coverage { policy, catalogue } = Coverage::beijing();
    let visit = visit(Benefit::Outpatient, Level::Tertiary, "2026-11-01");
    // Azithromycin, class B with a limit of 39.00; a blood count, class A; a health check, class C.
    let lines = [line("D1027", "2", 4_500), line("S2007", "1", 2_000), line("S2019", "1", 30_000)];
    let bill = calculate(&policy, &catalogue, &visit, &so_far(175_000, 0, 0), &lines).unwrap();
    // 90.00, of it 12.00 above the limit, 7.80 first, 70.20 eligible: 50.00 below the deductible, 70% of 20.20.
    let first = Shares {
        fund_fen: Fen(1_414),
        over_price_fen: Fen(1_200),
        first_fen: Fen(780),
        deductible_fen: Fen(5_000),
        co_insurance_fen: Fen(606),
        ..Shares::default()
    };
    let second = Shares { fund_fen: Fen(1_400), co_insurance_fen: Fen(600), ..Shares::default() };
    let third = Shares { excluded_fen: Fen(30_000), ..Shares::default() };
    assert_eq!(bill.lines.iter().map(|line| line.shares).collect::<Vec<_>>(), [first, second, third]);
    assert_eq!(bill.shares.total(), Fen(41_000));
    let [azithromycin, ..] = &bill.lines[..] else { panic!("three lines") };
    assert_eq!((azithromycin.item.name_en.as_str(), azithromycin.eligible_fen), ("Azithromycin, oral", Fen(7_020)));
    assert_eq!((azithromycin.pieces.len(), azithromycin.pieces[0].amount_fen), (1, Fen(2_020)));
    // First, deductible and co-insurance, and nothing that is not covered.
    let version = version(&policy, visit.day).unwrap();
    assert_eq!(version.from_account(&bill.shares), Fen(780 + 5_000 + 606 + 600));
}

#[test]
fn the_fund_stops_at_its_ceiling_within_a_line() {
    let Coverage { policy, catalogue } = Coverage::beijing();
    let visit = visit(Benefit::Outpatient, Level::Community, "2022-12-31");
    let lines = [line("S2018", "1", 10_000), line("S2018", "1", 10_000), line("S2018", "1", 10_000)];
    let bill = calculate(&policy, &catalogue, &visit, &so_far(180_000, 2_000_000 - 12_000, 0), &lines).unwrap();
    let found: Vec<_> =
        bill.lines.iter().map(|line| (line.shares.fund_fen.0, line.shares.over_ceiling_fen.0)).collect();
    assert_eq!(found, [(9_000, 0), (3_000, 6_000), (0, 9_000)]);
    assert!(bill.lines.iter().all(|line| line.shares.co_insurance_fen == Fen(1_000)));
}

#[test]
fn what_cannot_be_reckoned_is_said() {
    let Coverage { policy, catalogue } = Coverage::beijing();
    let good = visit(Benefit::Outpatient, Level::Primary, "2026-11-01");
    let wrong =
        |visit: Visit, so_far: SoFar, lines: &[Line]| calculate(&policy, &catalogue, &visit, &so_far, lines).err();
    let blood = line("S2007", "1", 2_000);
    assert_eq!(wrong(good, SoFar::default(), &[]), None);
    assert_eq!(wrong(good, SoFar::default(), std::slice::from_ref(&blood)), None);
    let early = Visit { day: "2019-12-31".parse().unwrap(), ..good };
    assert_eq!(wrong(early, SoFar::default(), &[]), Some(Wrong::Before(month("2020-01"))));
    for before in [so_far(-1, 0, 0), so_far(0, -1, 0)] {
        assert_eq!(wrong(good, before, &[]), Some(Wrong::SoFar));
    }
    for (second, expected) in [
        (line("NO-1", "1", 1), Wrong::UnknownItem(2)),
        (line("S2007", "1", -1), Wrong::Price(2)),
        (line("S2018", "1000000", i64::MAX), Wrong::Overflow),
        (line("S2018", "1", i64::MAX), Wrong::Overflow),
    ] {
        assert_eq!(wrong(good, SoFar::default(), &[blood.clone(), second]), Some(expected));
    }
    assert_eq!(wrong(good, so_far(i64::MAX, 0, 0), std::slice::from_ref(&blood)), Some(Wrong::Overflow));
    let none = file(("[version.benefit.inpatient]", "[version.benefit.outpatient]")).unwrap();
    let stay = visit(Benefit::Inpatient, Level::Primary, "2026-11-01");
    let found = calculate(&none, &catalogue, &stay, &SoFar::default(), &[]).err();
    assert_eq!(found, Some(Wrong::NotOffered(Benefit::Inpatient)));
}

#[test]
fn who_is_covered_follows_from_the_months_that_count() {
    let policy = Policy::beijing();
    let months = |runs: &[(&str, &str)]| -> BTreeSet<Month> {
        let run = |(from, to): &(&str, &str)| {
            let to = month(to);
            std::iter::successors(Some(month(from)), |month| Some(month.after())).take_while(move |month| *month <= to)
        };
        runs.iter().flat_map(run).collect()
    };
    let on = |runs: &[(&str, &str)], day: &str| eligibility(&policy, &months(runs), day.parse().unwrap());
    let day = |text: &str| text.parse().unwrap();
    // Three months are missing, then four.
    let short = [("2025-01", "2025-03"), ("2025-07", "2026-12")];
    let long = [("2025-01", "2025-03"), ("2025-08", "2026-12")];
    assert_eq!(on(&[], "2026-01-01"), Eligibility::Never);
    assert_eq!(on(&short, "2024-12-31"), Eligibility::Never);
    assert_eq!(on(&short, "2025-02-10"), Eligibility::Covered { until: day("2025-04-30") });
    assert_eq!(on(&short, "2025-05-31"), Eligibility::Covered { until: day("2025-05-31") });
    assert_eq!(on(&short, "2025-06-30"), Eligibility::Ended { on: day("2025-05-31") });
    assert_eq!(on(&short, "2025-07-01"), Eligibility::Covered { until: day("2025-09-30") });
    assert_eq!(on(&long, "2025-08-01"), Eligibility::Waiting { from: day("2026-02-01") });
    assert_eq!(on(&long, "2026-01-31"), Eligibility::Waiting { from: day("2026-02-01") });
    assert_eq!(on(&long, "2026-02-01"), Eligibility::Covered { until: day("2026-04-30") });
    assert_eq!(
        on(&[("2025-01", "2025-03"), ("2025-08", "2025-09")], "2025-12-01"),
        Eligibility::Ended { on: day("2025-05-31") }
    );
}

/// Rules with one benefit, changed.
fn file(change: (&str, &str)) -> Result<Policy, policy::Unusable> {
    let good = "[[version]]\nfrom = \"2020-01\"\nsource = \"invented\"\naccount = [\"first\"]\n\
        eligibility = { lasts_months = 1, gap_months = 2, waiting_months = 3, first_waiting_months = 0 }\n\
        [version.benefit.inpatient]\nperiod = \"stay\"\ndeductible_fen = [200, 100]\nceiling_fen = 900\nbands = [\n\
        { up_to_fen = 500, community = \"1%\", primary = \"2%\", secondary = \"3%\", tertiary = \"4%\" },\n\
        { community = \"1%\", primary = \"2%\", secondary = \"3%\", tertiary = \"4%\" },\n]\n\
        referral = { levels = [\"tertiary\"], less = \"20%\" }\n";
    assert!(good.contains(change.0), "{}", change.0);
    Policy::read(&good.replacen(change.0, change.1, 1))
}

#[test]
fn rules_that_cannot_be_followed_are_named() {
    use policy::Unusable;
    let from = month("2020-01");
    let broken = |broken| Unusable::Rule(from, Benefit::Inpatient, broken);
    assert!(file(("900", "900")).is_ok());
    assert!(file(("{ community", "{ up_to_fen = 501, community")).is_ok(), "the last band may have an end");
    assert_eq!(Policy::read("version = []"), Err(Unusable::Versions(versions::Unusable::Empty)));
    for (change, expected) in [
        (("[200, 100]", "[]"), broken(Broken::Deductible)),
        (("[200, 100]", "[200, -1]"), broken(Broken::Deductible)),
        (("\"stay\"", "\"year\""), broken(Broken::Deductible)),
        (("= 900", "= -1"), broken(Broken::Ceiling)),
        (("{ up_to_fen = 500, ", "{ "), broken(Broken::Bands)),
        (("{ up_to_fen = 500, ", "{ up_to_fen = 0, "), broken(Broken::Bands)),
        (("{ community", "{ up_to_fen = 500, community"), broken(Broken::Bands)),
        (("[\"tertiary\"]", "[]"), broken(Broken::Referral)),
        (("lasts_months = 1", "lasts_months = 3"), Unusable::Lasts(from)),
        (("\"invented\"", "\" \""), Unusable::Source(from)),
    ] {
        let found = file(change).unwrap_err();
        assert_eq!(found, expected, "{change:?}");
        let (key, _) = found.words();
        assert!(Locale::ALL.into_iter().all(|locale| locale.has(key)), "{key}");
    }
    let twice = "[[version]]\nfrom = \"2020-01\"\nsource = \"x\"\naccount = []\nbenefit = {}\n\
        eligibility = { lasts_months = 0, gap_months = 0, waiting_months = 0, first_waiting_months = 0 }\n";
    assert_eq!(Policy::read(&twice.repeat(2)), Err(Unusable::Versions(versions::Unusable::Order(from))));
    for (change, said) in [
        (("ceiling_fen", "ceiling_yuan"), "unknown field `ceiling_yuan`"),
        (("\"4%\"", "\"100.1%\""), "from 0% to 100%"),
        (("= 3, first", "= -3, first"), "line 5"),
        (("\"first\"", "\"fund\""), "unknown variant `fund`"),
        (("inpatient", "dental"), "unknown variant `dental`"),
        (("period = \"stay\"\n", ""), "missing field `period`"),
    ] {
        let found = file(change);
        assert!(
            matches!(&found, Err(Unusable::Versions(versions::Unusable::Malformed(text))) if text.contains(said)),
            "{change:?}: {found:?}"
        );
    }
}

#[test]
fn items_that_cannot_be_followed_are_named_with_their_line() {
    use catalogue::{Broken, Unusable};
    let read = |row: &str| {
        let headings = "code,name,name_en,kind,class,first,limit_fen,from,until";
        Catalogue::read(&format!("{headings}\nA-1,甲,One,drug,A,,100,2020-01-01,2020-12-31\n{row}\n"))
    };
    let found = read("A-1,甲,One,drug,B,10%,,2021-01-01,").unwrap();
    let class = |day: &str| found.item(&"A-1".parse().unwrap(), day.parse().unwrap()).map(|item| item.class);
    let days = ["2019-12-31", "2020-01-01", "2020-12-31", "2021-01-01", "2030-01-01"].map(class);
    assert_eq!(days, [None, Some(ItemClass::A), Some(ItemClass::A), Some(ItemClass::B), Some(ItemClass::B)]);
    for (row, expected) in [
        ("B-1,,One,drug,A,,,2020-01-01,", Broken::Name),
        ("B-1,甲, ,drug,A,,,2020-01-01,", Broken::Name),
        ("B-1,甲,One,drug,A,1%,,2020-01-01,", Broken::First),
        ("B-1,甲,One,drug,B,,,2020-01-01,", Broken::First),
        ("B-1,甲,One,drug,A,,-1,2020-01-01,", Broken::Limit),
        ("B-1,甲,One,drug,C,,1,2020-01-01,", Broken::Limit),
        ("B-1,甲,One,drug,A,,,2020-01-02,2020-01-01", Broken::Days),
        ("A-1,甲,One,drug,A,,,2020-12-31,", Broken::Overlap),
        ("A-1,甲,One,drug,A,,,2019-01-01,", Broken::Overlap),
    ] {
        let Err(Unusable::Row(3, _, broken)) = read(row) else { panic!("{row}: {:?}", read(row)) };
        assert_eq!(broken, expected, "{row}");
        assert!(Locale::ALL.into_iter().all(|locale| locale.has(broken.text_key())), "{row}");
    }
    assert_eq!(Catalogue::read("code,name\n"), Err(Unusable::Empty));
    for (row, said) in [
        ("b-1,甲,One,drug,A,,,2020-01-01,", "capital letters"),
        ("B-1,甲,One,food,A,,,2020-01-01,", "unknown variant"),
        ("B-1,甲,One,drug,A,,,2020-02-30,", "line: 3"),
        ("B-1,甲,One,drug,A", "line: 3"),
    ] {
        let found = read(row);
        assert!(matches!(&found, Err(Unusable::Malformed(text)) if text.contains(said)), "{row}: {found:?}");
    }
    let price = Catalogue::read(
        "code,name,name_en,kind,class,first,limit_fen,from,until,price\nA,a,a,drug,A,,,2020-01-01,,1\n",
    );
    assert!(matches!(&price, Err(Unusable::Malformed(text)) if text.contains("unknown field `price`")), "{price:?}");
}

#[test]
fn what_is_left_is_what_the_next_bill_is_reckoned_by() {
    let Coverage { policy, catalogue } = Coverage::beijing();
    let whole = |fen| Line { item: "S2018".parse().unwrap(), quantity: "1".parse().unwrap(), price_fen: Fen(fen) };
    let mut seen = 0;
    for benefit in Benefit::ALL {
        for level in Level::ALL {
            for (eligible, fund, stays) in
                [(0, 0, 0), (100_000, 0, 1), (2_500_000, 1_700_000, 2), (90_000_000, 49_990_000, 9)]
            {
                let visit = visit(benefit, level, "2026-05-01");
                let before = SoFar { eligible: Fen(eligible), fund: Fen(fund), stays };
                let told = left(&policy, &visit, &before).unwrap();
                let bill = calculate(&policy, &catalogue, &visit, &before, &[whole(100_000_000)]).unwrap();
                let line = &bill.lines[0];
                assert_eq!(told.deductible_left_fen, line.shares.deductible_fen, "{visit:?} {before:?}");
                let pieces: Vec<_> = line.pieces.iter().map(|piece| (piece.rate, Some(piece.amount_fen))).collect();
                let (last, bands) = told.bands.split_last().unwrap();
                let bands: Vec<_> = bands.iter().map(|band| (band.rate, band.left_fen)).collect();
                assert_eq!(bands, pieces[..pieces.len() - 1], "{visit:?} {before:?}");
                assert_eq!(last.rate, pieces.last().unwrap().0);
                assert!(told.fund_left_fen.is_none_or(|most| bill.shares.fund_fen <= most));
                seen += usize::from(told.fund_left_fen == Some(bill.shares.fund_fen));
            }
        }
    }
    assert!(seen > 0, "the ceiling was reached");
}

#[test]
fn whoever_is_not_covered_pays_what_everything_costs() {
    let Coverage { catalogue, .. } = Coverage::beijing();
    let day = "2026-05-01".parse().unwrap();
    let line =
        |item: &str, fen| Line { item: item.parse().unwrap(), quantity: "2".parse().unwrap(), price_fen: Fen(fen) };
    let bill = uncovered(&catalogue, day, &[line("S2018", 150), line("D1027", 1)]).unwrap();
    assert_eq!(bill.shares, Shares { excluded_fen: Fen(302), ..Shares::default() });
    assert_eq!(bill.lines.iter().map(|line| line.shares.total()).collect::<Vec<_>>(), [Fen(300), Fen(2)]);
    assert_eq!(uncovered(&catalogue, day, &[line("NO-1", 1)]), Err(Wrong::UnknownItem(1)));
    assert_eq!(uncovered(&catalogue, day, &[line("S2018", 1), line("S2018", -1)]), Err(Wrong::Price(2)));
    assert_eq!(uncovered(&catalogue, day, &[line("S2018", i64::MAX)]), Err(Wrong::Overflow));
}
