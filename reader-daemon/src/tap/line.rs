//! The straight line at one reader. Read [`Line::take`] for the whole story of a tap.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use card_schema::{
    clock::Micros,
    envelope::tap::Tap,
    ids::{CardId, TapId, TerminalId},
    operation::{
        Operation,
        terminal::{AbandonReason, Abandoned},
    },
};
use ring::{
    hmac,
    rand::{SecureRandom as _, SystemRandom},
};
use uuid::Uuid;

use super::{
    Knowledge, Shared, TapError, authorise, gate,
    identify::KnownKeys,
    offline, points,
    sign::{self, TerminalKey},
    validation::{self, Recent},
};
use crate::{
    card::link::Link,
    outbox::{Lane, Outbox, StoredTap},
    piv::{Pin, PivCard, card::Selection},
};

/// What is to be done with the card.
#[expect(missing_debug_implementations, reason = "it may hold a PIN")]
pub struct Ask {
    /// The operation.
    pub operation: Operation,
    /// The holder's PIN, where one was given.
    pub pin: Option<Pin>,
    /// The only card that is meant, where one is.
    pub card: Option<CardId>,
    /// The number under which it was ordered, where it was: kept beside the tap.
    pub order: Option<Uuid>,
    /// The tap that has to be the last one of the lane, where that matters: its approval.
    pub after: Option<TapId>,
}

/// A tap that is durable: now, and not before, anyone may say so.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The tap.
    pub id: TapId,
    /// The card that signed.
    pub card: CardId,
    /// Whether it stands whatever the service says, since the terminal has accepted it on its own.
    pub accepted_offline: bool,
    /// Time in the outbox's one statement, all of it.
    pub outbox: Duration,
    /// Of that, from the commit's start on: writing and waiting for the disk.
    pub disk: Duration,
}

/// One reader's line.
#[derive(Debug)]
pub struct Line {
    outbox: Arc<Outbox>,
    known: Shared,
    key: Arc<TerminalKey>,
    terminal: TerminalId,
    reader: String,
    keys: KnownKeys,
    recent: Recent,
    lane: Option<Lane>,
    random: SystemRandom,
    /// Draws the cards that have to reach the service; another one each time that the daemon starts.
    lot: hmac::Key,
    /// Why the ready number may not go to a card any more.
    burnt: Option<AbandonReason>,
    /// The card of the last tap, as soon as it had said which it is.
    seen: Option<CardId>,
}

impl Line {
    /// A line for a reader. Touches nothing yet.
    pub fn new(
        outbox: Arc<Outbox>,
        known: Shared,
        key: Arc<TerminalKey>,
        terminal: TerminalId,
        recent: Recent,
        reader: &str,
    ) -> Self {
        let random = SystemRandom::new();
        Self {
            outbox,
            known,
            key,
            terminal,
            reader: reader.to_owned(),
            keys: KnownKeys::default(),
            recent,
            lane: None,
            lot: hmac::Key::generate(hmac::HMAC_SHA256, &random).expect("the system gives random bytes"),
            random,
            burnt: None,
            seen: None,
        }
    }

    /// The card of the last tap; nothing where it had not said which it is.
    pub const fn seen(&self) -> Option<CardId> {
        self.seen
    }

    /// Has a number lie ready, on the disk; after a tap that is kept it does already. A number found reserved and unused from an
    /// earlier run is reported as abandoned, and so is one that a card was asked to sign with in vain. Has to run to its end.
    ///
    /// # Errors
    /// [`TapError::Outbox`]: with a full disk no card is asked to sign.
    pub async fn prepare(&mut self, now: Micros) -> Result<(), TapError> {
        self.outbox.room()?;
        let mut lane = if let Some(lane) = self.lane.take() {
            lane
        } else {
            let lane = self.outbox.lane(&self.reader).await?;
            if lane.ready().is_some() {
                self.burnt.get_or_insert(AbandonReason::Restart);
            }
            lane
        };
        if let Some(reason) = self.burnt {
            if let Some(counter) = lane.ready() {
                self.abandon(&mut lane, counter, reason, now).await?;
            }
            self.burnt = None;
        }
        if lane.ready().is_none() {
            self.outbox.reserve(&mut lane).await?;
        }
        self.lane = Some(lane);
        Ok(())
    }

    /// Whether a number lies ready that may go to a card.
    pub fn is_ready(&self) -> bool {
        self.burnt.is_none() && self.lane.as_ref().is_some_and(|lane| lane.ready().is_some())
    }

    /// Gives the ready number back, for a stop in good order.
    ///
    /// # Errors
    /// [`TapError::Outbox`].
    pub async fn release(&mut self) -> Result<(), TapError> {
        if let (Some(mut lane), None) = (self.lane.take(), self.burnt) {
            self.outbox.release(&mut lane).await?;
        }
        Ok(())
    }

    /// Whether the operation may be done at all, before a card is waited for.
    ///
    /// # Errors
    /// [`TapError::Refused`].
    pub fn permits(&self, ask: &Ask) -> Result<(), TapError> {
        authorise::operation(&ask.operation, ask.pin.is_some(), &self.known.now())?;
        Ok(())
    }

    /// Whether what is asked comes right after the tap that it has to follow. Once a number lies ready.
    ///
    /// # Errors
    /// [`authorise::Refused::ApprovalOver`].
    pub fn follows(&self, ask: &Ask) -> Result<(), TapError> {
        let head = self.lane.as_ref().map(|lane| lane.head);
        let Some(approval) = ask.after else { return Ok(()) };
        if head == Some(approval) { Ok(()) } else { Err(authorise::Refused::ApprovalOver.into()) }
    }

