//! The page at the reader: whoever stands there types a PIN, agrees to a text, or signs in with a staff card.
//!
//! It is the daemon's own, in a browser on the same machine, and works without scripts; a script only tells it when to
//! look again, and puts a keypad on a screen to touch. Not here: what a merchant does.

mod view;
mod visits;

use std::time::Duration;

use axum::{
    Form, Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use tokio::time::Instant;
use uuid::Uuid;

use self::view::{Opened, Reader, Seen, SignIn, TurnedAway, Wrong, html};
pub use self::visits::Visits;
use super::{
    api::{self, App},
    guard::Turned,
    wire::{PageLink, PinText, Prompt, PromptAnswer, PromptKind, SignInRequest},
};
use crate::{cli::messages::Language, piv::Pin, station::ReaderState};

/// What the name of the cookie of a browser that was let in begins with. The port follows: cookies do not tell ports apart,
/// and a machine may have several daemons.
pub(super) const COOKIE: &str = "reader_session_";
/// The cookie of the language that somebody chose.
const LANGUAGE: &str = "reader_language";
/// What the path of a link begins with that lets a browser in.
const ENTER: &str = "/enter/";
/// The longest that the page's script waits for something new.
const NEWS_WAIT: Duration = Duration::from_secs(25);
/// How long somebody who signs in has for putting the card on the reader.
const CARD_WAIT: Duration = Duration::from_secs(30);

const STYLE: &str = include_str!("../../../assets/page.css");
const SCRIPT: &str = include_str!("../../../assets/page.js");

/// The pages by their paths.
pub(super) fn routes(app: App) -> Router {
    Router::new()
        .route("/", get(show))
        .route("/enter/{key}", get(enter))
        .route("/news", get(news))
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

/// The session that a browser says it has.
pub(super) fn session(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, &session_cookie(headers)?)
}

/// The name of our session's cookie.
fn session_cookie(headers: &HeaderMap) -> Option<String> {
    let (_, port) = headers.get(header::HOST)?.to_str().ok()?.rsplit_once(':')?;
    Some(format!("{COOKIE}{port}"))
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
pub(super) async fn invite(State(app): State<App>) -> Json<PageLink> {
    Json(PageLink { path: format!("{ENTER}{}", app.visits.invite(Instant::now())) })
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

/// What stands at the reader now.
fn seen(app: &App) -> Seen {
    let readers = app.stations.presence().readers();
    Seen {
        name: app.known.now().profile.name.clone(),
        has_reader: !readers.is_empty(),
        has_card: readers.values().any(|state| matches!(state, ReaderState::Card(_))),
        online: app.submitter.online(),
        prompt: app.prompts.first(),
    }
}

async fn enter(State(app): State<App>, Path(key): Path<String>, headers: HeaderMap) -> Response {
    match session_cookie(&headers).zip(app.visits.enter(&key, Instant::now())) {
        Some((name, session)) => {
            let cookie = format!("{name}={session}; Path=/; HttpOnly; SameSite=Strict");
            ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
        }
        None => turned_away(&headers, Turned::Session),
    }
}

async fn show(State(app): State<App>, headers: HeaderMap) -> Response {
    html(&Reader { language: language(&headers), seen: &seen(&app), wrong: None }).into_response()
}

#[derive(Deserialize)]
struct Chosen {
    lang: String,
}

async fn speak(Form(Chosen { lang }): Form<Chosen>) -> Response {
    match [Language::Zh, Language::En].into_iter().find(|language| language.tag() == lang) {
        Some(language) => {
            let cookie = format!("{LANGUAGE}={}; Path=/; HttpOnly; SameSite=Strict", language.tag());
            ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
        }
        None => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
    }
}

#[derive(Deserialize)]
struct News {
    /// What the page shows, as it says itself.
    seen: String,
}

/// Waits until the page is no longer true, or for a while: whether it is.
async fn news(State(app): State<App>, Query(news): Query<News>) -> Json<bool> {
    let (mut prompts, mut readers) = (app.prompts.watch(), app.stations.presence().watch());
    let mut online = app.submitter.watch();
    let changed = async {
        while seen(&app).mark() == news.seen {
            tokio::select! {
                _ = prompts.changed() => {}
                _ = readers.changed() => {}
                _ = online.changed() => {}
            }
        }
    };
    Json(tokio::time::timeout(NEWS_WAIT, changed).await.is_ok())
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
    let seen = seen(&app);
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
        let page = Reader { language, seen: &seen, wrong: Some(wrong.text(language)) };
        return (StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response();
    }
    app.prompts.answer(id, PromptAnswer { pin: Some(typed.pin.clone()), confirm: true });
    Redirect::to("/").into_response()
}

async fn ask_to_sign_in(State(app): State<App>, headers: HeaderMap) -> Response {
    html(&SignIn { language: language(&headers), seen: &seen(&app), wrong: None }).into_response()
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
    let page = SignIn { language, seen: &seen(&app), wrong: Some(wrong.text(language)) };
    (StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response()
}
