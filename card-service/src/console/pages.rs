//! The console's pages: each handler loads, records the look, and renders.

use std::net::SocketAddr;

use askama::Template;
use axum::extract::{ConnectInfo, Form, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Router, body::Body};
use card_schema::ids::CardId;
use card_schema::wire::ProblemType;
use serde::Deserialize;
use tower_http::compression::CompressionLayer;
use zeroize::Zeroizing;

use super::frame::Frame;
use super::model::{masked_name, masked_number, own_path};
use super::view::{self, ActivityPage, CardPage, Choice, ErrorPage, HolderView, PurposePage, RowView, SignInPage, Tag};
use super::{
    card_desk, clinics, concessions, find, gate_desk, guard, holder, home, insurance, journeys, merge, reader_job,
    slip, timeline, unblock,
};
use crate::app::App;
use crate::cards;
use crate::cards::activity::{ActivityPurpose, Place, store};
use crate::domains::gate;
use crate::domains::points;
use crate::domains::purse::reversal;
use crate::domains::residence;
use crate::domains::residence::model::Field;
use crate::domains::transit;
use crate::evidence;
use crate::http::signed_in::{COOKIE, sign_out as end_session};
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::intake::{quarantine, suspicion};
use crate::people::model::Permission;
use crate::people::{Purpose, Staff, account, approval, card_sign_in, factor, member, organisation, session};
use crate::terminals;

/// The pages by their paths: the one list of them.
pub fn routes() -> Vec<(&'static str, MethodRouter<App>)> {
    let own = [
        ("/sign-in", get(sign_in_form).post(sign_in)),
        ("/sign-out", post(sign_out).get(first_page)),
        ("/sign-out/everywhere", post(sign_out_everywhere).get(first_page)),
        ("/language", post(choose_language).get(first_page)),
        ("/activity", get(activity)),
        ("/cards/{card_id}", get(card)),
        ("/cards/{card_id}/holder", post(holder).get(back_to_card)),
        (
            "/assets/console.css",
            packed(get(|| async { asset("text/css; charset=utf-8", include_str!("../../assets/console.css")) })),
        ),
        ("/assets/live.js", packed(get(|| async { asset(SCRIPT, LIVE) }))),
        ("/assets/camera.js", packed(get(|| async { asset(SCRIPT, include_str!("../../assets/camera.js")) }))),
        ("/assets/paper.js", packed(get(|| async { asset(SCRIPT, include_str!("../../assets/paper.js")) }))),
        ("/assets/icon.svg", get(|| async { asset("image/svg+xml", include_str!("../../assets/icon.svg")) })),
    ];
    // One by one: a chain of all of them takes more stack than a thread has.
    let mut routes = Vec::from(own);
    routes.extend(home::routes());
    routes.extend(find::routes());
    routes.extend(holder::routes());
    routes.extend(gate_desk::routes());
    routes.extend(timeline::routes());
    routes.extend(card_desk::routes());
    routes.extend(concessions::routes());
    routes.extend(journeys::routes());
    routes.extend(insurance::routes());
    routes.extend(clinics::routes());
    routes.extend(reader_job::routes());
    routes.extend(unblock::routes());
    routes.extend(slip::routes());
    routes.extend(cards::expiry::pages::routes());
    routes.extend(cards::stock::pages::routes());
    routes.extend(cards::activity::pages::routes());
    routes.extend(reversal::pages::routes());
    routes.extend(quarantine::pages::routes());
    routes.extend(suspicion::pages::routes());
    routes.extend(merge::routes());
    routes.extend(residence::pages::routes());
    routes.extend(residence::permit::pages::routes());
    routes.extend(residence::paper::pages::routes());
    routes.extend(residence::paper::check::pages::routes());
    routes.extend(residence::import::pages::routes());
    routes.extend(residence::photo::pages::routes());
    routes.extend(residence::roster::pages::routes());
    routes.extend(organisation::pages::routes());
    routes.extend(points::pages::routes());
    routes.extend(gate::pages::routes());
    routes.extend(gate::pass::pages::routes());
    routes.extend(transit::pages::routes());
    routes.extend(transit::settlement::pages::routes());
    routes.extend(card_sign_in::pages::routes());
    routes.extend(terminals::pages::routes());
    routes.extend(residence::map::pages::routes());
    routes.extend(residence::household::pages::routes());
    routes.extend(residence::agreement::pages::routes());
    routes.extend(member::pages::routes());
    routes.extend(approval::pages::routes());
    routes.extend(account::pages::routes());
    routes.extend(factor::pages::routes());
    routes
}

