//! The table transit_correction, and what a correction changes in what a rider has shown.

use card_schema::clock::Micros;
use card_schema::ids::{HolderId, OrganisationId, Shard, TapId};
use card_schema::money::Fen;

use super::riding;
use crate::db::{Connection, DbError, Row, Rows, Tx, columns, query};
use crate::domains::transit::correction::{Correction, Deed, Operator, Reason};
use crate::domains::transit::model::{RiderKey, Sold};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

/// What was corrected of what a holder has shown, newest first, until it is folded.
pub async fn of(connection: &mut Connection, holder: HolderId) -> Result<Vec<Correction>, DbError> {
    let rows = query(
        "SELECT c.correction_id, c.deed, c.reason, c.returned, c.at AS made_at, s.name,
             c.shown_at AS at, c.side, c.stop, c.route, c.organisation_id, c.tariff, c.tap_id
         FROM transit_correction c JOIN staff s ON s.staff_id = c.staff_id
         WHERE c.shard = $1 AND c.holder_id = $2 ORDER BY c.leaf DESC",
    )
    .bind(holder.shard())
    .bind(holder)
    .all(connection)
    .await?;
    let correction = |row: &Row| {
        let reason: String = row.get("reason")?;
        Ok(Correction {
            id: TapId(columns::bytes(row, "correction_id")?),
            deed: Deed::from_number(row.get("deed")?).ok_or(DbError::Unreadable("transit_correction.deed"))?,
            showing: riding::showing(row)?,
            reason: Reason::from_name(&reason).ok_or(DbError::Unreadable("transit_correction.reason"))?,
            returned: row.get("returned")?,
            at: Micros(row.get("made_at")?),
            staff: row.get("name")?,
        })
    };
    rows.iter().map(correction).collect()
}

/// Who has taken fares, and in which network.
pub async fn operators(connection: &mut Connection) -> Result<Vec<Operator>, DbError> {
    let rides = Sold::Rides(String::new()).parts().0;
    let rows = query("SELECT f.organisation_id, f.name FROM fare_group f WHERE f.kind = $1 ORDER BY f.group_id")
        .bind(rides)
        .all(connection)
        .await?;
    let operator =
        |row: &Row| Ok((OrganisationId::from_bytes(columns::bytes(row, "organisation_id")?), row.get("name")?));
    rows.iter().map(operator).collect()
}

/// How much these `hands` have given back, together.
pub async fn alone(connection: &mut Connection, hands: Rows) -> Result<Fen, DbError> {
    let rows = query(
        "SELECT c.returned FROM {hands} CROSS JOIN transit_correction c
         WHERE c.staff_id = hands.staff_id AND c.at > hands.moment AND c.returned > 0",
    )
    .set("hands", hands)
    .all(connection)
    .await?;
    let amounts = rows.iter().map(|row| row.get("returned")).collect::<Result<Vec<i64>, _>>()?;
    Ok(Fen(amounts.into_iter().fold(0, i64::saturating_add)))
}

/// Writes a correction, and does it. `blind` is random.
pub async fn put(
    tx: &mut Tx,
    by: StaffId,
    holder: HolderId,
    correction: &Correction,
    blind: [u8; 16],
) -> Result<(), DbError> {
    let Correction { id, deed, showing, reason, returned, at, .. } = correction;
    let shard = holder.shard();
    let mut change = Change::begin(tx, shard).await?;
    let key = vec![i64::from(shard.0).into(), holder.as_bytes()[..].into(), id.0[..].into()];
    change.touch(tx, &tables::TRANSIT_CORRECTION, key).await?;
    query(
        "INSERT INTO transit_correction (shard, holder_id, correction_id, deed, reason, returned, staff_id, at,
             shown_at, side, stop, route, organisation_id, tariff, tap_id, blind, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(shard)
    .bind(holder)
    .bind(id.0)
    .bind(deed.number())
    .bind(reason.name())
    .bind(*returned)
    .bind(by.0)
    .bind(at.0)
    .bind(showing.at.0)
    .bind(i64::from(showing.side.number()))
    .bind(&showing.stop)
    .bind(&showing.route)
    .bind(*showing.organisation.as_bytes())
    .bind(i64::from(showing.tariff))
    .bind(showing.tap.0)
    .bind(blind)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    let rider = RiderKey::holder(shard, holder);
    match deed {
        Deed::Added => riding::show(tx.conn(), &[(rider, showing)]).await?,
        Deed::Struck => riding::strike(tx.conn(), rider, showing).await?,
    }
    change.record(tx, *at, ActionKind::JourneyCorrected).await
}

/// Leaves of corrections of a shard that were made before a moment, a number of them.
pub async fn old(connection: &mut Connection, shard: Shard, before: Micros, limit: u32) -> Result<Vec<i64>, DbError> {
    let rows = query("SELECT leaf FROM transit_correction WHERE shard = $1 AND at < $2 ORDER BY at LIMIT $3")
        .bind(shard)
        .bind(before.0)
        .bind(i64::from(limit))
        .all(connection)
        .await?;
    rows.iter().map(|row| row.get("leaf")).collect()
}

/// Removes corrections by their leaves.
pub async fn remove(connection: &mut Connection, shard: Shard, leaves: &[i64]) -> Result<(), DbError> {
    if leaves.is_empty() {
        return Ok(());
    }
    query("DELETE FROM transit_correction WHERE shard = $1 AND leaf IN (SELECT wanted.id FROM {wanted})")
        .bind(shard)
        .set("wanted", Rows::new().ints("id", leaves.iter().copied()))
        .execute(connection)
        .await
        .map(drop)
}
