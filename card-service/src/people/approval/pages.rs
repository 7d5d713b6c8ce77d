//! The pages of what waits for a second person: the list, and one request.

use std::collections::HashMap;

use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::clock::Micros;
use card_schema::ids::TerminalId;
use card_schema::wire::ProblemType;
use uuid::Uuid;

use super::model::{About, Answer, Deed, Objection, Request, State as Stands};
use super::{answer, rules, store, unknown, waiting_for};
use crate::app::App;
use crate::console::frame::{Frame, role_key};
use crate::console::input::Input;
use crate::console::model::Tone;
use crate::console::register::{Act, Line, Link, ListPage, ThingPage, Typed, Wrong, message, refused, typed};
use crate::console::view::{Choice, Tag, minute, short};
use crate::console::{asking, page};
use crate::db::{Connection, DbError};
use crate::domains::purse::reversal;
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::intake::quarantine;
use crate::people::member::{self, model::Member};
use crate::people::{StaffId, StaffRole};
use crate::terminals;

const LIST: &str = "/approvals";

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 2] {
    [(LIST, get(list)), ("/approvals/{approval_id}", get(show).post(decide))]
}

/// What a request is about, in words.
struct Words<'a> {
    locale: Locale,
    everybody: &'a [Member],
    /// The names of terminals.
    terminals: HashMap<TerminalId, String>,
    now: Micros,
}

/// The names of the terminals that requests are about.
async fn terminals_of(
    connection: &mut Connection,
    requests: &[Request],
) -> Result<HashMap<TerminalId, String>, DbError> {
    let about = requests.iter().filter_map(|request| match request.deed.about() {
        About::Terminal(terminal) => Some(terminal),
        About::Staff(_) | About::Tap(..) => None,
    });
    let found = terminals::load_all(connection, &about.collect()).await?;
    Ok(found.into_iter().map(|(id, terminal)| (id, terminal.name)).collect())
}

impl Words<'_> {
    fn name(&self, who: StaffId) -> &str {
        let member = self.everybody.iter().find(|member| member.staff.staff_id == who);
        member.map_or("–", |member| &member.staff.name)
    }

    fn deed(&self, deed: Deed) -> String {
        let role = |role: StaffRole| self.locale.text(role_key(role));
        let name = match deed.about() {
            About::Staff(staff) => self.name(staff),
            About::Tap(..) | About::Terminal(_) => "",
        };
        match deed {
            Deed::Admit { role: to, .. } => {
                self.locale.text_with("approval-admit", &[("name", name), ("role", &role(to))])
            }
            Deed::Resume { role: to, .. } => {
                self.locale.text_with("approval-resume", &[("name", name), ("role", &role(to))])
            }
            Deed::TakeSecondFactor { .. } => self.locale.text_with("approval-second-factor", &[("name", name)]),
            Deed::SignInWithCard { card, .. } => {
                let card = short(&card.to_string());
                self.locale.text_with("approval-sign-in-with-card", &[("name", name), ("card", &card)])
            }
            Deed::ChangeRole { from, to, .. } => {
                let roles = (role(from), role(to));
                self.locale.text_with("approval-role", &[("name", name), ("from", &roles.0), ("to", &roles.1)])
            }
            Deed::Reverse(wanted) => {
                let (amount, card) = (wanted.amount.to_string(), short(&wanted.card.to_string()));
                let reason = reversal::pages::reason_text(self.locale, wanted.reason);
                self.locale.text_with("approval-reverse", &[("amount", &amount), ("card", &card), ("reason", &reason)])
            }
            Deed::Settle(wanted) => {
                let t = |key: &str, named: &[(&str, &str)]| self.locale.text_with(key, named);
                let taps = quarantine::pages::taps_text(self.locale, i64::from(wanted.shown.taps));
                let amount = wanted.shown.amount.to_string();
                let reason = quarantine::pages::reason_text(self.locale, wanted.reason);
                let terminal = self.terminals.get(&wanted.terminal).map_or("–", String::as_str);
                let until = wanted.until.map(minute).map(|at| t("approval-settle-until", &[("at", &at)]));
                let named =
                    [("amount", amount), ("taps", taps), ("reason", reason), ("until", until.unwrap_or_default())];
                let named: Vec<_> = named.iter().map(|(name, text)| (*name, text.as_str())).collect();
                t("approval-settle", &[&named[..], &[("terminal", terminal)]].concat())
            }
        }
    }

    fn state(&self, request: &Request) -> Tag {
        let (key, tone) = match request.state {
            Stands::Waiting if self.now >= request.expires_at => ("approval-state-lapsed", Tone::Idle),
            Stands::Waiting => ("approval-state-waiting", Tone::Wait),
            Stands::Approved => ("approval-state-approved", Tone::Ok),
            Stands::Refused => ("approval-state-refused", Tone::No),
            Stands::Withdrawn => ("approval-state-withdrawn", Tone::Idle),
            Stands::Alone => ("approval-state-alone", Tone::Ok),
        };
        Tag { text: self.locale.text(key), tone }
    }
}

