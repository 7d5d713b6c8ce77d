//! What holders say against their months, for the bureau: what waits, the oldest first, and one of them, with whose it is, for an officer
//! who says why and answers it.

use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::date::Date;
use card_schema::ids::{OrganisationId, TapId};
use card_schema::month::Month;
use card_schema::wire::ProblemType;
use card_schema::wire::insurance::{Answered, DisputeAnswer};

use super::months;
use crate::app::App;
use crate::console::frame::Frame;
use crate::console::input::Input;
use crate::console::model::Tone;
use crate::console::part::{Part, Told};
use crate::console::register::{Act, Due, DueList, DuePage, Link, ThingPage, Typed, Wrong, message, refused, typed};
use crate::console::view::{self, Choice, Tag, day};
use crate::console::{asking, page};
use crate::db::Connection;
use crate::domains::residence::model::{Facts, Field};
use crate::domains::residence::{self, merge};
use crate::domains::social_security::dispute::{self, Dispute};
use crate::domains::social_security::{record, store};
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::model::Permission;
use crate::people::{Purpose, organisation};
use crate::statement::insurance::{self, Insured};

const LIST: &str = "/disputes";

const PART: Part = Part {
    address: ["/disputes/", ""],
    keys: "dispute",
    permission: Permission::ReconcileContributions,
    purposes: Some(&[Purpose::Complaint]),
    back: |locale, _| back(locale),
};

/// How many the list shows.
const LISTED: u32 = 100;

/// The pages of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 2] {
    [(LIST, get(list)), ("/disputes/{tap_id}", get(ask).post(show))]
}

fn back(locale: Locale) -> Link {
    Link { to: LIST.to_owned(), text: locale.text("dispute-all") }
}

/// How a dispute stands.
pub(super) fn standing(locale: Locale, of: &Dispute) -> String {
    match of.answered {
        None => locale.text_with("dispute-waits", &[("day", &of.due().to_string())]),
        Some(Answered { at, answer }) => {
            let said = locale.text(answer_key(answer));
            locale.text_with("dispute-answered", &[("day", &day(at)), ("answer", &said)])
        }
    }
}

const fn answer_key(answer: DisputeAnswer) -> &'static str {
    match answer {
        DisputeAnswer::Upheld => "dispute-upheld",
        DisputeAnswer::SetRight => "dispute-set-right",
        DisputeAnswer::Unfounded => "dispute-unfounded",
    }
}

fn tag(locale: Locale, of: &Dispute, today: Date) -> Tag {
    let (key, tone) = match of.answered {
        Some(_) => ("dispute-state-answered", Tone::Ok),
        None if of.due() < today => ("dispute-state-late", Tone::No),
        None => ("dispute-state-waits", Tone::Wait),
    };
    Tag { text: locale.text(key), tone }
}

/// The page of what waits: it names employers and months, and no person.
pub(super) fn listed(
    frame: Frame,
    waiting: &[Dispute],
    name: impl Fn(OrganisationId) -> String,
    today: Date,
) -> DuePage {
    let locale = frame.locale();
    let due = |of: &Dispute| Due {
        to: PART.address(of.tap),
        number: months::label(locale, of.month, &name(of.employer)),
        state: tag(locale, of, today),
        day: locale.text_with("dispute-due", &[("day", &of.due().to_string())]),
    };
    let (title, none) = (locale.text("dispute-waiting"), locale.text("dispute-none"));
    let lists = vec![DueList::new("waiting", title, none, LISTED as usize, waiting.iter().map(due))];
    DuePage {
        title: locale.text("dispute-all"),
        lead: locale.text("dispute-all-lead"),
        number: locale.text("dispute-month"),
        lists,
        frame,
    }
}

async fn list(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::ReconcileContributions)?;
    let mut connection = app.db.read().await?;
    let waiting = store::dispute::waiting(&mut connection, LISTED + 1).await?;
    let all = organisation::store::all(&mut connection).await?;
    let name = |employer| {
        let entry = all.iter().find(|entry| entry.organisation.organisation_id == employer);
        entry.map_or_else(String::new, |entry| entry.organisation.name.clone())
    };
    page(&listed(Frame::new(language(&headers), LIST, Some(&who.0)), &waiting, name, app.today()))
}

async fn known(connection: &mut Connection, tap: TapId) -> Result<Dispute, Refusal> {
    let unknown = Refusal::because(ProblemType::NotFound, "dispute-unknown");
    store::dispute::one(connection, tap).await?.ok_or(unknown)
}

async fn ask(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(tap): Path<TapId>,
) -> Result<Response, Refusal> {
    let frame = PART.frame(&who, &headers, tap)?;
    known(&mut app.db.read().await?, tap).await?;
    PART.why(frame, tap, who.0.role, None).answer()
}

