//! The pages at the reader. On the holder's, whoever stands there sees what is paid or what became of the card, types a PIN, agrees
//! to a text, or signs in with a staff card; on the counter's, a merchant charges; on the validator's, whoever works there says
//! what readers do.
//!
//! They are the daemon's own, in a browser on the same machine, and work without scripts; a script only shows what
//! has changed as soon as it has, puts a keypad on a screen to touch, and makes itself heard.

mod bill;
mod book;
mod clinic;
mod counter;
mod insured;
mod journeys;
mod live;
mod returns;
mod seen;
mod statement;
mod taps;
mod treated;
mod validator;
mod view;
mod visits;
mod wrong;

use std::time::Duration;

use axum::{
    Form, Json, Router,
    extract::{Path, State, rejection::JsonRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use tokio::time::Instant;
use uuid::Uuid;

pub use self::visits::Visits;
use self::{
    seen::{Seen, look},
    view::{Opened, Payment, Reader, SignIn, TurnedAway, html, text},
    wrong::Wrong,
};
use super::{
    api::{self, App},
    guard::Turned,
    problem::Failure,
    wire::{PageLink, PageRequest, PinText, Prompt, PromptAnswer, PromptKind, SignInRequest, View},
};
use crate::{cli::messages::Language, piv::Pin};

/// The cookie of the language that somebody chose.
const LANGUAGE: &str = "reader_language";
/// What the path of a link begins with that lets a browser in.
const ENTER: &str = "/enter/";
/// How long somebody who signs in has for putting the card on the reader.
const CARD_WAIT: Duration = Duration::from_secs(30);

const STYLE: &str = include_str!("../../../assets/page.css");
const SCRIPT: &str = include_str!("../../../assets/page.js");

/// The pages by their paths.
pub(super) fn routes(app: App) -> Router {
    Router::new()
        .route(View::Holder.path(), get(holder))
        .merge(counter::routes())
        .merge(clinic::routes())
        .merge(insured::routes())
        .merge(taps::routes())
        .merge(returns::routes())
        .merge(validator::routes())
        .route("/enter/{key}", get(enter))
        .route("/prompts/{id}", post(answer))
        .route("/language", post(speak))
        .route("/sign-in", get(ask_to_sign_in).post(sign_in))
        .route("/page.css", get(|| async { ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE) }))
        .route("/page.js", get(|| async { ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT) }))
        .layer(middleware::from_fn(headers))
        .with_state(app)
}

/// Whether a browser that was not let in may ask for it.
pub(super) fn begins(path: &str) -> bool {
    path.starts_with(ENTER)
}

/// The sessions that a browser says it has: one a page, since one browser may show both.
pub(super) fn sessions(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let names = View::ALL.into_iter().filter_map(|view| session_cookie(view, headers));
    names.filter_map(|name| cookie(headers, &name))
}

/// The name of a page's cookie. The port is in it: cookies do not tell ports apart, and a machine may have several daemons.
fn session_cookie(view: View, headers: &HeaderMap) -> Option<String> {
    let (_, port) = headers.get(header::HOST)?.to_str().ok()?.rsplit_once(':')?;
    Some(format!("{}{port}", view.cookie()))
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(of, _)| *of == name).map(|(_, value)| value)
}

/// What a browser is told that is not let through.
pub(super) fn turned_away(headers: &HeaderMap, turned: Turned) -> Response {
    let status = if turned == Turned::Session { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN };
    let page = TurnedAway { language: language(headers), is_ours: turned == Turned::Session };
    with_headers((status, html(&page)).into_response())
}

/// A link to the page for a browser on this machine, asked for by a program.
pub(super) async fn invite(
    State(app): State<App>,
    request: Result<Json<PageRequest>, JsonRejection>,
) -> Result<Json<PageLink>, Failure> {
    let view = api::body(request)?.view;
    Ok(Json(PageLink { path: format!("{ENTER}{}", app.visits.invite(view, Instant::now())) }))
}

/// Nothing is kept, framed, or told to another site, and nothing comes from one.
fn with_headers(mut response: Response) -> Response {
    const HEADERS: [(HeaderName, &str); 4] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // With none at all browsers would not say with a form that it is ours.
        (header::REFERRER_POLICY, "same-origin"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'",
        ),
    ];
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn headers(request: axum::extract::Request, next: Next) -> Response {
    with_headers(next.run(request).await)
}

/// The language that somebody chose, or the one of the two that the browser prefers.
fn language(headers: &HeaderMap) -> Language {
    let known =
        |tag: &str| [(Language::Zh, "zh"), (Language::En, "en")].into_iter().find(|(_, of)| tag.starts_with(of));
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let tags = cookie(headers, LANGUAGE).into_iter().chain(wanted.split(',').map(str::trim));
    tags.filter_map(known).map(|(language, _)| language).next().unwrap_or(Language::Zh)
}

