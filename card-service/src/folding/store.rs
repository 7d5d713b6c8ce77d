//! What is old enough to be folded, and what is left of it.

use std::collections::{BTreeMap, BTreeSet};

use card_schema::clock::Micros;
use card_schema::envelope::Envelope;
use card_schema::envelope::receipt::Outcome;
use card_schema::envelope::tap::Tap;
use card_schema::ids::Shard;
use card_schema::operation::OperationCode;

use super::rules::{FOLDED as FOLDED_OPERATIONS, Moved, Retention, Run, joined};
use crate::db::{Connection, DbError, Row, Rows, Tx, columns, insert, query};
use crate::evidence::leaf::{self, Hash};
use crate::evidence::{ActionKind, Change, LeafRef, RowImage, rows, tables};
use crate::ledger::{self, Named, TransferKind, Unit};

/// The kind of a leaf of which the hash in the tree is all that is left.
pub const FOLDED: i64 = 0;

/// A tap that is folded, as its lane knows it.
#[derive(Clone, Debug)]
pub struct Old {
    /// Its leaf.
    pub leaf: i64,
    /// Its lane.
    pub lane: ([u8; 16], i64),
    /// Its number there.
    pub run: Run,
}

/// Taps of a shard that are old enough, and that nobody has looked at or has to look at.
pub async fn taps(
    connection: &mut Connection,
    shard: Shard,
    retention: Retention,
    now: Micros,
    limit: u32,
) -> Result<Vec<Old>, DbError> {
    let (gates, travels) = (retention.gates_before(now), retention.travels_before(now));
    let [gate, validation, inspection] = FOLDED_OPERATIONS.map(OperationCode::number);
    // The numbers stand there as in the condition of the index.
    let rows = query(format!(
        "SELECT t.leaf, t.terminal_id, t.lane, t.counter, t.tap_id, t.cose FROM tap t
         WHERE t.shard = $1 AND t.operation IN ({gate}, {validation}, {inspection}) AND t.received_at < $2
           AND t.received_at < CASE WHEN t.operation = {gate} THEN $3 ELSE $4 END AND t.outcome <> $5
           AND NOT EXISTS (SELECT 1 FROM tap_settlement s WHERE s.shard = t.shard AND s.tap = t.leaf)
         ORDER BY t.received_at LIMIT $6"
    ))
    .bind(shard)
    .bind(gates.max(travels).0)
    .bind(gates.0)
    .bind(travels.0)
    .bind(i64::from(Outcome::Quarantined.number()))
    .bind(i64::from(limit))
    .all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let (counter, cose): (i64, &[u8]) = (row.get("counter")?, row.get("cose")?);
            let tap = Envelope::<Tap>::decode(cose).map_err(|_| DbError::Unreadable("tap.cose"))?;
            let (previous, head) = (tap.payload.previous.0, columns::bytes(row, "tap_id")?);
            Ok(Old {
                leaf: row.get("leaf")?,
                lane: (columns::bytes(row, "terminal_id")?, row.get("lane")?),
                run: Run { first: counter, last: counter, previous, head },
            })
        })
        .collect()
}

/// Leaves of fares of a shard that were booked before a moment, with the first and the last of their fares.
pub async fn fares(
    connection: &mut Connection,
    shard: Shard,
    before: Micros,
    limit: u32,
) -> Result<BTreeMap<i64, (i64, i64)>, DbError> {
    let rows =
        query("SELECT leaf, transfer_id FROM transfer WHERE shard = $1 AND kind = 7 AND at < $2 ORDER BY at LIMIT $3")
            .bind(shard)
            .bind(before.0)
            .bind(i64::from(limit))
            .all(connection)
            .await?;
    let mut leaves: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for row in &rows {
        let id: i64 = row.get("transfer_id")?;
        let (first, last) = leaves.entry(row.get("leaf")?).or_insert((id, id));
        (*first, *last) = ((*first).min(id), (*last).max(id));
    }
    Ok(leaves)
}

