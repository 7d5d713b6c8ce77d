//! The register of organisations.

use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::ids::{OrganisationId, Shard};
use card_schema::wire::ProblemType;

use super::model::{self, Entry, Kind};
use super::store;
use crate::app::App;
use crate::console::frame::Frame;
use crate::console::input::Input;
use crate::console::model::Tone;
use crate::console::register::{Act, FormPage, Line, Link, ListPage, ThingPage, Typed, Wrong, message, refused, typed};
use crate::console::view::{Choice, Tag};
use crate::console::{asking, page};
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::model::Permission;

const LIST: &str = "/organisations";

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 3] {
    [
        (LIST, get(list)),
        ("/organisations/new", get(blank).post(add)),
        ("/organisations/{organisation_id}", get(show).post(change)),
    ]
}

fn unknown() -> Refusal {
    Refusal::because(ProblemType::NotFound, "organisation-unknown")
}

fn kind_text(locale: Locale, kind: Option<Kind>) -> String {
    let name = kind.map_or("none", Kind::name).replace('_', "-");
    locale.text(&format!("people-organisation-kind-{name}"))
}

/// Whether an organisation works.
pub fn state(locale: Locale, closed: bool) -> Tag {
    let (key, tone) =
        if closed { ("people-organisation-closed", Tone::Idle) } else { ("people-organisation-working", Tone::Ok) };
    Tag { text: locale.text(key), tone }
}

/// Name and kind, with what was typed and what is wrong with it.
fn inputs(locale: Locale, name: &str, kind: &str, wrong: Wrong) -> Vec<Input> {
    let kinds = Kind::ALL.map(|kind| Choice::new(kind.name(), kind_text(locale, Some(kind))));
    vec![
        Input::text("name", locale.text("people-organisation-name"), name).wrong(message(locale, wrong, "name")),
        Input::choice("kind", locale.text("people-organisation-kind"), kinds.into(), kind)
            .wrong(message(locale, wrong, "kind")),
    ]
}

/// What was typed, where it can be taken.
fn checked(form: &Typed) -> Result<(String, Kind), (&'static str, &'static str)> {
    let name = model::name(typed(form, "name")).ok_or(("name", "terminal-name-bad"))?;
    let kind = Kind::from_name(typed(form, "kind")).ok_or(("kind", "organisation-kind-missing"))?;
    Ok((name.to_owned(), kind))
}

const TAKEN: (&str, &str) = ("name", "organisation-name-taken");

/// The headings of a list of organisations.
pub fn columns(locale: Locale) -> Vec<String> {
    ["people-organisation-name", "people-organisation-kind", "people-state"].map(|key| locale.text(key)).into()
}

/// An organisation in a list; its page lies below `list`.
pub fn line(locale: Locale, list: &str, entry: Entry) -> Line {
    Line {
        to: format!("{list}/{}", entry.organisation.organisation_id),
        name: entry.organisation.name,
        cells: vec![kind_text(locale, entry.kind)],
        state: state(locale, entry.closed),
    }
}

async fn list(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::Administer)?;
    let locale = language(&headers);
    let found = store::all(&mut app.db.read().await?).await?;
    page(&ListPage {
        title: locale.text("people-organisations"),
        lead: locale.text("people-organisations-lead"),
        add: Some(Link { to: format!("{LIST}/new"), text: locale.text("people-organisation-add") }),
        columns: columns(locale),
        lines: found.into_iter().map(|entry| line(locale, LIST, entry)).collect(),
        none: locale.text("people-organisations-none"),
        frame: Frame::new(locale, LIST, Some(&who.0)),
    })
}

fn form(who: &SignedIn, locale: Locale, typed_so_far: &Typed, wrong: Wrong) -> Result<Response, Refusal> {
    let action = format!("{LIST}/new");
    FormPage {
        frame: Frame::new(locale, action.clone(), Some(&who.0)),
        back: Some(Link { to: LIST.to_owned(), text: locale.text("people-organisations") }),
        action,
        title: locale.text("people-organisation-add"),
        lead: locale.text("people-organisation-add-lead"),
        inputs: inputs(locale, typed(typed_so_far, "name"), typed(typed_so_far, "kind"), wrong),
        button: locale.text("people-add"),
    }
    .answer()
}

