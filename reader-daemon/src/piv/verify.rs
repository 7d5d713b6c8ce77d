//! VERIFY (SP 800-73-5 part 2, 3.2.1): shows the PIN to the card, or asks how many tries are left.

use super::{
    secrets::Pin,
    status::{Name, PivError, Reason, accepted, refused},
};
use crate::card::apdu::{Answer, Command, ins};

/// Key reference of the PIV application's PIN (part 1, table 4).
pub(crate) const KEY_REFERENCE: u8 = 0x80;

/// What the card says of its PIN without being shown one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "tries_left")]
pub enum PinState {
    /// The PIN was verified already in this session; how many tries are left is not said.
    Verified,
    /// This many tries are left.
    TriesLeft(u8),
    /// None is left: only the PUK helps.
    Blocked,
}

/// Shows the PIN. A [`Pin`] is never empty, so this is never mistaken for the question of [`ask`].
pub(crate) fn command(pin: &Pin) -> Command {
    Command::new(0x00, ins::VERIFY, 0x00, KEY_REFERENCE).data(pin.wire())
}

/// Asks for the tries left; costs none.
pub(crate) fn ask() -> Command {
    Command::new(0x00, ins::VERIFY, 0x00, KEY_REFERENCE)
}

pub(crate) fn parse(answer: Answer) -> Result<(), PivError> {
    accepted(Name::Verify, answer)?;
    Ok(())
}

pub(crate) fn parse_state(answer: &Answer) -> Result<PinState, PivError> {
    if answer.status.is_ok() {
        return Ok(PinState::Verified);
    }
    let refusal = refused(Name::Verify, answer.status);
    match refusal.reason {
        Reason::WrongPin { tries_left: Some(0) } | Reason::PinBlocked => Ok(PinState::Blocked),
        Reason::WrongPin { tries_left: Some(left) } => Ok(PinState::TriesLeft(left)),
        _ => Err(refusal.into()),
    }
}
