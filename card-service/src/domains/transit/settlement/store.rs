//! What of accounts, transfers and validations a settlement is made of: sums over all shards, of which none is of one holder.

use std::collections::HashMap;
use std::ops::Range;

use card_schema::clock::Micros;
use card_schema::ids::OrganisationId;
use card_schema::money::Fen;

use super::model::{Of, Sums};
use crate::db::{Connection, DbError, Row, columns, query};
use crate::domains::transit::model::Sold;
use crate::ledger::{AccountKind, TransferKind};
use crate::people::organisation;

/// What operators are called.
pub(super) async fn operators(connection: &mut Connection) -> Result<HashMap<OrganisationId, String>, DbError> {
    let all = organisation::store::all(connection).await?;
    Ok(all.into_iter().map(|entry| (entry.organisation.organisation_id, entry.organisation.name)).collect())
}

/// What every account of taken fares holds now, and what moved on it.
pub(super) async fn moved(connection: &mut Connection, span: &Range<Micros>) -> Result<Vec<(Of, Sums)>, DbError> {
    let rows = query(
        "SELECT a.owner, f.organisation_id, f.kind, f.name, CAST(SUM(a.balance) AS BIGINT) AS balance
         FROM account a LEFT JOIN fare_group f ON f.group_id = a.owner WHERE a.kind = $1
         GROUP BY a.owner, f.organisation_id, f.kind, f.name",
    )
    .bind(AccountKind::FareTakings.number())
    .all(connection)
    .await?;
    let mut found: HashMap<[u8; 16], (Of, Sums)> = HashMap::new();
    for row in &rows {
        let sums = Sums { balance: Fen(row.get("balance")?), ..Sums::default() };
        found.insert(columns::bytes(row, "owner")?, (of(row)?, sums));
    }
    // Every transfer names two accounts, found by their keys; what a hold promises has not moved.
    let side = |account: &str, taken: &str, back: &str| {
        format!(
            "SELECT a.owner, {taken} AS taken, {back} AS back, t.kind FROM transfer t CROSS JOIN account a
             WHERE a.shard = t.shard AND a.account_id = t.{account} AND a.kind = $1 AND t.kind IN ($2, $3, $6)
                 AND t.at >= $4 AND t.at < $5 AND t.phase IN (1, 3, 6)"
        )
    };
    let rows = query(format!(
        "SELECT m.owner, CAST(SUM(m.taken) AS BIGINT) AS taken, CAST(SUM(m.back) AS BIGINT) AS back,
             CAST(SUM(CASE WHEN m.kind = $3 AND m.taken > 0 THEN 1 ELSE 0 END) AS BIGINT) AS passes
         FROM ({} UNION ALL {}) m GROUP BY m.owner",
        side("credit", "t.amount", "0"),
        side("debit", "0", "t.amount")
    ))
    .bind(AccountKind::FareTakings.number())
    .bind(TransferKind::Fare.number())
    .bind(TransferKind::Pass.number())
    .bind(span.start.0)
    .bind(span.end.0)
    .bind(TransferKind::Folded.number())
    .all(connection)
    .await?;
    for row in &rows {
        let (_, sums) = found.entry(columns::bytes(row, "owner")?).or_default();
        (sums.taken, sums.back) = (Fen(row.get("taken")?), Fen(row.get("back")?));
        sums.rides = row.get("passes")?;
    }
    Ok(found.into_values().collect())
}

fn of(row: &Row) -> Result<Of, DbError> {
    let Some(kind) = row.get::<Option<i64>>("kind")? else { return Ok(Of::default()) };
    let sold = Sold::from_parts(kind, row.get("name")?).ok_or(DbError::Unreadable("fare_group.kind"))?;
    let operator = OrganisationId::from_bytes(columns::bytes(row, "organisation_id")?);
    Ok(Of { operator: Some(operator), sold: Some(sold) })
}

/// How often cards were shown, by operator and route, by the validators' clocks.
pub(super) async fn shown(
    connection: &mut Connection,
    from: Micros,
    until: Micros,
) -> Result<Vec<(OrganisationId, String, Sums)>, DbError> {
    let rows = query(
        "SELECT v.organisation_id, v.route, CAST(COUNT(*) AS BIGINT) AS shown, CAST(SUM(v.side) AS BIGINT) AS rides
         FROM validation v WHERE v.at >= $1 AND v.at < $2 GROUP BY v.organisation_id, v.route",
    )
    .bind(from.0)
    .bind(until.0)
    .all(connection)
    .await?;
    let one = |row: &Row| {
        let operator = OrganisationId::from_bytes(columns::bytes(row, "organisation_id")?);
        let sums = Sums { shown: row.get("shown")?, rides: row.get("rides")?, ..Sums::default() };
        Ok((operator, row.get("route")?, sums))
    };
    rows.iter().map(one).collect()
}
