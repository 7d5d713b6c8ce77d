//! The pages on which a clerk takes somebody into a household, says how the person is related to the head, makes the person
//! the head, or says that the person belongs there no longer; and those of a registration that ask about the household.

use axum::extract::{Form, FromRequestParts};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::ids::HolderId;
use serde::Deserialize;

use super::model::{HouseholdAnswer, Relationship};
use super::view::{HOUSEHOLD, NONE, RELATIONSHIP, Way};
use super::{candidates, head_of, name_of, names, seen};
use crate::app::App;
use crate::console::{asking, frame::Frame, overtaken};
use crate::domains::residence::draft::Draft;
use crate::domains::residence::model::{ChangeReason, Facts, Field, Typed, Wrong};
use crate::domains::residence::pages::{Desk, answer, may_register};
use crate::domains::residence::view::{AskPage, DOCUMENT};
use crate::domains::residence::whose_document;
use crate::http::{self, Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::StaffId;

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 6] {
    [
        ("/holders/{holder_id}/household", get(whose_form).post(join)),
        ("/holders/{holder_id}/household/relationship", get(relate_form).post(relate)),
        ("/holders/{holder_id}/household/head", get(head_form).post(head)),
        ("/holders/{holder_id}/household/leave", get(leave_form).post(leave)),
        ("/registrations/{draft_id}/household", get(offer).post(choose)),
        ("/registrations/{draft_id}/relationship", get(relationship_form).post(relationship)),
    ]
}

/// A clerk at the household of somebody who is registered.
struct At {
    app: App,
    by: StaffId,
    who: SignedIn,
    locale: Locale,
    holder: HolderId,
}

#[derive(Deserialize)]
struct HolderPath {
    holder_id: HolderId,
}

impl FromRequestParts<App> for At {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let who = SignedIn::from_request_parts(parts, app).await?;
        may_register(&who)?;
        let http::Path(HolderPath { holder_id }) = http::Path::from_request_parts(parts, app).await?;
        Ok(Self { app: app.clone(), by: who.0.staff_id, who, locale: language(&parts.headers), holder: holder_id })
    }
}

impl At {
    /// A page below that of the household.
    fn way(&self, page: &str) -> Way {
        let back = format!("/holders/{}", self.holder);
        let action = format!("{back}/household{page}");
        Way { frame: Frame::new(self.locale, action.as_str(), Some(&self.who.0)), action, back }
    }

