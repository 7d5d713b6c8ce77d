//! What may be reversed, and what a person is told where nothing can be (decision 0034). Pure.

use card_schema::money::Fen;
use ring::digest::{self, SHA256};
use uuid::Uuid;

use super::model::Undone;
use crate::ledger::{LedgerError, Reference};

/// An amount as it is typed, where something can be reversed by it.
pub fn amount(typed: &str) -> Option<Fen> {
    typed.trim().parse().ok().filter(|amount| *amount > Fen::ZERO)
}

/// The cause of a reversal, from the id of its form: the same form moves something once.
pub fn reference(id: Uuid) -> Reference {
    let mut context = digest::Context::new(&SHA256);
    context.update(b"nrc/reversal/v1\0");
    context.update(id.as_bytes());
    Reference(context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes"))
}

/// What the ledger's refusal means to whoever wants to reverse; nothing where it is nobody's to mend.
pub fn undone(refused: LedgerError, left: Fen) -> Option<Undone> {
    match refused {
        LedgerError::OverReversal { .. } | LedgerError::AmountTooLarge(_) => Some(Undone::Over { left }),
        LedgerError::Overdraft { available, .. } => {
            Some(Undone::Short { at_most: Fen(available).clamp(Fen::ZERO, left) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_above_zero_and_has_two_decimals_at_most() {
        for (typed, read) in [("12.50", 1_250), (" 12.5 ", 1_250), ("12", 1_200), ("0.01", 1)] {
            assert_eq!(amount(typed), Some(Fen(read)), "{typed}");
        }
        for typed in ["", "0", "0.00", "-1", "+1", "1.234", "1,000", "1e3", "twelve", "9223372036854775807"] {
            assert_eq!(amount(typed), None, "{typed}");
        }
    }

    #[test]
    fn what_the_ledger_refuses_says_how_much_can_still_be_reversed() {
        let left = Fen(800);
        let over = LedgerError::OverReversal { left: 800, amount: 900 };
        assert_eq!(undone(over, left), Some(Undone::Over { left }));
        assert_eq!(undone(LedgerError::AmountTooLarge(i64::MAX), left), Some(Undone::Over { left }));
        for (available, at_most) in [(300, 300), (0, 0), (-50, 0), (900, 800)] {
            let short = LedgerError::Overdraft { available, amount: 1_000 };
            assert_eq!(undone(short, left), Some(Undone::Short { at_most: Fen(at_most) }), "{available}");
        }
        assert_eq!(undone(LedgerError::ReferenceReused, left), None);
    }

    #[test]
    fn each_form_has_a_cause_of_its_own() {
        let [one, other] = [1, 2].map(|id| reference(Uuid::from_u128(id)));
        assert_ne!(one, other);
        assert_eq!(one, reference(Uuid::from_u128(1)));
    }
}
