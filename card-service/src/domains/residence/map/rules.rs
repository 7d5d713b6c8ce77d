//! Which counts may be shown, so that none that is small can be computed from those that are. Pure.
//!
//! Whoever looks knows every count that is shown, that of the whole too, knows how an area is divided, and knows this code.
//! - A count below [`LEAST`] is not shown.
//! - Where one of the parts of an area is not shown, it could be computed from the whole and the other parts. So further
//!   parts are not shown either, in an order that does not depend on any count: until those that are not shown have, beyond
//!   the [`LEAST`] that each of the further ones is known to have, [`LEAST`] people more. Then each of the small ones may be
//!   anything from 0 to `LEAST - 1`, and each of the further ones has as many values. Where that is never reached, no part
//!   is shown: any of them may then be the small one.
//! - Nothing is shown of the parts of an area that is not shown itself: they would add up to it.

use card_schema::clock::Micros;
use card_schema::date::Date;

/// The smallest count that is shown.
pub const LEAST: u64 = 10;

/// How far two counts lie apart at least: one shortly before midnight and one shortly after would differ by one person.
const APART_SECONDS: i64 = 12 * 3_600;

/// When people were counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// The day of which the counts are.
    pub day: Date,
    /// The moment.
    pub at: Micros,
}

impl When {
    /// Whether nobody is to be counted anew yet.
    pub fn holds(self, now: Micros, today: Date) -> bool {
        self.day == today || now < self.at.plus_seconds(APART_SECONDS)
    }
}

/// An area with how many people live in it, and what it is divided into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// How many live in it. Of an area with parts, the sum of those.
    pub count: u64,
    /// Its parts, in the order of their codes.
    pub parts: Vec<Counted>,
}

impl Counted {
    /// An area without parts.
    pub fn cell(count: u64) -> Self {
        Self { count, parts: Vec::new() }
    }

    /// An area of parts.
    pub fn of(parts: Vec<Self>) -> Self {
        Self { count: parts.iter().map(|part| part.count).sum(), parts }
    }

    /// How many areas it consists of that have no parts.
    fn cells(&self) -> usize {
        self.parts.iter().map(Self::cells).sum::<usize>().max(1)
    }
}

/// What may be shown of an area and its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// How many live in it, if that may be shown.
    pub count: Option<u64>,
    /// Its parts, in their order.
    pub parts: Vec<Shown>,
}

/// What may be shown of a city.
pub fn shown(city: &Counted) -> Shown {
    show(city, city.count >= LEAST, &hidden)
}

fn show(area: &Counted, is_shown: bool, hidden: &impl Fn(&[Counted]) -> Vec<bool>) -> Shown {
    let hide = if is_shown { hidden(&area.parts) } else { vec![true; area.parts.len()] };
    Shown {
        count: is_shown.then_some(area.count),
        parts: area.parts.iter().zip(hide).map(|(part, hide)| show(part, !hide, hidden)).collect(),
    }
}

/// Which of the parts of an area that is shown are not.
fn hidden(parts: &[Counted]) -> Vec<bool> {
    let mut hide = small(parts);
    if !hide.contains(&true) {
        return hide;
    }
    // Those with few cells first: less goes with them. What they are divided into is known to everybody.
    let mut further: Vec<usize> = (0..parts.len()).filter(|part| !hide[*part]).collect();
    further.sort_by_key(|part| (parts[*part].cells(), *part));
    let mut spare: u64 = parts.iter().zip(&hide).filter(|(_, hide)| **hide).map(|(part, _)| part.count).sum();
    for part in further {
        hide[part] = true;
        spare += parts[part].count - LEAST;
        if spare >= LEAST {
            break;
        }
    }
    hide
}

