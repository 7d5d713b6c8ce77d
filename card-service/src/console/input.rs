//! A field of a form, as `templates/residence/inputs.html` shows it: what it asks for, what was typed, what is wrong; and the
//! file that comes with a form.

use axum::body::Bytes;
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::StatusCode;

use super::view::Choice;

/// Why no file came with a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoFile {
    /// None was chosen.
    Missing,
    /// It is longer than the page takes.
    TooLarge,
}

impl NoFile {
    /// What a request with a file holds besides the file, at most.
    pub const FORM_BYTES: usize = 64 << 10;

    fn because(status: StatusCode) -> Self {
        if status == StatusCode::PAYLOAD_TOO_LARGE { Self::TooLarge } else { Self::Missing }
    }
}

/// The file of a form, from the field of that name.
pub async fn file(request: Request, name: &str) -> Result<Bytes, NoFile> {
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| NoFile::Missing)?;
    while let Some(field) = form.next_field().await.map_err(|error| NoFile::because(error.status()))? {
        if field.name() == Some(name) {
            let file = field.bytes().await.map_err(|error| NoFile::because(error.status()))?;
            return if file.is_empty() { Err(NoFile::Missing) } else { Ok(file) };
        }
    }
    Err(NoFile::Missing)
}

/// The files of a form, from the fields of those names; empty ones where none was chosen.
pub async fn files<const N: usize>(request: Request, names: [&str; N]) -> Result<[Bytes; N], NoFile> {
    let mut files = [const { Bytes::new() }; N];
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| NoFile::Missing)?;
    while let Some(field) = form.next_field().await.map_err(|error| NoFile::because(error.status()))? {
        if let Some(place) = names.iter().position(|name| field.name() == Some(name)) {
            files[place] = field.bytes().await.map_err(|error| NoFile::because(error.status()))?;
        }
    }
    Ok(files)
}

/// A field of a form.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name.
    pub name: &'static str,
    /// What it asks for.
    pub label: String,
    /// What helps to fill it in.
    pub hint: Option<String>,
    /// What was typed.
    pub value: String,
    /// What is wrong with that.
    pub wrong: Option<String>,
    /// What can be chosen; empty where it is typed.
    pub choices: Vec<Choice>,
    /// Whether any number of them can be chosen: each is then sent under its value, as `yes`.
    pub many: bool,
    /// HTML's `inputmode`.
    pub mode: &'static str,
    /// HTML's `type`.
    pub kind: &'static str,
    /// HTML's `autocomplete`.
    pub autocomplete: &'static str,
    /// HTML's `maxlength`.
    pub max: u16,
    /// HTML's `accept`, where a file is chosen.
    pub accept: Option<&'static str>,
}

impl Input {
    /// Something is typed.
    pub fn text(name: &'static str, label: String, value: impl Into<String>) -> Self {
        let (hint, wrong, choices) = (None, None, Vec::new());
        let (mode, kind, autocomplete, max) = ("text", "text", "off", 240);
        let (value, many, accept) = (value.into(), false, None);
        Self { name, label, hint, value, wrong, choices, many, mode, kind, autocomplete, max, accept }
    }

    /// A file is chosen.
    pub fn file(name: &'static str, label: String, accept: &'static str) -> Self {
        Self { accept: Some(accept), ..Self::text(name, label, "") }
    }

    /// A password is typed: it is never shown again.
    pub fn password(name: &'static str, label: String, autocomplete: &'static str) -> Self {
        Self { kind: "password", autocomplete, ..Self::text(name, label, "") }
    }

    /// One of several is chosen.
    pub fn choice(name: &'static str, label: String, choices: Vec<Choice>, chosen: &str) -> Self {
        let mark = |choice: Choice| Choice { chosen: choice.value == chosen, ..choice };
        Self { choices: choices.into_iter().map(mark).collect(), ..Self::text(name, label, chosen) }
    }

    /// Some of several are chosen, as they are marked.
    pub fn some_of(name: &'static str, label: String, choices: Vec<Choice>) -> Self {
        Self { choices, many: true, ..Self::text(name, label, "") }
    }

    /// With what helps to fill it in.
    #[must_use]
    pub fn hint(self, hint: String) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// With what is wrong with it, if anything is.
    #[must_use]
    pub fn wrong(self, wrong: Option<String>) -> Self {
        Self { wrong, ..self }
    }

    /// Whether something is wrong with it.
    pub const fn is_wrong(&self) -> bool {
        self.wrong.is_some()
    }

    /// What the summary of errors leads to.
    pub fn focus(&self) -> String {
        self.choices.first().map_or_else(|| self.name.to_owned(), |first| format!("{}-{}", self.name, first.value))
    }
}
