//! The table claim.

use std::ops::Range;

use card_schema::clock::Micros;
use card_schema::coverage::Benefit;
use card_schema::date::Date;
use card_schema::ids::{ClaimId, HolderId, OrganisationId, TapId};
use card_schema::money::Fen;

use crate::db::{Connection, DbError, Row, Rows, Tx, columns, query};
use crate::domains::clinic::model::{Claim, Payers, Settled};
use crate::evidence::tables::Value;
use crate::evidence::{ActionKind, Change, tables};

const COLUMNS: &str =
    "c.claim_id, c.visit, c.holder_id, c.organisation_id, c.benefit, c.day, c.made_at, c.seen, c.eligible,
    c.fund, c.account, c.rest, c.settled_with, c.signed_at, c.settled_at, c.reversed_at,
    CAST(CASE WHEN EXISTS (SELECT 1 FROM clinic_clearing k WHERE k.organisation_id = c.organisation_id
        AND k.from_at <= c.settled_at AND k.until_at > c.settled_at) THEN 1 ELSE 0 END AS BIGINT) AS is_cleared";

fn claim(row: &Row) -> Result<Claim, DbError> {
    let (signed_at, at): (Option<i64>, Option<i64>) = (row.get("signed_at")?, row.get("settled_at")?);
    let settled = signed_at.zip(at).map(|(signed_at, at)| {
        let with = TapId(columns::bytes(row, "settled_with")?);
        Ok::<_, DbError>(Settled { with, signed_at: Micros(signed_at), at: Micros(at) })
    });
    Ok(Claim {
        id: ClaimId::from_bytes(columns::bytes(row, "claim_id")?),
        visit: TapId(columns::bytes(row, "visit")?),
        holder: HolderId::from_bytes(columns::bytes(row, "holder_id")?),
        clinic: OrganisationId::from_bytes(columns::bytes(row, "organisation_id")?),
        benefit: Benefit::from_name(row.get("benefit")?).ok_or(DbError::Unreadable("claim.benefit"))?,
        day: Date::from_days(row.get("day")?).ok_or(DbError::Unreadable("claim.day"))?,
        made_at: Micros(row.get("made_at")?),
        seen: columns::number(row, "seen")?,
        payers: Payers {
            eligible: Fen(row.get("eligible")?),
            fund: Fen(row.get("fund")?),
            account: Fen(row.get("account")?),
            rest: Fen(row.get("rest")?),
        },
        settled: settled.transpose()?,
        reversed_at: row.get::<Option<i64>>("reversed_at")?.map(Micros),
        is_cleared: row.get::<i64>("is_cleared")? != 0,
    })
}

/// Every bill of some records, the oldest visit first.
pub async fn of_records(connection: &mut Connection, records: &[HolderId]) -> Result<Vec<Claim>, DbError> {
    let wanted = Rows::new()
        .ints("shard", records.iter().map(|record| i64::from(record.shard().0)))
        .bytes("holder_id", records.iter().map(|record| *record.as_bytes()));
    let rows = query(format!(
        "SELECT {COLUMNS} FROM {{wanted}} CROSS JOIN claim c
         WHERE c.shard = wanted.shard AND c.holder_id = wanted.holder_id ORDER BY c.day, c.claim_id"
    ));
    rows.set("wanted", wanted).all(connection).await?.iter().map(claim).collect()
}

/// Every bill of a clinic that was settled within a span of time, the oldest first.
pub async fn settled_within(
    connection: &mut Connection,
    clinic: OrganisationId,
    span: Range<Micros>,
) -> Result<Vec<Claim>, DbError> {
    let rows = query(format!(
        "SELECT {COLUMNS} FROM claim c WHERE c.organisation_id = $1 AND c.settled_at >= $2 AND c.settled_at < $3
         ORDER BY c.settled_at, c.claim_id"
    ));
    let rows = rows.bind(clinic).bind(span.start.0).bind(span.end.0).all(connection).await?;
    rows.iter().map(claim).collect()
}

/// A bill, and what is sealed in it.
pub async fn one(connection: &mut Connection, id: ClaimId) -> Result<Option<(Claim, Vec<u8>)>, DbError> {
    let row = query(format!("SELECT {COLUMNS}, c.sealed FROM claim c WHERE c.shard = $1 AND c.claim_id = $2"));
    let row = row.bind(id.shard()).bind(id).optional(connection).await?;
    row.map(|row| Ok((claim(&row)?, row.get::<&[u8]>("sealed")?.to_vec()))).transpose()
}

fn key(id: ClaimId) -> Vec<Value> {
    vec![i64::from(id.shard().0).into(), id.as_bytes()[..].into()]
}

/// Writes a bill in the place of those of its visit that wait: what they said is gone.
pub async fn put(tx: &mut Tx, new: &Claim, sealed: &[u8], in_place_of: &[ClaimId]) -> Result<(), DbError> {
    let mut change = Change::begin(tx, new.id.shard()).await?;
    change.touch(tx, &tables::CLAIM, key(new.id)).await?;
    for earlier in in_place_of {
        change.touch(tx, &tables::CLAIM, key(*earlier)).await?;
        query("DELETE FROM claim WHERE shard = $1 AND claim_id = $2 AND settled_at IS NULL")
            .bind(earlier.shard())
            .bind(*earlier)
            .execute(tx.conn())
            .await?;
    }
    query(
        "INSERT INTO claim (shard, claim_id, visit, holder_id, organisation_id, benefit, day, made_at, seen, eligible, fund,
             account, rest, sealed, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(new.id.shard())
    .bind(new.id)
    .bind(new.visit.0)
    .bind(new.holder)
    .bind(new.clinic)
    .bind(new.benefit.name())
    .bind(new.day.days())
    .bind(new.made_at.0)
    .bind(i64::from(new.seen))
    .bind(new.payers.eligible.0)
    .bind(new.payers.fund.0)
    .bind(new.payers.account.0)
    .bind(new.payers.rest.0)
    .bind(sealed.to_vec())
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, new.made_at, ActionKind::ClaimMade).await
}

/// Writes that a bill was settled.
pub async fn settle(tx: &mut Tx, id: ClaimId, settled: Settled) -> Result<(), DbError> {
    let mut change = Change::begin(tx, id.shard()).await?;
    change.touch(tx, &tables::CLAIM, key(id)).await?;
    query(
        "UPDATE claim SET settled_with = $1, signed_at = $2, settled_at = $3, leaf = $4
         WHERE shard = $5 AND claim_id = $6",
    )
    .bind(settled.with.0)
    .bind(settled.signed_at.0)
    .bind(settled.at.0)
    .bind(change.leaf())
    .bind(id.shard())
    .bind(id)
    .execute(tx.conn())
    .await?;
    change.record(tx, settled.at, ActionKind::ClaimSettled).await
}

/// Writes that a bill was taken back.
pub async fn reverse(tx: &mut Tx, id: ClaimId, at: Micros) -> Result<(), DbError> {
    let mut change = Change::begin(tx, id.shard()).await?;
    change.touch(tx, &tables::CLAIM, key(id)).await?;
    query("UPDATE claim SET reversed_at = $1, leaf = $2 WHERE shard = $3 AND claim_id = $4")
        .bind(at.0)
        .bind(change.leaf())
        .bind(id.shard())
        .bind(id)
        .execute(tx.conn())
        .await?;
    change.record(tx, at, ActionKind::ClaimReversed).await
}
