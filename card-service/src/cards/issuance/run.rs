//! One observation of an issuance, from the daemon's words to the next step, in one transaction.

use card_schema::clock::Micros;
use card_schema::envelope::PublicKey;
use card_schema::ids::{CardId, TerminalId};
use card_schema::wire::ProblemType;
use card_schema::wire::issuance::{Job, NumberedStep, Observation, ObservationRequest};
use uuid::Uuid;

use super::journal::{Journal, Relation, STEPS_EXPECTED, Seen, Want};
use super::store::{Answered, Issuance};
use super::{steps, store};
use crate::app::App;
use crate::cards::deed::model::Reason;
use crate::cards::expiry::rules::Clock;
use crate::cards::store::Because;
use crate::cards::{self, Away, Bearer, Card, CardState, consent, possession};
use crate::consent::Text;
use crate::db::Tx;
use crate::domains::residence;
use crate::http::Refusal;
use crate::i18n::Locale;
use crate::people::{StaffId, member};
use crate::terminals;

/// Why a card's state follows its journal.
const ISSUANCE: Because<'static> = Because::of("issuance");

/// Puts a card for somebody to issue at a terminal. They will be asked to agree in `language`.
///
/// # Errors
/// `NotFound` where there is nobody like that or no such terminal, `Conflict` where the terminal is not enrolled or revoked.
pub async fn start(
    app: &App,
    by: StaffId,
    bearer: Bearer,
    language: Locale,
    terminal: TerminalId,
    reader: Option<String>,
) -> Result<(CardId, Uuid), Refusal> {
    let now = app.now();
    let random = *app.random_bytes()?;
    let issuance_id = app.new_id();
    let card_id = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                let photo = require(tx, bearer).await?;
                terminals::api::require_active(tx.conn(), terminal).await?;
                let clock = Clock::at(now);
                let index = cards::store::next_status_index(tx).await?;
                let card_id = CardId::new(index, bearer.shard(), random);
                let card = Card {
                    card_id,
                    bearer,
                    signs_in: false,
                    state: CardState::Personalising,
                    created_at: now,
                    expires_at: clock.expires_at(),
                    changed_at: now,
                };
                let reason = Reason::of(&cards::store::of(tx.conn(), bearer).await?, &clock);
                cards::store::insert(tx, now, by, &card, reason).await?;
                let issuance = Issuance {
                    issuance_id,
                    card_id,
                    language,
                    terminal_id: terminal,
                    reader,
                    open: true,
                    journal: Journal::begin(photo),
                    number: 0,
                    created_at: now,
                };
                store::insert(tx, now, &issuance).await?;
                Ok(card_id)
            })
        })
        .await?;
    app.jobs.ring(terminal);
    Ok((card_id, issuance_id))
}

/// Refuses unless somebody may have a card; whether there is a photo for it.
async fn require(tx: &mut Tx, bearer: Bearer) -> Result<bool, Refusal> {
    match bearer {
        Bearer::Holder(holder) => {
            residence::require_known(tx.conn(), holder).await?;
            residence::merge::require_primary(tx.conn(), holder).await?;
            Ok(residence::photo::store::taken(tx.conn(), holder).await?.is_some())
        }
        Bearer::Staff(staff) => {
            let unknown = Refusal::because(ProblemType::NotFound, "staff-unknown");
            let member = member::store::one(tx.conn(), staff).await?.ok_or(unknown)?;
            if member.post.state == member::model::State::Working {
                Ok(false)
            } else {
                Err(Refusal::because(ProblemType::Conflict, "staff-card-not-working"))
            }
        }
    }
}

/// The oldest job of a terminal with its present step.
pub async fn current_step(app: &App, terminal: TerminalId) -> Result<Option<Job>, Refusal> {
    if store::oldest_open(&mut app.db.read().await?, terminal).await?.is_none() {
        return Ok(None);
    }
    let shared = app.clone();
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                let Some(issuance) = store::oldest_open(tx.conn(), terminal).await? else { return Ok(None) };
                let card = card_of(tx, &issuance).await?;
                let step = numbered(&shared, tx, &card, &issuance).await?;
                Ok(Some(Job { job_id: issuance.issuance_id, reader: issuance.reader, step }))
            })
        })
        .await
}

