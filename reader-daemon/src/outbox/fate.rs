//! What became of each tap: the shop's own book, which never hides one. It holds no card and no balance.

use card_schema::{
    clock::Micros,
    envelope::{
        Envelope,
        receipt::{Outcome, Recorded, TapOutcome},
        tap::Tap,
    },
    ids::{Shard, TapId},
    money::Fen,
    operation::{Operation, OperationCode},
};
use sqlx::{Connection as _, FromRow, SqliteConnection};
use uuid::Uuid;

use super::{Outbox, OutboxError, PendingTap, error::fail};

/// Settled taps that are kept, of the newest; by number, since the clock of a terminal may be moved.
const KEPT: i64 = 50_000;

/// A tap of this terminal, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    /// The tap.
    pub tap_id: TapId,
    /// Its operation.
    pub operation: OperationCode,
    /// Its amount.
    pub amount: Option<Fen>,
    /// What it gives back or undoes.
    pub original: Option<TapId>,
    /// The points that it has moved; as long as it waits, those that are promised, less those that are given.
    pub points: Option<i64>,
    /// The points that the holder gave, for goods or for money off.
    pub given: Option<u32>,
    /// What points have taken off the price.
    pub discount: Option<Fen>,
    /// Terminal clock when the card signed.
    pub at: Micros,
    /// What the service has decided; nothing while the tap waits for it.
    pub outcome: Option<Outcome>,
    /// Where the log has it.
    pub recorded: Option<Recorded>,
}

/// What has gone back of a payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Returned {
    /// The service has booked it.
    pub settled: Fen,
    /// The service has not answered, or a person there has to decide.
    pub waiting: Fen,
}

impl Returned {
    /// As if the service said yes to what waits.
    pub const fn all(&self) -> Fen {
        Fen(self.settled.0.saturating_add(self.waiting.0))
    }
}

/// What was ordered under a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered {
    /// The tap.
    pub fate: Fate,
    /// It waits for the service, and stands whatever that says: the terminal has accepted it on its own.
    pub is_guaranteed: bool,
}

#[derive(FromRow)]
struct Row {
    tap_id: Vec<u8>,
    operation: i64,
    amount: Option<i64>,
    original: Option<Vec<u8>>,
    points: Option<i64>,
    given: Option<u32>,
    discount: Option<i64>,
    at: i64,
    outcome: Option<i64>,
    shard: Option<u8>,
    leaf: Option<i64>,
}

impl Row {
    fn read(self) -> Option<Fate> {
        let outcome = |number: i64| Outcome::from_number(u16::try_from(number).ok()?);
        let recorded =
            |(shard, leaf): (u8, i64)| Some(Recorded { shard: Shard(shard), leaf: u64::try_from(leaf).ok()? });
        Some(Fate {
            recorded: self.shard.zip(self.leaf).and_then(recorded),
            tap_id: TapId(self.tap_id.try_into().ok()?),
            operation: OperationCode::from_number(u16::try_from(self.operation).ok()?)?,
            amount: self.amount.map(Fen),
            original: self.original.map(|tap| tap.try_into().map(TapId)).transpose().ok()?,
            points: self.points,
            given: self.given,
            discount: self.discount.map(Fen),
            at: Micros(self.at),
            outcome: match self.outcome {
                Some(number) => Some(outcome(number)?),
                None => None,
            },
        })
    }
}

/// The points that an accepted tap has moved.
fn moved(answer: &TapOutcome) -> Option<i64> {
    answer.points.filter(|_| answer.outcome == Outcome::Accepted).map(|points| points.moved)
}

/// A tap that the service has, and of which a person decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Order of answering.
    pub id: i64,
    /// The envelope.
    pub cose: Vec<u8>,
}

