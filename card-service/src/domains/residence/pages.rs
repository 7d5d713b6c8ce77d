//! The pages on which a clerk registers a newcomer, one thing a page, and finds a holder by a document.

use std::collections::BTreeMap;

use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use card_schema::date::Date;
use card_schema::ids::HolderId;
use card_schema::wire::ProblemType;
use serde::Deserialize;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::draft::Draft;
use super::model::{ChangeReason, Facts, Field, Wrong};
use super::similar::{self, Distinction};
use super::view::{ChangePage, CheckPage, FindPage, FormPage, KnownPage, SAME, SimilarPage, Step};
use super::{Correction, Registration, change, draft, register, registered_with, reveal, rules, store};
use crate::app::App;
use crate::console::{frame::Frame, page};
use crate::http::{Refusal, SignedIn, language};
use crate::people::model::{Permission, Purpose};

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 7] {
    [
        ("/registrations", post(begin).get(home)),
        ("/registrations/{draft_id}/{step}", get(form).post(save)),
        ("/registrations/{draft_id}/check", get(check).post(finish)),
        ("/registrations/{draft_id}/similar", get(similar_form).post(similar_answer)),
        ("/registrations/{draft_id}/discard", post(discard).get(home)),
        ("/find", get(find_form).post(find)),
        ("/holders/{holder_id}/change/{field}", get(change_form).post(change_field)),
    ]
}

/// What a form carries, by the names of its fields.
type Typed = BTreeMap<String, Zeroizing<String>>;

/// Takes the texts of some fields from a form.
fn take(facts: &mut Facts, fields: &[Field], typed: &Typed) {
    for field in fields {
        facts.set(*field, typed.get(field.name()).map_or("", |text| text.trim()));
    }
}

fn may_register(who: &SignedIn) -> Result<(), Refusal> {
    who.require(Permission::ServeHolders)?;
    who.require_purpose(Purpose::Registration)
}

fn address(draft: Uuid) -> String {
    format!("/registrations/{draft}")
}

fn today(app: &App) -> Date {
    Date::of_utc(app.now())
}

/// Where an address leads that only takes what is sent to it.
async fn home() -> Redirect {
    Redirect::to("/")
}

async fn begin(State(app): State<App>, who: SignedIn) -> Result<Redirect, Refusal> {
    may_register(&who)?;
    let draft = draft::begin(&app, who.0.staff_id).await?;
    Ok(Redirect::to(&format!("{}/{}", address(draft), Step::ALL[0].name())))
}

async fn discard(State(app): State<App>, who: SignedIn, Path(id): Path<Uuid>) -> Result<Redirect, Refusal> {
    may_register(&who)?;
    draft::discard(&app, who.0.staff_id, id).await?;
    Ok(Redirect::to("/"))
}

/// A clerk at a step of a registration.
struct Desk {
    app: App,
    who: SignedIn,
    headers: HeaderMap,
    draft: Uuid,
}

impl Desk {
    /// The form of a step, with what is wrong in it.
    fn form(&self, step: Step, typed: &Facts, wrong: &[Wrong]) -> Result<Response, Refusal> {
        let draft = address(self.draft);
        let frame = Frame::new(language(&self.headers), format!("{draft}/{}", step.name()), Some(&self.who.0));
        let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        Ok((status, page(&FormPage::new(frame, &draft, step, typed, wrong, today(&self.app)))?).into_response())
    }

    /// Where somebody is registered with the document, the page that says so.
    async fn known(&self, facts: &Facts) -> Result<Option<Response>, Refusal> {
        let Some(holder) = registered_with(&self.app, facts).await? else { return Ok(None) };
        let draft = address(self.draft);
        let frame = Frame::new(language(&self.headers), format!("{draft}/document"), Some(&self.who.0));
        let found = page(&KnownPage { frame, draft, holder: holder.to_string() })?;
        Ok(Some((StatusCode::CONFLICT, found).into_response()))
    }

    async fn load(&self) -> Result<Draft, Refusal> {
        draft::load(&self.app, self.who.0.staff_id, self.draft).await
    }

    async fn keep(&self, draft: &Draft) -> Result<(), Refusal> {
        draft::save(&self.app, self.who.0.staff_id, self.draft, draft).await
    }

    /// The first who may be the same person and of whom nobody has said that it is another.
    async fn similar(&self, facts: &Facts, draft: &Draft) -> Result<Option<HolderId>, Refusal> {
        let alike = similar::alike(&self.app, facts).await?;
        Ok(alike.into_iter().find(|other| !draft.told_apart.contains_key(other)))
    }

