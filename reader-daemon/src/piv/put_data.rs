//! PUT DATA (SP 800-73-5 part 2, 3.3.1): writes one data object; needs the management key.

use card_schema::card::{ObjectTag, tlv};

use super::status::{Name, PivError, accepted};
use crate::card::apdu::{Answer, Command, ins};

const TAG_LIST: u32 = 0x5C;
const CONTENTS: u32 = 0x53;

/// Empty contents remove the object.
pub(crate) fn command(object: ObjectTag, contents: &[u8]) -> Command {
    let tag = object.bytes();
    let mut data =
        Vec::with_capacity(tlv::encoded_len(TAG_LIST, tag.len()) + tlv::encoded_len(CONTENTS, contents.len()));
    tlv::push(&mut data, TAG_LIST, &tag);
    tlv::push(&mut data, CONTENTS, contents);
    Command::new(0x00, ins::PUT_DATA, 0x3F, 0xFF).data(data)
}

pub(crate) fn parse(answer: Answer) -> Result<(), PivError> {
    accepted(Name::PutData, answer)?;
    Ok(())
}
