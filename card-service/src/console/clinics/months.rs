//! What a clinic is paid for the bills of a month: what was settled, where the clinic's own list says otherwise, and paying it out. Names
//! nobody: a bill has a number.

use axum::extract::{Form, Path, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::ids::OrganisationId;
use card_schema::month::Month;

use super::levels;
use crate::app::App;
use crate::console::frame::Frame;
use crate::console::model::Tone;
use crate::console::register::{Act, Line, Link, ListPage, ThingPage, Wrong, refused};
use crate::console::sheet::{self, SheetPage, received};
use crate::console::view::{Tag, day, minute};
use crate::console::{asking, page};
use crate::domains::clinic::clearing::model::{
    Cleared, Difference, MAX_ROWS, Part, RowWrong, Sums, differences, read, standing, sums,
};
use crate::domains::clinic::clearing::{self, NotCleared, store};
use crate::domains::clinic::model::Claim;
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::model::Permission;
use crate::people::organisation::Organisation;
use crate::sheet::Unusable;

/// The pages of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 3] {
    [
        ("/clinics/{organisation_id}/months/{month}", get(show).post(clear)),
        ("/clinics/{organisation_id}/months/{month}/bills", get(bills)),
        ("/clinics/{organisation_id}/months/{month}/list", get(blank).post(compare)),
    ]
}

/// The address of a month of a clinic.
pub(super) fn address(clinic: OrganisationId, month: Month) -> String {
    format!("{}/{clinic}/months/{month}", levels::LIST)
}

/// The way to a month.
pub(super) fn link(locale: Locale, clinic: &Organisation, month: Month) -> Link {
    let text = locale.text_with("clinic-months", &[("month", &month.to_string())]);
    Link { to: address(clinic.organisation_id, month), text }
}

fn back(locale: Locale, clinic: &Organisation, month: Month) -> Link {
    Link { to: address(clinic.organisation_id, month), text: title(locale, clinic, month) }
}

fn title(locale: Locale, clinic: &Organisation, month: Month) -> String {
    locale.text_with("clearing-title", &[("clinic", &clinic.name), ("month", &month.to_string())])
}

/// What is known of a month.
pub(super) struct Known {
    pub(super) clinic: Organisation,
    pub(super) month: Month,
    /// What stands.
    pub(super) sums: Sums,
    /// How many were taken back.
    pub(super) reversed: usize,
    pub(super) cleared: Option<Cleared>,
}

async fn load(app: &App, id: OrganisationId, month: Month) -> Result<(Known, Vec<Claim>), Refusal> {
    let mut connection = app.db.read().await?;
    let clinic = levels::named(&mut connection, id).await?;
    let claims = store::of_month(&mut connection, id, month).await?;
    let cleared = store::one(&mut connection, id, month).await?;
    let stands = standing(claims.clone());
    let (sums, reversed) = (sums(&stands), claims.len() - stands.len());
    Ok((Known { clinic, month, sums, reversed, cleared }, claims))
}

/// The page of a month.
pub(super) fn thing(frame: Frame, known: &Known, today: Month, wrong: Wrong) -> ThingPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let Known { clinic, month, sums, reversed, cleared } = known;
    let address = address(clinic.organisation_id, *month);
    let (state, tone) = match (cleared, *month < today) {
        (Some(_), _) => ("clearing-paid-out", Tone::Ok),
        (None, true) => ("clearing-open", Tone::Wait),
        (None, false) => ("clearing-running", Tone::Idle),
    };
    let mut facts = vec![
        (t("clearing-bills"), sums.count.to_string()),
        (t("clearing-reversed"), reversed.to_string()),
        (t("clearing-total"), sums.total.to_string()),
        (t("clearing-fund"), sums.fund.to_string()),
        (t("clearing-account"), sums.account.to_string()),
        (t("clearing-due"), sums.due().to_string()),
    ];
    facts.extend(cleared.map(|cleared| (t("clearing-paid-at"), day(cleared.at))));
    let acts = if cleared.is_none() && *month < today {
        vec![Act {
            name: "clear",
            title: t("clearing-act"),
            hint: Some(t("clearing-act-hint")),
            inputs: Vec::new(),
            button: t("clearing-act-button"),
            primary: true,
        }]
    } else {
        Vec::new()
    };
    ThingPage {
        back: Link { to: format!("{}/{}", levels::LIST, clinic.organisation_id), text: clinic.name.clone() },
        title: title(locale, clinic, *month),
        state: Tag { text: t(state), tone },
        facts,
        links: vec![
            Link { to: format!("{address}/bills"), text: t("clearing-list-bills") },
            Link { to: format!("{address}/list"), text: t("clearing-compare") },
        ],
        refused: refused(locale, wrong, &acts),
        along: Vec::new(),
        action: address,
        acts,
        frame,
    }
}

async fn shown(
    app: &App,
    who: &SignedIn,
    headers: &HeaderMap,
    (id, month): (OrganisationId, Month),
    wrong: Wrong,
) -> Result<Response, Refusal> {
    let (known, _) = load(app, id, month).await?;
    let frame = Frame::new(language(headers), address(id, month), Some(&who.0));
    asking(&thing(frame, &known, Month::of(app.today()), wrong), wrong.is_some())
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(of): Path<(OrganisationId, Month)>,
) -> Result<Response, Refusal> {
    who.require(Permission::ReconcileContributions)?;
    shown(&app, &who, &headers, of, None).await
}