/// Takes an observation and answers what is to be done next; none where there is no such job of this terminal. The answer
/// to a step that was answered before is the present step: a reply that was lost is given again.
pub async fn observe(
    app: &App,
    terminal: TerminalId,
    job: Uuid,
    request: ObservationRequest,
) -> Result<Option<NumberedStep>, Refusal> {
    let now = app.now();
    let challenge = *app.random_bytes()?;
    let shared = app.clone();
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                let app = shared;
                let found = store::one(tx.conn(), job).await?.filter(|issuance| issuance.terminal_id == terminal);
                let Some(mut issuance) = found else { return Ok(None) };
                cards::store::lock(tx, issuance.card_id).await?;
                let mut card = card_of(tx, &issuance).await?;
                // What was answered before gets its answer again, and a job that is over has no more steps.
                if request.number.checked_add(1) == Some(issuance.number) || !issuance.open {
                    return numbered(&app, tx, &card, &issuance).await.map(Some);
                }
                if request.number != issuance.number {
                    return Err(Refusal::because(ProblemType::Conflict, "issue-step-number"));
                }
                let seen = see(&app, tx, now, &card, &issuance.journal, &request.observation).await?;
                let answered = Answered {
                    number: issuance.number,
                    step: issuance.journal.asked.name(),
                    observation: observation_name(&request.observation),
                };
                if let (Want::Consent, Observation::Consent { tap_id }) =
                    (&issuance.journal.asked, &request.observation)
                {
                    consent::store::answered(tx, now, card.card_id, issuance.number, *tap_id).await?;
                }
                let journal = issuance.journal.clone();
                // The consent's tap may have been accepted before its observation came, or this one was lost.
                let journal = if card.state == CardState::Active { journal.agreed() } else { journal };
                issuance.journal = journal.next(&seen, challenge);
                issuance.number += 1;
                issuance.open = !issuance.journal.asked.is_end();
                if issuance.journal.asked == Want::Consent {
                    let text = Text::current(consent::model::about(card.bearer), issuance.language);
                    consent::store::insert(tx, now, card.card_id, issuance.number, text).await?;
                }
                follow(tx, now, &mut card, &issuance.journal, ISSUANCE).await?;
                store::update(tx, now, &issuance, Some(answered)).await?;
                metrics::counter!("issuance_steps_total").increment(1);
                numbered(&app, tx, &card, &issuance).await.map(Some)
            })
        })
        .await
}

/// Takes an issuance up again with the card in the reader.
///
/// # Errors
/// [`ProblemType::Conflict`] where it goes on by itself or is over.
pub async fn resume(app: &App, issuance: Uuid) -> Result<(), Refusal> {
    let now = app.now();
    let terminal = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                let mut issuance = store::one(tx.conn(), issuance).await?.ok_or(Refusal::new(ProblemType::NotFound))?;
                cards::store::lock(tx, issuance.card_id).await?;
                let card = card_of(tx, &issuance).await?;
                if !may_resume(&issuance.journal.asked, card.state) {
                    return Err(Refusal::because(ProblemType::Conflict, "issue-not-interrupted"));
                }
                issuance.journal = issuance.journal.clone().resumed();
                // A late repetition of what ended the job is not taken for the answer to its first step.
                issuance.number += 1;
                issuance.open = true;
                store::update(tx, now, &issuance, None).await?;
                Ok(issuance.terminal_id)
            })
        })
        .await?;
    app.jobs.ring(terminal);
    Ok(())
}

/// Gives an issuance up whose card is not in use yet. The reader hears so with its next observation.
///
/// # Errors
/// [`ProblemType::Conflict`] where the card is in use or the issuance is over.
pub async fn give_up(app: &App, by: StaffId, issuance: Uuid) -> Result<(), Refusal> {
    let now = app.now();
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                let issuance = store::one(tx.conn(), issuance).await?.ok_or(Refusal::new(ProblemType::NotFound))?;
                cards::store::lock(tx, issuance.card_id).await?;
                let mut card = card_of(tx, &issuance).await?;
                if !card.state.may_become(CardState::Abandoned) {
                    return Err(Refusal::because(ProblemType::Conflict, "issue-not-to-give-up"));
                }
                // Read again: a step may have been answered before the card was locked.
                let mut issuance = store::one(tx.conn(), issuance.issuance_id).await?.unwrap_or(issuance);
                issuance.journal = issuance.journal.given_up();
                issuance.number += 1;
                issuance.open = false;
                let because = Because { by: Some(by), ..ISSUANCE };
                follow(tx, now, &mut card, &issuance.journal, because).await?;
                store::update(tx, now, &issuance, None).await?;
                Ok(())
            })
        })
        .await
}

/// Whether an issuance may be taken up again: it was interrupted, or everything is done at the reader and the card still
/// waits for its consent, because that was refused or got lost on the way.
fn may_resume(asked: &Want, card: CardState) -> bool {
    match asked {
        Want::Failed { failure, .. } => failure.may_resume(),
        Want::Finished => card == CardState::Personalised,
        _ => false,
    }
}

/// What the card's state becomes with the journal.
async fn follow(
    tx: &mut Tx,
    now: Micros,
    card: &mut Card,
    journal: &Journal,
    because: Because<'_>,
) -> Result<(), Refusal> {
    let next = match &journal.asked {
        Want::Failed { failure, .. } if !failure.may_resume() => CardState::Abandoned,
        _ if journal.is_personalised() => CardState::Personalised,
        // Begun again on a blank chip: no consent makes that one active before it is complete.
        _ => CardState::Personalising,
    };
    // A card that is active stays so: only its consent comes after `Personalised`.
    if card.state.may_become(next) {
        cards::store::set_state(tx, now, card, next, because).await?;
        card.state = next;
    }
    Ok(())
}

