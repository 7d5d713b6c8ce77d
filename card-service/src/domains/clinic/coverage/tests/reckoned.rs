//! What holds of every bill, whatever its rules: drawn rules, drawn items and drawn lines.

use card_schema::coverage::{Benefit, Level, Line, Quantity, Shares};
use card_schema::money::Fen;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::catalogue::Catalogue;
use super::super::model::{Bill, SoFar, Visit};
use super::super::policy::Policy;
use super::super::rules::calculate;

/// One item of class A and others that leave something to the holder before the fund pays.
const ITEMS: &str = "code,name,name_en,kind,class,first,limit_fen,from,until\n\
    A-1,a,a,drug,A,,,2020-01-01,\nA-2,b,b,drug,A,,777,2020-01-01,\nB-1,c,c,drug,B,10%,,2020-01-01,\n\
    B-2,d,d,material,B,33.3333%,1234,2020-01-01,\nC-1,e,e,service,C,,,2020-01-01,\n";
const CODES: [&str; 5] = ["A-1", "A-2", "B-1", "B-2", "C-1"];

#[derive(Clone, Debug)]
struct Scene {
    policy: Policy,
    visit: Visit,
    so_far: SoFar,
}

impl Scene {
    fn bill<'a>(&self, catalogue: &'a Catalogue, lines: &[Line]) -> Bill<'a> {
        calculate(&self.policy, catalogue, &self.visit, &self.so_far, lines).unwrap()
    }

    /// After a bill.
    fn after(&self, bill: &Bill<'_>) -> Self {
        let eligible: i64 = bill.lines.iter().map(|line| line.eligible_fen.0).sum();
        let so_far = SoFar {
            eligible: Fen(self.so_far.eligible.0 + eligible),
            fund: Fen(self.so_far.fund.0 + bill.shares.fund_fen.0),
            ..self.so_far
        };
        Self { so_far, ..self.clone() }
    }
}

fn catalogue() -> Catalogue {
    Catalogue::read(ITEMS).unwrap()
}

fn percent(millionths: u32) -> String {
    format!("{}.{:04}%", millionths / 10_000, millionths % 10_000)
}

prop_compose! {
    /// Rules with one to three bands, and what has accumulated near to where they change.
    fn scene(period: &'static str)(
        deductible in 0_i64..3_000,
        ceiling in proptest::option::of(0_i64..6_000),
        bands in vec((1_i64..4_000, 0_u32..=1_000_000), 1..4),
        is_open in any::<bool>(),
        less in proptest::option::of(0_u32..=1_000_000),
        referred in any::<bool>(),
        eligible in 0_i64..8_000,
        fund in 0_i64..7_000,
    ) -> Scene {
        let mut up_to = 0;
        let count = bands.len();
        let band = |(place, (width, rate)): (usize, (i64, u32))| {
            up_to += width;
            let end = if is_open && place + 1 == count { String::new() } else { format!("up_to_fen = {up_to}, ") };
            let rate = percent(rate);
            format!("{{ {end}community = \"0%\", primary = \"0%\", secondary = \"0%\", tertiary = \"{rate}\" }}")
        };
        let bands: Vec<_> = bands.into_iter().enumerate().map(band).collect();
        let ceiling = ceiling.map_or_else(String::new, |ceiling| format!("ceiling_fen = {ceiling}\n"));
        let less = less.map_or_else(String::new, |less| {
            format!("referral = {{ levels = [\"tertiary\"], less = \"{}\" }}\n", percent(less))
        });
        let text = format!(
            "[[version]]\nfrom = \"2020-01\"\nsource = \"drawn\"\naccount = []\neligibility = {{ lasts_months = 0, \
             gap_months = 3, waiting_months = 6, first_waiting_months = 0 }}\n[version.benefit.outpatient]\n\
             period = \"{period}\"\ndeductible_fen = [{deductible}]\n{ceiling}bands = [{}]\n{less}",
            bands.join(", ")
        );
        let visit = Visit {
            benefit: Benefit::Outpatient,
            level: Level::Tertiary,
            day: "2026-11-01".parse().unwrap(),
            referred,
        };
        let so_far = SoFar { eligible: Fen(eligible), fund: Fen(fund), stays: 0 };
        Scene { policy: Policy::read(&text).unwrap(), visit, so_far }
    }
}

