//! The terminals' pages: which there are, one of them, and what is done about it.

use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::clock::Micros;
use card_schema::ids::TerminalId;
use card_schema::operation::OperationCode;
use card_schema::wire::ProblemType;

use super::model::{self, RevocationReason, Terminal, TerminalState};
use super::{Code, New, NotAdded, store, unknown};
use crate::app::App;
use crate::console::frame::Frame;
use crate::console::input::Input;
use crate::console::model::Tone;
use crate::console::register::{
    Act, FormPage, Line, Link, ListPage, OncePage, ThingPage, Typed, Wrong, message, refused, typed,
};
use crate::console::view::{Choice, Tag, day, minute, operation_text};
use crate::console::{asking, page};
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::model::Permission;
use crate::people::organisation;
use crate::terminals;

const LIST: &str = "/terminals";
/// How much of what was done with a terminal is shown.
const HISTORY_SHOWN: u32 = 20;

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 3] {
    [(LIST, get(list)), ("/terminals/new", get(blank).post(add)), ("/terminals/{terminal_id}", get(show).post(change))]
}

fn to_list(locale: Locale) -> Link {
    Link { to: LIST.to_owned(), text: locale.text("terminal-title") }
}

fn state(locale: Locale, terminal: &Terminal, now: Micros) -> Tag {
    let (key, tone) = match terminal.state {
        TerminalState::Awaiting => ("terminal-awaiting", Tone::Wait),
        TerminalState::Active if terminal.certificate_until.is_some_and(|until| until <= now) => {
            ("terminal-lapsed", Tone::No)
        }
        TerminalState::Active => ("terminal-active", Tone::Ok),
        TerminalState::Revoked => ("terminal-revoked", Tone::Idle),
    };
    Tag { text: locale.text(key), tone }
}

fn place_text(locale: Locale, place: model::Place) -> String {
    locale.text(&format!("terminal-place-{}", place.name()))
}

fn operations_text(locale: Locale, operations: &[OperationCode]) -> String {
    let texts: Vec<_> = operations.iter().map(|operation| operation_text(locale, Some(*operation))).collect();
    texts.join(&locale.text("console-list-comma"))
}

/// What a terminal is for.
fn purpose(locale: Locale, operations: &[OperationCode]) -> String {
    match model::Place::of(operations) {
        Some(place) => place_text(locale, place),
        None => operations_text(locale, operations),
    }
}

fn heard_text(locale: Locale, heard: Option<Micros>) -> String {
    heard.map_or_else(|| locale.text("terminal-not-heard"), minute)
}

async fn list(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::SeeActivity)?;
    let (locale, now) = (language(&headers), app.now());
    let mut found = store::all(&mut app.db.read().await?).await?;
    let place = |one: &Terminal| {
        (one.state == TerminalState::Revoked, one.organisation.name.clone(), one.name.clone(), one.terminal_id)
    };
    found.sort_by_key(place);
    let line = |terminal: Terminal| Line {
        to: format!("{LIST}/{}", terminal.terminal_id),
        state: state(locale, &terminal, now),
        cells: vec![
            purpose(locale, &terminal.operations),
            heard_text(locale, app.heard.of(terminal.terminal_id)),
            terminal.organisation.name,
        ],
        name: terminal.name,
    };
    let columns = ["terminal-name", "terminal-place", "terminal-heard", "terminal-organisation", "people-state"];
    page(&ListPage {
        title: locale.text("terminal-title"),
        lead: locale.text("terminal-lead"),
        add: who
            .0
            .role
            .may(Permission::RunTerminals)
            .then(|| Link { to: format!("{LIST}/new"), text: locale.text("terminal-add") }),
        columns: columns.map(|key| locale.text(key)).into(),
        lines: found.into_iter().map(line).collect(),
        none: locale.text("terminal-none"),
        frame: Frame::new(locale, LIST, Some(&who.0)),
    })
}

fn form(who: &SignedIn, locale: Locale, so_far: &Typed, wrong: Wrong) -> Result<Response, Refusal> {
    let t = |key: &str| locale.text(key);
    let places = model::Place::ALL.map(|place| Choice {
        hint: operations_text(locale, place.operations()),
        ..Choice::new(place.name(), place_text(locale, place))
    });
    let text = |name: &'static str| {
        Input::text(name, t(&format!("terminal-{name}")), typed(so_far, name))
            .hint(t(&format!("terminal-{name}-hint")))
            .wrong(message(locale, wrong, name))
    };
    let action = format!("{LIST}/new");
    FormPage {
        frame: Frame::new(locale, action.clone(), Some(&who.0)),
        back: Some(to_list(locale)),
        action,
        title: t("terminal-add"),
        lead: t("terminal-add-lead"),
        inputs: vec![
            text("organisation"),
            text("name"),
            Input::choice("place", t("terminal-place"), places.into(), typed(so_far, "place"))
                .wrong(message(locale, wrong, "place")),
        ],
        button: t("people-add"),
    }
    .answer()
}

