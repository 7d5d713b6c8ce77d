//! The tables holder, residence_person, person_key, document_index and person_read.

use card_schema::clock::Micros;
use card_schema::ids::HolderId;
use uuid::Uuid;

use super::model::{Document, Field};
use crate::db::{Connection, DbError, Tx, columns, query};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::{Purpose, StaffId};

/// A person's row, sealed.
#[derive(Debug)]
pub struct SealedPerson {
    /// The person's key, wrapped.
    pub wrapped_key: Vec<u8>,
    /// Sealed.
    pub name: Vec<u8>,
    /// What was shown.
    pub document: Document,
    /// Sealed.
    pub document_number: Vec<u8>,
}

impl SealedPerson {
    /// A field, sealed.
    pub fn sealed(&self, field: Field) -> &[u8] {
        match field {
            Field::Name => &self.name,
            Field::DocumentNumber => &self.document_number,
        }
    }
}

/// The holder who is registered with this document, if one is.
pub async fn by_document(tx: &mut Tx, blind: [u8; 32]) -> Result<Option<HolderId>, DbError> {
    let row = query("SELECT holder_id FROM document_index WHERE blind = $1").bind(blind).optional(tx.conn()).await?;
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
    change.touch(tx, &tables::RESIDENCE_PERSON, key()).await?;
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
        "INSERT INTO residence_person (shard, holder_id, name, document_kind, document_number, leaf)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(holder.shard())
    .bind(holder)
    .bind(&person.name)
    .bind(person.document.name())
    .bind(&person.document_number)
    .bind(change.leaf())
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

/// Whether there is such a holder.
pub async fn exists(connection: &mut Connection, holder: HolderId) -> Result<bool, DbError> {
    let found: Option<i64> = query("SELECT shard FROM holder WHERE shard = $1 AND holder_id = $2")
        .bind(holder.shard())
        .bind(holder)
        .scalar(connection)
        .await?;
    Ok(found.is_some())
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

/// A person's row with the wrapped key.
pub async fn load(tx: &mut Tx, holder: HolderId) -> Result<Option<SealedPerson>, DbError> {
    let row = query(
        "SELECT k.wrapped, p.name, p.document_kind, p.document_number
         FROM residence_person p JOIN person_key k USING (shard, holder_id)
         WHERE p.shard = $1 AND p.holder_id = $2",
    )
    .bind(holder.shard())
    .bind(holder)
    .optional(tx.conn())
    .await?;
    row.map(|row| {
        let kind: String = row.get("document_kind")?;
        Ok(SealedPerson {
            wrapped_key: row.get("wrapped")?,
            name: row.get("name")?,
            document: [Document::ResidentIdentityCard, Document::Passport]
                .into_iter()
                .find(|document| document.name() == kind)
                .ok_or(DbError::Unreadable("residence_person.document_kind"))?,
            document_number: row.get("document_number")?,
        })
    })
    .transpose()
}

/// Records a read: a leaf, and the line that the holder sees.
pub async fn record_read(
    tx: &mut Tx,
    at: Micros,
    holder: HolderId,
    who: StaffId,
    purpose: Purpose,
    field: Field,
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
    .bind(field.name())
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
