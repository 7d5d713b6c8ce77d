//! The table gate_credential: when a holder may pass at a site. Rows are added, and ended; gates are told of them.

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::gate::{Hours, Weekdays, Window};
use card_schema::ids::{CardId, HolderId, SiteId};
use uuid::Uuid;

use crate::db::{Connection, DbError, Row, Rows, Tx, columns, query};
use crate::domains::gate::model::{Credential, EndReason};
use crate::evidence::tables::Value;
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

const SELECT: &str =
    "SELECT credential_id, holder_id, site_id, first_day, last_day, weekdays, from_minute, until_minute, reason,
    granted_at, granted_by, ended_at, ended_by, ended_because FROM gate_credential";

fn day(row: &Row, column: &str) -> Result<Date, DbError> {
    Date::from_days(row.get(column)?).ok_or(DbError::Unreadable("gate_credential.day"))
}

fn window(row: &Row) -> Result<Window, DbError> {
    let hours = Hours::new(columns::number(row, "from_minute")?, columns::number(row, "until_minute")?);
    let days = Weekdays::from_bits(columns::number(row, "weekdays")?);
    Ok(Window {
        first: day(row, "first_day")?,
        last: day(row, "last_day")?,
        days: days.ok_or(DbError::Unreadable("gate_credential.weekdays"))?,
        hours: hours.ok_or(DbError::Unreadable("gate_credential.minute"))?,
    })
}

fn credential(row: &Row) -> Result<Credential, DbError> {
    let staff = |column: &'static str| Ok::<_, DbError>(StaffId(Uuid::from_bytes(columns::bytes(row, column)?)));
    let ended = match row.get::<Option<i64>>("ended_at")? {
        None => None,
        Some(at) => {
            let because = EndReason::from_name(row.get("ended_because")?);
            let because = because.ok_or(DbError::Unreadable("gate_credential.ended_because"))?;
            Some((Micros(at), staff("ended_by")?, because))
        }
    };
    Ok(Credential {
        id: Uuid::from_bytes(columns::bytes(row, "credential_id")?),
        holder: HolderId::from_bytes(columns::bytes(row, "holder_id")?),
        site: SiteId::from_bytes(columns::bytes(row, "site_id")?),
        window: window(row)?,
        reason: row.get("reason")?,
        granted_at: Micros(row.get("granted_at")?),
        granted_by: staff("granted_by")?,
        ended,
    })
}

/// The cards in use with which somebody may pass at a site on a day or later, in shards up to so many, in the order of their ids.
pub async fn cards(
    connection: &mut Connection,
    site: SiteId,
    day: Date,
    shards: u8,
) -> Result<Vec<(CardId, Window)>, DbError> {
    let rows = query(
        "SELECT k.card_id, c.first_day, c.last_day, c.weekdays, c.from_minute, c.until_minute
         FROM {shards} CROSS JOIN gate_credential c CROSS JOIN card k
         WHERE c.shard = shards.shard AND c.site_id = $1 AND c.ended_at IS NULL AND c.last_day >= $2
             AND k.shard = c.shard AND k.holder_id = c.holder_id AND k.state IN ('active', 'suspended')
         ORDER BY k.card_id, c.credential_id",
    )
    .bind(site)
    .bind(day.days())
    .set("shards", Rows::new().ints("shard", (0..shards).map(i64::from)))
    .all(connection)
    .await?;
    rows.iter().map(|row| Ok((CardId::from_bytes(columns::bytes(row, "card_id")?), window(row)?))).collect()
}

/// As [`cards`], of records that were ever made to point to another: whose record, and when.
pub async fn of_merged(
    connection: &mut Connection,
    site: SiteId,
    day: Date,
    shards: u8,
) -> Result<Vec<(HolderId, Window)>, DbError> {
    let rows = query(
        "SELECT DISTINCT c.credential_id, c.holder_id, c.first_day, c.last_day, c.weekdays, c.from_minute, c.until_minute
         FROM {shards} CROSS JOIN gate_credential c CROSS JOIN person_merge m
         WHERE c.shard = shards.shard AND c.site_id = $1 AND c.ended_at IS NULL AND c.last_day >= $2
             AND m.shard = c.shard AND m.holder_id = c.holder_id
         ORDER BY c.credential_id",
    )
    .bind(site)
    .bind(day.days())
    .set("shards", Rows::new().ints("shard", (0..shards).map(i64::from)))
    .all(connection)
    .await?;
    rows.iter().map(|row| Ok((HolderId::from_bytes(columns::bytes(row, "holder_id")?), window(row)?))).collect()
}

/// What was granted to a holder, newest first.
pub async fn of_holder(connection: &mut Connection, holder: HolderId) -> Result<Vec<Credential>, DbError> {
    let rows = query(format!("{SELECT} WHERE shard = $1 AND holder_id = $2 ORDER BY credential_id DESC"))
        .bind(holder.shard())
        .bind(holder)
        .all(connection)
        .await?;
    rows.iter().map(credential).collect()
}

fn key(holder: HolderId, id: Uuid) -> Vec<Value> {
    vec![i64::from(holder.shard().0).into(), holder.as_bytes()[..].into(), id.as_bytes()[..].into()]
}

/// Keeps that a holder may pass.
pub async fn insert(tx: &mut Tx, new: &Credential) -> Result<(), DbError> {
    let mut change = Change::begin(tx, new.holder.shard()).await?;
    change.touch(tx, &tables::GATE_CREDENTIAL, key(new.holder, new.id)).await?;
    query(
        "INSERT INTO gate_credential (shard, holder_id, credential_id, site_id, first_day, last_day, weekdays, from_minute,
             until_minute, reason, granted_at, granted_by, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(new.holder.shard())
    .bind(new.holder)
    .bind(new.id)
    .bind(new.site)
    .bind(new.window.first.days())
    .bind(new.window.last.days())
    .bind(i64::from(new.window.days.bits()))
    .bind(i64::from(new.window.hours.from()))
    .bind(i64::from(new.window.hours.until()))
    .bind(&new.reason)
    .bind(new.granted_at.0)
    .bind(new.granted_by.0)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, new.granted_at, ActionKind::GateCredentialChanged).await
}

/// Ends that a holder may pass.
pub async fn end(
    tx: &mut Tx,
    at: Micros,
    by: StaffId,
    credential: &Credential,
    because: EndReason,
) -> Result<(), DbError> {
    let holder = credential.holder;
    let mut change = Change::begin(tx, holder.shard()).await?;
    change.touch(tx, &tables::GATE_CREDENTIAL, key(holder, credential.id)).await?;
    query(
        "UPDATE gate_credential SET ended_at = $1, ended_by = $2, ended_because = $3, leaf = $4
         WHERE shard = $5 AND holder_id = $6 AND credential_id = $7",
    )
    .bind(at.0)
    .bind(by.0)
    .bind(because.name())
    .bind(change.leaf())
    .bind(holder.shard())
    .bind(holder)
    .bind(credential.id)
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::GateCredentialChanged).await
}
