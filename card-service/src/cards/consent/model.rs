//! What people agree to when they take their cards, and what an agreement is worth. Pure.

use card_schema::envelope::receipt::Outcome;

use crate::cards::{Bearer, CardState};
use crate::consent::About;

/// What whoever takes a card agrees to.
pub const fn about(bearer: Bearer) -> About {
    match bearer {
        Bearer::Holder(_) => About::Card,
        Bearer::Staff(_) => About::StaffCard,
    }
}

/// What becomes of an agreement that a card has signed. `sent` is the hash of the text that was sent last for this card,
/// `signed` the one in the tap.
pub fn decide(state: CardState, sent: Option<&[u8; 32]>, signed: &[u8; 32]) -> Outcome {
    match (state, sent) {
        (CardState::Personalised, Some(sent)) if sent == signed => Outcome::Accepted,
        (CardState::Personalised, _) => Outcome::WrongText,
        _ => Outcome::CardNotActive,
    }
}

#[cfg(test)]
mod tests {
    use card_schema::ids::{HolderId, Shard};
    use uuid::Uuid;

    use super::*;
    use crate::people::StaffId;

    #[test]
    fn whoever_takes_a_card_agrees_to_the_text_for_their_kind_of_card() {
        assert_eq!(about(Bearer::Holder(HolderId::new(Shard(0), [1; 16]))), About::Card);
        assert_eq!(about(Bearer::Staff(StaffId(Uuid::nil()))), About::StaffCard);
    }

    #[test]
    fn only_the_text_that_was_sent_makes_a_waiting_card_active() {
        use CardState::{Active, Personalised, Personalising, Suspended};
        let (mine, other) = ([1; 32], [2; 32]);
        let table = [
            (Personalised, Some(&mine), Outcome::Accepted),
            (Personalised, Some(&other), Outcome::WrongText),
            (Personalised, None, Outcome::WrongText),
            (Personalising, Some(&mine), Outcome::CardNotActive),
            (Active, Some(&mine), Outcome::CardNotActive),
            (Suspended, Some(&other), Outcome::CardNotActive),
        ];
        for (state, sent, outcome) in table {
            assert_eq!(decide(state, sent, &mine), outcome, "{state:?} {sent:?}");
        }
    }
}
