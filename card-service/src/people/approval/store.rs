//! The table approval.

use card_schema::clock::Micros;
use card_schema::ids::Shard;
use uuid::Uuid;

use super::model::{Request, State};
use crate::db::{Connection, DbError, Row, Rows, Tx, columns, query};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

const COLUMNS: &str = "approval_id, deed, asked_by, asked_at, expires_at, state, decided_by, decided_at, reason";

/// Keeps a request as it is now: what was asked for, or who decided.
pub async fn put(tx: &mut Tx, at: Micros, request: &Request) -> Result<(), DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    change.touch(tx, &tables::APPROVAL, vec![request.approval_id.as_bytes()[..].into()]).await?;
    query(
        "INSERT INTO approval (approval_id, deed, asked_by, asked_at, expires_at, state, decided_by, decided_at, reason,
             leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (approval_id) DO UPDATE SET state = excluded.state, decided_by = excluded.decided_by,
             decided_at = excluded.decided_at, reason = excluded.reason, leaf = excluded.leaf",
    )
    .bind(request.approval_id)
    .bind(serde_json::to_string(&request.deed).expect("ids and names serialise"))
    .bind(request.asked_by.0)
    .bind(request.asked_at.0)
    .bind(request.expires_at.0)
    .bind(request.state.name())
    .bind(request.decided.map(|(who, _)| who.0.as_bytes().to_vec()))
    .bind(request.decided.map(|(_, at)| at.0))
    .bind(request.reason.clone())
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    let is_open = request.state == State::Waiting;
    let kind = if is_open { ActionKind::ApprovalAsked } else { ActionKind::ApprovalDecided };
    change.record(tx, at, kind).await
}

/// One request.
pub async fn one(connection: &mut Connection, approval: Uuid) -> Result<Option<Request>, DbError> {
    let row = query(format!("SELECT {COLUMNS} FROM approval WHERE approval_id = $1"))
        .bind(approval)
        .optional(connection)
        .await?;
    row.as_ref().map(request).transpose()
}

/// Requests that wait for somebody, oldest first.
pub async fn waiting(connection: &mut Connection, now: Micros) -> Result<Vec<Request>, DbError> {
    let rows = query(format!(
        "SELECT {COLUMNS} FROM approval WHERE state = $1 AND expires_at > $2 ORDER BY expires_at, approval_id"
    ))
    .bind(State::Waiting.name())
    .bind(now.0)
    .all(connection)
    .await?;
    rows.iter().map(request).collect()
}

/// Members of staff and a moment, as rows of `hands`: what they did alone since.
pub(super) fn since(hands: &[StaffId], moment: Micros) -> Rows {
    Rows::new()
        .bytes("staff_id", hands.iter().map(|who| *who.0.as_bytes()))
        .ints("moment", hands.iter().map(|_| moment.0))
}

fn request(row: &Row) -> Result<Request, DbError> {
    let deed: String = row.get("deed")?;
    let decided_at: Option<i64> = row.get("decided_at")?;
    let decided_by: Option<Vec<u8>> = row.get("decided_by")?;
    let decided_by = decided_by
        .map(|bytes| bytes.try_into().map_err(|_| DbError::Unreadable("approval.decided_by")))
        .transpose()?
        .map(|bytes| StaffId(Uuid::from_bytes(bytes)));
    Ok(Request {
        approval_id: Uuid::from_bytes(columns::bytes(row, "approval_id")?),
        deed: serde_json::from_str(&deed).map_err(|_| DbError::Unreadable("approval.deed"))?,
        asked_by: StaffId(Uuid::from_bytes(columns::bytes(row, "asked_by")?)),
        asked_at: Micros(row.get("asked_at")?),
        expires_at: Micros(row.get("expires_at")?),
        state: State::from_name(row.get("state")?).ok_or(DbError::Unreadable("approval.state"))?,
        decided: decided_by.zip(decided_at.map(Micros)),
        reason: row.get("reason")?,
    })
}
