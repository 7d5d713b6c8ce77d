//! The tables second_factor, second_factor_use and recovery_code.

use card_schema::clock::Micros;
use card_schema::ids::Shard;

use super::rules::Tried;
use crate::db::{Connection, DbError, Tx, query};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

const ON: &str = "on";
const WAITING: &str = "waiting";

/// Somebody's second factor.
#[derive(Clone, Debug)]
pub struct Factor {
    /// Whether codes are asked for; otherwise it waits for its first one.
    pub on: bool,
    /// Since when.
    pub changed_at: Micros,
    /// The secret, sealed.
    pub sealed: Vec<u8>,
}

/// Whether a stored state means that codes are asked for.
pub(in crate::people) fn is_on(state: Option<&str>) -> bool {
    state == Some(ON)
}

/// Somebody's second factor.
pub async fn one(connection: &mut Connection, who: StaffId) -> Result<Option<Factor>, DbError> {
    let row = query("SELECT state, changed_at, sealed FROM second_factor WHERE staff_id = $1")
        .bind(who.0)
        .optional(connection)
        .await?;
    row.map(|row| {
        let state: String = row.get("state")?;
        Ok(Factor { on: is_on(Some(&state)), changed_at: Micros(row.get("changed_at")?), sealed: row.get("sealed")? })
    })
    .transpose()
}

async fn begin(tx: &mut Tx, who: StaffId) -> Result<Change, DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    change.touch(tx, &tables::SECOND_FACTOR, vec![who.0.as_bytes()[..].into()]).await?;
    Ok(change)
}

/// Keeps somebody's second factor as it is now.
pub async fn put(tx: &mut Tx, at: Micros, who: StaffId, factor: &Factor) -> Result<(), DbError> {
    let change = begin(tx, who).await?;
    query(
        "INSERT INTO second_factor (staff_id, state, changed_at, sealed, leaf) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (staff_id) DO UPDATE SET state = excluded.state, changed_at = excluded.changed_at,
             sealed = excluded.sealed, leaf = excluded.leaf",
    )
    .bind(who.0)
    .bind(if factor.on { ON } else { WAITING })
    .bind(factor.changed_at.0)
    .bind(factor.sealed.clone())
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::SecondFactorChanged).await
}

/// Takes somebody's second factor away, and what came of its codes.
pub async fn remove(tx: &mut Tx, at: Micros, who: StaffId) -> Result<(), DbError> {
    let change = begin(tx, who).await?;
    for delete in [
        "DELETE FROM second_factor WHERE staff_id = $1",
        "DELETE FROM second_factor_use WHERE staff_id = $1",
        "DELETE FROM recovery_code WHERE staff_id = $1",
    ] {
        query(delete).bind(who.0).execute(tx.conn()).await?;
    }
    change.record(tx, at, ActionKind::SecondFactorChanged).await
}

/// What came of somebody's codes so far.
pub async fn tried(connection: &mut Connection, who: StaffId) -> Result<Tried, DbError> {
    let row = query("SELECT step, wrong, wait_until FROM second_factor_use WHERE staff_id = $1")
        .bind(who.0)
        .optional(connection)
        .await?;
    row.map_or(Ok(Tried::default()), |row| {
        Ok(Tried { step: row.get("step")?, wrong: row.get("wrong")?, wait_until: Micros(row.get("wait_until")?) })
    })
}

/// Keeps what came of somebody's codes.
pub async fn put_tried(tx: &mut Tx, who: StaffId, tried: Tried) -> Result<(), DbError> {
    query(
        "INSERT INTO second_factor_use (staff_id, step, wrong, wait_until) VALUES ($1, $2, $3, $4)
         ON CONFLICT (staff_id) DO UPDATE SET step = excluded.step, wrong = excluded.wrong,
             wait_until = excluded.wait_until",
    )
    .bind(who.0)
    .bind(tried.step)
    .bind(tried.wrong)
    .bind(tried.wait_until.0)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Puts these in the place of the recovery codes that somebody had.
pub async fn put_recovery_codes(tx: &mut Tx, who: StaffId, hashes: &[[u8; 32]]) -> Result<(), DbError> {
    query("DELETE FROM recovery_code WHERE staff_id = $1").bind(who.0).execute(tx.conn()).await?;
    for hash in hashes {
        query("INSERT INTO recovery_code (code_hash, staff_id) VALUES ($1, $2)")
            .bind(*hash)
            .bind(who.0)
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

/// Uses a recovery code up. False where there is none such.
pub async fn take_recovery_code(tx: &mut Tx, hash: [u8; 32]) -> Result<bool, DbError> {
    Ok(query("DELETE FROM recovery_code WHERE code_hash = $1").bind(hash).execute(tx.conn()).await? > 0)
}

/// How many recovery codes somebody has left.
pub async fn recovery_codes(connection: &mut Connection, who: StaffId) -> Result<i64, DbError> {
    query("SELECT COUNT(*) FROM recovery_code WHERE staff_id = $1").bind(who.0).scalar_one(connection).await
}
