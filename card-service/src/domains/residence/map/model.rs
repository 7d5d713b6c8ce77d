//! A city as the map shows it: areas in areas, with what may be shown of how many live there. No I/O.

use std::collections::{BTreeMap, BTreeSet};

use card_schema::ids::HolderId;

use super::rules::{Counted, Shown, When, shown};
use crate::domains::residence::area::model::{AreaKey, Level};
use crate::domains::residence::area::store::Named;

/// An area of the map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What names it; nothing for the city.
    pub key: Option<AreaKey>,
    /// Its name; empty for the city.
    pub name: String,
    /// How many live there, if that may be shown.
    pub count: Option<u64>,
    /// What it is divided into, by their codes.
    pub parts: Vec<Place>,
}

/// The whole city on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct City {
    /// When it was counted.
    pub counted: When,
    /// The city.
    pub whole: Place,
}

impl City {
    /// Puts together what is known; nothing but what may be shown is kept.
    pub fn new(when: When, areas: Vec<Named>, counts: &BTreeMap<String, u64>) -> Self {
        let mut parts: BTreeMap<(i64, String), Vec<Named>> = BTreeMap::new();
        for area in areas {
            parts.entry((area.level.number(), area.parent.clone())).or_default().push(area);
        }
        let counted = Counted::of(counted(&parts, Level::District, "", counts));
        let whole = place(&mut parts, None, String::new(), shown(&counted));
        Self { counted: when, whole }
    }

    /// An area with those in which it lies, the city first; nothing where there is no such area.
    pub fn path(&self, key: Option<&AreaKey>) -> Option<Vec<&Place>> {
        fn find<'a>(place: &'a Place, key: &AreaKey) -> Option<Vec<&'a Place>> {
            if place.key.as_ref() == Some(key) {
                return Some(vec![place]);
            }
            let mut path = place.parts.iter().find_map(|part| find(part, key))?;
            path.insert(0, place);
            Some(path)
        }
        key.map_or(Some(vec![&self.whole]), |key| find(&self.whole, key))
    }
}

type Parts = BTreeMap<(i64, String), Vec<Named>>;

fn counted(parts: &Parts, level: Level, parent: &str, counts: &BTreeMap<String, u64>) -> Vec<Counted> {
    let areas = parts.get(&(level.number(), parent.to_owned())).map_or(&[][..], Vec::as_slice);
    let area = |area: &Named| match level.below() {
        Some(below) => Counted::of(counted(parts, below, &area.code, counts)),
        None => Counted::cell(counts.get(&area.code).copied().unwrap_or(0)),
    };
    areas.iter().map(area).collect()
}

fn place(parts: &mut Parts, key: Option<AreaKey>, name: String, shown: Shown) -> Place {
    let (below, code) = match &key {
        Some((level, code)) => (level.below(), code.clone()),
        None => (Some(Level::District), String::new()),
    };
    let areas = below.and_then(|below| parts.remove(&(below.number(), code))).unwrap_or_default();
    let of = |(area, shown): (Named, Shown)| place(parts, Some((area.level, area.code)), area.name, shown);
    Place { key, name, count: shown.count, parts: areas.into_iter().zip(shown.parts).map(of).collect() }
}

/// The cells in which somebody is counted once too often: for each record but one of a person who lives somewhere by several.
/// `merged` says which record points to which, `lives` in which cell a record says that its person lives. The record under
/// which a person is found goes first.
pub fn twice<'a>(merged: &BTreeMap<HolderId, HolderId>, lives: &'a BTreeMap<HolderId, String>) -> Vec<&'a str> {
    let found_under = |record: HolderId| {
        let step = |at: &HolderId| merged.get(at).copied();
        std::iter::successors(Some(record), step).take(merged.len() + 1).last().unwrap_or(record)
    };
    let mut counted: BTreeSet<HolderId> =
        merged.values().copied().filter(|kept| !merged.contains_key(kept) && lives.contains_key(kept)).collect();
    let others = merged.keys().filter_map(|other| Some((*other, lives.get(other)?)));
    others.filter(|(other, _)| !counted.insert(found_under(*other))).map(|(_, cell)| cell.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use card_schema::ids::Shard;

    use super::*;

    #[test]
    fn of_the_records_of_a_person_one_is_counted_wherever_they_say_that_the_person_lives() {
        let [a, b, c, d] = [1, 2, 3, 4].map(|id| HolderId::new(Shard(0), [id; 16]));
        // Of a and b, c is kept; d is somebody else.
        let merged = BTreeMap::from([(a, b), (b, c)]);
        let of = |lives: &[(HolderId, &str)]| {
            let lives = lives.iter().map(|(holder, cell)| (*holder, (*cell).to_owned())).collect();
            twice(&merged, &lives).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(of(&[(a, "1"), (b, "2"), (c, "3"), (d, "1")]), ["1", "2"]);
        assert_eq!(of(&[(a, "1"), (b, "2")]), ["2"], "the kept record says nothing");
        assert_eq!(of(&[(a, "1")]), Vec::<String>::new());
        assert_eq!(of(&[(a, "1"), (c, "1")]), ["1"]);
    }
}