async fn blank(who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::RunTerminals)?;
    form(&who, language(&headers), &Typed::new(), None)
}

/// What was typed, where it can be taken. A name that was mistyped would make an organisation that there is not.
async fn checked(app: &App, form: &Typed) -> Result<Result<New, (&'static str, &'static str)>, Refusal> {
    const UNKNOWN: (&str, &str) = ("organisation", "terminal-organisation-unknown");
    let Some(organisation) = organisation::model::name(typed(form, "organisation")) else { return Ok(Err(UNKNOWN)) };
    if organisation::store::id_of(&mut app.db.read().await?, organisation).await?.is_none() {
        return Ok(Err(UNKNOWN));
    }
    let Some(place) = model::Place::from_name(typed(form, "place")) else {
        return Ok(Err(("place", "terminal-place-missing")));
    };
    Ok(Ok(New {
        name: typed(form, "name").to_owned(),
        organisation: organisation.to_owned(),
        operations: place.operations().into(),
    }))
}

async fn add(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::RunTerminals)?;
    let locale = language(&headers);
    let added = match checked(&app, &typed).await? {
        Ok(new) => terminals::add(&app, who.0.staff_id, new).await?.map_err(|why| match why {
            NotAdded::BadName => ("name", "terminal-name-bad"),
            NotAdded::BadOrganisation => ("organisation", "terminal-name-bad"),
            NotAdded::Closed => ("organisation", "organisation-closed"),
        }),
        Err(wrong) => Err(wrong),
    };
    match added {
        Ok(code) => page(&code_page(Frame::new(locale, LIST, Some(&who.0)), code)),
        Err(wrong) => form(&who, locale, &typed, Some(wrong)),
    }
}

fn code_page(frame: Frame, code: Code) -> OncePage {
    OncePage {
        title: frame.t("terminal-code"),
        lead: frame.t("terminal-code-lead"),
        secrets: vec![code.text],
        next: Link { to: format!("{LIST}/{}", code.terminal_id), text: frame.t("terminal-code-next") },
        frame,
    }
}

/// A terminal with what the page says of it.
struct Shown {
    terminal: Terminal,
    heard: Option<Micros>,
    history: Vec<model::Past>,
    now: Micros,
    /// Whether whoever looks may do something about it.
    runs: bool,
}

fn acts(locale: Locale, shown: &Shown, chosen: &str, wrong: Wrong) -> Vec<Act> {
    let t = |key: &str| locale.text(key);
    if !shown.runs || shown.terminal.state == TerminalState::Revoked {
        return Vec::new();
    }
    let awaits = shown.terminal.state == TerminalState::Awaiting;
    let reasons = RevocationReason::ALL
        .map(|reason| Choice::new(reason.name(), t(&format!("terminal-reason-{}", reason.name()))));
    let reason = Input::choice("reason", t("terminal-reason"), reasons.into(), chosen);
    vec![
        Act {
            name: "code",
            title: t("terminal-act-code"),
            hint: Some(t(if awaits { "terminal-act-code-hint" } else { "terminal-act-code-again-hint" })),
            inputs: Vec::new(),
            button: t("terminal-act-code-button"),
            primary: awaits,
        },
        Act {
            name: "revoke",
            title: t("terminal-act-revoke"),
            hint: Some(t("terminal-act-revoke-hint")),
            inputs: vec![reason.wrong(message(locale, wrong, "reason"))],
            button: t("terminal-act-revoke-button"),
            primary: false,
        },
    ]
}

/// What was done, by whom, when.
fn past(locale: Locale, past: &model::Past) -> (String, String) {
    let reason = past.deed.reason().map(|reason| locale.text(&format!("terminal-reason-{}", reason.name())));
    let said = [Some(minute(past.at)), past.staff.clone(), reason];
    let said: Vec<_> = said.into_iter().flatten().collect();
    (locale.text(&format!("terminal-deed-{}", past.deed.name())), said.join(&locale.text("console-list-comma")))
}

