//! The tables of taps and lanes.

mod approvals;
mod folded;
mod kept;
mod originals;

use std::collections::{BTreeSet, HashMap};

use super::lane::{Heads, LaneFault, LaneHead, LaneNumber, RecordedFault};
use super::quarantine::store::SETTLED;
use crate::db::{Connection, DbError, Row, Rows, columns, insert, query};
use crate::evidence::{Column, LeafRef, RowImage};
use card_schema::clock::Micros;
use card_schema::envelope::receipt::Outcome;
use card_schema::ids::{CardId, Shard, TapId, TerminalId};
use card_schema::money::Fen;
use card_schema::operation::OperationCode;
use foldhash::fast::RandomState;

pub(super) use approvals::approvals;
pub(super) use folded::folded_at;
pub use kept::kept;
pub(super) use originals::{Returned, originals};

/// What became of a tap that came before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prior {
    pub(super) outcome: Outcome,
    pub(super) balance: Option<Fen>,
    /// Where the tap is recorded.
    pub(super) recorded: LeafRef,
    /// Where what it has moved is: elsewhere only for one that a person has decided about.
    pub(super) leaf: LeafRef,
}

/// A row of `tap`.
#[derive(Clone, Debug)]
pub(super) struct TapRow {
    pub(super) leaf: LeafRef,
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
    /// What the leaf commits to: every column.
    pub(super) fn image(&self) -> RowImage {
        RowImage::new(
            "tap",
            &[
                Column::Int(i64::from(self.leaf.shard.0)),
                Column::Int(self.leaf.leaf_id),
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

/// A tap that may have been recorded before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wanted {
    pub(super) shard: Shard,
    pub(super) card: Option<CardId>,
    pub(super) at: Micros,
    pub(super) tap: TapId,
}

/// What became of those of these taps that were recorded before: of what was held, as a person has decided since.
pub(super) async fn prior(
    connection: &mut Connection,
    taps: &BTreeSet<Wanted>,
) -> Result<HashMap<TapId, Prior, RandomState>, DbError> {
    let with_card = taps.iter().filter(|tap| tap.card.is_some()).copied().collect();
    let alone = taps.iter().filter(|tap| tap.card.is_none()).copied().collect();
    let mut found = prior_where(connection, with_card, "t.card_id = wanted.card_id").await?;
    found.append(&mut prior_where(connection, alone, "t.card_id IS NULL").await?);
    Ok(found.into_iter().collect())
}

/// How many payments of a card from a terminal were accepted that came in since then.
pub(super) async fn payments_since(
    connection: &mut Connection,
    card: CardId,
    terminal: TerminalId,
    since: Micros,
) -> Result<u32, DbError> {
    let count: i64 = query(format!(
        "SELECT COUNT(*) FROM tap t {SETTLED} WHERE t.shard = $1 AND t.card_id = $2 AND t.terminal_id = $3
         AND t.received_at >= $4 AND t.operation IN ($5, $6) AND COALESCE(s.outcome, t.outcome) = $7"
    ))
    .bind(card.shard())
    .bind(card)
    .bind(terminal)
    .bind(since.0)
    .bind(i64::from(OperationCode::PursePayment.number()))
    .bind(i64::from(OperationCode::TransitValidation.number()))
    .bind(i64::from(Outcome::Accepted.number()))
    .scalar_one(connection)
    .await?;
    u32::try_from(count).map_err(|_| DbError::Unreadable("tap"))
}

async fn prior_where(
    connection: &mut Connection,
    taps: Vec<Wanted>,
    card: &str,
) -> Result<Vec<(TapId, Prior)>, DbError> {
    if taps.is_empty() {
        return Ok(Vec::new());
    }
    let rows = Rows::new()
        .ints("shard", taps.iter().map(|tap| i64::from(tap.shard.0)))
        .optional_bytes("card_id", taps.iter().map(|tap| tap.card.map(|card| card.as_bytes().to_vec())))
        .ints("at", taps.iter().map(|tap| tap.at.0))
        .bytes("tap_id", taps.iter().map(|tap| tap.tap.0));
    let found = query(format!(
        "SELECT t.shard, t.leaf AS recorded, COALESCE(s.leaf, t.leaf) AS leaf, t.tap_id, COALESCE(s.outcome, t.outcome) AS outcome, t.balance
         FROM {{wanted}} CROSS JOIN tap t {SETTLED}
         WHERE t.shard = wanted.shard AND {card} AND t.at = wanted.at AND t.tap_id = wanted.tap_id"
    ))
    .set("wanted", rows)
    .all(connection)
    .await?;
    found
        .iter()
        .map(|row| {
            let outcome = u16::try_from(row.get::<i64>("outcome")?).ok().and_then(Outcome::from_number);
            let shard = columns::shard(row.get("shard")?)?;
            let prior = Prior {
                outcome: outcome.ok_or(DbError::Unreadable("tap.outcome"))?,
                balance: row.get::<Option<i64>>("balance")?.map(Fen),
                recorded: LeafRef { shard, leaf_id: row.get("recorded")? },
                leaf: LeafRef { shard, leaf_id: row.get("leaf")? },
            };
            Ok((TapId(columns::bytes(row, "tap_id")?), prior))
        })
        .collect()
}

/// Opens lanes that nobody has used before. Another process may have been the first.
pub(super) async fn open_lanes(connection: &mut Connection, new: &BTreeSet<(TerminalId, u8)>) -> Result<(), DbError> {
    let heads: Vec<_> = new.iter().map(|lane| (*lane, LaneHead::EMPTY)).collect();
    insert(connection, "lane", lane_rows(&heads), "ON CONFLICT (terminal_id, lane) DO NOTHING").await
}

/// Where these lanes stand, as far as they are open. Each is locked until the end of the transaction.
pub(super) async fn lock_heads(
    connection: &mut Connection,
    lanes: &BTreeSet<(TerminalId, u8)>,
) -> Result<Heads, DbError> {
    let wanted = Rows::new()
        .bytes("terminal_id", lanes.iter().map(|(terminal, _)| *terminal.as_bytes()))
        .ints("lane", lanes.iter().map(|(_, lane)| i64::from(*lane)));
    let rows = query(
        "SELECT l.terminal_id, l.lane, l.counter, l.head FROM {wanted} CROSS JOIN lane l
         WHERE l.terminal_id = wanted.terminal_id AND l.lane = wanted.lane
         ORDER BY l.terminal_id, l.lane {for update of l}",
    )
    .set("wanted", wanted)
    .all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let LaneNumber { terminal, lane, counter } = lane_number(row)?;
            Ok(((terminal, lane), LaneHead { counter, tap: TapId(columns::bytes(row, "head")?) }))
        })
        .collect()
}

/// Those of the checkpoints of these sizes that were published.
pub(super) async fn seen_heads(
    connection: &mut Connection,
    sizes: &BTreeSet<u64>,
) -> Result<HashMap<u64, SeenHead, RandomState>, DbError> {
    if sizes.is_empty() {
        return Ok(HashMap::default());
    }
    let wanted = Rows::new().ints("size", sizes.iter().filter_map(|size| i64::try_from(*size).ok()));
    let rows = query("SELECT c.size, c.root, c.at FROM {wanted} CROSS JOIN checkpoint c WHERE c.size = wanted.size")
        .set("wanted", wanted)
        .all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let size = u64::try_from(row.get::<i64>("size")?).map_err(|_| DbError::Unreadable("size"))?;
            Ok((size, SeenHead { root: columns::bytes(row, "root")?, at: Micros(row.get("at")?) }))
        })
        .collect()
}

