//! What holders are told of their own journeys: each leg that is kept, what it cost and why, and what is left of those that are
//! folded. For nobody else: staff see what they have said a purpose for, and operators see sums.

use std::collections::BTreeSet;

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::HolderId;
use card_schema::money::Fen;
use card_schema::month::Month;
use card_schema::operation::transit::Side;
use card_schema::wire::journeys::{FareLine, FoldedMonth, JourneyCorrection, Journeys, LegEnd, RiddenLeg};

use super::correction::{Correction, Deed};
use super::fares::Trip;
use super::import::Recalled;
use super::model::{RiderKey, Riding, Showing};
use super::store::{correction as corrections, riding as store};
use super::{Fares, Line, Tariff};
use crate::db::{Connection, DbError};

/// How many legs are told: more than most ride in a month, and as many as can be read.
const LEGS: usize = 100;
/// How many months that are folded.
const MONTHS: usize = 12;

/// A leg, and the places among the showings of what it was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Where the card was shown first.
    pub first: usize,
    /// Where it was shown again.
    pub last: Option<usize>,
    /// The leg.
    pub leg: RiddenLeg,
}

/// What somebody has paid on a network in a month, of what is folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// The first moment of the month.
    pub at: Micros,
    /// Who runs the validators, by name.
    pub organisation: Option<String>,
    /// `network_id`.
    pub network: String,
    /// How much, in fen.
    pub paid: i64,
}

impl Fares {
    /// The legs of what somebody has shown, as far as is known at `now`, newest first.
    pub fn told(&self, riding: &Riding, now: Micros) -> Vec<Told> {
        let showings: Vec<&Showing> = riding.showings.iter().collect();
        let reckoned = self.reckon(&riding.base, &riding.rights, &showings, now);
        let open = reckoned.open.and_then(|(first, _)| {
            let tariff = &self.at(showings[first].at)?.tariff;
            let began = Some(end(Some(tariff), showings[first]));
            let leg = RiddenLeg { began, ended: None, is_open: true, charged_fen: Fen::ZERO, lines: Vec::new() };
            Some(Told { first, last: None, leg })
        });
        let ended = reckoned.trips.iter().map(|trip| self.told_of(trip, &showings));
        let mut told: Vec<Told> = ended.chain(open).collect();
        told.reverse();
        told
    }

    fn told_of(&self, trip: &Trip, showings: &[&Showing]) -> Told {
        let tariff = &self.of(trip).tariff;
        let first = showings[trip.first];
        // Shown at its end alone, a leg has no beginning.
        let (began, ended) = match first.side {
            Side::On => (Some(first), trip.last.map(|last| showings[last])),
            Side::Off => (None, Some(first)),
        };
        let leg = RiddenLeg {
            began: began.map(|showing| end(Some(tariff), showing)),
            ended: ended.map(|showing| end(Some(tariff), showing)),
            is_open: false,
            charged_fen: trip.charge.amount,
            lines: tariff.explained(&trip.charge).into_iter().map(|part| line(tariff, part)).collect(),
        };
        Told { first: trip.first, last: trip.last, leg }
    }

    /// What a network is called, in the newest version that has it.
    fn network_name(&self, id: &str) -> Option<&str> {
        let networks = self.versions().iter().rev().flat_map(|version| &version.tariff.networks);
        networks.into_iter().find(|network| network.id == id).map(|network| &*network.name)
    }
}

/// Where a card was shown, as riders call it.
pub fn end(tariff: Option<&Tariff>, showing: &Showing) -> LegEnd {
    let route = tariff.and_then(|tariff| Some(&*tariff.route_of(tariff.route_named(&showing.route)?).name));
    let stop = tariff.and_then(|tariff| Some(&*tariff.stop_of(tariff.stop_named(&showing.stop)?).name));
    let named = |name: Option<&str>, id: &str| name.filter(|name| !name.is_empty()).unwrap_or(id).to_owned();
    LegEnd { at: showing.at, route: named(route, &showing.route), stop: named(stop, &showing.stop) }
}

fn line(tariff: &Tariff, Line { key, what, percent, amount }: Line<'_>) -> FareLine {
    let pass = tariff.pass_of(&what).filter(|_| key == "pass");
    let what = pass.map_or_else(|| what.into_owned(), |pass| pass.name.clone());
    FareLine { reason: key.to_owned(), what, percent, amount_fen: amount }
}

fn corrected(fares: &Fares, correction: &Correction) -> JourneyCorrection {
    let Correction { deed, showing, reason, returned, at, .. } = correction;
    JourneyCorrection {
        at: *at,
        was_added: *deed == Deed::Added,
        shown: end(fares.at(showing.at).map(|version| &*version.tariff), showing),
        is_on: showing.side == Side::On,
        reason: reason.name().to_owned(),
        returned_fen: Fen(*returned),
    }
}

