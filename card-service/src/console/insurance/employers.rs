//! Employers as the bureau sees them: which take part, what they have declared and what they have paid. Names no worker.

use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::ids::{OrganisationId, Shard};
use card_schema::month::Month;
use card_schema::wire::ProblemType;

use super::{Account, SHOWN};
use crate::app::App;
use crate::console::frame::Frame;
use crate::console::input::Input;
use crate::console::model::Tone;
use crate::console::register::{Act, Line, Link, ListPage, ThingPage, Typed, Wrong, message, refused, typed};
use crate::console::view::Tag;
use crate::console::{asking, page};
use crate::db::{Connection, DbError};
use crate::domains::social_security::model::Insurance;
use crate::domains::social_security::paying;
use crate::domains::social_security::scheme::Scheme;
use crate::domains::social_security::store;
use crate::domains::social_security::store::receipt::Taken;
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::model::Permission;
use crate::people::organisation::{self, Kind};

const LIST: &str = "/employers";

/// The pages of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 2] {
    [(LIST, get(list)), ("/employers/{organisation_id}", get(show).post(change))]
}

async fn list(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::ReconcileContributions)?;
    let locale = language(&headers);
    let mut connection = app.db.read().await?;
    let employers = paying::employers(&mut connection).await?;
    let risks = store::risks(&mut connection).await?;
    let lines =
        employers.into_iter().map(|(employer, name)| line(locale, employer, name, risks.get(&employer).copied()));
    page(&listed(Frame::new(locale, LIST, Some(&who.0)), lines.collect()))
}

fn takes_part(locale: Locale, risk: Option<u8>) -> Tag {
    match risk {
        Some(_) => Tag { text: locale.text("employer-takes-part"), tone: Tone::Ok },
        None => Tag { text: locale.text("employer-takes-no-part"), tone: Tone::Idle },
    }
}

pub(super) fn line(locale: Locale, employer: OrganisationId, name: String, risk: Option<u8>) -> Line {
    let class = risk.map_or_else(String::new, |risk| risk.to_string());
    Line { to: format!("{LIST}/{employer}"), name, cells: vec![class], state: takes_part(locale, risk) }
}

pub(super) fn listed(frame: Frame, lines: Vec<Line>) -> ListPage {
    let locale = frame.locale();
    ListPage {
        title: locale.text("employer-title"),
        lead: locale.text("employer-lead"),
        add: Some(Link { to: super::receipts::PAGE.to_owned(), text: locale.text("arrival-title") }),
        columns: ["people-organisation-name", "filing-risk", "people-state"].map(|key| locale.text(key)).into(),
        lines,
        none: locale.text("employer-none"),
        frame,
    }
}

/// What the bureau knows of an employer.
pub(super) struct Known {
    pub(super) id: OrganisationId,
    pub(super) name: String,
    pub(super) risk: Option<u8>,
    pub(super) classes: usize,
    pub(super) account: Account,
    pub(super) arrived: Vec<Taken>,
}

/// What an employer is called.
async fn named(connection: &mut Connection, id: OrganisationId) -> Result<String, Refusal> {
    let entry = organisation::store::one(connection, id).await?;
    let entry = entry.filter(|entry| entry.kind == Some(Kind::Employer));
    Ok(entry.ok_or(Refusal::because(ProblemType::NotFound, "organisation-unknown"))?.organisation.name)
}

async fn load(app: &App, id: OrganisationId) -> Result<Known, Refusal> {
    let mut connection = app.db.read().await?;
    let name = named(&mut connection, id).await?;
    let account = Account::of(app, &mut connection, id).await?;
    Ok(Known {
        id,
        name,
        risk: store::risk(&mut connection, id).await?,
        classes: classes(&app.scheme, account.this),
        account,
        arrived: store::receipt::of_employer(&mut connection, id, SHOWN).await?,
    })
}

/// The classes of risk that the rules know in a month.
fn classes(scheme: &Scheme, month: Month) -> usize {
    let rule = scheme.of(month).and_then(|version| version.rules.get(&Insurance::WorkInjury));
    rule.map_or(1, |rule| rule.rates.iter().map(|rates| rates.employer.rates().len()).max().unwrap_or(1))
}

/// The page of an employer.
pub(super) fn thing(frame: Frame, known: &Known, form: &Typed, wrong: Wrong) -> ThingPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let class = known.risk.map_or_else(String::new, |risk| risk.to_string());
    let value = form.get("risk").map_or(&*class, String::as_str);
    let risk = Input { max: 2, mode: "numeric", ..Input::text("risk", t("filing-risk"), value) };
    let hint = locale.text_with("employer-risk-hint", &[("classes", &known.classes.to_string())]);
    let acts = vec![Act {
        name: "class",
        title: t("employer-act-risk"),
        hint: Some(hint),
        inputs: vec![risk.wrong(message(locale, wrong, "risk"))],
        button: t("people-save"),
        primary: true,
    }];
    let account = &known.account;
    let mut facts = vec![
        (locale.text_with("filing-insured", &[("month", &account.this.to_string())]), account.insured.to_string()),
        (t("filing-credit"), account.credit.to_string()),
        (t("employer-owed"), account.owed.to_string()),
    ];
    facts.extend(account.facts(locale));
    facts.extend(known.arrived.iter().map(|one| super::receipts::fact(locale, one)));
    ThingPage {
        back: Link { to: LIST.to_owned(), text: t("employer-title") },
        action: format!("{LIST}/{}", known.id),
        title: known.name.clone(),
        state: takes_part(locale, known.risk),
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
    id: OrganisationId,
    form: &Typed,
    wrong: Wrong,
) -> Result<Response, Refusal> {
    let frame = Frame::new(language(headers), format!("{LIST}/{id}"), Some(&who.0));
    asking(&thing(frame, &load(app, id).await?, form, wrong), wrong.is_some())
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
    let most = classes(&app.scheme, Month::of(app.today()));
    let risk = typed(&form, "risk").trim().parse().ok().filter(|risk: &u8| (1..=most).contains(&usize::from(*risk)));
    let Some(risk) = risk else {
        return shown(&app, &who, &headers, id, &form, Some(("risk", "employer-risk-bad"))).await;
    };
    let (now, by) = (app.now(), who.0.staff_id);
    app.db
        .write::<_, DbError, _>(move |tx| {
            Box::pin(async move {
                tx.lock([Shard(0)]).await?;
                store::put(tx, now, by, id, risk).await
            })
        })
        .await?;
    Ok(Redirect::to(&format!("{LIST}/{id}")).into_response())
}
