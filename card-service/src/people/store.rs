//! The tables staff, sign_in and session.

use card_schema::clock::Micros;
use card_schema::ids::Shard;
use uuid::Uuid;

use super::factor::store::is_on;
use super::member::model::State;
use super::model::{Owed, SignedInBy, Staff, StaffId, StaffRole};
use crate::db::{Connection, DbError, Row, Tx, columns, query};
use crate::evidence::{ActionKind, Change, tables};

/// A session's row.
#[derive(Clone, Debug)]
pub struct Session {
    /// Whose it is.
    pub staff: Staff,
    /// Whether they may work.
    pub works: bool,
    /// What has to be done in it before anything else.
    pub owed: Option<Owed>,
    /// When a request was last seen, to the minute.
    pub last_seen_at: Micros,
    /// When it ends whatever happens.
    pub expires_at: Micros,
}

/// A member of staff by sign-in name, with the hash of the password and whether they may work.
pub async fn by_name(connection: &mut Connection, name: &str) -> Result<Option<(Staff, String, bool)>, DbError> {
    let row = query(
        "SELECT s.staff_id, s.name, s.role, s.password_hash, p.state
         FROM staff s LEFT JOIN staff_post p USING (staff_id) WHERE s.name = $1",
    )
    .bind(name)
    .optional(connection)
    .await?;
    row.map(|row| Ok((staff(&row)?, row.get("password_hash")?, works(&row)?))).transpose()
}

/// Whether anybody can sign in yet.
pub async fn any(connection: &mut Connection) -> Result<bool, DbError> {
    let any: Option<i64> = query("SELECT leaf FROM staff LIMIT 1").scalar(connection).await?;
    Ok(any.is_some())
}

/// Begins a session.
pub async fn begin_session(
    tx: &mut Tx,
    at: Micros,
    token_hash: [u8; 32],
    who: StaffId,
    expires: Micros,
    by: SignedInBy,
) -> Result<(), DbError> {
    query("DELETE FROM session WHERE expires_at <= $1").bind(at.0).execute(tx.conn()).await?;
    query(
        "INSERT INTO session (token_hash, staff_id, created_at, last_seen_at, expires_at, signed_in_by)
         VALUES ($1, $2, $3, $3, $4, $5)",
    )
    .bind(token_hash)
    .bind(who.0)
    .bind(at.0)
    .bind(expires.0)
    .bind(by.number())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes that a code was shown in a session.
pub async fn prove_session(tx: &mut Tx, token_hash: [u8; 32]) -> Result<(), DbError> {
    query("UPDATE session SET signed_in_by = $1 WHERE token_hash = $2")
        .bind(SignedInBy::Code.number())
        .bind(token_hash)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Records that somebody signed in.
pub async fn signed_in(tx: &mut Tx, at: Micros, who: StaffId) -> Result<(), DbError> {
    record_sign_in(tx, at, who, true).await
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
        "SELECT s.last_seen_at, s.expires_at, s.signed_in_by, w.staff_id, w.name, w.role, p.state, p.password_given,
             f.state AS factor
         FROM session s JOIN staff w USING (staff_id) LEFT JOIN staff_post p USING (staff_id)
             LEFT JOIN second_factor f ON f.staff_id = s.staff_id
         WHERE s.token_hash = $1",
    )
    .bind(token_hash)
    .optional(connection)
    .await?;
    row.map(|row| {
        let staff = staff(&row)?;
        let given = row.get::<Option<i64>>("password_given")?.is_some_and(|given| given != 0);
        let factor = is_on(row.get::<Option<String>>("factor")?.as_deref());
        let by =
            SignedInBy::from_number(row.get("signed_in_by")?).ok_or(DbError::Unreadable("session.signed_in_by"))?;
        Ok(Session {
            owed: Owed::of(staff.role, given, factor, by),
            staff,
            works: works(&row)?,
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

/// Ends every session of somebody but one.
pub async fn end_other_sessions(tx: &mut Tx, who: StaffId, kept: [u8; 32]) -> Result<(), DbError> {
    query("DELETE FROM session WHERE staff_id = $1 AND token_hash <> $2")
        .bind(who.0)
        .bind(kept)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Of somebody without a post nothing was ever said: they work.
fn works(row: &Row) -> Result<bool, DbError> {
    let state: Option<String> = row.get("state")?;
    Ok(state.is_none_or(|state| state == State::Working.name()))
}

pub(super) fn staff(row: &Row) -> Result<Staff, DbError> {
    Ok(Staff {
        staff_id: StaffId(Uuid::from_bytes(columns::bytes(row, "staff_id")?)),
        name: row.get("name")?,
        role: StaffRole::from_name(row.get("role")?).ok_or(DbError::Unreadable("staff.role"))?,
    })
}
