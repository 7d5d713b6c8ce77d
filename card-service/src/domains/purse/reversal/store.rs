//! The table purse_reversal. What moves, the ledger writes.

use card_schema::clock::Micros;
use card_schema::ids::{CardId, Shard};
use card_schema::money::Fen;
use card_schema::operation::OperationCode;
use uuid::Uuid;

use super::model::{Past, Reason, Returned, Reversal};
use crate::db::{Connection, DbError, Row, Rows, Tx, columns, query};
use crate::evidence::{ActionKind, Change, LeafRef, tables};
use crate::intake::SETTLED;
use crate::ledger::{self, Named, Phase, TransferKind};
use crate::people::StaffId;
use crate::people::approval::model::Hands;

/// What a tap of this card has booked and may be reversed, with what has gone back of it.
#[derive(Clone, Debug)]
pub struct Booked {
    /// The payment or top-up.
    pub moved: Named,
    /// What the issuer has advanced for it.
    pub advance: Option<Named>,
    /// All that the tap has moved.
    pub caused: Vec<Named>,
    /// The terminal's clock in it.
    pub made_at: Micros,
}

/// What a tap of this card has booked; nothing where it has moved no money, and where it has given back what another has
/// moved.
pub async fn booked(connection: &mut Connection, card: CardId, tap: i64) -> Result<Option<Booked>, DbError> {
    let known = query(format!(
        "SELECT t.at, COALESCE(s.leaf, t.leaf) AS booked FROM tap t {SETTLED}
         WHERE t.shard = $1 AND t.leaf = $2 AND t.card_id = $3"
    ))
    .bind(card.shard())
    .bind(tap)
    .bind(card)
    .optional(connection)
    .await?;
    let Some(known) = known else { return Ok(None) };
    let made_at = Micros(known.get("at")?);
    let place = LeafRef { shard: card.shard(), leaf_id: known.get("booked")? };
    let caused = ledger::store::of_taps(connection, &[place]).await?.remove(&place).unwrap_or_default();
    let caused: Vec<_> =
        caused.into_iter().filter(|named| !matches!(named.entry.transfer.phase, Phase::Reversal { .. })).collect();
    let advance = caused.iter().copied().find(|named| named.entry.transfer.kind == TransferKind::Shortfall);
    let moved = caused.iter().copied().find(|named| !Reason::of(named.entry.transfer.kind).is_empty());
    Ok(moved.map(|moved| Booked { moved, advance, caused, made_at }))
}

/// Writes down who reversed and why. `transfer` is the one that reverses.
pub async fn add(
    tx: &mut Tx,
    at: Micros,
    id: Uuid,
    wanted: &Reversal,
    transfer: i64,
    hands: Hands,
) -> Result<(), DbError> {
    let shard = wanted.card.shard();
    let mut change = Change::begin(tx, shard).await?;
    let key = vec![i64::from(shard.0).into(), id.as_bytes()[..].into()];
    change.touch(tx, &tables::PURSE_REVERSAL, key).await?;
    query(
        "INSERT INTO purse_reversal (shard, reversal_id, tap, transfer_id, at, reason, staff_id, agreed_by, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(shard)
    .bind(id)
    .bind(wanted.tap)
    .bind(transfer)
    .bind(at.0)
    .bind(wanted.reason.name())
    .bind(hands.by.0)
    .bind(hands.agreed_by.map(|who| who.0.as_bytes().to_vec()))
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::TapReversed).await
}

/// What was reversed by the form with this id, and for whom.
pub async fn sent(connection: &mut Connection, card: CardId, id: Uuid) -> Result<Option<(Reversal, StaffId)>, DbError> {
    let row = query(
        "SELECT r.tap, r.reason, r.staff_id, t.amount FROM purse_reversal r
         JOIN transfer t ON t.shard = r.shard AND t.transfer_id = r.transfer_id
         WHERE r.shard = $1 AND r.reversal_id = $2",
    )
    .bind(card.shard())
    .bind(id)
    .optional(connection)
    .await?;
    row.map(|row| {
        let (tap, amount) = (row.get("tap")?, Fen(row.get("amount")?));
        let by = StaffId(Uuid::from_bytes(columns::bytes(&row, "staff_id")?));
        Ok((Reversal { card, tap, amount, reason: reason(&row)? }, by))
    })
    .transpose()
}

/// How much these `hands` have reversed alone, together.
pub async fn alone(connection: &mut Connection, hands: Rows) -> Result<Fen, DbError> {
    let rows = query(
        "SELECT t.amount FROM {hands} CROSS JOIN purse_reversal r CROSS JOIN transfer t
         WHERE r.staff_id = hands.staff_id AND r.at > hands.moment AND r.agreed_by IS NULL
             AND t.shard = r.shard AND t.transfer_id = r.transfer_id",
    )
    .set("hands", hands)
    .all(connection)
    .await?;
    let amounts = rows.iter().map(|row| row.get("amount")).collect::<Result<Vec<i64>, _>>()?;
    Ok(Fen(amounts.into_iter().fold(0, i64::saturating_add)))
}

/// What a shop has given back of what a tap has moved, by refunds and voids, oldest first.
pub async fn returned(connection: &mut Connection, shard: Shard, moved: i64) -> Result<Vec<Returned>, DbError> {
    let rows = query(
        "SELECT t.at, t.operation, m.amount, terminal.name AS terminal FROM transfer m
         LEFT JOIN tap_settlement s ON s.shard = m.shard AND s.leaf = m.leaf
         JOIN tap t ON t.shard = m.shard AND t.leaf = COALESCE(s.tap, m.leaf) LEFT JOIN terminal USING (terminal_id)
         WHERE m.shard = $1 AND m.refers_to = $2 AND m.phase = 6 ORDER BY m.transfer_id",
    )
    .bind(shard)
    .bind(moved)
    .all(connection)
    .await?;
    let returned = |row: &Row| {
        let operation = u16::try_from(row.get::<i64>("operation")?).ok().and_then(OperationCode::from_number);
        Ok(Returned {
            at: Micros(row.get("at")?),
            amount: Fen(row.get("amount")?),
            operation: operation.ok_or(DbError::Unreadable("tap.operation"))?,
            terminal: row.get("terminal")?,
        })
    };
    rows.iter().map(returned).collect()
}

/// What was reversed of a tap by staff, oldest first.
pub async fn history(connection: &mut Connection, shard: Shard, tap: i64) -> Result<Vec<Past>, DbError> {
    let rows = query(
        "SELECT r.at, r.reason, t.amount, s.name AS staff, a.name AS agreed FROM purse_reversal r
         JOIN transfer t ON t.shard = r.shard AND t.transfer_id = r.transfer_id
         JOIN staff s ON s.staff_id = r.staff_id LEFT JOIN staff a ON a.staff_id = r.agreed_by
         WHERE r.shard = $1 AND r.tap = $2 ORDER BY r.leaf",
    )
    .bind(shard)
    .bind(tap)
    .all(connection)
    .await?;
    let past = |row: &Row| {
        Ok(Past {
            at: Micros(row.get("at")?),
            amount: Fen(row.get("amount")?),
            reason: reason(row)?,
            staff: row.get("staff")?,
            agreed: row.get("agreed")?,
        })
    };
    rows.iter().map(past).collect()
}

fn reason(row: &Row) -> Result<Reason, DbError> {
    Reason::from_name(row.get("reason")?).ok_or(DbError::Unreadable("purse_reversal.reason"))
}
