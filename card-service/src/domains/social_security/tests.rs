//! What months cost, from figures that were worked out by hand, and rules that cannot be followed.

mod posted;
mod year;

use card_schema::money::Fen;
use card_schema::month::Month;
use card_schema::rate::Rate;
use proptest::prelude::*;

use super::declaration;
use super::model::{Household, Insurance};
use super::rules::{Bound, Contribution, Worker, Wrong, contributions};
use super::scheme::{Broken, Scheme, Unusable};
use crate::{sheet, versions};

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

fn worker(wage: i64, household: Household, born: &str) -> Worker {
    Worker { wage: Fen(wage), household, born: born.parse().unwrap(), risk: 2 }
}

/// What each insurance comes to: the base, and what employer, worker and account get of it, in fen.
type Row = (Insurance, i64, i64, i64, i64);

#[test]
fn months_cost_what_the_rules_of_the_year_say() {
    use Household::{LocalUrban, OtherRural};
    use Insurance::{Maternity, Medical, Pension, Unemployment, WorkInjury};
    let table: [(&str, i64, Household, &str, [Row; 5]); 6] = [
        // The wage lies between some bounds and below others. No worker from the country pays for unemployment.
        (
            "2020-07",
            400_000,
            OtherRural,
            "1990-05-01",
            [
                (Pension, 400_000, 64_000, 32_000, 32_000),
                (Medical, 536_000, 53_600, 10_720 + 300, 15_008),
                (Unemployment, 400_000, 3_200, 0, 0),
                (WorkInjury, 471_300, 1_885, 0, 0),
                (Maternity, 536_000, 4_288, 0, 0),
            ],
        ),
        // Above every ceiling; 45 years old on the first of the month.
        (
            "2021-06",
            9_900_000,
            LocalUrban,
            "1976-06-01",
            [
                (Pension, 2_654_100, 424_656, 212_328, 212_328),
                (Medical, 2_973_200, 297_320, 59_464 + 300, 118_928),
                (Unemployment, 2_654_100, 21_233, 5_308, 0),
                (WorkInjury, 2_654_100, 10_616, 0, 0),
                (Maternity, 2_973_200, 23_786, 0, 0),
            ],
        ),
        // A day younger than 45, and a wage with half fens in it: 6,543.21.
        (
            "2021-07",
            654_321,
            LocalUrban,
            "1976-07-02",
            [
                (Pension, 654_321, 104_691, 52_346, 52_346),
                (Medical, 654_321, 58_889, 13_086 + 300, 19_630),
                (Unemployment, 654_321, 3_272, 3_272, 0),
                (WorkInjury, 654_321, 2_617, 0, 0),
                (Maternity, 654_321, 5_235, 0, 0),
            ],
        ),
        // The month before accounts get the worker's own share alone, and that month.
        (
            "2022-08",
            586_900,
            OtherRural,
            "2000-01-01",
            [
                (Pension, 586_900, 93_904, 46_952, 46_952),
                (Medical, 586_900, 52_821, 11_738 + 300, 16_433),
                (Unemployment, 586_900, 2_935, 2_935, 0),
                (WorkInjury, 586_900, 2_348, 0, 0),
                (Maternity, 586_900, 4_695, 0, 0),
            ],
        ),
        (
            "2022-09",
            586_900,
            OtherRural,
            "2000-01-01",
            [
                (Pension, 586_900, 93_904, 46_952, 46_952),
                (Medical, 586_900, 52_821, 11_738 + 300, 11_738),
                (Unemployment, 586_900, 2_935, 2_935, 0),
                (WorkInjury, 586_900, 2_348, 0, 0),
                (Maternity, 586_900, 4_695, 0, 0),
            ],
        ),
        // Whatever comes after the newest rules is reckoned by them.
        (
            "2030-01",
            0,
            OtherRural,
            "2010-01-01",
            [
                (Pension, 716_200, 114_592, 57_296, 57_296),
                (Medical, 716_200, 64_458, 14_324 + 300, 14_324),
                (Unemployment, 716_200, 3_581, 3_581, 0),
                (WorkInjury, 716_200, 2_865, 0, 0),
                (Maternity, 716_200, 5_730, 0, 0),
            ],
        ),
    ];
    let scheme = Scheme::beijing();
    for (of, wage, household, born, expected) in table {
        let found = contributions(&scheme, month(of), &worker(wage, household, born)).unwrap();
        let rows = found.iter().map(|one| (one.insurance, one.base.0, one.employer.0, one.person.0, one.account.0));
        assert_eq!(rows.collect::<Vec<_>>(), expected, "{of} {wage}");
        let bound = |one: &Contribution| match one.bound {
            None => one.base.0 == wage,
            Some(Bound::Floor) => one.base.0 > wage,
            Some(Bound::Ceiling) => one.base.0 < wage,
        };
        assert!(found.iter().all(bound), "{of} {wage}");
    }
}

#[test]
fn what_cannot_be_reckoned_is_said() {
    let (scheme, good) = (Scheme::beijing(), worker(600_000, Household::LocalRural, "1990-01-01"));
    let wrong = |of: &str, worker: Worker| contributions(&scheme, month(of), &worker).err();
    assert_eq!(wrong("2020-07", good), None);
    assert_eq!(wrong("2020-06", good), Some(Wrong::Before(month("2020-07"))));
    assert_eq!(wrong("2021-01", Worker { wage: Fen(-1), ..good }), Some(Wrong::Wage));
    for risk in [0, 9, u8::MAX] {
        assert_eq!(wrong("2021-01", Worker { risk, ..good }), Some(Wrong::Risk(8)), "{risk}");
    }
    assert_eq!(wrong("2021-01", Worker { born: "2021-02-01".parse().unwrap(), ..good }), Some(Wrong::Born));
    assert_eq!(wrong("2021-01", Worker { born: "2021-01-31".parse().unwrap(), ..good }), None);
}

