//! What a clerk does so that a holder passes gates: says where, why and when, sees what was said, ends it. What was said is a part of
//! the person's record: it is shown to whoever says why, and the holder can see that. Not here: deciding at gates
//! (`domains::gate`).

use askama::Template;
use axum::extract::{Form, FromRequestParts};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::date::Date;
use card_schema::gate::{Hours, Weekdays, Window};
use card_schema::ids::{HolderId, SiteId};
use card_schema::wire::ProblemType;
use serde::Deserialize;
use uuid::Uuid;

use super::frame::Frame;
use super::history::Line;
use super::input::Input;
use super::model::Tone;
use super::register::{FormPage, Link, Typed, Wrong, message, typed};
use super::view::{Choice, Tag, minute};
use super::{asking, page};
use crate::app::App;
use crate::db::{Connection, DbError, Tx};
use crate::domains::gate::model::{Credential, EndReason, Reason, Site};
use crate::domains::gate::rules::{check_days, is_over, minute as minute_of};
use crate::domains::gate::store::{self as sites, credentials};
use crate::domains::gate::view::{days_text, hours_text, kind_text, reason_text, window_text};
use crate::domains::residence::view::AskPage;
use crate::domains::residence::{self, merge};
use crate::http::{self, Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::keys::seal;
use crate::people::model::Permission;
use crate::people::{Purpose, Staff, StaffId, member};

#[cfg(test)]
pub(super) mod tests;

/// What holders see that was read.
const READ: &str = "gates";
/// What is asked on the first page, …
const WHERE: [&str; 2] = ["site", "reason"];
/// … and on the second.
const WHEN: [&str; 11] =
    ["first", "last", "day_1", "day_2", "day_3", "day_4", "day_5", "day_6", "day_7", "from_time", "until_time"];

/// The pages of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 3] {
    [
        ("/holders/{holder_id}/gates", get(ask).post(look)),
        ("/holders/{holder_id}/gates/new", get(begin).post(step)),
        ("/holders/{holder_id}/gates/{credential_id}", get(ask_end).post(end)),
    ]
}

/// A clerk at somebody who is registered.
struct At {
    app: App,
    who: SignedIn,
    desk: Desk,
    /// What the page is about, where it is about one.
    credential: Option<Uuid>,
}

/// What of it pages show.
struct Desk {
    locale: Locale,
    staff: Staff,
    holder: HolderId,
    today: Date,
}

#[derive(Deserialize)]
struct AtPath {
    holder_id: HolderId,
    credential_id: Option<Uuid>,
}

impl FromRequestParts<App> for At {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let who = SignedIn::from_request_parts(parts, app).await?;
        who.require(Permission::ServeHolders)?;
        let http::Path(AtPath { holder_id, credential_id }) = http::Path::from_request_parts(parts, app).await?;
        residence::require_known(&mut app.db.read().await?, holder_id).await?;
        let (locale, staff, today) = (language(&parts.headers), who.0.clone(), app.today());
        let desk = Desk { locale, staff, holder: holder_id, today };
        Ok(Self { app: app.clone(), who, desk, credential: credential_id })
    }
}

impl Desk {
    fn address(&self, of: &str) -> String {
        format!("/holders/{}/gates{of}", self.holder)
    }

    fn frame(&self, of: &str) -> Frame {
        Frame::new(self.locale, self.address(of), Some(&self.staff))
    }

    fn t(&self, key: &str) -> String {
        self.locale.text(key)
    }

    fn to_holder(&self) -> Link {
        Link { to: format!("/holders/{}", self.holder), text: self.t("console-holder-title") }
    }
}

/// Where a reason lies.
fn place(holder: HolderId, id: Uuid) -> Vec<u8> {
    seal::place(&[&holder.as_bytes()[..], id.as_bytes()].concat(), "gate_credential", "reason")
}

