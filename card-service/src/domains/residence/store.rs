//! The tables holder, person_fact, person_fact_past, person_key, document_index and person_read.

use std::collections::{BTreeMap, BTreeSet};

use card_schema::clock::Micros;
use card_schema::ids::HolderId;
use card_schema::wire::terminal::RecordRead;
use uuid::Uuid;

use super::Meanwhile;
use super::model::{ChangeReason, Field};
use crate::db::{Connection, DbError, Row, Rows, Tx, columns, insert as insert_rows, query};
use crate::evidence::tables::{self, Value};
use crate::evidence::{self, Action, ActionKind, Change, RowImage};
use crate::people::{Purpose, StaffId};

/// What is stored of a person, sealed.
#[derive(Debug)]
pub struct SealedPerson {
    /// The person's key, wrapped.
    pub wrapped_key: Vec<u8>,
    /// What is known, each sealed under that key.
    pub facts: BTreeMap<Field, Vec<u8>>,
}

/// A holder who is about to be registered.
#[derive(Debug)]
pub struct NewHolder {
    /// The id that was drawn for them.
    pub holder: HolderId,
    /// What is known of them.
    pub person: SealedPerson,
    /// Where their document is found.
    pub blind: [u8; 32],
}

/// The holder who is registered with this document, if one is.
pub async fn by_document(connection: &mut Connection, blind: [u8; 32]) -> Result<Option<HolderId>, DbError> {
    let row = query("SELECT holder_id FROM document_index WHERE blind = $1").bind(blind).optional(connection).await?;
    row.map(|row| Ok(HolderId::from_bytes(columns::bytes(&row, "holder_id")?))).transpose()
}

/// Which of these documents somebody is registered with.
pub(super) async fn registered(
    connection: &mut Connection,
    blinds: impl Iterator<Item = [u8; 32]>,
) -> Result<BTreeSet<[u8; 32]>, DbError> {
    let found = query("SELECT d.blind FROM {wanted} CROSS JOIN document_index d WHERE d.blind = wanted.blind")
        .set("wanted", Rows::new().bytes("blind", blinds))
        .all(connection)
        .await?;
    found.iter().map(|row| columns::bytes(row, "blind")).collect()
}

/// Registers holders, each with a leaf of their own. Rows are pictured in memory: they are only added, and may be many.
pub async fn insert(tx: &mut Tx, at: Micros, by: StaffId, new: &[NewHolder]) -> Result<(), DbError> {
    tx.lock(new.iter().map(|new| new.holder.shard())).await?;
    // In the order of the keys: neighbours go to the same page.
    let mut new: Vec<&NewHolder> = new.iter().collect();
    new.sort_unstable_by_key(|new| (new.holder.shard(), *new.holder.as_bytes()));
    let leaves: Vec<_> = new.iter().map(|new| evidence::reserve(tx, new.holder.shard())).collect();
    let each = || new.iter().copied().zip(leaves.iter().map(|leaf| leaf.leaf_id));
    let action = |new: &NewHolder, leaf| {
        Action::new(new.holder.shard(), ActionKind::HolderRegistered, images(at, by, new, leaf))
    };
    let actions = each().zip(&leaves).map(|((new, leaf), place)| (*place, action(new, leaf))).collect();
    evidence::append_reserved(tx, at, actions).await?;

    let shard = |new: &NewHolder| i64::from(new.holder.shard().0);
    let holder = |new: &NewHolder| *new.holder.as_bytes();
    let keyed = || {
        let rows = Rows::new().ints("shard", new.iter().map(|new| shard(new)));
        rows.bytes("holder_id", new.iter().map(|new| holder(new)))
    };
    let holders = keyed()
        .ints("created_at", new.iter().map(|_| at.0))
        .bytes("created_by", new.iter().map(|_| *by.0.as_bytes()))
        .ints("leaf", each().map(|(_, leaf)| leaf));
    insert_rows(tx.conn(), "holder", holders, "").await?;
    let keys = keyed().bytes("wrapped", new.iter().map(|new| new.person.wrapped_key.as_slice()));
    insert_rows(tx.conn(), "person_key", keys, "").await?;
    let facts = || {
        each().flat_map(|(new, leaf)| new.person.facts.iter().map(move |(field, sealed)| (new, field, sealed, leaf)))
    };
    let rows = Rows::new()
        .ints("shard", facts().map(|(new, ..)| shard(new)))
        .bytes("holder_id", facts().map(|(new, ..)| holder(new)))
        .ints("field", facts().map(|(_, field, ..)| field.number()))
        .bytes("sealed", facts().map(|(_, _, sealed, _)| sealed.as_slice()))
        .ints("leaf", facts().map(|(.., leaf)| leaf));
    insert_rows(tx.conn(), "person_fact", rows, "").await?;
    new.sort_unstable_by_key(|new| new.blind);
    let documents = Rows::new()
        .bytes("blind", new.iter().map(|new| new.blind))
        .ints("shard", new.iter().map(|new| shard(new)))
        .bytes("holder_id", new.iter().map(|new| holder(new)));
    insert_rows(tx.conn(), "document_index", documents, "").await
}

