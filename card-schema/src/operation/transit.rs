//! Travelling: a card is shown to a validator or to an inspector, or a pass is bought. What a journey costs, the service reckons
//! from all that was shown; names are those of the city's feed (GTFS Schedule).

use std::fmt;

use minicbor::{Decoder, Encoder, encode::Write};

use crate::{
    clock::Micros,
    date::Date,
    envelope::{EnvelopeError, cbor},
    money::Fen,
};

/// The longest `stop_id`, `route_id` and name of a pass, in bytes of UTF-8.
pub const MAX_ID_BYTES: usize = 64;

/// Who shows a card again so soon, on the same side at the same station, is still the same rider: a validator says so to whoever comes next
/// with it, and the service counts it once.
pub const AGAIN_SECONDS: i64 = 60;

/// A pass is sold so many days before the first on which it is good, at most.
pub const SOLD_AHEAD_DAYS: i64 = 60;

/// Which end of a leg a validator is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Where one leaves.
    Off = 0,
    /// Where one gets on.
    On = 1,
}

impl Side {
    /// The number in a signed payload and in the database.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The side of such a number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Off),
            1 => Some(Self::On),
            _ => None,
        }
    }
}

/// A card is shown to a validator.
#[derive(Clone, PartialEq, Eq)]
pub struct Validation {
    /// The version of the fares that the validator knows; zero where it knows none.
    pub tariff: u32,
    /// `route_id`: of the vehicle, or of one of the routes behind a gate.
    pub route: String,
    /// `stop_id`.
    pub stop: String,
    /// At which end.
    pub side: Side,
}

impl fmt::Debug for Validation {
    /// Without the place: where somebody was is nobody's business, in a log least of all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validation").field("tariff", &self.tariff).finish_non_exhaustive()
    }
}

impl Validation {
    pub(crate) fn encode<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(4)?.u8(1)?.u32(self.tariff)?.u8(2)?.str(&self.route)?.u8(3)?.str(&self.stop)?;
        e.u8(4)?.u8(self.side.number())?;
        Ok(())
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 4)?;
        cbor::key(d, 1)?;
        let tariff = d.u32()?;
        cbor::key(d, 2)?;
        let route = id(d, "route")?;
        cbor::key(d, 3)?;
        let stop = id(d, "stop")?;
        cbor::key(d, 4)?;
        let side = Side::from_number(d.u8()?).ok_or(EnvelopeError::UnknownValue("side"))?;
        Ok(Self { tariff, route, stop, side })
    }
}

/// A card is shown to an inspector: has its holder validated?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// `route_id` of the vehicle.
    pub route: String,
}

impl Inspection {
    pub(crate) fn encode<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(1)?.u8(1)?.str(&self.route)?;
        Ok(())
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 1)?;
        cbor::key(d, 1)?;
        Ok(Self { route: id(d, "route")? })
    }
}

/// A pass is bought from the purse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassPurchase {
    /// The pass, by its name in the fares.
    pub pass: String,
    /// The first day on which it is good.
    pub from: Date,
    /// What it was said to cost.
    pub price: Fen,
}

impl PassPurchase {
    /// When the fares are in force by which a pass is sold that begins on a day: when that day ends in China, for versions begin with
    /// a day of service.
    pub fn priced_at(from: Date) -> Micros {
        from.start_in_china().plus_seconds(86_400 - 1)
    }

    pub(crate) fn encode<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.map(3)?.u8(1)?.str(&self.pass)?.u8(2)?.i64(self.from.days())?.u8(3)?.i64(self.price.0)?;
        Ok(())
    }

    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        cbor::map(d, 3)?;
        cbor::key(d, 1)?;
        let pass = id(d, "pass")?;
        cbor::key(d, 2)?;
        let from = Date::from_days(d.i64()?).ok_or(EnvelopeError::UnknownValue("day"))?;
        cbor::key(d, 3)?;
        Ok(Self { pass, from, price: Fen(d.i64()?) })
    }
}

/// A name of the feed.
fn id(d: &mut Decoder<'_>, what: &'static str) -> Result<String, EnvelopeError> {
    let id = d.str()?;
    if id.len() > MAX_ID_BYTES { Err(EnvelopeError::TooLong(what)) } else { Ok(id.to_owned()) }
}
