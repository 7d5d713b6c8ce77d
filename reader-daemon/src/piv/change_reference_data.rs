//! CHANGE REFERENCE DATA (SP 800-73-5 part 2, 3.2.2): a new PIN or PUK against the old one.

use super::{
    secrets::{Pin, Puk, pair},
    status::{Name, PivError, accepted},
    verify,
};
use crate::card::apdu::{Answer, Command, ins};

/// Key reference of the PIN unblocking key (part 1, table 4).
pub(crate) const PUK_REFERENCE: u8 = 0x81;

pub(crate) fn pin(old: &Pin, new: &Pin) -> Command {
    command(verify::KEY_REFERENCE, old.wire(), new.wire())
}

pub(crate) fn puk(old: &Puk, new: &Puk) -> Command {
    command(PUK_REFERENCE, old.wire(), new.wire())
}

fn command(reference: u8, old: &[u8], new: &[u8]) -> Command {
    Command::new(0x00, ins::CHANGE_REFERENCE_DATA, 0x00, reference).data(&pair(old, new)[..])
}

pub(crate) fn parse(name: Name, answer: Answer) -> Result<(), PivError> {
    accepted(name, answer)?;
    Ok(())
}
