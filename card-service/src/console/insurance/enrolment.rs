//! Many workers are enrolled with a spreadsheet: all of them, or none and what is wrong is told row by row.

use std::collections::HashMap;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use card_schema::ids::{HolderId, OrganisationId};
use card_schema::month::Month;

use super::filing::HOME;
use super::own;
use crate::app::App;
use crate::console::frame::Frame;
use crate::console::input::NoFile;
use crate::console::register::Link;
use crate::console::sheet::{self, SheetPage, received};
use crate::domains::residence::{identity, merge};
use crate::domains::social_security::employment::Employment;
use crate::domains::social_security::enrolment::{self, MAX_ROWS, Newcomer, Part, RowWrong};
use crate::domains::social_security::filing::{self, Enrolment, Mark, Named};
use crate::domains::social_security::store;
use crate::http::{Refusal, SignedIn, language};
use crate::people::model::Permission;
use crate::sheet::{MAX_BYTES, Unusable};

pub(super) const PAGE: &str = "/filings/enrolments";

/// The page of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 1] {
    let take = post(take).layer(DefaultBodyLimit::max(MAX_BYTES + NoFile::FORM_BYTES));
    [(PAGE, get(blank).merge(take))]
}

/// All records of whom an employer names; none where nobody is known so.
pub(super) async fn records(app: &App, named: &Named) -> Result<Option<Vec<HolderId>>, Refusal> {
    let Some(person) = identity::identified(app, &named.number, &named.name).await? else { return Ok(None) };
    Ok(Some(merge::records(&mut app.db.read().await?, person).await?))
}

/// What is wrong with a spreadsheet.
pub(super) enum Bad {
    /// All of it.
    Sheet(Unusable),
    /// Rows of it.
    Rows(Vec<(u32, RowWrong)>),
    /// Too many have named nobody: it is not told which.
    Strangers,
}

/// The page on which a spreadsheet is sent.
pub(super) fn sheet_page(frame: Frame, bad: Option<Bad>) -> SheetPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let (wrong, rows) = match bad {
        Some(Bad::Sheet(why)) => sheet::unusable(locale, why),
        Some(Bad::Rows(wrong)) => {
            sheet::rows(locale, wrong.into_iter().map(|(row, why)| (row, why.text_key(), why.at())))
        }
        Some(Bad::Strangers) => (Some(t("enrolment-strangers")), Vec::new()),
        None => (None, Vec::new()),
    };
    SheetPage {
        back: Link { to: HOME.to_owned(), text: t("filing-title") },
        action: PAGE.to_owned(),
        title: t("enrolment-title"),
        lead: t("enrolment-lead"),
        inputs: vec![sheet::input(locale, "enrolment-sheet", MAX_ROWS).wrong(wrong)],
        rows,
        button: t("enrolment-button"),
        frame,
    }
}

async fn blank(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::FileContributions)?;
    own(&mut app.db.read().await?, &who.0).await?;
    sheet_page(Frame::new(language(&headers), PAGE, Some(&who.0)), None).answer()
}

async fn take(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Refusal> {
    who.require(Permission::FileContributions)?;
    let employer = own(&mut app.db.read().await?, &who.0).await?.id();
    let (_, read) = received::<Part, 0>(request, [], MAX_ROWS).await?;
    let again = |bad| sheet_page(Frame::new(language(&headers), PAGE, Some(&who.0)), Some(bad)).answer();
    let newcomers = match read.map_err(Bad::Sheet).and_then(|rows| enrolment::read(rows).map_err(Bad::Rows)) {
        Ok(newcomers) => newcomers,
        Err(bad) => return again(bad),
    };
    let (by, now) = (who.0.staff_id, app.now());
    if let Err(wrong) = checked(&app, employer, &newcomers, Month::of(app.today())).await? {
        return again(Bad::Rows(wrong));
    }
    let left = app.stranger_limits.left(employer, now);
    let (mut known, mut strangers) = (Vec::with_capacity(newcomers.len()), Vec::new());
    for Newcomer { row, number, name, from, household } in newcomers {
        // It has lost its columns, or tries who is registered: nobody is looked for further, and nothing is told of anybody.
        if strangers.len() >= left {
            app.stranger_limits.named(employer, now, strangers.len());
            return again(Bad::Strangers);
        }
        let named = Named { number, name };
        match records(&app, &named).await? {
            Some(records) => {
                let employment = Employment { employer, from, until: None, household };
                known.push((row, Enrolment { records, named, employment }));
            }
            None => strangers.push((row, RowWrong::Refused("insured-unknown"))),
        }
    }
    app.stranger_limits.named(employer, now, strangers.len());
    if !strangers.is_empty() {
        return again(Bad::Rows(strangers));
    }
    let (rows, all): (Vec<_>, Vec<_>) = known.into_iter().unzip();
    let wrong = filing::enrol(&app, (by, now), all).await?;
    if wrong.is_empty() {
        return Ok(Redirect::to(HOME).into_response());
    }
    // That somebody works elsewhere is nothing that an employer has to know of many.
    app.stranger_limits.named(employer, now, wrong.len());
    again(Bad::Rows(wrong.into_iter().map(|(place, (_, key))| (rows[place], RowWrong::Refused(key))).collect()))
}

/// What is wrong with rows whoever they are about, and with those about the employer's own workers: said before anybody is looked for.
async fn checked(
    app: &App,
    employer: OrganisationId,
    newcomers: &[Newcomer],
    this: Month,
) -> Result<Result<(), Vec<(u32, RowWrong)>>, Refusal> {
    let mut marks = Vec::with_capacity(newcomers.len());
    for one in newcomers {
        marks.push(Mark::of_number(&*app.keys, employer, &one.number)?);
    }
    let mut own: HashMap<Mark, Vec<Employment>> = HashMap::new();
    let connection = &mut app.db.read().await?;
    for found in store::employment::by_numbers(connection, employer, marks.iter().copied()).await? {
        own.entry(found.number).or_default().push(found.employment);
    }
    let check = |(one, mark): (&Newcomer, &Mark)| {
        let employment = Employment { employer, from: one.from, until: None, household: one.household };
        let others = own.get(mark).map_or(&[][..], Vec::as_slice);
        let (_, key) = employment.check(others, this).err()?;
        Some((one.row, RowWrong::Refused(key)))
    };
    let wrong: Vec<_> = newcomers.iter().zip(&marks).filter_map(check).collect();
    Ok(if wrong.is_empty() { Ok(()) } else { Err(wrong) })
}