/// Where an address leads that only takes what is sent to it.
pub async fn first_page() -> Redirect {
    Redirect::to("/")
}

/// The pages' routes.
pub fn router() -> Router<App> {
    routes().into_iter().fold(Router::new(), |router, (path, handlers)| router.route(path, handlers))
}

/// What every answer of the public listener goes through: headers, the check of origins, and errors as pages.
pub fn protect(router: Router) -> Router {
    router.layer(from_fn(guard::same_origin)).layer(from_fn(errors)).layer(from_fn(guard::headers))
}

/// Compresses what is the same for everybody. Pages are not: what they echo and what they keep secret would show in their
/// length (BREACH).
fn packed(asset: MethodRouter<App>) -> MethodRouter<App> {
    asset.layer(CompressionLayer::new())
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// htmx and its extension in one: as two scripts, htmx would begin before an extension that is slow to come, and then
/// no page that waits would ever hear of anything.
const LIVE: &str =
    concat!(include_str!("../../assets/htmx/htmx.min.js"), "\n", include_str!("../../assets/htmx/hx-sse.min.js"));

fn asset(kind: &'static str, content: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=600")], content)
}

/// A page as an answer.
pub fn page(template: &impl Template) -> Result<Response, Refusal> {
    Ok(Html(template.render().map_err(Refusal::internal)?).into_response())
}

/// A page that asks for something, as an answer: with the status of a refusal where what came before was wrong.
pub fn asking(template: &impl Template, is_wrong: bool) -> Result<Response, Refusal> {
    let status = if is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok((status, page(template)?).into_response())
}

/// A page that asks for something once more because somebody else was quicker, as an answer.
pub fn overtaken(template: &impl Template) -> Result<Response, Refusal> {
    Ok((StatusCode::CONFLICT, page(template)?).into_response())
}

/// Middleware: a refused request of a browser becomes a page, or the way to the sign-in. Programs get problem documents.
async fn errors(request: Request, next: Next) -> Response {
    let locale = language(request.headers());
    let wants_page = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let is_api = request.uri().path().starts_with("/v1/");
    // What was to be sent is not sent again; whoever signs in sees the page on which it was typed.
    let to = match *request.method() {
        Method::GET => request.uri().path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        _ => request.uri().path().to_owned(),
    };
    let mut response = next.run(request).await;
    let plain = response.status().is_client_error()
        && response.headers().get(header::CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !wants_page || is_api {
        return response;
    }
    let (title, detail) = match response.extensions_mut().remove::<Refusal>() {
        Some(refusal) if refusal.kind() == ProblemType::NotSignedIn => {
            let query = form_urlencoded(&to);
            return Redirect::to(&format!("/sign-in?to={query}")).into_response();
        }
        Some(refusal) => {
            if let Some(page) = refusal.leads_to() {
                return Redirect::to(page).into_response();
            }
            let problem = refusal.document(locale);
            (problem.title, problem.detail)
        }
        // What the framework refuses by itself: a bad path, a form that does not parse, another method.
        None if plain => (locale.text("problem-malformed-request"), None),
        None => return response,
    };
    let status = response.status();
    let rendered = ErrorPage::new(locale, status.as_u16(), title, detail).render().unwrap_or_default();
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Response::from_parts(parts, Body::from(rendered))
}

/// Percent-encodes what would end a value in a query.
pub fn form_urlencoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[derive(Deserialize)]
struct To {
    #[serde(default)]
    to: String,
}

async fn sign_in_form(headers: HeaderMap, Query(To { to }): Query<To>) -> Result<Response, Refusal> {
    let frame = Frame::new(language(&headers), "/sign-in", None);
    page(&SignInPage { frame, to: own_path(&to).to_owned(), name: String::new(), wrong: None })
}

#[derive(Deserialize)]
struct SignInForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    to: String,
}

async fn sign_in(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(form): Form<SignInForm>,
) -> Result<Response, Refusal> {
    let locale = language(&headers);
    let (to, name) = (own_path(&form.to).to_owned(), form.name.trim().to_owned());
    let again = |status: StatusCode, field: &'static str, text: String, name: String, to: String| {
        let frame = Frame::new(locale, "/sign-in", None);
        let body = page(&SignInPage { frame, to, name, wrong: Some(view::Wrong { field, text }) })?;
        Ok((status, body).into_response())
    };
    if name.is_empty() {
        let text = locale.text("console-sign-in-name-missing");
        return again(StatusCode::UNPROCESSABLE_ENTITY, "name", text, name, to);
    }
    let password = Zeroizing::new(form.password);
    if password.is_empty() {
        let text = locale.text("console-sign-in-password-missing");
        return again(StatusCode::UNPROCESSABLE_ENTITY, "password", text, name, to);
    }
    match session::sign_in(&app, peer.ip(), &name, password).await {
        Ok(begun) => {
            let seconds = begun.expires_at.seconds() - app.now().seconds();
            let cookie = session_cookie(&begun.token, seconds);
            let next = match begun.owed {
                Some(owed) => format!("{}?to={}", owed.page(), form_urlencoded(&to)),
                None => to,
            };
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&next)).into_response())
        }
        Err(refusal) if matches!(refusal.kind(), ProblemType::NotSignedIn | ProblemType::TooManyRequests) => {
            again(refusal.status(), "name", refusal.text(locale), name, to)
        }
        Err(refusal) => Err(refusal),
    }
}

