//! The pages of what looks wrong: the terminals, and one of them with what was counted and what somebody has found.

use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::money::Fen;
use uuid::Uuid;

use super::model::{Counts, Finding, Noted, Rule, Tap};
use super::{store, unknown};
use crate::app::App;
use crate::cards::activity::{self, ActivityPurpose};
use crate::console::frame::Frame;
use crate::console::input::Input;
use crate::console::model::Tone;
use crate::console::register::{Act, Line, Link, ListPage, ThingPage, Typed, Wrong, message, refused, typed};
use crate::console::view::{Choice, Tag, minute, operation_text, short};
use crate::console::{asking, page};
use crate::db::Tx;
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::model::Permission;

const LIST: &str = "/suspicions";
/// How many the list shows.
const SHOWN: u32 = 100;
/// Taps that a page shows.
const TAPS_SHOWN: u32 = 50;

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 2] {
    [(LIST, get(list)), ("/suspicions/{suspicion_id}", get(show).post(review))]
}

fn address(id: Uuid) -> String {
    format!("{LIST}/{id}")
}

/// A name in keys of texts.
fn key(name: &str) -> String {
    name.replace('_', "-")
}

fn rule_text(locale: Locale, rule: Rule) -> String {
    locale.text(&format!("suspicion-rule-{}", key(rule.name())))
}

fn finding_text(locale: Locale, finding: Finding) -> String {
    locale.text(&format!("suspicion-finding-{}", key(finding.name())))
}

fn state(locale: Locale, noted: &Noted) -> Tag {
    match &noted.review {
        None => Tag { text: locale.text("suspicion-open"), tone: Tone::Wait },
        Some((finding, ..)) => Tag { text: finding_text(locale, *finding), tone: Tone::Idle },
    }
}

fn list_page(frame: Frame, found: &[Noted]) -> ListPage {
    let locale = frame.locale();
    let line = |noted: &Noted| Line {
        to: address(noted.suspicion.id),
        name: noted.name.clone(),
        cells: vec![
            noted.organisation.clone(),
            rule_text(locale, noted.suspicion.rule),
            minute(noted.suspicion.found_at),
        ],
        state: state(locale, noted),
    };
    ListPage {
        title: locale.text("suspicion-title"),
        lead: locale.text("suspicion-lead"),
        add: None,
        columns: ["terminal-name", "terminal-organisation", "suspicion-what", "suspicion-found", "suspicion-state"]
            .map(|key| locale.text(key))
            .into(),
        lines: found.iter().map(line).collect(),
        none: locale.text("suspicion-none"),
        frame,
    }
}

async fn list(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::ReviewSuspicions)?;
    let found = store::all(&mut app.db.read().await?, SHOWN).await?;
    page(&list_page(Frame::new(language(&headers), LIST, Some(&who.0)), &found))
}

/// One of them, with the taps that speak for it.
struct Scene {
    noted: Noted,
    taps: Vec<Tap>,
    apart_s: u32,
}

async fn load(app: &App, who: &SignedIn, id: Uuid) -> Result<Scene, Refusal> {
    let (now, by, bounds) = (app.now(), who.0.staff_id, app.config.suspicion);
    let noted = app.db.write::<_, Refusal, _>(move |tx: &mut Tx| {
        Box::pin(async move {
            let noted = store::one(tx.conn(), id).await?.ok_or_else(unknown)?;
            activity::store::record(tx, now, by, ActivityPurpose::Oversight, None).await?;
            Ok(noted)
        })
    });
    // A day's taps are looked through once the look is recorded: nobody who writes waits for it.
    let noted = noted.await?;
    let taps = store::taps(&mut app.db.read().await?, &noted.suspicion, bounds, TAPS_SHOWN).await?;
    Ok(Scene { noted, taps, apart_s: bounds.apart_s })
}

