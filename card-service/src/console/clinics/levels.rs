//! The levels of clinics.

use std::collections::HashMap;

use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::coverage::Level;
use card_schema::ids::{OrganisationId, Shard};
use card_schema::month::Month;
use card_schema::wire::ProblemType;

use super::months;
use crate::app::App;
use crate::console::frame::Frame;
use crate::console::input::Input;
use crate::console::model::Tone;
use crate::console::register::{Act, Line, Link, ListPage, ThingPage, Typed, Wrong, message, refused, typed};
use crate::console::view::{Choice, Tag};
use crate::console::{asking, page};
use crate::db::{Connection, DbError};
use crate::domains::clinic::store;
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::model::Permission;
use crate::people::organisation::{self, Kind, Organisation};

pub(super) const LIST: &str = "/clinics";

/// The pages of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 2] {
    [(LIST, get(list)), ("/clinics/{organisation_id}", get(show).post(change))]
}

/// What a level is called.
fn called(locale: Locale, level: Level) -> String {
    locale.text(&format!("coverage-{}", level.name()))
}

fn tag(locale: Locale, level: Option<Level>) -> Tag {
    match level {
        Some(level) => Tag { text: called(locale, level), tone: Tone::Ok },
        None => Tag { text: locale.text("clinic-no-level"), tone: Tone::Idle },
    }
}

async fn list(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::ReconcileContributions)?;
    let mut connection = app.db.read().await?;
    let levels = store::levels(&mut connection).await?;
    let all = organisation::store::all(&mut connection).await?;
    let clinics = all.into_iter().filter(|entry| entry.kind == Some(Kind::Clinic)).map(|entry| entry.organisation);
    page(&listed(Frame::new(language(&headers), LIST, Some(&who.0)), clinics.collect(), &levels))
}

pub(super) fn listed(frame: Frame, clinics: Vec<Organisation>, levels: &HashMap<OrganisationId, Level>) -> ListPage {
    let locale = frame.locale();
    let line = |Organisation { organisation_id, name }| {
        let state = tag(locale, levels.get(&organisation_id).copied());
        Line { to: format!("{LIST}/{organisation_id}"), name, cells: Vec::new(), state }
    };
    ListPage {
        title: locale.text("clinic-title"),
        lead: locale.text("clinic-lead"),
        add: None,
        columns: ["people-organisation-name", "clinic-level"].map(|key| locale.text(key)).into(),
        lines: clinics.into_iter().map(line).collect(),
        none: locale.text("clinic-none"),
        frame,
    }
}

/// The clinic of a page.
pub(super) async fn named(connection: &mut Connection, id: OrganisationId) -> Result<Organisation, Refusal> {
    let entry = organisation::store::one(connection, id).await?;
    let entry = entry.filter(|entry| entry.kind == Some(Kind::Clinic));
    Ok(entry.ok_or(Refusal::because(ProblemType::NotFound, "organisation-unknown"))?.organisation)
}

/// The page of a clinic.
pub(super) fn thing(
    frame: Frame,
    (clinic, this): (&Organisation, Month),
    level: Option<Level>,
    form: &Typed,
    wrong: Wrong,
) -> ThingPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let levels = Level::ALL.map(|level| Choice::new(level.name(), called(locale, level)));
    let chosen = form.get("level").map_or_else(|| level.map_or("", Level::name), String::as_str);
    let input = Input::choice("level", t("clinic-level"), levels.into(), chosen);
    let acts = vec![Act {
        name: "level",
        title: t("clinic-act-level"),
        hint: Some(t("clinic-level-hint")),
        inputs: vec![input.wrong(message(locale, wrong, "level"))],
        button: t("people-save"),
        primary: true,
    }];
    ThingPage {
        back: Link { to: LIST.to_owned(), text: t("clinic-title") },
        action: format!("{LIST}/{}", clinic.organisation_id),
        title: clinic.name.clone(),
        state: tag(locale, level),
        facts: Vec::new(),
        links: [this.before(), this].into_iter().map(|month| months::link(locale, clinic, month)).collect(),
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
    id: OrganisationId,
    form: &Typed,
    wrong: Wrong,
) -> Result<Response, Refusal> {
    let mut connection = app.db.read().await?;
    let clinic = named(&mut connection, id).await?;
    let level = store::level(&mut connection, id).await?;
    let frame = Frame::new(language(headers), format!("{LIST}/{id}"), Some(&who.0));
    asking(&thing(frame, (&clinic, Month::of(app.today())), level, form, wrong), wrong.is_some())
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<OrganisationId>,
) -> Result<Response, Refusal> {
    who.require(Permission::ReconcileContributions)?;
    shown(&app, &who, &headers, id, &Typed::new(), None).await
}

async fn change(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<OrganisationId>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::ReconcileContributions)?;
    named(&mut app.db.read().await?, id).await?;
    let Some(level) = Level::from_name(typed(&form, "level")) else {
        return shown(&app, &who, &headers, id, &form, Some(("level", "clinic-level-missing"))).await;
    };
    let (now, by) = (app.now(), who.0.staff_id);
    let put = app.db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            tx.lock([Shard(0)]).await?;
            store::put(tx, now, by, id, level).await
        })
    });
    put.await?;
    Ok(Redirect::to(&format!("{LIST}/{id}")).into_response())
}