/// A file with one insurance, changed.
fn file(change: (&str, &str)) -> Result<Scheme, Unusable> {
    let good = "[[version]]\nfrom = \"2020-01\"\nsource = \"invented\"\n[version.insurance.medical]\nfloor_fen = 100\n\
        ceiling_fen = 200\nrate = [{ employer = \"10%\", person = \"2%\", account = [{ rate = \"3%\" }, { from_age = 40, rate = \"4%\" }] }]\n";
    assert!(good.contains(change.0), "{}", change.0);
    Scheme::read(&good.replace(change.0, change.1))
}

#[test]
fn rules_that_cannot_be_followed_are_named() {
    let from = month("2020-01");
    let broken = |broken| Unusable::Rule(from, Insurance::Medical, broken);
    assert!(file(("100", "100")).is_ok());
    assert_eq!(Scheme::read("version = []"), Err(Unusable::Versions(versions::Unusable::Empty)));
    for (change, expected) in [
        (("floor_fen = 100", "floor_fen = 201"), broken(Broken::Bounds)),
        (("floor_fen = 100", "floor_fen = -1"), broken(Broken::Bounds)),
        (("employer = \"10%\"", "employer = []"), broken(Broken::Risks)),
        (("employer = \"10%\"", "households = [\"local_urban\"], employer = \"10%\""), broken(Broken::Households)),
        (("rate = [{ employer", "rate = [{ employer = \"1%\" }, { employer"), broken(Broken::Households)),
        (("person = \"2%\"", "person_fen = -1"), broken(Broken::Negative)),
        (("\"4%\"", "\"12.0001%\""), broken(Broken::Account)),
        (("from_age = 40", "from_age = 0"), broken(Broken::Account)),
        (("{ rate = \"3%\" }", "{ from_age = 1, rate = \"3%\" }"), broken(Broken::Account)),
        (
            ("[[version]]", "[[version]]\nfrom = \"2020-01\"\nsource = \"\"\ninsurance = {}\n[[version]]"),
            Unusable::Versions(versions::Unusable::Order(from)),
        ),
    ] {
        assert_eq!(file(change), Err(expected), "{change:?}");
    }
    for (change, said) in [
        (("floor_fen = 100", "floor_fen = 1e2"), "line 5"),
        (("floor_fen = 100", "floor_yuan = 100"), "unknown field `floor_yuan`"),
        (("floor_fen = 100", ""), "missing field `floor_fen`"),
        (("\"2%\"", "2"), "line 7"),
        (("\"2%\"", "\"100.1%\""), "from 0% to 100%"),
        (("\"2%\"", "\"2\""), "from 0% to 100%"),
        (("\"10%\"", "\"1000%\""), "a list of such rates by class of risk"),
        (("\"2%\"", "\"1.23456%\""), "from 0% to 100%"),
        (("\"2020-01\"", "\"2020\""), "like 2026-11"),
        (("medical", "health"), "unknown variant `health`"),
        (("source = \"invented\"", ""), "missing field `source`"),
    ] {
        let found = file(change);
        assert!(
            matches!(&found, Err(Unusable::Versions(versions::Unusable::Malformed(text))) if text.contains(said)),
            "{change:?}: {found:?}"
        );
    }
}

#[test]
fn rates_are_written_as_they_are_read() {
    for text in ["0%", "16%", "0.2%", "1.25%", "0.0001%", "100%"] {
        assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
    }
    // Half a fen goes up, less goes down.
    let rate: Rate = "0.5%".parse().unwrap();
    assert_eq!([100, 99, 0].map(|fen| rate.of(Fen(fen)).0), [1, 0, 0]);
    assert_eq!(Rate::WHOLE.of(Fen(i64::MAX)), Fen(i64::MAX));
}

proptest! {
    /// Nobody gets more than is paid, and who earns more pays no less.
    #[test]
    fn what_is_credited_is_paid_and_grows_with_the_wage(wage in 0_i64..10_000_000, more in 0_i64..10_000, months in 0_usize..72, of in 0_usize..4) {
        let of_month = std::iter::successors(Some(month("2020-07")), |month| Some(month.after())).nth(months).unwrap();
        let (scheme, household) = (Scheme::beijing(), Household::ALL[of]);
        let reckoned = |wage| contributions(&scheme, of_month, &worker(wage, household, "1980-02-29")).unwrap();
        for (less, more) in reckoned(wage).into_iter().zip(reckoned(wage + more)) {
            prop_assert!(less.account.0 <= less.employer.0 + less.person.0);
            prop_assert!(less.employer <= more.employer && less.person <= more.person && less.account <= more.account);
        }
    }
}

#[test]
fn the_example_of_a_declaration_in_json_is_one() {
    let example = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/declaration.json"));
    let declared = declaration::read(sheet::read(example, 10).unwrap()).unwrap();
    let read: Vec<_> = declared.iter().map(|one| (one.row, one.number.as_str(), one.wage, one.base)).collect();
    let expected =
        [(2, "110000199001010013", Fen(800_000), None), (3, "110000199001010136", Fen(900_050), Some(Fen(950_000)))];
    assert_eq!(read, expected);
}
