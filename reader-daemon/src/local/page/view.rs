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
    /// Changes with whatever the page shows.
    pub(super) fn mark(&self) -> String {
        let prompt = self.prompt.as_ref().map_or_else(Uuid::nil, |prompt| prompt.id);
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
    fn text(&self, language: Language) -> &str {
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

/// A page.
#[derive(Clone, Debug)]
pub(super) enum Page {
    /// What is asked at the reader, or that nothing is.
    Reader { seen: Seen, wrong: Option<Wrong> },
    /// A member of staff signs in.
    SignIn { seen: Seen, wrong: Option<Wrong> },
    /// The console is about to open.
    Opened { url: String },
    /// Nobody was let in, or another site asks.
    TurnedAway { is_ours: bool },
}

#[derive(Template)]
#[template(path = "page/reader.html")]
struct Reader<'a> {
    language: Language,
    seen: &'a Seen,
    wrong: Option<&'a str>,
}

impl Reader<'_> {
    /// Whether a reload would lose what somebody types.
    fn is_typed(&self) -> bool {
        self.seen.prompt.as_ref().is_some_and(|prompt| prompt.kind != PromptKind::InsertCard)
    }

    /// The text to agree to.
    fn lines(&self) -> impl Iterator<Item = &str> {
        self.seen.prompt.iter().filter_map(|prompt| prompt.text.as_deref()).flat_map(str::lines)
    }
}

#[derive(Template)]
#[template(path = "page/sign_in.html")]
struct SignIn<'a> {
    language: Language,
    seen: &'a Seen,
    wrong: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "page/opened.html")]
struct Opened<'a> {
    language: Language,
    url: &'a str,
}

#[derive(Template)]
#[template(path = "page/turned_away.html")]
struct TurnedAway {
    language: Language,
    is_ours: bool,
}

impl Page {
    /// The page in a language.
    pub(super) fn html(&self, language: Language) -> Html<String> {
        let said = |wrong: &Option<Wrong>| wrong.as_ref().map(|wrong| wrong.text(language).to_owned());
        let html = match self {
            Self::Reader { seen, wrong } => Reader { language, seen, wrong: said(wrong).as_deref() }.render(),
            Self::SignIn { seen, wrong } => SignIn { language, seen, wrong: said(wrong).as_deref() }.render(),
            Self::Opened { url } => Opened { language, url }.render(),
            Self::TurnedAway { is_ours } => TurnedAway { language, is_ours: *is_ours }.render(),
        };
        Html(html.expect("writing to a string does not fail"))
    }
}
