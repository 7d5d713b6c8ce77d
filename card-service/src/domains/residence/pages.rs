//! The pages on which a clerk registers a newcomer, one thing a page, and corrects what is known.

use axum::extract::{Form, FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use card_schema::ids::HolderId;
use card_schema::wire::ProblemType;
use serde::Deserialize;
use uuid::Uuid;

use super::agreement::model::{Form as AgreementForm, Statement};
use super::agreement::view::{AGREEMENT, AGREES, ON_PAPER, WITH_CARD};
use super::area::model::AreaKey;
use super::draft::Draft;
use super::house::{self, Chosen};
use super::household::view::{HOUSEHOLD, RELATIONSHIP, relationship_text};
use super::household::{self, model::HouseholdAnswer};
use super::model::{ChangeReason, Facts, Field, Typed, Wrong};
use super::similar::{self, Distinction};
use super::view::{
    CELL, CellPage, ChangeForm, ChangePage, CheckPage, FormPage, KnownPage, Problem, SAME, SimilarPage, Step,
};
use super::{
    Correction, Registration, Unchanged, agreement, change, draft, register, registered_with, require_known, reveal,
    rules, store,
};
use crate::app::App;
use crate::console::{asking, first_page, frame::Frame, overtaken, page};
use crate::http::{self, Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::model::{Permission, Purpose};

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 7] {
    [
        ("/registrations", post(begin).get(first_page)),
        ("/registrations/{draft_id}/{step}", get(form).post(save)),
        ("/registrations/{draft_id}/cell", get(cell_form).post(cell_answer)),
        ("/registrations/{draft_id}/check", get(check).post(finish)),
        ("/registrations/{draft_id}/similar", get(similar_form).post(similar_answer)),
        ("/registrations/{draft_id}/discard", post(discard).get(first_page)),
        ("/holders/{holder_id}/change/{field}", get(change_form).post(change_field)),
    ]
}

/// The pages of a registration on which nothing is typed, by their names in addresses.
const CHECK: &str = "check";
const SIMILAR: &str = "similar";

pub(super) fn may_register(who: &SignedIn) -> Result<(), Refusal> {
    who.require(Permission::ServeHolders)?;
    who.require_purpose(Purpose::Registration)
}

fn address(draft: Uuid) -> String {
    format!("/registrations/{draft}")
}

async fn begin(State(app): State<App>, who: SignedIn) -> Result<Redirect, Refusal> {
    may_register(&who)?;
    let draft = draft::begin(&app, who.0.staff_id).await?;
    Ok(Redirect::to(&format!("{}/{}", address(draft), Step::ALL[0].name())))
}

async fn discard(desk: Desk) -> Result<Redirect, Refusal> {
    draft::discard(&desk.app, desk.who.0.staff_id, desk.draft).await?;
    Ok(first_page().await)
}

/// A clerk at a registration that is under way.
pub(super) struct Desk {
    pub(super) app: App,
    pub(super) who: SignedIn,
    pub(super) locale: Locale,
    draft: Uuid,
}

#[derive(Deserialize)]
struct DraftPath {
    draft_id: Uuid,
}

impl FromRequestParts<App> for Desk {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let who = SignedIn::from_request_parts(parts, app).await?;
        may_register(&who)?;
        let http::Path(DraftPath { draft_id }) = http::Path::from_request_parts(parts, app).await?;
        Ok(Self { app: app.clone(), who, locale: language(&parts.headers), draft: draft_id })
    }
}

impl Desk {
    /// The address of one of its pages.
    pub(super) fn address(&self, page: &str) -> String {
        format!("{}/{page}", address(self.draft))
    }

    pub(super) fn to(&self, page: &str) -> Response {
        Redirect::to(&self.address(page)).into_response()
    }

    pub(super) fn frame(&self, page: &str) -> Frame {
        Frame::new(self.locale, self.address(page), Some(&self.who.0))
    }

