//! Taps on their way out: read in order, taken off the queue when the service's verified receipt is held.

use std::{collections::BTreeMap, sync::Arc};

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
        let mut connection = self.lock().await;
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
    pub async fn exposure(
        &self,
        operation: OperationCode,
        card: CardId,
        today: Micros,
    ) -> Result<Exposure, OutboxError> {
        let mut connection = self.lock().await;
        let (card_count, card_day): (i64, i64) = sqlx::query_as(
            "SELECT COUNT(*), COALESCE(SUM(amount) FILTER (WHERE at >= $1), 0) FROM tap WHERE operation = $2 AND card = $3",
        )
        .bind(today.0)
        .bind(i64::from(operation.number()))
        .bind(card.as_bytes().as_slice())
        .fetch_one(&mut *connection)
        .await
        .map_err(fail("adding up what waits"))?;
        let card_count = u32::try_from(card_count).map_err(|_| OutboxError::Damaged("tap"))?;
        let Waiting { payments, validations, .. } = self.waiting();
        Ok(Exposure { terminal: payments, validations, card_day: Fen(card_day), card_count })
    }

    /// Sees whether that has changed.
    pub fn watch(&self) -> watch::Receiver<Waiting> {
        self.waiting.subscribe()
    }

    /// Takes taps off the queue that a verified receipt names, in one transaction with what became of them, with their
    /// lanes' positions and with the log head that the receipt brought. `tell` is called before the disk is waited for: a
    /// receipt that is lost with the power comes again, and whoever looks into the outbox meanwhile waits for the disk. Runs to
    /// its end even when the caller goes away: sqlx leaks a transaction whose beginning is cancelled.
    pub async fn settle(
        self: &Arc<Self>,
        taps: Vec<(PendingTap, TapOutcome)>,
        head: Option<LogHead>,
        tell: impl FnOnce() + Send + 'static,
    ) -> Result<(), OutboxError> {
        let outbox = Arc::clone(self);
        tokio::spawn(async move { outbox.settle_now(&taps, head, tell).await }).await.expect("settling does not panic")
    }

    async fn settle_now(
        &self,
        taps: &[(PendingTap, TapOutcome)],
        head: Option<LogHead>,
        tell: impl FnOnce() + Send,
    ) -> Result<(), OutboxError> {
        let mut connection = self.lock().await;
        let mut tx = connection.begin().await.map_err(fail("settling taps"))?;
        let mut settled = Waiting::default();
        for (tap, outcome) in taps {
            fate::write(&mut tx, tap, outcome).await?;
            let gone = sqlx::query("DELETE FROM tap WHERE id = $1 AND tap_id = $2")
                .bind(tap.id)
                .bind(tap.tap_id.0.as_slice())
                .execute(&mut *tx)
                .await
                .map_err(fail("settling taps"))?;
            if gone.rows_affected() == 1 {
                settled.add(tap.operation, tap.amount);
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
        self.waiting.send_modify(|waiting| waiting.take(settled));
        tell();
        let kept = tx.commit().await.map_err(fail("settling taps"));
        if kept.is_err() {
            self.waiting.send_modify(|waiting| waiting.put_back(settled));
        }
        kept
    }
}

impl Waiting {
    /// One more.
    pub(super) const fn add(&mut self, operation: OperationCode, amount: Option<Fen>) {
        self.taps += 1;
        match (operation, amount) {
            (OperationCode::PursePayment, Some(amount)) => {
                self.payments = Fen(self.payments.0.saturating_add(amount.0));
            }
            (OperationCode::TransitValidation, _) => self.validations += 1,
            _ => {}
        }
    }

    /// So many more.
    const fn put_back(&mut self, taken: Self) {
        self.taps += taken.taps;
        self.payments = Fen(self.payments.0.saturating_add(taken.payments.0));
        self.validations += taken.validations;
    }

    /// So many less.
    const fn take(&mut self, settled: Self) {
        self.taps -= settled.taps;
        self.payments = Fen(self.payments.0.saturating_sub(settled.payments.0));
        self.validations -= settled.validations;
    }
}

/// Counts what waits.
pub(super) async fn count(connection: &mut SqliteConnection) -> Result<Waiting, OutboxError> {
    let (taps, payments, validations): (i64, i64, i64) = sqlx::query_as(
        "SELECT COUNT(*), COALESCE(SUM(amount) FILTER (WHERE operation = $1), 0),
         COUNT(*) FILTER (WHERE operation = $2) FROM tap",
    )
    .bind(i64::from(OperationCode::PursePayment.number()))
    .bind(i64::from(OperationCode::TransitValidation.number()))
    .fetch_one(&mut *connection)
    .await
    .map_err(fail("counting the outbox"))?;
    let count = |number: i64| u64::try_from(number).map_err(|_| OutboxError::Damaged("tap"));
    Ok(Waiting { taps: count(taps)?, payments: Fen(payments), validations: count(validations)? })
}