/// The fares of taps that are folded anyway, in the same form.
pub async fn fares_of(
    connection: &mut Connection,
    shard: Shard,
    taps: &[i64],
) -> Result<BTreeMap<i64, (i64, i64)>, DbError> {
    let leaves: Vec<_> = taps.iter().map(|leaf_id| LeafRef { shard, leaf_id: *leaf_id }).collect();
    let moved = ledger::store::of_taps(connection, &leaves).await?;
    let range = |named: &Vec<Named>| {
        let ids = named.iter().map(|named| named.entry.id);
        ids.clone().min().zip(ids.max())
    };
    Ok(moved.iter().filter_map(|(leaf, named)| Some((leaf.leaf_id, range(named)?))).collect())
}

/// So many transfers lie between the first and the last of a leaf's fares and what the issuer has advanced for them.
const BESIDE: i64 = 4;

/// A transfer that is folded.
#[derive(Clone, Copy, Debug)]
pub struct OldTransfer {
    /// Its number.
    pub id: i64,
    /// Its leaf.
    pub leaf: i64,
    /// What it moved.
    pub moved: Moved,
}

fn transfer(row: &Row) -> Result<OldTransfer, DbError> {
    let moved = Moved {
        debit: row.get("debit")?,
        credit: row.get("credit")?,
        amount: row.get("amount")?,
        at: Micros(row.get("at")?),
    };
    Ok(OldTransfer { id: row.get("transfer_id")?, leaf: row.get("leaf")?, moved })
}

/// All transfers of these leaves.
pub async fn transfers(
    connection: &mut Connection,
    shard: Shard,
    leaves: &BTreeMap<i64, (i64, i64)>,
) -> Result<Vec<OldTransfer>, DbError> {
    if leaves.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = Rows::new()
        .ints("leaf", leaves.keys().copied())
        .ints("first", leaves.values().map(|(first, _)| first - BESIDE))
        .ints("last", leaves.values().map(|(_, last)| last + BESIDE));
    let rows = query(
        "SELECT t.transfer_id, t.leaf, t.debit, t.credit, t.amount, t.at FROM {wanted} CROSS JOIN transfer t
         WHERE t.shard = $1 AND t.transfer_id BETWEEN wanted.first AND wanted.last AND t.leaf = wanted.leaf
         ORDER BY t.transfer_id",
    )
    .bind(shard)
    .set("wanted", wanted)
    .all(connection)
    .await?;
    rows.iter().map(transfer).collect()
}

/// What was folded before between these accounts in these months.
pub async fn folded_before(
    connection: &mut Connection,
    shard: Shard,
    nets: &[Moved],
) -> Result<Vec<OldTransfer>, DbError> {
    let pairs: BTreeSet<(i64, i64, i64)> =
        nets.iter().flat_map(|net| [(net.at.0, net.debit, net.credit), (net.at.0, net.credit, net.debit)]).collect();
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = Rows::new()
        .ints("at", pairs.iter().map(|(at, ..)| *at))
        .ints("debit", pairs.iter().map(|(_, debit, _)| *debit))
        .ints("credit", pairs.iter().map(|(.., credit)| *credit));
    let rows = query(
        "SELECT t.transfer_id, t.leaf, t.debit, t.credit, t.amount, t.at FROM {wanted} CROSS JOIN transfer t
         WHERE t.shard = $1 AND t.kind = 9 AND t.at = wanted.at AND t.debit = wanted.debit AND t.credit = wanted.credit",
    )
    .bind(shard)
    .set("wanted", wanted)
    .all(connection)
    .await?;
    rows.iter().map(transfer).collect()
}

/// Of these accounts those that leaves speak for which are folded.
pub async fn accounts_of(
    connection: &mut Connection,
    shard: Shard,
    accounts: &BTreeSet<i64>,
    leaves: &BTreeSet<i64>,
) -> Result<Vec<i64>, DbError> {
    if accounts.is_empty() {
        return Ok(Vec::new());
    }
    let rows = query(
        "SELECT a.account_id, a.leaf FROM {wanted} CROSS JOIN account a
         WHERE a.shard = $1 AND a.account_id = wanted.id",
    )
    .bind(shard)
    .set("wanted", Rows::new().ints("id", accounts.iter().copied()))
    .all(connection)
    .await?;
    let of = rows.iter().map(|row| Ok::<(i64, i64), DbError>((row.get("account_id")?, row.get("leaf")?)));
    let of = of.collect::<Result<Vec<_>, _>>()?;
    Ok(of.into_iter().filter(|(_, leaf)| leaves.contains(leaf)).map(|(account, _)| account).collect())
}