    /// The form of a step, with what is wrong in it.
    fn form(&self, step: Step, typed: &Facts, wrong: &[Wrong]) -> Result<Response, Refusal> {
        let (frame, draft) = (self.frame(step.name()), address(self.draft));
        asking(&FormPage::new(frame, &draft, step, typed, wrong, self.app.today()), !wrong.is_empty())
    }

    /// Where somebody is registered with the document, the page that says so.
    async fn known(&self, facts: &Facts) -> Result<Option<Response>, Refusal> {
        let Some(holder) = registered_with(&self.app, facts).await? else { return Ok(None) };
        let (frame, draft) = (self.frame(Step::Document.name()), address(self.draft));
        let found = page(&KnownPage { frame, draft, holder: holder.to_string() })?;
        Ok(Some((StatusCode::CONFLICT, found).into_response()))
    }

    /// The form in which the first thing is wrong.
    fn mend(&self, typed: &Facts, wrong: &[Wrong]) -> Result<Response, Refusal> {
        self.form(wrong.first().map_or(Step::Document, |wrong| Step::of(wrong.field)), typed, wrong)
    }

    pub(super) async fn load(&self) -> Result<Draft, Refusal> {
        draft::load(&self.app, self.who.0.staff_id, self.draft).await
    }

    pub(super) async fn keep(&self, draft: &Draft) -> Result<(), Refusal> {
        draft::save(&self.app, self.who.0.staff_id, self.draft, draft).await
    }

    /// The first who may be the same person and of whom nobody has said that it is another.
    async fn similar(&self, facts: &Facts, draft: &Draft) -> Result<Option<HolderId>, Refusal> {
        let alike = similar::alike(&self.app.db, &*self.app.keys, facts).await?;
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
        let known = read.await?;
        asking(&SimilarPage::new(self.frame(SIMILAR), &address(self.draft), typed, other, &known, missing), missing)
    }
}

#[derive(Deserialize)]
struct StepPath {
    step: String,
}

impl StepPath {
    fn step(&self) -> Result<Step, Refusal> {
        Step::from_name(&self.step).ok_or(Refusal::new(ProblemType::NotFound))
    }
}

async fn form(desk: Desk, Path(path): Path<StepPath>) -> Result<Response, Refusal> {
    desk.form(path.step()?, &desk.load().await?.typed, &[])
}

async fn save(desk: Desk, Path(path): Path<StepPath>, Form(typed): Form<Typed>) -> Result<Response, Refusal> {
    let step = path.step()?;
    let mut kept = desk.load().await?;
    let before = kept.typed.clone();
    kept.typed.take(step.fields(), &typed);
    let is_another = |field| kept.typed.get(field) != before.get(field);
    if is_another(Field::Address) {
        kept.cell = None;
    }
    if [Field::Address, Field::Room, Field::Home].into_iter().any(is_another) {
        kept.household = None;
    }
    if agreement::PRINTED.into_iter().any(is_another) {
        kept.form = None;
    }
    // What is wrong is kept as well: nothing that was typed is lost.
    desk.keep(&kept).await?;
    let checked = match rules::check_fields(step.fields(), &kept.typed, desk.app.today()) {
        Ok(checked) => checked,
        Err(wrong) => return desk.form(step, &kept.typed, &wrong),
    };
    if step == Step::Document
        && let Some(known) = desk.known(&checked).await?
    {
        return Ok(known);
    }
    if step != Step::Home {
        return Ok(desk.go_on(step, &kept.typed));
    }
    if kept.cell.is_none() {
        let mut connection = desk.app.db.read().await?;
        if house::is_to_be_asked(&desk.app, &mut connection, checked.get(Field::Address)).await? {
            return Ok(desk.to(CELL));
        }
    }
    desk.after_house(&kept).await
}

impl Desk {
    /// Where somebody goes on from a step.
    fn go_on(&self, step: Step, facts: &Facts) -> Response {
        // Whoever has come back to change something goes on to the end.
        let whole = rules::check(facts, self.app.today()).is_ok();
        self.to(step.next().filter(|_| !whole).map_or(CHECK, Step::name))
    }

