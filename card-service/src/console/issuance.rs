//! A card that is being issued: how far it is, shown live where the browser runs scripts.

use std::convert::Infallible;
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use card_schema::ids::HolderId;
use futures_util::stream;
use tokio::time::Instant;
use uuid::Uuid;

use super::frame::Frame;
use super::model::Tone;
use super::page;
use super::view::{Tag, short};
use crate::app::App;
use crate::cards::issuance;
use crate::cards::issuance::api::{IssuanceReply, Progress, WaitingFor};
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::model::Permission;

/// How often it is looked whether there is news. Readers answer a step in tens of milliseconds.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A stream ends after so long, and the browser asks again: whoever has been signed out meanwhile sees no more.
const STREAM_AT_MOST: Duration = Duration::from_mins(5);

/// The pages of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 3] {
    [
        ("/issuances/{issuance_id}", get(show)),
        ("/issuances/{issuance_id}/events", get(events)),
        ("/issuances/{issuance_id}/resume", post(resume).get(back)),
    ]
}

/// See the module.
#[derive(Debug, Template)]
#[template(path = "console/issuance.html")]
pub(super) struct IssuancePage {
    pub(super) frame: Frame,
    pub(super) progress: IssuanceProgress,
}

/// The part that changes while somebody looks.
#[derive(Debug, PartialEq, Eq, Template)]
#[template(path = "console/issuance_progress.html")]
pub(super) struct IssuanceProgress {
    issuance: String,
    holder: String,
    card: String,
    state: Tag,
    next: String,
    reason: Option<String>,
    steps: String,
    done: u32,
    total: u32,
    is_over: bool,
    back: String,
    /// What taking it up again is called, and whether that is to be done.
    resume: String,
    may_resume: bool,
}

impl IssuanceProgress {
    pub(super) fn new(locale: Locale, holder: HolderId, issuance: IssuanceReply) -> Self {
        let (state, tone) = match issuance.state {
            Progress::Running => ("running", Tone::Wait),
            Progress::Waiting => ("waiting", Tone::Wait),
            Progress::Finished => ("finished", Tone::Ok),
            Progress::Failed => ("failed", Tone::No),
        };
        let next = issuance.waiting_for.map_or(state, |waiting| match waiting {
            WaitingFor::Card => "for-card",
            WaitingFor::NewPin => "for-new-pin",
            WaitingFor::Pin => "for-pin",
            WaitingFor::Consent => "for-consent",
            WaitingFor::ConsentTap => "for-consent-tap",
            WaitingFor::Resume => "for-resume",
        });
        let text = |key: &str| locale.text(&format!("console-issuance-{key}"));
        Self {
            state: Tag { text: text(state), tone },
            next: text(&format!("next-{next}")),
            issuance: issuance.issuance_id.to_string(),
            holder: holder.to_string(),
            card: short(&issuance.card_id.to_string()),
            reason: issuance.reason,
            steps: text("steps"),
            done: issuance.steps_done,
            total: issuance.steps_total,
            is_over: matches!(issuance.state, Progress::Finished | Progress::Failed),
            back: text("back"),
            resume: text("resume"),
            may_resume: issuance.waiting_for == Some(WaitingFor::Resume),
        }
    }
}

async fn look(app: &App, locale: Locale, id: Uuid) -> Result<IssuanceProgress, Refusal> {
    let (found, card) = issuance::api::look(&mut app.db.read().await?, id).await?;
    Ok(IssuanceProgress::new(locale, card.holder_id, found))
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let locale = language(&headers);
    let progress = look(&app, locale, id).await?;
    page(&IssuancePage { frame: Frame::new(locale, format!("/issuances/{id}"), Some(&who.0)), progress })
}

/// What is told to a browser that watches.
struct Watch {
    app: App,
    locale: Locale,
    id: Uuid,
    until: Instant,
    /// What was told last.
    told: Option<IssuanceProgress>,
    /// The last event was told.
    over: bool,
}

impl Watch {
    /// The next event, once there is news; none when there will be no more.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        let mut stopping = self.app.stopping.clone();
        while !self.over && Instant::now() < self.until {
            let now = look(&self.app, self.locale, self.id).await.ok()?;
            if self.told.as_ref() != Some(&now) {
                let event = Event::default().data(now.render().ok()?);
                self.told = Some(now);
                return Some((Ok(event), self));
            }
            if now.is_over {
                self.over = true;
                return Some((Ok(Event::default().event("over").data("")), self));
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stopping.wait_for(|stopping| *stopping) => return None,
            }
        }
        None
    }
}

async fn events(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let locale = language(&headers);
    look(&app, locale, id).await?;
    let watch = Watch { app, locale, id, until: Instant::now() + STREAM_AT_MOST, told: None, over: false };
    Ok(Sse::new(stream::unfold(watch, Watch::next)).keep_alive(KeepAlive::default()).into_response())
}

async fn back(Path(id): Path<Uuid>) -> Redirect {
    Redirect::to(&format!("/issuances/{id}"))
}

async fn resume(State(app): State<App>, who: SignedIn, Path(id): Path<Uuid>) -> Result<Redirect, Refusal> {
    who.require(Permission::ServeHolders)?;
    issuance::resume(&app, id).await?;
    Ok(Redirect::to(&format!("/issuances/{id}")))
}