/// Writes taps with their leaves.
pub(super) async fn write_taps(connection: &mut Connection, mut taps: Vec<TapRow>) -> Result<(), DbError> {
    // In the order of the keys: neighbours go to the same page.
    taps.sort_unstable_by_key(|row| (row.leaf.shard, row.leaf.leaf_id));
    let rows = || taps.iter();
    let rows = Rows::new()
        .ints("shard", rows().map(|row| i64::from(row.leaf.shard.0)))
        .ints("leaf", rows().map(|row| row.leaf.leaf_id))
        .bytes("terminal_id", rows().map(|row| *row.number.terminal.as_bytes()))
        .ints("lane", rows().map(|row| i64::from(row.number.lane)))
        .ints("counter", rows().map(|row| row.number.counter))
        .bytes("tap_id", rows().map(|row| row.tap.0))
        .optional_bytes("card_id", rows().map(|row| row.card.map(|card| card.as_bytes().to_vec())))
        .ints("operation", rows().map(|row| i64::from(row.operation)))
        .ints("at", rows().map(|row| row.at.0))
        .ints("received_at", rows().map(|row| row.received_at.0))
        .ints("outcome", rows().map(|row| i64::from(row.outcome.number())))
        .optional_ints("balance", rows().map(|row| row.balance.map(|balance| balance.0)))
        .bytes("cose", taps.into_iter().map(|row| row.cose));
    insert(connection, "tap", rows, "").await
}