    /// Where somebody goes on once it is known where the house lies: to the households there, if there are any.
    async fn after_house(&self, kept: &Draft) -> Result<Response, Refusal> {
        let asks = kept.household.is_none() && {
            let mut connection = self.app.db.read().await?;
            !household::candidates(&self.app, &mut connection, &kept.typed).await?.is_empty()
        };
        Ok(if asks { self.to(HOUSEHOLD) } else { self.go_on_from_home(kept) })
    }

    /// Where somebody goes on from where the person lives.
    pub(super) fn go_on_from_home(&self, kept: &Draft) -> Response {
        self.go_on(Step::Home, &kept.typed)
    }

    /// Asks in which cell the house lies: in the city, or in a part of it.
    async fn ask_for_cell(&self, typed: &Facts, under: Option<&AreaKey>, missing: bool) -> Result<Response, Refusal> {
        let choices = house::choices(&mut self.app.db.read().await?, under).await?;
        let asked = CellPage {
            frame: self.frame(CELL),
            action: self.address(CELL),
            back: self.address(Step::Home.name()),
            address: typed.get(Field::Address).to_owned(),
            along: Vec::new(),
            choices,
            missing,
        };
        asking(&asked, missing)
    }
}

async fn cell_form(desk: Desk) -> Result<Response, Refusal> {
    desk.ask_for_cell(&desk.load().await?.typed, None, false).await
}

async fn cell_answer(desk: Desk, Form(typed): Form<Typed>) -> Result<Response, Refusal> {
    let mut kept = desk.load().await?;
    match chosen_cell(&desk.app, &typed).await? {
        Chosen::Nothing => desk.ask_for_cell(&kept.typed, None, true).await,
        Chosen::Area(area) => desk.ask_for_cell(&kept.typed, Some(&area), false).await,
        Chosen::Answer(answer) => {
            kept.cell = Some(answer);
            desk.keep(&kept).await?;
            desk.after_house(&kept).await
        }
    }
}

/// What was answered to a question of a form.
pub(super) fn answer<'a>(form: &'a Typed, name: &str) -> &'a str {
    form.get(name).map_or("", |text| text.as_str())
}

/// What a form says of where a house lies.
async fn chosen_cell(app: &App, typed: &Typed) -> Result<Chosen, Refusal> {
    Ok(house::chosen(&mut app.db.read().await?, answer(typed, "cell")).await?)
}

impl Desk {
    /// All that was typed, where it can be registered; otherwise the page on which something is to be done before.
    pub(super) async fn whole(&self, kept: &Draft) -> Result<Result<Facts, Response>, Refusal> {
        let facts = match rules::check(&kept.typed, self.app.today()) {
            Ok(facts) => facts,
            Err(wrong) => return self.mend(&kept.typed, &wrong).map(Err),
        };
        let is_alike = self.similar(&facts, kept).await?.is_some();
        Ok(if is_alike { Err(self.to(SIMILAR)) } else { Ok(facts) })
    }

    /// Everything that was typed, and how the person agrees; with what is wrong with the answer to that.
    async fn ask_to_check(&self, kept: &Draft, facts: &Facts, wrong: Option<&str>) -> Result<Response, Refusal> {
        let mut connection = self.app.db.read().await?;
        let lies = house::lies(&self.app, &mut connection, facts.get(Field::Address), kept.cell.as_ref()).await?;
        let belongs = match kept.household {
            None => None,
            Some(HouseholdAnswer::None) => Some(self.locale.text("household-offer-none")),
            Some(HouseholdAnswer::Of { relationship: None, .. }) => return Ok(self.to(RELATIONSHIP)),
            Some(HouseholdAnswer::Of { relationship: Some(one), .. }) => Some(relationship_text(self.locale, one)),
        };
        let agrees = agreement::view::agrees(self.locale, self.is_child(facts), wrong);
        let shown = CheckPage::new(self.frame(CHECK), &address(self.draft), facts, [lies, belongs], agrees);
        asking(&shown, shown.is_wrong())
    }

    /// Whether a guardian has to agree for the person.
    fn is_child(&self, facts: &Facts) -> bool {
        let today = self.app.today();
        agreement::rules::is_child(agreement::rules::birth(facts, today), today)
    }