async fn list(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    if !who.0.role.approves() {
        return Err(Refusal::new(ProblemType::Forbidden));
    }
    let (locale, now) = (language(&headers), app.now());
    let mut connection = app.db.read().await?;
    let found = waiting_for(&mut connection, now, who.0.role).await?;
    let everybody = member::store::all(&mut connection).await?;
    let terminals = terminals_of(&mut connection, &found).await?;
    let words = Words { locale, everybody: &everybody, terminals, now };
    let line = |request: &Request| Line {
        to: format!("{LIST}/{}", request.approval_id),
        name: words.deed(request.deed),
        cells: vec![words.name(request.asked_by).to_owned(), minute(request.expires_at)],
        state: words.state(request),
    };
    page(&ListPage {
        title: locale.text("approval-title"),
        lead: locale.text("approval-lead"),
        add: None,
        columns: ["approval-what", "approval-asked-by", "approval-until", "people-state"]
            .map(|key| locale.text(key))
            .into(),
        lines: found.iter().map(line).collect(),
        none: locale.text("approval-none"),
        frame: Frame::new(locale, LIST, Some(&who.0)),
    })
}

fn objection_text(locale: Locale, objection: Objection) -> String {
    locale.text(&format!("approval-objection-{}", objection.name()))
}

/// What somebody can answer, and why they cannot agree where they cannot.
fn acts(words: &Words<'_>, request: &Request, by: StaffId, reason: &str, wrong: Wrong) -> (Vec<Act>, Option<String>) {
    let t = |key: &str| words.locale.text(key);
    let may = |answer| rules::may_answer(request, by, answer, words.everybody, words.now);
    let act = |answer: Answer| {
        let name = answer.name();
        let message = message(words.locale, wrong, "reason");
        Act {
            name,
            title: t(&format!("approval-{name}")),
            hint: Some(t(&format!("approval-{name}-hint"))),
            inputs: match answer {
                Answer::Refuse => {
                    let objections = Objection::to(request.deed.about()).iter();
                    let objections =
                        objections.map(|one| Choice::new(one.name(), objection_text(words.locale, *one))).collect();
                    vec![Input::choice("reason", t("approval-reason"), objections, reason).wrong(message)]
                }
                Answer::Approve | Answer::Withdraw => Vec::new(),
            },
            button: t(&format!("approval-{name}")),
            primary: answer == Answer::Approve,
        }
    };
    let why_not = match may(Answer::Approve) {
        Err(key) if request.state == Stands::Waiting => Some(t(key)),
        _ => None,
    };
    (Answer::ALL.into_iter().filter(|answer| may(*answer).is_ok()).map(act).collect(), why_not)
}

fn thing(frame: Frame, words: &Words<'_>, request: &Request, by: StaffId, (reason, wrong): (&str, Wrong)) -> ThingPage {
    let t = |key: &str| words.locale.text(key);
    let (acts, why_not) = acts(words, request, by, reason, wrong);
    let mut facts = vec![
        (t("approval-asked-by"), words.name(request.asked_by).to_owned()),
        (t("approval-asked-at"), minute(request.asked_at)),
        (t("approval-until"), minute(request.expires_at)),
    ];
    if let Some((who, at)) = request.decided {
        facts.push((t("approval-decided-by"), words.name(who).to_owned()));
        facts.push((t("approval-decided-at"), minute(at)));
    }
    let said = |reason: &String| {
        let objection = Objection::from_name(reason).map(|objection| objection_text(words.locale, objection));
        (t("approval-reason"), objection.unwrap_or_else(|| reason.clone()))
    };
    facts.extend(request.reason.as_ref().map(said));
    facts.extend(why_not.map(|why| (t("approval-why-not"), why)));
    ThingPage {
        back: Link { to: LIST.to_owned(), text: t("approval-title") },
        action: format!("{LIST}/{}", request.approval_id),
        title: words.deed(request.deed),
        state: words.state(request),
        facts,
        links: match request.deed.about() {
            About::Staff(_) => Vec::new(),
            About::Tap(card, tap) => {
                vec![Link { to: reversal::pages::address(card, tap), text: t("reversal-see") }]
            }
            About::Terminal(terminal) => {
                vec![Link { to: quarantine::pages::address(terminal), text: t("quarantine-see") }]
            }
        },
        refused: refused(words.locale, wrong, &acts),
        along: Vec::new(),
        acts,
        frame,
    }
}

/// A request, for somebody who may do what is asked for.
async fn asked(app: &App, who: &SignedIn, id: Uuid) -> Result<Request, Refusal> {
    if !who.0.role.approves() {
        return Err(Refusal::new(ProblemType::Forbidden));
    }
    let request = store::one(&mut app.db.read().await?, id).await?.ok_or_else(unknown)?;
    who.require(request.deed.permission())?;
    Ok(request)
}

