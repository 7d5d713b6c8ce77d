//! The page of a tap that has moved money: what it was, what was reversed of it, and reversing it.

use axum::extract::{Form, Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::ids::CardId;
use card_schema::money::Fen;
use card_schema::wire::ProblemType;
use uuid::Uuid;

use super::model::{Past, Reason, Returned, Reversal, Undone};
use super::{rules, store, unknown};
use crate::app::App;
use crate::cards::activity::store::Activity;
use crate::cards::activity::{self, ActivityPurpose};
use crate::console::asking;
use crate::console::frame::Frame;
use crate::console::input::Input;
use crate::console::model::Tone;
use crate::console::pages::Look;
use crate::console::register::{Act, Link, ThingPage, Typed, typed};
use crate::console::view::{Choice, Tag, activity_purpose, minute, operation_text, short};
use crate::db::Tx;
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::ledger::TransferKind;
use crate::people::approval::model::{About, Deed, Done, Means, Request};
use crate::people::model::Permission;
use crate::people::{Staff, approval, member};

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 1] {
    [("/cards/{card_id}/taps/{tap}", get(show).post(reverse))]
}

/// Where a tap has its page.
pub fn address(card: CardId, tap: i64) -> String {
    format!("/cards/{card}/taps/{tap}")
}

/// Its page for whoever looks for a purpose.
fn address_for(card: CardId, tap: i64, purpose: ActivityPurpose) -> String {
    format!("{}?purpose={}", address(card, tap), purpose.name())
}

/// A reason in words.
pub fn reason_text(locale: Locale, reason: Reason) -> String {
    locale.text(&format!("reversal-reason-{}", reason.name().replace('_', "-")))
}

/// A reversal that waits for a second person.
struct Waits {
    request: Request,
    amount: Fen,
    asked_by: String,
}

/// A tap with what the page says of it.
struct Scene {
    purpose: ActivityPurpose,
    tap: Activity,
    kind: TransferKind,
    past: Vec<Past>,
    /// By the shop.
    returned: Vec<Returned>,
    waits: Vec<Waits>,
    /// Of whoever may reverse.
    means: Option<Means>,
}

impl Scene {
    fn left(&self) -> Fen {
        let amount = self.tap.amount.unwrap_or(Fen::ZERO);
        amount.checked_sub(self.tap.reversed).unwrap_or(Fen::ZERO)
    }

    fn address(&self) -> String {
        address_for(self.tap.card, self.tap.tap, self.purpose)
    }
}

/// Why nothing was reversed.
#[derive(Clone, Copy, Debug)]
enum Wrong {
    Amount,
    Reason,
    Undone(Undone),
}

impl Wrong {
    /// The field, and what to do.
    fn said(self, locale: Locale, kind: TransferKind) -> (&'static str, String) {
        let t = |key: &str| locale.text(key);
        let with = |key: &str, left: Fen| locale.text_with(key, &[("left", &left.to_string())]);
        match self {
            Self::Amount => ("amount", t("reversal-amount-bad")),
            Self::Reason => ("reason", t("reversal-reason-missing")),
            Self::Undone(Undone::Over { left }) => ("amount", with("reversal-over", left)),
            Self::Undone(Undone::Short { at_most }) if kind == TransferKind::TopUp => {
                ("amount", with("reversal-short-top-up", at_most))
            }
            Self::Undone(Undone::Short { at_most }) => ("amount", with("reversal-short-payment", at_most)),
            Self::Undone(Undone::Asked) => ("amount", t("reversal-asked")),
            Self::Undone(Undone::Sent) => ("amount", t("reversal-sent")),
        }
    }
}

/// What was typed, and what is wrong with it.
type Again<'a> = Option<(&'a Typed, Wrong)>;

