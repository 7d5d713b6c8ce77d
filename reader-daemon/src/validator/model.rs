//! What a reader is there for, and what it showed last. Pure.

use std::collections::BTreeMap;

use card_schema::{
    clock::Micros,
    operation::{
        Operation, OperationCode,
        gate::Check,
        transit::{Inspection, Side, Validation},
    },
};
use serde::{Deserialize, Serialize};

use crate::{cli::messages::CliError, local::wire::Timing, tap::Knowledge};

/// What a reader does with each card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Duty {
    /// Lets people on or off.
    Validate {
        /// `route_id`: of the vehicle, or one of those behind a barrier.
        route: String,
        /// `stop_id`.
        stop: String,
        /// At which end.
        side: Side,
    },
    /// Asks whether people have validated.
    Inspect {
        /// `route_id` of the vehicle.
        route: String,
    },
    /// Opens the gate for those who may pass.
    Gate {},
    /// Nothing, whatever all others do.
    Nothing {},
}

/// What is wrong with a duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// This terminal may not do that.
    NotAllowed(OperationCode),
    /// No fares are known here yet.
    NoFares,
    /// The fares in force have no such route.
    Route,
    /// The fares in force have no such stop.
    Stop,
    /// Where people get on and leave one and the same vehicle without validating, nobody is let off.
    NothingToLeave,
}

impl Duty {
    /// What a card is to sign; nothing where nothing is done with it.
    pub fn operation(&self) -> Option<Operation> {
        Some(match self {
            // Which fares are in force is filled in when a card is there.
            Self::Validate { route, stop, side } => Operation::TransitValidation(Validation {
                tariff: 0,
                route: route.clone(),
                stop: stop.clone(),
                side: *side,
            }),
            Self::Inspect { route } => Operation::TransitInspection(Inspection { route: route.clone() }),
            Self::Gate {} => Operation::GateCheck(Check),
            Self::Nothing {} => return None,
        })
    }

    /// Whether this terminal can do it now.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, known: &Knowledge, now: Micros) -> Result<(), Wrong> {
        let Some(code) = self.operation().map(|operation| operation.code()) else { return Ok(()) };
        if !known.profile.operations.contains(&code) {
            return Err(Wrong::NotAllowed(code));
        }
        let (Self::Validate { route, .. } | Self::Inspect { route }) = self else { return Ok(()) };
        let version = known.fares.as_ref().and_then(|pack| pack.at(now)).ok_or(Wrong::NoFares)?;
        let (_, network) = version.route(route).ok_or(Wrong::Route)?;
        let Self::Validate { stop, side, .. } = self else { return Ok(()) };
        version.stop(stop).ok_or(Wrong::Stop)?;
        if *side == Side::Off && !network.on_off { Err(Wrong::NothingToLeave) } else { Ok(()) }
    }
}

/// What became of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Let in or out; or found to have validated.
    Yes,
    /// Not: why.
    No(CliError),
}

/// What a reader showed last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Counted up with each card: another number, another card.
    pub number: u64,
    /// What became of it.
    pub verdict: Verdict,
    /// Where the time went, if it signed.
    pub timing: Option<Timing>,
}

/// A reader that is there for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtReader {
    /// What for.
    pub duty: Duty,
    /// What it shows, for some seconds.
    pub shown: Option<Shown>,
    /// How many cards it has had.
    pub cards: u64,
}

/// Tells a reader what it is there for, or all that are not named otherwise, whose name is empty; without a duty it does nothing any
/// more.
pub fn tell(duties: &mut BTreeMap<String, Duty>, reader: &str, duty: Option<Duty>) {
    match duty {
        Some(duty) => duties.insert(reader.to_owned(), duty),
        None if !reader.is_empty() && duties.contains_key("") => duties.insert(reader.to_owned(), Duty::Nothing {}),
        None => duties.remove(reader),
    };
}

