//! Corrections of what somebody has shown: a showing that no validator has taken is added, or one that is wrong is struck, by a member
//! of staff who says why. What that makes of the fares is reckoned anew and booked as the difference, as with every tap.
//!
//! Whoever corrects can give money back: above a limit of a day it is for another to do ([`Allowance`]).

use std::collections::BTreeSet;

use card_schema::clock::Micros;
use card_schema::ids::{HolderId, OrganisationId, Shard, TapId};
use card_schema::money::Fen;
use card_schema::operation::transit::Side;

use super::closing::{Cause, reckon};
pub use super::concession::{By, Wrong};
use super::model::{RiderKey, Riding, Showing};
use super::store::{correction as store, riding};
use super::tariff::{RouteIx, StopIx, Validation};
use super::{Fares, Tariff};
use crate::db::{DbError, Tx};
use crate::people::approval::rules::is_beyond;

/// As what a look at a holder's journeys stands in the holder's list.
pub const READ: &str = "journeys";

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A showing was added that no validator has taken.
    Added,
    /// A showing was struck.
    Struck,
}

impl Deed {
    /// The number in the database.
    pub const fn number(self) -> i64 {
        match self {
            Self::Added => 1,
            Self::Struck => 2,
        }
    }

    /// The opposite of [`Self::number`].
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Added),
            2 => Some(Self::Struck),
            _ => None,
        }
    }

    /// Why it may be done.
    pub const fn reasons(self) -> &'static [Reason] {
        match self {
            Self::Added => &[Reason::NotRead, Reason::OutOfOrder, Reason::WrongPlace],
            Self::Struck => &[Reason::WrongPlace, Reason::ByMistake],
        }
    }
}

/// Why somebody corrects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The validator did not read the card.
    NotRead,
    /// There was no validator, or none at work.
    OutOfOrder,
    /// The validator was told a wrong place, or had a wrong clock.
    WrongPlace,
    /// The card was shown, and its bearer did not travel.
    ByMistake,
}

impl Reason {
    const ALL: [Self; 4] = [Self::NotRead, Self::OutOfOrder, Self::WrongPlace, Self::ByMistake];

    /// Its name in the database, on the wire and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotRead => "not_read",
            Self::OutOfOrder => "out_of_order",
            Self::WrongPlace => "wrong_place",
            Self::ByMistake => "by_mistake",
        }
    }

    /// The reason of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// A correction of what a holder has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// Names it. Random; a showing that was added has it in place of a tap's id.
    pub id: TapId,
    /// What was done.
    pub deed: Deed,
    /// The showing.
    pub showing: Showing,
    /// Why.
    pub reason: Reason,
    /// What the holder got back by it, in fen; below zero where more was charged.
    pub returned: i64,
    /// When it was made.
    pub at: Micros,
    /// By whom: the name to sign in with.
    pub staff: String,
}

/// A showing that is to be added, as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// When.
    pub at: Micros,
    /// At which end.
    pub side: Side,
    /// A stop, by its id or what riders call it.
    pub stop: String,
    /// A route, in the same way.
    pub route: String,
    /// Who runs the validator; nobody where that was not asked.
    pub operator: Option<OrganisationId>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A showing more.
    Add(Missing, Reason),
    /// A showing less, by its tap.
    Strike(TapId, Reason),
}

/// How far back somebody may correct, and how much they may still give back without another.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// What was before this nobody may dispute any more.
    pub since: Micros,
    /// What they have given back alone within a day.
    pub alone: Fen,
    /// What one may; nothing where there is nobody else.
    pub limit: Option<Fen>,
}

impl Allowance {
    /// Whether so much may be given back.
    fn covers(self, returned: i64) -> bool {
        returned <= 0 || self.limit.is_none_or(|limit| !is_beyond(Fen(returned), self.alone, limit))
    }
}

/// Who runs validators, and in which network, by its `network_id`.
pub type Operator = (OrganisationId, String);

