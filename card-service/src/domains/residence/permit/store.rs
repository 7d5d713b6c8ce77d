//! The tables permit and permit_act.

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::HolderId;
use uuid::Uuid;

use super::model::{Act, Permit, Stage};
use crate::db::{Connection, DbError, Row, Tx, columns, query};
use crate::domains::residence::store::deeds;
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

const COLUMNS: &str = "holder_id, permit_id, stage, applied, decide_by, counts_from, valid_until";

fn permit(row: &Row) -> Result<Permit, DbError> {
    let day = |start: i64| Date::of_utc(Micros(start));
    Ok(Permit {
        permit_id: Uuid::from_bytes(columns::bytes(row, "permit_id")?),
        stage: Stage::from_name(row.get("stage")?).ok_or(DbError::Unreadable("permit.stage"))?,
        applied: day(row.get("applied")?),
        decide_by: day(row.get("decide_by")?),
        counts_from: row.get::<Option<i64>>("counts_from")?.map(day),
        valid_until: row.get::<Option<i64>>("valid_until")?.map(day),
    })
}

/// The newest permit or application of a holder.
pub async fn current(connection: &mut Connection, holder: HolderId) -> Result<Option<Permit>, DbError> {
    let row = query(format!(
        "SELECT {COLUMNS} FROM permit WHERE shard = $1 AND holder_id = $2 ORDER BY permit_id DESC LIMIT 1"
    ))
    .bind(holder.shard())
    .bind(holder)
    .optional(connection)
    .await?;
    row.as_ref().map(permit).transpose()
}

/// One permit of a holder.
pub async fn one(connection: &mut Connection, holder: HolderId, permit_id: Uuid) -> Result<Option<Permit>, DbError> {
    let row = query(format!("SELECT {COLUMNS} FROM permit WHERE shard = $1 AND holder_id = $2 AND permit_id = $3"))
        .bind(holder.shard())
        .bind(holder)
        .bind(permit_id)
        .optional(connection)
        .await?;
    row.as_ref().map(permit).transpose()
}

/// When a permit was endorsed, oldest first.
pub async fn endorsed(connection: &mut Connection, holder: HolderId, permit_id: Uuid) -> Result<Vec<Micros>, DbError> {
    let at: Vec<i64> = query(
        "SELECT at FROM permit_act WHERE shard = $1 AND holder_id = $2 AND permit_id = $3 AND act = $4 ORDER BY leaf",
    )
    .bind(holder.shard())
    .bind(holder)
    .bind(permit_id)
    .bind(Act::Endorse.name())
    .scalars(connection)
    .await?;
    Ok(at.into_iter().map(Micros).collect())
}

/// What is done with a permit, for the record.
#[derive(Debug)]
pub(crate) struct Done {
    /// What is done.
    pub(crate) act: Act,
    /// Why, where there is something to say.
    pub(crate) reason: Option<&'static str>,
    /// What was shown, sealed.
    pub(crate) proof: Option<Vec<u8>>,
}

/// Keeps a permit as it is after something was done with it.
pub(crate) async fn put(
    tx: &mut Tx,
    at: Micros,
    by: StaffId,
    holder: HolderId,
    permit: &Permit,
    done: Done,
) -> Result<(), DbError> {
    let mut change = Change::begin(tx, holder.shard()).await?;
    let leaf = change.leaf();
    let key = || vec![i64::from(holder.shard().0).into(), holder.as_bytes()[..].into()];
    let (mut row, mut act) = (key(), key());
    row.push(permit.permit_id.as_bytes()[..].into());
    act.push(leaf.into());
    change.touch(tx, &tables::PERMIT, row).await?;
    change.touch(tx, &tables::PERMIT_ACT, act).await?;
    let day = |day: Date| day.start_utc().0;
    query(
        "INSERT INTO permit (shard, holder_id, permit_id, stage, applied, decide_by, counts_from, valid_until, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (shard, holder_id, permit_id) DO UPDATE SET stage = excluded.stage,
             counts_from = excluded.counts_from, valid_until = excluded.valid_until, leaf = excluded.leaf",
    )
    .bind(holder.shard())
    .bind(holder)
    .bind(permit.permit_id)
    .bind(permit.stage.name())
    .bind(day(permit.applied))
    .bind(day(permit.decide_by))
    .bind(permit.counts_from.map(day))
    .bind(permit.valid_until.map(day))
    .bind(leaf)
    .execute(tx.conn())
    .await?;
    query(
        "INSERT INTO permit_act (shard, holder_id, leaf, permit_id, act, at, staff_id, reason, valid_until, proof)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(holder.shard())
    .bind(holder)
    .bind(leaf)
    .bind(permit.permit_id)
    .bind(done.act.name())
    .bind(at.0)
    .bind(by.0)
    .bind(done.reason.map(str::to_owned))
    .bind(permit.valid_until.map(day))
    .bind(done.proof)
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::PermitChanged).await
}