/// What of these legs, the newest first, is told, with the months before.
fn journeys(fares: &Fares, told: Vec<Told>, corrections: &[Correction], folded: Vec<Folded>) -> Journeys {
    let mut legs: Vec<RiddenLeg> = told.into_iter().map(|told| told.leg).collect();
    let older = legs.split_off(legs.len().min(LEGS));
    let months = folded.into_iter().map(|Folded { at, organisation, network, paid }| FoldedMonth {
        month: Month::of(Date::in_china(at)).to_string(),
        organisation,
        network: fares.network_name(&network).map_or(network.clone(), str::to_owned),
        paid_fen: Fen(paid),
    });
    Journeys {
        legs,
        older: u32::try_from(older.len()).expect("fewer than a card can be shown in a month"),
        older_fen: Fen(older.iter().map(|leg| leg.charged_fen.0).sum()),
        corrections: corrections.iter().map(|one| corrected(fares, one)).collect(),
        folded: months.collect(),
    }
}

/// What is kept of a holder's travels.
///
/// # Errors
/// When the database fails.
pub async fn riding(connection: &mut Connection, holder: HolderId) -> Result<Riding, DbError> {
    let rider = RiderKey::holder(holder.shard(), holder);
    let mut known = store::known(connection, &BTreeSet::from([rider])).await?;
    Ok(known.remove(&rider).unwrap_or_default())
}

/// What a holder is told.
///
/// # Errors
/// When the database fails.
pub async fn of_holder(
    connection: &mut Connection,
    recalled: &Recalled,
    holder: HolderId,
    now: Micros,
) -> Result<Journeys, DbError> {
    let riding = riding(connection, holder).await?;
    let corrections = corrections::of(connection, holder).await?;
    let months: Vec<Micros> = std::iter::successors(Some(Month::of(Date::in_china(now))), |month| Some(month.before()))
        .take(MONTHS)
        .map(|month| month.span().start)
        .collect();
    let folded = store::folded(connection, holder, &months).await?;
    let fares = recalled.now(connection, now).await?;
    let told = fares.told(&riding, now);
    Ok(journeys(&fares, told, &corrections, folded))
}

#[cfg(test)]
mod tests {
    use card_schema::ids::{OrganisationId, TapId};
    use proptest::prelude::*;

    use super::*;
    use crate::domains::transit::fares::InForce;
    use crate::domains::transit::feed;
    use crate::domains::transit::model::{Base, Right, RightOf};
    use crate::testing::city::city;

    /// A cap that is reached soon, half a price later, and a pass.
    const MORE: &str = r#"
[[discount]]
id = "half"
networks = ["metro"]
period = "day"
steps = [{ from_fen = 200, percent = 50 }]

[[cap]]
id = "day"
networks = ["bus", "metro"]
period = "day"
fen = 600

[[pass]]
id = "month"
name = "月票"
networks = ["bus", "metro"]
fen = 5000
"#;
    /// 2026-11-23 09:04:05 in Beijing.
    const DAY: Micros = Micros(1_795_395_845_000_000);

    fn fares() -> Fares {
        let (archive, supplement) = city(MORE);
        let tariff = feed::read(&archive, &supplement).0.unwrap().into();
        Fares::new(vec![InForce { number: 1, starts_at: Micros(0), tariff }])
    }

    /// `+m:p` is shown where one gets on a route at a stop, `-m:q` where one leaves: minutes after the beginning.
    fn riding(shown: &[(&str, i64)]) -> Riding {
        let showings = shown.iter().zip(0..).map(|((text, minute), number)| {
            let side = if text.starts_with('+') { Side::On } else { Side::Off };
            let (route, stop) = text[1..].split_once(':').unwrap();
            Showing {
                at: DAY.plus_seconds(minute * 60),
                side,
                stop: stop.to_owned(),
                route: route.to_owned(),
                organisation: OrganisationId::from_bytes([1; 16]),
                tariff: 1,
                tap: TapId([number; 32]),
            }
        });
        Riding { showings: showings.collect(), ..Riding::default() }
    }

    /// A leg in a line: its ends, what it cost and why.
    fn said(leg: &RiddenLeg) -> String {
        let of = |end: &Option<LegEnd>| {
            let end = end.as_ref();
            end.map_or("?".to_owned(), |end| format!("{}:{}@{}", end.route, end.stop, (end.at.0 - DAY.0) / 60_000_000))
        };
        let open = if leg.is_open { " open" } else { "" };
        let lines = leg.lines.iter().map(|line| {
            let percent = line.percent.map_or(String::new(), |percent| format!(" {percent}%"));
            format!("{} {}{percent} {}", line.reason, line.what, line.amount_fen)
        });
        let lines: Vec<_> = lines.collect();
        format!("{} > {}{open} = {} ({})", of(&leg.began), of(&leg.ended), leg.charged_fen, lines.join(", "))
    }

