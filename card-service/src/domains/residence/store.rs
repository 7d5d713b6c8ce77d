//! The tables holder, person_fact, person_fact_past, person_key, document_index and person_read.

use std::collections::BTreeMap;

use card_schema::clock::Micros;
use card_schema::ids::HolderId;
use uuid::Uuid;

use super::Meanwhile;
use super::model::{ChangeReason, Field};
use crate::db::{Connection, DbError, Row, Rows, Tx, columns, query};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::{Purpose, StaffId};

/// What is stored of a person, sealed.
#[derive(Debug)]
pub struct SealedPerson {
    /// The person's key, wrapped.
    pub wrapped_key: Vec<u8>,
    /// What is known, each sealed under that key.
    pub facts: BTreeMap<Field, Vec<u8>>,
}

/// The holder who is registered with this document, if one is.
pub async fn by_document(connection: &mut Connection, blind: [u8; 32]) -> Result<Option<HolderId>, DbError> {
    let row = query("SELECT holder_id FROM document_index WHERE blind = $1").bind(blind).optional(connection).await?;
    row.map(|row| Ok(HolderId::from_bytes(columns::bytes(&row, "holder_id")?))).transpose()
}

/// Registers a holder.
pub async fn insert(
    tx: &mut Tx,
    at: Micros,
    by: StaffId,
    holder: HolderId,
    person: &SealedPerson,
    blind: [u8; 32],
) -> Result<(), DbError> {
    let key = || vec![i64::from(holder.shard().0).into(), holder.as_bytes()[..].into()];
    let mut change = Change::begin(tx, holder.shard()).await?;
    change.touch(tx, &tables::HOLDER, key()).await?;
    for field in person.facts.keys() {
        let mut fact = key();
        fact.push(field.number().into());
        change.touch(tx, &tables::PERSON_FACT, fact).await?;
    }
    query("INSERT INTO holder (shard, holder_id, created_at, created_by, leaf) VALUES ($1, $2, $3, $4, $5)")
        .bind(holder.shard())
        .bind(holder)
        .bind(at.0)
        .bind(by.0)
        .bind(change.leaf())
        .execute(tx.conn())
        .await?;
    query("INSERT INTO person_key (shard, holder_id, wrapped) VALUES ($1, $2, $3)")
        .bind(holder.shard())
        .bind(holder)
        .bind(&person.wrapped_key)
        .execute(tx.conn())
        .await?;
    query(
        "INSERT INTO person_fact (shard, holder_id, field, sealed, leaf)
         SELECT $1, $2, fact.field, fact.sealed, $3 FROM {fact}",
    )
    .bind(holder.shard())
    .bind(holder)
    .bind(change.leaf())
    .set(
        "fact",
        Rows::new()
            .ints("field", person.facts.keys().map(|field| field.number()))
            .bytes("sealed", person.facts.values().cloned()),
    )
    .execute(tx.conn())
    .await?;
    query("INSERT INTO document_index (blind, shard, holder_id) VALUES ($1, $2, $3)")
        .bind(blind)
        .bind(holder.shard())
        .bind(holder)
        .execute(tx.conn())
        .await?;
    change.record(tx, at, ActionKind::HolderRegistered).await
}

/// When a holder was registered, if there is such a holder.
pub async fn registered_at(connection: &mut Connection, holder: HolderId) -> Result<Option<Micros>, DbError> {
    let at: Option<i64> = query("SELECT created_at FROM holder WHERE shard = $1 AND holder_id = $2")
        .bind(holder.shard())
        .bind(holder)
        .scalar(connection)
        .await?;
    Ok(at.map(Micros))
}

/// Whether there is such a holder.
pub async fn exists(connection: &mut Connection, holder: HolderId) -> Result<bool, DbError> {
    Ok(registered_at(connection, holder).await?.is_some())
}

/// Who registered a holder.
pub async fn registrar(tx: &mut Tx, holder: HolderId) -> Result<Option<StaffId>, DbError> {
    let row = query("SELECT created_by FROM holder WHERE shard = $1 AND holder_id = $2")
        .bind(holder.shard())
        .bind(holder)
        .optional(tx.conn())
        .await?;
    row.map(|row| Ok(StaffId(Uuid::from_bytes(columns::bytes(&row, "created_by")?)))).transpose()
}