/// What is wrong, with its numbers.
fn because(locale: Locale, scene: &Scene) -> String {
    let suspicion = &scene.noted.suspicion;
    let Counts { cards, too_fast, refunded, wrong_pins, .. } = suspicion.counts;
    let (counted, most) = match suspicion.rule {
        Rule::TooFast => (too_fast.to_string(), suspicion.most.to_string()),
        Rule::ManyCards => (cards.to_string(), suspicion.most.to_string()),
        Rule::RefundsOverSales => (refunded.to_string(), Fen(suspicion.most).to_string()),
        Rule::WrongPins => (wrong_pins.to_string(), suspicion.most.to_string()),
    };
    let said = [("counted", counted), ("most", most), ("seconds", scene.apart_s.to_string())];
    let said = said.each_ref().map(|(name, value)| (*name, value.as_str()));
    locale.text_with(&format!("suspicion-because-{}", key(suspicion.rule.name())), &said)
}

fn facts(locale: Locale, scene: &Scene) -> Vec<(String, String)> {
    let t = |key: &str| locale.text(key);
    let said = |parts: Vec<String>| parts.join(&t("console-list-comma"));
    let yuan = |amount: Fen| locale.text_with("reversal-yuan", &[("amount", &amount.to_string())]);
    let Noted { suspicion, organisation, review, .. } = &scene.noted;
    let counts = suspicion.counts;
    let mut facts = vec![
        (t("terminal-organisation"), organisation.clone()),
        (t("suspicion-what"), because(locale, scene)),
        (t("suspicion-until"), minute(suspicion.found_at)),
        (t("suspicion-cards"), counts.cards.to_string()),
        (t("suspicion-sold"), yuan(counts.sold)),
        (t("suspicion-refunds"), said(vec![counts.refunds.to_string(), yuan(counts.refunded)])),
        (t("suspicion-too-fast"), counts.too_fast.to_string()),
        (t("suspicion-wrong-pins"), counts.wrong_pins.to_string()),
    ];
    facts.extend(scene.taps.iter().map(|tap| {
        let mut parts = vec![operation_text(locale, Some(tap.operation))];
        parts.extend(tap.amount.map(yuan));
        parts.push(locale.text_with("quarantine-card", &[("card", &short(&tap.card.to_string()))]));
        parts.extend(tap.other.as_ref().map(|place| locale.text_with("suspicion-other", &[("place", place)])));
        (minute(tap.at), said(parts))
    }));
    if let Some((finding, at, staff)) = review {
        facts
            .push((t("suspicion-reviewed-at"), said(vec![minute(*at), finding_text(locale, *finding), staff.clone()])));
    }
    facts
}

/// What somebody has found.
fn ask(locale: Locale, form: &Typed, wrong: Wrong) -> Act {
    let t = |key: &str| locale.text(key);
    let findings = Finding::ALL.map(|finding| Choice {
        hint: t(&format!("suspicion-finding-{}-hint", key(finding.name()))),
        ..Choice::new(finding.name(), finding_text(locale, finding))
    });
    Act {
        name: "review",
        title: t("suspicion-act"),
        hint: Some(t("suspicion-act-hint")),
        inputs: vec![
            Input::choice("finding", t("suspicion-finding"), findings.into(), typed(form, "finding"))
                .wrong(message(locale, wrong, "finding")),
        ],
        button: t("suspicion-button"),
        primary: true,
    }
}

fn thing(frame: Frame, scene: &Scene, form: &Typed, wrong: Wrong) -> ThingPage {
    let locale = frame.locale();
    let is_open = scene.noted.review.is_none();
    let acts = if is_open { vec![ask(locale, form, wrong)] } else { Vec::new() };
    let terminal = scene.noted.suspicion.terminal;
    ThingPage {
        back: Link { to: LIST.to_owned(), text: locale.text("suspicion-title") },
        action: address(scene.noted.suspicion.id),
        title: locale.text_with("suspicion-of", &[("terminal", &scene.noted.name)]),
        state: state(locale, &scene.noted),
        facts: facts(locale, scene),
        links: vec![Link { to: format!("/terminals/{terminal}"), text: locale.text("suspicion-see-terminal") }],
        refused: refused(locale, wrong, &acts),
        along: Vec::new(),
        acts,
        frame,
    }
}

