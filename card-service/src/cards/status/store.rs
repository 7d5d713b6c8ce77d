//! The table status_change, and what terminals are told of the cards of the table card.

use card_schema::clock::Micros;
use card_schema::envelope::status_list::CardStatus;
use card_schema::ids::{CardId, Shard};

use crate::cards::{self, CardState};
use crate::db::{Connection, DbError, Row, Tx, columns, query};
use crate::evidence::{ActionKind, Change, tables};

/// The newest version of the status list, and what it says of every card that is not valid: as of one moment.
pub(super) async fn listed(connection: &mut Connection) -> Result<(u64, Vec<(u32, CardState)>), DbError> {
    let rows = query(
        "SELECT COALESCE(MAX(version), 1) AS number, NULL AS state FROM status_change
         UNION ALL SELECT status_index, state FROM card
         WHERE state NOT IN ('personalising', 'personalised', 'active')",
    )
    .all(connection)
    .await?;
    let (mut version, mut listed) = (1, Vec::with_capacity(rows.len()));
    for row in &rows {
        match row.get::<Option<&str>>("state")? {
            None => version = columns::number(row, "number")?,
            Some(_) => listed.push((columns::number(row, "number")?, cards::store::state(row)?)),
        }
    }
    Ok((version, listed))
}

/// Says something else of a card than before.
pub(in crate::cards) async fn list(tx: &mut Tx, at: Micros, card: CardId, status: CardStatus) -> Result<(), DbError> {
    // Only one transaction at a time writes leaves of a shard, so no other takes the same version.
    let mut change = Change::begin(tx, Shard(0)).await?;
    // After a backup was restored, terminals may know versions that are no longer there: those to come are beyond them.
    let next = i64::try_from(newest_status(tx.conn()).await? + 1);
    let version = next.map_err(|_| DbError::Unreadable("status_change.version"))?.max(at.seconds());
    change.touch(tx, &tables::STATUS_CHANGE, vec![version.into()]).await?;
    query("INSERT INTO status_change (version, at, status_index, status, leaf) VALUES ($1, $2, $3, $4, $5)")
        .bind(version)
        .bind(at.0)
        .bind(i64::from(card.status_index()))
        .bind(status as i64)
        .bind(change.leaf())
        .execute(tx.conn())
        .await?;
    change.record(tx, at, ActionKind::CardListed).await
}

/// The newest version of the status list. The first, with nobody on it, is 1.
pub(super) async fn newest_status(connection: &mut Connection) -> Result<u64, DbError> {
    let newest: i64 = query("SELECT COALESCE(MAX(version), 1) FROM status_change").scalar_one(connection).await?;
    u64::try_from(newest).map_err(|_| DbError::Unreadable("status_change.version"))
}

/// What terminals are told of a card from a version of the list on.
#[derive(Clone, Copy, Debug)]
pub(super) struct StatusChange {
    pub(super) version: u64,
    pub(super) index: u32,
    pub(super) status: CardStatus,
}

/// Whether there are more changes since a version than so many.
pub(super) async fn are_more(connection: &mut Connection, since: u64, than: usize) -> Result<bool, DbError> {
    let (Ok(since), Ok(than)) = (i64::try_from(since), i64::try_from(than)) else { return Ok(false) };
    let beyond: Option<i64> =
        query("SELECT version FROM status_change WHERE version > $1 ORDER BY version LIMIT 1 OFFSET $2")
            .bind(since)
            .bind(than)
            .scalar(connection)
            .await?;
    Ok(beyond.is_some())
}

/// Changes since a version in order, at most so many.
pub(super) async fn status_changes(
    connection: &mut Connection,
    since: u64,
    most: usize,
) -> Result<Vec<StatusChange>, DbError> {
    let (Ok(since), Ok(most)) = (i64::try_from(since), i64::try_from(most)) else { return Ok(Vec::new()) };
    let rows =
        query("SELECT version, status_index, status FROM status_change WHERE version > $1 ORDER BY version LIMIT $2")
            .bind(since)
            .bind(most)
            .all(connection)
            .await?;
    let read = |row: &Row| {
        let (version, index) = (columns::number(row, "version")?, columns::number(row, "status_index")?);
        Ok(StatusChange { version, index, status: status(row.get("status")?)? })
    };
    rows.iter().map(read).collect()
}

/// What was known of a card with a version of the list, and until when that was all there was.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownWith {
    pub(super) status: CardStatus,
    /// When the next version was there, if one was.
    pub(super) newer_at: Option<Micros>,
}

/// What was known of the card with a number; nothing with a version beyond the newest, or with none. A version between two that are
/// there is worth no more than the one before it, and may be one that a restored backup does not know.
pub(super) async fn known_with(
    connection: &mut Connection,
    version: u64,
    index: u32,
) -> Result<Option<KnownWith>, DbError> {
    if version == 0 || version > newest_status(connection).await? {
        return Ok(None);
    }
    let version = i64::try_from(version).map_err(|_| DbError::Unreadable("status_change.version"))?;
    let row = query(
        "SELECT (SELECT status FROM status_change WHERE status_index = $1 AND version <= $2
                 ORDER BY version DESC LIMIT 1) AS status,
                (SELECT at FROM status_change WHERE version > $2 ORDER BY version LIMIT 1) AS newer_at",
    )
    .bind(i64::from(index))
    .bind(version)
    .one(connection)
    .await?;
    let status = row.get::<Option<i64>>("status")?.map_or(Ok(CardStatus::Valid), status)?;
    Ok(Some(KnownWith { status, newer_at: row.get::<Option<i64>>("newer_at")?.map(Micros) }))
}

fn status(number: i64) -> Result<CardStatus, DbError> {
    let found = usize::try_from(number).ok().and_then(|number| CardStatus::ALL.get(number));
    found.copied().ok_or(DbError::Unreadable("status_change.status"))
}