async fn blank(who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::Administer)?;
    form(&who, language(&headers), &Typed::new(), None)
}

async fn add(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::Administer)?;
    let (name, kind) = match checked(&typed) {
        Ok(checked) => checked,
        Err(wrong) => return form(&who, language(&headers), &typed, Some(wrong)),
    };
    let (now, new) = (app.now(), OrganisationId(app.new_id()));
    let added = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move {
            if store::id_of(tx.conn(), &name).await?.is_some() {
                return Ok(false);
            }
            store::named(tx, now, new, &name).await?;
            store::describe(tx, now, new, kind, false).await?;
            Ok(true)
        })
    });
    if added.await? { Ok(to_list()) } else { form(&who, language(&headers), &typed, Some(TAKEN)) }
}

fn to_list() -> Response {
    Redirect::to(LIST).into_response()
}

/// The page of an organisation: what is known of it and what can be done.
fn thing(frame: Frame, entry: &Entry, terminals: i64, again: Option<&Typed>, wrong: Wrong) -> ThingPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let (name, kind) = match again {
        Some(form) => (typed(form, "name"), typed(form, "kind")),
        None => (entry.organisation.name.as_str(), entry.kind.map_or("", Kind::name)),
    };
    let save = Act {
        name: "save",
        title: t("people-organisation-change"),
        hint: None,
        inputs: inputs(locale, name, kind, wrong),
        button: t("people-save"),
        primary: true,
    };
    let act = if entry.closed { "reopen" } else { "close" };
    let closing = Act {
        name: act,
        title: t(&format!("people-organisation-{act}")),
        hint: Some(t(&format!("people-organisation-{act}-hint"))),
        inputs: Vec::new(),
        button: t(&format!("people-organisation-{act}")),
        primary: false,
    };
    let acts = vec![save, closing];
    ThingPage {
        back: Link { to: LIST.to_owned(), text: t("people-organisations") },
        action: format!("{LIST}/{}", entry.organisation.organisation_id),
        title: entry.organisation.name.clone(),
        state: state(locale, entry.closed),
        facts: vec![
            (t("people-organisation-kind"), kind_text(locale, entry.kind)),
            (t("people-terminals"), terminals.to_string()),
        ],
        links: Vec::new(),
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
    again: Option<&Typed>,
    wrong: Wrong,
) -> Result<Response, Refusal> {
    let mut connection = app.db.read().await?;
    let entry = store::one(&mut connection, id).await?.ok_or_else(unknown)?;
    let terminals = store::terminals(&mut connection, id).await?;
    let frame = Frame::new(language(headers), format!("{LIST}/{id}"), Some(&who.0));
    asking(&thing(frame, &entry, terminals, again, wrong), wrong.is_some())
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<OrganisationId>,
) -> Result<Response, Refusal> {
    who.require(Permission::Administer)?;
    shown(&app, &who, &headers, id, None, None).await
}

/// What is to become of an organisation.
enum Change {
    Save(String, Kind),
    Close,
    Reopen,
}

