//! The table unblock.

use card_schema::clock::Micros;
use card_schema::ids::{CardId, TerminalId};
use uuid::Uuid;

use super::journal::Journal;
use crate::db::{Connection, DbError, Row, Tx, columns, query};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

/// One unblocking.
#[derive(Clone, Debug)]
pub struct Unblock {
    /// Its id, which is also its job's.
    pub unblock_id: Uuid,
    /// The card.
    pub card_id: CardId,
    /// Of the PUK that the card has before; it gets the next.
    pub generation: u32,
    /// Who began it.
    pub staff_id: StaffId,
    /// Where.
    pub terminal_id: TerminalId,
    /// Whether a reader is to work on it.
    pub open: bool,
    /// How far it has come.
    pub journal: Journal,
    /// The number of the step that is to be done.
    pub number: u32,
    /// When it was begun.
    pub created_at: Micros,
}

const SELECT: &str = "SELECT unblock_id, card_id, generation, staff_id, terminal_id, open, journal, number, created_at
     FROM unblock";

/// Keeps an unblocking as it is now.
pub async fn put(tx: &mut Tx, at: Micros, unblock: &Unblock) -> Result<(), DbError> {
    let mut change = Change::begin(tx, unblock.card_id.shard()).await?;
    change.touch(tx, &tables::UNBLOCK, vec![unblock.unblock_id.as_bytes()[..].into()]).await?;
    let journal = serde_json::to_string(&unblock.journal).expect("a journal is plain data");
    query(
        "INSERT INTO unblock (unblock_id, shard, card_id, generation, staff_id, terminal_id, open, state, journal, number,
         created_at, changed_at, leaf) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (unblock_id) DO UPDATE SET terminal_id = excluded.terminal_id, open = excluded.open,
             state = excluded.state, journal = excluded.journal, number = excluded.number,
             changed_at = excluded.changed_at, leaf = excluded.leaf",
    )
    .bind(unblock.unblock_id)
    .bind(unblock.card_id.shard())
    .bind(unblock.card_id)
    .bind(i64::from(unblock.generation))
    .bind(unblock.staff_id.0)
    .bind(unblock.terminal_id)
    .bind(i64::from(unblock.open))
    .bind(unblock.journal.asked.name())
    .bind(journal)
    .bind(i64::from(unblock.number))
    .bind(unblock.created_at.0)
    .bind(at.0)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::UnblockStep).await
}

/// One unblocking.
pub async fn one(connection: &mut Connection, unblock: Uuid) -> Result<Option<Unblock>, DbError> {
    let row = query(format!("{SELECT} WHERE unblock_id = $1")).bind(unblock).optional(connection).await?;
    row.as_ref().map(read).transpose()
}

/// The unblockings of a card, oldest first.
pub async fn of_card(connection: &mut Connection, card: CardId) -> Result<Vec<Unblock>, DbError> {
    let rows = query(format!("{SELECT} WHERE card_id = $1 ORDER BY unblock_id")).bind(card).all(connection).await?;
    rows.iter().map(read).collect()
}

/// The oldest unblocking that waits for this terminal.
pub async fn oldest_open(connection: &mut Connection, terminal: TerminalId) -> Result<Option<Unblock>, DbError> {
    let row = query(format!("{SELECT} WHERE terminal_id = $1 AND open = 1 ORDER BY unblock_id LIMIT 1"))
        .bind(terminal)
        .optional(connection)
        .await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Unblock, DbError> {
    let journal: String = row.get("journal")?;
    let number = |column| {
        let number: i64 = row.get(column)?;
        u32::try_from(number).map_err(|_| DbError::Unreadable("unblock.number"))
    };
    Ok(Unblock {
        unblock_id: Uuid::from_bytes(columns::bytes(row, "unblock_id")?),
        card_id: CardId::from_bytes(columns::bytes(row, "card_id")?),
        generation: number("generation")?,
        staff_id: StaffId(Uuid::from_bytes(columns::bytes(row, "staff_id")?)),
        terminal_id: TerminalId::from_bytes(columns::bytes(row, "terminal_id")?),
        open: row.get::<i64>("open")? == 1,
        journal: serde_json::from_str(&journal).map_err(|_| DbError::Unreadable("unblock.journal"))?,
        number: number("number")?,
        created_at: Micros(row.get("created_at")?),
    })
}