/// What the leaf of a registration commits to.
fn images(at: Micros, by: StaffId, new: &NewHolder, leaf: i64) -> Vec<RowImage> {
    let key = || vec![Value::from(i64::from(new.holder.shard().0)), Value::from(&new.holder.as_bytes()[..])];
    let mut row = key();
    row.extend([at.0.into(), by.0.as_bytes()[..].into(), leaf.into()]);
    let mut images = vec![tables::HOLDER.image(&row)];
    for (field, sealed) in &new.person.facts {
        let mut row = key();
        row.extend([field.number().into(), leaf.into()]);
        row.extend(tables::PERSON_FACT.seal(&[sealed.as_slice().into()]));
        images.push(tables::PERSON_FACT.image(&row));
    }
    images
}

/// Whether nothing was done with a record since it was made: nobody has a card under it, read it, or changed it.
pub async fn is_untouched(connection: &mut Connection, holder: HolderId) -> Result<bool, DbError> {
    let untouched: Option<i64> = query(
        "SELECT h.leaf FROM holder h WHERE h.shard = $1 AND h.holder_id = $2
         AND NOT EXISTS (SELECT 1 FROM card t WHERE t.shard = h.shard AND t.holder_id = h.holder_id)
         AND NOT EXISTS (SELECT 1 FROM person_read t WHERE t.shard = h.shard AND t.holder_id = h.holder_id)
         AND NOT EXISTS (SELECT 1 FROM person_fact_past t WHERE t.shard = h.shard AND t.holder_id = h.holder_id)
         AND NOT EXISTS (SELECT 1 FROM household_member t WHERE t.shard = h.shard AND t.holder_id = h.holder_id)
         AND NOT EXISTS (SELECT 1 FROM person_photo t WHERE t.shard = h.shard AND t.holder_id = h.holder_id)
         AND NOT EXISTS (SELECT 1 FROM permit t WHERE t.shard = h.shard AND t.holder_id = h.holder_id)
         AND NOT EXISTS (SELECT 1 FROM paper_act t WHERE t.shard = h.shard AND t.holder_id = h.holder_id)
         AND NOT EXISTS (SELECT 1 FROM consent_act t WHERE t.shard = h.shard AND t.holder_id = h.holder_id)
         AND NOT EXISTS (SELECT 1 FROM gate_credential t WHERE t.shard = h.shard AND t.holder_id = h.holder_id)
         AND NOT EXISTS (SELECT 1 FROM employment t WHERE t.shard = h.shard AND t.holder_id = h.holder_id)
         AND NOT EXISTS (SELECT 1 FROM contribution t WHERE t.shard = h.shard AND t.holder_id = h.holder_id)
         AND NOT EXISTS (SELECT 1 FROM person_merge t WHERE t.shard = h.shard AND t.holder_id = h.holder_id)
         AND NOT EXISTS (SELECT 1 FROM person_merge t WHERE t.other = h.holder_id)",
    )
    .bind(holder.shard())
    .bind(holder)
    .scalar(connection)
    .await?;
    Ok(untouched.is_some())
}

/// Takes out a record with which nothing was done since it was made.
pub async fn remove(
    tx: &mut Tx,
    at: Micros,
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
    query("DELETE FROM document_index WHERE blind = $1 AND holder_id = $2")
        .bind(blind)
        .bind(holder)
        .execute(tx.conn())
        .await?;
    for statement in [
        "DELETE FROM person_fact WHERE shard = $1 AND holder_id = $2",
        "DELETE FROM person_key WHERE shard = $1 AND holder_id = $2",
        "DELETE FROM holder WHERE shard = $1 AND holder_id = $2",
    ] {
        query(statement).bind(holder.shard()).bind(holder).execute(tx.conn()).await?;
    }
    change.record(tx, at, ActionKind::RegistrationUndone).await
}

/// When a holder was registered, and by whom (the name to sign in with), if there is such a holder.
pub async fn registration(connection: &mut Connection, holder: HolderId) -> Result<Option<(Micros, String)>, DbError> {
    let row = query(
        "SELECT h.created_at, COALESCE(s.name, '') AS name FROM holder h LEFT JOIN staff s ON s.staff_id = h.created_by
         WHERE h.shard = $1 AND h.holder_id = $2",
    )
    .bind(holder.shard())
    .bind(holder)
    .optional(connection)
    .await?;
    row.map(|row| Ok((Micros(row.get("created_at")?), row.get("name")?))).transpose()
}

