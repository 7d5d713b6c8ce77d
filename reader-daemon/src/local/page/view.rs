//! What the page at the reader shows. No I/O; the words stand in the templates, in both languages.

use askama::Template;
use axum::response::Html;
use uuid::Uuid;

use crate::{
    cli::messages::{CliError, Language},
    local::wire::{Prompt, PromptKind},
};

/// What stands at the reader.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// The terminal's name.
    pub(super) name: String,
    /// Whether a reader is connected.
    pub(super) has_reader: bool,
    /// Whether a card is in one.
    pub(super) has_card: bool,
    /// Whether the last exchange with the service succeeded; nothing before the first.
    pub(super) online: Option<bool>,
    /// What is asked.
    pub(super) prompt: Option<Prompt>,
}

impl Seen {
    /// Whether somebody types an answer to what is asked.
    fn is_typed(&self) -> bool {
        self.prompt.as_ref().is_some_and(|prompt| prompt.kind != PromptKind::InsertCard)
    }

    /// Changes when the page has to be shown anew: with whatever it shows; while somebody types, with the question alone.
    pub(super) fn mark(&self) -> String {
        let prompt = self.prompt.as_ref().map_or_else(Uuid::nil, |prompt| prompt.id);
        if self.is_typed() {
            return prompt.to_string();
        }
        let online = self.online.map_or(2, u8::from);
        format!("{prompt}.{}.{}.{online}", u8::from(self.has_reader), u8::from(self.has_card))
    }
}

/// What is wrong with what was typed.
#[derive(Clone, Debug)]
pub(super) enum Wrong {
    /// Not six to eight digits.
    Format,
    /// The PIN that every new card has.
    Factory,
    /// The second time it was another one.
    Differ,
    /// What the card or the service says.
    Said(CliError),
}

impl Wrong {
    pub(super) fn text(&self, language: Language) -> &str {
        match self {
            Self::Format => {
                language.choose("密码须为 6 至 8 位数字。请重新输入。", "A PIN has 6 to 8 digits. Type it again.")
            }
            Self::Factory => language.choose(
                "这是所有新卡的初始密码，人人都知道。请另选一个。",
                "That is the PIN that every new card has, and everybody knows it. Choose another.",
            ),
            Self::Differ => {
                language.choose("两次输入的密码不同。请重新输入。", "The two PINs differ. Type both again.")
            }
            Self::Said(error) => language.choose(&error.zh, &error.en),
        }
    }
}

/// What is asked at the reader, or that nothing is.
#[derive(Template)]
#[template(path = "page/reader.html")]
pub(super) struct Reader<'a> {
    pub(super) language: Language,
    pub(super) seen: &'a Seen,
    pub(super) wrong: Option<&'a str>,
}

impl Reader<'_> {
    /// The text to agree to.
    fn lines(&self) -> impl Iterator<Item = &str> {
        self.seen.prompt.iter().filter_map(|prompt| prompt.text.as_deref()).flat_map(str::lines)
    }
}

/// A member of staff signs in.
#[derive(Template)]
#[template(path = "page/sign_in.html")]
pub(super) struct SignIn<'a> {
    pub(super) language: Language,
    pub(super) seen: &'a Seen,
    pub(super) wrong: Option<&'a str>,
}

/// The console is about to open.
#[derive(Template)]
#[template(path = "page/opened.html")]
pub(super) struct Opened<'a> {
    pub(super) language: Language,
    pub(super) url: &'a str,
}

/// Nobody was let in, or another site asks.
#[derive(Template)]
#[template(path = "page/turned_away.html")]
pub(super) struct TurnedAway {
    pub(super) language: Language,
    pub(super) is_ours: bool,
}

/// A page as an answer.
pub(super) fn html(page: &impl Template) -> Html<String> {
    Html(page.render().expect("writing to a string does not fail"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_types_is_disturbed_by_another_question_only() {
        let asked = |kind| Some(Prompt { id: Uuid::from_u128(1), kind, reader: None, text: None, tries_left: None });
        let seen =
            |prompt, has_card, online| Seen { name: "test".to_owned(), has_reader: true, has_card, online, prompt };
        for kind in [PromptKind::NewPin, PromptKind::Pin, PromptKind::Consent] {
            let typing = seen(asked(kind), true, Some(true)).mark();
            assert_eq!(seen(asked(kind), true, Some(false)).mark(), typing, "{kind:?}: the network went");
            let next = Prompt { id: Uuid::from_u128(2), ..asked(kind).unwrap() };
            assert_ne!(seen(Some(next), true, Some(true)).mark(), typing, "{kind:?}: something else is asked");
            assert_ne!(seen(None, true, Some(true)).mark(), typing, "{kind:?}: nothing is asked any more");
        }
        for prompt in [None, asked(PromptKind::InsertCard)] {
            let waiting = seen(prompt.clone(), false, Some(true)).mark();
            assert_ne!(seen(prompt.clone(), true, Some(true)).mark(), waiting, "a card came");
            assert_ne!(seen(prompt, false, Some(false)).mark(), waiting, "the network went");
        }
    }
}
