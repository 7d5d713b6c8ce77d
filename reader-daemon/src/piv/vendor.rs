//! What vendors added to PIV: the only file that knows them. Yubico's extensions, which Nitrokey shares
//! (<https://developers.yubico.com/PIV/Introduction/Yubico_extensions.html>).

use card_schema::card::{Slot, tlv};

use super::{
    management::{self, ManagementKey},
    status::{Name, PivError, accepted},
};
use crate::card::apdu::{Answer, Command, ins};

const SET_MANAGEMENT_KEY: Name = Name::Vendor("SET MANAGEMENT KEY");
const RESET: Name = Name::Vendor("RESET");
const GET_METADATA: Name = Name::Vendor("GET METADATA");

/// RESET's instruction.
const INS_RESET: u8 = 0xFB;
/// GET METADATA's instruction.
const INS_GET_METADATA: u8 = 0xF7;
/// Longest metadata that is read: it may hold an RSA public key.
pub(crate) const ANSWER_MAX: usize = 1024;
/// P2 of SET MANAGEMENT KEY: the key works without a touch.
const NO_TOUCH: u8 = 0xFF;

/// Sets the management key; the old one must have been authenticated.
pub(crate) fn set_management_key(key: &ManagementKey) -> Command {
    let mut data = zeroize::Zeroizing::new(Vec::with_capacity(3 + key.bytes().len()));
    data.push(management::reference(key.algorithm()));
    tlv::push(&mut data, u32::from(Slot::Management.key_reference()), key.bytes());
    Command::new(0x00, ins::SET_MANAGEMENT_KEY, 0xFF, NO_TOUCH).data(&data[..])
}

pub(crate) fn parse_set_management_key(answer: Answer) -> Result<(), PivError> {
    accepted(SET_MANAGEMENT_KEY, answer)?;
    Ok(())
}

/// Puts the application back to factory state; the card does so only when PIN and PUK are both blocked.
pub(crate) fn reset() -> Command {
    Command::new(0x00, INS_RESET, 0x00, 0x00)
}

pub(crate) fn parse_reset(answer: Answer) -> Result<(), PivError> {
    accepted(RESET, answer)?;
    Ok(())
}

/// What a key reference 80 (PIN), 81 (PUK), 9B or a slot is, where the card tells.
pub(crate) fn get_metadata(key_reference: u8) -> Command {
    Command::new(0x00, INS_GET_METADATA, 0x00, key_reference).answer()
}

/// What a card says of a key, PIN or PUK. Each part is there only where the card gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Metadata {
    /// Algorithm identifier.
    pub algorithm: Option<u8>,
    /// Whether it still has its factory value.
    pub is_factory: Option<bool>,
    /// Tries left.
    pub tries_left: Option<u8>,
}

pub(crate) fn parse_metadata(answer: Answer) -> Result<Metadata, PivError> {
    let data = accepted(GET_METADATA, answer)?;
    let mut metadata = Metadata::default();
    for object in tlv::objects(&data) {
        match object.map_err(|error| PivError::malformed(GET_METADATA, error))? {
            (0x01, [algorithm]) => metadata.algorithm = Some(*algorithm),
            (0x05, [is_factory]) => metadata.is_factory = Some(*is_factory != 0),
            (0x06, [_, tries_left]) => metadata.tries_left = Some(*tries_left),
            _ => {}
        }
    }
    Ok(metadata)
}
