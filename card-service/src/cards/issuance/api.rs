//! The API of issuing cards, for the office.

use crate::db::Connection;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use card_schema::envelope::receipt::Outcome;
use card_schema::ids::{HolderId, TerminalId};
use card_schema::wire::ProblemType;
use card_schema::wire::issuance::KeySlot;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::journal::{STEPS_EXPECTED, Want};
use super::store;
use crate::app::App;
use crate::cards::{self, Away, Bearer, Card, CardState, consent};
use crate::http::{Body, Path, Refusal, SignedIn};
use crate::i18n::Locale;
use crate::people::model::Permission;

/// The routes of this file.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(issue)).routes(routes!(issuance)).routes(routes!(resume))
}

/// A card to be issued.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCard {
    /// For whom.
    holder_id: HolderId,
    /// In which language the holder reads what there is to agree to.
    language: Locale,
    /// At which terminal.
    terminal_id: TerminalId,
    /// At which of its readers, where it has several.
    reader: Option<String>,
}

/// An issuance that has begun.
#[derive(Serialize, ToSchema)]
struct NewCardReply {
    card_id: card_schema::ids::CardId,
    issuance_id: Uuid,
}

/// Issue a card: the terminal's reader asks for a blank card and the holder's new PIN
#[utoipa::path(post, path = "/v1/cards", tag = "cards", request_body = NewCard, responses(
    (status = 201, description = "The reader is told", body = NewCardReply)),
    extensions(("x-problems" = json!([
        (ProblemType::NotFound, "No such holder or terminal"),
        (ProblemType::Conflict, "The terminal is not enrolled or revoked"),
    ]))))]
async fn issue(
    State(app): State<App>,
    who: SignedIn,
    Body(request): Body<NewCard>,
) -> Result<(StatusCode, Json<NewCardReply>), Refusal> {
    who.require(Permission::ServeHolders)?;
    let (card_id, issuance_id) = super::start(
        &app,
        who.0.staff_id,
        Bearer::Holder(request.holder_id),
        request.language,
        request.terminal_id,
        request.reader,
    )
    .await?;
    Ok((StatusCode::CREATED, Json(NewCardReply { card_id, issuance_id })))
}

/// The state of an issuance in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Progress {
    /// The reader is at work.
    Running,
    /// For a person, a card or the consent's tap.
    Waiting,
    /// The card is in use.
    Finished,
    /// Over for good; the card is not in use.
    Failed,
}

/// What an issuance waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WaitingFor {
    /// A card in the reader.
    Card,
    /// The card that was taken off before it was finished.
    CardBack,
    /// The reader, which is not there.
    Reader,
    /// The holder chooses a PIN.
    NewPin,
    /// The holder types the PIN.
    Pin,
    /// The holder agrees to the text.
    Consent,
    /// The consent is signed and not yet here.
    ConsentTap,
    /// It stopped, or the consent was refused: somebody has to take it up again.
    Resume,
}

impl WaitingFor {
    /// What a card that is to be read is waited for with.
    pub(crate) const fn read_card(away: Option<Away>) -> Self {
        match away {
            None => Self::Card,
            Some(Away::Card) => Self::CardBack,
            Some(Away::Reader) => Self::Reader,
        }
    }
}

/// How far an issuance has come.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssuanceReply {
    pub(crate) issuance_id: Uuid,
    pub(crate) card_id: card_schema::ids::CardId,
    pub(crate) state: Progress,
    /// Steps answered so far.
    pub(crate) steps_done: u32,
    /// Steps there will be if nothing goes wrong.
    pub(crate) steps_total: u32,
    pub(crate) waiting_for: Option<WaitingFor>,
    /// Why it stopped, for people; Chinese and English.
    pub(crate) reason: Option<String>,
}

/// Look at an issuance
#[utoipa::path(get, path = "/v1/issuances/{issuance_id}", tag = "cards",
    params(("issuance_id" = Uuid, Path)), responses(
    (status = 200, description = "How far it has come", body = IssuanceReply)),
    extensions(("x-problems" = json!([(ProblemType::NotFound, "No such issuance")]))))]
async fn issuance(State(app): State<App>, who: SignedIn, Path(id): Path<Uuid>) -> Result<Json<IssuanceReply>, Refusal> {
    who.require(Permission::ServeHolders)?;
    let look = look(&mut app.db.read().await?, id).await?;
    who.require(look.card.bearer.permission())?;
    Ok(Json(look.reply()))
}

/// An issuance, as somebody sees it who looks.
#[derive(Debug)]
pub(crate) struct Look {
    /// How far it has come.
    pub(crate) issuance: store::Issuance,
    /// Its card.
    pub(crate) card: Card,
    /// What became of the consent that was signed, once it has come in.
    consent: Option<Outcome>,
}

/// How far an issuance has come.
pub(crate) async fn look(connection: &mut Connection, id: Uuid) -> Result<Look, Refusal> {
    let not_found = || Refusal::new(ProblemType::NotFound);
    let issuance = store::one(connection, id).await?.ok_or_else(not_found)?;
    let card = cards::store::one(connection, issuance.card_id).await?.ok_or_else(not_found)?;
    let consent = consent::store::outcome(connection, issuance.card_id).await?;
    Ok(Look { issuance, card, consent })
}