/// Writes what became of a tap, in the transaction that takes it off the queue.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    tap: &PendingTap,
    answer: &TapOutcome,
) -> Result<(), OutboxError> {
    sqlx::query(
        "INSERT INTO fate (tap_id, operation, amount, original, points, given, discount, order_id, at, outcome, held, shard, leaf) \
         SELECT tap_id, operation, amount, original, $1, given, discount, order_id, at, $2, \
             CASE WHEN $3 THEN cose END, $4, $5 \
         FROM tap WHERE id = $6 AND tap_id = $7 ON CONFLICT DO NOTHING",
    )
    .bind(moved(answer))
    .bind(i64::from(answer.outcome.number()))
    .bind(answer.outcome == Outcome::Quarantined && tap.operation.moves())
    .bind(answer.recorded.map(|recorded| recorded.shard.0))
    .bind(answer.recorded.and_then(|recorded| i64::try_from(recorded.leaf).ok()))
    .bind(tap.id)
    .bind(tap.tap_id.0.as_slice())
    .execute(&mut *connection)
    .await
    .map(|_| ())
    .map_err(fail("writing what became of a tap"))
}

#[derive(FromRow)]
struct OrderedRow {
    #[sqlx(flatten)]
    fate: Row,
    cose: Option<Vec<u8>>,
}

impl OrderedRow {
    fn read(self) -> Option<Ordered> {
        let is_guaranteed = match self.cose {
            Some(cose) => {
                let tap = Envelope::<Tap>::decode(&cose).ok()?.payload;
                matches!(tap.operation, Operation::PursePayment(payment) if payment.accepted_offline)
            }
            None => false,
        };
        Some(Ordered { fate: self.fate.read()?, is_guaranteed })
    }
}

/// Leaves the newest.
pub(super) async fn fold(connection: &mut SqliteConnection) -> Result<(), OutboxError> {
    sqlx::query("DELETE FROM fate WHERE id <= (SELECT MAX(id) FROM fate) - $1")
        .bind(KEPT)
        .execute(&mut *connection)
        .await
        .map(|_| ())
        .map_err(fail("folding what became of taps"))
}

