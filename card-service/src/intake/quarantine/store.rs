//! The table tap_settlement, and the taps that wait for a row in it.

use card_schema::clock::Micros;
use card_schema::envelope::Envelope;
use card_schema::envelope::receipt::Outcome;
use card_schema::envelope::tap::Tap;
use card_schema::ids::TerminalId;
use card_schema::money::Fen;
use card_schema::operation::OperationCode;

use super::model::{Past, Reason, Waiting, Waits};
use crate::db::{Connection, DbError, Row, Rows, columns, insert, query};
use crate::evidence::{Column, LeafRef, RowImage};
use crate::intake::lane::LaneFault;
use crate::people::approval::model::Hands;

/// Joins a tap `t` to what a person has decided about it: `s`, where somebody has.
pub const SETTLED: &str = "LEFT JOIN tap_settlement s ON s.shard = t.shard AND s.tap = t.leaf";

/// A tap that waits for somebody.
#[derive(Clone, Debug)]
pub(in crate::intake) struct Held {
    /// Where it is recorded.
    pub(in crate::intake) leaf: LeafRef,
    /// When it came in.
    pub(in crate::intake) received_at: Micros,
    /// What was wrong with its lane.
    pub(in crate::intake) fault: Option<LaneFault>,
    /// What it says.
    pub(in crate::intake) tap: Envelope<Tap>,
    /// The bytes as they came.
    pub(in crate::intake) cose: Vec<u8>,
}

impl Held {
    /// The money that it would move, within the limit of one tap: what is beyond is refused, whoever decides.
    pub(super) fn counts(&self, tap_limit: Fen) -> Fen {
        let amount = self.tap.payload.operation.amount().filter(|amount| (Fen(1)..=tap_limit).contains(amount));
        amount.unwrap_or(Fen::ZERO)
    }

    /// As it is shown.
    pub(super) fn shown(&self) -> Option<Waiting> {
        let Tap { card, at, ref operation, .. } = self.tap.payload;
        let (operation, amount) = (operation.code(), operation.amount());
        Some(Waiting { card: card?, operation, amount, at, fault: self.fault })
    }
}

/// A row of `tap_settlement`.
#[derive(Clone, Debug)]
pub(in crate::intake) struct SettlementRow {
    pub(in crate::intake) leaf: LeafRef,
    /// The tap's leaf.
    pub(in crate::intake) tap: i64,
    pub(in crate::intake) at: Micros,
    pub(in crate::intake) reason: Reason,
    pub(in crate::intake) hands: Hands,
    pub(in crate::intake) outcome: Outcome,
    pub(in crate::intake) moved: Fen,
}

impl SettlementRow {
    /// What the leaf commits to: every column.
    pub(in crate::intake) fn image(&self) -> RowImage {
        let agreed_by = self.hands.agreed_by.as_ref().map(|who| who.0.as_bytes().as_slice());
        RowImage::new(
            "tap_settlement",
            &[
                Column::Int(i64::from(self.leaf.shard.0)),
                Column::Int(self.tap),
                Column::Int(self.at.0),
                Column::Text(self.reason.name()),
                Column::Bytes(self.hands.by.0.as_bytes()),
                Column::optional_bytes(agreed_by),
                Column::Int(i64::from(self.outcome.number())),
                Column::Int(self.moved.0),
            ],
        )
    }
}

/// Writes what was decided about taps.
pub(in crate::intake) async fn add(connection: &mut Connection, settled: &[SettlementRow]) -> Result<(), DbError> {
    let rows = || settled.iter();
    let rows = Rows::new()
        .ints("shard", rows().map(|row| i64::from(row.leaf.shard.0)))
        .ints("tap", rows().map(|row| row.tap))
        .ints("at", rows().map(|row| row.at.0))
        .texts("reason", rows().map(|row| row.reason.name().to_owned()))
        .bytes("staff_id", rows().map(|row| *row.hands.by.0.as_bytes()))
        .optional_bytes("agreed_by", rows().map(|row| row.hands.agreed_by.map(|who| who.0.as_bytes().to_vec())))
        .ints("outcome", rows().map(|row| i64::from(row.outcome.number())))
        .ints("moved", rows().map(|row| row.moved.0))
        .ints("leaf", rows().map(|row| row.leaf.leaf_id));
    insert(connection, "tap_settlement", rows, "").await
}

/// The operations that move something, as they stand in a statement.
pub fn moving() -> String {
    let operations = OperationCode::ALL.into_iter().filter(|operation| operation.moves());
    operations.map(|operation| operation.number().to_string()).collect::<Vec<_>>().join(", ")
}

/// Taps `t` that wait: what the index `tap_held` holds, less what is settled.
fn waiting() -> String {
    let (outcome, operations) = (Outcome::Quarantined.number(), moving());
    format!("t.outcome = {outcome} AND t.card_id IS NOT NULL AND t.operation IN ({operations}) AND s.tap IS NULL")
}

/// Which taps are meant: made by a moment of the terminal's clock, and come in by one of ours; all of them without.
#[derive(Clone, Copy, Debug, Default)]
pub struct Until {
    /// When they were made.
    pub made: Option<Micros>,
    /// When they came in.
    pub received: Option<Micros>,
}

