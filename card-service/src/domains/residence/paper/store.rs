//! The table paper_act: what was done with papers. Rows are only added.

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::envelope::paper::PaperKind;
use card_schema::ids::{HolderId, PaperNumber};
use uuid::Uuid;

use super::model::{Act, Issued};
use crate::db::{Connection, DbError, Row, Tx, columns, query};
use crate::domains::residence::store::deeds;
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

const SELECT: &str =
    "SELECT number, leaf, holder_id, kind, act, at, staff_id, reason, valid_until, permit_id FROM paper_act";

/// A paper that is about to be issued.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewPaper {
    /// The number that was drawn for it.
    pub(crate) number: PaperNumber,
    /// What it is.
    pub(crate) kind: PaperKind,
    /// The last day on which it is valid.
    pub(crate) valid_until: Date,
    /// The residence permit that it shows.
    pub(crate) permit: Option<Uuid>,
}

/// Issues a paper.
pub(crate) async fn issue(
    tx: &mut Tx,
    at: Micros,
    by: StaffId,
    holder: HolderId,
    paper: NewPaper,
) -> Result<(), DbError> {
    put(tx, at, by, holder, paper, (Act::Issued, None)).await
}

/// Withdraws a paper.
pub(crate) async fn withdraw(
    tx: &mut Tx,
    at: Micros,
    by: StaffId,
    paper: &Issued,
    reason: &'static str,
) -> Result<(), DbError> {
    let &Issued { number, kind, valid_until, permit, .. } = paper;
    let same = NewPaper { number, kind, valid_until, permit };
    put(tx, at, by, paper.holder, same, (Act::Withdrawn, Some(reason))).await
}

async fn put(
    tx: &mut Tx,
    at: Micros,
    by: StaffId,
    holder: HolderId,
    paper: NewPaper,
    (act, reason): (Act, Option<&'static str>),
) -> Result<(), DbError> {
    let mut change = Change::begin(tx, holder.shard()).await?;
    let key = vec![i64::from(holder.shard().0).into(), paper.number.0[..].into(), change.leaf().into()];
    change.touch(tx, &tables::PAPER_ACT, key).await?;
    query(
        "INSERT INTO paper_act (shard, number, leaf, holder_id, kind, act, at, staff_id, reason, valid_until, permit_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(holder.shard())
    .bind(paper.number.0)
    .bind(change.leaf())
    .bind(holder)
    .bind(paper.kind.name())
    .bind(act.name())
    .bind(at.0)
    .bind(by.0)
    .bind(reason.map(str::to_owned))
    .bind(paper.valid_until.start_utc().0)
    .bind(paper.permit.map(|permit| permit.as_bytes().to_vec()))
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::PaperChanged).await
}

/// The paper with a number.
pub async fn one(connection: &mut Connection, number: PaperNumber) -> Result<Option<Issued>, DbError> {
    let rows = query(format!("{SELECT} WHERE shard = $1 AND number = $2 ORDER BY leaf"))
        .bind(number.shard())
        .bind(number.0)
        .all(connection)
        .await?;
    Ok(papers(&rows)?.pop())
}

/// The papers of a holder, newest first.
pub async fn of_holder(connection: &mut Connection, holder: HolderId) -> Result<Vec<Issued>, DbError> {
    let rows = query(format!("{SELECT} WHERE shard = $1 AND holder_id = $2 ORDER BY leaf"))
        .bind(holder.shard())
        .bind(holder)
        .all(connection)
        .await?;
    let mut found = papers(&rows)?;
    found.reverse();
    Ok(found)
}

/// Something that was done with a paper of a holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastAct {
    /// What the paper is.
    pub kind: PaperKind,
    /// What was done with it.
    pub act: Act,
    /// When.
    pub at: Micros,
    /// Who did it: the name to sign in with.
    pub staff: String,
    /// Why: a word of a list.
    pub reason: Option<String>,
}

/// What was done with the papers of a holder, newest first.
pub async fn history(connection: &mut Connection, holder: HolderId, limit: u32) -> Result<Vec<PastAct>, DbError> {
    let rows = deeds(connection, ("paper_act", "a.kind, a.act, a.reason"), holder, limit).await?;
    let past = |row: &Row| {
        Ok(PastAct {
            kind: PaperKind::from_name(row.get("kind")?).ok_or(DbError::Unreadable("paper_act.kind"))?,
            act: Act::from_name(row.get("act")?).ok_or(DbError::Unreadable("paper_act.act"))?,
            at: Micros(row.get("at")?),
            staff: row.get("name")?,
            reason: row.get("reason")?,
        })
    };
    rows.iter().map(past).collect()
}

/// Papers from what was done with them, oldest first.
fn papers(rows: &[Row]) -> Result<Vec<Issued>, DbError> {
    let mut found: Vec<Issued> = Vec::new();
    for row in rows {
        let number = PaperNumber(columns::bytes(row, "number")?);
        let at = Micros(row.get("at")?);
        match Act::from_name(row.get("act")?).ok_or(DbError::Unreadable("paper_act.act"))? {
            Act::Issued => {
                let permit: Option<&[u8]> = row.get("permit_id")?;
                let permit = permit.map(Uuid::from_slice).transpose();
                found.push(Issued {
                    number,
                    kind: PaperKind::from_name(row.get("kind")?).ok_or(DbError::Unreadable("paper_act.kind"))?,
                    holder: HolderId::from_bytes(columns::bytes(row, "holder_id")?),
                    at,
                    leaf: row.get("leaf")?,
                    by: StaffId(Uuid::from_bytes(columns::bytes(row, "staff_id")?)),
                    valid_until: Date::of_utc(Micros(row.get("valid_until")?)),
                    permit: permit.map_err(|_| DbError::Unreadable("paper_act.permit_id"))?,
                    withdrawn: None,
                });
            }
            Act::Withdrawn => {
                let reason: Option<String> = row.get("reason")?;
                if let Some(paper) = found.iter_mut().find(|paper| paper.number == number) {
                    paper.withdrawn = Some((at, reason.unwrap_or_default()));
                }
            }
        }
    }
    Ok(found)
}