    /// Both side by side. What is shown of the other is a read of that person's record.
    async fn compare(&self, typed: &Facts, other: HolderId, missing: bool) -> Result<Response, Refusal> {
        let (shared, now, reader) = (self.app.clone(), self.app.now(), self.who.0.staff_id);
        let read = self.app.db.write::<_, Refusal, _>(move |tx| {
            Box::pin(
                async move { reveal(&shared, tx, now, reader, other, Purpose::Registration, &similar::SHOWN).await },
            )
        });
        let known = read.await?.iter().fold(Facts::default(), |facts, one| facts.with(one.field, one.text.as_str()));
        let draft = address(self.draft);
        let frame = Frame::new(language(&self.headers), format!("{draft}/similar"), Some(&self.who.0));
        let status = if missing { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        Ok((status, page(&SimilarPage::new(frame, &draft, typed, other, &known, missing))?).into_response())
    }
}

fn step_of(name: &str) -> Result<Step, Refusal> {
    Step::from_name(name).ok_or(Refusal::new(ProblemType::NotFound))
}

async fn form(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path((draft, step)): Path<(Uuid, String)>,
) -> Result<Response, Refusal> {
    may_register(&who)?;
    let desk = Desk { app, who, headers, draft };
    desk.form(step_of(&step)?, &desk.load().await?.typed, &[])
}

async fn save(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path((draft, step)): Path<(Uuid, String)>,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    may_register(&who)?;
    let step = step_of(&step)?;
    let desk = Desk { app, who, headers, draft };
    let mut kept = desk.load().await?;
    take(&mut kept.typed, step.fields(), &typed);
    // What is wrong is kept as well: nothing that was typed is lost.
    desk.keep(&kept).await?;
    let facts = kept.typed;
    let checked = match rules::check_fields(step.fields(), &facts, today(&desk.app)) {
        Ok(checked) => checked,
        Err(wrong) => return desk.form(step, &facts, &wrong),
    };
    if step == Step::Document
        && let Some(known) = desk.known(&checked).await?
    {
        return Ok(known);
    }
    // Whoever has come back to change something goes on to the end.
    let whole = rules::check(&facts, today(&desk.app)).is_ok();
    let next = step.next().filter(|_| !whole).map_or("check", Step::name);
    Ok(Redirect::to(&format!("{}/{next}", address(draft))).into_response())
}

async fn check(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(draft): Path<Uuid>,
) -> Result<Response, Refusal> {
    may_register(&who)?;
    let desk = Desk { app, who, headers, draft };
    let kept = desk.load().await?;
    match rules::check(&kept.typed, today(&desk.app)) {
        Err(wrong) => desk.form(Step::of(wrong[0].field), &kept.typed, &wrong),
        Ok(facts) if desk.similar(&facts, &kept).await?.is_some() => {
            Ok(Redirect::to(&format!("{}/similar", address(draft))).into_response())
        }
        Ok(facts) => {
            let draft = address(draft);
            let frame = Frame::new(language(&desk.headers), format!("{draft}/check"), Some(&desk.who.0));
            page(&CheckPage::new(frame, &draft, &facts))
        }
    }
}

async fn finish(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(draft): Path<Uuid>,
) -> Result<Response, Refusal> {
    may_register(&who)?;
    let desk = Desk { app, who, headers, draft };
    let kept = desk.load().await?;
    let facts = match rules::check(&kept.typed, today(&desk.app)) {
        Ok(facts) => facts,
        Err(wrong) => return desk.form(Step::of(wrong[0].field), &kept.typed, &wrong),
    };
    if desk.similar(&facts, &kept).await?.is_some() {
        return Ok(Redirect::to(&format!("{}/similar", address(draft))).into_response());
    }
    let registration = Registration { facts: facts.clone(), told_apart: kept.told_apart, draft: Some(draft) };
    match register(&desk.app, desk.who.0.staff_id, registration).await {
        Ok(holder) => Ok(Redirect::to(&format!("/holders/{holder}")).into_response()),
        Err(refusal) if refusal.kind() == ProblemType::Conflict => desk.known(&facts).await?.ok_or(refusal),
        Err(refusal) => Err(refusal),
    }
}

async fn similar_form(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(draft): Path<Uuid>,
) -> Result<Response, Refusal> {
    may_register(&who)?;
    let desk = Desk { app, who, headers, draft };
    let kept = desk.load().await?;
    let similar = match rules::check(&kept.typed, today(&desk.app)) {
        Ok(facts) => desk.similar(&facts, &kept).await?,
        Err(_) => None,
    };
    match similar {
        Some(other) => desk.compare(&kept.typed, other, false).await,
        None => Ok(Redirect::to(&format!("{}/check", address(draft))).into_response()),
    }
}

#[derive(Deserialize)]
struct Answer {
    other: HolderId,
    answer: Option<String>,
}

async fn similar_answer(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(draft): Path<Uuid>,
    Form(Answer { other, answer }): Form<Answer>,
) -> Result<Response, Refusal> {
    may_register(&who)?;
    let desk = Desk { app, who, headers, draft };
    let mut kept = desk.load().await?;
    match answer.as_deref() {
        Some(SAME) => Ok(Redirect::to(&format!("/holders/{other}")).into_response()),
        Some(distinction) => {
            let distinction = Distinction::from_name(distinction).ok_or(Refusal::new(ProblemType::MalformedRequest))?;
            kept.told_apart.insert(other, distinction);
            desk.keep(&kept).await?;
            Ok(Redirect::to(&format!("{}/check", address(draft))).into_response())
        }
        // Not shown again by that: whoever it is must be among those who were found.
        None => match desk.similar(&kept.typed, &kept).await? {
            Some(found) => desk.compare(&kept.typed, found, true).await,
            None => Ok(Redirect::to(&format!("{}/check", address(draft))).into_response()),
        },
    }
}

fn found(app: &App, who: &SignedIn, headers: &HeaderMap, typed: &Facts, wrong: &[Wrong]) -> Result<Response, Refusal> {
    let frame = Frame::new(language(headers), "/find", Some(&who.0));
    let nobody = wrong.is_empty() && typed != &Facts::default();
    page(&FindPage::new(frame, typed, wrong, nobody, today(app)))
}

async fn find_form(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    found(&app, &who, &headers, &Facts::default(), &[])
}

async fn find(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let mut facts = Facts::default();
    take(&mut facts, Step::Document.fields(), &typed);
    match rules::check_fields(Step::Document.fields(), &facts, today(&app)) {
        Err(wrong) => {
            let again = found(&app, &who, &headers, &facts, &wrong)?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response())
        }
        Ok(checked) => match registered_with(&app, &checked).await? {
            Some(holder) => Ok(Redirect::to(&format!("/holders/{holder}")).into_response()),
            None => found(&app, &who, &headers, &facts, &[]),
        },
    }
}

