//! A page that shows somebody of a person's to whoever says why, and asks that first: each look leaves a line that the holder sees.

use std::fmt::Display;

use axum::http::HeaderMap;
use axum::response::Response;
use card_schema::ids::HolderId;

use super::frame::Frame;
use super::input::Input;
use super::register::{FormPage, Link, Typed, Wrong, message, typed};
use super::view::Choice;
use crate::app::App;
use crate::domains::residence;
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::model::Permission;
use crate::people::{Purpose, StaffRole};

/// See the module.
pub(super) struct Part {
    /// What its address is, around what it is of.
    pub(super) address: [&'static str; 2],
    /// How the keys of its texts begin.
    pub(super) keys: &'static str,
    /// Who may see it.
    pub(super) permission: Permission,
    /// For what it may be looked at, where that is not for the role to say.
    pub(super) purposes: Option<&'static [Purpose]>,
    /// Where one comes from, of whatever it is of.
    pub(super) back: fn(Locale, &str) -> Link,
}

impl Part {
    /// A part of a person's record.
    pub(super) const fn of_record(end: &'static str, keys: &'static str, permission: Permission) -> Self {
        Self { address: ["/holders/", end], keys, permission, purposes: None, back }
    }

    pub(super) fn address(&self, of: impl Display) -> String {
        let [begin, end] = self.address;
        format!("{begin}{of}{end}")
    }

    fn purposes(&self, role: StaffRole) -> &'static [Purpose] {
        self.purposes.unwrap_or_else(|| role.purposes())
    }

    /// The frame of its page, for whoever may see it.
    pub(super) fn frame(&self, who: &SignedIn, headers: &HeaderMap, of: impl Display) -> Result<Frame, Refusal> {
        who.require(self.permission)?;
        Ok(Frame::new(language(headers), self.address(of), Some(&who.0)))
    }

    /// The question.
    pub(super) fn why(&self, frame: Frame, of: impl Display, role: StaffRole, wrong: Wrong) -> FormPage {
        let (locale, purposes) = (frame.locale(), self.purposes(role));
        let text = |end: &str| locale.text(&format!("{}-{end}", self.keys));
        let why = Input::choice("reason", text("ask"), Choice::of_person(locale, purposes), "");
        FormPage {
            back: Some((self.back)(locale, &of.to_string())),
            action: self.address(of),
            title: text("title"),
            lead: text("lead"),
            inputs: vec![why.wrong(message(locale, wrong, "reason"))],
            button: text("button"),
            frame,
        }
    }

    /// Asks for the first time, of a part of a record.
    pub(super) async fn ask(
        &self,
        app: &App,
        who: &SignedIn,
        headers: &HeaderMap,
        holder: HolderId,
    ) -> Result<Response, Refusal> {
        let frame = self.frame(who, headers, holder)?;
        residence::require_known(&mut app.db.read().await?, holder).await?;
        self.why(frame, holder, who.0.role, None).answer()
    }

    /// Why somebody looks, as the form says; the question once more where it does not.
    pub(super) fn told(
        &self,
        who: &SignedIn,
        headers: &HeaderMap,
        of: impl Display,
        form: &Typed,
    ) -> Result<Told, Refusal> {
        let (frame, role) = (self.frame(who, headers, &of)?, who.0.role);
        let purpose = Purpose::from_name(typed(form, "reason"));
        if let Some(purpose) = purpose.filter(|purpose| self.purposes(role).contains(purpose)) {
            return Ok(Told::Why(frame, purpose));
        }
        let wrong = Some(("reason", "console-purpose-missing"));
        Ok(Told::Nothing(self.why(frame, of, role, wrong).answer()?))
    }
}

/// What somebody has said who wants to look.
pub(super) enum Told {
    /// Why.
    Why(Frame, Purpose),
    /// Nothing: they are asked again.
    Nothing(Response),
}

/// To the record.
pub(super) fn back(locale: Locale, holder: &str) -> Link {
    Link { to: format!("/holders/{holder}"), text: locale.text("console-holder-title") }
}
