//! Which card lies on a reader, for a clerk who looks for its holder. The card proves that it is that one.
//!
//! Lives in memory and is gone after some minutes: nothing is done to the card, and who came to which desk when is nothing
//! that is kept. After a restart the clerk asks again. As in an issuance, the daemon only carries steps out.

mod journal;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Mutex;

use card_schema::card::Slot;
use card_schema::clock::Micros;
use card_schema::ids::{CardId, TerminalId};
use card_schema::wire::issuance::{Job, KeySlot, NumberedStep, Observation, ObservationRequest, Step};
use card_schema::wire::{Bytes, ProblemType};
use uuid::Uuid;

use self::journal::{Journal, Seen, Want};
use super::{load_for_intake, possession};
use crate::app::App;
use crate::http::Refusal;
use crate::i18n::Locale;
use crate::people::StaffId;
use crate::terminals;

pub use journal::{Failure, STEPS_EXPECTED};

/// So long somebody may take to put a card on the reader: as long as the reader waits for it.
const LIFETIME_SECONDS: i64 = 10 * 60;

/// The card that is being looked at at each terminal: at most one, so that there are no more of them than terminals.
#[derive(Debug, Default)]
pub struct Identifications(Mutex<HashMap<TerminalId, Identification>>);

#[derive(Clone, Debug)]
struct Identification {
    id: Uuid,
    by: StaffId,
    until: Micros,
    journal: Journal,
    number: u32,
}

/// How far an identification has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A card is to be put on the reader.
    WaitsForCard,
    /// The card proves which it is.
    Running,
    /// It is this one.
    Found(CardId),
    /// It is over without one.
    Failed(Failure),
}

/// How far an identification has come, and how many steps were answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// How far.
    pub progress: Progress,
    /// Steps answered.
    pub done: u32,
}

impl Identifications {
    /// What is asked of a terminal, if it is still waited for.
    fn of(&self, terminal: TerminalId, now: Micros) -> Option<Identification> {
        let all = self.0.lock().expect("nothing panics while holding the identifications");
        all.get(&terminal).filter(|one| now < one.until).cloned()
    }

    /// Keeps one as it is now, unless something else came in its place.
    fn put(&self, terminal: TerminalId, before: u32, now: Identification) {
        let mut all = self.0.lock().expect("nothing panics while holding the identifications");
        if let Some(kept) = all.get_mut(&terminal).filter(|kept| kept.id == now.id && kept.number == before) {
            *kept = now;
        }
    }
}

/// Asks which card is put on a terminal's reader next. What was asked of that terminal before is given up.
///
/// # Errors
/// `NotFound` where there is no such terminal, `Conflict` where it is not enrolled or revoked.
pub async fn start(app: &App, by: StaffId, terminal: TerminalId) -> Result<Uuid, Refusal> {
    terminals::api::require_active(&mut app.db.read().await?, terminal).await?;
    let id = app.new_id();
    let until = app.now().plus_seconds(LIFETIME_SECONDS);
    let begun = Identification { id, by, until, journal: Journal::default(), number: 0 };
    app.identifications.0.lock().expect("nothing panics while holding the identifications").insert(terminal, begun);
    app.jobs.ring(terminal);
    Ok(id)
}

/// How far an identification has come, for whoever asked.
///
/// # Errors
/// `NotFound` where this member of staff has none of this id: it is over for long, or the service has been restarted.
pub fn look(app: &App, who: StaffId, id: Uuid) -> Result<Look, Refusal> {
    let all = app.identifications.0.lock().expect("nothing panics while holding the identifications");
    let found = all.values().find(|one| one.id == id && one.by == who);
    let found = found.ok_or(Refusal::because(ProblemType::NotFound, "identify-unknown"))?;
    let progress = match found.journal.asked {
        Want::Found { card } => Progress::Found(card),
        Want::Failed { failure } => Progress::Failed(failure),
        _ if app.now() >= found.until => Progress::Failed(Failure::NobodyCame),
        Want::ReadCard => Progress::WaitsForCard,
        Want::Prove { .. } => Progress::Running,
    };
    Ok(Look { progress, done: found.number })
}

/// What is asked of a terminal, with its present step.
pub fn current_step(app: &App, terminal: TerminalId) -> Option<Job> {
    let found = app.identifications.of(terminal, app.now()).filter(|one| !one.journal.asked.is_end())?;
    Some(Job { job_id: found.id, reader: None, step: numbered(&found) })
}

/// As `issuance::observe`; none where there is no such job of this terminal.
pub async fn observe(
    app: &App,
    terminal: TerminalId,
    job: Uuid,
    request: &ObservationRequest,
) -> Result<Option<NumberedStep>, Refusal> {
    let Some(found) = app.identifications.of(terminal, app.now()).filter(|one| one.id == job) else { return Ok(None) };
    if request.number.checked_add(1) == Some(found.number) || found.journal.asked.is_end() {
        return Ok(Some(numbered(&found)));
    }
    if request.number != found.number {
        return Err(Refusal::because(ProblemType::Conflict, "issue-step-number"));
    }
    let seen = see(app, found.journal.asked, &request.observation).await?;
    let next = Identification {
        journal: found.journal.next(seen, *app.random_bytes()?),
        number: found.number + 1,
        ..found.clone()
    };
    app.identifications.put(terminal, found.number, next.clone());
    Ok(Some(numbered(&next)))
}

/// What an observation means for the journal.
async fn see(app: &App, asked: Want, observation: &Observation) -> Result<Seen, Refusal> {
    Ok(match (observation, asked) {
        (Observation::Card { card_id: Some(card), .. }, _) => {
            let found = load_for_intake(&mut app.db.read().await?, &[*card]).await?;
            let is_holders = found.get(card).is_some_and(|card| card.bearer.holder().is_some());
            Seen::Card(is_holders.then_some(*card))
        }
        (Observation::Card { card_id: None, .. }, _) => Seen::Card(None),
        (Observation::Signature { der }, Want::Prove { card, challenge }) => {
            let found = load_for_intake(&mut app.db.read().await?, &[card]).await?;
            let key = found.get(&card).and_then(|card| card.keys.get(Slot::Tap));
            Seen::Proof { valid: possession::is_proven(key, &challenge, &der.0) }
        }
        (Observation::CardRemoved | Observation::Declined, _) => Seen::Removed,
        (Observation::ReaderGone, _) => Seen::ReaderGone,
        (_, _) => Seen::Error,
    })
}

fn numbered(one: &Identification) -> NumberedStep {
    let step = match one.journal.asked {
        Want::ReadCard => Step::ReadCard,
        Want::Prove { challenge, .. } => {
            Step::ProvePossession { slot: KeySlot::Tap, challenge: Bytes(challenge.to_vec()) }
        }
        Want::Found { .. } => Step::Finished,
        Want::Failed { failure } => {
            let text = |locale: Locale| locale.text(failure.text_key());
            Step::Failed { reason: format!("{} / {}", text(Locale::ZhCn), text(Locale::En)), reset: false }
        }
    };
    NumberedStep { number: one.number, expected: STEPS_EXPECTED.max(one.number + 1), step }
}
