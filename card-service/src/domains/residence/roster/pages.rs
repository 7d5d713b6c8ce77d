//! The pages on which an organisation is given the list of its people.

use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use card_schema::ids::OrganisationId;
use card_schema::wire::ProblemType;

use super::model::{Format, Tie, Whom};
use super::view::RosterPage;
use super::{count, list};
use crate::app::App;
use crate::console::frame::Frame;
use crate::console::register::{ListPage, Typed, Wrong, typed};
use crate::console::{asking, page};
use crate::domains::residence::import::pages::{SHEET, download};
use crate::domains::residence::import::workbook;
use crate::domains::residence::model::Facts;
use crate::http::{Refusal, SignedIn, language};
use crate::people::Purpose;
use crate::people::model::Permission;
use crate::people::organisation::pages::{columns, line};
use crate::people::organisation::{model::Entry, store};

pub(super) const LIST: &str = "/rosters";

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 2] {
    [(LIST, get(organisations)), ("/rosters/{organisation_id}", get(show).post(give))]
}

async fn organisations(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::HandOutLists)?;
    let locale = language(&headers);
    let organisations = store::all(&mut app.db.read().await?).await?;
    page(&ListPage {
        title: locale.text("roster-title"),
        lead: locale.text("roster-lead"),
        add: None,
        columns: columns(locale),
        lines: organisations.into_iter().map(|entry| line(locale, LIST, entry)).collect(),
        none: locale.text("roster-no-organisation"),
        frame: Frame::new(locale, LIST, Some(&who.0)),
    })
}

/// An organisation with how many people it has.
async fn load(app: &App, id: OrganisationId) -> Result<(Entry, Vec<(Tie, u32)>), Refusal> {
    let entry = store::one(&mut app.db.read().await?, id).await?;
    let entry = entry.ok_or(Refusal::because(ProblemType::NotFound, "organisation-unknown"))?;
    let mut counts = Vec::new();
    for tie in Tie::ALL {
        counts.push((tie, count(app, &entry.organisation.name, tie).await?));
    }
    Ok((entry, counts))
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<OrganisationId>,
) -> Result<Response, Refusal> {
    who.require(Permission::HandOutLists)?;
    let (entry, counts) = load(&app, id).await?;
    let frame = Frame::new(language(&headers), format!("{LIST}/{id}"), Some(&who.0));
    page(&RosterPage::new(frame, &entry, &counts, &Typed::new(), None))
}

/// What was asked for, where all of it was said.
fn asked(form: &Typed, counts: &[(Tie, u32)]) -> Result<(Whom, Purpose, Format), Wrong> {
    let mut lists = counts.iter().flat_map(|(tie, count)| Whom::lists(*tie, *count));
    let whom = lists.find(|list| list.name() == typed(form, "whom")).ok_or(Some(("whom", "roster-whom-missing")))?;
    let purpose = Purpose::from_name(typed(form, "given")).filter(|purpose| Purpose::OF_LISTS.contains(purpose));
    let purpose = purpose.ok_or(Some(("given", "console-purpose-missing")))?;
    let format = Format::from_name(typed(form, "format")).ok_or(Some(("format", "roster-format-missing")))?;
    Ok((whom, purpose, format))
}

async fn give(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<OrganisationId>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::HandOutLists)?;
    let (entry, counts) = load(&app, id).await?;
    let again = |wrong| {
        let frame = Frame::new(language(&headers), format!("{LIST}/{id}"), Some(&who.0));
        asking(&RosterPage::new(frame, &entry, &counts, &form, wrong), true)
    };
    let (whom, purpose, format) = match asked(&form, &counts) {
        Ok(asked) if !entry.closed => asked,
        Ok(_) => return again(None),
        Err(wrong) => return again(wrong),
    };
    let people = list(&app, who.0.staff_id, purpose, &entry.organisation.name, whom).await?;
    let (kind, file) =
        tokio::task::spawn_blocking(move || written(format, &people)).await.map_err(Refusal::internal)??;
    Ok(download(&format!("people-{}.{}", whom.name(), format.name()), kind, file))
}

fn written(format: Format, people: &[Facts]) -> Result<(&'static str, Vec<u8>), Refusal> {
    Ok(match format {
        Format::Xlsx => (SHEET, workbook::people(people).map_err(Refusal::internal)?),
        Format::Csv => ("text/csv; charset=utf-8", workbook::separated(people)),
    })
}
