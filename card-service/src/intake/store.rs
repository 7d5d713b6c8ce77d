//! The tables of taps and lanes.

use std::collections::{BTreeSet, HashMap};

use card_schema::clock::Micros;
use card_schema::envelope::receipt::Outcome;
use card_schema::ids::{CardId, Shard, TapId, TerminalId};
use card_schema::money::Fen;
use sqlx::{QueryBuilder, Row as _};

use super::decide::{LaneFault, LaneHead};
use crate::db::dialect::{Connection, Engine, ROWS_PER_STATEMENT};
use crate::db::{DbError, sets};
use crate::evidence::{Column, LeafRef, RowImage};

/// A number of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct LaneNumber {
    pub(super) terminal: TerminalId,
    pub(super) lane: u8,
    pub(super) counter: i64,
}

/// What became of a tap that came before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prior {
    pub(super) tap: TapId,
    pub(super) outcome: Outcome,
    pub(super) balance: Option<Fen>,
}

/// A row of `tap`.
#[derive(Clone, Debug)]
pub(super) struct TapRow {
    pub(super) shard: Shard,
    pub(super) number: LaneNumber,
    pub(super) tap: TapId,
    pub(super) card: Option<CardId>,
    pub(super) operation: u16,
    pub(super) at: Micros,
    pub(super) received_at: Micros,
    pub(super) outcome: Outcome,
    pub(super) balance: Option<Fen>,
    pub(super) cose: Vec<u8>,
}

/// A row of `lane_event`.
#[derive(Clone, Debug)]
pub(super) struct LaneEvent {
    pub(super) number: LaneNumber,
    pub(super) tap: TapId,
    pub(super) fault: LaneFault,
    pub(super) expected: i64,
    pub(super) at: Micros,
    pub(super) cose: Vec<u8>,
}

/// A checkpoint that taps have seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeenHead {
    pub(super) root: [u8; 32],
    pub(super) at: Micros,
}

impl TapRow {
    /// What the leaf commits to: every column but `leaf`.
    pub(super) fn image(&self) -> RowImage {
        RowImage::new(
            "tap",
            &[
                Column::Int(i64::from(self.shard.0)),
                Column::Bytes(self.number.terminal.as_bytes()),
                Column::Int(i64::from(self.number.lane)),
                Column::Int(self.number.counter),
                Column::Bytes(&self.tap.0),
                Column::optional_bytes(self.card.as_ref().map(|card| card.as_bytes().as_slice())),
                Column::Int(i64::from(self.operation)),
                Column::Int(self.at.0),
                Column::Int(self.received_at.0),
                Column::Int(i64::from(self.outcome.number())),
                Column::optional_int(self.balance.map(|balance| balance.0)),
                Column::Bytes(&self.cose),
            ],
        )
    }
}

impl LaneEvent {
    pub(super) fn image(&self) -> RowImage {
        RowImage::new(
            "lane_event",
            &[
                Column::Bytes(self.number.terminal.as_bytes()),
                Column::Int(i64::from(self.number.lane)),
                Column::Int(self.number.counter),
                Column::Bytes(&self.tap.0),
                Column::Int(self.fault as i64),
                Column::Int(self.expected),
                Column::Int(self.at.0),
                Column::Bytes(&self.cose),
            ],
        )
    }
}

/// What became of those of these numbers that were used before.
pub(super) async fn prior(
    connection: &mut Connection,
    numbers: &BTreeSet<LaneNumber>,
) -> Result<HashMap<LaneNumber, Prior>, DbError> {
    let wanted =
        sets::json(numbers.iter().map(|number| (sets::hex(number.terminal.as_bytes()), number.lane, number.counter)));
    let rows = sqlx::query(
        "SELECT l.terminal_id, l.lane, l.counter, l.tap_id, t.outcome, t.balance
         FROM json_each($1) w
         CROSS JOIN lane_tap l
            ON l.terminal_id = unhex(w.value ->> 0) AND l.lane = w.value ->> 1 AND l.counter = w.value ->> 2
         JOIN tap t
            ON t.shard = l.shard AND t.terminal_id = l.terminal_id AND t.lane = l.lane AND t.counter = l.counter",
    )
    .bind(wanted)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let number = LaneNumber {
                terminal: TerminalId::from_bytes(sets::bytes(row, "terminal_id")?),
                lane: lane(row.try_get("lane")?)?,
                counter: row.try_get("counter")?,
            };
            let outcome = u16::try_from(row.try_get::<i64, _>("outcome")?).ok().and_then(Outcome::from_number);
            let prior = Prior {
                tap: TapId(sets::bytes(row, "tap_id")?),
                outcome: outcome.ok_or(DbError::Unreadable("tap.outcome"))?,
                balance: row.try_get::<Option<i64>, _>("balance")?.map(Fen),
            };
            Ok((number, prior))
        })
        .collect()
}

/// Where the lanes of these terminals stand.
pub(super) async fn heads(
    connection: &mut Connection,
    terminals: &BTreeSet<TerminalId>,
) -> Result<HashMap<(TerminalId, u8), LaneHead>, DbError> {
    let rows = sqlx::query(
        "SELECT l.terminal_id, l.lane, l.counter, l.head
         FROM json_each($1) w CROSS JOIN lane l ON l.terminal_id = unhex(w.value)",
    )
    .bind(sets::json(terminals.iter().map(|terminal| sets::hex(terminal.as_bytes()))))
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let terminal = TerminalId::from_bytes(sets::bytes(row, "terminal_id")?);
            let head = LaneHead { counter: row.try_get("counter")?, tap: TapId(sets::bytes(row, "head")?) };
            Ok(((terminal, lane(row.try_get("lane")?)?), head))
        })
        .collect()
}