impl Missing {
    /// The showing that is meant, with this in place of a tap's id; what is wrong with it where it cannot be.
    fn check(
        &self,
        fares: &Fares,
        riding: &Riding,
        operators: &[Operator],
        (since, now): (Micros, Micros),
        id: TapId,
    ) -> Result<Showing, Wrong> {
        if self.at > now {
            return Err(("time", "journeys-time-future"));
        }
        let is_folded = riding.base.until.is_some_and(|until| self.at <= until);
        if self.at < since || is_folded {
            return Err(("day", "journeys-day-over"));
        }
        let Some(version) = fares.at(self.at) else { return Err(("day", "journeys-day-without-fares")) };
        let tariff = &*version.tariff;
        let route = tariff.route_meant(&self.route).ok_or(("route", "journeys-route-unknown"))?;
        let stop = tariff.stop_meant(&self.stop).ok_or(("stop", "journeys-stop-unknown"))?;
        let network = tariff.network_of(route);
        if matches!((self.side, network.validation), (Side::Off, Validation::On { .. })) {
            return Err(("side", "journeys-side-none"));
        }
        let mut runs = operators.iter().filter(|(_, runs)| *runs == network.id).map(|(operator, _)| *operator);
        let organisation = match self.operator {
            Some(operator) => runs.find(|runs| *runs == operator),
            None => runs.next().filter(|_| runs.next().is_none()),
        };
        let organisation = organisation.ok_or(("operator", "journeys-operator-missing"))?;
        let showing = Showing {
            at: self.at,
            side: self.side,
            stop: tariff.stop_of(stop).id.clone(),
            route: tariff.route_of(route).id.clone(),
            organisation,
            tariff: u32::try_from(version.number).expect("versions are counted up from 1"),
            tap: id,
        };
        let is_same = |other: &Showing| {
            (other.at, other.side, &other.stop, &other.route)
                == (showing.at, showing.side, &showing.stop, &showing.route)
        };
        if riding.showings.iter().any(is_same) { Err(("time", "journeys-shown-already")) } else { Ok(showing) }
    }
}

impl Tariff {
    /// The route of an id, or the one that riders call so.
    fn route_meant(&self, typed: &str) -> Option<RouteIx> {
        let mut called = self.routes.iter().filter(|route| !typed.is_empty() && route.name == typed);
        let only = called.next().filter(|_| called.next().is_none());
        self.route_named(typed).or_else(|| self.route_named(&only?.id))
    }

    /// The stop of an id, or the station that riders call so.
    fn stop_meant(&self, typed: &str) -> Option<StopIx> {
        let called = self.stops.iter().filter(|stop| !typed.is_empty() && stop.name == typed);
        let stations: BTreeSet<StopIx> = called.map(|stop| stop.station).collect();
        let only = || stations.first().copied().filter(|_| stations.len() == 1);
        self.stop_named(typed).or_else(only)
    }
}

impl Fares {
    /// What a rider owes for all that is kept, once no leg waits for its end any more.
    fn owed(&self, riding: &Riding) -> i64 {
        let showings: Vec<&Showing> = riding.showings.iter().collect();
        let reckoned = self.reckon(&riding.base, &riding.rights, &showings, Micros(i64::MAX));
        let charged = reckoned.trips.iter().filter(|trip| self.group(showings[trip.first]).is_some());
        charged.map(|trip| trip.charge.amount.0).sum()
    }
}

/// What is to be written: what was done to which showing, why, and what the rider has shown then. What may be disputed lies between
/// two moments.
fn decide(
    fares: &Fares,
    riding: &Riding,
    (operators, before): (&[Operator], &[Correction]),
    wish: Wish,
    disputed: (Micros, Micros),
    id: TapId,
) -> Result<(Deed, Showing, Reason, Riding), Wrong> {
    let mut after = riding.clone();
    match wish {
        Wish::Add(missing, reason) => {
            let showing = missing.check(fares, riding, operators, disputed, id)?;
            after.showings.push(showing.clone());
            Ok((Deed::Added, showing, reason, after))
        }
        Wish::Strike(tap, reason) => {
            let Some(place) = riding.showings.iter().position(|showing| showing.tap == tap) else {
                let is_struck = before.iter().any(|one| one.deed == Deed::Struck && one.showing.tap == tap);
                return Err(("strikes", if is_struck { "journeys-struck-already" } else { "journeys-strikes-gone" }));
            };
            let showing = after.showings.remove(place);
            if showing.at < disputed.0 {
                return Err(("strikes", "journeys-day-over"));
            }
            Ok((Deed::Struck, showing, reason, after))
        }
    }
}

