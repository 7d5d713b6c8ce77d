//! The texts that people agree to. Pure.
//!
//! Cards sign the hash of a text, and people their names below it, so a text that was ever shown stays here word for word. To
//! change it: a new version in both languages, beside the old one. Not here: who was asked and who agreed (`cards::consent`,
//! `domains::residence::agreement`).

use ring::digest;

use crate::i18n::Locale;

/// Every text: version, language, words.
const TEXTS: [(u16, Locale, &str); 6] = [
    (1, Locale::ZhCn, include_str!("../i18n/zh-CN/consent-1.txt")),
    (1, Locale::En, include_str!("../i18n/en/consent-1.txt")),
    (2, Locale::ZhCn, include_str!("../i18n/zh-CN/consent-2.txt")),
    (2, Locale::En, include_str!("../i18n/en/consent-2.txt")),
    (3, Locale::ZhCn, include_str!("../i18n/zh-CN/consent-3.txt")),
    (3, Locale::En, include_str!("../i18n/en/consent-3.txt")),
];

/// What somebody agrees to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Having taken one's card, and what is done with one's registration.
    Card,
    /// Having taken a staff card.
    StaffCard,
    /// What is done with one's registration, whether there is a card or not.
    Registration,
}

impl About {
    #[cfg(test)]
    const ALL: [Self; 3] = [Self::Card, Self::StaffCard, Self::Registration];

    /// The version that is agreed to now.
    pub const fn version(self) -> u16 {
        match self {
            Self::Card => 1,
            Self::StaffCard => 2,
            Self::Registration => 3,
        }
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
    /// The text that is in force, in a language.
    pub fn current(about: About, language: Locale) -> Self {
        Self::find(about.version(), language).expect("the version in force is there in every language")
    }

    /// A text that was shown once.
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

    /// SHA-256 of the words in UTF-8: what a card signs.
    pub fn hash(self) -> [u8; 32] {
        digest::digest(&digest::SHA256, self.words.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_people_have_agreed_to_never_changes() {
        let published = [
            (1, Locale::ZhCn, "e5cd33f1d693b4a73d7a3045c665ba9e78ad9a92e53e8acecf6cad37c71726a6"),
            (1, Locale::En, "b3ceca62e258674f4257cd0058bc7967b53d1c85ae4ed814c7c3d92ab66d6842"),
            (2, Locale::ZhCn, "d74ee541d5da50233f65210874c4f18b882a7e8fd1f708277c18bfcec49760b0"),
            (2, Locale::En, "dbcef0bd3799678b891b1c860253be41b754e5ad34539c123dd582a1f5fa1d33"),
            (3, Locale::ZhCn, "118c53db97202367a285a4724535f896a4024557166d4f988e93071bdcaa17ce"),
            (3, Locale::En, "00ba99e7a8dfaf69eeb25e4bf5ac07e286e8ef25d7357766c93c212427ade5a6"),
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
        let newest = About::ALL.map(About::version).into_iter().max();
        assert_eq!(TEXTS.map(|(version, ..)| version).iter().max().copied(), newest, "the newest text is in force");
        assert_eq!(Text::find(newest.unwrap() + 1, Locale::En), None);
    }
}
