//! The table household_member.

use card_schema::clock::Micros;
use card_schema::ids::HolderId;
use uuid::Uuid;

use super::model::{HouseholdId, Membership};
use crate::db::{Connection, DbError, Row, Tx, columns, query};
use crate::domains::residence::Meanwhile;
use crate::domains::residence::house::model::HouseId;
use crate::domains::residence::model::{ChangeReason, Field};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

fn membership(row: &Row) -> Result<Membership, DbError> {
    Ok(Membership {
        record: HolderId::from_bytes(columns::bytes(row, "holder_id")?),
        opened: row.get("opened")?,
        household: HouseholdId(Uuid::from_bytes(columns::bytes(row, "household_id")?)),
        since: Micros(row.get("since")?),
        until: row.get::<Option<i64>>("until")?.map(Micros),
        sealed: row.get("sealed")?,
    })
}

/// To which household a record belongs.
pub(crate) async fn current(connection: &mut Connection, record: HolderId) -> Result<Option<Membership>, DbError> {
    let row = query(
        "SELECT holder_id, opened, household_id, since, until, sealed FROM household_member
         WHERE shard = $1 AND holder_id = $2 AND until IS NULL",
    )
    .bind(record.shard())
    .bind(record)
    .optional(connection)
    .await?;
    row.as_ref().map(membership).transpose()
}

/// To which households a record belonged before, and how, newest first. What was wrong from the beginning never was.
pub(super) async fn earlier(connection: &mut Connection, record: HolderId) -> Result<Vec<Membership>, DbError> {
    let rows = query(
        "SELECT holder_id, opened, household_id, since, until, sealed FROM household_member
         WHERE shard = $1 AND holder_id = $2 AND ended = $3 ORDER BY opened DESC",
    )
    .bind(record.shard())
    .bind(record)
    .bind(ChangeReason::Changed.name())
    .all(connection)
    .await?;
    rows.iter().map(membership).collect()
}

/// The records that belong to a household, the oldest membership first.
pub(super) async fn members(connection: &mut Connection, household: HouseholdId) -> Result<Vec<Membership>, DbError> {
    let rows = query(
        "SELECT holder_id, opened, household_id, since, until, sealed FROM household_member
         WHERE household_id = $1 AND until IS NULL ORDER BY since, holder_id",
    )
    .bind(household.0)
    .all(connection)
    .await?;
    rows.iter().map(membership).collect()
}

/// A record of somebody who lives in a house, with the key that opens it and the room, both as they are stored.
#[derive(Debug)]
pub(super) struct Neighbour {
    pub(super) record: HolderId,
    pub(super) wrapped_key: Vec<u8>,
    pub(super) room: Option<Vec<u8>>,
}

/// Who lives in a house on a day, up to a number of them.
pub(super) async fn neighbours(
    connection: &mut Connection,
    house: HouseId,
    day: Micros,
    most: u32,
) -> Result<Vec<Neighbour>, DbError> {
    let rows = query(
        "SELECT r.holder_id, k.wrapped, f.sealed FROM home r
         JOIN person_key k ON k.shard = r.shard AND k.holder_id = r.holder_id
         LEFT JOIN person_fact f ON f.shard = r.shard AND f.holder_id = r.holder_id AND f.field = $3
         WHERE r.house_id = $1 AND r.ended IS NULL AND (r.until IS NULL OR r.until > $2) LIMIT $4",
    )
    .bind(house.0)
    .bind(day.0)
    .bind(Field::Room.number())
    .bind(i64::from(most))
    .all(connection)
    .await?;
    let neighbour = |row: &Row| {
        Ok(Neighbour {
            record: HolderId::from_bytes(columns::bytes(row, "holder_id")?),
            wrapped_key: row.get("wrapped")?,
            room: row.get("sealed")?,
        })
    };
    rows.iter().map(neighbour).collect()
}

