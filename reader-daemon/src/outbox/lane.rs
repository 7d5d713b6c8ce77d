//! Counters and chains, one lane a reader. A number is durable before a card may sign with it, and never used twice: to keep a tap
//! is to reserve the number after its own.
//!
//! Taps of several readers that wait for the disk are written together, by whoever gets at it first: they share one sync.

use std::{cmp::Ordering, mem, sync::PoisonError, time::Duration};

use card_schema::{
    clock::Micros,
    envelope::tap::Tap,
    ids::{CardId, TapId},
    money::Fen,
    operation::OperationCode,
};
use ring::digest;
use sqlx::{FromRow, QueryBuilder, SqliteConnection};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Outbox, OutboxError, error::fail, pending::Waits};

/// A reader's lane as it stands on the disk. Held by the one thread that works this reader.
#[derive(Debug)]
pub struct Lane {
    /// Its number in signed payloads.
    pub number: u8,
    /// The newest tap of its chain.
    pub head: TapId,
    /// The counter of `head`, 0 before the first.
    pub used: u64,
    /// The highest number that a card may have signed with, or may be asked to.
    reserved: u64,
    reader: String,
}

/// A signed tap as it is to be kept.
#[derive(Clone, Debug)]
pub struct StoredTap {
    /// SHA-256 of what was signed.
    pub tap_id: TapId,
    /// Counter in the lane; has been reserved.
    pub counter: u64,
    /// Operation, for lists.
    pub operation: OperationCode,
    /// Card, for lists.
    pub card: Option<CardId>,
    /// Amount, for lists.
    pub amount: Option<Fen>,
    /// What it gives back or undoes.
    pub original: Option<TapId>,
    /// The points that are promised, less those that are given.
    pub points: Option<i64>,
    /// The points that the holder gives.
    pub given: Option<u32>,
    /// What points have taken off the price.
    pub discount: Option<Fen>,
    /// The number under which it was ordered.
    pub order: Option<Uuid>,
    /// Terminal clock.
    pub at: Micros,
    /// The envelope.
    pub cose: Vec<u8>,
}

impl StoredTap {
    /// A signed tap as it is kept.
    pub fn of(tap: &Tap, tap_id: TapId, order: Option<Uuid>, cose: Vec<u8>) -> Self {
        let operation = &tap.operation;
        Self {
            tap_id,
            counter: tap.counter,
            operation: operation.code(),
            card: tap.card,
            amount: operation.amount(),
            original: operation.original().map(|original| original.tap),
            points: operation.points(),
            given: operation.given(),
            discount: operation.discount(),
            order,
            at: tap.at,
            cose,
        }
    }
}

impl Lane {
    /// The number to sign with next, if one lies ready. Every number that is reserved and not used has to be filled,
    /// in order: by a tap or by the terminal's own `abandoned`.
    pub fn ready(&self) -> Option<u64> {
        (self.reserved > self.used).then(|| self.used + 1)
    }
}

/// A tap that waits for the disk, and who waits for it.
#[derive(Debug)]
pub(super) struct Queued {
    lane: u8,
    tap: StoredTap,
    kept: oneshot::Sender<Result<Duration, OutboxError>>,
}

#[derive(FromRow)]
struct LaneRow {
    lane: i64,
    reader: String,
    reserved: i64,
    used: i64,
    head: Vec<u8>,
    checksum: Vec<u8>,
}

/// Covers a lane's row, so that a damaged one is not continued.
fn checksum(lane: u8, reader: &str, reserved: u64, used: u64, head: &TapId) -> Vec<u8> {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(&[lane]);
    hash.update(&reserved.to_be_bytes());
    hash.update(&used.to_be_bytes());
    hash.update(&head.0);
    hash.update(reader.as_bytes());
    hash.finish().as_ref()[..16].to_vec()
}

impl LaneRow {
    fn read(self) -> Option<Lane> {
        let lane = Lane {
            number: u8::try_from(self.lane).ok()?,
            head: TapId(self.head.try_into().ok()?),
            used: u64::try_from(self.used).ok()?,
            reserved: u64::try_from(self.reserved).ok()?,
            reader: self.reader,
        };
        let intact = checksum(lane.number, &lane.reader, lane.reserved, lane.used, &lane.head) == self.checksum;
        (intact && lane.used <= lane.reserved).then_some(lane)
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).expect("a lane does not reach 2^63 taps")
}