/// Whether there is such a holder.
pub async fn exists(connection: &mut Connection, holder: HolderId) -> Result<bool, DbError> {
    Ok(registration(connection, holder).await?.is_some())
}

/// Who registered a holder.
pub async fn registrar(connection: &mut Connection, holder: HolderId) -> Result<Option<StaffId>, DbError> {
    let row = query("SELECT created_by FROM holder WHERE shard = $1 AND holder_id = $2")
        .bind(holder.shard())
        .bind(holder)
        .optional(connection)
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
    record_reads(tx, at, holder, who, purpose, &[what]).await
}

/// Records reads of several things of one person, each as [`record_read`] does. Rows are pictured in memory: they are only
/// added, and may be many.
pub async fn record_reads(
    tx: &mut Tx,
    at: Micros,
    holder: HolderId,
    who: StaffId,
    purpose: Purpose,
    what: &[&str],
) -> Result<(), DbError> {
    if what.is_empty() {
        return Ok(());
    }
    let shard = holder.shard();
    tx.lock([shard]).await?;
    let each: Vec<_> = what.iter().map(|what| (evidence::reserve(tx, shard), *what)).collect();
    let image = |leaf: i64, what: &str| {
        let key = [i64::from(shard.0).into(), holder.as_bytes()[..].into(), leaf.into()];
        let rest = [at.0.into(), who.0.as_bytes()[..].into(), purpose.name().into(), what.into()];
        tables::PERSON_READ.image(&[&key[..], &rest[..]].concat())
    };
    let action = |leaf, what| Action::new(shard, ActionKind::PersonRead, vec![image(leaf, what)]);
    let actions = each.iter().map(|(place, what)| (*place, action(place.leaf_id, what))).collect();
    evidence::append_reserved(tx, at, actions).await?;
    let rows = Rows::new()
        .ints("shard", each.iter().map(|_| i64::from(shard.0)))
        .bytes("holder_id", each.iter().map(|_| *holder.as_bytes()))
        .ints("leaf", each.iter().map(|(place, _)| place.leaf_id))
        .ints("at", each.iter().map(|_| at.0))
        .bytes("staff_id", each.iter().map(|_| *who.0.as_bytes()))
        .texts("purpose", each.iter().map(|_| purpose.name()))
        .texts("field", each.iter().map(|(_, what)| *what));
    insert_rows(tx.conn(), "person_read", rows, "").await
}

/// What was done with a record, as one of the tables has it that have a row a deed, with the name of whoever did it: the newest
/// rows first, with `at`, `name` and `columns` (of `a`).
pub(super) async fn deeds(
    connection: &mut Connection,
    (table, columns): (&str, &str),
    record: HolderId,
    limit: u32,
) -> Result<Vec<Row>, DbError> {
    query(format!(
        "SELECT {columns}, a.at, s.name FROM {table} a JOIN staff s USING (staff_id)
         WHERE a.shard = $1 AND a.holder_id = $2 ORDER BY a.leaf DESC LIMIT $3"
    ))
    .bind(record.shard())
    .bind(record)
    .bind(i64::from(limit))
    .all(connection)
    .await
}

/// Who read the record and why, newest first: time, staff name, purpose, field.
pub async fn reads(
    connection: &mut Connection,
    holder: HolderId,
    limit: u32,
) -> Result<Vec<(Micros, String, String, String)>, DbError> {
    let rows = deeds(connection, ("person_read", "a.purpose, a.field"), holder, limit).await?;
    rows.iter()
        .map(|row| Ok((Micros(row.get("at")?), row.get("name")?, row.get("purpose")?, row.get("field")?)))
        .collect()
}

/// Who has read the record since then, as the person is told: in which role, where and why, as of today. The newest first; what was
/// read at once is one.
pub async fn readers(
    connection: &mut Connection,
    holder: HolderId,
    since: Micros,
    limit: u32,
) -> Result<Vec<RecordRead>, DbError> {
    let rows = query(
        "SELECT r.at, r.purpose, s.role, o.name AS station FROM person_read r JOIN staff s ON s.staff_id = r.staff_id
         LEFT JOIN staff_post p ON p.staff_id = r.staff_id
         LEFT JOIN organisation o ON o.organisation_id = p.organisation_id
         WHERE r.shard = $1 AND r.holder_id = $2 AND r.at >= $3
         GROUP BY r.at, r.purpose, r.staff_id, s.role, o.name ORDER BY r.at DESC LIMIT $4",
    )
    .bind(holder.shard())
    .bind(holder)
    .bind(since.0)
    .bind(i64::from(limit))
    .all(connection)
    .await?;
    let read = |row: &Row| {
        Ok(RecordRead {
            at: Micros(row.get("at")?),
            role: row.get("role")?,
            station: row.get("station")?,
            purpose: row.get("purpose")?,
        })
    };
    rows.iter().map(read).collect()
}