async fn shown(app: &App, who: &SignedIn, locale: Locale, id: Uuid, again: (&str, Wrong)) -> Result<Response, Refusal> {
    let request = asked(app, who, id).await?;
    let mut connection = app.db.read().await?;
    let everybody = member::store::all(&mut connection).await?;
    let terminals = terminals_of(&mut connection, std::slice::from_ref(&request)).await?;
    let words = Words { locale, everybody: &everybody, terminals, now: app.now() };
    let frame = Frame::new(locale, format!("{LIST}/{id}"), Some(&who.0));
    asking(&thing(frame, &words, &request, who.0.staff_id, again), again.1.is_some())
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<Response, Refusal> {
    shown(&app, &who, language(&headers), id, ("", None)).await
}

async fn decide(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    asked(&app, &who, id).await?;
    let locale = language(&headers);
    let said = Answer::from_name(typed(&form, "act")).ok_or_else(|| Refusal::new(ProblemType::MalformedRequest))?;
    let why = match said {
        Answer::Refuse => {
            Objection::from_name(typed(&form, "reason")).map(Some).ok_or(("reason", "approval-reason-missing"))
        }
        Answer::Approve | Answer::Withdraw => Ok(None),
    };
    let done = match why {
        Ok(why) => answer(&app, who.0.staff_id, id, said, why).await?.map_err(|key| (said.name(), key)),
        Err(wrong) => Err(wrong),
    };
    match done {
        Ok(()) => Ok(Redirect::to(&format!("{LIST}/{id}")).into_response()),
        Err(wrong) => shown(&app, &who, locale, id, (typed(&form, "reason"), Some(wrong))).await,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use askama::Template as _;
    use card_schema::ids::{CardId, Shard};
    use card_schema::money::Fen;

    use super::super::rules::OPEN_SECONDS;
    use super::*;
    use crate::intake::quarantine::model::{Reason, Settlement, Shown};
    use crate::people::Staff;
    use crate::people::member::model::Post;

    /// The page of a request in every state that it has.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        const NOW: Micros = Micros(1_790_000_000_000_000);
        let id = |number| StaffId(Uuid::from_u128(number));
        let member = |number, name: &str, role| Member {
            staff: Staff { staff_id: id(number), name: name.to_owned(), role },
            post: Post::working(Micros(0)),
            station: None,
            second_factor: false,
        };
        let everybody = [
            member(1, "test-admin", StaffRole::Administrator),
            member(2, "test-other", StaffRole::Administrator),
            member(3, "test-clerk", StaffRole::Clerk),
        ];
        let terminals = HashMap::from([(TerminalId::from_bytes([7; 16]), "收银台 2".to_owned())]);
        let words = Words { locale: frame.locale(), everybody: &everybody, terminals, now: NOW };
        let deed = Deed::ChangeRole { staff: id(3), from: StaffRole::Clerk, to: StaffRole::Auditor };
        let request = |deed, state, decided, reason: Option<&str>| Request {
            approval_id: Uuid::nil(),
            deed,
            asked_by: id(1),
            asked_at: NOW,
            expires_at: NOW.plus_seconds(OPEN_SECONDS),
            state,
            decided,
            reason: reason.map(str::to_owned),
        };
        let (other, staff, role) = (Some((id(2), NOW)), id(3), StaffRole::Auditor);
        let card = CardId::new(7, Shard(0), [9; 16]);
        let shown = Shown { received_until: NOW, digest: [7; 32], taps: 3, amount: Fen(31_000) };
        let terminal = TerminalId::from_bytes([7; 16]);
        let settlement = Settlement { terminal, until: Some(NOW), reason: Reason::Before, shown };
        let table = [
            ("waiting", request(deed, Stands::Waiting, None, None), 2, None),
            ("own", request(Deed::Admit { staff, role }, Stands::Waiting, None, None), 1, None),
            ("approved", request(Deed::Resume { staff, role }, Stands::Approved, other, None), 2, None),
            ("refused", request(deed, Stands::Refused, other, Some("too-much")), 1, None),
            ("refused-before", request(deed, Stands::Refused, other, Some("测试")), 1, None),
            ("withdrawn", request(deed, Stands::Withdrawn, other, None), 1, Some(("approve", "approval-decided"))),
            ("factor", request(Deed::TakeSecondFactor { staff }, Stands::Waiting, None, None), 2, None),
            ("card", request(Deed::SignInWithCard { staff, role, card }, Stands::Waiting, None, None), 2, None),
            ("settle", request(Deed::Settle(settlement), Stands::Waiting, None, None), 2, None),
            ("alone", request(deed, Stands::Alone, None, None), 1, None),
            ("reason", request(deed, Stands::Waiting, None, None), 2, Some(("reason", "approval-reason-missing"))),
        ];
        let shown = |(name, request, by, wrong): (&str, Request, u128, Wrong)| {
            let page = thing(frame.clone(), &words, &request, id(by), ("", wrong));
            (format!("request-{name}"), page.render().unwrap())
        };
        table.into_iter().map(shown).collect()
    }
}
