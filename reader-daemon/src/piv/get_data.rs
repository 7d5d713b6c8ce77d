//! GET DATA (SP 800-73-5 part 2, 3.1.2): reads one data object.

use card_schema::card::{
    ObjectTag,
    tlv::{self, TlvError},
};

use super::status::{Name, PivError, Reason, accepted, refused};
use crate::card::apdu::{Answer, Command, ins};

/// Longest object that is read: the facial image has up to 12,704 bytes (part 1, table 14), rounded up.
pub(crate) const ANSWER_MAX: usize = 16 * 1024;
/// Tag list (part 2, 3.1.2).
const TAG_LIST: u32 = 0x5C;
/// What surrounds an object's contents (part 2, 3.1.2); the discovery object stands by itself.
const CONTENTS: u32 = 0x53;

pub(crate) fn command(object: ObjectTag) -> Command {
    Command::new(0x00, ins::GET_DATA, 0x3F, 0xFF).data(tlv::encode(TAG_LIST, &object.bytes())).answer()
}

/// The object's contents; `None` where the card has none.
pub(crate) fn parse(object: ObjectTag, answer: Answer) -> Result<Option<Vec<u8>>, PivError> {
    if !answer.status.is_ok() && Reason::of(Name::GetData, answer.status) == Reason::NotFound {
        return Ok(None);
    }
    let data = accepted(Name::GetData, answer)?;
    let outer = if object == ObjectTag::DISCOVERY { ObjectTag::DISCOVERY.0 } else { CONTENTS };
    let contents = match tlv::only(&data, outer) {
        // An answer of nothing at all is how some cards say that the object is empty.
        Err(TlvError::Missing(_)) if data.is_empty() => &[],
        other => other.map_err(|error| PivError::malformed(Name::GetData, error))?,
    };
    Ok((!contents.is_empty()).then(|| contents.to_vec()))
}

/// The error of an object that must be there and is not.
pub(crate) fn missing() -> PivError {
    refused(Name::GetData, crate::card::apdu::StatusWord(0x6A82)).into()
}
