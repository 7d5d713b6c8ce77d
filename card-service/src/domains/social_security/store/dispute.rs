//! The table contribution_dispute.

use card_schema::clock::Micros;
use card_schema::ids::{HolderId, OrganisationId, TapId};
use card_schema::wire::insurance::{Answered, DisputeAnswer};

use super::month;
use crate::db::{Connection, DbError, Row, Tx, columns, query};
use crate::domains::social_security::dispute::Dispute;
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

const COLUMNS: &str = "tap_id, holder_id, organisation_id, month, at, answer, answered_at";

fn dispute(row: &Row) -> Result<Dispute, DbError> {
    let answer: Option<&str> = row.get("answer")?;
    let answer = answer.map(|name| DisputeAnswer::from_name(name).ok_or(DbError::Unreadable("dispute.answer")));
    let at: Option<i64> = row.get("answered_at")?;
    Ok(Dispute {
        tap: TapId(columns::bytes(row, "tap_id")?),
        holder: HolderId::from_bytes(columns::bytes(row, "holder_id")?),
        employer: OrganisationId::from_bytes(columns::bytes(row, "organisation_id")?),
        month: month(row.get("month")?)?,
        at: Micros(row.get("at")?),
        answered: answer.transpose()?.zip(at).map(|(answer, at)| Answered { at: Micros(at), answer }),
    })
}

/// Every dispute of a holder, the newest first.
pub async fn of_holder(connection: &mut Connection, holder: HolderId) -> Result<Vec<Dispute>, DbError> {
    let rows = query(format!(
        "SELECT {COLUMNS} FROM contribution_dispute WHERE shard = $1 AND holder_id = $2 ORDER BY at DESC, tap_id"
    ));
    rows.bind(holder.shard()).bind(holder).all(connection).await?.iter().map(dispute).collect()
}

/// Those that nobody has answered, the oldest first.
pub async fn waiting(connection: &mut Connection, limit: u32) -> Result<Vec<Dispute>, DbError> {
    let rows = query(format!(
        "SELECT {COLUMNS} FROM contribution_dispute WHERE answered_at IS NULL ORDER BY at, tap_id LIMIT $1"
    ));
    rows.bind(i64::from(limit)).all(connection).await?.iter().map(dispute).collect()
}

/// How many there are of them.
pub async fn count_waiting(connection: &mut Connection) -> Result<i64, DbError> {
    query("SELECT COUNT(*) FROM contribution_dispute WHERE answered_at IS NULL").scalar_one(connection).await
}

/// The one that was raised with a tap.
pub async fn one(connection: &mut Connection, tap: TapId) -> Result<Option<Dispute>, DbError> {
    let row = query(format!("SELECT {COLUMNS} FROM contribution_dispute WHERE tap_id = $1"));
    row.bind(tap.0).optional(connection).await?.as_ref().map(dispute).transpose()
}

/// Writes a dispute that is new, or what was answered, and by whom.
pub async fn put(tx: &mut Tx, at: Micros, of: &Dispute, by: Option<StaffId>) -> Result<(), DbError> {
    let shard = of.holder.shard();
    let mut change = Change::begin(tx, shard).await?;
    change.touch(tx, &tables::CONTRIBUTION_DISPUTE, vec![i64::from(shard.0).into(), of.tap.0[..].into()]).await?;
    query(
        "INSERT INTO contribution_dispute (shard, tap_id, holder_id, organisation_id, month, at, answer, answered_at,
             staff_id, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (shard, tap_id) DO UPDATE SET answer = excluded.answer, answered_at = excluded.answered_at,
             staff_id = excluded.staff_id, leaf = excluded.leaf",
    )
    .bind(shard)
    .bind(of.tap.0)
    .bind(of.holder)
    .bind(of.employer)
    .bind(of.month.first().days())
    .bind(of.at.0)
    .bind(of.answered.map(|answered| answered.answer.name().to_owned()))
    .bind(of.answered.map(|answered| answered.at.0))
    .bind(by.map(|by| by.0.as_bytes().to_vec()))
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    let kind = if of.answered.is_some() { ActionKind::DisputeAnswered } else { ActionKind::ContributionDisputed };
    change.record(tx, at, kind).await
}
