//! What somebody does who files for an employer: enrol workers, let them leave, and declare.

use axum::extract::{DefaultBodyLimit, Form, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use card_schema::money::Fen;
use card_schema::month::Month;

use super::{Account, Employer, households, month, own};
use crate::app::App;
use crate::console::asking;
use crate::console::frame::Frame;
use crate::console::input::{Input, NoFile};
use crate::console::model::Tone;
use crate::console::register::{Act, Link, ThingPage, Typed, Wrong, message, refused, typed};
use crate::console::sheet::{self, SheetPage, received};
use crate::console::view::{Choice, Tag};
use crate::domains::residence::identity;
use crate::domains::social_security::declaration::{self, MAX_ROWS, Of, Part, Totals};
use crate::domains::social_security::employment::Employment;
use crate::domains::social_security::filing::{self, Enrolment, Filing, Named};
use crate::domains::social_security::model::Household;
use crate::domains::social_security::store;
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::model::Permission;
use crate::sheet::{MAX_BYTES, Unusable};

pub(super) const HOME: &str = "/filings";
const NEW: &str = "/filings/new";

/// The pages of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 2] {
    let declare = post(declare).layer(DefaultBodyLimit::max(MAX_BYTES + NoFile::FORM_BYTES));
    [(HOME, get(show).post(change)), (NEW, get(blank).merge(declare))]
}

/// The page of an employer's own.
pub(super) fn thing(frame: Frame, employer: &Employer, own: &Account, form: &Typed, wrong: Wrong) -> ThingPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let field = |name: &'static str, key: &str, value: &str| {
        Input::text(name, t(key), value).wrong(message(locale, wrong, name))
    };
    let this = own.this.to_string();
    let month = |name: &'static str| {
        let value = form.get(name).map_or(&*this, String::as_str);
        Input { max: 7, ..field(name, &format!("insured-{name}"), value) }.hint(t("insured-month-hint"))
    };
    let who = |fields: Fields| {
        vec![
            field(fields.number, "filing-number", typed(form, fields.number)),
            field(fields.name, "filing-name", typed(form, fields.name)),
        ]
    };
    let household = Input::choice("household", t("insured-household"), households(locale), typed(form, "household"));
    let act = |name: &'static str, inputs: Vec<Input>, primary| Act {
        name,
        title: t(&format!("insured-act-{name}")),
        hint: Some(t(&format!("insured-act-{name}-hint"))),
        inputs,
        button: t(&format!("insured-act-{name}-button")),
        primary,
    };
    let (mut enrol, mut leave) = (who(ENROLLED), who(LEAVING));
    enrol.extend([month("from"), household.wrong(message(locale, wrong, "household"))]);
    leave.push(month("until"));
    let acts = vec![act("enrol", enrol, true), act("leave", leave, false)];
    let state = if own.credit >= own.owed {
        Tag { text: t("filing-nothing-owed"), tone: Tone::Ok }
    } else {
        let short = Fen(own.owed.0 - own.credit.0).to_string();
        Tag { text: locale.text_with("filing-owed", &[("amount", &short)]), tone: Tone::Wait }
    };
    let mut facts = vec![
        (t("filing-risk"), employer.risk.to_string()),
        (locale.text_with("filing-insured", &[("month", &this)]), own.insured.to_string()),
        (t("filing-credit"), own.credit.to_string()),
    ];
    facts.extend(own.facts(locale));
    ThingPage {
        back: Link::home(locale),
        action: HOME.to_owned(),
        title: employer.organisation.name.clone(),
        state,
        facts,
        links: vec![
            Link { to: NEW.to_owned(), text: t("filing-declare") },
            Link { to: super::enrolment::PAGE.to_owned(), text: t("enrolment-title") },
        ],
        refused: refused(locale, wrong, &acts),
        along: Vec::new(),
        acts,
        frame,
    }
}

async fn shown(
    app: &App,
    (who, employer): (&SignedIn, &Employer),
    headers: &HeaderMap,
    form: &Typed,
    wrong: Wrong,
) -> Result<Response, Refusal> {
    let frame = Frame::new(language(headers), HOME, Some(&who.0));
    let own = Account::of(app, &mut app.db.read().await?, employer.id()).await?;
    asking(&thing(frame, employer, &own, form, wrong), wrong.is_some())
}

