//! The tables of where cards were shown, of what was booked for it, and of what riders may claim. What moves, the ledger writes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::{HolderId, OrganisationId, Shard, TapId};
use card_schema::operation::transit::Side;

use crate::db::{Connection, DbError, Row, Rows, columns, insert, query};
use crate::domains::transit::folding::Folding;
use crate::domains::transit::history::Folded;
use crate::domains::transit::model::{
    Base, FareGroup, GroupId, PassSold, Ride, RiderKey, Riding, Right, RightOf, Showing,
};
use crate::ledger::{AccountKind, TransferKind, Unit};

/// What is known of some riders; nothing of those who have never travelled, and have no right.
pub async fn known(
    connection: &mut Connection,
    riders: &BTreeSet<RiderKey>,
) -> Result<HashMap<RiderKey, Riding>, DbError> {
    let mut known: HashMap<RiderKey, Riding> = riders.iter().map(|rider| (*rider, Riding::default())).collect();
    if riders.is_empty() {
        return Ok(known);
    }
    let wanted = || {
        Rows::new()
            .ints("shard", riders.iter().map(|rider| i64::from(rider.shard.0)))
            .bytes("id", riders.iter().map(|rider| rider.id))
    };
    let rows = query(
        "SELECT v.shard, v.rider_id AS id, v.at, v.side, v.stop, v.route, v.organisation_id, v.tariff, v.tap_id
         FROM {wanted} CROSS JOIN validation v WHERE v.shard = wanted.shard AND v.rider_id = wanted.id",
    );
    for row in &rows.set("wanted", wanted()).all(connection).await? {
        of(&mut known, row)?.showings.push(showing(row)?);
    }
    let rows = query(
        "SELECT f.shard, f.rider_id AS id, f.group_id, f.charged FROM {wanted} CROSS JOIN rider_fare f
         WHERE f.shard = wanted.shard AND f.rider_id = wanted.id",
    );
    for row in &rows.set("wanted", wanted()).all(connection).await? {
        let group = GroupId(columns::bytes(row, "group_id")?);
        of(&mut known, row)?.charged.insert(group, row.get("charged")?);
    }
    let rows = query(
        "SELECT r.shard, r.rider_id AS id, r.advanced, r.open_until, r.folded_until, r.sums FROM {wanted} CROSS JOIN rider r
         WHERE r.shard = wanted.shard AND r.rider_id = wanted.id",
    );
    for row in &rows.set("wanted", wanted()).all(connection).await? {
        let riding = of(&mut known, row)?;
        riding.advanced = row.get("advanced")?;
        riding.open_until = row.get::<Option<i64>>("open_until")?.map(Micros);
        let sums: Option<String> = row.get("sums")?;
        let sums = sums.map(|sums| serde_json::from_str(&sums).map_err(|_| DbError::Unreadable("rider.sums")));
        let until = row.get::<Option<i64>>("folded_until")?.map(Micros);
        riding.base = Base { until, sums: sums.transpose()?.unwrap_or_default() };
    }
    let rows = query(
        "SELECT p.shard, p.holder_id AS id, p.pass AS name, p.from_day, p.until_day
         FROM {wanted} CROSS JOIN transit_pass p WHERE p.shard = wanted.shard AND p.holder_id = wanted.id",
    );
    for row in &rows.set("wanted", wanted()).all(connection).await? {
        of(&mut known, row)?.rights.push(right(row, RightOf::Pass)?);
    }
    let rows = query(
        "SELECT c.shard, c.holder_id AS id, c.concession AS name, c.from_day, c.until_day
         FROM {wanted} CROSS JOIN transit_concession c WHERE c.shard = wanted.shard AND c.holder_id = wanted.id",
    );
    for row in &rows.set("wanted", wanted()).all(connection).await? {
        of(&mut known, row)?.rights.push(right(row, RightOf::Concession)?);
    }
    Ok(known)
}

fn of<'a>(known: &'a mut HashMap<RiderKey, Riding>, row: &Row) -> Result<&'a mut Riding, DbError> {
    let (shard, id) = (columns::shard(row.get("shard")?)?, columns::bytes(row, "id")?);
    let as_holder = RiderKey { shard, id, is_issuers: false };
    let is_issuers = !known.contains_key(&as_holder);
    Ok(known.entry(RiderKey { is_issuers, ..as_holder }).or_default())
}

pub(super) fn showing(row: &Row) -> Result<Showing, DbError> {
    Ok(Showing {
        at: Micros(row.get("at")?),
        side: Side::from_number(columns::number(row, "side")?).ok_or(DbError::Unreadable("validation.side"))?,
        stop: row.get("stop")?,
        route: row.get("route")?,
        organisation: OrganisationId::from_bytes(columns::bytes(row, "organisation_id")?),
        tariff: columns::number(row, "tariff")?,
        tap: TapId(columns::bytes(row, "tap_id")?),
    })
}

pub(super) fn day(number: i64) -> Result<Date, DbError> {
    Date::from_days(number).ok_or(DbError::Unreadable("day"))
}