async fn load(
    app: &App,
    who: &Staff,
    purpose: ActivityPurpose,
    (card, tap): (CardId, i64),
    id: Uuid,
) -> Result<Scene, Refusal> {
    let (now, limit, who) = (app.now(), approval::limit(app), who.clone());
    let scene = app.db.write::<_, Refusal, _>(move |tx: &mut Tx| {
        Box::pin(async move {
            let seen = activity::store::one(tx, now, who.staff_id, purpose, card, tap).await?.ok_or_else(unknown)?;
            let booked = store::booked(tx.conn(), card, tap).await?.ok_or_else(unknown)?;
            let everybody = member::store::all(tx.conn()).await?;
            let name = |request: &Request| {
                let asker = everybody.iter().find(|member| member.staff.staff_id == request.asked_by);
                asker.map_or_else(|| "–".to_owned(), |member| member.staff.name.clone())
            };
            let waiting = approval::store::waiting(tx.conn(), now).await?.into_iter();
            let waits = waiting.filter_map(|request| match request.deed {
                Deed::Reverse(wanted) if request.deed.about() == About::Tap(card, tap) => {
                    Some(Waits { amount: wanted.amount, asked_by: name(&request), request })
                }
                _ => None,
            });
            let waits = waits.collect();
            let means = if who.role.may(Permission::ReverseTransfers) {
                Some(Means { id, limit, alone: approval::alone(tx.conn(), now, who.staff_id, &everybody).await? })
            } else {
                None
            };
            let (shard, moved) = (card.shard(), booked.moved.entry);
            let past = store::history(tx.conn(), shard, tap).await?;
            let returned = store::returned(tx.conn(), shard, moved.id).await?;
            Ok(Scene { purpose, tap: seen, kind: moved.transfer.kind, past, returned, waits, means })
        })
    });
    scene.await
}

fn facts(locale: Locale, scene: &Scene) -> Vec<(String, String)> {
    let t = |key: &str| locale.text(key);
    let yuan = |amount: Fen| locale.text_with("reversal-yuan", &[("amount", &amount.to_string())]);
    let said = |parts: Vec<String>| parts.join(&t("console-list-comma"));
    let (terminal, organisation) =
        scene.tap.terminal.clone().unwrap_or_else(|| (t("console-unknown-terminal"), "–".to_owned()));
    let mut facts = vec![
        (t("console-col-time"), minute(scene.tap.place.at)),
        (t("console-col-card"), short(&scene.tap.card.to_string())),
        (t("console-col-place"), terminal),
        (t("terminal-organisation"), organisation),
    ];
    facts.extend(scene.past.iter().map(|past| {
        let mut parts = vec![yuan(past.amount), reason_text(locale, past.reason), past.staff.clone()];
        parts.extend(past.agreed.as_ref().map(|name| locale.text_with("reversal-agreed", &[("name", name)])));
        (locale.text_with("reversal-past", &[("at", &minute(past.at))]), said(parts))
    }));
    facts.extend(scene.returned.iter().map(|returned| {
        let place = returned.terminal.clone().unwrap_or_else(|| t("console-unknown-terminal"));
        let at = locale.text_with("reversal-past", &[("at", &minute(returned.at))]);
        (at, said(vec![yuan(returned.amount), operation_text(locale, Some(returned.operation)), place]))
    }));
    facts.extend(scene.waits.iter().map(|waits| {
        let until = locale.text_with("reversal-until", &[("at", &minute(waits.request.expires_at))]);
        (t("reversal-waits"), said(vec![yuan(waits.amount), waits.asked_by.clone(), until]))
    }));
    if scene.tap.reversed > Fen::ZERO {
        facts.push((t("reversal-left"), yuan(scene.left())));
    }
    facts.push((t("reversal-purpose"), activity_purpose(locale, scene.purpose)));
    facts
}

fn act(locale: Locale, scene: &Scene, means: &Means, again: Again<'_>) -> Act {
    let t = |key: &str| locale.text(key);
    let wrong = again.map(|(_, wrong)| wrong.said(locale, scene.kind));
    let message = |field: &str| wrong.clone().filter(|(of, _)| *of == field).map(|(_, text)| text);
    let so_far = |name: &str| again.map(|(form, _)| typed(form, name));
    let reasons = Reason::of(scene.kind).iter();
    let reasons = reasons.map(|reason| Choice::new(reason.name(), reason_text(locale, *reason))).collect();
    let amount = so_far("amount").map_or_else(|| scene.left().to_string(), str::to_owned);
    let known = [("limit", means.limit.to_string()), ("alone", means.alone.to_string())];
    let known = known.each_ref().map(|(name, amount)| (*name, amount.as_str()));
    let hint = if scene.kind == TransferKind::TopUp { "reversal-hint-top-up" } else { "reversal-hint-payment" };
    Act {
        name: "reverse",
        title: t("reversal-act"),
        hint: Some(format!("{}{}", t(hint), locale.text_with("reversal-hint-alone", &known))),
        inputs: vec![
            Input { mode: "decimal", max: 20, ..Input::text("amount", t("reversal-amount"), amount) }
                .hint(t("reversal-amount-hint"))
                .wrong(message("amount")),
            Input::choice("reason", t("reversal-reason"), reasons, so_far("reason").unwrap_or_default())
                .wrong(message("reason")),
        ],
        button: t("reversal-act"),
        primary: true,
    }
}