async fn show(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::FileContributions)?;
    let employer = own(&mut app.db.read().await?, &who.0).await?;
    shown(&app, (&who, &employer), &headers, &Typed::new(), None).await
}

/// The fields in which a form names somebody: each form on the page has its own.
#[derive(Clone, Copy)]
struct Fields {
    number: &'static str,
    name: &'static str,
}

const ENROLLED: Fields = Fields { number: "number", name: "name" };
const LEAVING: Fields = Fields { number: "leaving", name: "leaving_name" };

impl Fields {
    /// Whom they name.
    fn read(self, form: &Typed) -> Result<Named, (&'static str, &'static str)> {
        let text = |field: &'static str, key| {
            let text = typed(form, field).trim();
            if text.is_empty() { Err((field, key)) } else { Ok(text.to_owned()) }
        };
        Ok(Named { number: text(self.number, "filing-wrong-number")?, name: text(self.name, "filing-wrong-name")? })
    }
}

async fn carry_out(app: &App, who: &SignedIn, employer: &Employer, form: &Typed) -> Result<Wrong, Refusal> {
    let is_leaving = typed(form, "act") == "leave";
    let fields = if is_leaving { LEAVING } else { ENROLLED };
    let named = match fields.read(form) {
        Ok(named) => named,
        Err(wrong) => return Ok(Some(wrong)),
    };
    let (by, bad) = ((who.0.staff_id, app.now()), "insured-month-bad");
    let done = if is_leaving {
        let Some(until) = month(typed(form, "until")) else { return Ok(Some(("until", bad))) };
        filing::leave(app, by, employer.id(), &named, until).await?
    } else {
        let Some(from) = month(typed(form, "from")) else { return Ok(Some(("from", bad))) };
        let Some(household) = Household::from_name(typed(form, "household")) else {
            return Ok(Some(("household", "insured-household-missing")));
        };
        let employment = Employment { employer: employer.id(), from, until: None, household };
        // What is wrong whoever it is, is said before anybody is looked for.
        if let Err(wrong) = employment.check(&[], Month::of(app.today())) {
            return Ok(Some(wrong));
        }
        // Who has named too many strangers is told nothing of anybody.
        if app.stranger_limits.left(employer.id(), by.1) == 0 {
            return Ok(Some(("number", "enrolment-strangers")));
        }
        let wrong = match super::enrolment::records(app, &named).await? {
            Some(records) => {
                let wrong = filing::enrol(app, by, vec![Enrolment { records, named, employment }]).await?;
                wrong.first().map(|(_, wrong)| *wrong)
            }
            None => Some(("number", "insured-unknown")),
        };
        app.stranger_limits.named(employer.id(), by.1, usize::from(wrong.is_some()));
        wrong.map_or(Ok(()), Err)
    };
    Ok(done.err().map(|(field, key)| (if field == ENROLLED.number { fields.number } else { field }, key)))
}

async fn change(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::FileContributions)?;
    let employer = own(&mut app.db.read().await?, &who.0).await?;
    match carry_out(&app, &who, &employer, &form).await? {
        None => Ok(Redirect::to(HOME).into_response()),
        wrong => shown(&app, (&who, &employer), &headers, &form, wrong).await,
    }
}

/// What is wrong with what was sent.
pub(super) enum Bad {
    /// A field of the form.
    Field(&'static str, String),
    /// The spreadsheet, or all of it together.
    Sheet(Unusable),
    /// Rows of it.
    Rows(Vec<(u32, declaration::RowWrong)>),
}

/// The page on which something is declared.
pub(super) fn sheet_page(frame: Frame, this: Month, form: &Typed, bad: Option<Bad>) -> SheetPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let wrong = |name: &str| match &bad {
        Some(Bad::Field(field, text)) if *field == name => Some(text.clone()),
        _ => None,
    };
    let input = |name: &'static str, value: &str| {
        Input { max: 20, ..Input::text(name, t(&format!("filing-{name}")), value) }
            .hint(t(&format!("filing-{name}-hint")))
            .wrong(wrong(name))
    };
    let kinds = ["regular", "correction"].map(|kind| Choice::new(kind, t(&format!("filing-kind-{kind}"))));
    let kind = form.get("kind").map_or("regular", String::as_str);
    let this = this.to_string();
    let month = form.get("month").map_or(&*this, String::as_str);
    let mut inputs = vec![
        Input::choice("kind", t("filing-kind"), kinds.into(), kind).wrong(wrong("kind")),
        input("month", month),
        input("workers", typed(form, "workers")),
        input("wages", typed(form, "wages")),
    ];
    let (wrong, rows) = match bad {
        Some(Bad::Sheet(why)) => sheet::unusable(locale, why),
        Some(Bad::Rows(wrong)) => {
            sheet::rows(locale, wrong.into_iter().map(|(row, why)| (row, why.text_key(), why.at())))
        }
        Some(Bad::Field(..)) | None => (None, Vec::new()),
    };
    inputs.push(sheet::input(locale, "filing-sheet", MAX_ROWS).wrong(wrong));
    SheetPage {
        back: Link { to: HOME.to_owned(), text: t("filing-title") },
        action: NEW.to_owned(),
        title: t("filing-declare"),
        lead: t("filing-declare-lead"),
        inputs,
        rows,
        button: t("filing-declare-button"),
        frame,
    }
}

