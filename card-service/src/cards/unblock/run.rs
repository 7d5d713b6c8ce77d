//! One observation of an unblocking, from the daemon's words to the next step, in one transaction.

use card_schema::card::Slot;
use card_schema::clock::Micros;
use card_schema::ids::{CardId, HolderId, TerminalId};
use card_schema::wire::issuance::{Job, KeySlot, NumberedStep, Observation, ObservationRequest, Step};
use card_schema::wire::{Bytes, ProblemType, SecretBytes};
use uuid::Uuid;

use super::journal::{Journal, Puk, STEPS_EXPECTED, Seen, Want};
use super::store::{self, Unblock};
use crate::app::App;
use crate::cards::issuance::management;
use crate::cards::{self, Away, Bearer, Card, CardState, possession};
use crate::db::{Connection, DbError, Tx};
use crate::http::Refusal;
use crate::i18n::Locale;
use crate::people::StaffId;
use crate::terminals;

/// Gives the holder's PIN on a card to choose anew, at a terminal. One that has stopped half-way is taken up again.
///
/// # Errors
/// `NotFound` where there is no such card of this holder, `Conflict` where the card is not in use or the terminal is not
/// enrolled.
pub async fn start(
    app: &App,
    by: StaffId,
    holder: HolderId,
    card: CardId,
    terminal: TerminalId,
) -> Result<Uuid, Refusal> {
    let (now, id) = (app.now(), app.new_id());
    let id = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                cards::store::lock(tx, card).await?;
                let found =
                    cards::store::one(tx.conn(), card).await?.filter(|card| card.bearer == Bearer::Holder(holder));
                let found = found.ok_or(Refusal::because(ProblemType::NotFound, "card-unknown"))?;
                if !may_unblock(found.state) {
                    return Err(Refusal::because(ProblemType::Conflict, "unblock-card-not-in-use"));
                }
                terminals::api::require_active(tx.conn(), terminal).await?;
                let earlier = store::of_card(tx.conn(), card).await?;
                let replaced = earlier.iter().filter(|earlier| earlier.journal.is_puk_replaced()).count();
                let unfinished = earlier.into_iter().rev().find(|earlier| match &earlier.journal.asked {
                    Want::Finished => false,
                    Want::Failed { failure } => failure.may_resume(),
                    _ => true,
                });
                let unblock = match unfinished {
                    Some(unfinished) => taken_up(unfinished, terminal),
                    None => Unblock {
                        unblock_id: id,
                        card_id: card,
                        generation: u32::try_from(replaced).map_err(Refusal::internal)?,
                        staff_id: by,
                        terminal_id: terminal,
                        open: true,
                        journal: Journal::default(),
                        number: 0,
                        created_at: now,
                    },
                };
                store::put(tx, now, &unblock).await?;
                Ok(unblock.unblock_id)
            })
        })
        .await?;
    app.jobs.ring(terminal);
    Ok(id)
}

/// Whether the PIN of a card in this state may be unblocked: a card that nobody is to use gets no PIN.
pub const fn may_unblock(state: CardState) -> bool {
    matches!(state, CardState::Active | CardState::Suspended)
}

/// A late repetition of what was answered before is not taken for the answer to the first step.
fn taken_up(unblock: Unblock, terminal: TerminalId) -> Unblock {
    let Unblock { journal, number, .. } = unblock;
    Unblock { terminal_id: terminal, open: true, journal: journal.resumed(), number: number + 1, ..unblock }
}

/// Takes an unblocking that has stopped up again with the card in the reader.
///
/// # Errors
/// [`ProblemType::Conflict`] where it goes on by itself or is over.
pub async fn resume(app: &App, id: Uuid) -> Result<(), Refusal> {
    let now = app.now();
    let terminal = app
        .db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                let unblock = store::one(tx.conn(), id).await?.ok_or(Refusal::new(ProblemType::NotFound))?;
                cards::store::lock(tx, unblock.card_id).await?;
                let card = card_of(tx.conn(), &unblock).await?;
                match &unblock.journal.asked {
                    Want::Failed { failure } if failure.may_resume() && may_unblock(card.state) => {
                        let terminal = unblock.terminal_id;
                        store::put(tx, now, &taken_up(unblock, terminal)).await?;
                        Ok(terminal)
                    }
                    _ => Err(Refusal::because(ProblemType::Conflict, "unblock-not-interrupted")),
                }
            })
        })
        .await?;
    app.jobs.ring(terminal);
    Ok(())
}

/// Ends an unblocking that waits for its reader. It can be taken up again.
///
/// # Errors
/// [`ProblemType::Conflict`] where it has stopped or is over.
pub async fn give_up(app: &App, id: Uuid) -> Result<(), Refusal> {
    let now = app.now();
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                let card = store::one(tx.conn(), id).await?.ok_or(Refusal::new(ProblemType::NotFound))?.card_id;
                cards::store::lock(tx, card).await?;
                let Some(mut unblock) = store::one(tx.conn(), id).await?.filter(|unblock| unblock.open) else {
                    return Err(Refusal::because(ProblemType::Conflict, "unblock-not-open"));
                };
                unblock.journal = unblock.journal.given_up();
                unblock.number += 1;
                unblock.open = false;
                Ok(store::put(tx, now, &unblock).await?)
            })
        })
        .await
}