fn thing(frame: Frame, scene: &Scene, again: Again<'_>) -> ThingPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let left = scene.left();
    let (key, tone) = match scene.tap.reversed {
        Fen::ZERO => ("reversal-state-none", Tone::Ok),
        _ if left > Fen::ZERO => ("reversal-state-part", Tone::Wait),
        _ => ("reversal-state-whole", Tone::Idle),
    };
    let means = scene.means.as_ref().filter(|_| left > Fen::ZERO);
    let acts: Vec<_> = means.map(|means| act(locale, scene, means, again)).into_iter().collect();
    // Whoever comes when nothing is left is told so.
    let refused = again.filter(|_| acts.is_empty()).map(|(_, wrong)| ("main", wrong.said(locale, scene.kind).1));
    let number = scene.tap.card.to_string();
    let amount = scene.tap.amount.unwrap_or(Fen::ZERO).to_string();
    let named = [("operation", operation_text(locale, scene.tap.operation)), ("amount", amount)];
    let request = |waits: &Waits| Link {
        to: format!("/approvals/{}", waits.request.approval_id),
        text: locale.text_with("reversal-request", &[("amount", &waits.amount.to_string())]),
    };
    ThingPage {
        back: Link {
            to: format!("/cards/{number}?purpose={}", scene.purpose.name()),
            text: format!("{} {}", t("console-card-title"), short(&number)),
        },
        action: scene.address(),
        title: locale.text_with("reversal-title", &named.each_ref().map(|(name, text)| (*name, text.as_str()))),
        state: Tag { text: t(key), tone },
        facts: facts(locale, scene),
        links: if scene.means.is_some() { scene.waits.iter().map(request).collect() } else { Vec::new() },
        refused,
        along: means.map(|means| ("id", means.id.to_string())).into_iter().collect(),
        acts,
        frame,
    }
}

async fn shown(
    app: &App,
    who: &SignedIn,
    locale: Locale,
    (of, id): ((CardId, i64), Uuid),
    purpose: ActivityPurpose,
    again: Again<'_>,
) -> Result<Response, Refusal> {
    let scene = load(app, &who.0, purpose, of, id).await?;
    let frame = Frame::new(locale, scene.address(), Some(&who.0));
    asking(&thing(frame, &scene, again), again.is_some())
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path((card, tap)): Path<(CardId, i64)>,
    Query(look): Query<Look>,
) -> Result<Response, Refusal> {
    who.require(Permission::SeeActivity)?;
    let locale = language(&headers);
    match look.purpose() {
        Some(purpose) => shown(&app, &who, locale, ((card, tap), app.new_id()), purpose, None).await,
        None => look.ask(locale, &who.0, address(card, tap)),
    }
}

/// What is to be reversed, where it can be read.
fn checked(form: &Typed, card: CardId, tap: i64) -> Result<Reversal, Wrong> {
    let amount = rules::amount(typed(form, "amount")).ok_or(Wrong::Amount)?;
    let reason = Reason::from_name(typed(form, "reason")).ok_or(Wrong::Reason)?;
    Ok(Reversal { card, tap, amount, reason })
}

