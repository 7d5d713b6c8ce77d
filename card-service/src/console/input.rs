//! A field of a form, as `templates/residence/inputs.html` shows it: what it asks for, what was typed, what is wrong. Pure.

use super::view::Choice;

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
    /// HTML's `inputmode`.
    pub mode: &'static str,
}

impl Input {
    /// Something is typed.
    pub fn text(name: &'static str, label: String, value: impl Into<String>) -> Self {
        let (hint, wrong, choices) = (None, None, Vec::new());
        Self { name, label, hint, value: value.into(), wrong, choices, mode: "text" }
    }

    /// One of several is chosen.
    pub fn choice(name: &'static str, label: String, choices: Vec<Choice>, chosen: &str) -> Self {
        let mark = |choice: Choice| Choice { chosen: choice.value == chosen, ..choice };
        Self { choices: choices.into_iter().map(mark).collect(), ..Self::text(name, label, chosen) }
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
