//! What a clinic's desk does on the page: look at a visit, write its bill, have it settled, print it, and take it back. Checking in is an
//! order as any other at the counter (`counter`).

use axum::{
    Form, Router,
    extract::{DefaultBodyLimit, Path, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use card_schema::{
    ids::ClaimId,
    money::Fen,
    operation::{
        Operation,
        clinic::{Reversal, Settlement},
    },
    wire::{Problem, clinic::ClaimRequest, clinic::VisitRequest},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    bill::Typed,
    counter::{read_rest, start},
    language,
    seen::{Mode, look},
    treated::{BillSlip, VisitPage, VisitsPage},
    view::html,
    wrong::Wrong,
};
use crate::{
    cli::{
        messages::{CliError, Language},
        messages_local,
    },
    clinic::Visit,
    counter::Order,
    local::{api::App, guard, wire::View},
    submit::client::ServiceError,
};

/// Where the visits are listed.
pub(super) const VISITS: &str = "/counter/clinic/visits";
/// The largest form of a bill: two hundred rows.
const BILL_MAX: usize = 256 * 1024;

pub(super) fn routes() -> Router<App> {
    let of_visit = |act: &str| format!("{VISITS}/{{id}}{act}");
    Router::new()
        .route(VISITS, get(list).post(take_back_by_number))
        .route(&of_visit(""), get(show))
        .route(&of_visit("/bill"), post(bill).layer(DefaultBodyLimit::max(BILL_MAX)))
        .route(&of_visit("/settlement"), post(settle))
        .route(&of_visit("/reversal"), post(take_back))
        .route(&of_visit("/receipt"), get(receipt))
}

/// The address of a visit.
pub(super) fn path(visit: Uuid) -> String {
    format!("{VISITS}/{visit}")
}

/// What the service says to a question of the desk: of a problem what to do, and in the log its kind alone.
fn said(error: ServiceError) -> CliError {
    match error {
        ServiceError::Problem(problem) => {
            tracing::warn!(kind = ?problem.kind, "the service refused what a clinic asked");
            let Problem { title, detail, .. } = *problem;
            let text = detail.unwrap_or(title);
            CliError::failed("clinic-refused", text.clone(), text)
        }
        error => {
            tracing::warn!(%error, "the service did not answer a clinic");
            messages_local::clinic_unreachable()
        }
    }
}

async fn list(State(app): State<App>, headers: HeaderMap) -> Response {
    visits(&app, language(&headers), "", None)
}

fn visits(app: &App, language: Language, typed: &str, wrong: Option<&Wrong>) -> Response {
    let text = wrong.map(|wrong| wrong.text(language));
    let (visits, id) = (app.clinic.all(), guard::random_id());
    let seen = look(app, View::Counter);
    let page = html(&VisitsPage { language, seen: &seen, visits: &visits, id, typed, wrong: text.as_deref() });
    match wrong {
        None => page.into_response(),
        Some(wrong) => (wrong.status(), page).into_response(),
    }
}

/// What stands on the page of a visit besides the visit.
#[derive(Default)]
struct Shown<'a> {
    /// What was typed of the bill, where it was not taken.
    typed: Option<&'a Typed>,
    /// What was typed of the purse's part.
    purse: Option<&'a str>,
    wrong: Option<Wrong>,
}

fn visit_page(app: &App, language: Language, visit: &Visit, shown: &Shown<'_>) -> Response {
    let text = shown.wrong.as_ref().map(|wrong| wrong.text(language));
    let written = visit.bill.as_ref().map(|bill| Typed::of(&bill.typed));
    let typed = shown.typed.cloned().or(written).unwrap_or_else(Typed::empty);
    let rest = visit.bill.as_ref().map_or(Fen::ZERO, |bill| bill.reply.rest_fen);
    let purse = shown.purse.map_or_else(|| rest.to_string(), str::to_owned);
    let seen = look(app, View::Counter);
    let (wrong, id) = (text.as_deref(), guard::random_id());
    let page = html(&VisitPage { language, seen: &seen, visit, typed: &typed, purse: &purse, id, wrong });
    match &shown.wrong {
        None => page.into_response(),
        Some(wrong) => (wrong.status(), page).into_response(),
    }
}

/// A visit that is remembered, or the list of those that are.
fn find(app: &App, id: Uuid) -> Result<Visit, Redirect> {
    app.clinic.find(id).ok_or_else(|| Redirect::to(VISITS))
}

/// What is covered is asked for once more where it has not come yet.
async fn show(State(app): State<App>, Path(id): Path<Uuid>, headers: HeaderMap) -> Result<Response, Redirect> {
    let (visit, language) = (find(&app, id)?, language(&headers));
    let mut shown = Shown::default();
    if visit.told.is_none() {
        let request = VisitRequest { card_id: visit.card, tap_id: visit.tap };
        match app.service.visit(&request, language).await {
            Ok(reply) => app.clinic.told(id, reply),
            Err(error) => shown.wrong = Some(Wrong::Said(said(error))),
        }
    }
    Ok(visit_page(&app, language, &find(&app, id)?, &shown))
}

async fn bill(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Redirect> {
    let (visit, language) = (find(&app, id)?, language(&headers));
    let typed = Typed::of(&fields);
    let mut shown = Shown { typed: Some(&typed), ..Shown::default() };
    if typed.wants_more {
        return Ok(visit_page(&app, language, &visit, &shown));
    }
    let written = match typed.lines() {
        Err(wrong) => Err(Wrong::from(wrong)),
        Ok(lines) => {
            let diagnosis = typed.diagnosis.trim().to_owned();
            let (card_id, tap_id, referred) = (visit.card, visit.tap, typed.referred);
            let request = ClaimRequest { card_id, tap_id, referred, diagnosis, lines };
            app.service.claim(&request, language).await.map_err(|error| Wrong::Said(said(error)))
        }
    };
    match written {
        Ok(reply) => {
            app.clinic.billed(id, fields, reply);
            Ok(Redirect::to(&path(id)).into_response())
        }
        Err(wrong) => {
            shown.wrong = Some(wrong);
            Ok(visit_page(&app, language, &visit, &shown))
        }
    }
}

/// How a bill is to be settled.
#[derive(Deserialize)]
struct Settles {
    /// Of the transaction.
    id: Uuid,
    /// The bill that was shown.
    claim: ClaimId,
    /// What comes from the purse, in yuan.
    #[serde(default)]
    purse: String,
}

/// What the card is to sign, of the bill that the desk has before it.
fn settlement(visit: &Visit, typed: &Settles) -> Result<Settlement, Wrong> {
    let bill = visit.bill.as_ref().filter(|bill| bill.reply.claim_id == typed.claim && !bill.stands());
    let reply = &bill.ok_or(Wrong::OtherBill)?.reply;
    let purse = read_rest(&typed.purse, reply.rest_fen)?;
    let (claim, fund, account) = (typed.claim, reply.shares.fund_fen, reply.account_fen);
    Ok(Settlement { claim, fund, account, purse, cash: Fen(reply.rest_fen.0 - purse.0) })
}

async fn settle(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    Form(typed): Form<Settles>,
) -> Result<Response, Redirect> {
    let visit = find(&app, id)?;
    let started = match settlement(&visit, &typed) {
        Ok(settlement) => ordered(&app, typed.id, &visit, Operation::ClinicSettlement(settlement)).await,
        Err(wrong) => Err(wrong),
    };
    Ok(started.unwrap_or_else(|wrong| {
        let shown = Shown { purse: Some(&typed.purse), wrong: Some(wrong), ..Shown::default() };
        visit_page(&app, language(&headers), &visit, &shown)
    }))
}

/// Starts what the card of a visit is to sign, and no other.
async fn ordered(app: &App, id: Uuid, visit: &Visit, operation: Operation) -> Result<Response, Wrong> {
    let order = Order { card: Some(visit.card), ..Order::of_anybody(id, operation) };
    Ok(match start(app, order).await? {
        None => Redirect::to(Mode::Clinic.path()).into_response(),
        Some(_) => Redirect::to(&path(visit.id)).into_response(),
    })
}

/// The number of the transaction that takes a bill back.
#[derive(Deserialize)]
struct TakesBack {
    id: Uuid,
}

async fn take_back(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    Form(typed): Form<TakesBack>,
) -> Result<Response, Redirect> {
    let visit = find(&app, id)?;
    let started = match visit.bill.as_ref().filter(|bill| bill.stands()) {
        Some(bill) => {
            let reversal = Operation::ClinicReversal(Reversal { claim: bill.reply.claim_id });
            ordered(&app, typed.id, &visit, reversal).await
        }
        None => Err(Wrong::OtherBill),
    };
    Ok(started.unwrap_or_else(|wrong| {
        let shown = Shown { wrong: Some(wrong), ..Shown::default() };
        visit_page(&app, language(&headers), &visit, &shown)
    }))
}

/// A bill by the number on its receipt.
#[derive(Deserialize)]
struct ByNumber {
    /// Of the transaction.
    id: Uuid,
    #[serde(default)]
    claim: String,
}

/// Takes a bill back that this terminal does not remember any more.
async fn take_back_by_number(State(app): State<App>, headers: HeaderMap, Form(typed): Form<ByNumber>) -> Response {
    let started = match typed.claim.trim().parse::<ClaimId>() {
        Ok(claim) => {
            let order = Order::of_anybody(typed.id, Operation::ClinicReversal(Reversal { claim }));
            start(&app, order).await
        }
        Err(_) => Err(Wrong::NoBill),
    };
    match started {
        Ok(None) => Redirect::to(Mode::Clinic.path()).into_response(),
        Ok(Some(_)) => Redirect::to(VISITS).into_response(),
        Err(wrong) => visits(&app, language(&headers), &typed.claim, Some(&wrong)),
    }
}

/// A bill that was settled, line by line, for the holder's hand.
async fn receipt(State(app): State<App>, Path(id): Path<Uuid>, headers: HeaderMap) -> Result<Response, Redirect> {
    let visit = find(&app, id)?;
    let Some(bill) = visit.bill.as_ref().filter(|bill| bill.settled.is_some()) else {
        return Err(Redirect::to(&path(id)));
    };
    let (seen, profile) = (look(&app, View::Counter), app.known.now());
    let page = BillSlip { language: language(&headers), seen: &seen, profile: &profile.profile, visit: &visit, bill };
    Ok(html(&page).into_response())
}
