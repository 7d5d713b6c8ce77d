//! The pages of what is held: the terminals whose taps wait, and one of them, with what is to become of its taps.

use axum::extract::{Form, Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::ids::{Shard, TerminalId};
use card_schema::money::Fen;
use card_schema::wire::ProblemType;
use uuid::Uuid;

use super::model::{Past, Reason, Settlement, Shown, Waiting, Waits};
use super::store::Until;
use super::{rules, store, unknown};
use crate::app::App;
use crate::cards::activity::{self, ActivityPurpose};
use crate::console::frame::Frame;
use crate::console::input::Input;
use crate::console::model::Tone;
use crate::console::pages::Look;
use crate::console::register::{Act, Line, Link, ListPage, ThingPage, Typed, Wrong, message, refused, typed};
use crate::console::view::{Choice, Tag, activity_purpose, minute, operation_text, short};
use crate::console::{asking, page};
use crate::db::Tx;
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::approval::model::{Done, Means};
use crate::people::model::Permission;
use crate::people::{approval, member};
use crate::terminals::model::Deed;
use crate::terminals::{self, Terminal, TerminalState};

const LIST: &str = "/quarantine";
/// Taps that a page shows.
const SHOWN: usize = 200;
/// Earlier decisions that a page shows.
const PAST_SHOWN: u32 = 10;
/// Deeds among which it is looked for the one that revoked a terminal: the newest, since nothing is done with it afterwards.
const DEEDS: u32 = 1;

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 2] {
    [(LIST, get(list)), ("/quarantine/{terminal_id}", get(show).post(decide))]
}

/// Where the taps of a terminal have their page.
pub fn address(terminal: TerminalId) -> String {
    format!("{LIST}/{terminal}")
}

/// A reason in words.
pub fn reason_text(locale: Locale, reason: Reason) -> String {
    locale.text(&format!("quarantine-reason-{}", reason.name()))
}

/// So many taps, in words.
pub fn taps_text(locale: Locale, taps: i64) -> String {
    locale.text_of("quarantine-taps", u64::try_from(taps).unwrap_or_default())
}

fn list_page(frame: Frame, found: &[Waits]) -> ListPage {
    let locale = frame.locale();
    let line = |waits: &Waits| Line {
        to: address(waits.terminal),
        name: waits.name.clone(),
        cells: vec![waits.organisation.clone(), minute(waits.since)],
        state: Tag { text: taps_text(locale, waits.taps), tone: Tone::Wait },
    };
    ListPage {
        title: locale.text("quarantine-title"),
        lead: locale.text("quarantine-lead"),
        add: None,
        columns: ["terminal-name", "terminal-organisation", "quarantine-since", "quarantine-waiting"]
            .map(|key| locale.text(key))
            .into(),
        lines: found.iter().map(line).collect(),
        none: locale.text("quarantine-none"),
        frame,
    }
}

async fn list(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::SeeActivity)?;
    let found = store::terminals(&mut app.db.read().await?).await?;
    page(&list_page(Frame::new(language(&headers), LIST, Some(&who.0)), &found))
}

/// A terminal with its taps.
struct Scene {
    purpose: ActivityPurpose,
    terminal: Terminal,
    /// What was done with it last.
    deed: Option<terminals::model::Past>,
    /// Those that came first.
    taps: Vec<Waiting>,
    /// All that wait, and what they come to.
    total: (u32, Fen),
    past: Vec<Past>,
    /// Of whoever may decide.
    means: Option<Means>,
}

impl Scene {
    fn address(&self) -> String {
        format!("{}?purpose={}", address(self.terminal.terminal_id), self.purpose.name())
    }
}