/// What was typed of when somebody may pass; what is wrong with it.
fn read_window(form: &Typed) -> Result<Window, (&'static str, &'static str)> {
    let day = |name: &'static str| typed(form, name).trim().parse().map_err(|_| (name, "gate-day-bad"));
    let (first, last) = (day("first")?, day("last")?);
    let bits =
        (0..7_u8).filter(|day| typed(form, WHEN[usize::from(*day) + 2]) == "yes").fold(0, |bits, day| bits | 1 << day);
    let days = Weekdays::from_bits(bits).ok_or(("days", "gate-days-missing"))?;
    let time = |name: &'static str| minute_of(typed(form, name)).ok_or((name, "gate-time-bad"));
    let (from, until) = (time("from_time")?, time("until_time")?);
    let hours = Hours::new(from, until).ok_or(("from_time", "gate-time-bad"))?;
    Ok(Window { first, last, days, hours })
}

/// What was answered to these questions, to go along.
fn along(form: &Typed, step: &str, names: &[&'static str]) -> Vec<(&'static str, String)> {
    let answered = names.iter().map(|name| (*name, typed(form, name).to_owned()));
    [("step", step.to_owned())].into_iter().chain(answered.filter(|(_, value)| !value.is_empty())).collect()
}

fn where_page(at: &Desk, found: &[Site], form: &Typed, wrong: Wrong) -> AskPage {
    let open = found.iter().filter(|site| !site.closed);
    let places = open.map(|site| Choice {
        hint: kind_text(at.locale, site.kind),
        ..Choice::new(site.id.to_string(), site.name.clone())
    });
    let reasons = Reason::ALL.map(|reason| Choice::new(reason.name(), reason_text(at.locale, reason)));
    let asked = |name, key: &str, choices| {
        Input::choice(name, at.t(key), choices, typed(form, name)).wrong(message(at.locale, wrong, name))
    };
    AskPage {
        frame: at.frame("/new"),
        action: at.address("/new"),
        back: format!("/holders/{}", at.holder),
        title: at.t("gate-grant"),
        lead: at.t("gate-grant-lead"),
        along: along(form, "where", &WHEN),
        inputs: vec![
            asked("site", "gate-site-ask", places.collect()),
            asked("reason", "gate-reason-ask", reasons.into()),
        ],
        meanwhile: None,
        button: at.t("residence-continue"),
    }
}

fn when_page(at: &Desk, form: &Typed, wrong: Wrong) -> AskPage {
    let text = |name: &'static str, hint: &str| {
        let text = Input::text(name, at.t(&format!("gate-{}", name.replace('_', "-"))), typed(form, name));
        Input { max: 12, ..text.hint(at.t(hint)).wrong(message(at.locale, wrong, name)) }
    };
    let day = |day: usize| {
        let name = WHEN[day + 1];
        let chosen = typed(form, name) == "yes" || !form.contains_key("first");
        Choice { chosen, ..Choice::new(name, at.t(&format!("gate-day-{day}"))) }
    };
    let days = Input::some_of("days", at.t("gate-days-ask"), (1..=7).map(day).collect());
    AskPage {
        frame: at.frame("/new"),
        action: at.address("/new"),
        back: at.address("/new"),
        title: at.t("gate-when"),
        lead: at.t("gate-when-lead"),
        along: along(form, "when", &WHERE),
        inputs: vec![
            text("first", "gate-day-hint"),
            text("last", "gate-day-hint"),
            days.wrong(message(at.locale, wrong, "days")),
            text("from_time", "gate-time-hint"),
            text("until_time", "gate-until-time-hint"),
        ],
        meanwhile: None,
        button: at.t("residence-continue"),
    }
}

