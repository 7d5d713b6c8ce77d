//! GENERATE ASYMMETRIC KEY PAIR (SP 800-73-5 part 2, 3.3.2): a new P-256 key that never leaves the card.

use card_schema::card::{Slot, tlv};

use super::{
    general_authenticate::ALGORITHM_P256,
    status::{Malformation, Name, PivError, accepted},
};
use crate::card::apdu::{Answer, Command, ins};

/// Longest answer: a P-256 point in its template, with room to spare.
pub(crate) const ANSWER_MAX: usize = 256;
/// Bytes of an uncompressed P-256 point (SEC 1, 2.3.3).
pub(crate) const POINT_BYTES: usize = 65;

/// Tags of the request and of the public key (part 2, 3.3.2).
mod tag {
    pub(super) const CONTROL_REFERENCE: u32 = 0xAC;
    pub(super) const MECHANISM: u32 = 0x80;
    pub(super) const PUBLIC_KEY: u32 = 0x7F49;
    pub(super) const POINT: u32 = 0x86;
}

pub(crate) fn command(slot: Slot) -> Command {
    let template = tlv::encode(tag::CONTROL_REFERENCE, &tlv::encode(tag::MECHANISM, &[ALGORITHM_P256]));
    Command::new(0x00, ins::GENERATE, 0x00, slot.key_reference()).data(template).answer()
}

pub(crate) fn parse(answer: Answer) -> Result<[u8; POINT_BYTES], PivError> {
    let malformed = |cause: Malformation| PivError::malformed(Name::Generate, cause);
    let data = accepted(Name::Generate, answer)?;
    let key = tlv::only(&data, tag::PUBLIC_KEY).map_err(|error| malformed(error.into()))?;
    let point = tlv::find(key, tag::POINT).map_err(|error| malformed(error.into()))?;
    match <[u8; POINT_BYTES]>::try_from(point) {
        Ok(point) if point[0] == 0x04 => Ok(point),
        _ => Err(malformed(Malformation::Length { what: "the public point", length: point.len() })),
    }
}