async fn card_of(tx: &mut Tx, issuance: &Issuance) -> Result<Card, Refusal> {
    cards::store::one(tx.conn(), issuance.card_id).await?.ok_or(Refusal::new(ProblemType::NotFound))
}

async fn numbered(app: &App, tx: &mut Tx, card: &Card, issuance: &Issuance) -> Result<NumberedStep, Refusal> {
    let step = steps::step(app, tx, card, &issuance.journal).await?;
    Ok(NumberedStep { number: issuance.number, expected: STEPS_EXPECTED.max(issuance.number + 1), step })
}

/// What an observation means for the journal.
async fn see(
    app: &App,
    tx: &mut Tx,
    now: Micros,
    card: &Card,
    journal: &Journal,
    observation: &Observation,
) -> Result<Seen, Refusal> {
    Ok(match (observation, &journal.asked) {
        (Observation::Card { card_id, management, factory_management_key, .. }, _) => Seen::Card {
            relation: relation(tx, card, *card_id).await?,
            algorithm: *management,
            factory_key: *factory_management_key,
        },
        (Observation::ManagementWitness { witness }, Want::Witness { key }) => {
            let expected = steps::management_key(app, card, journal, *key)?.block_bytes();
            if witness.0.len() == expected { Seen::Witness(witness.0.clone()) } else { Seen::Error { status_word: 0 } }
        }
        (Observation::ManagementResponse { response }, Want::Respond { key, challenge, .. }) => {
            let key = steps::management_key(app, card, journal, *key)?;
            Seen::Authenticated(key.accepts(&challenge[..key.block_bytes()], &response.0))
        }
        (Observation::PublicKey { point }, Want::Generate { slot }) => match PublicKey::from_sec1(&point.0) {
            Ok(key) => Seen::Key { fresh: cards::store::add_key(tx, now, card.card_id, (*slot).into(), &key).await? },
            Err(_) => Seen::Error { status_word: 0 },
        },
        (Observation::Signature { der }, Want::Prove { slot, challenge }) => {
            let key = steps::key_of(tx, card, *slot).await?;
            Seen::Proof { valid: possession::is_proven(key.as_ref(), challenge, &der.0) }
        }
        (Observation::FactoryPin { refused }, _) => Seen::FactoryPin { refused: *refused },
        (Observation::Consent { .. }, _) => Seen::Consented,
        (Observation::CardRemoved, _) => Seen::Removed(Away::Card),
        (Observation::ReaderGone, _) => Seen::Removed(Away::Reader),
        (Observation::CardError { status_word, .. }, _) => Seen::Error { status_word: *status_word },
        (Observation::Declined, _) => Seen::Declined,
        (Observation::Done, _) => Seen::Done,
        // An answer to something else than what was asked.
        (_, _) => Seen::Error { status_word: 0 },
    })
}

async fn relation(tx: &mut Tx, card: &Card, found: Option<CardId>) -> Result<Relation, Refusal> {
    let Some(found) = found else { return Ok(Relation::Blank) };
    if found == card.card_id {
        return Ok(Relation::This);
    }
    Ok(match cards::store::one(tx.conn(), found).await? {
        Some(other) if other.state.chip_is_free() => Relation::Free,
        Some(_) => Relation::Other,
        // Factories write a random one. Another issuer's card does not let us in with the factory's key.
        None => Relation::Blank,
    })
}

const fn observation_name(observation: &Observation) -> &'static str {
    match observation {
        Observation::Card { .. } => "card",
        Observation::ManagementWitness { .. } => "management_witness",
        Observation::ManagementResponse { .. } => "management_response",
        Observation::Done => "done",
        Observation::PublicKey { .. } => "public_key",
        Observation::Signature { .. } => "signature",
        Observation::FactoryPin { .. } => "factory_pin",
        Observation::Consent { .. } => "consent",
        Observation::CardRemoved => "card_removed",
        Observation::ReaderGone => "reader_gone",
        Observation::CardError { .. } => "card_error",
        Observation::Declined => "declined",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cards::issuance::journal::Failure;

    #[test]
    fn what_waits_for_a_consent_may_be_taken_up_again_and_what_is_over_may_not() {
        let failed = |failure| Want::Failed { failure, reset: false };
        let table = [
            (Want::Finished, CardState::Personalised, true),
            (Want::Finished, CardState::Active, false),
            (Want::Finished, CardState::Blocked, false),
            (Want::Consent, CardState::Personalised, false),
            (failed(Failure::Declined), CardState::Personalising, true),
            (failed(Failure::ConsentDeclined), CardState::Abandoned, false),
        ];
        for (asked, card, may) in table {
            assert_eq!(may_resume(&asked, card), may, "{asked:?} {card:?}");
        }
    }
}