    fn told(shown: &[(&str, i64)], minute: i64) -> Vec<String> {
        let told = fares().told(&riding(shown), DAY.plus_seconds(minute * 60));
        told.iter().map(|told| said(&told.leg)).collect()
    }

    #[test]
    fn a_leg_says_where_and_when_and_each_part_of_what_it_cost() {
        let all = [("+b:p", 0), ("+b:q", 20), ("+m:p", 45), ("-m:q", 55), ("+m:p", 200), ("-m:q", 220)];
        let expected = [
            "2:P@200 > 2:Q@220 = 1.50 (fare metro 一→二 3.00, discount half 50% -1.50)",
            "2:P@45 > 2:Q@55 = 2.00 (fare metro 一→二 3.00, transfer gb→gm -1.00)",
            "1:Q@20 > ? = 0.00 (fare bus 2.00, transfer gb→gb -2.00)",
            "1:P@0 > ? = 2.00 (fare bus 2.00)",
        ];
        assert_eq!(told(&all, 300), expected, "newest first");
        for order in [[5, 4, 3, 2, 1, 0], [3, 0, 4, 2, 5, 1]] {
            assert_eq!(told(&order.map(|number| all[number]), 300), expected, "whatever order they came in");
        }
    }

    #[test]
    fn what_is_open_missing_unknown_or_capped_is_said_so() {
        for (shown, minute, expected) in [
            (vec![("+m:p", 0)], 10, vec!["2:P@0 > ? open = 0.00 ()"]),
            (vec![("+m:p", 0)], 300, vec!["2:P@0 > ? = 6.00 (maximum  9.00, cap day -3.00)"]),
            (vec![("-m:q", 0)], 10, vec!["? > 2:Q@0 = 6.00 (maximum  9.00, cap day -3.00)"]),
            (vec![("+m:p", 0), ("-m:zz", 9)], 10, vec!["2:P@0 > 2:zz@9 = 0.00 (unknown  0.00)"]),
            (vec![("+zz:p", 0), ("-m:q", 9)], 10, vec!["zz:P@0 > 2:Q@9 = 0.00 (unknown  0.00)"]),
            (vec![], 10, vec![]),
        ] {
            assert_eq!(told(&shown, minute), expected, "{shown:?}");
        }
    }

    #[test]
    fn whoever_has_a_pass_reads_its_name() {
        let month = |text: &str| text.parse::<Date>().unwrap();
        let right = Right { of: RightOf::Pass("month".into()), from: month("2026-11-01"), until: month("2026-11-30") };
        let riding = Riding { rights: vec![right], ..riding(&[("+b:p", 0)]) };
        let told = fares().told(&riding, DAY);
        assert_eq!(said(&told[0].leg), "1:P@0 > ? = 0.00 (pass 月票 0.00)");
    }

    #[test]
    fn what_is_too_much_to_read_is_counted_and_months_have_the_names_of_networks() {
        let shown: Vec<_> = (0..103).map(|day| ("+b:p", day * 1_440)).collect();
        let fares = fares();
        let told = fares.told(&riding(&shown), DAY.plus_seconds(200 * 86_400));
        let folded = |network: &str| Folded { at: DAY, organisation: None, network: network.to_owned(), paid: 7 };
        let journeys = journeys(&fares, told, &[], vec![folded("metro"), folded("gone")]);
        assert_eq!((journeys.legs.len(), journeys.older, journeys.older_fen), (100, 3, Fen(600)));
        assert_eq!(journeys.legs[0].began.as_ref().unwrap().at, DAY.plus_seconds(102 * 86_400));
        let months: Vec<_> = journeys.folded.iter().map(|month| (&*month.month, &*month.network)).collect();
        assert_eq!(months, [("2026-11", "metro"), ("2026-11", "gone")]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn lines_add_up_to_what_is_charged(
            shown in prop::collection::vec(
                (prop::sample::select(vec!["+b:p", "+b:q", "+m:p", "-m:q", "-m:p", "+m:zz", "-zz:q"]), 0..3_000_i64), 0..24),
        ) {
            let (fares, riding) = (fares(), riding(&shown));
            let (now, showings): (_, Vec<&Showing>) = (DAY.plus_seconds(86_400 * 3), riding.showings.iter().collect());
            let told = fares.told(&riding, now);
            for Told { leg, .. } in &told {
                prop_assert_eq!(leg.lines.iter().map(|line| line.amount_fen.0).sum::<i64>(), leg.charged_fen.0);
                prop_assert!(leg.began.is_some() || leg.ended.is_some());
            }
            let charged: i64 = told.iter().map(|told| told.leg.charged_fen.0).sum();
            let reckoned = fares.reckon(&Base::default(), &[], &showings, now);
            prop_assert_eq!(charged, reckoned.trips.iter().map(|trip| trip.charge.amount.0).sum::<i64>());
        }
    }
}