fn right(row: &Row, of: fn(String) -> RightOf) -> Result<Right, DbError> {
    Ok(Right { of: of(row.get("name")?), from: day(row.get("from_day")?)?, until: day(row.get("until_day")?)? })
}

/// Riders whose leg has waited for its end long enough, a number of them.
pub async fn overdue(connection: &mut Connection, now: Micros, limit: u32) -> Result<Vec<RiderKey>, DbError> {
    let rows = query(
        "SELECT shard, rider_id, is_issuers FROM rider WHERE open_until < $1 ORDER BY shard, open_until LIMIT $2",
    )
    .bind(now.0)
    .bind(i64::from(limit))
    .all(connection)
    .await?;
    let key = |row: &Row| {
        let (shard, id) = (columns::shard(row.get("shard")?)?, columns::bytes(row, "rider_id")?);
        Ok(RiderKey { shard, id, is_issuers: row.get::<i64>("is_issuers")? != 0 })
    };
    rows.iter().map(key).collect()
}

/// Riders of a shard of whom something is kept that was shown before a moment, behind one, a number of them.
pub async fn with_old(
    connection: &mut Connection,
    shard: Shard,
    (before, after): (Micros, Option<[u8; 16]>),
    limit: u32,
) -> Result<Vec<[u8; 16]>, DbError> {
    let rows = query(
        "SELECT DISTINCT v.rider_id FROM validation v WHERE v.shard = $1 AND v.rider_id > $2 AND v.at < $3
         ORDER BY v.rider_id LIMIT $4",
    )
    .bind(shard)
    .bind(after.map_or_else(Vec::new, Vec::from))
    .bind(before.0)
    .bind(i64::from(limit))
    .all(connection)
    .await?;
    rows.iter().map(|row| columns::bytes(row, "rider_id")).collect()
}

/// What a holder has paid in these months, given by their first moments, of what is folded: newest first.
pub async fn folded(connection: &mut Connection, holder: HolderId, months: &[Micros]) -> Result<Vec<Folded>, DbError> {
    // The number stands there as in the condition of the index.
    let kind = TransferKind::Folded.number();
    let rows = query(format!(
        "SELECT t.at, f.name, o.name AS organisation,
             CAST(SUM(CASE WHEN t.debit = p.account_id THEN t.amount ELSE -t.amount END) AS BIGINT) AS paid
         FROM {{months}} CROSS JOIN account p
             JOIN account g ON g.shard = p.shard AND g.kind = $4 AND g.unit = p.unit
             JOIN fare_group f ON f.group_id = g.owner
             JOIN transfer t ON t.shard = p.shard AND t.at = months.at AND t.kind = {kind}
                 AND (t.debit = p.account_id AND t.credit = g.account_id
                     OR t.debit = g.account_id AND t.credit = p.account_id)
             LEFT JOIN organisation o ON o.organisation_id = f.organisation_id
         WHERE p.shard = $1 AND p.owner = $2 AND p.kind = $3 AND p.unit = $5
         GROUP BY t.at, f.group_id, f.name, o.name ORDER BY t.at DESC, o.name, f.name"
    ))
    .bind(holder.shard())
    .bind(holder)
    .bind(AccountKind::Purse.number())
    .bind(AccountKind::FareTakings.number())
    .bind(Unit::CnyFen.number())
    .set("months", Rows::new().ints("at", months.iter().map(|month| month.0)))
    .all(connection)
    .await?;
    let folded = |row: &Row| {
        Ok(Folded {
            at: Micros(row.get("at")?),
            organisation: row.get("organisation")?,
            network: row.get("name")?,
            paid: row.get("paid")?,
        })
    };
    rows.iter().map(folded).collect()
}

