//! The tables staff, sign_in and session.

use card_schema::clock::Micros;
use card_schema::ids::Shard;
use uuid::Uuid;

use super::model::{Staff, StaffId, StaffRole};
use crate::db::{Connection, DbError, Row, Tx, columns, query};
use crate::evidence::{ActionKind, Change, tables};

/// A session's row.
#[derive(Clone, Debug)]
pub struct Session {
    /// Whose it is.
    pub staff: Staff,
    /// When a request was last seen, to the minute.
    pub last_seen_at: Micros,
    /// When it ends whatever happens.
    pub expires_at: Micros,
}

/// Adds a member of staff. False where the name is taken.
pub async fn insert_staff(tx: &mut Tx, at: Micros, staff: &Staff, password_hash: &str) -> Result<bool, DbError> {
    let taken: Option<i64> =
        query("SELECT leaf FROM staff WHERE name = $1").bind(&staff.name).scalar(tx.conn()).await?;
    if taken.is_some() {
        return Ok(false);
    }
    let mut change = Change::begin(tx, Shard(0)).await?;
    change.touch(tx, &tables::STAFF, vec![staff.staff_id.0.as_bytes()[..].into()]).await?;
    query("INSERT INTO staff (staff_id, name, role, password_hash, created_at, leaf) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(staff.staff_id.0)
        .bind(&staff.name)
        .bind(staff.role.name())
        .bind(password_hash)
        .bind(at.0)
        .bind(change.leaf())
        .execute(tx.conn())
        .await?;
    change.record(tx, at, ActionKind::StaffChanged).await?;
    Ok(true)
}

/// A member of staff by sign-in name, with the hash of the password.
pub async fn by_name(connection: &mut Connection, name: &str) -> Result<Option<(Staff, String)>, DbError> {
    let row = query("SELECT staff_id, name, role, password_hash FROM staff WHERE name = $1")
        .bind(name)
        .optional(connection)
        .await?;
    row.map(|row| Ok((staff(&row)?, row.get("password_hash")?))).transpose()
}

/// Whether anybody can sign in yet.
pub async fn any(connection: &mut Connection) -> Result<bool, DbError> {
    let any: Option<i64> = query("SELECT leaf FROM staff LIMIT 1").scalar(connection).await?;
    Ok(any.is_some())
}

/// Begins a session and records the sign-in.
pub async fn begin_session(
    tx: &mut Tx,
    at: Micros,
    token_hash: [u8; 32],
    who: StaffId,
    expires: Micros,
) -> Result<(), DbError> {
    record_sign_in(tx, at, who, true).await?;
    query("DELETE FROM session WHERE expires_at <= $1").bind(at.0).execute(tx.conn()).await?;
    query(
        "INSERT INTO session (token_hash, staff_id, created_at, last_seen_at, expires_at) VALUES ($1, $2, $3, $3, $4)",
    )
    .bind(token_hash)
    .bind(who.0)
    .bind(at.0)
    .bind(expires.0)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Records that a sign-in under a known name failed.
pub async fn failed_sign_in(tx: &mut Tx, at: Micros, who: StaffId) -> Result<(), DbError> {
    record_sign_in(tx, at, who, false).await
}

async fn record_sign_in(tx: &mut Tx, at: Micros, who: StaffId, succeeded: bool) -> Result<(), DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    change.touch(tx, &tables::SIGN_IN, vec![change.leaf().into()]).await?;
    query("INSERT INTO sign_in (leaf, staff_id, at, succeeded) VALUES ($1, $2, $3, $4)")
        .bind(change.leaf())
        .bind(who.0)
        .bind(at.0)
        .bind(i64::from(succeeded))
        .execute(tx.conn())
        .await?;
    change.record(tx, at, if succeeded { ActionKind::SignedIn } else { ActionKind::SignInFailed }).await
}

/// The session of a token.
pub async fn session(connection: &mut Connection, token_hash: [u8; 32]) -> Result<Option<Session>, DbError> {
    let row = query(
        "SELECT s.last_seen_at, s.expires_at, p.staff_id, p.name, p.role
         FROM session s JOIN staff p USING (staff_id) WHERE s.token_hash = $1",
    )
    .bind(token_hash)
    .optional(connection)
    .await?;
    row.map(|row| {
        Ok(Session {
            staff: staff(&row)?,
            last_seen_at: Micros(row.get("last_seen_at")?),
            expires_at: Micros(row.get("expires_at")?),
        })
    })
    .transpose()
}

/// Notes that a session is in use.
pub async fn touch_session(tx: &mut Tx, at: Micros, token_hash: [u8; 32]) -> Result<(), DbError> {
    query("UPDATE session SET last_seen_at = $1 WHERE token_hash = $2")
        .bind(at.0)
        .bind(token_hash)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Ends a session.
pub async fn end_session(tx: &mut Tx, token_hash: [u8; 32]) -> Result<(), DbError> {
    query("DELETE FROM session WHERE token_hash = $1").bind(token_hash).execute(tx.conn()).await?;
    Ok(())
}

/// Ends every session of somebody.
pub async fn end_sessions_of(tx: &mut Tx, who: StaffId) -> Result<(), DbError> {
    query("DELETE FROM session WHERE staff_id = $1").bind(who.0).execute(tx.conn()).await?;
    Ok(())
}

fn staff(row: &Row) -> Result<Staff, DbError> {
    Ok(Staff {
        staff_id: StaffId(Uuid::from_bytes(columns::bytes(row, "staff_id")?)),
        name: row.get("name")?,
        role: StaffRole::from_name(row.get("role")?).ok_or(DbError::Unreadable("staff.role"))?,
    })
}