async fn reverse(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path((card, tap)): Path<(CardId, i64)>,
    Query(look): Query<Look>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::ReverseTransfers)?;
    let locale = language(&headers);
    let Some(purpose) = look.purpose() else { return look.ask(locale, &who.0, address(card, tap)) };
    let id: Uuid = typed(&form, "id").parse().map_err(|_| Refusal::new(ProblemType::MalformedRequest))?;
    let done = match checked(&form, card, tap) {
        Ok(wanted) => super::reverse(&app, who.0.staff_id, id, wanted).await?.map_err(Wrong::Undone),
        Err(wrong) => Err(wrong),
    };
    match done {
        Ok(Done::Now) => Ok(Redirect::to(&address_for(card, tap, purpose)).into_response()),
        Ok(Done::Waits(request)) => Ok(Redirect::to(&format!("/approvals/{request}")).into_response()),
        Err(wrong) => {
            // A form that was sent is used up.
            let id = if matches!(wrong, Wrong::Undone(Undone::Sent)) { app.new_id() } else { id };
            shown(&app, &who, locale, ((card, tap), id), purpose, Some((&form, wrong))).await
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use askama::Template as _;
    use card_schema::clock::Micros;
    use card_schema::ids::Shard;
    use card_schema::operation::OperationCode;

    use super::*;
    use crate::cards::activity::Place;
    use crate::people::StaffId;
    use crate::people::approval::model::State as Stands;

    const AT: Micros = Micros(1_790_000_000_000_000);

    fn scene(kind: TransferKind, reversed: i64, may: bool) -> Scene {
        let card = CardId::new(1204, Shard(3), [7; 16]);
        let operation = match kind {
            TransferKind::TopUp => OperationCode::PurseTopUp,
            _ => OperationCode::PursePayment,
        };
        let past = |reason, agreed: Option<&str>| Past {
            at: AT,
            amount: Fen(reversed),
            reason,
            staff: "test-supervisor".to_owned(),
            agreed: agreed.map(str::to_owned),
        };
        let wanted = Reversal { card, tap: 5, amount: Fen(30_000), reason: Reason::Twice };
        let request = Request {
            approval_id: Uuid::nil(),
            deed: Deed::Reverse(wanted),
            asked_by: StaffId(Uuid::nil()),
            asked_at: AT,
            expires_at: AT,
            state: Stands::Waiting,
            decided: None,
            reason: None,
        };
        Scene {
            purpose: ActivityPurpose::Complaint,
            tap: Activity {
                place: Place { received_at: AT, at: AT, tap_id: [7; 32] },
                tap: 5,
                settled: None,
                card,
                operation: Some(operation),
                outcome: 0,
                amount: Some(Fen(45_000)),
                reversed: Fen(reversed),
                points: None,
                terminal: Some(("收银台 2".to_owned(), "测试超市".to_owned())),
            },
            kind,
            returned: Vec::from_iter((kind == TransferKind::Payment && reversed > 0).then(|| Returned {
                at: AT,
                amount: Fen(reversed),
                operation: OperationCode::PurseRefund,
                terminal: Some("收银台 2".to_owned()),
            })),
            past: Vec::from_iter((reversed > 0).then(|| past(Reason::WrongAmount, Some("test-admin")))),
            waits: vec![Waits { request, amount: wanted.amount, asked_by: "test-supervisor".to_owned() }],
            means: may.then(|| Means { id: Uuid::nil(), limit: Fen(20_000), alone: Fen(15_000) }),
        }
    }

    /// The page of a tap in every state that it has, and with all that may be wrong.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        let typed = Typed::from([("amount", "12.345"), ("reason", "twice")].map(|(a, b)| (a.to_owned(), b.to_owned())));
        let short = Undone::Short { at_most: Fen(300) };
        let wrongs = [
            Wrong::Amount,
            Wrong::Reason,
            Wrong::Undone(Undone::Over { left: Fen(300) }),
            Wrong::Undone(short),
            Wrong::Undone(Undone::Asked),
            Wrong::Undone(Undone::Sent),
        ];
        let mut pages = Vec::new();
        for kind in [TransferKind::Payment, TransferKind::TopUp] {
            for (name, reversed, may) in [("whole", 45_000, true), ("part", 2_500, true), ("seen", 0, false)] {
                let page = thing(frame.clone(), &scene(kind, reversed, may), None);
                pages.push((format!("tap-{kind:?}-{name}"), page.render().unwrap()));
            }
            for (at, wrong) in wrongs.into_iter().enumerate() {
                let page = thing(frame.clone(), &scene(kind, 2_500, true), Some((&typed, wrong)));
                pages.push((format!("tap-{kind:?}-wrong-{at}"), page.render().unwrap()));
            }
        }
        let late =
            thing(frame.clone(), &scene(TransferKind::TopUp, 45_000, true), Some((&typed, Wrong::Undone(short))));
        pages.push(("tap-late".to_owned(), late.render().unwrap()));
        pages
    }
}
