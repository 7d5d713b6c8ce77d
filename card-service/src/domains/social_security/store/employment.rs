//! The table employment.

use std::collections::BTreeMap;

use card_schema::clock::Micros;
use card_schema::ids::{HolderId, OrganisationId, Shard};
use card_schema::month::Month;

use super::month;
use crate::db::{Connection, DbError, Row, Rows, Tx, columns, insert, query};
use crate::domains::social_security::employment::Employment;
use crate::domains::social_security::filing::Mark;
use crate::domains::social_security::model::Household;
use crate::evidence::tables::{self, Value};
use crate::evidence::{self, Action, ActionKind, Change, RowImage};
use crate::people::StaffId;

/// An employment with whose it is, and by what its employer calls them.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Whose.
    pub holder: HolderId,
    /// See [`Employment`].
    pub employment: Employment,
    /// Of the number.
    pub number: Mark,
    /// Of the name.
    pub name: Mark,
}

const COLUMNS: &str =
    "e.holder_id, e.organisation_id, e.from_month, e.until_month, e.household, e.number_mark, e.name_mark";

fn found(row: &Row) -> Result<Found, DbError> {
    let household: &str = row.get("household")?;
    Ok(Found {
        holder: HolderId::from_bytes(columns::bytes(row, "holder_id")?),
        employment: Employment {
            employer: OrganisationId::from_bytes(columns::bytes(row, "organisation_id")?),
            from: month(row.get("from_month")?)?,
            until: row.get::<Option<i64>>("until_month")?.map(month).transpose()?,
            household: Household::from_name(household).ok_or(DbError::Unreadable("employment.household"))?,
        },
        number: Mark(columns::bytes(row, "number_mark")?),
        name: Mark(columns::bytes(row, "name_mark")?),
    })
}

/// Every employment of a holder, the newest first.
pub async fn of_holder(connection: &mut Connection, holder: HolderId) -> Result<Vec<Found>, DbError> {
    let rows = query(format!(
        "SELECT {COLUMNS} FROM employment e WHERE e.shard = $1 AND e.holder_id = $2 ORDER BY e.from_month DESC"
    ));
    rows.bind(holder.shard()).bind(holder).all(connection).await?.iter().map(found).collect()
}

/// Those of an employer's employments whose number is one of these.
pub async fn by_numbers(
    connection: &mut Connection,
    employer: OrganisationId,
    numbers: impl Iterator<Item = Mark>,
) -> Result<Vec<Found>, DbError> {
    let wanted = Rows::new().bytes("mark", numbers.map(|mark| mark.0));
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let rows = query(format!(
        "SELECT {COLUMNS} FROM {{wanted}} CROSS JOIN employment e
         WHERE e.organisation_id = $1 AND e.number_mark = wanted.mark"
    ));
    rows.bind(employer).set("wanted", wanted).all(connection).await?.iter().map(found).collect()
}

/// How many people an employer insures in a month.
pub async fn insured(connection: &mut Connection, employer: OrganisationId, month: Month) -> Result<i64, DbError> {
    let count = query(
        "SELECT COUNT(*) AS n FROM employment
         WHERE organisation_id = $1 AND from_month <= $2 AND (until_month IS NULL OR until_month >= $2)",
    );
    count.bind(employer).bind(month.first().days()).scalar_one(connection).await
}

/// Every employment of some holders.
pub async fn of_holders(
    connection: &mut Connection,
    holders: impl Iterator<Item = HolderId> + Clone,
) -> Result<Vec<Found>, DbError> {
    let wanted = Rows::new()
        .ints("shard", holders.clone().map(|holder| i64::from(holder.shard().0)))
        .bytes("holder_id", holders.map(|holder| *holder.as_bytes()));
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let rows = query(format!(
        "SELECT {COLUMNS} FROM {{wanted}} CROSS JOIN employment e
         WHERE e.shard = wanted.shard AND e.holder_id = wanted.holder_id"
    ));
    rows.set("wanted", wanted).all(connection).await?.iter().map(found).collect()
}