async fn clear(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path((id, month)): Path<(OrganisationId, Month)>,
    Form(_): Form<std::collections::HashMap<String, String>>,
) -> Result<Response, Refusal> {
    who.require(Permission::ReconcileContributions)?;
    levels::named(&mut app.db.read().await?, id).await?;
    let key = match clearing::clear(&app.db, (who.0.staff_id, app.now()), id, month).await? {
        Ok(_) => return Ok(Redirect::to(&address(id, month)).into_response()),
        Err(NotCleared::NotOver) => "clearing-not-over",
        Err(NotCleared::Already) => "clearing-already",
        Err(NotCleared::Nothing) => "clearing-nothing",
    };
    shown(&app, &who, &headers, (id, month), Some(("clear", key))).await
}

/// The bills of a month, each by its number.
pub(super) fn listed(frame: Frame, clinic: &Organisation, month: Month, claims: &[Claim]) -> ListPage {
    let locale = frame.locale();
    let line = |claim: &Claim| {
        let (key, tone) =
            if claim.stands() { ("clearing-stands", Tone::Ok) } else { ("clearing-taken-back", Tone::Idle) };
        let settled = claim.settled.map_or_else(String::new, |settled| minute(settled.at));
        let cells = claim.payers.amounts().into_iter().map(|amount| amount.to_string());
        Line {
            to: super::claim::address(claim.id),
            name: claim.id.to_string(),
            cells: [settled].into_iter().chain(cells).collect(),
            state: Tag { text: locale.text(key), tone },
        }
    };
    let columns =
        ["clearing-number", "clearing-settled", "clearing-total", "clearing-fund", "clearing-account", "people-state"];
    ListPage {
        title: title(locale, clinic, month),
        lead: locale.text("clearing-bills-lead"),
        add: Some(Link { to: address(clinic.organisation_id, month), text: locale.text("clearing-sums") }),
        columns: columns.map(|key| locale.text(key)).into(),
        lines: claims.iter().map(line).collect(),
        none: locale.text("clearing-none"),
        frame,
    }
}

async fn bills(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path((id, month)): Path<(OrganisationId, Month)>,
) -> Result<Response, Refusal> {
    who.require(Permission::ReconcileContributions)?;
    let (known, claims) = load(&app, id, month).await?;
    let frame = Frame::new(language(&headers), format!("{}/bills", address(id, month)), Some(&who.0));
    page(&listed(frame, &known.clinic, month, &claims))
}

/// What comes of a clinic's list.
pub(super) enum Compared {
    /// It cannot be read.
    Sheet(Unusable),
    /// Rows of it say nothing.
    Rows(Vec<(u32, RowWrong)>),
    /// It says this otherwise than the books, if anything.
    Differences(Vec<Difference>),
}

/// A difference: which bill, and what is otherwise.
fn told(locale: Locale, difference: &Difference) -> (String, String) {
    let row = |row: u32| locale.text_with("filing-row", &[("row", &row.to_string())]);
    match difference {
        Difference::Unknown(stated) => {
            (row(stated.row), locale.text_with("clearing-unknown", &[("id", &stated.id.to_string())]))
        }
        Difference::Missing(claim) => {
            let total = claim.payers.total().to_string();
            (claim.id.to_string(), locale.text_with("clearing-missing", &[("total", &total)]))
        }
        Difference::Amounts(stated, claim) => {
            let said = |amounts: [card_schema::money::Fen; 3]| amounts.map(|amount| amount.to_string()).join(" / ");
            let values = [("theirs", said(stated.amounts)), ("ours", said(claim.payers.amounts()))];
            let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
            (row(stated.row), locale.text_with("clearing-differs", &values))
        }
    }
}

/// The page on which a clinic's list is compared.
pub(super) fn sheet_page(frame: Frame, clinic: &Organisation, month: Month, compared: Option<Compared>) -> SheetPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let mut lead = t("clearing-compare-lead");
    let (wrong, rows) = match compared {
        Some(Compared::Sheet(why)) => sheet::unusable(locale, why),
        Some(Compared::Rows(wrong)) => {
            sheet::rows(locale, wrong.into_iter().map(|(row, why)| (row, why.text_key(), why.at())))
        }
        Some(Compared::Differences(none)) if none.is_empty() => {
            lead = t("clearing-agrees");
            (None, Vec::new())
        }
        Some(Compared::Differences(all)) => {
            let said = locale.text_with("clearing-differences", &[("count", &all.len().to_string())]);
            (Some(said), all.iter().map(|one| told(locale, one)).collect())
        }
        None => (None, Vec::new()),
    };
    SheetPage {
        back: back(locale, clinic, month),
        action: format!("{}/list", address(clinic.organisation_id, month)),
        title: t("clearing-compare"),
        lead,
        inputs: vec![sheet::input(locale, "clearing-sheet", MAX_ROWS).wrong(wrong)],
        rows,
        button: t("clearing-compare-button"),
        frame,
    }
}

async fn blank(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path((id, month)): Path<(OrganisationId, Month)>,
) -> Result<Response, Refusal> {
    who.require(Permission::ReconcileContributions)?;
    let clinic = levels::named(&mut app.db.read().await?, id).await?;
    let frame = Frame::new(language(&headers), format!("{}/list", address(id, month)), Some(&who.0));
    sheet_page(frame, &clinic, month, None).answer()
}

async fn compare(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path((id, month)): Path<(OrganisationId, Month)>,
    request: Request,
) -> Result<Response, Refusal> {
    who.require(Permission::ReconcileContributions)?;
    let (known, claims) = load(&app, id, month).await?;
    let (_, rows) = received::<Part, 0>(request, [], MAX_ROWS).await?;
    let compared = match rows.map_err(Compared::Sheet).and_then(|rows| read(rows).map_err(Compared::Rows)) {
        Ok(stated) => Compared::Differences(differences(&standing(claims), &stated)),
        Err(wrong) => wrong,
    };
    let frame = Frame::new(language(&headers), format!("{}/list", address(id, month)), Some(&who.0));
    sheet_page(frame, &known.clinic, month, Some(compared)).answer()
}
