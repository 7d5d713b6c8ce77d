//! What a validator has to know of the fares in order to decide without the service: which routes and stops there are, how riders of
//! a network validate, and the most that a ride may come to; and what a counter has to know in order to sell passes. What a journey
//! costs, the service reckons.

use minicbor::{Decoder, Encoder, encode::Write};

use super::{EnvelopeError, Payload, Purpose, cbor};
use crate::{
    clock::Micros,
    money::Fen,
    operation::{OperationCode, transit::MAX_ID_BYTES},
};

/// The version of the payload that this program writes and reads.
const VERSION: u8 = 1;

/// Where a terminal gets it.
pub const PATH: &str = "/v1/fares";

/// The longest name of a route or stop, in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 255;
/// Versions of the fares, networks, routes, stops and passes that are read at most.
const MOST: [usize; 5] = [32, 1_000, 100_000, 100_000, 1_000];

/// Versions of the fares: the one in force, and those that will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FarePack {
    /// When it was signed.
    pub at: Micros,
    /// In the order in which they come into force, and of those that do so together the newest last.
    pub versions: Vec<FareVersion>,
}

/// A version of the fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FareVersion {
    /// Its number.
    pub number: u32,
    /// From when on.
    pub starts_at: Micros,
    /// Networks, by their place.
    pub networks: Vec<FareNetwork>,
    /// Routes, in the order of their ids.
    pub routes: Vec<FareRoute>,
    /// Stops, in the order of their ids.
    pub stops: Vec<FareStop>,
    /// Passes that are sold.
    pub passes: Vec<FarePass>,
}

/// How riders of a network validate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FareNetwork {
    /// Whether they do so where they leave, too.
    pub on_off: bool,
    /// The most that a ride comes to.
    pub most: Fen,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FareRoute {
    /// `route_id`, at most [`MAX_ID_BYTES`].
    pub id: String,
    /// What riders call it, at most [`MAX_NAME_BYTES`].
    pub name: String,
    /// The place of its network.
    pub network: u16,
}

/// A stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FareStop {
    /// `stop_id`, at most [`MAX_ID_BYTES`].
    pub id: String,
    /// What riders call it, at most [`MAX_NAME_BYTES`].
    pub name: String,
}

/// A pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FarePass {
    /// Its name in the fares, at most [`MAX_ID_BYTES`].
    pub id: String,
    /// What riders call it, at most [`MAX_NAME_BYTES`].
    pub name: String,
    /// What it costs.
    pub price: Fen,
    /// How many days it is good; the month of the calendar where it does not say.
    pub days: Option<u16>,
}

impl FarePack {
    /// The version in force at a moment.
    pub fn at(&self, at: Micros) -> Option<&FareVersion> {
        self.versions.iter().rev().find(|version| version.starts_at <= at)
    }

    /// Whether a terminal that may do this has to know the fares.
    pub fn is_for(operations: &[OperationCode]) -> bool {
        [OperationCode::TransitValidation, OperationCode::TransitPass].iter().any(|code| operations.contains(code))
    }

    /// The number of the newest version, zero where there is none: what tells one pack from another.
    pub fn newest(&self) -> u32 {
        self.versions.iter().map(|version| version.number).max().unwrap_or(0)
    }
}

impl FareVersion {
    /// A route with its network.
    pub fn route(&self, id: &str) -> Option<(&FareRoute, FareNetwork)> {
        let place = self.routes.binary_search_by(|route| (*route.id).cmp(id)).ok()?;
        let route = &self.routes[place];
        Some((route, *self.networks.get(usize::from(route.network))?))
    }

    /// A stop.
    pub fn stop(&self, id: &str) -> Option<&FareStop> {
        self.stops.binary_search_by(|stop| (*stop.id).cmp(id)).ok().map(|place| &self.stops[place])
    }
}

impl Payload for FarePack {
    const PURPOSE: Purpose = Purpose::Fares;
    const MAX_BYTES: usize = 16 << 20;