/// Ends what is under way with a card that nobody is to use any more. Its reader hears so with its next observation.
///
/// # Errors
/// When the database fails.
pub async fn end(tx: &mut Tx, at: Micros, card: CardId) -> Result<(), DbError> {
    for mut unblock in store::of_card(tx.conn(), card).await?.into_iter().filter(|unblock| unblock.open) {
        unblock.journal = unblock.journal.not_in_use();
        unblock.number += 1;
        unblock.open = false;
        store::put(tx, at, &unblock).await?;
    }
    Ok(())
}

async fn card_of(connection: &mut Connection, unblock: &Unblock) -> Result<Card, Refusal> {
    cards::store::one(connection, unblock.card_id).await?.ok_or(Refusal::new(ProblemType::NotFound))
}

/// An unblocking, as somebody sees it who looks.
#[derive(Debug)]
pub struct Look {
    /// How far it has come.
    pub unblock: Unblock,
    /// Whose card it is.
    pub bearer: Bearer,
}

/// How far an unblocking has come.
///
/// # Errors
/// `NotFound` where there is none of this id.
pub async fn look(connection: &mut Connection, id: Uuid) -> Result<Look, Refusal> {
    let unblock = store::one(connection, id).await?.ok_or(Refusal::new(ProblemType::NotFound))?;
    let bearer = card_of(connection, &unblock).await?.bearer;
    Ok(Look { unblock, bearer })
}

/// The oldest unblocking of a terminal with its present step.
pub async fn current_step(app: &App, terminal: TerminalId) -> Result<Option<Job>, Refusal> {
    let Some(unblock) = store::oldest_open(&mut app.db.read().await?, terminal).await? else { return Ok(None) };
    let step = numbered(app, &unblock)?;
    Ok(Some(Job { job_id: unblock.unblock_id, reader: None, step }))
}

/// As `issuance::observe`; none where there is no such job of this terminal.
pub async fn observe(
    app: &App,
    terminal: TerminalId,
    job: Uuid,
    request: ObservationRequest,
) -> Result<Option<NumberedStep>, Refusal> {
    let (now, challenge, shared) = (app.now(), *app.random_bytes()?, app.clone());
    app.db
        .write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                let found = store::one(tx.conn(), job).await?.filter(|unblock| unblock.terminal_id == terminal);
                let Some(mut unblock) = found else { return Ok(None) };
                cards::store::lock(tx, unblock.card_id).await?;
                if request.number.checked_add(1) == Some(unblock.number) || !unblock.open {
                    return numbered(&shared, &unblock).map(Some);
                }
                if request.number != unblock.number {
                    return Err(Refusal::because(ProblemType::Conflict, "issue-step-number"));
                }
                let seen = see(tx, &unblock, &request.observation).await?;
                unblock.journal = unblock.journal.clone().next(seen, challenge);
                unblock.number += 1;
                unblock.open = !unblock.journal.asked.is_end();
                store::put(tx, now, &unblock).await?;
                numbered(&shared, &unblock).map(Some)
            })
        })
        .await
}

/// What an observation means for the journal.
async fn see(tx: &mut Tx, unblock: &Unblock, observation: &Observation) -> Result<Seen, Refusal> {
    Ok(match (observation, &unblock.journal.asked) {
        (Observation::Card { card_id, puk_tries, .. }, _) => {
            Seen::Card { is_this: *card_id == Some(unblock.card_id), puk_tries: *puk_tries }
        }
        (Observation::Signature { der }, Want::Prove { challenge }) => {
            let found = cards::load_for_intake(tx.conn(), &[unblock.card_id]).await?;
            let key = found.get(&unblock.card_id).and_then(|card| card.keys.get(Slot::Tap));
            Seen::Proof { valid: possession::is_proven(key, challenge, &der.0) }
        }
        (Observation::Done, _) => Seen::Done,
        (Observation::CardRemoved, _) => Seen::Removed(Away::Card),
        (Observation::ReaderGone, _) => Seen::Removed(Away::Reader),
        (Observation::CardError { status_word, .. }, _) => Seen::Error { status_word: *status_word },
        (Observation::Declined, _) => Seen::Declined,
        // An answer to something else than what was asked.
        (_, _) => Seen::Error { status_word: 0 },
    })
}

/// The present step, with the secrets that it needs.
fn numbered(app: &App, unblock: &Unblock) -> Result<NumberedStep, Refusal> {
    let puk = |puk: Puk| {
        let generation = unblock.generation + u32::from(puk == Puk::After);
        management::puk(&*app.keys, unblock.card_id, generation).map(|puk| SecretBytes(puk.to_vec()))
    };
    let step = match &unblock.journal.asked {
        Want::ReadCard => Step::ReadCard,
        Want::Prove { challenge } => Step::ProvePossession { slot: KeySlot::Tap, challenge: Bytes(challenge.to_vec()) },
        Want::Unblock => Step::UnblockPin { puk: puk(Puk::Before)? },
        Want::ReplacePuk { old } => Step::SetPuk { old: puk(*old)?, new: puk(Puk::After)? },
        Want::Finished => Step::Finished,
        Want::Failed { failure } => {
            let text = |locale: Locale| locale.text(failure.text_key());
            Step::Failed { reason: format!("{} / {}", text(Locale::ZhCn), text(Locale::En)), reset: false }
        }
    };
    Ok(NumberedStep { number: unblock.number, expected: STEPS_EXPECTED.max(unblock.number + 1), step })
}
