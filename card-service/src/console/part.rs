//! A part of a person's record that has a page of its own: it is shown to whoever says why, and asks that first.

use axum::http::HeaderMap;
use axum::response::Response;
use card_schema::ids::HolderId;

use super::frame::Frame;
use super::input::Input;
use super::register::{FormPage, Link, Wrong, message};
use super::view::Choice;
use crate::app::App;
use crate::domains::residence;
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::Purpose;
use crate::people::model::Permission;

/// See the module.
pub(super) struct Part {
    /// The end of its address.
    pub(super) name: &'static str,
    /// How the keys of its texts begin.
    pub(super) keys: &'static str,
    /// Who may see it.
    pub(super) permission: Permission,
}

impl Part {
    pub(super) fn address(&self, holder: HolderId) -> String {
        format!("/holders/{holder}/{}", self.name)
    }

    /// The frame of its page, for whoever may see it.
    pub(super) fn frame(&self, who: &SignedIn, headers: &HeaderMap, holder: HolderId) -> Result<Frame, Refusal> {
        who.require(self.permission)?;
        Ok(Frame::new(language(headers), self.address(holder), Some(&who.0)))
    }

    /// The question.
    pub(super) fn why(&self, frame: Frame, holder: HolderId, purposes: &[Purpose], wrong: Wrong) -> FormPage {
        let locale = frame.locale();
        let text = |end: &str| locale.text(&format!("{}-{end}", self.keys));
        let why = Input::choice("reason", text("ask"), Choice::of_person(locale, purposes), "");
        FormPage {
            back: Some(back(locale, holder)),
            action: self.address(holder),
            title: text("title"),
            lead: text("lead"),
            inputs: vec![why.wrong(message(locale, wrong, "reason"))],
            button: text("button"),
            frame,
        }
    }

    /// Asks for the first time.
    pub(super) async fn ask(
        &self,
        app: &App,
        who: &SignedIn,
        headers: &HeaderMap,
        holder: HolderId,
    ) -> Result<Response, Refusal> {
        let frame = self.frame(who, headers, holder)?;
        residence::require_known(&mut app.db.read().await?, holder).await?;
        self.why(frame, holder, who.0.role.purposes(), None).answer()
    }
}

/// To the record.
pub(super) fn back(locale: Locale, holder: HolderId) -> Link {
    Link { to: format!("/holders/{holder}"), text: locale.text("console-holder-title") }
}
