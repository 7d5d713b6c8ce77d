//! RESET RETRY COUNTER (SP 800-73-5 part 2, 3.2.3): a new PIN against the PUK.

use super::{
    secrets::{Pin, Puk, pair},
    status::{Name, PivError, accepted},
    verify,
};
use crate::card::apdu::{Answer, Command, ins};

pub(crate) fn command(puk: &Puk, new_pin: &Pin) -> Command {
    let data = pair(puk.wire(), new_pin.wire());
    Command::new(0x00, ins::RESET_RETRY_COUNTER, 0x00, verify::KEY_REFERENCE).data(&data[..])
}

pub(crate) fn parse(answer: Answer) -> Result<(), PivError> {
    accepted(Name::ResetRetryCounter, answer)?;
    Ok(())
}
