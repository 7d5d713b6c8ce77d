//! The pages that every register of the office has: a list, one thing with what can be done with it, a form, and what is
//! shown once. What stands in them is the register's.

use std::collections::HashMap;

use askama::Template;
use axum::response::Response;
use zeroize::Zeroizing;

use super::asking;
use super::frame::Frame;
use super::input::Input;
use super::view::Tag;
use crate::http::Refusal;
use crate::i18n::Locale;

/// What came with a form.
pub type Typed = HashMap<String, String>;

/// What was typed into a field of a form.
pub fn typed<'a>(form: &'a Typed, name: &str) -> &'a str {
    form.get(name).map_or("", String::as_str)
}

/// What is wrong, by the name of the field: the key of a text.
pub type Wrong = Option<(&'static str, &'static str)>;

/// What is said at a field, where something is wrong with that one.
pub fn message(locale: Locale, wrong: Wrong, field: &str) -> Option<String> {
    wrong.filter(|(of, _)| *of == field).map(|(_, key)| locale.text(key))
}

/// What could not be done, where it is no field of the page that is wrong. What was tried may be there no more: then it
/// leads to what is.
pub fn refused(locale: Locale, wrong: Wrong, acts: &[Act]) -> Option<(&'static str, String)> {
    let is_of_a_field = |name: &str| acts.iter().flat_map(|act| &act.inputs).any(|input| input.name == name);
    let (tried, key) = wrong.filter(|(name, _)| !is_of_a_field(name))?;
    let there = acts.iter().find(|act| act.name == tried).or(acts.first()).map_or("main", |act| act.name);
    Some((there, locale.text(key)))
}

/// A way to another page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where to.
    pub to: String,
    /// What it says.
    pub text: String,
}

impl Link {
    /// To the first page.
    pub fn home(locale: Locale) -> Self {
        Self { to: "/".to_owned(), text: locale.text("console-home-title") }
    }
}

/// A line of a list.
#[derive(Clone, Debug)]
pub struct Line {
    /// The thing's page.
    pub to: String,
    /// What it is called.
    pub name: String,
    /// What else is known of it, a cell a column.
    pub cells: Vec<String>,
    /// How it stands.
    pub state: Tag,
}

/// A list.
#[derive(Debug, Template)]
#[template(path = "console/list.html")]
pub struct ListPage {
    /// See [`Frame`].
    pub frame: Frame,
    /// What it is a list of.
    pub title: String,
    /// What it is for.
    pub lead: String,
    /// The way to another of them, where the reader may add one.
    pub add: Option<Link>,
    /// The columns' headings: the name's first, the state's last.
    pub columns: Vec<String>,
    /// The lines.
    pub lines: Vec<Line>,
    /// What is said where there are none.
    pub none: String,
}

/// Something that somebody has to look after. It names nobody.
#[derive(Clone, Debug)]
pub struct Due {
    /// Where that is done.
    pub to: String,
    /// By what it is told from others.
    pub number: String,
    /// How it stands.
    pub state: Tag,
    /// By when.
    pub day: String,
}

/// Some of what has to be looked after.
#[derive(Clone, Debug)]
pub struct DueList {
    id: &'static str,
    title: String,
    none: String,
    lines: Vec<Due>,
    /// Whether there are more than are shown.
    more: bool,
}

impl DueList {
    /// At most `shown` lines; `found` has one more where there are more.
    pub fn new(id: &'static str, title: String, none: String, shown: usize, found: impl Iterator<Item = Due>) -> Self {
        let mut lines: Vec<_> = found.take(shown + 1).collect();
        let more = lines.len() > shown;
        lines.truncate(shown);
        Self { id, title, none, lines, more }
    }
}

/// What somebody has to look after, the most urgent first.
#[derive(Debug, Template)]
#[template(path = "console/due.html")]
pub struct DuePage {
    /// See [`Frame`].
    pub frame: Frame,
    /// What it is.
    pub title: String,
    /// What it is for.
    pub lead: String,
    /// What the numbers are of.
    pub number: String,
    /// The lists.
    pub lists: Vec<DueList>,
}

/// Something that can be done with a thing.
#[derive(Clone, Debug)]
pub struct Act {
    /// What is sent as `act`.
    pub name: &'static str,
    /// What is to be done.
    pub title: String,
    /// What follows from it.
    pub hint: Option<String>,
    /// What has to be said about it.
    pub inputs: Vec<Input>,
    /// What the button says.
    pub button: String,
    /// Whether it is what people come for, rather than what takes something away.
    pub primary: bool,
}

/// One thing.
#[derive(Debug, Template)]
#[template(path = "console/thing.html")]
pub struct ThingPage {
    /// See [`Frame`].
    pub frame: Frame,
    /// The list that it is in.
    pub back: Link,
    /// Its page, to which everything is sent.
    pub action: String,
    /// What it is called.
    pub title: String,
    /// How it stands.
    pub state: Tag,
    /// What is known of it.
    pub facts: Vec<(String, String)>,
    /// What else there is of it, on pages of its own.
    pub links: Vec<Link>,
    /// What could not be done, by its form's name, and what to do about it.
    pub refused: Option<(&'static str, String)>,
    /// What goes along with whatever is done: names and values.
    pub along: Vec<(&'static str, String)>,
    /// What can be done.
    pub acts: Vec<Act>,
}

impl ThingPage {
    /// The fields in which something is wrong.
    fn wrong(&self) -> Vec<&Input> {
        self.acts.iter().flat_map(|act| &act.inputs).filter(|input| input.is_wrong()).collect()
    }
}

/// A form.
#[derive(Debug, Template)]
#[template(path = "console/form.html")]
pub struct FormPage {
    /// See [`Frame`].
    pub frame: Frame,
    /// Where one comes from; none where there is no other way than on.
    pub back: Option<Link>,
    /// Where it is sent.
    pub action: String,
    /// What it is for.
    pub title: String,
    /// What one should know before.
    pub lead: String,
    /// Its fields.
    pub inputs: Vec<Input>,
    /// What the button says.
    pub button: String,
}

impl FormPage {
    fn takes_file(&self) -> bool {
        self.inputs.iter().any(|input| input.accept.is_some())
    }

    fn is_wrong(&self) -> bool {
        self.inputs.iter().any(Input::is_wrong)
    }

    /// As an answer: with the status of a refusal where something is wrong.
    pub fn answer(&self) -> Result<Response, Refusal> {
        asking(self, self.is_wrong())
    }
}

/// Something that nobody can be shown a second time.
#[derive(Debug, Template)]
#[template(path = "console/once.html")]
pub struct OncePage {
    /// See [`Frame`].
    pub frame: Frame,
    /// What it is.
    pub title: String,
    /// What it is for, and whom to give it.
    pub lead: String,
    /// It, or them.
    pub secrets: Vec<Zeroizing<String>>,
    /// Where to go on.
    pub next: Link,
}