/// What is stored of a person.
pub async fn load(connection: &mut Connection, holder: HolderId) -> Result<Option<SealedPerson>, DbError> {
    let wrapped = query("SELECT wrapped FROM person_key WHERE shard = $1 AND holder_id = $2")
        .bind(holder.shard())
        .bind(holder)
        .scalar(&mut *connection)
        .await?;
    let Some(wrapped_key) = wrapped else { return Ok(None) };
    let rows = query("SELECT field, sealed FROM person_fact WHERE shard = $1 AND holder_id = $2")
        .bind(holder.shard())
        .bind(holder)
        .all(connection)
        .await?;
    let fact = |row: &Row| {
        let field = Field::from_number(row.get("field")?).ok_or(DbError::Unreadable("person_fact.field"))?;
        Ok((field, row.get("sealed")?))
    };
    let facts = rows.iter().map(fact).collect::<Result<_, DbError>>()?;
    Ok(Some(SealedPerson { wrapped_key, facts }))
}

/// Points from another document to a holder.
pub async fn move_document(tx: &mut Tx, holder: HolderId, from: [u8; 32], to: [u8; 32]) -> Result<(), DbError> {
    query("DELETE FROM document_index WHERE blind = $1").bind(from).execute(tx.conn()).await?;
    query("INSERT INTO document_index (blind, shard, holder_id) VALUES ($1, $2, $3)")
        .bind(to)
        .bind(holder.shard())
        .bind(holder)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// A field that changes: what it was and what it becomes, each sealed, where there is something.
pub type ChangedFact = (Field, Option<Vec<u8>>, Option<Vec<u8>>);

/// Changes what is known of a person, and keeps what was known before.
pub async fn change(
    tx: &mut Tx,
    at: Micros,
    by: StaffId,
    holder: HolderId,
    reason: ChangeReason,
    changes: &[ChangedFact],
) -> Result<(), DbError> {
    let mut change = Change::begin(tx, holder.shard()).await?;
    let leaf = change.leaf();
    for (field, before, after) in changes {
        let fact = vec![i64::from(holder.shard().0).into(), holder.as_bytes()[..].into(), field.number().into()];
        let mut past = fact.clone();
        past.push(leaf.into());
        change.touch(tx, &tables::PERSON_FACT, fact).await?;
        change.touch(tx, &tables::PERSON_FACT_PAST, past).await?;
        query(
            "INSERT INTO person_fact_past (shard, holder_id, field, leaf, sealed, at, staff_id, reason)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(holder.shard())
        .bind(holder)
        .bind(field.number())
        .bind(leaf)
        .bind(before.clone())
        .bind(at.0)
        .bind(by.0)
        .bind(reason.name())
        .execute(tx.conn())
        .await?;
        let (statement, sealed) = match after {
            None => ("DELETE FROM person_fact WHERE shard = $1 AND holder_id = $2 AND field = $3", None),
            Some(sealed) => (
                "INSERT INTO person_fact (shard, holder_id, field, sealed, leaf) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (shard, holder_id, field) DO UPDATE SET sealed = excluded.sealed, leaf = excluded.leaf",
                Some(sealed),
            ),
        };
        let mut statement = query(statement).bind(holder.shard()).bind(holder).bind(field.number());
        if let Some(sealed) = sealed {
            statement = statement.bind(sealed).bind(leaf);
        }
        statement.execute(tx.conn()).await?;
    }
    change.record(tx, at, ActionKind::PersonChanged).await
}

/// What some fields were before each change of any of them, newest first: the change's leaf and reason, the field, and what
/// it was, sealed.
pub async fn before(
    connection: &mut Connection,
    holder: HolderId,
    fields: &[Field],
) -> Result<Vec<(i64, ChangeReason, Field, Option<Vec<u8>>)>, DbError> {
    let rows = query(
        "SELECT leaf, field, reason, sealed FROM person_fact_past WHERE shard = $1 AND holder_id = $2 ORDER BY leaf DESC",
    )
    .bind(holder.shard())
    .bind(holder)
    .all(connection)
    .await?;
    let mut past = Vec::new();
    for row in &rows {
        let field = Field::from_number(row.get("field")?).ok_or(DbError::Unreadable("person_fact_past.field"))?;
        if fields.contains(&field) {
            past.push((row.get("leaf")?, reason_of(row)?, field, row.get("sealed")?));
        }
    }
    Ok(past)
}

/// The newest change of any of these fields.
pub async fn newest_change(
    connection: &mut Connection,
    holder: HolderId,
    fields: &[Field],
) -> Result<Option<Meanwhile>, DbError> {
    let rows = query(
        "SELECT f.leaf, f.at, s.name FROM person_fact_past f JOIN staff s USING (staff_id)
         WHERE f.shard = $1 AND f.holder_id = $2 AND f.field IN (SELECT wanted.field FROM {wanted})
         ORDER BY f.leaf DESC LIMIT 1",
    )
    .bind(holder.shard())
    .bind(holder)
    .set("wanted", Rows::new().ints("field", fields.iter().map(|field| field.number())))
    .all(connection)
    .await?;
    let newest =
        |row: &Row| Ok(Meanwhile { leaf: row.get("leaf")?, at: Micros(row.get("at")?), staff: row.get("name")? });
    rows.first().map(newest).transpose()
}

fn reason_of(row: &Row) -> Result<ChangeReason, DbError> {
    ChangeReason::from_name(row.get("reason")?).ok_or(DbError::Unreadable("person_fact_past.reason"))
}

/// A line of a record's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastFact {
    /// What changed.
    pub field: Field,
    /// When.
    pub at: Micros,
    /// Who changed it: the name to sign in with.
    pub staff: String,
    /// Why.
    pub reason: ChangeReason,
}

/// What was changed in a record, newest first, without what it was.
pub async fn history(connection: &mut Connection, holder: HolderId, limit: u32) -> Result<Vec<PastFact>, DbError> {
    let rows = query(
        "SELECT f.field, f.at, f.reason, s.name FROM person_fact_past f JOIN staff s USING (staff_id)
         WHERE f.shard = $1 AND f.holder_id = $2 ORDER BY f.leaf DESC, f.field LIMIT $3",
    )
    .bind(holder.shard())
    .bind(holder)
    .bind(i64::from(limit))
    .all(connection)
    .await?;
    let past = |row: &Row| {
        Ok(PastFact {
            field: Field::from_number(row.get("field")?).ok_or(DbError::Unreadable("person_fact_past.field"))?,
            at: Micros(row.get("at")?),
            staff: row.get("name")?,
            reason: reason_of(row)?,
        })
    };
    rows.iter().map(past).collect()
}

/// Records a read: a leaf, and the line that the holder sees. `what` is the name of a field, or of something else that is
/// known of the person.
pub async fn record_read(
    tx: &mut Tx,
    at: Micros,
    holder: HolderId,
    who: StaffId,
    purpose: Purpose,
    what: &str,
) -> Result<(), DbError> {
    let mut change = Change::begin(tx, holder.shard()).await?;
    let key = vec![i64::from(holder.shard().0).into(), holder.as_bytes()[..].into(), change.leaf().into()];
    change.touch(tx, &tables::PERSON_READ, key).await?;
    query(
        "INSERT INTO person_read (shard, holder_id, leaf, at, staff_id, purpose, field)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(holder.shard())
    .bind(holder)
    .bind(change.leaf())
    .bind(at.0)
    .bind(who.0)
    .bind(purpose.name())
    .bind(what)
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::PersonRead).await
}

/// Who read the record and why, newest first: time, staff name, purpose, field.
pub async fn reads(
    connection: &mut Connection,
    holder: HolderId,
    limit: u32,
) -> Result<Vec<(Micros, String, String, String)>, DbError> {
    let rows = query(
        "SELECT r.at, s.name, r.purpose, r.field FROM person_read r JOIN staff s USING (staff_id)
         WHERE r.shard = $1 AND r.holder_id = $2 ORDER BY r.leaf DESC LIMIT $3",
    )
    .bind(holder.shard())
    .bind(holder)
    .bind(i64::from(limit))
    .all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((Micros(row.get("at")?), row.get("name")?, row.get("purpose")?, row.get("field")?)))
        .collect()
}
