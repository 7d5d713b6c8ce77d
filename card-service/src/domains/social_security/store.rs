//! The tables of social security: employers that take part (here), whom they insure, what they declare, what has arrived, and
//! what holders say against it.

pub mod declaration;
pub mod dispute;
pub mod employment;
pub mod receipt;

use std::collections::HashMap;

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::{OrganisationId, Shard};
use card_schema::month::Month;

use crate::db::{Connection, DbError, Row, Tx, columns, query};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

/// The class of risk of an employer; none where it does not take part.
pub async fn risk(connection: &mut Connection, employer: OrganisationId) -> Result<Option<u8>, DbError> {
    let row = query("SELECT risk FROM employer WHERE organisation_id = $1").bind(employer).optional(connection).await?;
    row.map(|row| columns::number(&row, "risk")).transpose()
}

/// The classes of risk of all that take part.
pub async fn risks(connection: &mut Connection) -> Result<HashMap<OrganisationId, u8>, DbError> {
    let rows = query("SELECT organisation_id, risk FROM employer").all(connection).await?;
    let of = |row: &Row| {
        let employer = OrganisationId::from_bytes(columns::bytes(row, "organisation_id")?);
        Ok((employer, columns::number(row, "risk")?))
    };
    rows.iter().map(of).collect()
}

/// Lets an employer take part, or gives it another class of risk.
pub async fn put(tx: &mut Tx, at: Micros, by: StaffId, employer: OrganisationId, risk: u8) -> Result<(), DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    change.touch(tx, &tables::EMPLOYER, vec![employer.as_bytes()[..].into()]).await?;
    query(
        "INSERT INTO employer (organisation_id, risk, staff_id, leaf) VALUES ($1, $2, $3, $4)
         ON CONFLICT (organisation_id) DO UPDATE SET risk = excluded.risk, staff_id = excluded.staff_id,
             leaf = excluded.leaf",
    )
    .bind(employer)
    .bind(i64::from(risk))
    .bind(by.0)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::EmployerChanged).await
}

/// A month from its column.
fn month(days: i64) -> Result<Month, DbError> {
    Date::from_days(days).map(Month::of).ok_or(DbError::Unreadable("a month"))
}