/// Moves lanes to their new heads.
pub(super) async fn write_heads(
    connection: &mut Connection,
    heads: &[((TerminalId, u8), LaneHead)],
) -> Result<(), DbError> {
    let replace = "ON CONFLICT (terminal_id, lane) DO UPDATE SET counter = excluded.counter, head = excluded.head";
    insert(connection, "lane", lane_rows(heads), replace).await
}

fn lane_rows(heads: &[((TerminalId, u8), LaneHead)]) -> Rows {
    Rows::new()
        .bytes("terminal_id", heads.iter().map(|((terminal, _), _)| *terminal.as_bytes()))
        .ints("lane", heads.iter().map(|((_, lane), _)| i64::from(*lane)))
        .ints("counter", heads.iter().map(|(_, head)| head.counter))
        .bytes("head", heads.iter().map(|(_, head)| head.tap.0))
}

/// Records faults of lanes.
pub(super) async fn write_events(connection: &mut Connection, events: &[(LaneEvent, LeafRef)]) -> Result<(), DbError> {
    let rows = || events.iter().map(|(event, _)| event);
    let rows = Rows::new()
        .bytes("terminal_id", rows().map(|event| *event.number.terminal.as_bytes()))
        .ints("lane", rows().map(|event| i64::from(event.number.lane)))
        .ints("counter", rows().map(|event| event.number.counter))
        .bytes("tap_id", rows().map(|event| event.tap.0))
        .ints("kind", rows().map(|event| event.fault as i64))
        .ints("expected", rows().map(|event| event.expected))
        .ints("at", rows().map(|event| event.at.0))
        .bytes("cose", rows().map(|event| event.cose.clone()))
        .ints("leaf_shard", events.iter().map(|(_, leaf)| i64::from(leaf.shard.0)))
        .ints("leaf", events.iter().map(|(_, leaf)| leaf.leaf_id));
    insert(connection, "lane_event", rows, "").await
}

/// What was recorded of these taps, and of their numbers: that one was filled late, or left out.
pub(super) async fn faults_at(
    connection: &mut Connection,
    taps: &BTreeSet<(LaneNumber, TapId)>,
) -> Result<Vec<RecordedFault>, DbError> {
    if taps.is_empty() {
        return Ok(Vec::new());
    }
    let mut faults = Vec::new();
    // Each finds a row or two by an index, however many faults a terminal has shown.
    for which in [
        "e.counter = wanted.counter AND e.tap_id = wanted.tap_id",
        "e.counter = wanted.counter AND e.kind <> 2",
        "e.expected <= wanted.counter AND e.expected < e.counter AND e.counter = (
            SELECT MIN(next.counter) FROM lane_event next
            WHERE next.terminal_id = wanted.terminal_id AND next.lane = wanted.lane
              AND next.counter > wanted.counter AND next.expected < next.counter)",
    ] {
        let wanted = Rows::new()
            .bytes("terminal_id", taps.iter().map(|(number, _)| *number.terminal.as_bytes()))
            .ints("lane", taps.iter().map(|(number, _)| i64::from(number.lane)))
            .ints("counter", taps.iter().map(|(number, _)| number.counter))
            .bytes("tap_id", taps.iter().map(|(_, tap)| tap.0));
        let rows = query(format!(
            "SELECT e.terminal_id, e.lane, e.counter, e.tap_id, e.kind, e.expected
             FROM {{wanted}} CROSS JOIN lane_event e
             WHERE e.terminal_id = wanted.terminal_id AND e.lane = wanted.lane AND {which}"
        ))
        .set("wanted", wanted)
        .all(connection)
        .await?;
        for row in &rows {
            faults.push(RecordedFault {
                number: lane_number(row)?,
                tap: TapId(columns::bytes(row, "tap_id")?),
                fork: row.get::<i64>("kind")? == LaneFault::Fork as i64,
                expected: row.get("expected")?,
            });
        }
    }
    Ok(faults)
}

fn lane_number(row: &Row) -> Result<LaneNumber, DbError> {
    Ok(LaneNumber {
        terminal: TerminalId::from_bytes(columns::bytes(row, "terminal_id")?),
        lane: u8::try_from(row.get::<i64>("lane")?).map_err(|_| DbError::Unreadable("lane"))?,
        counter: row.get("counter")?,
    })
}