/// What was shown last for a permit, sealed.
pub(super) async fn proof(
    connection: &mut Connection,
    holder: HolderId,
    permit: Uuid,
) -> Result<Option<Vec<u8>>, DbError> {
    query(
        "SELECT proof FROM permit_act WHERE shard = $1 AND holder_id = $2 AND permit_id = $3 AND proof IS NOT NULL
         ORDER BY leaf DESC LIMIT 1",
    )
    .bind(holder.shard())
    .bind(holder)
    .bind(permit)
    .scalar(connection)
    .await
}

/// Something that was done with a permit of a holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastAct {
    /// What it was.
    pub act: Act,
    /// When.
    pub at: Micros,
    /// Who did it: the name to sign in with.
    pub staff: String,
    /// Why: a word of a list.
    pub reason: Option<String>,
    /// Until when the permit was in force after it.
    pub valid_until: Option<Date>,
}

/// What was done with the permits of a holder, newest first.
pub async fn acts(connection: &mut Connection, holder: HolderId, limit: u32) -> Result<Vec<PastAct>, DbError> {
    let rows = deeds(connection, ("permit_act", "a.act, a.reason, a.valid_until"), holder, limit).await?;
    let act = |row: &Row| {
        Ok(PastAct {
            act: Act::from_name(row.get("act")?).ok_or(DbError::Unreadable("permit_act.act"))?,
            at: Micros(row.get("at")?),
            staff: row.get("name")?,
            reason: row.get("reason")?,
            valid_until: row.get::<Option<i64>>("valid_until")?.map(|start| Date::of_utc(Micros(start))),
        })
    };
    rows.iter().map(act).collect()
}

/// Which permits somebody has to look after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    /// To be decided, the most urgent first.
    Decisions,
    /// To be handed over, the oldest first.
    Handovers,
    /// Terms that end from a day up to another, the first to end first.
    Ending(Date, Date),
    /// Terms that ended before a day, the last to end first.
    Ended(Date),
}

/// The permits of a list, with their holders.
pub(super) async fn pending(
    connection: &mut Connection,
    which: Pending,
    limit: u32,
) -> Result<Vec<(HolderId, Permit)>, DbError> {
    let (stage, condition, order) = match which {
        // Their terms have not begun, so that all have one `valid_until`, none: named, it makes this the index's order.
        Pending::Decisions => (Stage::Applied, "", "valid_until, applied"),
        Pending::Handovers => (Stage::Granted, "", "valid_until, applied"),
        Pending::Ending(..) => (Stage::Issued, "AND valid_until >= $3 AND valid_until <= $4", "valid_until"),
        Pending::Ended(_) => (Stage::Issued, "AND valid_until < $3", "valid_until DESC"),
    };
    let mut statement = query(format!(
        "SELECT {COLUMNS} FROM permit WHERE stage = $1 {condition} ORDER BY {order}, permit_id LIMIT $2"
    ))
    .bind(stage.name())
    .bind(i64::from(limit));
    let days: &[Date] = match &which {
        Pending::Decisions | Pending::Handovers => &[],
        Pending::Ending(from, to) => &[*from, *to],
        Pending::Ended(before) => &[*before],
    };
    for day in days {
        statement = statement.bind(day.start_utc().0);
    }
    let rows = statement.all(connection).await?;
    let line = |row: &Row| Ok((HolderId::from_bytes(columns::bytes(row, "holder_id")?), permit(row)?));
    rows.iter().map(line).collect()
}