async fn shown(
    app: &App,
    who: &SignedIn,
    locale: Locale,
    id: Uuid,
    form: &Typed,
    wrong: Wrong,
) -> Result<Response, Refusal> {
    let scene = load(app, who, id).await?;
    let frame = Frame::new(locale, address(id), Some(&who.0));
    asking(&thing(frame, &scene, form, wrong), wrong.is_some())
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<Response, Refusal> {
    who.require(Permission::ReviewSuspicions)?;
    shown(&app, &who, language(&headers), id, &Typed::new(), None).await
}

async fn review(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::ReviewSuspicions)?;
    let locale = language(&headers);
    let Some(finding) = Finding::from_name(typed(&form, "finding")) else {
        return shown(&app, &who, locale, id, &form, Some(("finding", "suspicion-finding-missing"))).await;
    };
    match super::review(&app, who.0.staff_id, id, finding).await? {
        Ok(()) => Ok(Redirect::to(&address(id)).into_response()),
        Err(key) => shown(&app, &who, locale, id, &form, Some(("review", key))).await,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use askama::Template as _;
    use card_schema::clock::Micros;
    use card_schema::ids::{CardId, Shard, TerminalId};
    use card_schema::operation::OperationCode;

    use super::super::model::Suspicion;
    use super::*;

    const AT: Micros = Micros(1_790_000_000_000_000);

    fn scene(rule: Rule, review: Option<Finding>) -> Scene {
        let counts =
            Counts { cards: 1_501, too_fast: 6, refunds: 7, refunded: Fen(70_000), sold: Fen(60_000), wrong_pins: 31 };
        let tap = |other: Option<&str>| Tap {
            at: AT,
            card: CardId::new(1204, Shard(3), [7; 16]),
            operation: OperationCode::PurseRefund,
            amount: Some(Fen(1_250)),
            other: other.map(str::to_owned),
        };
        let taps = match rule {
            Rule::TooFast => vec![tap(Some("测试药店"))],
            Rule::RefundsOverSales => vec![tap(None)],
            Rule::ManyCards | Rule::WrongPins => Vec::new(),
        };
        let terminal = TerminalId::from_bytes([7; 16]);
        let noted = Noted {
            suspicion: Suspicion { id: Uuid::from_u128(7), terminal, rule, found_at: AT, most: 5, counts },
            name: "收银台 2".to_owned(),
            organisation: "测试超市".to_owned(),
            review: review.map(|finding| (finding, AT, "test-auditor".to_owned())),
        };
        Scene { noted, taps, apart_s: 30 }
    }

    /// The pages in every state that they have.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        let blank = Typed::new();
        let mut pages = Vec::new();
        for rule in Rule::ALL {
            let page = thing(frame.clone(), &scene(rule, None), &blank, None);
            pages.push((format!("suspicion-{}", key(rule.name())), page.render().unwrap()));
        }
        for finding in Finding::ALL {
            let page = thing(frame.clone(), &scene(Rule::TooFast, Some(finding)), &blank, None);
            pages.push((format!("suspicion-{}", key(finding.name())), page.render().unwrap()));
        }
        let missing = Some(("finding", "suspicion-finding-missing"));
        let late = Some(("review", "suspicion-reviewed"));
        for (name, review, wrong) in [("missing", None, missing), ("late", Some(Finding::Fault), late)] {
            let page = thing(frame.clone(), &scene(Rule::WrongPins, review), &blank, wrong);
            pages.push((format!("suspicion-{name}"), page.render().unwrap()));
        }
        let some = [None, Some(Finding::Explained)].map(|review| scene(Rule::ManyCards, review).noted);
        for (name, found) in [("some", &some[..]), ("nothing", &[])] {
            pages.push((format!("suspicion-list-{name}"), list_page(frame.clone(), found).render().unwrap()));
        }
        pages
    }
}