async fn enter(State(app): State<App>, Path(key): Path<String>, headers: HeaderMap) -> Response {
    let entered = app.visits.enter(&key, Instant::now());
    match entered.and_then(|(session, view)| Some((session, view, session_cookie(view, &headers)?))) {
        Some((session, view, name)) => {
            let cookie = format!("{name}={session}; Path=/; HttpOnly; SameSite=Strict");
            ([(header::SET_COOKIE, cookie)], Redirect::to(view.path())).into_response()
        }
        None => turned_away(&headers, Turned::Session),
    }
}

async fn holder(State(app): State<App>, headers: HeaderMap) -> Html<String> {
    Html(holder_page(&app, &look(&app, View::Holder), language(&headers)))
}

/// What the holder's page shows: what a job asks before what is paid, and that before what readers do alone.
fn holder_page(app: &App, seen: &Seen, language: Language) -> String {
    match (&seen.transaction, &seen.prompt) {
        (Some(transaction), None) => text(&Payment { language, view: View::Holder, seen, transaction, wrong: None }),
        (None, None) if !seen.board.is_empty() => validator::page(app, View::Holder, seen, language),
        _ => text(&Reader { language, seen, wrong: None }),
    }
}

#[derive(Deserialize)]
struct Chosen {
    lang: String,
    /// The page on which it was chosen.
    here: String,
}

async fn speak(Form(Chosen { lang, here }): Form<Chosen>) -> Response {
    // A path of ours, and no address of another host.
    let is_ours = here.starts_with('/') && !here[1..].starts_with(['/', '\\']);
    match [Language::Zh, Language::En].into_iter().find(|language| language.tag() == lang).filter(|_| is_ours) {
        Some(language) => {
            let cookie = format!("{LANGUAGE}={}; Path=/; HttpOnly; SameSite=Strict", language.tag());
            ([(header::SET_COOKIE, cookie)], Redirect::to(&here)).into_response()
        }
        None => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
    }
}

/// What a form about a PIN brings.
#[derive(Deserialize)]
struct Typed {
    #[serde(default = "nothing")]
    pin: PinText,
    #[serde(default = "nothing")]
    again: PinText,
    /// Nothing where the person declines.
    #[serde(default)]
    agree: Option<String>,
}

fn nothing() -> PinText {
    PinText(String::new())
}

/// What is wrong with a PIN that was typed for a question.
fn check(prompt: &Prompt, typed: &Typed) -> Result<(), Wrong> {
    let pin = Pin::parse(&typed.pin.0).map_err(|_| Wrong::Format)?;
    if prompt.kind != PromptKind::NewPin {
        return Ok(());
    }
    if pin.is_factory() {
        return Err(Wrong::Factory);
    }
    if typed.pin == typed.again { Ok(()) } else { Err(Wrong::Differ) }
}

async fn answer(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Response {
    let seen = look(&app, View::Holder);
    // Another question, or none: the page says which.
    let Some(prompt) = seen.prompt.as_ref().filter(|prompt| prompt.id == id) else {
        return Redirect::to("/").into_response();
    };
    if typed.agree.is_none() {
        app.prompts.answer(id, PromptAnswer { pin: None, confirm: false });
        return Redirect::to("/").into_response();
    }
    if let Err(wrong) = check(prompt, &typed) {
        let language = language(&headers);
        let page = Reader { language, seen: &seen, wrong: Some(&wrong.text(language)) };
        return (StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response();
    }
    app.prompts.answer(id, PromptAnswer { pin: Some(typed.pin.clone()), confirm: true });
    Redirect::to("/").into_response()
}

async fn ask_to_sign_in(State(app): State<App>, headers: HeaderMap) -> Response {
    html(&SignIn { language: language(&headers), seen: &look(&app, View::Holder), wrong: None }).into_response()
}

async fn sign_in(State(app): State<App>, headers: HeaderMap, Form(typed): Form<Typed>) -> Response {
    let language = language(&headers);
    let wait_ms = u64::try_from(CARD_WAIT.as_millis()).expect("half a minute");
    let wrong = match Pin::parse(&typed.pin.0) {
        Err(_) => Wrong::Format,
        Ok(_) => match api::sign_in(&app, SignInRequest { reader: None, pin: typed.pin.clone(), wait_ms }).await {
            Ok(link) => return html(&Opened { language, url: &link.url }).into_response(),
            Err(failure) => Wrong::Said(failure.error),
        },
    };
    let page = SignIn { language, seen: &look(&app, View::Holder), wrong: Some(&wrong.text(language)) };
    (StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response()
}