fn field_of(name: &str) -> Result<Field, Refusal> {
    Field::from_name(name).ok_or(Refusal::new(ProblemType::NotFound))
}

async fn change_form(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path((holder, field)): Path<(HolderId, String)>,
) -> Result<Response, Refusal> {
    may_register(&who)?;
    let field = field_of(&field)?;
    if !store::exists(&mut app.db.read().await?, holder).await? {
        return Err(Refusal::because(ProblemType::NotFound, "holder-unknown"));
    }
    let frame = Frame::new(language(&headers), format!("/holders/{holder}/change/{}", field.name()), Some(&who.0));
    page(&ChangePage::new(frame, holder, field, &Facts::default(), None, None, today(&app)))
}

async fn change_field(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path((holder, field)): Path<(HolderId, String)>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    may_register(&who)?;
    let field = field_of(&field)?;
    let mut typed = Facts::default();
    take(&mut typed, field.changed_with(), &form);
    let reason = form.get("why").and_then(|why| ChangeReason::from_name(why));
    let wrong = match reason {
        None => Vec::new(),
        Some(reason) => {
            let correction = Correction { fields: field.changed_with(), typed: typed.clone(), reason };
            let (shared, by) = (app.clone(), who.0.staff_id);
            let changed = app
                .db
                .write::<_, Refusal, _>(move |tx| {
                    Box::pin(async move { change(&shared, tx, by, holder, &correction).await })
                })
                .await?;
            match changed {
                Ok(()) => return Ok(Redirect::to(&format!("/holders/{holder}")).into_response()),
                Err(wrong) => wrong,
            }
        }
    };
    let frame = Frame::new(language(&headers), format!("/holders/{holder}/change/{}", field.name()), Some(&who.0));
    let again = page(&ChangePage::new(frame, holder, field, &typed, reason, Some(&wrong), today(&app)))?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response())
}