/// What becomes of a record's membership.
#[derive(Clone, Debug)]
pub(crate) struct Becomes {
    /// The membership that ends, by the leaf that opened it, and why.
    pub(crate) ends: Option<(i64, ChangeReason)>,
    /// The household and the relationship, sealed, that begin, since when.
    pub(crate) begins: Option<(HouseholdId, Vec<u8>, Micros)>,
}

/// Ends a record's membership, begins another, or both.
pub(crate) async fn put(
    tx: &mut Tx,
    at: Micros,
    by: StaffId,
    record: HolderId,
    becomes: Becomes,
) -> Result<(), DbError> {
    let mut change = Change::begin(tx, record.shard()).await?;
    let leaf = change.leaf();
    let key = |opened: i64| vec![i64::from(record.shard().0).into(), record.as_bytes()[..].into(), opened.into()];
    if let Some((opened, reason)) = becomes.ends {
        change.touch(tx, &tables::HOUSEHOLD_MEMBER, key(opened)).await?;
        query(
            "UPDATE household_member SET until = $1, ended = $2, ended_by = $3, leaf = $4
             WHERE shard = $5 AND holder_id = $6 AND opened = $7",
        )
        .bind(at.0)
        .bind(reason.name())
        .bind(by.0)
        .bind(leaf)
        .bind(record.shard())
        .bind(record)
        .bind(opened)
        .execute(tx.conn())
        .await?;
    }
    if let Some((household, sealed, since)) = becomes.begins {
        change.touch(tx, &tables::HOUSEHOLD_MEMBER, key(leaf)).await?;
        query(
            "INSERT INTO household_member (shard, holder_id, opened, household_id, since, sealed, opened_by, leaf)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(record.shard())
        .bind(record)
        .bind(leaf)
        .bind(household.0)
        .bind(since.0)
        .bind(sealed)
        .bind(by.0)
        .bind(leaf)
        .execute(tx.conn())
        .await?;
    }
    change.record(tx, at, ActionKind::HouseholdChanged).await
}

/// The newest change of a record's membership.
pub(super) async fn newest_change(connection: &mut Connection, record: HolderId) -> Result<Option<Meanwhile>, DbError> {
    let row = query(
        "SELECT m.leaf, COALESCE(m.until, m.since) AS at, s.name FROM household_member m
         JOIN staff s ON s.staff_id = COALESCE(m.ended_by, m.opened_by)
         WHERE m.shard = $1 AND m.holder_id = $2 ORDER BY m.leaf DESC, m.opened DESC LIMIT 1",
    )
    .bind(record.shard())
    .bind(record)
    .optional(connection)
    .await?;
    let newest =
        |row: Row| Ok(Meanwhile { leaf: row.get("leaf")?, at: Micros(row.get("at")?), staff: row.get("name")? });
    row.map(newest).transpose()
}

/// What was done with a record's membership, newest first: when, by whom (the name to sign in with), and why one ended.
pub(crate) async fn history(
    connection: &mut Connection,
    record: HolderId,
    limit: u32,
) -> Result<Vec<(Micros, String, Option<ChangeReason>)>, DbError> {
    let rows = query(
        "SELECT m.since AS at, s.name, NULL AS reason, m.opened AS place FROM household_member m
         JOIN staff s ON s.staff_id = m.opened_by WHERE m.shard = $1 AND m.holder_id = $2
         UNION ALL
         SELECT m.until, s.name, m.ended, m.leaf FROM household_member m
         JOIN staff s ON s.staff_id = m.ended_by WHERE m.shard = $1 AND m.holder_id = $2
         ORDER BY place DESC LIMIT $3",
    )
    .bind(record.shard())
    .bind(record)
    .bind(i64::from(limit))
    .all(connection)
    .await?;
    let act = |row: &Row| {
        let reason: Option<String> = row.get("reason")?;
        let reason =
            reason.map(|name| ChangeReason::from_name(&name).ok_or(DbError::Unreadable("household_member.ended")));
        Ok((Micros(row.get("at")?), row.get("name")?, reason.transpose()?))
    };
    rows.iter().map(act).collect()
}
