//! What has arrived at the bank for contributions: statements that are taken, and whose it is where no employer is called as whoever paid.

use axum::extract::{DefaultBodyLimit, Form, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use card_schema::ids::OrganisationId;

use super::SHOWN;
use crate::app::App;
use crate::console::asking;
use crate::console::frame::Frame;
use crate::console::input::{Input, NoFile};
use crate::console::model::Tone;
use crate::console::register::{Act, Link, ThingPage, Typed, Wrong, message, refused, typed};
use crate::console::sheet::{self, SheetPage, received};
use crate::console::view::{Choice, Tag};
use crate::domains::social_security::paying;
use crate::domains::social_security::receipt::{self, MAX_ROWS, Part, RowWrong};
use crate::domains::social_security::store::receipt as store;
use crate::domains::social_security::store::receipt::Taken;
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::model::Permission;
use crate::sheet::{MAX_BYTES, Unusable};

pub(super) const PAGE: &str = "/receipts";
const NEW: &str = "/receipts/new";

/// The pages of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 2] {
    let take = post(take).layer(DefaultBodyLimit::max(MAX_BYTES + NoFile::FORM_BYTES));
    [(PAGE, get(show).post(assign)), (NEW, get(blank).merge(take))]
}

/// What arrived, as a line of facts.
pub(super) fn fact(locale: Locale, taken: &Taken) -> (String, String) {
    let receipt = &taken.receipt;
    let values = [("amount", receipt.amount.to_string()), ("day", receipt.day.to_string())];
    let said = locale.text_with("arrival-arrived", &values.each_ref().map(|(name, value)| (*name, &**value)));
    let said = [said, receipt.payer.clone(), receipt.remark.clone()].into_iter().filter(|text| !text.is_empty());
    (receipt.number.clone(), said.collect::<Vec<_>>().join(&locale.text("console-list-comma")))
}

/// The page of what is nobody's yet.
pub(super) fn thing(frame: Frame, nobodys: &[Taken], employers: Vec<Choice>, form: &Typed, wrong: Wrong) -> ThingPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let numbers = nobodys.iter().map(|one| {
        let (number, said) = fact(locale, one);
        Choice { hint: said, ..Choice::new(number.clone(), number) }
    });
    let mut acts = Vec::new();
    if !nobodys.is_empty() {
        let which = Input::choice("number", t("arrival-which"), numbers.collect(), typed(form, "number"));
        let whose = Input::choice("employer", t("arrival-whose"), employers, typed(form, "employer"));
        acts.push(Act {
            name: "assign",
            title: t("arrival-act-assign"),
            hint: Some(t("arrival-act-assign-hint")),
            inputs: vec![
                which.wrong(message(locale, wrong, "number")),
                whose.wrong(message(locale, wrong, "employer")),
            ],
            button: t("arrival-act-assign-button"),
            primary: true,
        });
    }
    let state = if nobodys.is_empty() {
        Tag { text: t("arrival-all-known"), tone: Tone::Ok }
    } else {
        Tag { text: t("arrival-some-unknown"), tone: Tone::Wait }
    };
    ThingPage {
        back: Link { to: "/employers".to_owned(), text: t("employer-title") },
        action: PAGE.to_owned(),
        title: t("arrival-title"),
        state,
        facts: Vec::new(),
        links: vec![Link { to: NEW.to_owned(), text: t("arrival-take") }],
        refused: refused(locale, wrong, &acts),
        along: Vec::new(),
        acts,
        frame,
    }
}

async fn shown(
    app: &App,
    who: &SignedIn,
    headers: &HeaderMap,
    form: &Typed,
    wrong: Wrong,
) -> Result<Response, Refusal> {
    let mut connection = app.db.read().await?;
    let nobodys = store::nobodys(&mut connection, SHOWN).await?;
    let employers = paying::employers(&mut connection).await?;
    let employers = employers.into_iter().map(|(employer, name)| Choice::new(employer.to_string(), name)).collect();
    let frame = Frame::new(language(headers), PAGE, Some(&who.0));
    asking(&thing(frame, &nobodys, employers, form, wrong), wrong.is_some())
}

async fn show(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::ReconcileContributions)?;
    shown(&app, &who, &headers, &Typed::new(), None).await
}

async fn assign(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::ReconcileContributions)?;
    let again = |wrong| shown(&app, &who, &headers, &form, Some(wrong));
    let number = typed(&form, "number").to_owned();
    if number.is_empty() {
        return again(("number", "arrival-which-missing")).await;
    }
    let employers = paying::employers(&mut app.db.read().await?).await?;
    let employer = typed(&form, "employer").parse::<OrganisationId>().ok();
    let Some(employer) = employer.filter(|id| employers.iter().any(|(employer, _)| employer == id)) else {
        return again(("employer", "arrival-whose-missing")).await;
    };
    let done = paying::assign(&app.db, app.now(), who.0.staff_id, number, employer).await;
    if done.map_err(Refusal::internal)? {
        app.contributions.notify_one();
        Ok(Redirect::to(PAGE).into_response())
    } else {
        again(("number", "arrival-known-already")).await
    }
}

/// What is wrong with a statement.
pub(super) enum Bad {
    /// All of it.
    Sheet(Unusable),
    /// Rows of it.
    Rows(Vec<(u32, RowWrong)>),
    /// Numbers under which something else was taken before.
    Others(Vec<String>),
}

/// The page on which a statement is sent.
pub(super) fn sheet_page(frame: Frame, bad: Option<Bad>) -> SheetPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let (wrong, rows) = match bad {
        Some(Bad::Sheet(why)) => sheet::unusable(locale, why),
        Some(Bad::Rows(wrong)) => {
            sheet::rows(locale, wrong.into_iter().map(|(row, why)| (row, why.text_key(), why.at())))
        }
        Some(Bad::Others(numbers)) => {
            let row = |number| (number, t("arrival-wrong-other"));
            (Some(t("arrival-others")), numbers.into_iter().map(row).collect())
        }
        None => (None, Vec::new()),
    };
    SheetPage {
        back: Link { to: PAGE.to_owned(), text: t("arrival-title") },
        action: NEW.to_owned(),
        title: t("arrival-take"),
        lead: t("arrival-take-lead"),
        inputs: vec![sheet::input(locale, "arrival-sheet", MAX_ROWS).wrong(wrong)],
        rows,
        button: t("arrival-take-button"),
        frame,
    }
}

async fn blank(who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::ReconcileContributions)?;
    sheet_page(Frame::new(language(&headers), NEW, Some(&who.0)), None).answer()
}

async fn take(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Refusal> {
    who.require(Permission::ReconcileContributions)?;
    let (_, read) = received::<Part, 0>(request, [], MAX_ROWS).await?;
    let again = |bad| sheet_page(Frame::new(language(&headers), NEW, Some(&who.0)), Some(bad)).answer();
    let read = read.map_err(Bad::Sheet).and_then(|rows| receipt::read(rows, app.today()).map_err(Bad::Rows));
    let statement = match read {
        Ok(statement) => statement,
        Err(bad) => return again(bad),
    };
    let taken = paying::take(&app.db, app.now(), who.0.staff_id, statement).await;
    match taken.map_err(Refusal::internal)? {
        Ok(_) => {
            app.contributions.notify_one();
            Ok(Redirect::to(PAGE).into_response())
        }
        Err(numbers) => again(Bad::Others(numbers)),
    }
}
