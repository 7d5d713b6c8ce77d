//! Taps on their way out: read in order, taken off the queue when the service's verified receipt is held.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    sync::{Arc, PoisonError},
};

use card_schema::{
    clock::Micros,
    envelope::{receipt::TapOutcome, tap::LogHead},
    ids::{CardId, TapId},
    money::Fen,
    operation::OperationCode,
};
use sqlx::{Connection as _, FromRow, SqliteConnection};

use tokio::sync::watch;

use super::{Outbox, OutboxError, Snapshot, Waiting, error::fail, fate, lane, learnt};

/// A stored tap that the service has not answered.
#[derive(Clone, Debug)]
pub struct PendingTap {
    /// Order of storing.
    pub id: i64,
    /// Lane.
    pub lane: u8,
    /// Counter in the lane.
    pub counter: u64,
    /// The tap.
    pub tap_id: TapId,
    /// Its operation.
    pub operation: OperationCode,
    /// Its card.
    pub card: Option<CardId>,
    /// Its amount.
    pub amount: Option<Fen>,
    /// Terminal clock.
    pub at: Micros,
    /// The envelope.
    pub cose: Vec<u8>,
}

/// Payments or validations that the service has not answered, as a terminal has to know them before it accepts one more on its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// What all payments come to.
    pub terminal: Fen,
    /// How many validations there are.
    pub validations: u64,
    /// What those of the card come to that were made today.
    pub card_day: Fen,
    /// How many are of the card.
    pub card_count: u32,
}

#[derive(FromRow)]
struct Row {
    id: i64,
    lane: i64,
    counter: i64,
    tap_id: Vec<u8>,
    operation: i64,
    card: Option<Vec<u8>>,
    amount: Option<i64>,
    at: i64,
    cose: Vec<u8>,
}

impl Row {
    fn read(self) -> Option<PendingTap> {
        Some(PendingTap {
            id: self.id,
            lane: u8::try_from(self.lane).ok()?,
            counter: u64::try_from(self.counter).ok()?,
            tap_id: TapId(self.tap_id.try_into().ok()?),
            operation: OperationCode::from_number(u16::try_from(self.operation).ok()?)?,
            card: self.card.map(|card| card.try_into().map(CardId::from_bytes)).transpose().ok()?,
            amount: self.amount.map(Fen),
            at: Micros(self.at),
            cose: self.cose,
        })
    }
}

impl Outbox {
    /// The oldest taps, at most `limit`.
    pub async fn pending(&self, limit: u16) -> Result<Vec<PendingTap>, OutboxError> {
        let mut connection = self.read().await;
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, lane, counter, tap_id, operation, card, amount, at, cose FROM tap ORDER BY id LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&mut *connection)
        .await
        .map_err(fail("reading the outbox"))?;
        rows.into_iter().map(|row| row.read().ok_or(OutboxError::Damaged("tap"))).collect()
    }

    /// What waits.
    pub fn waiting(&self) -> Waiting {
        *self.waiting.borrow()
    }

    /// What waits of an operation, and of that a card's. `today` is when the day began.
    pub fn exposure(&self, operation: OperationCode, card: CardId, today: Micros) -> Exposure {
        let Waiting { payments, validations, .. } = self.waiting();
        let mut exposure = Exposure { terminal: payments, validations, ..Exposure::default() };
        for of_card in self.cards().0.get(&card).into_iter().flatten().filter(|tap| tap.operation == operation) {
            exposure.card_count = exposure.card_count.saturating_add(1);
            if of_card.at >= today {
                exposure.card_day = Fen(exposure.card_day.0.saturating_add(of_card.amount.map_or(0, |fen| fen.0)));
            }
        }
        exposure
    }

    fn cards(&self) -> std::sync::MutexGuard<'_, OfCards> {
        self.cards.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A tap is on the disk.
    pub(super) fn waits(&self, tap: Waits) {
        self.cards().add(tap);
        self.waiting.send_modify(|waiting| waiting.add(&tap));
    }

    /// Sees whether that has changed.
    pub fn watch(&self) -> watch::Receiver<Waiting> {
        self.waiting.subscribe()
    }

    /// Takes taps off the queue that a verified receipt names, in one transaction with what became of them, with their
    /// lanes' positions and with the log head that the receipt brought. The disk is not waited for: a receipt that is lost with
    /// the power comes again. Runs to its end even when the caller goes away: sqlx leaks a transaction whose beginning is
    /// cancelled.
    pub async fn settle(
        self: &Arc<Self>,
        taps: Vec<(PendingTap, TapOutcome)>,
        head: Option<LogHead>,
    ) -> Result<(), OutboxError> {
        let outbox = Arc::clone(self);
        tokio::spawn(async move { outbox.settle_now(&taps, head).await }).await.expect("settling does not panic")
    }

    async fn settle_now(&self, taps: &[(PendingTap, TapOutcome)], head: Option<LogHead>) -> Result<(), OutboxError> {
        let mut connection = self.lock_soon().await;
        let mut tx = connection.begin().await.map_err(fail("settling taps"))?;
        let mut settled = Vec::new();
        for (tap, outcome) in taps {
            fate::write(&mut tx, tap, outcome).await?;
            let gone = sqlx::query("DELETE FROM tap WHERE id = $1 AND tap_id = $2")
                .bind(tap.id)
                .bind(tap.tap_id.0.as_slice())
                .execute(&mut *tx)
                .await
                .map_err(fail("settling taps"))?;
            if gone.rows_affected() == 1 {
                settled.push(Waits { operation: tap.operation, card: tap.card, amount: tap.amount, at: tap.at });
            }
        }
        fate::fold(&mut tx).await?;
        // The newest of each lane: `taps` are in the order of storing, so the last entry of a lane is its newest.
        let newest: BTreeMap<u8, &PendingTap> = taps.iter().map(|(tap, _)| (tap.lane, tap)).collect();
        for tap in newest.into_values() {
            lane::advance(&mut tx, tap.lane, tap.counter, &tap.tap_id).await?;
        }
        if let Some(head) = head {
            learnt::write(&mut tx, Snapshot::LogHead, head.size, &head.root).await?;
        }
        tx.commit().await.map_err(fail("settling taps"))?;
        let mut cards = self.cards();
        for tap in &settled {
            cards.take(tap);
        }
        drop(cards);
        self.waiting.send_modify(|waiting| {
            for tap in &settled {
                waiting.take(tap);
            }
        });
        Ok(())
    }
}