    /// Registers the person, who has agreed on a form or will with the card.
    pub(super) async fn register(
        &self,
        kept: Draft,
        facts: Facts,
        agreed: Option<(AgreementForm, Statement)>,
    ) -> Result<Response, Refusal> {
        let Draft { told_apart, cell, household, .. } = kept;
        let draft = Some(self.draft);
        let registration = Registration { facts: facts.clone(), told_apart, cell, household, agreed, draft };
        match register(&self.app, self.who.0.staff_id, registration).await {
            Ok(holder) => Ok(Redirect::to(&format!("/holders/{holder}")).into_response()),
            Err(refusal) if refusal.kind() == ProblemType::Conflict => self.known(&facts).await?.ok_or(refusal),
            Err(refusal) => Err(refusal),
        }
    }
}

async fn check(desk: Desk) -> Result<Response, Refusal> {
    let kept = desk.load().await?;
    match desk.whole(&kept).await? {
        Ok(facts) => desk.ask_to_check(&kept, &facts, None).await,
        Err(elsewhere) => Ok(elsewhere),
    }
}

async fn finish(desk: Desk, Form(typed): Form<Typed>) -> Result<Response, Refusal> {
    let mut kept = desk.load().await?;
    let facts = match desk.whole(&kept).await? {
        Ok(facts) => facts,
        Err(elsewhere) => return Ok(elsewhere),
    };
    match (answer(&typed, AGREES), desk.is_child(&facts)) {
        (WITH_CARD, false) => desk.register(kept, facts, None).await,
        (WITH_CARD, true) => desk.ask_to_check(&kept, &facts, Some("agreement-means-child")).await,
        (ON_PAPER, _) => {
            if kept.form.is_none() {
                kept.form = Some(agreement::new_form(&desk.app).await?);
                desk.keep(&kept).await?;
            }
            Ok(desk.to(AGREEMENT))
        }
        _ => desk.ask_to_check(&kept, &facts, Some("agreement-means-missing")).await,
    }
}

async fn similar_form(desk: Desk) -> Result<Response, Refusal> {
    ask_about_similar(&desk, &desk.load().await?, false).await
}

/// Asks about the first who may be the same person; goes on where there is none.
async fn ask_about_similar(desk: &Desk, kept: &Draft, missing: bool) -> Result<Response, Refusal> {
    let similar = match rules::check(&kept.typed, desk.app.today()) {
        Ok(facts) => desk.similar(&facts, kept).await?,
        Err(_) => None,
    };
    match similar {
        Some(other) => desk.compare(&kept.typed, other, missing).await,
        None => Ok(desk.to(CHECK)),
    }
}

#[derive(Deserialize)]
struct Answer {
    other: HolderId,
    answer: Option<String>,
}

async fn similar_answer(desk: Desk, Form(Answer { other, answer }): Form<Answer>) -> Result<Response, Refusal> {
    let mut kept = desk.load().await?;
    match answer.as_deref() {
        None => ask_about_similar(&desk, &kept, true).await,
        Some(SAME) => Ok(Redirect::to(&format!("/holders/{other}")).into_response()),
        Some(distinction) => {
            let distinction = Distinction::from_name(distinction).ok_or(Refusal::new(ProblemType::MalformedRequest))?;
            kept.told_apart.insert(other, distinction);
            desk.keep(&kept).await?;
            Ok(desk.to(CHECK))
        }
    }
}

/// The page on which a field is corrected.
struct Correcting {
    app: App,
    who: SignedIn,
    locale: Locale,
    holder: HolderId,
    field: Field,
}

#[derive(Deserialize)]
struct CorrectingPath {
    holder_id: HolderId,
    field: String,
}

impl FromRequestParts<App> for Correcting {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let who = SignedIn::from_request_parts(parts, app).await?;
        may_register(&who)?;
        let http::Path(path) = http::Path::<CorrectingPath>::from_request_parts(parts, app).await?;
        let field = Field::from_name(&path.field).ok_or(Refusal::new(ProblemType::NotFound))?;
        Ok(Self { app: app.clone(), who, locale: language(&parts.headers), holder: path.holder_id, field })
    }
}