/// Up to which of its leaves a shard has places in the tree.
pub async fn placed(connection: &mut Connection, shard: Shard) -> Result<i64, DbError> {
    query(
        "SELECT COALESCE((SELECT r.leaf_id + r.leaves - 1 FROM leaf_run r WHERE r.shard = $1
           ORDER BY r.leaf_id DESC LIMIT 1), 0)",
    )
    .bind(shard)
    .scalar_one(connection)
    .await
}

/// Removes rows by their numbers.
pub async fn remove(tx: &mut Tx, shard: Shard, taps: &[i64], transfers: &[i64]) -> Result<(), DbError> {
    for (sql, ids) in [
        ("DELETE FROM tap WHERE shard = $1 AND leaf IN (SELECT wanted.id FROM {wanted})", taps),
        ("DELETE FROM transfer WHERE shard = $1 AND transfer_id IN (SELECT wanted.id FROM {wanted})", transfers),
    ] {
        if !ids.is_empty() {
            let wanted = Rows::new().ints("id", ids.iter().copied());
            query(sql).bind(shard).set("wanted", wanted).execute(tx.conn()).await?;
        }
    }
    Ok(())
}

/// Adds what transfers came to. Balances are as they were. The numbers of the new ones.
pub async fn add_nets(tx: &mut Tx, shard: Shard, nets: &[Moved], leaf: i64) -> Result<Vec<i64>, DbError> {
    let first = tx.numbers(shard).transfer + 1;
    let ids: Vec<i64> = (first..).take(nets.len()).collect();
    tx.numbers(shard).transfer += i64::try_from(nets.len()).unwrap_or_default();
    let count = nets.len();
    let rows = Rows::new()
        .ints("shard", std::iter::repeat_n(i64::from(shard.0), count))
        .ints("transfer_id", ids.iter().copied())
        .ints("debit", nets.iter().map(|net| net.debit))
        .ints("credit", nets.iter().map(|net| net.credit))
        .ints("amount", nets.iter().map(|net| net.amount))
        .ints("unit", std::iter::repeat_n(Unit::CnyFen.number(), count))
        .ints("kind", std::iter::repeat_n(TransferKind::Folded.number(), count))
        .ints("at", nets.iter().map(|net| net.at.0))
        .ints("phase", std::iter::repeat_n(1, count))
        .ints("leaf", std::iter::repeat_n(leaf, count));
    insert(tx.conn(), "transfer", rows, "").await?;
    Ok(ids)
}

/// Has another leaf speak for accounts.
pub async fn move_accounts(tx: &mut Tx, shard: Shard, accounts: &[i64], leaf: i64) -> Result<(), DbError> {
    if accounts.is_empty() {
        return Ok(());
    }
    query("UPDATE account SET leaf = $2 WHERE shard = $1 AND account_id IN (SELECT wanted.id FROM {wanted})")
        .bind(shard)
        .bind(leaf)
        .set("wanted", Rows::new().ints("id", accounts.iter().copied()))
        .execute(tx.conn())
        .await
        .map(drop)
}