/// What an officer sees of a dispute.
pub(super) struct Seen {
    pub(super) dispute: Dispute,
    /// Name and number of whose it is.
    pub(super) facts: Facts,
    pub(super) has: Insured,
}

/// What a form answers, if it answers anything.
fn read(form: &Typed) -> Result<Option<DisputeAnswer>, (&'static str, &'static str)> {
    if typed(form, "act") != "settle" {
        return Ok(None);
    }
    DisputeAnswer::from_name(typed(form, "answer")).map(Some).ok_or(("answer", "dispute-answer-missing"))
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(tap): Path<TapId>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    let (frame, purpose) = match PART.told(&who, &headers, tap, &form)? {
        Told::Why(frame, purpose) => (frame, purpose),
        Told::Nothing(question) => return Ok(question),
    };
    let mut connection = app.db.read().await?;
    let dispute = known(&mut connection, tap).await?;
    let person = merge::primary(&mut connection, dispute.holder).await?;
    drop(connection);
    let (by, now, today) = (who.0.staff_id, app.now(), app.today());
    let answer = read(&form);
    let office = app.clone();
    let seen = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                // The person has the list of who has read the one record, whatever record the dispute came with.
                tx.lock([dispute.holder.shard(), person.shard()]).await?;
                let has = insurance::of(tx.conn(), person, now, Month::of(today)).await?;
                let month = has.month(dispute.month, dispute.employer);
                let wrong = match answer {
                    Err(missing) => Some(missing),
                    Ok(None) => None,
                    Ok(Some(answer)) if !dispute::may_be(answer, month) => Some(("answer", "dispute-not-set-right")),
                    Ok(Some(answer)) if dispute::answer(tx, (by, now), &dispute, answer).await? => return Ok(None),
                    Ok(Some(_)) => Some(("settle", "dispute-answered-meanwhile")),
                };
                let fields = [Field::Name, Field::DocumentNumber];
                let facts = residence::reveal(&office, tx, now, by, person, purpose, &fields).await?;
                residence::store::record_read(tx, now, person, by, purpose, record::READ).await?;
                Ok(Some((Seen { dispute: known(tx.conn(), tap).await?, facts, has }, wrong)))
            })
        })
        .await?;
    match seen {
        None => Ok(Redirect::to(LIST).into_response()),
        Some((seen, wrong)) => asking(&thing(frame, &seen, purpose, today, (&form, wrong)), wrong.is_some()),
    }
}

/// The page of one.
pub(super) fn thing(
    frame: Frame,
    seen: &Seen,
    purpose: Purpose,
    today: Date,
    (form, wrong): (&Typed, Wrong),
) -> ThingPage {
    let locale = frame.locale();
    let t = |key: &str| locale.text(key);
    let Seen { dispute, facts: of, has } = seen;
    let key = (dispute.month, dispute.employer);
    let month = has.month(dispute.month, dispute.employer);
    let standing_now = month.map_or_else(|| t("dispute-no-month"), |month| months::standing(locale, month));
    let mut facts = vec![
        (t("dispute-raised"), day(dispute.at)),
        (t("dispute-standing"), standing(locale, dispute)),
        (t("filing-name"), of.get(Field::Name).to_owned()),
        (t("filing-number"), of.get(Field::DocumentNumber).to_owned()),
        (months::label(locale, dispute.month, has.name(dispute.employer)), standing_now),
    ];
    let others = has.disputes.iter().filter(|one| (one.month, one.employer) == key && one.tap != dispute.tap);
    facts.extend(others.map(|one| (t("dispute-other"), format!("{} · {}", day(one.at), standing(locale, one)))));
    facts.push((t("insured-why"), view::reason(locale, purpose)));
    let mut acts = Vec::new();
    if dispute.answered.is_none() {
        let answers = DisputeAnswer::ALL.map(|answer| Choice::new(answer.name(), t(answer_key(answer))));
        let answer = Input::choice("answer", t("dispute-answer"), answers.into(), typed(form, "answer"));
        acts.push(Act {
            name: "settle",
            title: t("dispute-act-settle"),
            hint: Some(t("dispute-act-settle-hint")),
            inputs: vec![answer.wrong(message(locale, wrong, "answer"))],
            button: t("dispute-act-settle-button"),
            primary: true,
        });
    }
    ThingPage {
        back: back(locale),
        action: PART.address(dispute.tap),
        title: t("dispute-title"),
        state: tag(locale, dispute, today),
        facts,
        links: Vec::new(),
        refused: refused(locale, wrong, &acts),
        along: vec![("reason", purpose.name().to_owned())],
        acts,
        frame,
    }
}

#[cfg(test)]
pub(super) fn why(frame: Frame, tap: TapId, wrong: Wrong) -> crate::console::register::FormPage {
    PART.why(frame, tap, crate::people::StaffRole::BureauOfficer, wrong)
}
