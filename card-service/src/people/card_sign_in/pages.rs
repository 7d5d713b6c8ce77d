//! The page that a link leads to: it says who is about to be signed in, and does so when they say yes.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::wire::ProblemType;
use serde::Deserialize;

use super::PAGE;
use crate::app::App;
use crate::console::frame::Frame;
use crate::console::pages::{form_urlencoded, session_cookie};
use crate::console::register::FormPage;
use crate::http::{Refusal, language};
use crate::people::member;

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 1] {
    [(PAGE, get(show).post(sign_in))]
}

#[derive(Deserialize)]
struct Followed {
    #[serde(default)]
    link: String,
}

fn form(frame: Frame, name: &str, link: &str) -> FormPage {
    FormPage {
        back: None,
        action: format!("{PAGE}?link={}", form_urlencoded(link)),
        title: frame.locale().text_with("card-sign-in-title", &[("name", name)]),
        lead: frame.t("card-sign-in-lead"),
        inputs: Vec::new(),
        button: frame.t("card-sign-in-button"),
        frame,
    }
}

async fn show(
    State(app): State<App>,
    headers: HeaderMap,
    Query(Followed { link }): Query<Followed>,
) -> Result<Response, Refusal> {
    let over = || Refusal::because(ProblemType::NotFound, "card-sign-in-link-over");
    let found = app.sign_ins.find(&link, app.now()).ok_or_else(over)?;
    let member = member::store::one(&mut app.db.read().await?, found.staff).await?.ok_or_else(over)?;
    let frame = Frame::new(language(&headers), format!("{PAGE}?link={}", form_urlencoded(&link)), None);
    form(frame, &member.staff.name, &link).answer()
}

async fn sign_in(State(app): State<App>, Query(Followed { link }): Query<Followed>) -> Result<Response, Refusal> {
    let begun = super::begin(&app, &link).await?;
    let seconds = begun.expires_at.seconds() - app.now().seconds();
    Ok(([(header::SET_COOKIE, session_cookie(&begun.token, seconds))], Redirect::to("/")).into_response())
}

#[cfg(test)]
pub(crate) mod tests {
    use askama::Template as _;

    use super::*;

    /// The page.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        vec![("card-sign-in".to_owned(), form(frame.clone(), "test-clerk", "invented").render().unwrap())]
    }
}
