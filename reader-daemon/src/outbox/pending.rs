//! Taps on their way out: read in order, forgotten when the service's verified receipt is held.

use card_schema::{
    clock::Micros,
    ids::{CardId, TapId},
    money::Fen,
    operation::OperationCode,
};
use sqlx::{Connection as _, FromRow};

use super::{Outbox, OutboxError, lane};

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

fn fail(doing: &'static str) -> impl FnOnce(sqlx::Error) -> OutboxError {
    move |cause| OutboxError::Database { doing, cause }
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

    /// How many taps wait.
    pub async fn pending_count(&self) -> Result<u64, OutboxError> {
        let mut connection = self.lock().await;
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM tap")
            .fetch_one(&mut *connection)
            .await
            .map_err(fail("counting the outbox"))?;
        u64::try_from(count).map_err(|_| OutboxError::Damaged("tap"))
    }

    /// Forgets taps that a verified receipt names, in one transaction with their lanes' positions. Runs to its end even
    /// when the caller goes away: sqlx leaks a transaction whose beginning is cancelled.
    pub async fn forget(self: &std::sync::Arc<Self>, taps: Vec<PendingTap>) -> Result<(), OutboxError> {
        let outbox = std::sync::Arc::clone(self);
        tokio::spawn(async move { outbox.forget_now(&taps).await }).await.expect("forgetting does not panic")
    }

    async fn forget_now(&self, taps: &[PendingTap]) -> Result<(), OutboxError> {
        let mut connection = self.lock().await;
        let mut tx = connection.begin().await.map_err(fail("forgetting taps"))?;
        for tap in taps {
            sqlx::query("DELETE FROM tap WHERE id = $1 AND tap_id = $2")
                .bind(tap.id)
                .bind(tap.tap_id.0.as_slice())
                .execute(&mut *tx)
                .await
                .map_err(fail("forgetting taps"))?;
        }
        // The newest of each lane: `taps` are in the order of storing, so the last entry of a lane is its newest.
        let mut newest = std::collections::BTreeMap::new();
        for tap in taps {
            newest.insert(tap.lane, tap);
        }
        for tap in newest.into_values() {
            lane::advance(&mut tx, tap.lane, tap.counter, &tap.tap_id).await?;
        }
        tx.commit().await.map_err(fail("forgetting taps"))
    }
}