impl Outbox {
    /// The lane of a reader as the disk has it, made if there is none. A lane whose row is damaged is retired, for its
    /// counter cannot be trusted, and the reader gets a new lane.
    pub async fn lane(&self, reader: &str) -> Result<Lane, OutboxError> {
        let mut connection = self.lock().await;
        let row: Option<LaneRow> = sqlx::query_as(
            "SELECT lane, reader, reserved, used, head, checksum FROM lane WHERE reader = $1 AND retired = 0",
        )
        .bind(reader)
        .fetch_optional(&mut *connection)
        .await
        .map_err(fail("reading a lane"))?;
        if let Some(row) = row {
            let number = row.lane;
            if let Some(mut lane) = row.read()
                && catch_up(&mut connection, &mut lane).await?
            {
                return Ok(lane);
            }
            tracing::error!(lane = number, reader, "the lane's row is damaged: retired, the reader gets a new lane");
            sqlx::query("UPDATE lane SET retired = 1 WHERE lane = $1")
                .bind(number)
                .execute(&mut *connection)
                .await
                .map_err(fail("retiring a lane"))?;
        }
        make(&mut connection, reader).await
    }

    /// Reserves the number after the newest tap, where there is no tap or the number was given back; on return it is on the disk.
    pub async fn reserve(&self, lane: &mut Lane) -> Result<u64, OutboxError> {
        let next = lane.used + 1;
        self.write_reserved(lane, next, "reserving a counter").await?;
        Ok(next)
    }

    /// Gives back the number that no card was asked to sign with. For a stop in good order only.
    pub async fn release(&self, lane: &mut Lane) -> Result<(), OutboxError> {
        self.write_reserved(lane, lane.used, "releasing a counter").await
    }

    async fn write_reserved(&self, lane: &mut Lane, reserved: u64, doing: &'static str) -> Result<(), OutboxError> {
        write(&mut *self.lock().await, lane, reserved, doing).await?;
        lane.reserved = reserved;
        Ok(())
    }