/// Writes what is left of riders' travels up to a moment, and removes the travels.
pub async fn fold(connection: &mut Connection, folded: &[(RiderKey, Folding)]) -> Result<(), DbError> {
    for (rider, Folding { base, until, charged }) in folded {
        let sums = serde_json::to_string(&base.sums).expect("plain data always serialises");
        query("UPDATE rider SET folded_until = $3, sums = $4 WHERE shard = $1 AND rider_id = $2")
            .bind(rider.shard)
            .bind(rider.id)
            .bind(base.until.map(|until| until.0))
            .bind(sums)
            .execute(connection)
            .await?;
        query("DELETE FROM validation WHERE shard = $1 AND rider_id = $2 AND at <= $3")
            .bind(rider.shard)
            .bind(rider.id)
            .bind(until.0)
            .execute(connection)
            .await?;
        for (group, less) in charged {
            query("UPDATE rider_fare SET charged = charged - $4 WHERE shard = $1 AND rider_id = $2 AND group_id = $3")
                .bind(rider.shard)
                .bind(rider.id)
                .bind(group.0)
                .bind(*less)
                .execute(connection)
                .await?;
        }
        query("DELETE FROM rider_fare WHERE shard = $1 AND rider_id = $2 AND charged = 0")
            .bind(rider.shard)
            .bind(rider.id)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Writes where cards were shown.
pub(super) async fn show(connection: &mut Connection, shown: &[(RiderKey, &Showing)]) -> Result<(), DbError> {
    let showings = || shown.iter().map(|(_, showing)| showing);
    let rows = Rows::new()
        .ints("shard", shown.iter().map(|(rider, _)| i64::from(rider.shard.0)))
        .bytes("rider_id", shown.iter().map(|(rider, _)| rider.id))
        .ints("at", showings().map(|showing| showing.at.0))
        .bytes("tap_id", showings().map(|showing| showing.tap.0))
        .ints("side", showings().map(|showing| i64::from(showing.side.number())))
        .texts("stop", showings().map(|showing| showing.stop.clone()))
        .texts("route", showings().map(|showing| showing.route.clone()))
        .bytes("organisation_id", showings().map(|showing| *showing.organisation.as_bytes()))
        .ints("tariff", showings().map(|showing| i64::from(showing.tariff)));
    insert(connection, "validation", rows, "").await
}

/// Removes where a card was shown.
pub(super) async fn strike(connection: &mut Connection, rider: RiderKey, showing: &Showing) -> Result<(), DbError> {
    query("DELETE FROM validation WHERE shard = $1 AND rider_id = $2 AND at = $3 AND tap_id = $4")
        .bind(rider.shard)
        .bind(rider.id)
        .bind(showing.at.0)
        .bind(showing.tap.0)
        .execute(connection)
        .await
        .map(drop)
}

/// Writes what was reckoned, in the order in which it was.
pub async fn add(connection: &mut Connection, rides: &[Ride]) -> Result<(), DbError> {
    let shown: Vec<_> = rides.iter().filter_map(|ride| Some((ride.rider, ride.showing.as_ref()?))).collect();
    show(connection, &shown).await?;

    let mut charged: BTreeMap<(RiderKey, GroupId), i64> = BTreeMap::new();
    let mut riders: BTreeMap<RiderKey, (i64, Option<Micros>)> = BTreeMap::new();
    for Ride { rider, charged: more, advanced, open_until, .. } in rides {
        for (group, amount) in more {
            *charged.entry((*rider, *group)).or_default() += amount;
        }
        let (sum, until) = riders.entry(*rider).or_default();
        *sum += advanced;
        *until = *open_until;
    }
    let rows = Rows::new()
        .ints("shard", charged.keys().map(|(rider, _)| i64::from(rider.shard.0)))
        .bytes("rider_id", charged.keys().map(|(rider, _)| rider.id))
        .bytes("group_id", charged.keys().map(|(_, group)| group.0))
        .ints("charged", charged.values().copied());
    let adds = "ON CONFLICT (shard, rider_id, group_id) DO UPDATE SET charged = rider_fare.charged + excluded.charged";
    insert(connection, "rider_fare", rows, adds).await?;
    let rows = Rows::new()
        .ints("shard", riders.keys().map(|rider| i64::from(rider.shard.0)))
        .bytes("rider_id", riders.keys().map(|rider| rider.id))
        .ints("is_issuers", riders.keys().map(|rider| i64::from(rider.is_issuers)))
        .ints("advanced", riders.values().map(|(advanced, _)| *advanced))
        .optional_ints("open_until", riders.values().map(|(_, until)| until.map(|until| until.0)));
    let adds = "ON CONFLICT (shard, rider_id) DO UPDATE SET
          advanced = rider.advanced + excluded.advanced, open_until = excluded.open_until";
    insert(connection, "rider", rows, adds).await?;
    write_groups(connection, rides.iter().flat_map(|ride| &ride.named)).await
}

/// Writes passes that were bought.
pub async fn add_passes(connection: &mut Connection, passes: &[PassSold]) -> Result<(), DbError> {
    let rows = Rows::new()
        .ints("shard", passes.iter().map(|sold| i64::from(sold.rider.shard.0)))
        .bytes("holder_id", passes.iter().map(|sold| sold.rider.id))
        .texts("pass", passes.iter().map(|sold| sold.group.sold.parts().1.to_owned()))
        .ints("from_day", passes.iter().map(|sold| sold.right.from.days()))
        .ints("until_day", passes.iter().map(|sold| sold.right.until.days()))
        .bytes("tap_id", passes.iter().map(|sold| sold.tap.0));
    insert(connection, "transit_pass", rows, "").await?;
    write_groups(connection, passes.iter().map(|sold| &sold.group)).await
}

/// Notes what groups stand for.
async fn write_groups(connection: &mut Connection, groups: impl Iterator<Item = &FareGroup>) -> Result<(), DbError> {
    let groups: BTreeMap<GroupId, &FareGroup> = groups.map(|group| (group.id(), group)).collect();
    let rows = Rows::new()
        .bytes("group_id", groups.keys().map(|id| id.0))
        .bytes("organisation_id", groups.values().map(|group| *group.organisation.as_bytes()))
        .ints("kind", groups.values().map(|group| group.sold.parts().0))
        .texts("name", groups.values().map(|group| group.sold.parts().1.to_owned()));
    insert(connection, "fare_group", rows, "ON CONFLICT (group_id) DO NOTHING").await
}