/// Of a tap that waits, what limits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waits {
    pub(super) operation: OperationCode,
    pub(super) card: Option<CardId>,
    pub(super) amount: Option<Fen>,
    pub(super) at: Micros,
}

/// The taps that wait, of each card: what is on the disk, so that nobody waits for that while a card is in the field.
#[derive(Debug, Default)]
pub(super) struct OfCards(HashMap<CardId, Vec<Waits>>);

impl OfCards {
    fn add(&mut self, tap: Waits) {
        if let Some(card) = tap.card {
            self.0.entry(card).or_default().push(tap);
        }
    }

    fn take(&mut self, tap: &Waits) {
        let Some(card) = tap.card else { return };
        if let Entry::Occupied(mut of_card) = self.0.entry(card) {
            if let Some(place) = of_card.get().iter().position(|other| other == tap) {
                of_card.get_mut().swap_remove(place);
            }
            if of_card.get().is_empty() {
                of_card.remove();
            }
        }
    }
}

impl Waiting {
    /// One more.
    const fn add(&mut self, tap: &Waits) {
        self.taps += 1;
        match (tap.operation, tap.amount) {
            (OperationCode::PursePayment, Some(amount)) => {
                self.payments = Fen(self.payments.0.saturating_add(amount.0));
            }
            (OperationCode::TransitValidation, _) => self.validations += 1,
            _ => {}
        }
    }

    /// One less.
    const fn take(&mut self, tap: &Waits) {
        self.taps -= 1;
        match (tap.operation, tap.amount) {
            (OperationCode::PursePayment, Some(amount)) => {
                self.payments = Fen(self.payments.0.saturating_sub(amount.0));
            }
            (OperationCode::TransitValidation, _) => self.validations -= 1,
            _ => {}
        }
    }
}

#[derive(FromRow)]
struct WaitsRow {
    operation: i64,
    card: Option<Vec<u8>>,
    amount: Option<i64>,
    at: i64,
}

impl WaitsRow {
    fn read(self) -> Option<Waits> {
        Some(Waits {
            operation: OperationCode::from_number(u16::try_from(self.operation).ok()?)?,
            card: self.card.map(|card| card.try_into().map(CardId::from_bytes)).transpose().ok()?,
            amount: self.amount.map(Fen),
            at: Micros(self.at),
        })
    }
}

/// What waits on the disk.
pub(super) async fn load(connection: &mut SqliteConnection) -> Result<(Waiting, OfCards), OutboxError> {
    let rows: Vec<WaitsRow> = sqlx::query_as("SELECT operation, card, amount, at FROM tap")
        .fetch_all(&mut *connection)
        .await
        .map_err(fail("counting the outbox"))?;
    let (mut waiting, mut cards) = (Waiting::default(), OfCards::default());
    // A damaged row is [`Outbox::pending`]'s to report: it keeps no terminal from its work.
    for tap in rows.into_iter().filter_map(WaitsRow::read) {
        waiting.add(&tap);
        cards.add(tap);
    }
    Ok((waiting, cards))
}