impl Correcting {
    fn shown(&self, form: &ChangeForm<'_>) -> Result<Response, Refusal> {
        let (holder, field) = (self.holder, self.field);
        let address = format!("/holders/{holder}/change/{}", field.name());
        let frame = Frame::new(self.locale, address, Some(&self.who.0));
        let page = ChangePage::new(frame, holder, field, form, self.app.today());
        match form.problem {
            Some(Problem::Meanwhile(_)) => overtaken(&page),
            Some(Problem::NoReason | Problem::Wrong(_)) => asking(&page, true),
            None => asking(&page, false),
        }
    }
}

impl Correcting {
    /// Asks in which cell the new house lies; what was typed goes along.
    async fn ask_for_cell(
        &self,
        form: &Typed,
        typed: &Facts,
        under: Option<&AreaKey>,
        missing: bool,
    ) -> Result<Response, Refusal> {
        let choices = house::choices(&mut self.app.db.read().await?, under).await?;
        let own = format!("/holders/{}/change/{}", self.holder, self.field.name());
        let along = form.iter().filter(|(name, _)| *name != "cell");
        let asked = CellPage {
            frame: Frame::new(self.locale, own.as_str(), Some(&self.who.0)),
            action: own.clone(),
            back: own,
            address: typed.get(Field::Address).to_owned(),
            along: along.map(|(name, value)| (name.clone(), value.to_string())).collect(),
            choices,
            missing,
        };
        asking(&asked, missing)
    }
}

async fn change_form(at: Correcting) -> Result<Response, Refusal> {
    let mut connection = at.app.db.read().await?;
    require_known(&mut connection, at.holder).await?;
    let newest = store::newest_change(&mut connection, at.holder, at.field.changed_with()).await?;
    let seen = newest.map_or(0, |newest| newest.leaf);
    at.shown(&ChangeForm { typed: &Facts::default(), reason: None, seen, problem: None })
}

async fn change_field(at: Correcting, Form(form): Form<Typed>) -> Result<Response, Refusal> {
    let fields = at.field.changed_with();
    let mut typed = Facts::default();
    typed.take(fields, &form);
    // Who does not say what was known knew of no change.
    let seen = form.get("seen").and_then(|leaf| leaf.parse().ok()).unwrap_or(0);
    let Some(reason) = form.get("why").and_then(|why| ChangeReason::from_name(why)) else {
        return at.shown(&ChangeForm { typed: &typed, reason: None, seen, problem: Some(Problem::NoReason) });
    };
    let mut cell = None;
    if form.contains_key("cell") {
        match chosen_cell(&at.app, &form).await? {
            Chosen::Nothing => return at.ask_for_cell(&form, &typed, None, true).await,
            Chosen::Area(area) => return at.ask_for_cell(&form, &typed, Some(&area), false).await,
            Chosen::Answer(answer) => cell = Some(answer),
        }
    }
    let correction = Correction { fields, typed: typed.clone(), reason, cell, seen };
    let (shared, by, holder) = (at.app.clone(), at.who.0.staff_id, at.holder);
    let changed = at
        .app
        .db
        .write::<_, Refusal, _>(move |tx| Box::pin(async move { change(&shared, tx, by, holder, &correction).await }))
        .await?;
    let shown = ChangeForm { typed: &typed, reason: Some(reason), seen, problem: None };
    match changed {
        Ok(()) => Ok(Redirect::to(&format!("/holders/{holder}")).into_response()),
        Err(Unchanged::Wrong(wrong)) => at.shown(&ChangeForm { problem: Some(Problem::Wrong(&wrong)), ..shown }),
        Err(Unchanged::NoCell) => at.ask_for_cell(&form, &typed, None, false).await,
        // Sent once more, it is meant.
        Err(Unchanged::Meanwhile(newest)) => {
            at.shown(&ChangeForm { seen: newest.leaf, problem: Some(Problem::Meanwhile(&newest)), ..shown })
        }
    }
}