/// What was answered, once more, before it is so.
#[derive(Debug, Template)]
#[template(path = "gate/check.html")]
struct CheckPage {
    frame: Frame,
    action: String,
    back: Link,
    /// Labels and values.
    answers: Vec<(String, String)>,
    along: Vec<(&'static str, String)>,
}

fn check_page(at: &Desk, site: &Site, reason: Reason, window: &Window, form: &Typed) -> CheckPage {
    let answer = |key: &str, value: String| (at.t(key), value);
    let all: Vec<_> = WHERE.iter().chain(&WHEN).copied().collect();
    let mut answered = along(form, "", &all);
    answered.remove(0);
    CheckPage {
        frame: at.frame("/new"),
        action: at.address("/new"),
        back: at.to_holder(),
        answers: vec![
            answer("gate-site", site.name.clone()),
            answer("gate-reason", reason_text(at.locale, reason)),
            answer("gate-first", window.first.to_string()),
            answer("gate-last", window.last.to_string()),
            answer("gate-days-ask", days_text(at.locale, window.days)),
            answer("gate-hours", hours_text(at.locale, window.hours)),
        ],
        along: answered,
    }
}

async fn begin(at: At) -> Result<Response, Refusal> {
    let found = sites::sites(&mut at.app.db.read().await?).await?;
    page(&where_page(&at.desk, &found, &Typed::new(), None))
}

/// Asks the next question, or grants.
async fn step(at: At, Form(form): Form<Typed>) -> Result<Response, Refusal> {
    let found = sites::sites(&mut at.app.db.read().await?).await?;
    let again = |wrong| asking(&where_page(&at.desk, &found, &form, wrong), wrong.is_some());
    let chosen = typed(&form, "site").parse::<SiteId>().ok();
    let site = found.iter().find(|site| !site.closed && Some(site.id) == chosen);
    let (site, reason) = match (site, Reason::from_name(typed(&form, "reason"))) {
        _ if typed(&form, "step") == "again" => return again(None),
        (None, _) => return again(Some(("site", "gate-site-missing"))),
        (_, None) => return again(Some(("reason", "gate-reason-missing"))),
        (Some(site), Some(reason)) => (site, reason),
    };
    let window = read_window(&form).and_then(|window| {
        check_days(window.first, window.last, at.desk.today)?;
        Ok(window)
    });
    match (typed(&form, "step"), window) {
        ("where", _) if !form.contains_key("first") => page(&when_page(&at.desk, &with_today(&at.desk, &form), None)),
        ("where", _) => page(&when_page(&at.desk, &form, None)),
        ("when" | "grant", Err(wrong)) => asking(&when_page(&at.desk, &form, Some(wrong)), true),
        ("when", Ok(window)) => page(&check_page(&at.desk, site, reason, &window, &form)),
        ("grant", Ok(window)) => {
            let (shared, by, holder, id) = (at.app.clone(), at.who.0.staff_id, at.desk.holder, site.id);
            let granted = at.app.db.write::<_, Refusal, _>(move |tx| {
                Box::pin(async move { grant(&shared, tx, by, holder, (id, reason, window)).await })
            });
            granted.await?;
            Ok(Redirect::to(&format!("/holders/{holder}")).into_response())
        }
        _ => Err(Refusal::new(ProblemType::MalformedRequest)),
    }
}

/// The form of whoever has not said when yet: every day, from today on.
fn with_today(at: &Desk, form: &Typed) -> Typed {
    let mut form = form.clone();
    form.insert("first".to_owned(), at.today.to_string());
    form.extend((1..=7).map(|day| (format!("day_{day}"), "yes".to_owned())));
    form
}

/// Lets a holder pass. Whoever sends it twice has granted it once.
async fn grant(
    app: &App,
    tx: &mut Tx,
    by: StaffId,
    holder: HolderId,
    (site, reason, window): (SiteId, Reason, Window),
) -> Result<(), Refusal> {
    tx.lock([holder.shard()]).await?;
    merge::require_primary(tx.conn(), holder).await?;
    let known = credentials::of_holder(tx.conn(), holder).await?;
    if known.iter().any(|one| one.ended.is_none() && (one.site, one.window) == (site, window)) {
        return Ok(());
    }
    let (id, granted_at) = (app.new_id(), app.now());
    let reason = residence::seal_word(app, tx.conn(), holder, &place(holder, id), reason.name()).await?;
    let new = Credential { id, holder, site, window, reason, granted_at, granted_by: by, ended: None };
    Ok(credentials::insert(tx, &new).await?)
}

fn purpose_page(at: &Desk, wrong: Wrong) -> FormPage {
    let purposes = Choice::of_person(at.locale, at.staff.role.purposes());
    let why = Input::choice("reason", at.t("timeline-ask"), purposes, "");
    FormPage {
        frame: at.frame(""),
        back: Some(at.to_holder()),
        action: at.address(""),
        title: at.t("gate-granted"),
        lead: at.t("gate-granted-lead"),
        inputs: vec![why.wrong(message(at.locale, wrong, "reason"))],
        button: at.t("timeline-button"),
    }
}

async fn ask(at: At) -> Result<Response, Refusal> {
    purpose_page(&at.desk, None).answer()
}

/// Where and when somebody may pass.
#[derive(Clone, Debug)]
struct Granted {
    site: String,
    state: Tag,
    /// Labels and values.
    facts: Vec<(String, String)>,
    /// Where it is ended; nothing where it is over.
    end: Option<String>,
}

/// What was granted to a holder, for somebody who said why.
#[derive(Debug, Template)]
#[template(path = "gate/granted.html")]
struct GrantedPage {
    frame: Frame,
    back: Link,
    add: String,
    lines: Vec<Granted>,
    purpose: String,
}

/// A credential with words for it.
struct Known {
    credential: Credential,
    reason: Option<Reason>,
    site: String,
    by: String,
}

fn granted(at: &Desk, known: &Known) -> Granted {
    let locale = at.locale;
    let Known { credential, reason, site, by } = known;
    let over = is_over(&credential.window, credential.ended.is_some(), at.today);
    let (key, tone) = match &credential.ended {
        Some(_) => ("gate-ended", Tone::No),
        None if over => ("gate-over", Tone::Idle),
        None if credential.window.first > at.today => ("gate-to-come", Tone::Wait),
        None => ("gate-in-force", Tone::Ok),
    };
    let mut facts = vec![
        (at.t("gate-reason"), reason.map_or_else(String::new, |reason| reason_text(locale, reason))),
        (at.t("gate-window"), window_text(locale, &credential.window)),
        (at.t("gate-granted-at"), format!("{} · {by}", minute(credential.granted_at))),
    ];
    facts.extend(credential.ended.map(|(ended, _, because)| {
        (at.t("gate-ended-at"), format!("{} · {}", minute(ended), end_text(locale, because)))
    }));
    Granted {
        site: site.clone(),
        state: Tag { text: at.t(key), tone },
        facts,
        end: (!over).then(|| at.address(&format!("/{}", credential.id))),
    }
}

fn granted_page(at: &Desk, lines: Vec<Granted>, purpose: Purpose) -> GrantedPage {
    GrantedPage {
        frame: at.frame(""),
        back: at.to_holder(),
        add: at.address("/new"),
        lines,
        purpose: super::view::reason(at.locale, purpose),
    }
}

fn end_text(locale: Locale, because: EndReason) -> String {
    locale.text(&format!("gate-end-{}", because.name().replace('_', "-")))
}

async fn staff_name(connection: &mut Connection, id: StaffId) -> Result<String, DbError> {
    Ok(member::store::one(connection, id).await?.map_or_else(String::new, |found| found.staff.name))
}

fn site_name(all: &[Site], id: SiteId) -> String {
    all.iter().find(|site| site.id == id).map_or_else(String::new, |site| site.name.clone())
}

async fn look(at: At, Form(form): Form<Typed>) -> Result<Response, Refusal> {
    let Some(purpose) = Purpose::from_name(typed(&form, "reason")) else {
        return purpose_page(&at.desk, Some(("reason", "console-purpose-missing"))).answer();
    };
    at.who.require_purpose(purpose)?;
    let (shared, reader, holder) = (at.app.clone(), at.who.0.staff_id, at.desk.holder);
    let found = at.app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move {
            let found = credentials::of_holder(tx.conn(), holder).await?;
            let sealed: Vec<_> = found.iter().map(|one| (place(holder, one.id), &*one.reason)).collect();
            let words = residence::open_words(&shared, tx, reader, (holder, READ), purpose, &sealed).await?;
            let reasons: Vec<_> = words.iter().map(|word| Reason::from_name(word)).collect();
            Ok(found.into_iter().zip(reasons).collect::<Vec<_>>())
        })
    });
    let found = found.await?;
    let mut connection = at.app.db.read().await?;
    let all = sites::sites(&mut connection).await?;
    let mut lines = Vec::new();
    for (credential, reason) in found {
        let by = staff_name(&mut connection, credential.granted_by).await?;
        let site = site_name(&all, credential.site);
        lines.push(granted(&at.desk, &Known { credential, reason, site, by }));
    }
    page(&granted_page(&at.desk, lines, purpose))
}