/// Those of the checkpoints of these sizes that were published.
pub(super) async fn seen_heads(
    connection: &mut Connection,
    sizes: &BTreeSet<u64>,
) -> Result<HashMap<u64, SeenHead>, DbError> {
    let rows =
        sqlx::query("SELECT c.size, c.root, c.at FROM json_each($1) w CROSS JOIN checkpoint c ON c.size = w.value")
            .bind(sets::json(sizes.iter().filter_map(|size| i64::try_from(*size).ok())))
            .fetch_all(connection)
            .await?;
    rows.iter()
        .map(|row| {
            let size = u64::try_from(row.try_get::<i64, _>("size")?).map_err(|_| DbError::Unreadable("size"))?;
            Ok((size, SeenHead { root: sets::bytes(row, "root")?, at: Micros(row.try_get("at")?) }))
        })
        .collect()
}

/// Writes taps with their leaves, and claims their numbers.
pub(super) async fn write_taps(connection: &mut Connection, rows: &[(TapRow, LeafRef)]) -> Result<(), DbError> {
    for rows in rows.chunks(ROWS_PER_STATEMENT) {
        let mut insert = QueryBuilder::<Engine>::new(
            "INSERT INTO tap (shard, terminal_id, lane, counter, tap_id, card_id, operation, at, received_at, outcome,
                              balance, cose, leaf) ",
        );
        insert.push_values(rows, |mut bind, (row, leaf)| {
            bind.push_bind(i64::from(row.shard.0))
                .push_bind(row.number.terminal.as_bytes().to_vec())
                .push_bind(i64::from(row.number.lane))
                .push_bind(row.number.counter)
                .push_bind(row.tap.0.to_vec())
                .push_bind(row.card.map(|card| card.as_bytes().to_vec()))
                .push_bind(i64::from(row.operation))
                .push_bind(row.at.0)
                .push_bind(row.received_at.0)
                .push_bind(i64::from(row.outcome.number()))
                .push_bind(row.balance.map(|balance| balance.0))
                .push_bind(row.cose.clone())
                .push_bind(leaf.leaf_id);
        });
        insert.build().execute(&mut *connection).await?;
        let mut claim =
            QueryBuilder::<Engine>::new("INSERT INTO lane_tap (terminal_id, lane, counter, shard, tap_id) ");
        claim.push_values(rows, |mut bind, (row, _)| {
            bind.push_bind(row.number.terminal.as_bytes().to_vec())
                .push_bind(i64::from(row.number.lane))
                .push_bind(row.number.counter)
                .push_bind(i64::from(row.shard.0))
                .push_bind(row.tap.0.to_vec());
        });
        claim.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// Moves lanes to their new heads.
pub(super) async fn write_heads(
    connection: &mut Connection,
    heads: &[((TerminalId, u8), LaneHead)],
) -> Result<(), DbError> {
    for rows in heads.chunks(ROWS_PER_STATEMENT) {
        let mut insert = QueryBuilder::<Engine>::new("INSERT INTO lane (terminal_id, lane, counter, head) ");
        insert.push_values(rows, |mut bind, ((terminal, lane), head)| {
            bind.push_bind(terminal.as_bytes().to_vec())
                .push_bind(i64::from(*lane))
                .push_bind(head.counter)
                .push_bind(head.tap.0.to_vec());
        });
        insert.push(" ON CONFLICT (terminal_id, lane) DO UPDATE SET counter = excluded.counter, head = excluded.head");
        insert.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// Records faults of lanes. One that was recorded before stays as it was.
pub(super) async fn write_events(connection: &mut Connection, events: &[(LaneEvent, LeafRef)]) -> Result<(), DbError> {
    for rows in events.chunks(ROWS_PER_STATEMENT) {
        let mut insert = QueryBuilder::<Engine>::new(
            "INSERT INTO lane_event (terminal_id, lane, counter, tap_id, kind, expected, at, cose, leaf_shard, leaf) ",
        );
        insert.push_values(rows, |mut bind, (event, leaf)| {
            bind.push_bind(event.number.terminal.as_bytes().to_vec())
                .push_bind(i64::from(event.number.lane))
                .push_bind(event.number.counter)
                .push_bind(event.tap.0.to_vec())
                .push_bind(event.fault as i64)
                .push_bind(event.expected)
                .push_bind(event.at.0)
                .push_bind(event.cose.clone())
                .push_bind(i64::from(leaf.shard.0))
                .push_bind(leaf.leaf_id);
        });
        insert.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// Which of these taps were already recorded as a fault of this kind at their number.
pub(super) async fn known_events(
    connection: &mut Connection,
    numbers: &BTreeSet<LaneNumber>,
) -> Result<BTreeSet<(LaneNumber, TapId)>, DbError> {
    let wanted =
        sets::json(numbers.iter().map(|number| (sets::hex(number.terminal.as_bytes()), number.lane, number.counter)));
    let rows = sqlx::query(
        "SELECT e.terminal_id, e.lane, e.counter, e.tap_id
         FROM json_each($1) w
         CROSS JOIN lane_event e
            ON e.terminal_id = unhex(w.value ->> 0) AND e.lane = w.value ->> 1 AND e.counter = w.value ->> 2
         WHERE e.kind = $2",
    )
    .bind(wanted)
    .bind(LaneFault::Fork as i64)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let number = LaneNumber {
                terminal: TerminalId::from_bytes(sets::bytes(row, "terminal_id")?),
                lane: lane(row.try_get("lane")?)?,
                counter: row.try_get("counter")?,
            };
            Ok((number, TapId(sets::bytes(row, "tap_id")?)))
        })
        .collect()
}

fn lane(number: i64) -> Result<u8, DbError> {
    u8::try_from(number).map_err(|_| DbError::Unreadable("lane"))
}
