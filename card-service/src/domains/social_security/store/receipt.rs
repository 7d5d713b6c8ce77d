//! The table contribution_receipt.

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::{OrganisationId, Shard};
use card_schema::money::Fen;

use crate::db::{Connection, DbError, Row, Rows, Tx, query};
use crate::domains::social_security::receipt::Receipt;
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

/// What has arrived, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What.
    pub receipt: Receipt,
    /// Whose; nobody's while nobody has said.
    pub employer: Option<OrganisationId>,
}

fn taken(row: &Row) -> Result<Taken, DbError> {
    let employer: Option<&[u8]> = row.get("organisation_id")?;
    let employer = employer.map(|bytes| bytes.try_into().map(OrganisationId::from_bytes)).transpose();
    Ok(Taken {
        receipt: Receipt {
            number: row.get("number")?,
            day: Date::from_days(row.get("day")?).ok_or(DbError::Unreadable("contribution_receipt.day"))?,
            amount: Fen(row.get("amount")?),
            payer: row.get("payer")?,
            remark: row.get("remark")?,
        },
        employer: employer.map_err(|_| DbError::Unreadable("contribution_receipt.organisation_id"))?,
    })
}

const COLUMNS: &str = "r.number, r.day, r.amount, r.payer, r.remark, r.organisation_id";

/// Those that have one of these numbers.
pub async fn by_numbers<'a>(
    connection: &mut Connection,
    numbers: impl Iterator<Item = &'a str>,
) -> Result<Vec<Taken>, DbError> {
    let wanted = Rows::new().texts("number", numbers);
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let rows = query(format!(
        "SELECT {COLUMNS} FROM {{wanted}} CROSS JOIN contribution_receipt r WHERE r.number = wanted.number"
    ));
    rows.set("wanted", wanted).all(connection).await?.iter().map(taken).collect()
}

/// Those of which nobody has said whose they are, the oldest first.
pub async fn nobodys(connection: &mut Connection, limit: u32) -> Result<Vec<Taken>, DbError> {
    let rows = query(format!(
        "SELECT {COLUMNS} FROM contribution_receipt r WHERE r.organisation_id IS NULL ORDER BY r.day, r.number LIMIT $1"
    ));
    rows.bind(i64::from(limit)).all(connection).await?.iter().map(taken).collect()
}

/// The newest of an employer.
pub async fn of_employer(
    connection: &mut Connection,
    employer: OrganisationId,
    limit: u32,
) -> Result<Vec<Taken>, DbError> {
    let rows = query(format!(
        "SELECT {COLUMNS} FROM contribution_receipt r WHERE r.organisation_id = $1
         ORDER BY r.day DESC, r.number DESC LIMIT $2"
    ));
    rows.bind(employer).bind(i64::from(limit)).all(connection).await?.iter().map(taken).collect()
}

/// Writes receipts that are new, or whose they are; one leaf speaks for all.
pub async fn put(tx: &mut Tx, at: Micros, by: StaffId, all: &[Taken]) -> Result<(), DbError> {
    if all.is_empty() {
        return Ok(());
    }
    let mut change = Change::begin(tx, Shard(0)).await?;
    for Taken { receipt, employer } in all {
        change.touch(tx, &tables::CONTRIBUTION_RECEIPT, vec![receipt.number.as_str().into()]).await?;
        query(
            "INSERT INTO contribution_receipt (number, day, amount, payer, remark, organisation_id, staff_id, at, leaf)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (number) DO UPDATE SET organisation_id = excluded.organisation_id,
                 staff_id = excluded.staff_id, at = excluded.at, leaf = excluded.leaf",
        )
        .bind(&receipt.number)
        .bind(receipt.day.days())
        .bind(receipt.amount.0)
        .bind(&receipt.payer)
        .bind(&receipt.remark)
        .bind(employer.map(|employer| employer.as_bytes().to_vec()))
        .bind(by.0)
        .bind(at.0)
        .bind(change.leaf())
        .execute(tx.conn())
        .await?;
    }
    change.record(tx, at, ActionKind::ReceiptChanged).await
}
