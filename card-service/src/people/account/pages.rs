//! The pages on which members of staff do something about themselves.

use axum::extract::{Form, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::choose_password;
use crate::app::App;
use crate::console::frame::Frame;
use crate::console::input::Input;
use crate::console::register::{FormPage, Link, Wrong, message};
use crate::http::{AtTheDoor, Refusal, language};
use crate::i18n::Locale;
use crate::people::model::Owed;
use crate::people::session::Open;

const PASSWORD: &str = "/account/password";
/// What may be owed while a password is chosen: never a code, or whoever guessed a password could change it.
const OWED: [Owed; 2] = [Owed::Password, Owed::SecondFactor];

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 1] {
    [(PASSWORD, get(password).post(choose))]
}

/// Asks for another password; of whoever was given theirs, without the present one.
fn password_page(locale: Locale, session: &Open, wrong: Wrong) -> FormPage {
    let given = session.owed == Some(Owed::Password);
    let t = |key: &str| locale.text(key);
    let asked =
        |name, key: &str, autocomplete| Input::password(name, t(key), autocomplete).wrong(message(locale, wrong, name));
    let mut inputs = Vec::new();
    if !given {
        inputs.push(asked("present", "account-password-present", "current-password"));
    }
    let hint = t("account-password-hint");
    inputs.push(asked("new", "account-password-new", "new-password").hint(hint));
    inputs.push(asked("repeated", "account-password-repeated", "new-password"));
    FormPage {
        frame: Frame::new(locale, PASSWORD, Some(&session.staff)),
        back: (!given).then(|| Link::home(locale)),
        action: PASSWORD.to_owned(),
        title: t("account-password"),
        lead: t(if given { "account-password-given" } else { "account-password-lead" }),
        inputs,
        button: t("people-save"),
    }
}

async fn password(door: AtTheDoor, headers: HeaderMap) -> Result<Response, Refusal> {
    let session = door.owing_at_most(&OWED)?;
    password_page(language(&headers), &session, None).answer()
}

#[derive(Deserialize)]
struct PasswordForm {
    #[serde(default)]
    present: Zeroizing<String>,
    #[serde(default)]
    new: Zeroizing<String>,
    #[serde(default)]
    repeated: Zeroizing<String>,
}

async fn choose(
    State(app): State<App>,
    door: AtTheDoor,
    headers: HeaderMap,
    Form(form): Form<PasswordForm>,
) -> Result<Response, Refusal> {
    let session = door.owing_at_most(&OWED)?;
    match choose_password(&app, &session, form.present, form.new, &form.repeated).await? {
        Ok(()) => Ok(Redirect::to("/").into_response()),
        Err(wrong) => password_page(language(&headers), &session, Some(wrong)).answer(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use askama::Template as _;

    use super::*;
    use crate::people::{Staff, StaffId, StaffRole};

    /// The pages in every state that they have.
    pub(crate) fn pages(locale: Locale) -> Vec<(String, String)> {
        let session = |owed| Open {
            staff: Staff { staff_id: StaffId(uuid::Uuid::nil()), name: "test-clerk".into(), role: StaffRole::Clerk },
            owed,
            token_hash: [0; 32],
        };
        let table = [
            ("given", Some(Owed::Password), None),
            ("own", None, None),
            ("short", None, Some(("new", "password-too-short"))),
            ("wrong", None, Some(("present", "account-password-wrong"))),
        ];
        let shown = |(name, owed, wrong): (&str, _, _)| {
            (format!("password-page-{name}"), password_page(locale, &session(owed), wrong).render().unwrap())
        };
        table.into_iter().map(shown).collect()
    }
}