async fn blank(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::FileContributions)?;
    own(&mut app.db.read().await?, &who.0).await?;
    let frame = Frame::new(language(&headers), NEW, Some(&who.0));
    sheet_page(frame, Month::of(app.today()), &Typed::new(), None).answer()
}

/// What is said of all rows together.
fn said(locale: Locale, form: &Typed) -> Result<(Of, Totals), Bad> {
    let bad = |field: &'static str, key: &str| Bad::Field(field, locale.text(key));
    let corrects = match typed(form, "kind") {
        "regular" => false,
        "correction" => true,
        _ => return Err(bad("kind", "filing-kind-missing")),
    };
    let month = month(typed(form, "month")).ok_or_else(|| bad("month", "insured-month-bad"))?;
    let people = typed(form, "workers").trim().parse().map_err(|_| bad("workers", "filing-workers-bad"))?;
    let wages = typed(form, "wages").replace([',', ' '], "").parse().map_err(|_| bad("wages", "filing-wages-bad"))?;
    Ok((Of { month, corrects }, Totals { people, wages }))
}

fn told(locale: Locale, wrong: declaration::Wrong) -> Bad {
    let field = |name, key, at: String| Bad::Field(name, locale.text_with(key, &[("at", &at)]));
    match wrong {
        declaration::Wrong::Closed => field("month", "filing-month-closed", String::new()),
        declaration::Wrong::NoRules => field("month", "filing-month-no-rules", String::new()),
        declaration::Wrong::People(people) => field("workers", "filing-workers-other", people.to_string()),
        declaration::Wrong::Wages(wages) => field("wages", "filing-wages-other", wages.to_string()),
        declaration::Wrong::Rows(rows) => Bad::Rows(rows),
    }
}

async fn declare(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Refusal> {
    who.require(Permission::FileContributions)?;
    let locale = language(&headers);
    let employer = own(&mut app.db.read().await?, &who.0).await?;
    let (form, read) = received::<Part, 4>(request, ["kind", "month", "workers", "wages"], MAX_ROWS).await?;
    let again = |bad| {
        let frame = Frame::new(locale, NEW, Some(&who.0));
        sheet_page(frame, Month::of(app.today()), &form, Some(bad)).answer()
    };
    let (of, totals) = match said(locale, &form) {
        Ok(said) => said,
        Err(bad) => return again(bad),
    };
    let declared =
        match read.map_err(Bad::Sheet).and_then(|rows| declaration::read(rows).map_err(|wrong| told(locale, wrong))) {
            Ok(declared) => declared,
            Err(bad) => return again(bad),
        };
    let mut known = filing::known(&app, &mut app.db.read().await?, employer.id(), of, &declared).await?;
    let births = identity::births(&app, &known.holders()).await?;
    known.born(|holder| births.get(&holder).copied());
    // Whoever is late is reckoned as the others of that month were.
    let risk = store::declaration::risk(&mut app.db.read().await?, employer.id(), of.month).await?;
    let filing = Filing { employer: employer.id(), of, totals, declared, known };
    let by = (who.0.staff_id, app.now());
    match filing::file(&app, &app.scheme, by, risk.unwrap_or(employer.risk), filing).await? {
        Ok(_) => {
            app.contributions.notify_one();
            Ok(Redirect::to(HOME).into_response())
        }
        Err(wrong) => again(told(locale, wrong)),
    }
}
