//! The tables organisation and organisation_profile.

use card_schema::clock::Micros;
use card_schema::ids::{OrganisationId, Shard};

use super::model::{Entry, Kind, Organisation};
use crate::db::{Connection, DbError, Row, Tx, columns, query};
use crate::evidence::{ActionKind, Change, tables};

const SELECT: &str = "SELECT o.organisation_id, o.name, p.kind, p.state
    FROM organisation o LEFT JOIN organisation_profile p USING (organisation_id)";
const WORKING: &str = "working";
const CLOSED: &str = "closed";

/// The organisation of this name, added if it is new.
pub async fn named(tx: &mut Tx, at: Micros, new: OrganisationId, name: &str) -> Result<Organisation, DbError> {
    if let Some(organisation_id) = id_of(tx.conn(), name).await? {
        return Ok(Organisation { organisation_id, name: name.to_owned() });
    }
    let mut change = Change::begin(tx, Shard(0)).await?;
    change.touch(tx, &tables::ORGANISATION, vec![new.as_bytes()[..].into()]).await?;
    query("INSERT INTO organisation (organisation_id, name, created_at, leaf) VALUES ($1, $2, $3, $4)")
        .bind(new)
        .bind(name)
        .bind(at.0)
        .bind(change.leaf())
        .execute(tx.conn())
        .await?;
    change.record(tx, at, ActionKind::OrganisationChanged).await?;
    Ok(Organisation { organisation_id: new, name: name.to_owned() })
}

/// Who has this name.
pub async fn id_of(connection: &mut Connection, name: &str) -> Result<Option<OrganisationId>, DbError> {
    let row = query("SELECT organisation_id FROM organisation WHERE name = $1").bind(name).optional(connection).await?;
    row.map(|row| Ok(OrganisationId::from_bytes(columns::bytes(&row, "organisation_id")?))).transpose()
}

/// Gives an organisation another name. The name must be free.
pub async fn rename(tx: &mut Tx, at: Micros, organisation: OrganisationId, name: &str) -> Result<(), DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    change.touch(tx, &tables::ORGANISATION, vec![organisation.as_bytes()[..].into()]).await?;
    query("UPDATE organisation SET name = $1, leaf = $2 WHERE organisation_id = $3")
        .bind(name)
        .bind(change.leaf())
        .bind(organisation)
        .execute(tx.conn())
        .await?;
    change.record(tx, at, ActionKind::OrganisationChanged).await
}

/// Says what an organisation does, and whether it works no more.
pub async fn describe(
    tx: &mut Tx,
    at: Micros,
    organisation: OrganisationId,
    kind: Kind,
    closed: bool,
) -> Result<(), DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    change.touch(tx, &tables::ORGANISATION_PROFILE, vec![organisation.as_bytes()[..].into()]).await?;
    query(
        "INSERT INTO organisation_profile (organisation_id, kind, state, leaf) VALUES ($1, $2, $3, $4)
         ON CONFLICT (organisation_id) DO UPDATE SET kind = excluded.kind, state = excluded.state,
             leaf = excluded.leaf",
    )
    .bind(organisation)
    .bind(kind.name())
    .bind(if closed { CLOSED } else { WORKING })
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::OrganisationChanged).await
}

/// Every organisation, by name.
pub async fn all(connection: &mut Connection) -> Result<Vec<Entry>, DbError> {
    query(format!("{SELECT} ORDER BY o.name")).all(connection).await?.iter().map(entry).collect()
}

/// One organisation.
pub async fn one(connection: &mut Connection, organisation: OrganisationId) -> Result<Option<Entry>, DbError> {
    let row = query(format!("{SELECT} WHERE o.organisation_id = $1")).bind(organisation).optional(connection).await?;
    row.as_ref().map(entry).transpose()
}

/// How many of its terminals are not revoked.
pub async fn terminals(connection: &mut Connection, organisation: OrganisationId) -> Result<i64, DbError> {
    query("SELECT COUNT(*) FROM terminal WHERE organisation_id = $1 AND state <> 2")
        .bind(organisation)
        .scalar_one(connection)
        .await
}

fn entry(row: &Row) -> Result<Entry, DbError> {
    let kind: Option<String> = row.get("kind")?;
    let state: Option<String> = row.get("state")?;
    Ok(Entry {
        organisation: Organisation {
            organisation_id: OrganisationId::from_bytes(columns::bytes(row, "organisation_id")?),
            name: row.get("name")?,
        },
        kind: kind
            .map(|name| Kind::from_name(&name).ok_or(DbError::Unreadable("organisation_profile.kind")))
            .transpose()?,
        closed: state.is_some_and(|state| state == CLOSED),
    })
}
