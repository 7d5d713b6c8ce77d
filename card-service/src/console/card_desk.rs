//! One card of a holder at the desk: suspended, taken up again, reported lost, blocked, given back.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::ids::{CardId, HolderId};
use card_schema::wire::ProblemType;
use serde::Deserialize;

use super::asking;
use super::frame::Frame;
use super::view::{Choice, Tag, card_state, day, minute, short};
use crate::app::App;
use crate::cards::{self, Card, CardState, unblock};
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::model::Permission;

/// The pages of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 1] {
    [("/holders/{holder_id}/cards/{card_id}", get(show).post(change))]
}

/// Why a card is put into another state. For the record: a word of a list, so that nothing personal is written there.
const REASONS: [(&str, CardState); 8] = [
    ("holder_asked", CardState::Suspended),
    ("under_inquiry", CardState::Suspended),
    ("holder_present", CardState::Active),
    ("lost", CardState::Lost),
    ("stolen", CardState::Lost),
    ("damaged", CardState::Blocked),
    ("misused", CardState::Blocked),
    ("given_back", CardState::Returned),
];

/// See the module.
#[derive(Debug, Template)]
#[template(path = "console/card_desk.html")]
pub(super) struct CardDeskPage {
    frame: Frame,
    holder: String,
    card: String,
    card_short: String,
    state: Tag,
    expires: String,
    changed: String,
    changes: Vec<Choice>,
    missing: bool,
    /// Whether its PIN can be unblocked.
    may_unblock: bool,
}

impl CardDeskPage {
    pub(super) fn new(frame: Frame, card: &Card, missing: bool) -> Self {
        let number = card.card_id.to_string();
        let locale = frame.locale();
        let change = |(reason, next): (&str, CardState)| Choice {
            hint: locale.text_with("console-change-becomes", &[("state", &card_state(locale, next))]),
            ..Choice::new(reason, frame.t(&format!("console-change-{}", reason.replace('_', "-"))))
        };
        let may = |(_, next): &(&str, CardState)| card.state.may_be_made(*next);
        Self {
            holder: card.holder_id.to_string(),
            card_short: short(&number),
            card: number,
            state: Tag::of_card(locale, card.state),
            expires: day(card.expires_at),
            changed: minute(card.changed_at),
            changes: REASONS.into_iter().filter(may).map(change).collect(),
            missing,
            may_unblock: unblock::may_unblock(card.state),
            frame,
        }
    }
}

pub(super) async fn card_of(app: &App, holder: HolderId, card: CardId) -> Result<Card, Refusal> {
    let found = cards::store::one(&mut app.db.read().await?, card).await?;
    found.filter(|card| card.holder_id == holder).ok_or(Refusal::because(ProblemType::NotFound, "card-unknown"))
}

fn shown(who: &SignedIn, locale: Locale, card: &Card, missing: bool) -> Result<Response, Refusal> {
    let path = format!("/holders/{}/cards/{}", card.holder_id, card.card_id);
    asking(&CardDeskPage::new(Frame::new(locale, path, Some(&who.0)), card, missing), missing)
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path((holder, card)): Path<(HolderId, CardId)>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    shown(&who, language(&headers), &card_of(&app, holder, card).await?, false)
}

#[derive(Deserialize)]
struct Chosen {
    change: Option<String>,
}

async fn change(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path((holder, card)): Path<(HolderId, CardId)>,
    Form(form): Form<Chosen>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let found = card_of(&app, holder, card).await?;
    let chosen = REASONS.into_iter().find(|(reason, _)| Some(*reason) == form.change.as_deref());
    let Some((reason, next)) = chosen else { return shown(&who, language(&headers), &found, true) };
    cards::api::set_state(&app, card, next, reason.to_owned()).await?;
    Ok(Redirect::to(&format!("/holders/{holder}/cards/{card}")).into_response())
}
