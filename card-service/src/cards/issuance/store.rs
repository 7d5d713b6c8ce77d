//! The tables issuance and issuance_step.

use card_schema::clock::Micros;
use card_schema::ids::{CardId, TerminalId};
use uuid::Uuid;

use super::journal::Journal;
use crate::db::{Connection, DbError, Row, Tx, columns, query};
use crate::evidence::{ActionKind, Change, tables};
use crate::i18n::Locale;

/// One issuance.
#[derive(Clone, Debug)]
pub struct Issuance {
    /// Its id, which is also its job's.
    pub issuance_id: Uuid,
    /// The card being issued.
    pub card_id: CardId,
    /// The language in which its holder reads what is agreed to.
    pub language: Locale,
    /// Where.
    pub terminal_id: TerminalId,
    /// At which reader, where the office chose one.
    pub reader: Option<String>,
    /// Whether a reader is to work on it.
    pub open: bool,
    /// How far it has come.
    pub journal: Journal,
    /// The number of the step that is to be done.
    pub number: u32,
    /// When it began.
    pub created_at: Micros,
}

const SELECT: &str =
    "SELECT issuance_id, card_id, language, terminal_id, reader, open, journal, number, created_at FROM issuance";

/// Adds an issuance.
pub async fn insert(tx: &mut Tx, at: Micros, issuance: &Issuance) -> Result<(), DbError> {
    let mut change = Change::begin(tx, issuance.card_id.shard()).await?;
    change.touch(tx, &tables::ISSUANCE, vec![issuance.issuance_id.as_bytes()[..].into()]).await?;
    query(
        "INSERT INTO issuance (issuance_id, shard, card_id, language, terminal_id, reader, open, state, journal, number,
         created_at, changed_at, leaf) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12)",
    )
    .bind(issuance.issuance_id)
    .bind(issuance.card_id.shard())
    .bind(issuance.card_id)
    .bind(issuance.language.tag())
    .bind(issuance.terminal_id)
    .bind(&issuance.reader)
    .bind(i64::from(issuance.open))
    .bind(state_name(&issuance.journal))
    .bind(json(&issuance.journal))
    .bind(i64::from(issuance.number))
    .bind(at.0)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::IssuanceStep).await
}

/// A step that was answered: its name and the answer's, nothing of their content.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// Its number.
    pub number: u32,
    /// The step's name.
    pub step: &'a str,
    /// The answer's name.
    pub observation: &'a str,
}

/// Keeps an issuance as it is now, with the step that brought it there, if one did.
pub async fn update(
    tx: &mut Tx,
    at: Micros,
    issuance: &Issuance,
    answered: Option<Answered<'_>>,
) -> Result<(), DbError> {
    let (shard, id) = (i64::from(issuance.card_id.shard().0), issuance.issuance_id.as_bytes());
    let mut change = Change::begin(tx, issuance.card_id.shard()).await?;
    change.touch(tx, &tables::ISSUANCE, vec![id[..].into()]).await?;
    query(
        "UPDATE issuance SET open = $1, state = $2, journal = $3, number = $4, changed_at = $5, leaf = $6
         WHERE issuance_id = $7",
    )
    .bind(i64::from(issuance.open))
    .bind(state_name(&issuance.journal))
    .bind(json(&issuance.journal))
    .bind(i64::from(issuance.number))
    .bind(at.0)
    .bind(change.leaf())
    .bind(id)
    .execute(tx.conn())
    .await?;
    if let Some(answered) = answered {
        let number = i64::from(answered.number);
        change.touch(tx, &tables::ISSUANCE_STEP, vec![id[..].into(), number.into()]).await?;
        query(
            "INSERT INTO issuance_step (issuance_id, number, shard, step, observation, at, leaf)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(id)
        .bind(number)
        .bind(shard)
        .bind(answered.step)
        .bind(answered.observation)
        .bind(at.0)
        .bind(change.leaf())
        .execute(tx.conn())
        .await?;
    }
    change.record(tx, at, ActionKind::IssuanceStep).await
}

/// One issuance.
pub async fn one(connection: &mut Connection, issuance: Uuid) -> Result<Option<Issuance>, DbError> {
    let row = query(format!("{SELECT} WHERE issuance_id = $1")).bind(issuance).optional(connection).await?;
    row.map(|row| read(&row)).transpose()
}

/// The newest issuance of a card.
pub async fn of_card(connection: &mut Connection, card: CardId) -> Result<Option<Uuid>, DbError> {
    let row = query("SELECT issuance_id FROM issuance WHERE card_id = $1 ORDER BY created_at DESC LIMIT 1")
        .bind(card)
        .optional(connection)
        .await?;
    row.map(|row| Ok(Uuid::from_bytes(columns::bytes(&row, "issuance_id")?))).transpose()
}

/// The oldest issuance that waits for this terminal.
pub async fn oldest_open(connection: &mut Connection, terminal: TerminalId) -> Result<Option<Issuance>, DbError> {
    let row = query(format!("{SELECT} WHERE terminal_id = $1 AND open = 1 ORDER BY created_at LIMIT 1"))
        .bind(terminal)
        .optional(connection)
        .await?;
    row.map(|row| read(&row)).transpose()
}

fn read(row: &Row) -> Result<Issuance, DbError> {
    let journal: String = row.get("journal")?;
    let number: i64 = row.get("number")?;
    Ok(Issuance {
        issuance_id: Uuid::from_bytes(columns::bytes(row, "issuance_id")?),
        card_id: CardId::from_bytes(columns::bytes(row, "card_id")?),
        language: Locale::from_tag(row.get("language")?).ok_or(DbError::Unreadable("issuance.language"))?,
        terminal_id: TerminalId::from_bytes(columns::bytes(row, "terminal_id")?),
        reader: row.get("reader")?,
        open: row.get::<i64>("open")? == 1,
        journal: serde_json::from_str(&journal).map_err(|_| DbError::Unreadable("issuance.journal"))?,
        number: u32::try_from(number).map_err(|_| DbError::Unreadable("issuance.number"))?,
        created_at: Micros(row.get("created_at")?),
    })
}

fn json(journal: &Journal) -> String {
    serde_json::to_string(journal).expect("a journal is plain data")
}

/// The name of what an issuance waits for, for lists.
fn state_name(journal: &Journal) -> &'static str {
    journal.asked.name()
}
