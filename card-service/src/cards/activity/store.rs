//! Reading card activity, each time with a leaf that says who looked and why.

use card_schema::clock::Micros;
use card_schema::envelope::Envelope;
use card_schema::envelope::receipt::Outcome;
use card_schema::envelope::tap::Tap;
use card_schema::ids::{CardId, HolderId, Shard};
use card_schema::money::Fen;
use card_schema::operation::{Operation, OperationCode};
use card_schema::wire::ReceiptName;

use super::model::{ActivityPurpose, PAGE_ROWS, Place, listable};
use crate::db::{Connection, DbError, Row, Statement, Tx, columns, query};
use crate::evidence::{ActionKind, Change, LeafRef, tables};
use crate::intake::{SETTLED, moving};
use crate::ledger::{self, TransferKind};
use crate::people::StaffId;

/// One tap, as staff see it: no holder.
#[derive(Clone, Debug)]
pub struct Activity {
    /// Where it stands in the list.
    pub place: Place,
    /// Its number in its card's shard: that of its leaf.
    pub tap: i64,
    /// The leaf of what a person has decided about it, where it was held for that.
    pub settled: Option<i64>,
    /// The card.
    pub card: CardId,
    /// What was asked; `None` for a number that this version does not know.
    pub operation: Option<OperationCode>,
    /// The outcome's number in receipts.
    pub outcome: u16,
    /// Of purse operations.
    pub amount: Option<Fen>,
    /// How much of that was moved back since.
    pub reversed: Fen,
    /// The points that the holder has more because of it.
    pub points: Option<i64>,
    /// The terminal's and its organisation's names.
    pub terminal: Option<(String, String)>,
}

impl Activity {
    /// Whether it has moved money that can be moved back: what gives back what another has moved cannot.
    pub fn is_reversible(&self) -> bool {
        let moves = matches!(self.operation, Some(OperationCode::PursePayment | OperationCode::PurseTopUp));
        moves && self.outcome == Outcome::Accepted.number()
    }

    /// What has moved something because of it.
    fn leaf(&self) -> LeafRef {
        LeafRef { shard: self.card.shard(), leaf_id: self.settled.unwrap_or(self.tap) }
    }
}

/// A page of a list and where the next one begins.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Newest first.
    pub rows: Vec<Activity>,
    /// The last row's place where there are older ones.
    pub older: Option<Place>,
}

/// Taps `t`, those that were held as a person has decided about them.
fn taps(which: &str) -> Statement {
    query(format!(
        "SELECT t.card_id, t.leaf, t.received_at, t.at, t.tap_id, t.operation,
             COALESCE(s.outcome, t.outcome) AS outcome, s.leaf AS settled, t.cose,
             terminal.name AS terminal, organisation.name AS organisation
         FROM tap t {SETTLED} LEFT JOIN terminal USING (terminal_id) LEFT JOIN organisation USING (organisation_id)
         WHERE {which}"
    ))
}

/// The newest taps of all cards, or those before a place. Records the look first, in the same transaction.
pub async fn latest(
    tx: &mut Tx,
    now: Micros,
    who: StaffId,
    purpose: ActivityPurpose,
    before: Option<Place>,
) -> Result<Listed, DbError> {
    record(tx, now, who, purpose, None).await?;
    let before = before.unwrap_or(END);
    let rows = taps(&format!(
        "t.card_id IS NOT NULL AND (t.received_at, t.at, t.tap_id) < ($1, $2, $3) AND {}
         ORDER BY t.received_at DESC, t.at DESC, t.tap_id DESC LIMIT $4",
        listable()
    ))
    .bind(before.received_at.0)
    .bind(before.at.0)
    .bind(before.tap_id)
    .bind(one_more())
    .all(tx.conn())
    .await?;
    listed(tx.conn(), &rows).await
}

/// The newest taps of one card by the terminals' clocks, or those before a place. Records the look first, in the same transaction.
pub async fn of_card(
    tx: &mut Tx,
    now: Micros,
    who: StaffId,
    purpose: ActivityPurpose,
    card: CardId,
    before: Option<Place>,
) -> Result<Listed, DbError> {
    record(tx, now, who, purpose, Some(card)).await?;
    let before = before.unwrap_or(END);
    let rows = taps(&format!(
        "t.shard = $1 AND t.card_id = $2 AND (t.at, t.tap_id) < ($3, $4) AND {}
         ORDER BY t.at DESC, t.tap_id DESC LIMIT $5",
        listable()
    ))
    .bind(card.shard())
    .bind(card)
    .bind(before.at.0)
    .bind(before.tap_id)
    .bind(one_more())
    .all(tx.conn())
    .await?;
    listed(tx.conn(), &rows).await
}

/// One tap of a card, if it is one and listed. Records the look first, in the same transaction.
pub async fn one(
    tx: &mut Tx,
    now: Micros,
    who: StaffId,
    purpose: ActivityPurpose,
    card: CardId,
    tap: i64,
) -> Result<Option<Activity>, DbError> {
    record(tx, now, who, purpose, Some(card)).await?;
    let row = taps(&format!("t.shard = $1 AND t.leaf = $2 AND t.card_id = $3 AND {}", listable()))
        .bind(card.shard())
        .bind(tap)
        .bind(card)
        .optional(tx.conn())
        .await?;
    let mut seen = row.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    look_up_reversed(tx.conn(), &mut seen).await?;
    Ok(seen.pop())
}