    /// One tap: identify → authorise → sign → store. When this returns a [`Taken`], it is on the disk. `wanted` is asked
    /// once, when the card has signed: false when whoever waited was told that it failed.
    ///
    /// # Errors
    /// [`TapError`]; nothing was accepted.
    pub async fn take<L: Link>(
        &mut self,
        piv: &mut PivCard<L>,
        ask: &Ask,
        now: Micros,
        wanted: impl FnOnce() -> bool,
    ) -> Result<Taken, TapError> {
        let known = self.known.now();
        let slot = authorise::operation(&ask.operation, ask.pin.is_some(), &known)?;
        self.seen = None;
        self.prepare(now).await?;
        self.follows(ask)?;
        let outbox = Arc::clone(&self.outbox);
        let _at_card = outbox.at_card();

        let card = piv.identify(Selection::Always)?.guid;
        self.seen = Some(card);
        if ask.card.is_some_and(|meant| meant != card) {
            return Err(authorise::Refused::OtherCard.into());
        }
        authorise::card(card, &ask.operation, &known)?;
        let key = self.keys.find(card, slot, piv, &self.outbox, &known.profile.trust, now).await?;
        authorise::validity(key.expires, &ask.operation, now)?;
        let operation = points::promise(&ask.operation, &known, now);
        let operation = self.terms(operation, card, &known, now)?;
        if let Some(pin) = &ask.pin {
            piv.verify_pin(pin).inspect_err(|error| {
                if error.is_wrong_pin() {
                    self.burnt = Some(AbandonReason::WrongPin);
                }
            })?;
        }

        let lane = self.lane.as_ref().expect("prepared above");
        let counter = lane.ready().expect("prepared above");
        let mut nonce = [0; 16];
        self.random.fill(&mut nonce).map_err(|_| TapError::Randomness)?;
        let tap = Tap {
            card: Some(card),
            terminal: self.terminal,
            lane: lane.number,
            counter,
            previous: lane.head,
            nonce,
            at: now,
            log_head: known.log_head,
            status_version: known.status_version(),
            operation,
        };
        let signed = match sign::by_card(piv, slot, &key.key, &tap) {
            Ok(signed) => signed,
            Err(error) => {
                // The chip may have signed all the same: this number is used up.
                self.burnt = Some(reason(&error));
                return Err(error);
            }
        };
        if !wanted() {
            self.burnt = Some(AbandonReason::CardRefused);
            return Err(TapError::TooLate);
        }
        let (outbox, disk) = self.store(&tap, signed.id, signed.cose, ask.order).await?;
        if let Operation::TransitValidation(validation) = &tap.operation {
            self.recent.note(card, validation.side, now);
        }
        let accepted_offline = match &tap.operation {
            Operation::PursePayment(payment) => payment.accepted_offline,
            Operation::TransitValidation(_) | Operation::GateCheck(_) => true,
            _ => false,
        };
        Ok(Taken { id: signed.id, card, accepted_offline, outbox, disk })
    }

    /// What the card is to sign: a payment says whether the terminal accepts it on its own, a validation by which fares. At a gate
    /// it signs when it may pass.
    fn terms(&self, operation: Operation, card: CardId, known: &Knowledge, now: Micros) -> Result<Operation, TapError> {
        let exposure = self.outbox.exposure(operation.code(), card, offline::begins(offline::day(now)));
        match operation {
            Operation::PursePayment(payment) if known.decides_alone() => {
                let is_drawn = offline::is_drawn(&self.lot, card, now, known.profile.limits.offline.drawn_percent);
                Ok(Operation::PursePayment(offline::accept(payment, known, &exposure, is_drawn, now)?))
            }
            Operation::TransitValidation(asked) => {
                if self.recent.has(card, asked.side, now) {
                    return Err(authorise::Refused::Again.into());
                }
                Ok(Operation::TransitValidation(validation::accept(&asked, known, &exposure, now)?))
            }
            Operation::GateCheck(_) => {
                gate::admit(card, known, now)?;
                Ok(operation)
            }
            operation => Ok(operation),
        }
    }

    async fn store(
        &mut self,
        tap: &Tap,
        id: TapId,
        cose: Vec<u8>,
        order: Option<Uuid>,
    ) -> Result<(Duration, Duration), TapError> {
        let stored = StoredTap::of(tap, id, order, cose);
        // After an error only the disk knows what it kept: the lane is read again.
        let mut lane = self.lane.take().expect("prepared before");
        let started = Instant::now();
        match self.outbox.store(&mut lane, stored).await {
            Ok(disk) => {
                self.lane = Some(lane);
                Ok((started.elapsed(), disk))
            }
            Err(error) => {
                self.burnt = Some(AbandonReason::Restart);
                Err(error.into())
            }
        }
    }

    async fn abandon(&self, lane: &mut Lane, counter: u64, reason: AbandonReason, now: Micros) -> Result<(), TapError> {
        let mut nonce = [0; 16];
        self.random.fill(&mut nonce).map_err(|_| TapError::Randomness)?;
        let known = self.known.now();
        let tap = Tap {
            card: None,
            terminal: self.terminal,
            lane: lane.number,
            counter,
            previous: lane.head,
            nonce,
            at: now,
            log_head: known.log_head,
            status_version: known.status_version(),
            operation: Operation::Abandoned(Abandoned { reason }),
        };
        let (digest, cose) = self.key.seal(&tap)?;
        let stored = StoredTap::of(&tap, TapId(digest), None, cose);
        self.outbox.store(lane, stored).await?;
        tracing::info!(lane = lane.number, counter, ?reason, "a reserved number was not used: reported as abandoned");
        Ok(())
    }
}

fn reason(error: &TapError) -> AbandonReason {
    match error {
        TapError::Card(crate::piv::PivError::Link(_)) => AbandonReason::CardRemoved,
        _ => AbandonReason::CardRefused,
    }
}