prop_compose! {
    fn line()(item in 0..CODES.len(), thousandths in 1_i64..4_000, price in 0_i64..2_500) -> Line {
        Line {
            item: CODES[item].parse().unwrap(),
            quantity: Quantity::of_thousandths(thousandths).unwrap(),
            price_fen: Fen(price),
        }
    }
}

/// Whole units of class A: neither they nor what is eligible of them are rounded.
fn whole(units: i64, price: i64) -> Line {
    let quantity = Quantity::of_thousandths(units * 1_000).unwrap();
    Line { item: "A-1".parse().unwrap(), quantity, price_fen: Fen(price) }
}

fn anything() -> impl Strategy<Value = Scene> {
    prop_oneof![scene("year"), scene("stay")]
}

proptest! {
    #[test]
    fn shares_come_to_the_bill_and_none_is_below_zero(scene in anything(), lines in vec(line(), 0..8)) {
        let catalogue = catalogue();
        let bill = scene.bill(&catalogue, &lines);
        let mut sum = Shares::default();
        for (line, asked) in bill.lines.iter().zip(&lines) {
            prop_assert_eq!(Some(line.amount_fen), asked.quantity.cost(asked.price_fen));
            prop_assert_eq!(line.shares.total(), line.amount_fen);
            prop_assert!(line.shares.all().iter().all(|share| *share >= Fen::ZERO), "{:?}", line.shares);
            let pieces: i64 = line.pieces.iter().map(|piece| piece.amount_fen.0).sum();
            prop_assert!(pieces <= line.eligible_fen.0 - line.shares.deductible_fen.0);
            sum = sum.plus(&line.shares);
        }
        prop_assert_eq!(sum, bill.shares);
        let rule = &scene.policy.versions()[0].benefits[&Benefit::Outpatient];
        let left = rule.ceiling.map_or(i64::MAX, |ceiling| (ceiling.0 - scene.so_far.fund.0).max(0));
        prop_assert!(bill.shares.fund_fen.0 <= left);
    }

    #[test]
    fn a_line_divided_into_two_costs_the_same(scene in anything(), one in 1_i64..9, other in 1_i64..9, price in 0_i64..900) {
        let catalogue = catalogue();
        let together = scene.bill(&catalogue, &[whole(one + other, price)]);
        let apart = scene.bill(&catalogue, &[whole(one, price), whole(other, price)]);
        prop_assert_eq!(together.shares, apart.shares);
    }

    #[test]
    fn a_bill_divided_into_two_costs_the_same_within_a_year(scene in scene("year"), lines in vec(line(), 0..8), at in 0_usize..8) {
        let catalogue = catalogue();
        let (first, second) = lines.split_at(at.min(lines.len()));
        let first = scene.bill(&catalogue, first);
        let second = scene.after(&first).bill(&catalogue, second);
        prop_assert_eq!(scene.bill(&catalogue, &lines).shares, first.shares.plus(&second.shares));
    }

    #[test]
    fn the_order_of_lines_does_not_matter(scene in anything(), lines in vec(line(), 0..8).prop_shuffle()) {
        let catalogue = catalogue();
        let backwards: Vec<_> = lines.iter().rev().cloned().collect();
        prop_assert_eq!(scene.bill(&catalogue, &lines).shares, scene.bill(&catalogue, &backwards).shares);
    }

    /// Of a higher price neither the fund nor the holder pays less.
    #[test]
    fn both_pay_more_of_more(scene in anything(), lines in vec(line(), 1..5), at in 0_usize..5, more in 0_i64..2_000) {
        let catalogue = catalogue();
        let cheap = scene.bill(&catalogue, &lines);
        let mut dearer = lines;
        let place = at % dearer.len();
        dearer[place].price_fen.0 += more;
        let dear = scene.bill(&catalogue, &dearer);
        prop_assert!(cheap.shares.fund_fen <= dear.shares.fund_fen && cheap.shares.own() <= dear.shares.own());
    }
}
