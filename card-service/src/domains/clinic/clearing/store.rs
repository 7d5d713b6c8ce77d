//! The table clinic_clearing, and the bills of a clinic's month.

use card_schema::clock::Micros;
use card_schema::ids::{OrganisationId, Shard};
use card_schema::money::Fen;
use card_schema::month::Month;

use super::model::{Cleared, Sums};
use crate::db::{Connection, DbError, Row, Tx, columns, query};
use crate::domains::clinic::model::Claim;
use crate::domains::clinic::store::claim;
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

/// Every bill that a clinic's holders have settled in a month, those that were taken back among them.
pub async fn of_month(
    connection: &mut Connection,
    clinic: OrganisationId,
    month: Month,
) -> Result<Vec<Claim>, DbError> {
    claim::settled_within(connection, clinic, month.span()).await
}

fn cleared(row: &Row) -> Result<Cleared, DbError> {
    Ok(Cleared {
        sums: Sums {
            count: columns::number(row, "bills")?,
            total: Fen(row.get("total")?),
            fund: Fen(row.get("fund")?),
            account: Fen(row.get("account")?),
        },
        at: Micros(row.get("at")?),
        by: StaffId(uuid::Uuid::from_bytes(columns::bytes(row, "staff_id")?)),
    })
}

/// A month of a clinic, if it was paid out.
pub async fn one(
    connection: &mut Connection,
    clinic: OrganisationId,
    month: Month,
) -> Result<Option<Cleared>, DbError> {
    let row = query(
        "SELECT bills, total, fund, account, at, staff_id FROM clinic_clearing WHERE organisation_id = $1 AND month = $2",
    );
    let row = row.bind(clinic).bind(month.first().days()).optional(connection).await?;
    row.as_ref().map(cleared).transpose()
}

/// Writes that a month was paid out.
pub async fn put(tx: &mut Tx, clinic: OrganisationId, month: Month, cleared: &Cleared) -> Result<(), DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    let key = vec![clinic.as_bytes()[..].into(), month.first().days().into()];
    change.touch(tx, &tables::CLINIC_CLEARING, key).await?;
    let span = month.span();
    query(
        "INSERT INTO clinic_clearing (organisation_id, month, from_at, until_at, bills, total, fund, account, at, staff_id,
             leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(clinic)
    .bind(month.first().days())
    .bind(span.start.0)
    .bind(span.end.0)
    .bind(i64::from(cleared.sums.count))
    .bind(cleared.sums.total.0)
    .bind(cleared.sums.fund.0)
    .bind(cleared.sums.account.0)
    .bind(cleared.at.0)
    .bind(cleared.by.0)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, cleared.at, ActionKind::ClaimsCleared).await
}