    fn encode<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(3)?.u8(1)?.u8(VERSION)?;
        e.u8(2)?.i64(self.at.0)?;
        e.u8(3)?.array(self.versions.len() as u64)?;
        for FareVersion { number, starts_at, networks, routes, stops, passes } in &self.versions {
            e.array(6)?.u32(*number)?.i64(starts_at.0)?;
            e.array(networks.len() as u64)?;
            for FareNetwork { on_off, most } in networks {
                e.array(2)?.bool(*on_off)?.i64(most.0)?;
            }
            e.array(routes.len() as u64)?;
            for FareRoute { id, name, network } in routes {
                e.array(3)?.str(id)?.str(name)?.u16(*network)?;
            }
            e.array(stops.len() as u64)?;
            for FareStop { id, name } in stops {
                e.array(2)?.str(id)?.str(name)?;
            }
            e.array(passes.len() as u64)?;
            for FarePass { id, name, price, days } in passes {
                e.array(4)?.str(id)?.str(name)?.i64(price.0)?;
                match days {
                    Some(days) => e.u16(*days)?,
                    None => e.null()?,
                };
            }
        }
        Ok(())
    }

    fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 3)?;
        cbor::version(d, VERSION)?;
        cbor::key(d, 2)?;
        let at = Micros(d.i64()?);
        cbor::key(d, 3)?;
        let versions = cbor::list(d, MOST[0], "fares", version)?;
        if !versions.is_sorted_by_key(|version| (version.starts_at, version.number)) {
            return Err(unordered());
        }
        Ok(Self { at, versions })
    }
}

fn version(d: &mut Decoder<'_>) -> Result<FareVersion, EnvelopeError> {
    cbor::parts(d, 6, "version of the fares")?;
    let (number, starts_at) = (d.u32()?, Micros(d.i64()?));
    let networks = cbor::list(d, MOST[1], "fares", |d| {
        cbor::parts(d, 2, "network")?;
        Ok(FareNetwork { on_off: d.bool()?, most: Fen(d.i64()?) })
    })?;
    let routes = cbor::list(d, MOST[2], "fares", |d| {
        cbor::parts(d, 3, "route")?;
        let (id, name) = (text(d, MAX_ID_BYTES)?, text(d, MAX_NAME_BYTES)?);
        Ok(FareRoute { id, name, network: d.u16()? })
    })?;
    let stops = cbor::list(d, MOST[3], "fares", |d| {
        cbor::parts(d, 2, "stop")?;
        Ok(FareStop { id: text(d, MAX_ID_BYTES)?, name: text(d, MAX_NAME_BYTES)? })
    })?;
    let passes = cbor::list(d, MOST[4], "fares", |d| {
        cbor::parts(d, 4, "pass")?;
        let (id, name, price) = (text(d, MAX_ID_BYTES)?, text(d, MAX_NAME_BYTES)?, Fen(d.i64()?));
        Ok(FarePass { id, name, price, days: cbor::optional(d, |d| Ok(d.u16()?))? })
    })?;
    let in_order =
        routes.is_sorted_by(|one, next| one.id < next.id) && stops.is_sorted_by(|one, next| one.id < next.id);
    if in_order { Ok(FareVersion { number, starts_at, networks, routes, stops, passes }) } else { Err(unordered()) }
}

fn unordered() -> EnvelopeError {
    EnvelopeError::Malformed("fares that are not in order".to_owned())
}

fn text(d: &mut Decoder<'_>, most: usize) -> Result<String, EnvelopeError> {
    let text = d.str()?;
    if text.len() > most { Err(EnvelopeError::TooLong("name")) } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: u32, starts_at: i64) -> FareVersion {
        FareVersion {
            number,
            starts_at: Micros(starts_at),
            networks: vec![],
            routes: vec![],
            stops: vec![],
            passes: vec![],
        }
    }

    #[test]
    fn of_versions_that_have_started_the_last_is_in_force() {
        let pack =
            FarePack { at: Micros(0), versions: vec![version(1, 10), version(4, 20), version(2, 30), version(3, 30)] };
        let at = |at| pack.at(Micros(at)).map(|version| version.number);
        assert_eq!([9, 10, 20, 29, 30].map(at), [None, Some(1), Some(4), Some(4), Some(3)]);
        assert_eq!(pack.newest(), 4);
    }
}