fn thing(frame: Frame, shown: &Shown, chosen: &str, wrong: Wrong) -> ThingPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let terminal = &shown.terminal;
    let acts = acts(locale, shown, chosen, wrong);
    let mut facts = vec![
        (t("terminal-organisation"), terminal.organisation.name.clone()),
        (t("terminal-place"), purpose(locale, &terminal.operations)),
        (t("terminal-heard"), heard_text(locale, shown.heard)),
    ];
    facts.extend(terminal.certificate_until.map(|until| (t("terminal-certificate"), day(until))));
    facts.extend(shown.history.iter().map(|one| past(locale, one)));
    ThingPage {
        back: to_list(locale),
        action: format!("{LIST}/{}", terminal.terminal_id),
        title: terminal.name.clone(),
        state: state(locale, terminal, shown.now),
        facts,
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
    id: TerminalId,
    (chosen, wrong): (&str, Wrong),
) -> Result<Response, Refusal> {
    let mut connection = app.db.read().await?;
    let shown = Shown {
        terminal: store::one(&mut connection, id).await?.ok_or_else(unknown)?,
        heard: app.heard.of(id),
        history: store::history(&mut connection, id, HISTORY_SHOWN).await?,
        now: app.now(),
        runs: who.0.role.may(Permission::RunTerminals),
    };
    let frame = Frame::new(language(headers), format!("{LIST}/{id}"), Some(&who.0));
    asking(&thing(frame, &shown, chosen, wrong), wrong.is_some())
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<TerminalId>,
) -> Result<Response, Refusal> {
    who.require(Permission::SeeActivity)?;
    shown(&app, &who, &headers, id, ("", None)).await
}

async fn change(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<TerminalId>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::RunTerminals)?;
    match typed(&form, "act") {
        "code" => {
            let code = terminals::give_code(&app, who.0.staff_id, id).await?;
            page(&code_page(Frame::new(language(&headers), LIST, Some(&who.0)), code))
        }
        "revoke" => {
            let chosen = typed(&form, "reason");
            let Some(reason) = RevocationReason::from_name(chosen) else {
                let wrong = Some(("reason", "terminal-reason-missing"));
                return shown(&app, &who, &headers, id, (chosen, wrong)).await;
            };
            terminals::revoke(&app, who.0.staff_id, id, reason).await?;
            Ok(Redirect::to(&format!("{LIST}/{id}")).into_response())
        }
        _ => Err(Refusal::new(ProblemType::MalformedRequest)),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use askama::Template as _;
    use card_schema::ids::OrganisationId;

    use super::super::model::Deed;
    use super::*;
    use crate::people::Organisation;

    /// The page of a terminal in every state that it has, and that of a code.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        const NOW: Micros = Micros(1_790_000_000_000_000);
        let terminal = |state, operations: &[OperationCode], until: Option<i64>| Terminal {
            terminal_id: TerminalId::from_bytes([7; 16]),
            name: "收银台 2".to_owned(),
            organisation: Organisation {
                organisation_id: OrganisationId::from_bytes([7; 16]),
                name: "测试超市".to_owned(),
            },
            operations: operations.into(),
            state,
            public_key: None,
            certificate_until: until.map(|seconds| NOW.plus_seconds(seconds)),
        };
        let shown = |terminal, heard, runs| {
            let deeds = [Deed::Revoke(RevocationReason::Misused), Deed::GiveCode, Deed::Add];
            let past = |deed| model::Past { at: NOW, deed, staff: Some("test-operator".to_owned()) };
            Shown { terminal, heard, history: deeds.map(past).into(), now: NOW, runs }
        };
        let till = model::Place::Till.operations();
        let missing = Some(("reason", "terminal-reason-missing"));
        let table = [
            ("awaiting", shown(terminal(TerminalState::Awaiting, till, None), None, true), None),
            ("active", shown(terminal(TerminalState::Active, till, Some(60)), Some(NOW), true), None),
            ("seen", shown(terminal(TerminalState::Active, till, Some(60)), Some(NOW), false), None),
            ("lapsed", shown(terminal(TerminalState::Active, &OperationCode::ALL, Some(-60)), None, true), missing),
            ("revoked", shown(terminal(TerminalState::Revoked, till, Some(60)), None, true), None),
        ];
        let mut pages = Vec::new();
        for (name, shown, wrong) in table {
            let html = thing(frame.clone(), &shown, "", wrong).render().unwrap();
            pages.push((format!("terminal-{name}"), html));
        }
        let code =
            Code { terminal_id: TerminalId::from_bytes([7; 16]), text: "7K2QH-94XWB-0TR5M-P3TCE".to_owned().into() };
        pages.push(("terminal-code".to_owned(), code_page(frame.clone(), code).render().unwrap()));
        pages
    }
}
