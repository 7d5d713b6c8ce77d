//! Back to factory state from whatever state a card is in: spends the tries that are left, then resets.
//!
//! A card resets its application only when PIN and PUK are both blocked (see `vendor`). Everything on it is lost.

use super::{
    card::PivCard,
    secrets::{Pin, Puk},
    status::{PivError, Reason},
};
use crate::card::link::Link;

/// No card has more tries than a byte counts.
const TRIES_MAX: u32 = 255;
/// Tries spent on a card that does not say how many are left.
const SILENT_TRIES_MAX: u32 = 15;

impl<L: Link> PivCard<L> {
    /// Resets the application, spending all tries first where the card wants that. `guess` gives eight random digits
    /// at a time; a guess that happens to be right only costs one more.
    ///
    /// Nothing is spent on a card that does not know the command.
    ///
    /// # Errors
    /// [`Reason::InstructionNotSupported`] or the like on cards without the command.
    pub fn reset_from_any_state(&mut self, mut guess: impl FnMut() -> [u8; 8]) -> Result<(), PivError> {
        match self.reset_application() {
            Err(error) if is_not_blocked_yet(&error) => {}
            done_or_failed => return done_or_failed,
        }
        spend(|| {
            let digits = guess().map(|byte| char::from(b'0' + byte % 10));
            let pin = Pin::parse(&String::from_iter(digits)).expect("eight digits are a PIN");
            self.verify_pin(&pin)
        })?;
        spend(|| {
            let puk = Puk::from_bytes(&guess()).expect("eight bytes are a PUK");
            let pin = Pin::parse(Pin::FACTORY).expect("the factory PIN is a PIN");
            self.unblock_pin(&puk, &pin)
        })?;
        self.reset_application()
    }
}

fn is_not_blocked_yet(error: &PivError) -> bool {
    matches!(error.reason(), Some(Reason::ConditionsNotSatisfied | Reason::SecurityStatusNotSatisfied))
}

/// Tries until there are none left.
fn spend(mut attempt: impl FnMut() -> Result<(), PivError>) -> Result<(), PivError> {
    let mut silent = 0;
    for _ in 0..TRIES_MAX {
        let Err(error) = attempt() else { continue };
        match error.reason() {
            Some(Reason::PinBlocked | Reason::PukBlocked) => return Ok(()),
            Some(Reason::WrongPin { tries_left } | Reason::WrongPuk { tries_left }) => match tries_left {
                Some(0) => return Ok(()),
                Some(_) => {}
                None if silent == SILENT_TRIES_MAX => return Ok(()),
                None => silent += 1,
            },
            _ => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::scripted::{Says, Scripted};

    const RESET: &str = "00FB0000";
    const WRONG_PIN: &str = "00200080 08 3737373737373737";
    const WRONG_PUK: &str = "002C0080 10 0707070707070707 313233343536FFFF";

    #[test]
    fn a_card_in_use_is_reset_after_its_tries_are_spent() {
        let script = [
            Says(RESET, "6985"),
            Says(WRONG_PIN, "63C1"),
            Says(WRONG_PIN, "63C0"),
            Says(WRONG_PUK, "6300"),
            Says(WRONG_PUK, "6983"),
            Says(RESET, "9000"),
        ];
        assert_eq!(PivCard::new(Scripted::new(script)).reset_from_any_state(|| [7; 8]), Ok(()));
    }

    #[test]
    fn a_blocked_card_is_reset_at_once() {
        assert_eq!(PivCard::new(Scripted::new([Says(RESET, "9000")])).reset_from_any_state(|| [7; 8]), Ok(()));
    }

    #[test]
    fn a_card_that_cannot_be_reset_loses_no_try() {
        for answer in ["6D00", "6A81", "6E00"] {
            let mut card = PivCard::new(Scripted::new([Says(RESET, answer)]));
            assert!(card.reset_from_any_state(|| [7; 8]).is_err(), "{answer}");
        }
    }
}