fn end_page(at: &Desk, id: Uuid, wrong: Wrong) -> FormPage {
    let reasons = EndReason::ALL.map(|reason| Choice::new(reason.name(), end_text(at.locale, reason)));
    let why = Input::choice("change", at.t("gate-end-ask"), reasons.into(), "");
    FormPage {
        frame: at.frame(&format!("/{id}")),
        back: Some(at.to_holder()),
        action: at.address(&format!("/{id}")),
        title: at.t("gate-end"),
        lead: at.t("gate-end-lead"),
        inputs: vec![why.wrong(message(at.locale, wrong, "change"))],
        button: at.t("gate-end-button"),
    }
}

/// What of a holder's is meant.
async fn meant(connection: &mut Connection, at: (HolderId, Option<Uuid>)) -> Result<Credential, Refusal> {
    let found = credentials::of_holder(connection, at.0).await?;
    let found = found.into_iter().find(|one| Some(one.id) == at.1);
    found.ok_or(Refusal::because(ProblemType::NotFound, "gate-credential-unknown"))
}

async fn ask_end(at: At) -> Result<Response, Refusal> {
    let found = meant(&mut at.app.db.read().await?, (at.desk.holder, at.credential)).await?;
    end_page(&at.desk, found.id, None).answer()
}

async fn end(at: At, Form(form): Form<Typed>) -> Result<Response, Refusal> {
    let of = (at.desk.holder, at.credential);
    let Some(because) = EndReason::from_name(typed(&form, "change")) else {
        let found = meant(&mut at.app.db.read().await?, of).await?;
        return end_page(&at.desk, found.id, Some(("change", "gate-end-missing"))).answer();
    };
    let (now, by) = (at.app.now(), at.who.0.staff_id);
    let ended = at.app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move {
            tx.lock([of.0.shard()]).await?;
            let found = meant(tx.conn(), of).await?;
            // Ended twice is ended once.
            if found.ended.is_none() {
                credentials::end(tx, now, by, &found, because).await?;
            }
            Ok(())
        })
    });
    ended.await?;
    Ok(Redirect::to(&at.desk.address("")).into_response())
}

/// What was granted and ended, for somebody who looks at all that was done with a person.
pub(super) async fn history(
    connection: &mut Connection,
    locale: Locale,
    holder: HolderId,
) -> Result<Vec<Line>, Refusal> {
    let all = sites::sites(&mut *connection).await?;
    let mut lines = Vec::new();
    for one in credentials::of_holder(&mut *connection, holder).await? {
        let site = site_name(&all, one.site);
        let by = staff_name(&mut *connection, one.granted_by).await?;
        lines.push(Line::at(one.granted_at, locale.text("timeline-gate-granted"), site.clone(), by));
        if let Some((at, by, because)) = one.ended {
            let why = [site, end_text(locale, because)].join(&locale.text("console-list-comma"));
            let by = staff_name(&mut *connection, by).await?;
            lines.push(Line::at(at, locale.text("timeline-gate-ended"), why, by));
        }
    }
    Ok(lines)
}