/// The tap of a receipt, for whoever holds it: it is not looked at for an office's purpose, so nothing is recorded.
pub async fn of_receipt(connection: &mut Connection, receipt: &ReceiptName) -> Result<Option<Activity>, DbError> {
    let Some(leaf) = LeafRef::of(receipt.recorded) else { return Ok(None) };
    let row =
        taps(&format!("t.shard = $1 AND t.leaf = $2 AND t.tap_id = $3 AND t.card_id IS NOT NULL AND {}", listable()))
            .bind(leaf.shard)
            .bind(leaf.leaf_id)
            .bind(receipt.tap.0)
            .optional(connection)
            .await?;
    let mut seen = row.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    look_up_reversed(connection, &mut seen).await?;
    Ok(seen.pop())
}

/// The newest taps of a holder since then that have moved something, with whichever card, for the holder alone: nothing is recorded
/// but that the holder has asked. Without those at validators, which move nothing by themselves.
pub async fn of_holder(
    connection: &mut Connection,
    holder: HolderId,
    since: Micros,
    limit: u32,
) -> Result<Vec<Activity>, DbError> {
    let rows = taps(&format!(
        "t.shard = $1 AND t.card_id IN (SELECT card_id FROM card WHERE shard = $1 AND holder_id = $2)
         AND t.at >= $3 AND t.operation IN ({}, {}, {}) AND t.operation <> $5 AND COALESCE(s.outcome, t.outcome) = {}
         ORDER BY t.at DESC, t.tap_id DESC LIMIT $4",
        moving(),
        OperationCode::ClinicSettlement.number(),
        OperationCode::ClinicReversal.number(),
        Outcome::Accepted.number()
    ))
    .bind(holder.shard())
    .bind(holder)
    .bind(since.0)
    .bind(i64::from(limit))
    .bind(i64::from(OperationCode::TransitValidation.number()))
    .all(connection)
    .await?;
    let mut seen = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    look_up_reversed(connection, &mut seen).await?;
    Ok(seen)
}

/// After every row.
const END: Place = Place { received_at: Micros(i64::MAX), at: Micros(i64::MAX), tap_id: [0xff; 32] };

fn one_more() -> i64 {
    i64::try_from(PAGE_ROWS + 1).expect("a page is short")
}

/// Records a look: at the activity of one card, or of several.
pub async fn record(
    tx: &mut Tx,
    now: Micros,
    who: StaffId,
    purpose: ActivityPurpose,
    card: Option<CardId>,
) -> Result<(), DbError> {
    let shard = card.map_or(Shard(0), |card| card.shard());
    let mut change = Change::begin(tx, shard).await?;
    change.touch(tx, &tables::ACTIVITY_READ, vec![i64::from(shard.0).into(), change.leaf().into()]).await?;
    query("INSERT INTO activity_read (shard, leaf, at, staff_id, purpose, card_id) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(shard)
        .bind(change.leaf())
        .bind(now.0)
        .bind(who.0)
        .bind(purpose.name())
        .bind(card.map(|card| card.as_bytes().to_vec()))
        .execute(tx.conn())
        .await?;
    change.record(tx, now, ActionKind::ActivityRead).await
}

/// How much of each was moved back since, by staff or by the shop.
async fn look_up_reversed(connection: &mut Connection, rows: &mut [Activity]) -> Result<(), DbError> {
    let booked: Vec<_> = rows.iter().filter(|row| row.is_reversible()).map(Activity::leaf).collect();
    let moved = ledger::store::of_taps(connection, &booked).await?;
    for row in rows {
        let of_row = moved.get(&row.leaf()).into_iter().flatten();
        let amount =
            of_row.filter(|named| matches!(named.entry.transfer.kind, TransferKind::Payment | TransferKind::TopUp));
        row.reversed = Fen(amount.map(|named| named.reversed).sum());
    }
    Ok(())
}

async fn listed(connection: &mut Connection, found: &[Row]) -> Result<Listed, DbError> {
    let mut rows = found.iter().take(PAGE_ROWS).map(read).collect::<Result<Vec<_>, _>>()?;
    look_up_reversed(connection, &mut rows).await?;
    let older = rows.last().filter(|_| found.len() > PAGE_ROWS).map(|row| row.place);
    Ok(Listed { rows, older })
}

fn read(row: &Row) -> Result<Activity, DbError> {
    let number = |column: &str| -> Result<u16, DbError> {
        u16::try_from(row.get::<i64>(column)?).map_err(|_| DbError::Unreadable("tap"))
    };
    let cose: &[u8] = row.get("cose")?;
    let signed = Envelope::<Tap>::decode(cose).ok().map(|tap| tap.payload.operation);
    let names: (Option<String>, Option<String>) = (row.get("terminal")?, row.get("organisation")?);
    Ok(Activity {
        place: Place {
            received_at: Micros(row.get("received_at")?),
            at: Micros(row.get("at")?),
            tap_id: columns::bytes(row, "tap_id")?,
        },
        tap: row.get("leaf")?,
        settled: row.get("settled")?,
        card: CardId::from_bytes(columns::bytes(row, "card_id")?),
        operation: OperationCode::from_number(number("operation")?),
        outcome: number("outcome")?,
        amount: signed.as_ref().and_then(Operation::amount),
        points: signed.as_ref().and_then(Operation::points),
        reversed: Fen::ZERO,
        terminal: names.0.map(|terminal| (terminal, names.1.unwrap_or_default())),
    })
}