/// The cookie that carries a session: this host alone, never to scripts, never with another site's request.
pub fn session_cookie(token: &str, seconds: i64) -> String {
    format!("{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}")
}

async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Result<Response, Refusal> {
    end_session(&app, &headers).await?;
    Ok(signed_out())
}

async fn sign_out_everywhere(State(app): State<App>, who: SignedIn) -> Result<Response, Refusal> {
    session::sign_out_everywhere(&app, who.0.staff_id).await?;
    Ok(signed_out())
}

fn signed_out() -> Response {
    ([(header::SET_COOKIE, session_cookie("", 0))], Redirect::to("/sign-in")).into_response()
}

#[derive(Deserialize)]
struct LanguageForm {
    lang: String,
    #[serde(default)]
    to: String,
}

async fn choose_language(Form(form): Form<LanguageForm>) -> Response {
    let locale = Locale::from_tag(&form.lang).unwrap_or(Locale::ZhCn);
    let cookie = format!("lang={}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=31536000", locale.tag());
    ([(header::SET_COOKIE, cookie)], Redirect::to(own_path(&form.to))).into_response()
}

/// Why activity is looked at, and where in the list.
#[derive(Debug, Deserialize)]
pub struct Look {
    purpose: Option<String>,
    before: Option<String>,
}

impl Look {
    /// The purpose that was stated.
    pub fn purpose(&self) -> Option<ActivityPurpose> {
        self.purpose.as_deref().and_then(ActivityPurpose::from_name)
    }

    fn before(&self) -> Option<Place> {
        self.before.as_deref().and_then(Place::decode)
    }

    /// The question that comes before what is looked at.
    pub fn ask(&self, locale: Locale, staff: &Staff, action: String) -> Result<Response, Refusal> {
        let frame = Frame::new(locale, action.clone(), Some(staff));
        let missing = self.purpose.is_some();
        page(&PurposePage { frame, action, purposes: Choice::of_activity(locale), missing })
    }
}

async fn activity(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Query(look): Query<Look>,
) -> Result<Response, Refusal> {
    who.require(Permission::SeeActivity)?;
    let locale = language(&headers);
    let Some(purpose) = look.purpose() else { return look.ask(locale, &who.0, "/activity".to_owned()) };
    let (now, reader, before) = (app.now(), who.0.staff_id, look.before());
    let (found, head) = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                let found = store::latest(tx, now, reader, purpose, before).await?;
                Ok((found, evidence::store::newest_checkpoint(tx.conn()).await?))
            })
        })
        .await?;
    page(&ActivityPage {
        frame: Frame::new(locale, format!("/activity?purpose={}", purpose.name()), Some(&who.0)),
        purpose: purpose.name(),
        purpose_text: view::activity_purpose(locale, purpose),
        caption: view::caption(locale, found.rows.len()),
        list: found.rows.iter().map(|row| RowView::new(locale, row)).collect(),
        paged: before.is_some(),
        older: found.older.map(|place| place.encode()),
        evidence: head.map(Into::into),
    })
}