/// Does what was asked for, in a transaction that has locked the holder's shard and the one in which it is counted what somebody does
/// alone; what is wrong with it where it cannot be done. `id` and `blind` are random.
///
/// # Errors
/// When the database fails.
pub async fn carry_out(
    tx: &mut Tx,
    fares: &Fares,
    (by, allowance): (By, Allowance),
    holder: HolderId,
    wish: Wish,
    (id, blind): (TapId, [u8; 16]),
) -> Result<Result<(), Wrong>, DbError> {
    let rider = RiderKey::holder(holder.shard(), holder);
    let riders = BTreeSet::from([rider]);
    let riding = riding::known(tx.conn(), &riders).await?.remove(&rider).unwrap_or_default();
    let (operators, before) = (store::operators(tx.conn()).await?, store::of(tx.conn(), holder).await?);
    let decided = decide(fares, &riding, (&operators, &before), wish, (allowance.since, by.now), id);
    let (deed, showing, reason, after) = match decided {
        Ok(decided) => decided,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let returned = fares.owed(&riding) - fares.owed(&after);
    if !allowance.covers(returned) {
        return Ok(Err(("beyond", "journeys-beyond")));
    }
    let correction = Correction { id, deed, showing, reason, returned, at: by.now, staff: String::new() };
    store::put(tx, by.staff, holder, &correction, blind).await?;
    Box::pin(reckon(tx, fares, rider.shard, &riders, by.now, Cause::Correction)).await?;
    Ok(Ok(()))
}

/// Where it is counted what somebody does alone: whoever comes second sees what the first has done.
pub const COUNTED: Shard = Shard(0);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domains::transit::fares::InForce;
    use crate::domains::transit::feed;
    use crate::domains::transit::model::Base;
    use crate::testing::city::city;

    /// 2026-11-23 09:04:05 in Beijing.
    const NOW: Micros = Micros(1_795_395_845_000_000);
    /// Thirty days.
    const DISPUTED: (Micros, Micros) = (NOW.plus_seconds(-30 * 86_400), NOW);
    const METRO: OrganisationId = OrganisationId::from_bytes([1; 16]);
    const OTHER: OrganisationId = OrganisationId::from_bytes([2; 16]);

    fn fares() -> Fares {
        let (archive, supplement) = city("");
        let tariff = feed::read(&archive, &supplement).0.unwrap().into();
        Fares::new(vec![InForce { number: 1, starts_at: NOW.plus_seconds(-29 * 86_400), tariff }])
    }

    fn missing() -> Missing {
        let (stop, route) = ("Q".to_owned(), "m".to_owned());
        Missing { at: NOW.plus_seconds(-600), side: Side::Off, stop, route, operator: None }
    }

    fn got_on() -> Showing {
        Showing {
            at: NOW.plus_seconds(-1_800),
            side: Side::On,
            stop: "p".to_owned(),
            route: "m".to_owned(),
            organisation: METRO,
            tariff: 1,
            tap: TapId([1; 32]),
        }
    }

    #[test]
    fn what_is_added_is_a_place_of_the_fares_in_time_and_of_somebody_who_runs_it() {
        let riding = Riding {
            showings: vec![got_on()],
            base: Base { until: Some(NOW.plus_seconds(-28 * 86_400)), sums: Vec::new() },
            ..Riding::default()
        };
        let one = [(METRO, "metro".to_owned()), (OTHER, "bus".to_owned())];
        let two = [(METRO, "metro".to_owned()), (OTHER, "metro".to_owned())];
        let at = |seconds| Missing { at: NOW.plus_seconds(seconds), ..missing() };
        let again = Missing { at: got_on().at, side: Side::On, stop: "p".to_owned(), ..missing() };
        for (missing, operators, expected) in [
            (missing(), &one, Ok(("q", "m", METRO))),
            (Missing { route: "2".to_owned(), stop: "q".to_owned(), ..missing() }, &one, Ok(("q", "m", METRO))),
            (Missing { stop: "S".to_owned(), ..missing() }, &one, Ok(("s", "m", METRO))),
            (Missing { operator: Some(OTHER), ..missing() }, &two, Ok(("q", "m", OTHER))),
            (Missing { operator: Some(OTHER), ..missing() }, &one, Err("operator")),
            (missing(), &two, Err("operator")),
            (Missing { route: "x".to_owned(), ..missing() }, &one, Err("route")),
            (Missing { stop: String::new(), ..missing() }, &one, Err("stop")),
            (Missing { route: "b".to_owned(), ..missing() }, &one, Err("side")),
            (at(1), &one, Err("time")),
            (at(0), &one, Ok(("q", "m", METRO))),
            (at(-28 * 86_400), &one, Err("day")),
            (at(-30 * 86_400 - 1), &one, Err("day")),
            (again, &one, Err("time")),
        ] {
            let made = missing.check(&fares(), &riding, operators, DISPUTED, TapId([9; 32]));
            let made = made.as_ref().map(|made| (&*made.stop, &*made.route, made.organisation));
            assert_eq!(made.map_err(|(field, _)| *field), expected, "{missing:?}");
        }
        let before = at(-29 * 86_400 - 1).check(&fares(), &Riding::default(), &one, DISPUTED, TapId([9; 32]));
        assert_eq!(before, Err(("day", "journeys-day-without-fares")));
    }

    #[test]
    fn what_is_struck_is_there_and_was_not_struck_before() {
        let riding = Riding { showings: vec![got_on()], ..Riding::default() };
        let wish = || Wish::Strike(got_on().tap, Reason::ByMistake);
        let decided = decide(&fares(), &riding, (&[], &[]), wish(), DISPUTED, TapId([9; 32])).unwrap();
        assert_eq!((decided.0, &decided.1, decided.3.showings.len()), (Deed::Struck, &got_on(), 0));
        let struck = Correction {
            id: TapId([9; 32]),
            deed: Deed::Struck,
            showing: got_on(),
            reason: Reason::ByMistake,
            returned: 0,
            at: NOW,
            staff: String::new(),
        };
        for (before, expected) in [(vec![struck], "journeys-struck-already"), (Vec::new(), "journeys-strikes-gone")] {
            let refused = decide(&fares(), &Riding::default(), (&[], &before), wish(), DISPUTED, TapId([9; 32]));
            assert_eq!(refused.unwrap_err(), ("strikes", expected));
        }
    }

    #[test]
    fn a_leg_that_waits_for_its_end_is_worth_what_it_would_have_cost() {
        let riding = Riding { showings: vec![got_on()], ..Riding::default() };
        let wish = Wish::Strike(got_on().tap, Reason::ByMistake);
        let (.., after) = decide(&fares(), &riding, (&[], &[]), wish, DISPUTED, TapId([9; 32])).unwrap();
        let maximum = fares().owed(&riding);
        assert!(maximum > 0, "the end is missing in the end");
        assert_eq!(fares().owed(&after), 0);
        let long_ago = Showing { at: NOW.plus_seconds(-31 * 86_400), ..got_on() };
        let riding = Riding { showings: vec![long_ago], ..Riding::default() };
        let wish = Wish::Strike(got_on().tap, Reason::ByMistake);
        let refused = decide(&fares(), &riding, (&[], &[]), wish, DISPUTED, TapId([9; 32]));
        assert_eq!(refused.unwrap_err(), ("strikes", "journeys-day-over"));
    }

    #[test]
    fn what_one_gives_back_alone_has_a_limit_where_there_is_another() {
        let has = |alone, limit: Option<i64>| Allowance { since: NOW, alone: Fen(alone), limit: limit.map(Fen) };
        for (allowance, returned, expected) in [
            (has(0, Some(900)), 900, true),
            (has(1, Some(900)), 900, false),
            (has(900, Some(900)), 0, true),
            (has(900, Some(900)), -300, true),
            (has(i64::MAX, Some(900)), 1, false),
            (has(90_000, None), 900, true),
        ] {
            assert_eq!(allowance.covers(returned), expected, "{allowance:?} {returned}");
        }
    }
}
