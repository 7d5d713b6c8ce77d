//! The texts that people agree to when they take their cards, and what an agreement is worth. Pure.
//!
//! Cards sign the hash of a text, so a text that was ever sent stays here word for word. To change it: a new version in
//! both languages, beside the old one.

use card_schema::envelope::receipt::Outcome;
use ring::digest;

use crate::cards::{Bearer, CardState};
use crate::i18n::Locale;

/// Every text: version, language, words.
const TEXTS: [(u16, Locale, &str); 4] = [
    (1, Locale::ZhCn, include_str!("../../../i18n/zh-CN/consent-1.txt")),
    (1, Locale::En, include_str!("../../../i18n/en/consent-1.txt")),
    (2, Locale::ZhCn, include_str!("../../../i18n/zh-CN/consent-2.txt")),
    (2, Locale::En, include_str!("../../../i18n/en/consent-2.txt")),
];

/// The version that is agreed to now.
const fn current(bearer: Bearer) -> u16 {
    match bearer {
        Bearer::Holder(_) => 1,
        Bearer::Staff(_) => 2,
    }
}

/// One text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    version: u16,
    language: Locale,
    words: &'static str,
}

impl Text {
    /// The text in force for whose card it is, in a language.
    pub fn current(bearer: Bearer, language: Locale) -> Self {
        Self::find(current(bearer), language).expect("the version in force is there in every language")
    }

    /// A text that was sent once.
    pub fn find(version: u16, language: Locale) -> Option<Self> {
        let (.., words) = TEXTS.into_iter().find(|(of, tongue, _)| (*of, *tongue) == (version, language))?;
        Some(Self { version, language, words: words.trim_end() })
    }

    /// Counts up from 1.
    pub const fn version(self) -> u16 {
        self.version
    }

    /// The one language that it is in.
    pub const fn language(self) -> Locale {
        self.language
    }

    /// What is read.
    pub const fn words(self) -> &'static str {
        self.words
    }

    /// SHA-256 of the words in UTF-8: what the card signs.
    pub fn hash(self) -> [u8; 32] {
        digest::digest(&digest::SHA256, self.words.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
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
    fn a_text_that_cards_have_signed_never_changes() {
        let published = [
            (1, Locale::ZhCn, "e5cd33f1d693b4a73d7a3045c665ba9e78ad9a92e53e8acecf6cad37c71726a6"),
            (1, Locale::En, "b3ceca62e258674f4257cd0058bc7967b53d1c85ae4ed814c7c3d92ab66d6842"),
            (2, Locale::ZhCn, "d74ee541d5da50233f65210874c4f18b882a7e8fd1f708277c18bfcec49760b0"),
            (2, Locale::En, "dbcef0bd3799678b891b1c860253be41b754e5ad34539c123dd582a1f5fa1d33"),
        ];
        assert_eq!(TEXTS.len(), published.len(), "a new text is published with its hash");
        for (version, language, hash) in published {
            let text = Text::find(version, language).unwrap();
            assert_eq!(crate::hex::encode(&text.hash()), hash, "version {version} in {}", language.tag());
        }
    }

    #[test]
    fn every_version_is_there_in_every_language() {
        for (version, ..) in TEXTS {
            for language in Locale::ALL {
                assert!(Text::find(version, language).is_some_and(|text| !text.words().is_empty()));
            }
        }
        let bearers = [Bearer::Holder(HolderId::new(Shard(0), [1; 16])), Bearer::Staff(StaffId(Uuid::nil()))];
        let newest = bearers.map(current).into_iter().max();
        assert_eq!(TEXTS.map(|(version, ..)| version).iter().max().copied(), newest, "the newest text is in force");
        assert_eq!(Text::find(newest.unwrap() + 1, Locale::En), None);
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