/// The taps of a terminal that wait, in the order in which they came, lane by lane; at most so many.
pub(super) async fn held(
    connection: &mut Connection,
    terminal: TerminalId,
    until: Until,
    limit: u32,
) -> Result<Vec<Held>, DbError> {
    let rows = query(format!(
        "SELECT t.shard, t.leaf, t.received_at, t.cose, e.kind FROM tap t {SETTLED}
         LEFT JOIN lane_event e ON e.terminal_id = t.terminal_id AND e.lane = t.lane AND e.counter = t.counter
             AND e.tap_id = t.tap_id AND e.kind <> {}
         WHERE t.terminal_id = $1 AND {} AND t.at <= $2 AND t.received_at <= $3
         ORDER BY t.received_at, t.lane, t.counter LIMIT $4",
        LaneFault::Fork as i64,
        waiting()
    ))
    .bind(terminal)
    .bind(until.made.map_or(i64::MAX, |made| made.0))
    .bind(until.received.map_or(i64::MAX, |received| received.0))
    .bind(i64::from(limit))
    .all(connection)
    .await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Held, DbError> {
    let fault = row.get::<Option<i64>>("kind")?;
    let fault = fault.map(|kind| LaneFault::from_number(kind).ok_or(DbError::Unreadable("lane_event.kind")));
    let cose: &[u8] = row.get("cose")?;
    Ok(Held {
        leaf: LeafRef { shard: columns::shard(row.get("shard")?)?, leaf_id: row.get("leaf")? },
        received_at: Micros(row.get("received_at")?),
        fault: fault.transpose()?,
        tap: Envelope::decode(cose).map_err(|_| DbError::Unreadable("tap.cose"))?,
        cose: cose.to_vec(),
    })
}

/// The terminals whose taps wait, the longest waiting first.
pub(super) async fn terminals(connection: &mut Connection) -> Result<Vec<Waits>, DbError> {
    let rows = query(format!(
        "SELECT w.terminal_id, w.taps, w.since, terminal.name AS terminal, organisation.name AS organisation
         FROM (SELECT t.terminal_id, COUNT(*) AS taps, MIN(t.received_at) AS since FROM tap t {SETTLED}
             WHERE {} GROUP BY t.terminal_id) AS w
         JOIN terminal USING (terminal_id) JOIN organisation USING (organisation_id)
         ORDER BY w.since, w.terminal_id",
        waiting()
    ))
    .all(connection)
    .await?;
    let waits = |row: &Row| {
        Ok(Waits {
            terminal: TerminalId::from_bytes(columns::bytes(row, "terminal_id")?),
            name: row.get("terminal")?,
            organisation: row.get("organisation")?,
            taps: row.get("taps")?,
            since: Micros(row.get("since")?),
        })
    };
    rows.iter().map(waits).collect()
}

/// How many terminals have taps that wait.
pub async fn count(connection: &mut Connection) -> Result<i64, DbError> {
    query(format!("SELECT COUNT(DISTINCT t.terminal_id) FROM tap t {SETTLED} WHERE {}", waiting()))
        .scalar_one(connection)
        .await
}

/// What was decided about taps of a terminal, newest first.
pub(super) async fn history(
    connection: &mut Connection,
    terminal: TerminalId,
    limit: u32,
) -> Result<Vec<Past>, DbError> {
    let rows = query(format!(
        "SELECT d.at, d.reason, d.taps, d.booked, d.moved, who.name AS staff, other.name AS agreed
         FROM (SELECT s.at, s.reason, s.staff_id, s.agreed_by, COUNT(*) AS taps,
                 CAST(SUM(CASE WHEN s.outcome = {} THEN 1 ELSE 0 END) AS BIGINT) AS booked,
                 CAST(SUM(s.moved) AS BIGINT) AS moved
             FROM tap t JOIN tap_settlement s ON s.shard = t.shard AND s.tap = t.leaf
             WHERE t.terminal_id = $1 AND t.outcome = {} AND t.card_id IS NOT NULL
             GROUP BY s.at, s.reason, s.staff_id, s.agreed_by) AS d
         JOIN staff who ON who.staff_id = d.staff_id LEFT JOIN staff other ON other.staff_id = d.agreed_by
         ORDER BY d.at DESC LIMIT $2",
        Outcome::Accepted.number(),
        Outcome::Quarantined.number()
    ))
    .bind(terminal)
    .bind(i64::from(limit))
    .all(connection)
    .await?;
    let past = |row: &Row| {
        Ok(Past {
            at: Micros(row.get("at")?),
            reason: Reason::from_name(row.get("reason")?).ok_or(DbError::Unreadable("tap_settlement.reason"))?,
            taps: row.get("taps")?,
            booked: row.get("booked")?,
            moved: Fen(row.get("moved")?),
            staff: row.get("staff")?,
            agreed: row.get("agreed")?,
        })
    };
    rows.iter().map(past).collect()
}

/// How much these `hands` have booked alone, together.
pub async fn alone(connection: &mut Connection, hands: Rows) -> Result<Fen, DbError> {
    let moved = query(
        "SELECT s.moved FROM {hands} CROSS JOIN tap_settlement s
         WHERE s.staff_id = hands.staff_id AND s.at > hands.moment AND s.agreed_by IS NULL",
    )
    .set("hands", hands)
    .all(connection)
    .await?;
    let moved = moved.iter().map(|row| row.get("moved")).collect::<Result<Vec<i64>, _>>()?;
    Ok(Fen(moved.into_iter().fold(0, i64::saturating_add)))
}