    /// Does something for whoever knew of all that was done before, and goes back to the holder; tells others what they did
    /// not know of, on the page that is shown again.
    async fn done(&self, form: &Typed, doing: Doing) -> Result<Response, Refusal> {
        let (app, by, holder) = (self.app.clone(), self.by, self.holder);
        let (joins, mark) = (doing.joins(), answer(form, "seen").to_owned());
        let written = self.app.db.write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                let people: Vec<_> = joins.into_iter().chain([holder]).collect();
                super::lock(tx, &people, &[]).await?;
                if let Some(newest) = seen::of(&app, tx.conn(), holder, joins).await?.unknown_to(&mark)? {
                    return Ok(Some(newest));
                }
                match doing {
                    Doing::Join(with) => super::join(&app, tx, by, holder, with).await?,
                    Doing::Relate(how) => super::relate(&app, tx, by, holder, how).await?,
                    Doing::Head(before) => super::head(&app, tx, by, holder, before).await?,
                    Doing::Leave(reason) => super::leave(&app, tx, by, holder, reason).await?,
                }
                Ok(None)
            })
        });
        let Some(newest) = written.await? else {
            return Ok(Redirect::to(&format!("/holders/{holder}")).into_response());
        };
        let again = match doing {
            Doing::Join((person, _)) => self.related(person, form, false).await?,
            Doing::Relate(_) => self.corrected(form, false),
            Doing::Head(_) => self.new_head(form, false),
            Doing::Leave(_) => self.leaves(form, false),
        };
        overtaken(&self.knowing(again.told("household-changed-meanwhile", &newest), joins).await?)
    }

    /// A page with what is known as it is shown.
    async fn knowing(&self, page: AskPage, joins: Option<HolderId>) -> Result<AskPage, Refusal> {
        let seen = seen::of(&self.app, &mut self.app.db.read().await?, self.holder, joins).await?;
        Ok(page.knowing(seen.mark))
    }

    /// Asks something about the household in which the holder is.
    async fn asks(&self, page: AskPage) -> Result<Response, Refusal> {
        shown(&self.knowing(page, None).await?)
    }

    fn ask_whose(&self, typed: &Facts, wrong: &[Wrong]) -> Result<Response, Refusal> {
        shown(&self.way("").whose(typed, wrong, self.app.today()))
    }

    /// How the holder is related to the head of a person's household. Whose name is shown can see that.
    async fn related(&self, person: HolderId, form: &Typed, missing: bool) -> Result<AskPage, Refusal> {
        let head = head_of(&self.app, &mut self.app.db.read().await?, person).await?;
        let name = name_of(&self.app, self.by, head).await?;
        Ok(self.way("").relationship(&name, person, answer(form, "relationship"), missing))
    }

    async fn ask_related(&self, person: HolderId, form: &Typed, missing: bool) -> Result<Response, Refusal> {
        let page = self.related(person, form, missing).await?;
        shown(&self.knowing(page, Some(person)).await?)
    }

    fn corrected(&self, form: &Typed, is_sent: bool) -> AskPage {
        self.way("/relationship").corrected(answer(form, "relationship"), answer(form, "why"), is_sent)
    }

    fn new_head(&self, form: &Typed, missing: bool) -> AskPage {
        self.way("/head").head(answer(form, "relationship"), missing)
    }

    fn leaves(&self, form: &Typed, is_sent: bool) -> AskPage {
        self.way("/leave").leave(answer(form, "why"), is_sent)
    }
}

/// What is done with somebody's household.
#[derive(Clone, Copy, Debug)]
enum Doing {
    Join((HolderId, Relationship)),
    Relate((Relationship, ChangeReason)),
    Head(Relationship),
    Leave(ChangeReason),
}

impl Doing {
    /// Whose household it is about, where it is not the holder's own.
    const fn joins(&self) -> Option<HolderId> {
        match self {
            Self::Join((person, _)) => Some(*person),
            Self::Relate(_) | Self::Head(_) | Self::Leave(_) => None,
        }
    }
}

fn shown(page: &AskPage) -> Result<Response, Refusal> {
    asking(page, page.is_wrong())
}

async fn whose_form(at: At) -> Result<Response, Refusal> {
    at.ask_whose(&Facts::default(), &[])
}

async fn join(at: At, Form(form): Form<Typed>) -> Result<Response, Refusal> {
    if let Ok(person) = answer(&form, "whose").parse::<HolderId>() {
        return match Relationship::of_member(answer(&form, "relationship")) {
            None => at.ask_related(person, &form, true).await,
            Some(relationship) => at.done(&form, Doing::Join((person, relationship))).await,
        };
    }
    let mut typed = Facts::default();
    typed.take(DOCUMENT, &form);
    let wrong = |key| vec![Wrong { field: Field::DocumentNumber, key, at: String::new() }];
    match whose_document(&at.app, &typed).await? {
        Err(wrong) => at.ask_whose(&typed, &wrong),
        Ok(None) => at.ask_whose(&typed, &wrong("find-document-nobody")),
        // The number is the holder's own: it is not sent back.
        Ok(Some(person)) if person == at.holder => at.ask_whose(&Facts::default(), &wrong("household-same")),
        Ok(Some(person)) => at.ask_related(person, &form, false).await,
    }
}

async fn relate_form(at: At) -> Result<Response, Refusal> {
    at.asks(at.corrected(&Typed::new(), false)).await
}