/// Which of the parts have few.
fn small(parts: &[Counted]) -> Vec<bool> {
    parts.iter().map(|part| part.count < LEAST).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn people_are_counted_once_a_day_and_never_twice_within_half_a_day() {
        let day = |day| Date::new(2026, 11, day).unwrap();
        let noon = |of| day(of).start_utc().plus_seconds(12 * 3_600);
        let morning = When { day: day(23), at: day(23).start_utc().plus_seconds(60) };
        assert!(morning.holds(noon(23), day(23)) && morning.holds(noon(23).plus_seconds(43_199), day(23)));
        assert!(!morning.holds(day(24).start_utc(), day(24)));
        let night = When { day: day(23), at: day(24).start_utc().plus_seconds(-60) };
        assert!(night.holds(day(24).start_utc(), day(24)) && night.holds(noon(24).plus_seconds(-61), day(24)));
        assert!(!night.holds(noon(24).plus_seconds(-60), day(24)));
    }

    fn leaves(area: &mut Counted) -> Vec<&mut u64> {
        if area.parts.is_empty() { vec![&mut area.count] } else { area.parts.iter_mut().flat_map(leaves).collect() }
    }

    fn summed(area: &Counted) -> Counted {
        if area.parts.is_empty() { area.clone() } else { Counted::of(area.parts.iter().map(summed).collect()) }
    }

    /// Every count, and whether it is shown, in one order.
    fn flat(area: &Counted, shown: &Shown, into: &mut Vec<(u64, bool)>) {
        into.push((area.count, shown.count.is_some()));
        for (part, shown) in area.parts.iter().zip(&shown.parts) {
            flat(part, shown, into);
        }
    }

    /// Counts that are not shown and that can be only one number, for whoever knows what is shown and how it comes about:
    /// there is no other city with another number there of which the very same would be shown. Small counts that are shown
    /// are among them.
    fn determined(city: &Counted, rule: &impl Fn(&Counted) -> Shown) -> Vec<usize> {
        let shown = rule(city);
        let mut truth = Vec::new();
        flat(city, &shown, &mut truth);
        let mut open: Vec<bool> = truth.iter().map(|(_, shown)| *shown).collect();
        let mut another = |other: Counted| {
            let other = summed(&other);
            if other != *city && rule(&other) == shown {
                let mut counts = Vec::new();
                flat(&other, &shown, &mut counts);
                for (open, (one, other)) in open.iter_mut().zip(truth.iter().zip(counts)) {
                    *open |= one.0 != other.0;
                }
            }
        };
        let count = leaves(&mut city.clone()).len();
        for from in 0..count {
            for to in 0..count {
                // One who is counted more, and one who moves.
                for moved in 1..=*leaves(&mut city.clone())[from] {
                    let mut other = city.clone();
                    *leaves(&mut other)[from] -= moved;
                    *leaves(&mut other)[to] += if from == to { 0 } else { moved };
                    another(other);
                }
            }
            let mut other = city.clone();
            *leaves(&mut other)[from] += 1;
            another(other);
        }
        let small = |at: &usize| truth[*at].1 && truth[*at].0 < LEAST;
        (0..truth.len()).filter(|at| !open[*at] || small(at)).collect()
    }

    fn cells(counts: impl IntoIterator<Item = u64>) -> Counted {
        Counted::of(counts.into_iter().map(Counted::cell).collect())
    }

    /// Counts near what matters, and others.
    fn count() -> impl Strategy<Value = u64> {
        prop_oneof![Just(0), Just(9), Just(10), 0_u64..22, 0_u64..60]
    }

    fn city() -> impl Strategy<Value = Counted> {
        let cells = prop::collection::vec(count(), 1..5).prop_map(cells);
        let streets = prop::collection::vec(cells, 1..4).prop_map(Counted::of);
        prop::collection::vec(streets, 1..3).prop_map(Counted::of)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn no_count_that_is_not_shown_can_be_computed_from_what_is(city in city()) {
            prop_assert_eq!(determined(&city, &shown), Vec::<usize>::new());
        }

        #[test]
        fn nothing_is_left_out_where_nobody_is_few(counts in prop::collection::vec(10_u64..99, 1..6)) {
            let all: Vec<_> = shown(&cells(counts.clone())).parts.iter().map(|part| part.count).collect();
            prop_assert_eq!(all, counts.into_iter().map(Some).collect::<Vec<_>>());
        }
    }

    /// The fewest values that a count which is not shown may have, among all cities of three cells and of so many people
    /// at most, for whoever sees what is shown.
    fn fewest(most: u64, city: impl Fn([u64; 3]) -> Counted, rule: &impl Fn(&Counted) -> Shown) -> usize {
        let mut values: BTreeMap<String, BTreeMap<usize, BTreeSet<u64>>> = BTreeMap::new();
        let pairs = (0..=most).flat_map(|a| (0..=most - a).map(move |b| (a, b)));
        for [a, b, c] in pairs.flat_map(|(a, b)| (0..=most - a - b).map(move |c| [a, b, c])) {
            let city = city([a, b, c]);
            let (shown, mut counts) = (rule(&city), Vec::new());
            flat(&city, &shown, &mut counts);
            let open = values.entry(format!("{shown:?}")).or_default();
            for (at, (count, _)) in counts.iter().enumerate().filter(|(_, (_, shown))| !shown) {
                open.entry(at).or_default().insert(*count);
            }
        }
        values.values().flat_map(BTreeMap::values).map(BTreeSet::len).min().unwrap_or(0)
    }

    #[test]
    fn whoever_sees_all_that_is_shown_of_few_cells_knows_none_of_the_others_better_than_to_ten() {
        let street = |counts: [u64; 3]| cells(counts);
        let streets = |[a, b, c]: [u64; 3]| Counted::of(vec![cells([a, b]), cells([c])]);
        assert_eq!([fewest(60, street, &shown), fewest(60, streets, &shown)], [10, 10]);
        let alone = |city: &Counted| show(city, city.count >= LEAST, &small);
        assert_eq!(fewest(60, street, &alone), 1, "it is the whole without the others");
        let smallest = |city: &Counted| show(city, city.count >= LEAST, &with_the_smallest);
        assert!(fewest(60, street, &smallest) < 10, "the smallest sibling has not more than the next");
    }

    /// The usual choice: the smallest of the siblings is left out too.
    fn with_the_smallest(parts: &[Counted]) -> Vec<bool> {
        let mut hide = small(parts);
        let next = (0..parts.len()).filter(|part| !hide[*part]).min_by_key(|part| parts[*part].count);
        if let (true, Some(next)) = (hide.contains(&true), next) {
            hide[next] = true;
        }
        hide
    }

    #[test]
    fn without_the_siblings_or_with_parts_of_what_is_not_shown_a_small_count_is_found() {
        let alone = |city: &Counted| show(city, city.count >= LEAST, &small);
        // 30 in all, 26 of them in the two that are shown.
        assert_eq!(determined(&cells([4, 12, 14]), &alone), [1]);
        assert_eq!(determined(&cells([4, 12, 14]), &shown), Vec::<usize>::new());
        // Parts of what is not shown would add up to it.
        let inner = Counted::of(vec![cells([4]), cells([12, 14]), cells([40])]);
        let leaky = |city: &Counted| {
            let mut out = shown(city);
            for (part, counted) in out.parts.iter_mut().zip(&city.parts) {
                part.parts = show(counted, true, &small).parts;
            }
            out
        };
        assert!(!determined(&inner, &leaky).is_empty());
    }
}
