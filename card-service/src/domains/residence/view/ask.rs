//! A page that asks something about a person on which others may be at work as well. Pure.

use askama::Template;

use crate::console::frame::Frame;
use crate::console::input::Input;
use crate::console::view::minute;
use crate::domains::residence::Meanwhile;

/// See the module.
#[derive(Debug, Template)]
#[template(path = "residence/ask.html")]
pub(crate) struct AskPage {
    pub(crate) frame: Frame,
    pub(crate) action: String,
    pub(crate) back: String,
    pub(crate) title: String,
    pub(crate) lead: String,
    /// What was answered before and goes along: names and values.
    pub(crate) along: Vec<(&'static str, String)>,
    pub(crate) inputs: Vec<Input>,
    /// What somebody else has done meanwhile.
    pub(crate) meanwhile: Option<String>,
    /// What the button says.
    pub(crate) button: String,
}

impl AskPage {
    /// With what was known when the page was opened: it goes along.
    #[must_use]
    pub(crate) fn knowing(mut self, mark: String) -> Self {
        self.along.push(("seen", mark));
        self
    }

    /// With what somebody else has done since; `text` is the key of what says so.
    #[must_use]
    pub(crate) fn told(self, text: &str, newest: &Meanwhile) -> Self {
        let known = [("staff", newest.staff.as_str()), ("at", &minute(newest.at))];
        let told = self.frame.locale().text_with(text, &known);
        Self { meanwhile: Some(told), ..self }
    }

    pub(crate) fn is_wrong(&self) -> bool {
        self.meanwhile.is_some() || self.inputs.iter().any(Input::is_wrong)
    }
}