async fn relate(at: At, Form(form): Form<Typed>) -> Result<Response, Refusal> {
    let (chosen, why) = (answer(&form, "relationship"), answer(&form, "why"));
    match (Relationship::of_member(chosen), ChangeReason::from_name(why)) {
        (Some(relationship), Some(reason)) => at.done(&form, Doing::Relate((relationship, reason))).await,
        _ => at.asks(at.corrected(&form, true)).await,
    }
}

async fn head_form(at: At) -> Result<Response, Refusal> {
    at.asks(at.new_head(&Typed::new(), false)).await
}

async fn head(at: At, Form(form): Form<Typed>) -> Result<Response, Refusal> {
    match Relationship::of_member(answer(&form, "relationship")) {
        Some(before) => at.done(&form, Doing::Head(before)).await,
        None => at.asks(at.new_head(&form, true)).await,
    }
}

async fn leave_form(at: At) -> Result<Response, Refusal> {
    at.asks(at.leaves(&Typed::new(), false)).await
}

async fn leave(at: At, Form(form): Form<Typed>) -> Result<Response, Refusal> {
    match ChangeReason::from_name(answer(&form, "why")) {
        Some(reason) => at.done(&form, Doing::Leave(reason)).await,
        None => at.asks(at.leaves(&form, true)).await,
    }
}

fn way(desk: &Desk, page: &str, back: &str) -> Way {
    Way { frame: desk.frame(page), action: desk.address(page), back: desk.address(back) }
}

/// Asks whether a newcomer belongs to a household in the house. Whose name is shown can see that.
async fn ask(desk: &Desk, kept: &Draft, missing: bool) -> Result<Response, Refusal> {
    let people = candidates(&desk.app, &mut desk.app.db.read().await?, &kept.typed).await?;
    if people.is_empty() {
        return Ok(desk.go_on_from_home(kept));
    }
    let names = names(&desk.app, desk.who.0.staff_id, people).await?;
    shown(&way(desk, HOUSEHOLD, "home").offer(&names, missing))
}

async fn offer(desk: Desk) -> Result<Response, Refusal> {
    ask(&desk, &desk.load().await?, false).await
}

async fn choose(desk: Desk, Form(form): Form<Typed>) -> Result<Response, Refusal> {
    let mut kept = desk.load().await?;
    let chosen = answer(&form, "whose");
    if chosen == NONE {
        kept.household = Some(HouseholdAnswer::None);
        desk.keep(&kept).await?;
        return Ok(desk.go_on_from_home(&kept));
    }
    let people = candidates(&desk.app, &mut desk.app.db.read().await?, &kept.typed).await?;
    let Some(person) = people.into_iter().find(|person| person.to_string() == chosen) else {
        return ask(&desk, &kept, true).await;
    };
    kept.household = Some(HouseholdAnswer::Of { person, relationship: None });
    desk.keep(&kept).await?;
    Ok(desk.to(RELATIONSHIP))
}

/// Asks how a newcomer is related to the head who was chosen.
async fn ask_how(desk: &Desk, kept: &Draft, missing: bool) -> Result<Response, Refusal> {
    let Some(HouseholdAnswer::Of { person, .. }) = kept.household else { return Ok(desk.to(HOUSEHOLD)) };
    let name = name_of(&desk.app, desk.who.0.staff_id, person).await?;
    shown(&way(desk, RELATIONSHIP, HOUSEHOLD).relationship(&name, person, "", missing))
}

async fn relationship_form(desk: Desk) -> Result<Response, Refusal> {
    ask_how(&desk, &desk.load().await?, false).await
}

async fn relationship(desk: Desk, Form(form): Form<Typed>) -> Result<Response, Refusal> {
    let mut kept = desk.load().await?;
    let how = Relationship::of_member(answer(&form, "relationship"));
    match (&mut kept.household, how) {
        (Some(HouseholdAnswer::Of { relationship, .. }), Some(how)) => *relationship = Some(how),
        _ => return ask_how(&desk, &kept, true).await,
    }
    desk.keep(&kept).await?;
    Ok(desk.go_on_from_home(&kept))
}