/// Leaves the hashes of leaves, and nothing of what they said.
pub async fn fold_leaves(tx: &mut Tx, shard: Shard, leaves: &BTreeSet<i64>) -> Result<(), DbError> {
    let rows =
        query("SELECT f.leaf_id, f.body FROM {wanted} CROSS JOIN leaf f WHERE f.shard = $1 AND f.leaf_id = wanted.id")
            .bind(shard)
            .set("wanted", Rows::new().ints("id", leaves.iter().copied()))
            .all(tx.conn())
            .await?;
    let hashes = rows.iter().map(|row| Ok((row.get("leaf_id")?, leaf::leaf_hash(row.get("body")?))));
    let hashes = hashes.collect::<Result<Vec<(i64, Hash)>, DbError>>()?;
    let folded =
        Rows::new().ints("id", hashes.iter().map(|(id, _)| *id)).bytes("hash", hashes.iter().map(|(_, hash)| *hash));
    query(
        "UPDATE leaf SET kind = $2, body = folded.hash, salt = NULL FROM {folded}
         WHERE leaf.shard = $1 AND leaf.leaf_id = folded.id",
    )
    .bind(shard)
    .bind(FOLDED)
    .set("folded", folded)
    .execute(tx.conn())
    .await
    .map(drop)
}

/// Writes which leaves were folded.
pub async fn note(tx: &mut Tx, shard: Shard, leaf: i64, at: Micros, leaves: Vec<u8>) -> Result<(), DbError> {
    query("INSERT INTO leaf_fold (shard, leaf, at, leaves) VALUES ($1, $2, $3, $4)")
        .bind(shard)
        .bind(leaf)
        .bind(at.0)
        .bind(leaves)
        .execute(tx.conn())
        .await
        .map(drop)
}

/// A row as its leaf is to commit to it.
pub async fn image(tx: &mut Tx, table: &'static tables::Table, key: Vec<tables::Value>) -> Result<RowImage, DbError> {
    let row = rows::store::one(tx.conn(), table, &key).await?.ok_or(DbError::Unreadable(table.name))?;
    Ok(table.image(&row))
}

/// Adds runs to those of their lanes, in a leaf of their own.
pub async fn add_runs(tx: &mut Tx, at: Micros, lanes: &BTreeMap<([u8; 16], i64), Vec<Run>>) -> Result<(), DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    for (&(terminal, lane), runs) in lanes {
        let before = runs_of(tx.conn(), terminal, lane).await?;
        let joined = joined(before.iter().chain(runs).copied().collect());
        let key = |run: &Run| vec![tables::Value::Bytes(terminal.to_vec()), lane.into(), run.first.into()];
        for run in before.iter().filter(|run| !joined.contains(run)) {
            change.touch(tx, &tables::LANE_FOLD, key(run)).await?;
            query("DELETE FROM lane_fold WHERE terminal_id = $1 AND lane = $2 AND first = $3")
                .bind(terminal)
                .bind(lane)
                .bind(run.first)
                .execute(tx.conn())
                .await?;
        }
        let new: Vec<&Run> = joined.iter().filter(|run| !before.contains(run)).collect();
        for run in &new {
            // One that was made longer has the same name, and was announced.
            if !before.iter().any(|known| known.first == run.first) {
                change.touch(tx, &tables::LANE_FOLD, key(run)).await?;
            }
        }
        let rows = Rows::new()
            .bytes("terminal_id", new.iter().map(|_| terminal))
            .ints("lane", new.iter().map(|_| lane))
            .ints("first", new.iter().map(|run| run.first))
            .ints("last", new.iter().map(|run| run.last))
            .bytes("previous", new.iter().map(|run| run.previous))
            .bytes("head", new.iter().map(|run| run.head))
            .ints("leaf", new.iter().map(|_| change.leaf()));
        insert(tx.conn(), "lane_fold", rows, "").await?;
    }
    change.record(tx, at, ActionKind::LeavesFolded).await
}

/// The runs of a lane.
async fn runs_of(connection: &mut Connection, terminal: [u8; 16], lane: i64) -> Result<Vec<Run>, DbError> {
    let rows = query("SELECT first, last, previous, head FROM lane_fold WHERE terminal_id = $1 AND lane = $2")
        .bind(terminal)
        .bind(lane)
        .all(connection)
        .await?;
    let run = |row: &Row| {
        let (previous, head) = (columns::bytes(row, "previous")?, columns::bytes(row, "head")?);
        Ok(Run { first: row.get("first")?, last: row.get("last")?, previous, head })
    };
    rows.iter().map(run).collect()
}