/// Take an issuance up again that was interrupted, or whose consent did not make the card active
#[utoipa::path(post, path = "/v1/issuances/{issuance_id}/resume", tag = "cards",
    params(("issuance_id" = Uuid, Path)), responses(
    (status = 200, description = "The reader is told", body = IssuanceReply)),
    extensions(("x-problems" = json!([
        (ProblemType::NotFound, "No such issuance"),
        (ProblemType::Conflict, "It is over for good"),
    ]))))]
async fn resume(State(app): State<App>, who: SignedIn, Path(id): Path<Uuid>) -> Result<Json<IssuanceReply>, Refusal> {
    who.require(Permission::ServeHolders)?;
    let before = look(&mut app.db.read().await?, id).await?;
    who.require(before.card.bearer.permission())?;
    super::resume(&app, id).await?;
    look(&mut app.db.read().await?, id).await.map(|look| Json(look.reply()))
}

impl Look {
    /// Why it stopped, in words of a language.
    pub(crate) fn reason(&self, locale: Locale) -> Option<String> {
        let (_, waiting_for) = self.progress();
        match (&self.issuance.journal.asked, waiting_for, self.consent) {
            (Want::Failed { failure, .. }, ..) => Some(locale.text(failure.text_key())),
            (Want::Finished, Some(WaitingFor::Resume), Some(refused)) => {
                let outcome = locale.text(&format!("console-outcome-{}", refused.number()));
                Some(locale.text_with("issue-consent-refused", &[("outcome", &outcome)]))
            }
            _ => None,
        }
    }

    fn progress(&self) -> (Progress, Option<WaitingFor>) {
        let journal = &self.issuance.journal;
        progress(&journal.asked, journal.away(), self.card.state, self.consent)
    }

    /// How far it has come, in the words of the API.
    pub(crate) fn reply(&self) -> IssuanceReply {
        let (state, waiting_for) = self.progress();
        let done = self.issuance.number;
        let is_over = matches!(state, Progress::Finished | Progress::Failed);
        let (zh, en) = (self.reason(Locale::ZhCn), self.reason(Locale::En));
        IssuanceReply {
            issuance_id: self.issuance.issuance_id,
            card_id: self.issuance.card_id,
            state,
            steps_done: done,
            steps_total: if is_over { done } else { STEPS_EXPECTED.max(done + 1) },
            waiting_for,
            reason: zh.zip(en).map(|(zh, en)| format!("{zh} / {en}")),
        }
    }
}

/// The state of an issuance, and whom or what it waits for.
const fn progress(
    asked: &Want,
    away: Option<Away>,
    card: CardState,
    consent: Option<Outcome>,
) -> (Progress, Option<WaitingFor>) {
    let waiting_for = match asked {
        // In use once the consent's tap is accepted; whatever became of the card later, its issuance is over.
        Want::Finished if matches!(card, CardState::Personalised) => match consent {
            None | Some(Outcome::Accepted) => WaitingFor::ConsentTap,
            Some(_) => WaitingFor::Resume,
        },
        Want::Finished => return (Progress::Finished, None),
        Want::Failed { failure, .. } if failure.may_resume() => WaitingFor::Resume,
        Want::Failed { .. } => return (Progress::Failed, None),
        Want::ReadCard => WaitingFor::read_card(away),
        Want::SetPin => WaitingFor::NewPin,
        Want::Prove { slot: KeySlot::SignIn | KeySlot::Approve, .. } => WaitingFor::Pin,
        Want::Consent => WaitingFor::Consent,
        _ => return (Progress::Running, None),
    };
    (Progress::Waiting, Some(waiting_for))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cards::issuance::journal::Failure;

    #[test]
    fn an_issuance_is_finished_only_when_the_card_is_in_use() {
        let finished = |card, consent| progress(&Want::Finished, None, card, consent);
        assert_eq!(finished(CardState::Personalised, None), (Progress::Waiting, Some(WaitingFor::ConsentTap)));
        assert_eq!(
            finished(CardState::Personalised, Some(Outcome::WrongText)),
            (Progress::Waiting, Some(WaitingFor::Resume))
        );
        assert_eq!(
            finished(CardState::Personalised, Some(Outcome::BadSignature)),
            (Progress::Waiting, Some(WaitingFor::Resume))
        );
        assert_eq!(finished(CardState::Active, Some(Outcome::Accepted)), (Progress::Finished, None));
        assert_eq!(finished(CardState::Lost, Some(Outcome::Accepted)), (Progress::Finished, None));
    }

    #[test]
    fn an_issuance_says_whom_it_waits_for() {
        let failed = |failure| Want::Failed { failure, reset: false };
        let progress = |asked| progress(&asked, None, CardState::Personalising, None);
        assert_eq!(progress(Want::SetPin), (Progress::Waiting, Some(WaitingFor::NewPin)));
        assert_eq!(progress(Want::ReadCard), (Progress::Waiting, Some(WaitingFor::Card)));
        assert_eq!(progress(Want::SetManagementKey), (Progress::Running, None));
        assert_eq!(progress(failed(Failure::Declined)), (Progress::Waiting, Some(WaitingFor::Resume)));
        assert_eq!(progress(failed(Failure::CardErrors)), (Progress::Failed, None));
    }
}