async fn card(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<CardId>,
    Query(look): Query<Look>,
) -> Result<Response, Refusal> {
    show_card(&app, &who, language(&headers), id, &look, Ask::Nothing).await
}

/// Reloading the page of a holder does not read the record again: it leads back to the card.
async fn back_to_card(Path(id): Path<CardId>) -> Redirect {
    Redirect::to(&format!("/cards/{id}"))
}

#[derive(Deserialize)]
struct HolderForm {
    reason: Option<String>,
}

async fn holder(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<CardId>,
    Query(look): Query<Look>,
    Form(form): Form<HolderForm>,
) -> Result<Response, Refusal> {
    let ask = match form.reason.as_deref().and_then(Purpose::from_name) {
        Some(purpose) => {
            who.require_purpose(purpose)?;
            Ask::Holder(purpose)
        }
        None => Ask::WithoutPurpose,
    };
    show_card(&app, &who, language(&headers), id, &look, ask).await
}

/// Whether the holder is asked for.
#[derive(Clone, Copy)]
enum Ask {
    Nothing,
    WithoutPurpose,
    Holder(Purpose),
}

async fn show_card(
    app: &App,
    who: &SignedIn,
    locale: Locale,
    id: CardId,
    look: &Look,
    ask: Ask,
) -> Result<Response, Refusal> {
    who.require(Permission::SeeActivity)?;
    let Some(purpose) = look.purpose() else { return look.ask(locale, &who.0, format!("/cards/{id}")) };
    let (now, reader, before, shared) = (app.now(), who.0.staff_id, look.before(), app.clone());
    let (card, found, holder) = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                let unknown = Refusal::because(ProblemType::NotFound, "card-unknown");
                let card = cards::store::one(tx.conn(), id).await?.ok_or(unknown)?;
                let found = store::of_card(tx, now, reader, purpose, id, before).await?;
                let holder = match ask {
                    Ask::Holder(reason) => Some(masked_holder(&shared, tx, &card, reader, reason, locale).await?),
                    Ask::Nothing | Ask::WithoutPurpose => None,
                };
                Ok((card, found, holder))
            })
        })
        .await?;
    let number = card.card_id.to_string();
    let missing = matches!(ask, Ask::WithoutPurpose);
    let shown = CardPage {
        frame: Frame::new(locale, format!("/cards/{id}?purpose={}", purpose.name()), Some(&who.0)),
        purpose: purpose.name(),
        card_short: view::short(&number),
        card: number,
        state: Tag::of_card(locale, cards::expiry::rules::Clock::at(app.now()).state(&card)),
        expires: view::day(card.expires_at),
        issued: view::minute(card.created_at),
        changed: view::minute(card.changed_at),
        holder,
        is_of_staff: card.bearer.holder().is_none(),
        purposes: Choice::of_person(locale, who.0.role.purposes()),
        missing,
        caption: view::caption(locale, found.rows.len()),
        list: found.rows.iter().map(|row| RowView::new(locale, row)).collect(),
        older: found.older.map(|place| place.encode()),
    };
    asking(&shown, missing)
}

/// Reads name and number, leaving a leaf for each, and hides most of them before they leave the transaction.
async fn masked_holder(
    app: &App,
    tx: &mut crate::db::Tx,
    card: &cards::model::Card,
    reader: crate::people::StaffId,
    reason: Purpose,
    locale: Locale,
) -> Result<HolderView, Refusal> {
    let fields = [Field::Name, Field::DocumentNumber];
    let holder = card.bearer.holder().ok_or(Refusal::because(ProblemType::NotFound, "holder-unknown"))?;
    let revealed = residence::reveal(app, tx, app.now(), reader, holder, reason, &fields).await?;
    Ok(HolderView {
        name: masked_name(revealed.get(Field::Name)),
        document: masked_number(revealed.get(Field::DocumentNumber)),
        purpose: view::reason(locale, reason),
    })
}