impl Outbox {
    /// Taps and what became of them: those that wait, then those that are settled, the newest of each first.
    pub async fn fates(&self, skipped: u32, limit: u16) -> Result<Vec<Fate>, OutboxError> {
        let mut connection = self.read().await;
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT tap_id, operation, amount, original, points, given, discount, at, outcome, shard, leaf FROM \
             (SELECT tap_id, operation, amount, original, points, given, discount, at, NULL AS outcome, NULL AS shard, NULL AS leaf, \
                  1 AS waits, id FROM tap \
              UNION ALL SELECT tap_id, operation, amount, original, points, given, discount, at, outcome, shard, leaf, 0, id FROM fate) \
             ORDER BY waits DESC, id DESC LIMIT $1 OFFSET $2",
        )
        .bind(i64::from(limit))
        .bind(i64::from(skipped))
        .fetch_all(&mut *connection)
        .await
        .map_err(fail("reading what became of taps"))?;
        rows.into_iter().map(|row| row.read().ok_or(OutboxError::Damaged("fate"))).collect()
    }

    /// What became of one tap; nothing where this terminal does not know it.
    pub async fn fate(&self, tap: TapId) -> Result<Option<Fate>, OutboxError> {
        let mut connection = self.read().await;
        let row: Option<Row> = sqlx::query_as(
            "SELECT tap_id, operation, amount, original, points, given, discount, at, NULL AS outcome, \
                 NULL AS shard, NULL AS leaf FROM tap WHERE tap_id = $1 \
             UNION ALL SELECT tap_id, operation, amount, original, points, given, discount, at, outcome, shard, leaf FROM fate WHERE tap_id = $1",
        )
        .bind(tap.0.as_slice())
        .fetch_optional(&mut *connection)
        .await
        .map_err(fail("reading what became of a tap"))?;
        row.map(|row| row.read().ok_or(OutboxError::Damaged("fate"))).transpose()
    }

    /// Taps that a person has to decide about, the oldest first after one of them, at most `limit`.
    pub async fn held(&self, after: i64, limit: u16) -> Result<Vec<Held>, OutboxError> {
        let mut connection = self.read().await;
        let rows: Vec<(i64, Vec<u8>)> =
            sqlx::query_as("SELECT id, held FROM fate WHERE held IS NOT NULL AND id > $1 ORDER BY id LIMIT $2")
                .bind(after)
                .bind(i64::from(limit))
                .fetch_all(&mut *connection)
                .await
                .map_err(fail("reading what a person decides about"))?;
        Ok(rows.into_iter().map(|(id, cose)| Held { id, cose }).collect())
    }

    /// A person has decided about taps: what became of them.
    pub async fn decided(&self, answers: &[TapOutcome]) -> Result<(), OutboxError> {
        let what = "writing what a person has decided";
        let mut connection = self.lock().await;
        let mut tx = connection.begin().await.map_err(fail(what))?;
        for answer in answers {
            sqlx::query(
                "UPDATE fate SET outcome = $1, points = $2, held = NULL WHERE tap_id = $3 AND held IS NOT NULL",
            )
            .bind(i64::from(answer.outcome.number()))
            .bind(moved(answer))
            .bind(answer.tap.0.as_slice())
            .execute(&mut *tx)
            .await
            .map_err(fail(what))?;
        }
        tx.commit().await.map_err(fail(what))?;
        drop(connection);
        // Whoever follows a tap looks again.
        self.waiting.send_modify(|_| {});
        Ok(())
    }

    /// What became of what was ordered under a number; nothing where no card has signed for it.
    pub async fn ordered(&self, order: Uuid) -> Result<Option<Ordered>, OutboxError> {
        let mut connection = self.read().await;
        let row: Option<OrderedRow> = sqlx::query_as(
            "SELECT tap_id, operation, amount, original, points, given, discount, at, outcome, shard, leaf, cose FROM \
             (SELECT tap_id, operation, amount, original, points, given, discount, at, NULL AS outcome, NULL AS shard, \
                  NULL AS leaf, cose, 1 AS waits, id FROM tap WHERE order_id = $1 \
              UNION ALL \
              SELECT tap_id, operation, amount, original, points, given, discount, at, outcome, shard, leaf, NULL, 0, id FROM fate \
                  WHERE order_id = $1) \
             ORDER BY waits DESC, id DESC LIMIT 1",
        )
        .bind(order.as_bytes().as_slice())
        .fetch_optional(&mut *connection)
        .await
        .map_err(fail("reading what became of an order"))?;
        row.map(|row| row.read().ok_or(OutboxError::Damaged("fate"))).transpose()
    }

    /// Whether this terminal has undone an award or a redemption, or has asked for it.
    pub async fn is_undone(&self, tap: TapId) -> Result<bool, OutboxError> {
        let mut connection = self.read().await;
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM fate WHERE original = $1 AND (outcome = $2 OR held IS NOT NULL)) \
             OR EXISTS (SELECT 1 FROM tap WHERE original = $1)",
        )
        .bind(tap.0.as_slice())
        .bind(i64::from(Outcome::Accepted.number()))
        .fetch_one(&mut *connection)
        .await
        .map_err(fail("reading what was undone"))
    }

    /// How much of a payment this terminal has given back.
    pub async fn returned(&self, payment: TapId) -> Result<Returned, OutboxError> {
        let mut connection = self.read().await;
        let (settled, waiting): (i64, i64) = sqlx::query_as(
            "SELECT (SELECT COALESCE(SUM(amount), 0) FROM fate WHERE original = $1 AND outcome = $2), \
                    (SELECT COALESCE(SUM(amount), 0) FROM tap WHERE original = $1) \
                    + (SELECT COALESCE(SUM(amount), 0) FROM fate WHERE original = $1 AND held IS NOT NULL)",
        )
        .bind(payment.0.as_slice())
        .bind(i64::from(Outcome::Accepted.number()))
        .fetch_one(&mut *connection)
        .await
        .map_err(fail("reading what was given back"))?;
        Ok(Returned { settled: Fen(settled), waiting: Fen(waiting) })
    }
}
