//! The consent that makes a card active: to the text that was sent, and to no other.

use card_schema::card::Slot;
use card_schema::envelope::Kid;
use card_schema::envelope::receipt::Outcome;
use card_schema::operation::{Operation, registration};

use super::{GATE, outcome, top_up};
use crate::cards::CardState;
use crate::consent::Text;
use crate::i18n::Locale;
use crate::testing::town::{Signer, Town};

fn agree(text: Text) -> Operation {
    Operation::RegistrationConsent(registration::Consent { text: text.hash() })
}

#[tokio::test]
async fn the_holders_consent_activates_the_card_for_the_next_tap_of_the_same_batch() {
    let town = Town::new().await;
    let mut terminal = town.terminal().await;
    let card = town.card_in(CardState::Personalised).await;
    let text = Text::find(1, Locale::ZhCn).unwrap();
    town.ask_consent(&card, text).await;
    let taps = [
        terminal.tap(&card, Slot::Tap, GATE),
        terminal.tap(&card, Slot::SignIn, agree(text)),
        terminal.tap(&card, Slot::Approve, agree(text)),
        terminal.tap(&card, Slot::Tap, top_up(100)),
    ];
    let outcomes: Vec<_> = town.submit(&terminal, &taps).await.iter().map(|o| o.outcome).collect();
    let expected = [Outcome::CardNotActive, Outcome::PinRequired, Outcome::Accepted, Outcome::Accepted];
    assert_eq!(outcomes, expected);
}

#[tokio::test]
async fn a_consent_to_another_text_than_the_one_that_was_sent_activates_nothing_and_can_be_given_again() {
    let town = Town::new().await;
    let mut terminal = town.terminal().await;
    let card = town.card_in(CardState::Personalised).await;
    let (sent, other) = (Text::find(1, Locale::En).unwrap(), Text::find(1, Locale::ZhCn).unwrap());
    let unasked = terminal.tap(&card, Slot::Approve, agree(sent));
    assert_eq!(outcome(&town, &terminal, &unasked).await, Outcome::WrongText);

    town.ask_consent(&card, sent).await;
    let forged = terminal.next(Some(&card), agree(sent));
    let taps = [
        terminal.sign(&forged, &Signer::new(), Kid::Card(Slot::Approve)),
        terminal.tap(&card, Slot::Approve, agree(other)),
        terminal.tap(&card, Slot::Tap, top_up(100)),
        terminal.tap(&card, Slot::Approve, agree(sent)),
        terminal.tap(&card, Slot::Tap, top_up(100)),
    ];
    let outcomes: Vec<_> = town.submit(&terminal, &taps).await.iter().map(|o| o.outcome).collect();
    let refused = [Outcome::BadSignature, Outcome::WrongText, Outcome::CardNotActive];
    assert_eq!(outcomes, [&refused[..], &[Outcome::Accepted; 2]].concat());
    assert_eq!(outcome(&town, &terminal, &taps[1]).await, Outcome::WrongText, "asked again, the answer stays");
}