/// Writes employments that are new, in a transaction that has locked their shards. One leaf a shard speaks for all in it: they are pictured
/// in memory, because they may be many.
pub async fn add(tx: &mut Tx, at: Micros, by: StaffId, new: &[Found]) -> Result<(), DbError> {
    let mut by_shard: BTreeMap<Shard, Vec<&Found>> = BTreeMap::new();
    for found in new {
        by_shard.entry(found.holder.shard()).or_default().push(found);
    }
    let leaves: Vec<_> = by_shard.keys().map(|shard| evidence::reserve(tx, *shard)).collect();
    let actions = leaves.iter().zip(&by_shard).map(|(leaf, (shard, of_shard))| {
        let images = of_shard.iter().map(|found| image(found, at, by, leaf.leaf_id)).collect();
        (*leaf, Action::new(*shard, ActionKind::EmploymentChanged, images))
    });
    evidence::append_reserved(tx, at, actions.collect()).await?;
    let each =
        || by_shard.values().zip(&leaves).flat_map(|(of_shard, leaf)| of_shard.iter().map(move |found| (*found, leaf)));
    let until = |of: &Employment| of.until.map(|until| until.first().days());
    let rows = Rows::new()
        .ints("shard", each().map(|(found, _)| i64::from(found.holder.shard().0)))
        .bytes("holder_id", each().map(|(found, _)| *found.holder.as_bytes()))
        .bytes("organisation_id", each().map(|(found, _)| *found.employment.employer.as_bytes()))
        .ints("from_month", each().map(|(found, _)| found.employment.from.first().days()))
        .optional_ints("until_month", each().map(|(found, _)| until(&found.employment)))
        .texts("household", each().map(|(found, _)| found.employment.household.name()))
        .bytes("number_mark", each().map(|(found, _)| found.number.0))
        .bytes("name_mark", each().map(|(found, _)| found.name.0))
        .bytes("staff_id", each().map(|_| *by.0.as_bytes()))
        .ints("at", each().map(|_| at.0))
        .ints("leaf", each().map(|(_, leaf)| leaf.leaf_id));
    insert(tx.conn(), "employment", rows, "").await
}

/// What the leaf of an employment commits to.
fn image(found: &Found, at: Micros, by: StaffId, leaf: i64) -> RowImage {
    let Found { holder, employment, number, name } = found;
    let withheld = [
        Value::Text(employment.household.name().to_owned()),
        Value::Bytes(number.0.to_vec()),
        Value::Bytes(name.0.to_vec()),
    ];
    let mut row: Vec<Value> = vec![
        i64::from(holder.shard().0).into(),
        holder.as_bytes()[..].into(),
        employment.employer.as_bytes()[..].into(),
        employment.from.first().days().into(),
        employment.until.map_or(Value::Null, |until| Value::Int(until.first().days())),
        by.0.as_bytes()[..].into(),
        at.0.into(),
        leaf.into(),
    ];
    row.extend(tables::EMPLOYMENT.seal(&withheld));
    tables::EMPLOYMENT.image(&row)
}

/// Writes an employment that is new, or what has become of the one of this holder, employer and beginning: whoever never began may be
/// enrolled once more.
pub async fn put(tx: &mut Tx, at: Micros, by: StaffId, of: &Found) -> Result<(), DbError> {
    let Found { holder, employment, number, name } = of;
    let mut change = Change::begin(tx, holder.shard()).await?;
    let key = vec![
        i64::from(holder.shard().0).into(),
        holder.as_bytes()[..].into(),
        employment.employer.as_bytes()[..].into(),
        employment.from.first().days().into(),
    ];
    change.touch(tx, &tables::EMPLOYMENT, key).await?;
    query(
        "INSERT INTO employment (shard, holder_id, organisation_id, from_month, until_month, household, number_mark,
             name_mark, staff_id, at, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (shard, holder_id, organisation_id, from_month) DO UPDATE SET
             until_month = excluded.until_month, household = excluded.household, number_mark = excluded.number_mark,
             name_mark = excluded.name_mark, staff_id = excluded.staff_id, at = excluded.at, leaf = excluded.leaf",
    )
    .bind(holder.shard())
    .bind(*holder)
    .bind(employment.employer)
    .bind(employment.from.first().days())
    .bind(employment.until.map(|until| until.first().days()))
    .bind(employment.household.name())
    .bind(number.0)
    .bind(name.0)
    .bind(by.0)
    .bind(at.0)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::EmploymentChanged).await
}
