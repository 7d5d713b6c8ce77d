//! Sites with gates, for whoever runs terminals: which there are, one more, and one of them with its gates and its counts.

use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::date::Date;
use card_schema::ids::{Shard, SiteId, TerminalId};
use card_schema::operation::OperationCode;
use card_schema::wire::ProblemType;

use super::model::{Site, SiteKind, hour};
use super::rules::moment;
use super::store;
use super::view::{Gate, LIST, Listed, Scene, address, inputs, list as list_of, thing};
use crate::app::App;
use crate::console::frame::Frame;
use crate::console::register::{FormPage, Link, Typed, Wrong, typed};
use crate::console::{asking, page};
use crate::db::{Connection, Tx};
use crate::http::{Refusal, SignedIn, language};
use crate::people::model::Permission;
use crate::people::{StaffId, organisation};
use crate::terminals::{self, TerminalState};

/// Days of which counts are shown: those before today, so that nobody who waits sees one person pass.
const DAYS_SHOWN: i64 = 7;

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 3] {
    [(LIST, get(list)), ("/gates/new", get(blank).post(add)), ("/gates/{site_id}", get(show).post(change))]
}

pub(super) fn unknown() -> Refusal {
    Refusal::because(ProblemType::NotFound, "gate-unknown")
}

async fn list(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::RunTerminals)?;
    let mut connection = app.db.read().await?;
    let (posts, runs) = (store::posts(&mut connection, None).await?, organisation::store::all(&mut connection).await?);
    let listed = |site: Site| {
        let organisation = runs.iter().find(|entry| entry.organisation.organisation_id == site.organisation);
        let organisation = organisation.map_or_else(String::new, |entry| entry.organisation.name.clone());
        let gates = posts.iter().filter(|post| post.site == site.id).count();
        Listed { site, organisation, gates }
    };
    let mut sites: Vec<_> = store::sites(&mut connection).await?.into_iter().map(listed).collect();
    sites.sort_by_key(|listed| listed.site.closed);
    page(&list_of(Frame::new(language(&headers), LIST, Some(&who.0)), &sites))
}

fn form(who: &SignedIn, headers: &HeaderMap, so_far: &Typed, wrong: Wrong) -> Result<Response, Refusal> {
    let (locale, action) = (language(headers), format!("{LIST}/new"));
    FormPage {
        frame: Frame::new(locale, action.clone(), Some(&who.0)),
        back: Some(Link { to: LIST.to_owned(), text: locale.text("gate-title") }),
        action,
        title: locale.text("gate-add"),
        lead: locale.text("gate-add-lead"),
        inputs: inputs(locale, so_far, wrong),
        button: locale.text("people-add"),
    }
    .answer()
}

async fn blank(who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::RunTerminals)?;
    form(&who, &headers, &Typed::new(), None)
}

/// A site as it was typed, in a shard that is locked; what is wrong with it where it cannot be taken.
async fn checked(
    connection: &mut Connection,
    id: SiteId,
    form: &Typed,
) -> Result<Result<Site, (&'static str, &'static str)>, Refusal> {
    let Some(name) = organisation::model::name(typed(form, "name")) else { return Ok(Err(("name", "gate-name-bad"))) };
    if store::named(&mut *connection, name).await?.is_some() {
        return Ok(Err(("name", "gate-name-taken")));
    }
    let Some(kind) = SiteKind::from_name(typed(form, "kind")) else { return Ok(Err(("kind", "gate-kind-missing"))) };
    let runs = match organisation::store::id_of(&mut *connection, typed(form, "organisation").trim()).await? {
        Some(found) => organisation::store::one(connection, found).await?,
        None => None,
    };
    let runs = runs.filter(|entry| entry.kind == Some(organisation::Kind::GateSite) && !entry.closed);
    let Some(runs) = runs else { return Ok(Err(("organisation", "gate-organisation-unknown"))) };
    let organisation = runs.organisation.organisation_id;
    Ok(Ok(Site { id, organisation, kind, name: name.to_owned(), closed: false }))
}

async fn add(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Form(sent): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::RunTerminals)?;
    let (now, by, id, wish) = (app.now(), who.0.staff_id, SiteId(app.new_id()), sent.clone());
    let added = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move {
            tx.lock([Shard(0)]).await?;
            let site = match checked(tx.conn(), id, &wish).await? {
                Ok(site) => site,
                Err(wrong) => return Ok(Err(wrong)),
            };
            store::insert_site(tx, now, by, &site).await?;
            Ok(Ok(()))
        })
    });
    match added.await? {
        Ok(()) => Ok(Redirect::to(&address(id)).into_response()),
        Err(wrong) => form(&who, &headers, &sent, Some(wrong)),
    }
}