/// How far somebody is who decides.
enum Step<'a> {
    /// At the question, with what is wrong.
    Ask(&'a Typed, Wrong),
    /// At what follows from the answer.
    Check(Settlement, &'a str),
}

async fn load(
    app: &App,
    who: &SignedIn,
    purpose: ActivityPurpose,
    terminal: TerminalId,
    id: Uuid,
) -> Result<Scene, Refusal> {
    let (now, limit, who) = (app.now(), approval::limit(app), who.0.clone());
    let tap_limit = Fen(app.config.limits.tap_fen);
    let scene = app.db.write::<_, Refusal, _>(move |tx: &mut Tx| {
        Box::pin(async move {
            tx.lock([Shard(0)]).await?;
            let found = terminals::store::one(tx.conn(), terminal).await?.ok_or_else(unknown)?;
            activity::store::record(tx, now, who.staff_id, purpose, None).await?;
            let held = store::held(tx.conn(), terminal, Until::default(), rules::MOST).await?;
            let means = if who.role.may(Permission::ReverseTransfers) {
                let everybody = member::store::all(tx.conn()).await?;
                Some(Means { id, limit, alone: approval::alone(tx.conn(), now, who.staff_id, &everybody).await? })
            } else {
                None
            };
            Ok(Scene {
                purpose,
                deed: terminals::store::history(tx.conn(), terminal, DEEDS).await?.pop(),
                terminal: found,
                total: super::sum(&held, tap_limit),
                taps: held.iter().take(SHOWN).filter_map(store::Held::shown).collect(),
                past: store::history(tx.conn(), terminal, PAST_SHOWN).await?,
                means,
            })
        })
    });
    scene.await
}

/// How many taps, and what they come to.
fn sum_text(locale: Locale, (taps, amount): (u32, Fen)) -> String {
    let taps = taps_text(locale, i64::from(taps));
    locale.text_with("quarantine-sum", &[("taps", &taps), ("amount", &amount.to_string())])
}

fn facts(locale: Locale, scene: &Scene) -> Vec<(String, String)> {
    let t = |key: &str| locale.text(key);
    let said = |parts: Vec<String>| parts.join(&t("console-list-comma"));
    let yuan = |amount: Fen| locale.text_with("reversal-yuan", &[("amount", &amount.to_string())]);
    let mut facts = vec![(t("terminal-organisation"), scene.terminal.organisation.name.clone())];
    if let Some(past) = &scene.deed
        && let Deed::Revoke(reason) = past.deed
    {
        let reason = t(&format!("terminal-reason-{}", reason.name()));
        facts.push((t("terminal-deed-revoked"), said(vec![minute(past.at), reason])));
    }
    if scene.total.0 > 0 {
        facts.push((t("quarantine-waiting"), sum_text(locale, scene.total)));
    }
    facts.extend(scene.taps.iter().map(|tap| {
        let is_running = scene.terminal.state == TerminalState::Active;
        let unfaulted = if is_running { "approval" } else { "revoked" };
        let why = tap.fault.map_or(unfaulted, |fault| fault.name()).replace('_', "-");
        let mut parts = vec![operation_text(locale, Some(tap.operation))];
        parts.extend(tap.amount.map(yuan));
        parts.push(locale.text_with("quarantine-card", &[("card", &short(&tap.card.to_string()))]));
        parts.push(t(&format!("quarantine-why-{why}")));
        (minute(tap.at), said(parts))
    }));
    let hidden = i64::from(scene.total.0) - i64::try_from(scene.taps.len()).unwrap_or_default();
    if hidden > 0 {
        facts.push((t("quarantine-more"), taps_text(locale, hidden)));
    }
    facts.extend(scene.past.iter().map(|past| {
        let count = [("taps", taps_text(locale, past.taps)), ("booked", past.booked.to_string())];
        let count = count.each_ref().map(|(name, count)| (*name, count.as_str()));
        let mut parts = vec![reason_text(locale, past.reason), locale.text_with("quarantine-past-taps", &count)];
        parts.extend([yuan(past.moved), past.staff.clone()]);
        parts.extend(past.agreed.as_ref().map(|name| locale.text_with("reversal-agreed", &[("name", name)])));
        (locale.text_with("quarantine-past", &[("at", &minute(past.at))]), said(parts))
    }));
    facts.push((t("reversal-purpose"), activity_purpose(locale, scene.purpose)));
    facts
}

/// The question.
fn ask(locale: Locale, form: &Typed, wrong: Wrong) -> Act {
    let t = |key: &str| locale.text(key);
    let reasons = Reason::ALL.map(|reason| Choice {
        hint: t(if reason.books() { "quarantine-books" } else { "quarantine-books-not" }),
        ..Choice::new(reason.name(), reason_text(locale, reason))
    });
    Act {
        name: "check",
        title: t("quarantine-act"),
        hint: Some(t("quarantine-act-hint")),
        inputs: vec![
            Input { max: 20, ..Input::text("until", t("quarantine-until"), typed(form, "until")) }
                .hint(t("quarantine-until-hint"))
                .wrong(message(locale, wrong, "until")),
            Input::choice("reason", t("quarantine-reason"), reasons.into(), typed(form, "reason"))
                .wrong(message(locale, wrong, "reason")),
        ],
        button: t("quarantine-check"),
        primary: true,
    }
}

/// What follows from the answer.
fn confirm(locale: Locale, means: &Means, wanted: &Settlement) -> Act {
    let t = |key: &str| locale.text(key);
    let books = wanted.reason.books();
    let known = [("limit", means.limit.to_string()), ("alone", means.alone.to_string())];
    let known = known.each_ref().map(|(name, amount)| (*name, amount.as_str()));
    let two = rules::takes_two(wanted, means.alone, means.limit);
    let mut hint = format!(
        "{} {}",
        locale.text_with("quarantine-because", &[("reason", &reason_text(locale, wanted.reason))]),
        t(if books { "quarantine-book-hint" } else { "quarantine-reject-hint" })
    );
    if two {
        hint = format!("{hint} {}", locale.text_with("quarantine-two", &known));
    }
    let sum = sum_text(locale, (wanted.shown.taps, wanted.shown.amount));
    Act {
        name: "settle",
        title: locale.text_with(if books { "quarantine-book" } else { "quarantine-reject" }, &[("sum", &sum)]),
        hint: Some(hint),
        inputs: Vec::new(),
        button: t(match (books, two) {
            (true, true) => "quarantine-ask",
            (true, false) => "quarantine-book-button",
            (false, _) => "quarantine-reject-button",
        }),
        primary: true,
    }
}

fn thing(frame: Frame, scene: &Scene, step: &Step<'_>) -> ThingPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let means = scene.means.as_ref().filter(|_| scene.total.0 > 0);
    let (acts, along, wrong) = match (step, means) {
        (Step::Ask(form, wrong), Some(_)) => (vec![ask(locale, form, *wrong)], Vec::new(), *wrong),
        (Step::Check(wanted, until), Some(means)) => {
            let along = vec![
                ("id", means.id.to_string()),
                ("until", (*until).to_owned()),
                ("reason", wanted.reason.name().to_owned()),
                ("shown", wanted.shown.encode()),
            ];
            (vec![confirm(locale, means, wanted)], along, None)
        }
        (Step::Ask(_, wrong), None) => (Vec::new(), Vec::new(), *wrong),
        (Step::Check(..), None) => (Vec::new(), Vec::new(), None),
    };
    let back = match step {
        Step::Check(..) => Link { to: scene.address(), text: scene.terminal.name.clone() },
        Step::Ask(..) => Link { to: LIST.to_owned(), text: t("quarantine-title") },
    };
    ThingPage {
        back,
        action: scene.address(),
        title: locale.text_with("quarantine-of", &[("terminal", &scene.terminal.name)]),
        state: match scene.total.0 {
            0 => Tag { text: t("quarantine-done"), tone: Tone::Idle },
            _ => Tag { text: t("quarantine-waits"), tone: Tone::Wait },
        },
        facts: facts(locale, scene),
        links: Vec::new(),
        refused: refused(locale, wrong, &acts),
        along,
        acts,
        frame,
    }
}

async fn shown(
    app: &App,
    who: &SignedIn,
    locale: Locale,
    (terminal, purpose): (TerminalId, ActivityPurpose),
    step: Step<'_>,
) -> Result<Response, Refusal> {
    let scene = load(app, who, purpose, terminal, app.new_id()).await?;
    let frame = Frame::new(locale, scene.address(), Some(&who.0));
    asking(&thing(frame, &scene, &step), matches!(step, Step::Ask(_, Some(_))))
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(terminal): Path<TerminalId>,
    Query(look): Query<Look>,
) -> Result<Response, Refusal> {
    who.require(Permission::SeeActivity)?;
    let locale = language(&headers);
    match look.purpose() {
        Some(purpose) => shown(&app, &who, locale, (terminal, purpose), Step::Ask(&Typed::new(), None)).await,
        None => look.ask(locale, &who.0, address(terminal)),
    }
}

/// What was answered, about the taps that wait now; where the form says which were shown, about exactly those.
async fn read(
    app: &App,
    terminal: TerminalId,
    form: &Typed,
) -> Result<Result<Settlement, (&'static str, &'static str)>, Refusal> {
    let Ok(until) = rules::moment(typed(form, "until")) else { return Ok(Err(("until", "quarantine-until-bad"))) };
    let Some(reason) = Reason::from_name(typed(form, "reason")) else {
        return Ok(Err(("reason", "quarantine-reason-missing")));
    };
    let told = match typed(form, "act") {
        "check" => None,
        "settle" => Some(Shown::decode(typed(form, "shown")).ok_or_else(malformed)?),
        _ => return Err(malformed()),
    };
    let (which, tap_limit) = (Until { made: until, received: told.map(|(at, _)| at) }, Fen(app.config.limits.tap_fen));
    let found = super::waiting(&mut app.db.read().await?, terminal, which, tap_limit).await?;
    Ok(match (found, told) {
        (Some(shown), Some((_, digest))) if shown.digest != digest => Err(("check", "quarantine-changed")),
        (Some(shown), _) => Ok(Settlement { terminal, until, reason, shown }),
        (None, Some(_)) => Err(("check", "quarantine-changed")),
        (None, None) => Err(("until", "quarantine-until-none")),
    })
}

fn malformed() -> Refusal {
    Refusal::new(ProblemType::MalformedRequest)
}

async fn decide(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(terminal): Path<TerminalId>,
    Query(look): Query<Look>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::ReverseTransfers)?;
    let locale = language(&headers);
    let Some(purpose) = look.purpose() else { return look.ask(locale, &who.0, address(terminal)) };
    let here = (terminal, purpose);
    let again = async |wrong| shown(&app, &who, locale, here, Step::Ask(&form, Some(wrong))).await;
    let wanted = match read(&app, terminal, &form).await? {
        Ok(wanted) => wanted,
        Err(wrong) => return again(wrong).await,
    };
    if typed(&form, "act") == "check" {
        return shown(&app, &who, locale, here, Step::Check(wanted, typed(&form, "until"))).await;
    }
    let id: Uuid = typed(&form, "id").parse().map_err(|_| malformed())?;
    match super::settle(&app, who.0.staff_id, id, wanted).await? {
        Ok(Done::Now) => Ok(Redirect::to(&format!("{}?purpose={}", address(terminal), purpose.name())).into_response()),
        Ok(Done::Waits(request)) => Ok(Redirect::to(&format!("/approvals/{request}")).into_response()),
        Err(key) => again(("check", key)).await,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use askama::Template as _;
    use card_schema::clock::Micros;
    use card_schema::ids::{CardId, OrganisationId};
    use card_schema::operation::OperationCode;

    use super::*;
    use crate::intake::lane::LaneFault;
    use crate::people::Organisation;
    use crate::terminals::model::RevocationReason;

    const AT: Micros = Micros(1_790_000_000_000_000);

    fn scene(waiting: u32, may: bool, state: TerminalState) -> Scene {
        let terminal = Terminal {
            terminal_id: TerminalId::from_bytes([7; 16]),
            name: "收银台 2".to_owned(),
            organisation: Organisation {
                organisation_id: OrganisationId::from_bytes([7; 16]),
                name: "测试超市".to_owned(),
            },
            operations: vec![OperationCode::PursePayment],
            state,
            public_key: None,
            certificate_until: None,
        };
        let faults = [None, Some(LaneFault::Gap), Some(LaneFault::BrokenChain), Some(LaneFault::UnknownLogHead)];
        let tap = |fault: &Option<LaneFault>| Waiting {
            card: CardId::new(1204, Shard(3), [7; 16]),
            operation: OperationCode::PursePayment,
            amount: fault.is_none().then_some(Fen(1_250)),
            at: AT,
            fault: *fault,
        };
        let past = |reason, agreed: Option<&str>| Past {
            at: AT,
            reason,
            taps: 3,
            booked: 2,
            moved: Fen(2_500),
            staff: "test-supervisor".to_owned(),
            agreed: agreed.map(str::to_owned),
        };
        Scene {
            purpose: ActivityPurpose::Fault,
            terminal,
            deed: Some(terminals::model::Past { at: AT, deed: Deed::Revoke(RevocationReason::Stolen), staff: None }),
            taps: faults.iter().take(usize::try_from(waiting).unwrap()).map(tap).collect(),
            total: (waiting, Fen(1_250)),
            past: vec![past(Reason::Before, Some("test-admin")), past(Reason::After, None)],
            means: may.then(|| Means { id: Uuid::nil(), limit: Fen(20_000), alone: Fen(15_000) }),
        }
    }

    /// The pages in every state that they have.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        let form = Typed::from([("until", "yesterday"), ("reason", "before")].map(|(a, b)| (a.into(), b.into())));
        let blank = Typed::new();
        let wanted = |reason, amount| {
            let shown = Shown { received_until: AT, digest: [7; 32], taps: 3, amount: Fen(amount) };
            Settlement { terminal: TerminalId::from_bytes([7; 16]), until: None, reason, shown }
        };
        let steps = [
            ("ask", 9, true, Step::Ask(&blank, None)),
            ("seen", 9, false, Step::Ask(&blank, None)),
            ("until", 9, true, Step::Ask(&form, Some(("until", "quarantine-until-bad")))),
            ("none", 9, true, Step::Ask(&form, Some(("until", "quarantine-until-none")))),
            ("reason", 9, true, Step::Ask(&form, Some(("reason", "quarantine-reason-missing")))),
            ("changed", 9, true, Step::Ask(&form, Some(("check", "quarantine-changed")))),
            ("late", 0, true, Step::Ask(&form, Some(("until", "quarantine-until-none")))),
            ("book", 3, true, Step::Check(wanted(Reason::Before, 1_000), "2026-11-23 17:04")),
            ("two", 3, true, Step::Check(wanted(Reason::Confirmed, 5_001), "")),
            ("reject", 3, true, Step::Check(wanted(Reason::Doubtful, 1_000), "")),
        ];
        let mut pages: Vec<_> = steps
            .into_iter()
            .map(|(name, waiting, may, step)| {
                let page = thing(frame.clone(), &scene(waiting, may, TerminalState::Revoked), &step);
                (format!("quarantine-{name}"), page.render().unwrap())
            })
            .collect();
        let kept = thing(frame.clone(), &scene(1, true, TerminalState::Active), &Step::Ask(&blank, None));
        pages.push(("quarantine-kept".to_owned(), kept.render().unwrap()));
        let waits = Waits {
            terminal: TerminalId::from_bytes([7; 16]),
            name: "收银台 2".to_owned(),
            organisation: "测试超市".to_owned(),
            taps: 12,
            since: AT,
        };
        for (name, found) in [("some", vec![waits]), ("nothing", Vec::new())] {
            pages.push((format!("quarantine-list-{name}"), list_page(frame.clone(), &found).render().unwrap()));
        }
        pages
    }
}