/// What a reader is there for: what was said of it, or of all.
pub fn duty_of<'a>(duties: &'a BTreeMap<String, Duty>, reader: &str) -> Option<&'a Duty> {
    duties.get(reader).or_else(|| duties.get(""))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use card_schema::{
        envelope::fares::{FareNetwork, FarePack, FareRoute, FareStop, FareVersion},
        money::Fen,
    };

    use super::*;
    use crate::tap::tests::knowledge;

    fn known(with_fares: bool, operations: &[OperationCode]) -> Knowledge {
        let mut known = knowledge();
        Arc::make_mut(&mut known.profile).operations = operations.to_vec();
        let route = |id: &str, network| FareRoute { id: id.to_owned(), name: "1 路".to_owned(), network };
        let network = |on_off| FareNetwork { on_off, most: Fen(200) };
        let version = FareVersion {
            number: 3,
            starts_at: Micros(10),
            networks: vec![network(false), network(true)],
            routes: vec![route("bus", 0), route("metro", 1)],
            stops: vec![FareStop { id: "s".to_owned(), name: "测试站".to_owned() }],
            passes: vec![],
        };
        let pack = FarePack { at: Micros(0), versions: vec![version] };
        Knowledge { fares: with_fares.then(|| Arc::new(pack)), ..known }
    }

    #[test]
    fn a_reader_is_told_only_what_this_terminal_can_do_under_the_fares_in_force() {
        use OperationCode::{GateCheck as GATE, TransitInspection as INSPECT, TransitValidation as VALIDATE};
        let validate = |route: &str, stop: &str, side| Duty::Validate { route: route.into(), stop: stop.into(), side };
        let inspect = |route: &str| Duty::Inspect { route: route.into() };
        let all = known(true, &[VALIDATE, INSPECT]);
        for (duty, known, at, expected) in [
            (validate("bus", "s", Side::On), &all, 10, Ok(())),
            (validate("metro", "s", Side::Off), &all, 10, Ok(())),
            (inspect("bus"), &all, 10, Ok(())),
            (validate("bus", "s", Side::Off), &all, 10, Err(Wrong::NothingToLeave)),
            (validate("tram", "s", Side::On), &all, 10, Err(Wrong::Route)),
            (validate("bus", "t", Side::On), &all, 10, Err(Wrong::Stop)),
            (inspect("tram"), &all, 10, Err(Wrong::Route)),
            (inspect("bus"), &all, 9, Err(Wrong::NoFares)),
            (inspect("bus"), &known(false, &[VALIDATE, INSPECT]), 10, Err(Wrong::NoFares)),
            (inspect("bus"), &known(true, &[VALIDATE]), 10, Err(Wrong::NotAllowed(INSPECT))),
            (validate("bus", "s", Side::On), &known(true, &[INSPECT]), 10, Err(Wrong::NotAllowed(VALIDATE))),
            (Duty::Gate {}, &known(false, &[GATE]), 10, Ok(())),
            (Duty::Gate {}, &all, 10, Err(Wrong::NotAllowed(GATE))),
        ] {
            assert_eq!(duty.check(known, Micros(at)), expected, "{duty:?} at {at}");
        }
    }

    #[test]
    fn what_was_said_of_a_reader_comes_before_what_was_said_of_all() {
        let inspect = |route: &str| Duty::Inspect { route: route.into() };
        let duties = BTreeMap::from([(String::new(), inspect("all")), ("front".to_owned(), inspect("front"))]);
        let found = ["front", "back"].map(|reader| duty_of(&duties, reader).cloned());
        assert_eq!(found, ["front", "all"].map(|route| Some(inspect(route))));
        assert_eq!(duty_of(&BTreeMap::new(), "front"), None);
    }

    #[test]
    fn one_reader_stops_also_where_all_were_told_together() {
        let mut duties = BTreeMap::new();
        tell(&mut duties, "", Some(Duty::Gate {}));
        tell(&mut duties, "front", None);
        assert_eq!(
            ["front", "back"].map(|reader| duty_of(&duties, reader).cloned()),
            [Some(Duty::Nothing {}), Some(Duty::Gate {})]
        );
        tell(&mut duties, "front", Some(Duty::Gate {}));
        tell(&mut duties, "", None);
        assert_eq!(["front", "back"].map(|reader| duty_of(&duties, reader).cloned()), [Some(Duty::Gate {}), None]);
        tell(&mut duties, "front", None);
        assert!(duties.is_empty(), "{duties:?}");
    }
}