/// The terminals that may stand at a site: those of whoever runs it that ask a gate's question.
async fn gates(connection: &mut Connection, site: &Site) -> Result<Vec<Gate>, Refusal> {
    let (posts, sites) = (store::posts(&mut *connection, None).await?, store::sites(&mut *connection).await?);
    let mut found = Vec::new();
    for terminal in terminals::store::all(connection).await? {
        let post = posts.iter().find(|post| post.terminal == terminal.terminal_id);
        let is_gate = terminal.organisation.organisation_id == site.organisation
            && terminal.state != TerminalState::Revoked
            && terminal.operations.contains(&OperationCode::GateCheck);
        let here = post.is_some_and(|post| post.site == site.id);
        if is_gate || here {
            let at = post.and_then(|post| sites.iter().find(|site| site.id == post.site)).map(|site| site.name.clone());
            found.push(Gate { terminal: terminal.terminal_id, name: terminal.name, at, here });
        }
    }
    Ok(found)
}

async fn load(app: &App, id: SiteId) -> Result<Scene, Refusal> {
    let mut connection = app.db.read().await?;
    let site = store::one(&mut connection, id).await?.ok_or_else(unknown)?;
    let runs = organisation::store::one(&mut connection, site.organisation).await?;
    let organisation = runs.map_or_else(String::new, |entry| entry.organisation.name);
    let gates = gates(&mut connection, &site).await?;
    let today = app.today();
    let first = Date::from_days(today.days() - DAYS_SHOWN).unwrap_or(today);
    let shown = (hour(moment(first, 0)), hour(moment(today, 0)));
    let hours = store::hours(&mut connection, id, shown, app.db.engine().shards()).await?;
    Ok(Scene { site, organisation, gates, hours })
}

async fn shown(
    app: &App,
    who: &SignedIn,
    headers: &HeaderMap,
    id: SiteId,
    form: &Typed,
    wrong: Wrong,
) -> Result<Response, Refusal> {
    let scene = load(app, id).await?;
    let frame = Frame::new(language(headers), address(id), Some(&who.0));
    asking(&thing(frame, &scene, form, wrong), wrong.is_some())
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<SiteId>,
) -> Result<Response, Refusal> {
    who.require(Permission::RunTerminals)?;
    shown(&app, &who, &headers, id, &Typed::new(), None).await
}

/// Does what was asked for, in a shard that is locked; what is wrong with it where it cannot be done.
async fn apply(
    app: &App,
    tx: &mut Tx,
    by: StaffId,
    id: SiteId,
    form: &Typed,
) -> Result<Result<(), (&'static str, &'static str)>, Refusal> {
    let now = app.now();
    let site = store::one(tx.conn(), id).await?.ok_or_else(unknown)?;
    if site.closed {
        return Ok(Err(("close", "gate-closed-already")));
    }
    let act = typed(form, "act");
    let chosen = |gates: Vec<Gate>, here: bool| {
        let wanted = typed(form, act).parse::<TerminalId>().ok();
        gates.into_iter().find(|gate| gate.here == here && Some(gate.terminal) == wanted).map(|gate| gate.terminal)
    };
    match act {
        "put" => match chosen(gates(tx.conn(), &site).await?, false) {
            Some(terminal) => store::place(tx, now, by, terminal, Some(id)).await?,
            None => return Ok(Err(("put", "gate-terminal-missing"))),
        },
        "take" => match chosen(gates(tx.conn(), &site).await?, true) {
            Some(terminal) => store::place(tx, now, by, terminal, None).await?,
            None => return Ok(Err(("take", "gate-terminal-missing"))),
        },
        "close" => store::close(tx, now, by, id).await?,
        _ => return Err(Refusal::new(ProblemType::MalformedRequest)),
    }
    Ok(Ok(()))
}

async fn change(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<SiteId>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::RunTerminals)?;
    let (shared, by, wish) = (app.clone(), who.0.staff_id, form.clone());
    let done = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move {
            tx.lock([Shard(0)]).await?;
            apply(&shared, tx, by, id, &wish).await
        })
    });
    match done.await? {
        Ok(()) => Ok(Redirect::to(&address(id)).into_response()),
        Err(wrong) => shown(&app, &who, &headers, id, &form, Some(wrong)).await,
    }
}
