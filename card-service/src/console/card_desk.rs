//! One card of a holder at the desk: suspended, taken up again, reported lost, blocked, given back; what became of it, and
//! who did what with it.

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
use super::history::Line;
use super::view::{Choice, Tag, card_state, day, minute, short};
use crate::app::App;
use crate::cards::deed::{
    self,
    model::{Fate, Past, What},
};
use crate::cards::expiry::rules::Clock;
use crate::cards::{self, Bearer, Card, CardState, unblock};
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::model::Permission;

/// The pages of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 2] {
    [
        ("/holders/{holder_id}/cards/{card_id}", get(show).post(change)),
        ("/holders/{holder_id}/cards/{card_id}/chip", get(back).post(chip)),
    ]
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

/// How much of what happened to a card is shown.
const HISTORY_SHOWN: u32 = 20;

/// What was not chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Missing {
    #[default]
    Nothing,
    Change,
    Fate,
}

/// What the page shows.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) holder: HolderId,
    pub(super) card: Card,
    /// As people are to see it.
    pub(super) state: CardState,
    /// What became of its chip.
    pub(super) fate: Option<Fate>,
    pub(super) history: Vec<Past>,
    pub(super) missing: Missing,
}

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
    missing: Missing,
    /// Whether its PIN can be unblocked.
    may_unblock: bool,
    /// What became of the chip of a card that was given back.
    fate: Option<String>,
    /// What may be said to become of it.
    fates: Vec<Choice>,
    history: Vec<Line>,
}

/// The words of a list in a language; what is no word of it, as programs may write it, is shown as it was written.
fn word(locale: Locale, list: &str, known: &[&str], name: &str) -> String {
    if known.contains(&name) { locale.text(&format!("{list}-{}", name.replace('_', "-"))) } else { name.to_owned() }
}

fn fate_text(locale: Locale, fate: Fate) -> String {
    locale.text(&format!("card-fate-{}", fate.name().replace('_', "-")))
}

/// Reasons for which a card's state changes by itself, or by something else than this page.
const BY_ITSELF: [&str; 5] = ["issuance", "consent", "replacement", "merged", "overspent"];

/// Something that happened to a card.
pub(super) fn line(locale: Locale, past: Past) -> Line {
    let (what, why) = match past.what {
        What::Issue(reason) => {
            (locale.text("card-history-issue"), word(locale, "card-issue", &["first", "renewed", "replaced"], &reason))
        }
        What::State(state, reason) => {
            let known = REASONS.map(|(reason, _)| reason);
            let why = if known.contains(&reason.as_str()) {
                word(locale, "console-change", &known, &reason)
            } else {
                word(locale, "card-by-itself", &BY_ITSELF, &reason)
            };
            (card_state(locale, state), why)
        }
        What::Chip(fate) => {
            (locale.text("card-history-chip"), Fate::from_name(&fate).map_or(fate, |fate| fate_text(locale, fate)))
        }
    };
    Line::at(past.at, what, why, past.staff.unwrap_or_default())
}

impl CardDeskPage {
    pub(super) fn new(frame: Frame, scene: Scene) -> Self {
        let Scene { holder, card, state, fate, history, missing } = scene;
        let number = card.card_id.to_string();
        let locale = frame.locale();
        let change = |(reason, next): (&str, CardState)| Choice {
            hint: locale.text_with("console-change-becomes", &[("state", &card_state(locale, next))]),
            ..Choice::new(reason, frame.t(&format!("console-change-{}", reason.replace('_', "-"))))
        };
        let may = |(_, next): &(&str, CardState)| state.may_be_made(*next);
        let is_back = card.state == CardState::Returned;
        let fates = Fate::ALL.into_iter().filter(|next| is_back && next.may_follow(fate));
        Self {
            holder: holder.to_string(),
            card_short: short(&number),
            card: number,
            state: Tag::of_card(locale, state),
            expires: day(card.expires_at),
            changed: minute(card.changed_at),
            changes: REASONS.into_iter().filter(may).map(change).collect(),
            missing,
            may_unblock: unblock::may_unblock(state),
            fate: fate.map(|fate| fate_text(locale, fate)),
            fates: fates.map(|fate| Choice::new(fate.name(), fate_text(locale, fate))).collect(),
            history: history.into_iter().map(|past| line(locale, past)).collect(),
            frame,
        }
    }
}

pub(super) async fn card_of(app: &App, holder: HolderId, card: CardId) -> Result<Card, Refusal> {
    let found = cards::store::one(&mut app.db.read().await?, card).await?;
    found
        .filter(|card| card.bearer == Bearer::Holder(holder))
        .ok_or(Refusal::because(ProblemType::NotFound, "card-unknown"))
}

async fn shown(
    app: &App,
    who: &SignedIn,
    locale: Locale,
    (holder, card): (HolderId, Card),
    missing: Missing,
) -> Result<Response, Refusal> {
    let path = format!("/holders/{holder}/cards/{}", card.card_id);
    let mut connection = app.db.read().await?;
    let scene = Scene {
        state: Clock::at(app.now()).state(&card),
        fate: deed::store::fate(&mut connection, card.card_id).await?,
        history: deed::store::history(&mut connection, card.card_id, HISTORY_SHOWN).await?,
        card,
        holder,
        missing,
    };
    asking(&CardDeskPage::new(Frame::new(locale, path, Some(&who.0)), scene), missing != Missing::Nothing)
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path((holder, card)): Path<(HolderId, CardId)>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let card = card_of(&app, holder, card).await?;
    shown(&app, &who, language(&headers), (holder, card), Missing::Nothing).await
}

async fn back(Path((holder, card)): Path<(HolderId, CardId)>) -> Redirect {
    Redirect::to(&format!("/holders/{holder}/cards/{card}"))
}

#[derive(Deserialize)]
struct ChosenFate {
    fate: Option<String>,
}

async fn chip(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path((holder, card)): Path<(HolderId, CardId)>,
    Form(form): Form<ChosenFate>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let found = card_of(&app, holder, card).await?;
    let Some(fate) = form.fate.as_deref().and_then(Fate::from_name) else {
        return shown(&app, &who, language(&headers), (holder, found), Missing::Fate).await;
    };
    let (now, by) = (app.now(), who.0.staff_id);
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                cards::store::lock(tx, card).await?;
                let found = cards::store::one(tx.conn(), card).await?;
                let before = deed::store::fate(tx.conn(), card).await?;
                let is_back = found.is_some_and(|card| card.state == CardState::Returned);
                if !is_back || !fate.may_follow(before) {
                    return Err(Refusal::because(ProblemType::Conflict, "card-fate-conflict"));
                }
                Ok(deed::store::chip(tx, now, card, by, fate).await?)
            })
        })
        .await?;
    Ok(back(Path((holder, card))).await.into_response())
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
    let Some((reason, next)) = chosen else {
        return shown(&app, &who, language(&headers), (holder, found), Missing::Change).await;
    };
    cards::api::set_state(&app, who.0.staff_id, card, next, reason.to_owned()).await?;
    Ok(back(Path((holder, card))).await.into_response())
}
