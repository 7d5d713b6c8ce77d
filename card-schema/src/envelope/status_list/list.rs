//! Every card's status, deflated (IETF Token Status List, sections 4.3 and 5.2).

use std::io::{Read as _, Write as _};

use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use minicbor::{Decoder, Encoder};

use super::super::{EnvelopeError, cbor};
use super::token::{Claims, claim, subject_and_time};
use super::{BITS, ISSUED_AT, MAX_INFLATED_BYTES, SUBJECT, Statuses, VERSION};

/// CWT claims of the IETF's draft: status list, time to live.
const STATUS_LIST: i64 = 65_533;
const TIME_TO_LIVE: i64 = 65_534;

/// A status list as it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusList {
    /// URI of the list, e.g. `https://card.example/v1/status-lists/cards`.
    pub subject: String,
    /// Seconds since 1970 UTC when it was made.
    pub issued_at_s: i64,
    /// For how many seconds whoever holds it need not ask for another.
    pub time_to_live_s: u32,
    /// Counts up and never goes back.
    pub version: u64,
    /// The cards.
    pub statuses: Statuses,
}

impl StatusList {
    fn with_deflated(&self, deflated: &[u8]) -> Vec<u8> {
        let encode = || {
            let mut e = Encoder::new(Vec::with_capacity(deflated.len() + 320));
            e.map(5)?.u8(SUBJECT)?.str(&self.subject)?.u8(ISSUED_AT)?.i64(self.issued_at_s)?;
            e.i64(STATUS_LIST)?.map(2)?.str("lst")?.bytes(deflated)?.str("bits")?.u8(BITS)?;
            e.i64(TIME_TO_LIVE)?.u32(self.time_to_live_s)?;
            e.i64(VERSION)?.u64(self.version)?;
            Ok::<_, minicbor::encode::Error<std::convert::Infallible>>(e.into_writer())
        };
        encode().expect("writing to memory does not fail")
    }
}

impl Claims for StatusList {
    const TYPE: &str = "application/statuslist+cwt";

    fn encode(&self) -> Vec<u8> {
        let mut deflate = ZlibEncoder::new(Vec::new(), Compression::best());
        let deflated = deflate.write_all(&self.statuses.0).and_then(|()| deflate.finish());
        self.with_deflated(&deflated.expect("writing to memory does not fail"))
    }

    /// The same statuses may be deflated in more than one way, so the deflated bytes are taken as they are.
    fn decode(claims: &[u8]) -> Result<(Self, Vec<u8>), EnvelopeError> {
        let malformed = |what: &str| EnvelopeError::Malformed(what.to_owned());
        let mut d = Decoder::new(claims);
        cbor::map(&mut d, 5)?;
        let (subject, issued_at_s) = subject_and_time(&mut d)?;
        claim(&mut d, STATUS_LIST)?;
        cbor::map(&mut d, 2)?;
        if d.str()? != "lst" {
            return Err(malformed("a status list without lst"));
        }
        let deflated = d.bytes()?;
        if d.str()? != "bits" || d.u8()? != BITS {
            return Err(malformed("a status list of another width"));
        }
        claim(&mut d, TIME_TO_LIVE)?;
        let time_to_live_s = d.u32()?;
        claim(&mut d, VERSION)?;
        let version = d.u64()?;

        let list = Self { subject, issued_at_s, time_to_live_s, version, statuses: Statuses(inflate(deflated)?) };
        let canonical = list.with_deflated(deflated);
        Ok((list, canonical))
    }
}

/// Inflates at most [`MAX_INFLATED_BYTES`]: a small token may not fill the memory.
fn inflate(deflated: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
    let mut statuses = Vec::new();
    let mut inflater = ZlibDecoder::new(deflated).take(MAX_INFLATED_BYTES + 1);
    inflater.read_to_end(&mut statuses).map_err(|error| EnvelopeError::Malformed(format!("not deflated: {error}")))?;
    if statuses.len() as u64 > MAX_INFLATED_BYTES {
        return Err(EnvelopeError::TooLong("status list"));
    }
    statuses.shrink_to_fit();
    Ok(statuses)
}