async fn change(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<OrganisationId>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::Administer)?;
    let wish = match typed(&form, "act") {
        "save" => match checked(&form) {
            Ok((name, kind)) => Change::Save(name, kind),
            Err(wrong) => return shown(&app, &who, &headers, id, Some(&form), Some(wrong)).await,
        },
        "close" => Change::Close,
        "reopen" => Change::Reopen,
        _ => return Err(Refusal::new(ProblemType::MalformedRequest)),
    };
    let is_save = matches!(wish, Change::Save(..));
    let now = app.now();
    let done = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move {
            // Whoever comes second sees what the first has done.
            tx.lock([Shard(0)]).await?;
            let entry = store::one(tx.conn(), id).await?.ok_or_else(unknown)?;
            match wish {
                Change::Save(name, kind) => {
                    if name != entry.organisation.name {
                        if store::id_of(tx.conn(), &name).await?.is_some() {
                            return Ok(Err(TAKEN));
                        }
                        store::rename(tx, now, id, &name).await?;
                    }
                    store::describe(tx, now, id, kind, entry.closed).await?;
                }
                Change::Close | Change::Reopen => {
                    let closed = matches!(wish, Change::Close);
                    let Some(kind) = entry.kind else { return Ok(Err(("kind", "organisation-kind-missing"))) };
                    if closed && store::terminals(tx.conn(), id).await? > 0 {
                        return Ok(Err(("close", "organisation-not-empty")));
                    }
                    store::describe(tx, now, id, kind, closed).await?;
                }
            }
            Ok(Ok(()))
        })
    });
    match done.await? {
        Ok(()) => Ok(to_list()),
        Err(wrong) => shown(&app, &who, &headers, id, is_save.then_some(&form), Some(wrong)).await,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use askama::Template as _;
    use axum::http::StatusCode;

    use super::super::Organisation;
    use super::*;
    use crate::people::StaffRole;
    use crate::testing::{Office, office};

    /// The page of an organisation in every state that it has.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        let entry = |kind, closed| Entry {
            organisation: Organisation {
                organisation_id: OrganisationId::from_bytes([7; 16]),
                name: "测试超市".into(),
            },
            kind,
            closed,
        };
        let table = [
            ("new", entry(None, false), None),
            ("closed", entry(Some(Kind::Clinic), true), None),
            ("taken", entry(Some(Kind::Merchant), false), Some(TAKEN)),
            ("in-use", entry(Some(Kind::Merchant), false), Some(("close", "organisation-not-empty"))),
        ];
        let shown = |(name, entry, wrong): (&str, Entry, Wrong)| {
            (format!("register-{name}"), thing(frame.clone(), &entry, 2, None, wrong).render().unwrap())
        };
        table.into_iter().map(shown).collect()
    }

    async fn send(office: &Office, token: &str, path: &str, form: &str) -> StatusCode {
        office.browse(Some(token), path, Some(form)).await.status
    }

    async fn find(office: &Office, name: &str) -> Option<Entry> {
        let mut connection = office.app.db.read().await.unwrap();
        let all = store::all(&mut connection).await.unwrap();
        all.into_iter().find(|entry| entry.organisation.name == name)
    }

    #[tokio::test]
    async fn an_organisation_is_added_renamed_and_closed_when_nothing_hangs_on_it_any_more() {
        let office = office().await;
        let token = office.staff("admin", StaffRole::Administrator).await;
        assert_eq!(send(&office, &token, "/organisations/new", "name=One").await, StatusCode::UNPROCESSABLE_ENTITY);
        let done = StatusCode::SEE_OTHER;
        assert_eq!(send(&office, &token, "/organisations/new", "name=One&kind=merchant").await, done);
        assert_eq!(send(&office, &token, "/organisations/new", "name=Two&kind=clinic").await, done);
        let taken = send(&office, &token, "/organisations/new", "name=Two&kind=clinic").await;
        assert_eq!(taken, StatusCode::UNPROCESSABLE_ENTITY);

        let one = find(&office, "One").await.unwrap();
        let page = format!("/organisations/{}", one.organisation.organisation_id);
        let taken = send(&office, &token, &page, "act=save&name=Two&kind=merchant").await;
        assert_eq!(taken, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(send(&office, &token, &page, "act=save&name=Three&kind=gate_site").await, done);
        assert_eq!(find(&office, "Three").await.unwrap().kind, Some(Kind::GateSite));

        let terminal = serde_json::json!({"name": "Gate", "organisation": "Three", "operations": ["gate.check"]});
        let (status, added) = office.public("POST", "/v1/terminals", Some(&token), Some(terminal.clone())).await;
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(send(&office, &token, &page, "act=close").await, StatusCode::UNPROCESSABLE_ENTITY);
        let revoke = format!("/v1/terminals/{}/revoke", added["terminal_id"].as_str().unwrap());
        let why = Some(serde_json::json!({"reason": "unneeded"}));
        office.public("POST", &revoke, Some(&token), why).await;
        assert_eq!(send(&office, &token, &page, "act=close").await, done);
        assert!(find(&office, "Three").await.unwrap().closed);
        let (status, _) = office.public("POST", "/v1/terminals", Some(&token), Some(terminal.clone())).await;
        assert_eq!(status, StatusCode::CONFLICT, "a closed organisation gets no terminals");
        assert_eq!(send(&office, &token, &page, "act=reopen").await, done);
        let (status, _) = office.public("POST", "/v1/terminals", Some(&token), Some(terminal)).await;
        assert_eq!(status, StatusCode::CREATED);
    }
}