    /// Keeps a signed tap, and reserves the number after it: on the disk when this returns. Answers how long the disk took. Has to run
    /// to its end: what is written for a caller that has gone away is not counted among what waits.
    ///
    /// After an error the lane is to be read again with [`Outbox::lane`]: only the disk knows what it kept.
    pub async fn store(&self, lane: &mut Lane, tap: StoredTap) -> Result<Duration, OutboxError> {
        let (counter, tap_id) = (tap.counter, tap.tap_id);
        if lane.ready() != Some(counter) {
            return Err(OutboxError::NotReserved { lane: lane.number, counter });
        }
        let (kept, keeping) = oneshot::channel();
        self.queue().push(Queued { lane: lane.number, tap, kept });
        {
            let mut connection = self.lock().await;
            // Nothing is left of it where another has taken this tap along.
            let queued = mem::take(&mut *self.queue());
            self.keep(&mut connection, queued).await;
        }
        let disk = keeping.await.map_err(|_| OutboxError::Interrupted)??;
        (lane.head, lane.used, lane.reserved) = (tap_id, counter, counter + 1);
        Ok(disk)
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Vec<Queued>> {
        self.queued.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what waits for the disk and tells each of those who wait.
    async fn keep(&self, connection: &mut SqliteConnection, queued: Vec<Queued>) {
        let mut groups = vec![queued];
        while let Some(group) = groups.pop() {
            if group.is_empty() {
                continue;
            }
            self.clock.mark();
            match insert(connection, &group).await {
                Ok(()) => {
                    let disk = self.clock.since_mark();
                    for Queued { tap, kept, .. } in group {
                        self.waits(Waits { operation: tap.operation, card: tap.card, amount: tap.amount, at: tap.at });
                        // Whoever has gone away reads the lane again.
                        let _ = kept.send(Ok(disk));
                    }
                }
                // One of them may be what keeps the others from being written.
                Err(_) if group.len() > 1 => groups.extend(group.into_iter().map(|queued| vec![queued])),
                Err(error) => {
                    if let Some(Queued { kept, .. }) = group.into_iter().next() {
                        let _ = kept.send(Err(error));
                    }
                }
            }
        }
    }
}

/// Writes taps in one statement: all of them, or none.
async fn insert(connection: &mut SqliteConnection, taps: &[Queued]) -> Result<(), OutboxError> {
    let mut statement = QueryBuilder::new(
        "INSERT INTO tap \
         (lane, counter, tap_id, operation, card, amount, original, points, given, discount, order_id, at, cose) ",
    );
    statement.push_values(taps, |mut row, Queued { lane, tap, .. }| {
        row.push_bind(i64::from(*lane))
            .push_bind(signed(tap.counter))
            .push_bind(tap.tap_id.0.as_slice())
            .push_bind(i64::from(tap.operation.number()))
            .push_bind(tap.card.as_ref().map(|card| card.as_bytes().as_slice()))
            .push_bind(tap.amount.map(|fen| fen.0))
            .push_bind(tap.original.as_ref().map(|tap| tap.0.as_slice()))
            .push_bind(tap.points)
            .push_bind(tap.given)
            .push_bind(tap.discount.map(|fen| fen.0))
            .push_bind(tap.order.as_ref().map(|order| order.as_bytes().as_slice()))
            .push_bind(tap.at.0)
            .push_bind(tap.cose.as_slice());
    });
    statement.build().execute(connection).await.map(|_| ()).map_err(fail("storing taps"))
}

/// Writes where a lane stands, up to which number it is reserved. No older standing than the one that is there.
async fn write(
    connection: &mut SqliteConnection,
    lane: &Lane,
    reserved: u64,
    doing: &'static str,
) -> Result<(), OutboxError> {
    let done = sqlx::query(
        "UPDATE lane SET reserved = $1, used = $2, head = $3, checksum = $4 WHERE lane = $5 AND used <= $2",
    )
    .bind(signed(reserved))
    .bind(signed(lane.used))
    .bind(lane.head.0.as_slice())
    .bind(checksum(lane.number, &lane.reader, reserved, lane.used, &lane.head))
    .bind(i64::from(lane.number))
    .execute(&mut *connection)
    .await
    .map_err(fail(doing))?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(OutboxError::Damaged("lane")) }
}

/// Moves the lane on to its newest stored tap. False when the taps contradict the row.
async fn catch_up(connection: &mut SqliteConnection, lane: &mut Lane) -> Result<bool, OutboxError> {
    let newest: Option<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT counter, tap_id FROM tap WHERE lane = $1 ORDER BY counter DESC LIMIT 1")
            .bind(i64::from(lane.number))
            .fetch_optional(&mut *connection)
            .await
            .map_err(fail("reading a lane's newest tap"))?;
    let Some((counter, tap_id)) = newest else { return Ok(true) };
    let (Ok(counter), Ok(tap_id)) = (u64::try_from(counter), tap_id.try_into()) else { return Ok(false) };
    match counter.cmp(&lane.used) {
        // The row was written when the newest taps were settled, and an older one still waits: a receipt left it out.
        Ordering::Less => Ok(true),
        // The number after it was given back, and may have been reserved again.
        Ordering::Equal => Ok(lane.head.0 == tap_id),
        Ordering::Greater => {
            (lane.used, lane.head, lane.reserved) = (counter, TapId(tap_id), counter + 1);
            Ok(true)
        }
    }
}

async fn make(connection: &mut SqliteConnection, reader: &str) -> Result<Lane, OutboxError> {
    // A number that was ever a lane's is not given again, even if its row is lost and only taps are left.
    let highest: Option<i64> =
        sqlx::query_scalar("SELECT MAX(lane) FROM (SELECT lane FROM lane UNION ALL SELECT lane FROM tap)")
            .fetch_one(&mut *connection)
            .await
            .map_err(fail("numbering a lane"))?;
    let number = u8::try_from(highest.map_or(0, |number| number + 1));
    let number = number.map_err(|_| OutboxError::NoLaneLeft(reader.to_owned()))?;
    sqlx::query(
        "INSERT INTO lane (lane, reader, retired, reserved, used, head, checksum) VALUES ($1, $2, 0, 0, 0, $3, $4)",
    )
    .bind(i64::from(number))
    .bind(reader)
    .bind(TapId::NONE.0.as_slice())
    .bind(checksum(number, reader, 0, 0, &TapId::NONE))
    .execute(&mut *connection)
    .await
    .map_err(fail("making a lane"))?;
    Ok(Lane { number, head: TapId::NONE, used: 0, reserved: 0, reader: reader.to_owned() })
}

/// Writes where the lane stands once its taps up to `used` are settled. Inside the settling transaction.
pub(super) async fn advance(
    connection: &mut SqliteConnection,
    number: u8,
    used: u64,
    head: &TapId,
) -> Result<(), OutboxError> {
    let row: LaneRow = sqlx::query_as("SELECT lane, reader, reserved, used, head, checksum FROM lane WHERE lane = $1")
        .bind(i64::from(number))
        .fetch_one(&mut *connection)
        .await
        .map_err(fail("advancing a lane"))?;
    // A damaged row stays as it is: the lane is retired at the next opening, its taps have gone up all the same.
    match row.read() {
        Some(row) if used > row.used => {
            let lane = Lane { used, head: *head, ..row };
            write(connection, &lane, lane.reserved.max(used + 1), "advancing a lane").await
        }
        _ => Ok(()),
    }
}
