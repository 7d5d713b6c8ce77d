//! Two records of one person: looked at side by side, made one, and two again.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use card_schema::clock::Micros;
use card_schema::ids::{HolderId, Shard};

use super::asking;
use super::frame::Frame;
use super::history::Line;
use super::view::Choice;
use crate::app::App;
use crate::cards;
use crate::cards::store::Because;
use crate::console::input::Input;
use crate::domains::residence::merge::{self, Reason};
use crate::domains::residence::model::{Facts, Field, Typed, Wrong};
use crate::domains::residence::view::{Compared, DOCUMENT, compared, inputs};
use crate::domains::residence::{self, similar};
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::Purpose;
use crate::people::model::Permission;

/// The pages of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 2] {
    [("/holders/{holder_id}/merge", get(show).post(answer)), ("/holders/{holder_id}/merge/undo", post(undo).get(back))]
}

/// Asks for the other record.
#[derive(Debug, Template)]
#[template(path = "console/merge.html")]
pub(super) struct MergePage {
    pub(super) frame: Frame,
    pub(super) holder: String,
    pub(super) inputs: Vec<Input>,
}

impl MergePage {
    fn is_wrong(&self) -> bool {
        self.inputs.iter().any(Input::is_wrong)
    }
}

/// Both records side by side.
#[derive(Debug, Template)]
#[template(path = "console/merge_compare.html")]
pub(super) struct ComparePage {
    pub(super) frame: Frame,
    pub(super) holder: String,
    pub(super) other: String,
    pub(super) lines: Vec<Compared>,
    pub(super) reasons: Vec<Choice>,
    /// No reason was chosen.
    pub(super) missing: bool,
}

impl ComparePage {
    pub(super) fn new(
        frame: Frame,
        holder: HolderId,
        other: HolderId,
        [kept, merged]: [&Facts; 2],
        missing: bool,
    ) -> Self {
        let locale = frame.locale();
        let choice = |reason: Reason| Choice::new(reason.name(), reason_text(locale, reason));
        Self {
            holder: holder.to_string(),
            other: other.to_string(),
            lines: compared(locale, kept, merged),
            reasons: Reason::ALL.map(choice).into(),
            missing,
            frame,
        }
    }
}

/// Something that was done with a record of a person who has several.
pub(super) fn line(locale: Locale, at: Micros, act: merge::Act, who: String, why: &str) -> Line {
    let why = Reason::from_name(why).map_or_else(String::new, |reason| reason_text(locale, reason));
    Line::at(at, locale.text(&format!("timeline-{}", act.name())), why, who)
}

fn reason_text(locale: Locale, reason: Reason) -> String {
    locale.text(&format!("merge-reason-{}", reason.name().replace('_', "-")))
}

fn may_merge(who: &SignedIn) -> Result<(), Refusal> {
    who.require(Permission::ServeHolders)?;
    who.require_purpose(Purpose::Registration)
}

fn path(holder: HolderId) -> String {
    format!("/holders/{holder}/merge")
}

fn form(
    app: &App,
    who: &SignedIn,
    locale: Locale,
    holder: HolderId,
    typed: &Facts,
    wrong: &[Wrong],
) -> Result<Response, Refusal> {
    let shown = MergePage {
        frame: Frame::new(locale, path(holder), Some(&who.0)),
        holder: holder.to_string(),
        inputs: inputs(locale, DOCUMENT, typed, wrong, app.today()),
    };
    asking(&shown, !wrong.is_empty())
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
) -> Result<Response, Refusal> {
    may_merge(&who)?;
    let mut connection = app.db.read().await?;
    merge::require_primary(&mut connection, holder).await?;
    form(&app, &who, language(&headers), holder, &Facts::default(), &[])
}

/// What is shown of both is a read of both records.
async fn compare(
    app: &App,
    who: &SignedIn,
    locale: Locale,
    [holder, other]: [HolderId; 2],
    missing: bool,
) -> Result<Response, Refusal> {
    let (shared, now, reader) = (app.clone(), app.now(), who.0.staff_id);
    let read = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move {
            let (app, tx) = (&shared, tx);
            tx.lock([holder.shard(), other.shard()]).await?;
            let mut both = Vec::new();
            for holder in [holder, other] {
                both.push(
                    residence::reveal(app, tx, now, reader, holder, Purpose::Registration, &similar::SHOWN).await?,
                );
            }
            Ok(both)
        })
    });
    let both = read.await?;
    let frame = Frame::new(locale, path(holder), Some(&who.0));
    asking(&ComparePage::new(frame, holder, other, [&both[0], &both[1]], missing), missing)
}

async fn answer(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    may_merge(&who)?;
    let locale = language(&headers);
    if let Some(other) = typed.get("other").and_then(|id| id.parse::<HolderId>().ok()) {
        return match typed.get("reason").and_then(|reason| Reason::from_name(reason)) {
            None => compare(&app, &who, locale, [holder, other], true).await,
            Some(reason) => made_one(&app, &who, holder, other, reason).await,
        };
    }
    let mut facts = Facts::default();
    facts.take(DOCUMENT, &typed);
    let wrong = |key| vec![Wrong { field: Field::DocumentNumber, key, at: String::new() }];
    match residence::whose_document(&app, &facts).await? {
        Err(wrong) => form(&app, &who, locale, holder, &facts, &wrong),
        Ok(None) => form(&app, &who, locale, holder, &facts, &wrong("find-document-nobody")),
        Ok(Some(other)) if other == holder => form(&app, &who, locale, holder, &facts, &wrong("merge-same-record")),
        Ok(Some(other)) => compare(&app, &who, locale, [holder, other], false).await,
    }
}

/// The other record points to this one, and its cards are out of use: a person has one.
async fn made_one(
    app: &App,
    who: &SignedIn,
    kept: HolderId,
    other: HolderId,
    reason: Reason,
) -> Result<Response, Refusal> {
    let (shared, by, now) = (app.clone(), who.0.staff_id, app.now());
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                tx.lock([Shard(0), other.shard(), kept.shard()]).await?;
                merge::merge(&shared, tx, by, other, kept, reason).await?;
                let because = Because { reason: "merged", by: Some(by) };
                cards::store::replace_all(tx, now, cards::Bearer::Holder(other), None, because).await?;
                Ok(())
            })
        })
        .await?;
    Ok(Redirect::to(&format!("/holders/{kept}")).into_response())
}

async fn back(Path(holder): Path<HolderId>) -> Redirect {
    Redirect::to(&format!("/holders/{holder}"))
}

async fn undo(State(app): State<App>, who: SignedIn, Path(holder): Path<HolderId>) -> Result<Redirect, Refusal> {
    may_merge(&who)?;
    let (shared, by) = (app.clone(), who.0.staff_id);
    app.db
        .write::<_, Refusal, _>(move |tx| Box::pin(async move { merge::undo(&shared, tx, by, holder).await }))
        .await?;
    Ok(back(Path(holder)).await)
}
