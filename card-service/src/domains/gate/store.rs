//! The tables of sites, of terminals that stand at them, and of counts. Who may pass is `credentials`, visitors' passes `passes`.

pub mod credentials;
pub mod passes;

use std::collections::BTreeMap;

use card_schema::clock::Micros;
use card_schema::ids::{OrganisationId, Shard, SiteId, TerminalId};

use super::model::{Count, Hour, Post, Site, SiteKind};
use crate::db::{Connection, DbError, Row, Rows, Tx, columns, insert, query};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

const SITE: &str = "SELECT site_id, organisation_id, kind, name, closed FROM gate_site";
/// Seconds of an hour in microseconds, as it stands in a statement.
const HOUR: &str = "3600000000";

/// Adds counts to their hours.
pub async fn add(connection: &mut Connection, counts: &[Count]) -> Result<(), DbError> {
    let mut sums: BTreeMap<_, i64> = BTreeMap::new();
    for count in counts {
        *sums.entry((count.shard, count.terminal, count.hour)).or_default() += 1;
    }
    let rows = Rows::new()
        .ints("shard", sums.keys().map(|(shard, ..)| i64::from(shard.0)))
        .bytes("terminal_id", sums.keys().map(|(_, terminal, _)| *terminal.as_bytes()))
        .ints("hour", sums.keys().map(|(.., hour)| *hour))
        .ints("passed", sums.values().copied());
    let sum = "ON CONFLICT (shard, terminal_id, hour) DO UPDATE SET passed = gate_count.passed + excluded.passed";
    insert(connection, "gate_count", rows, sum).await
}

/// How many were let in at a site from one hour up to another, which is not counted in, in shards up to so many. An hour in which a
/// terminal was brought elsewhere is counted where it stood at the end.
pub async fn hours(
    connection: &mut Connection,
    site: SiteId,
    (from, until): (i64, i64),
    shards: u8,
) -> Result<Vec<Hour>, DbError> {
    let rows = query(format!(
        "SELECT g.hour, CAST(SUM(g.passed) AS BIGINT) AS passed
         FROM {{shards}} CROSS JOIN gate_post p CROSS JOIN gate_count g
         WHERE p.site_id = $1 AND g.shard = shards.shard AND g.terminal_id = p.terminal_id AND g.hour >= $2 AND g.hour < $3
             AND (g.hour + 1) * {HOUR} > p.since AND (p.until IS NULL OR (g.hour + 1) * {HOUR} <= p.until)
         GROUP BY g.hour ORDER BY g.hour"
    ))
    .bind(site)
    .bind(from)
    .bind(until)
    .set("shards", Rows::new().ints("shard", (0..shards).map(i64::from)))
    .all(connection)
    .await?;
    let read = |row: &Row| Ok(Hour { hour: row.get("hour")?, passed: columns::number(row, "passed")? });
    rows.iter().map(read).collect()
}

fn site(row: &Row) -> Result<Site, DbError> {
    Ok(Site {
        id: SiteId::from_bytes(columns::bytes(row, "site_id")?),
        organisation: OrganisationId::from_bytes(columns::bytes(row, "organisation_id")?),
        kind: SiteKind::from_name(row.get("kind")?).ok_or(DbError::Unreadable("gate_site.kind"))?,
        name: row.get("name")?,
        closed: row.get::<i64>("closed")? != 0,
    })
}

/// Every site, by name.
pub async fn sites(connection: &mut Connection) -> Result<Vec<Site>, DbError> {
    query(format!("{SITE} ORDER BY name")).all(connection).await?.iter().map(site).collect()
}

/// One site.
pub async fn one(connection: &mut Connection, id: SiteId) -> Result<Option<Site>, DbError> {
    let row = query(format!("{SITE} WHERE site_id = $1")).bind(id).optional(connection).await?;
    row.as_ref().map(site).transpose()
}

/// The site of this name.
pub async fn named(connection: &mut Connection, name: &str) -> Result<Option<Site>, DbError> {
    let row = query(format!("{SITE} WHERE name = $1")).bind(name).optional(connection).await?;
    row.as_ref().map(site).transpose()
}

/// Adds a site. Its name must be free.
pub async fn insert_site(tx: &mut Tx, at: Micros, by: StaffId, site: &Site) -> Result<(), DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    change.touch(tx, &tables::GATE_SITE, vec![site.id.as_bytes()[..].into()]).await?;
    query(
        "INSERT INTO gate_site (site_id, organisation_id, kind, name, closed, staff_id, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(site.id)
    .bind(site.organisation)
    .bind(site.kind.name())
    .bind(&site.name)
    .bind(i64::from(site.closed))
    .bind(by.0)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::GateSiteChanged).await
}

/// Closes a site: nothing stands there from now on.
pub async fn close(tx: &mut Tx, at: Micros, by: StaffId, site: SiteId) -> Result<(), DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    change.touch(tx, &tables::GATE_SITE, vec![site.as_bytes()[..].into()]).await?;
    for post in posts(tx.conn(), Some(site)).await? {
        leave(tx, &mut change, at, by, &post).await?;
    }
    query("UPDATE gate_site SET closed = 1, staff_id = $1, leaf = $2 WHERE site_id = $3")
        .bind(by.0)
        .bind(change.leaf())
        .bind(site)
        .execute(tx.conn())
        .await?;
    change.record(tx, at, ActionKind::GateSiteChanged).await
}

/// The terminals that stand at a site, or at any.
pub async fn posts(connection: &mut Connection, site: Option<SiteId>) -> Result<Vec<Post>, DbError> {
    let all = "SELECT terminal_id, site_id, since FROM gate_post WHERE until IS NULL";
    let rows = match site {
        Some(site) => query(format!("{all} AND site_id = $1 ORDER BY terminal_id")).bind(site),
        None => query(format!("{all} ORDER BY terminal_id")),
    };
    let post = |row: &Row| {
        Ok(Post {
            terminal: TerminalId::from_bytes(columns::bytes(row, "terminal_id")?),
            site: SiteId::from_bytes(columns::bytes(row, "site_id")?),
            since: Micros(row.get("since")?),
        })
    };
    rows.all(connection).await?.iter().map(post).collect()
}

/// The site at which a terminal stands, if it stands at one.
pub async fn site_of(connection: &mut Connection, terminal: TerminalId) -> Result<Option<SiteId>, DbError> {
    let row = query("SELECT site_id FROM gate_post WHERE terminal_id = $1 AND until IS NULL").bind(terminal);
    let row = row.optional(connection).await?;
    row.map(|row| Ok(SiteId::from_bytes(columns::bytes(&row, "site_id")?))).transpose()
}

/// A terminal stands where it stood no longer, as part of a change that is under way.
async fn leave(tx: &mut Tx, change: &mut Change, at: Micros, by: StaffId, post: &Post) -> Result<(), DbError> {
    change.touch(tx, &tables::GATE_POST, vec![post.terminal.as_bytes()[..].into(), post.since.0.into()]).await?;
    query("UPDATE gate_post SET until = $1, staff_id = $2, leaf = $3 WHERE terminal_id = $4 AND since = $5")
        .bind(at.0)
        .bind(by.0)
        .bind(change.leaf())
        .bind(post.terminal)
        .bind(post.since.0)
        .execute(tx.conn())
        .await
        .map(drop)
}

/// Has a terminal stand at a site from now on, or at none.
pub async fn place(
    tx: &mut Tx,
    at: Micros,
    by: StaffId,
    terminal: TerminalId,
    site: Option<SiteId>,
) -> Result<(), DbError> {
    let mut change = Change::begin(tx, Shard(0)).await?;
    let before = posts(tx.conn(), None).await?.into_iter().find(|post| post.terminal == terminal);
    if before.map(|post| post.site) == site {
        return Ok(());
    }
    // Where it stood for no time at all, its row becomes another.
    if let Some(post) = before.filter(|post| site.is_none() || post.since != at) {
        leave(tx, &mut change, at, by, &post).await?;
    }
    if let Some(site) = site {
        change.touch(tx, &tables::GATE_POST, vec![terminal.as_bytes()[..].into(), at.0.into()]).await?;
        query(
            "INSERT INTO gate_post (terminal_id, since, until, site_id, staff_id, leaf) VALUES ($1, $2, NULL, $3, $4, $5)
             ON CONFLICT (terminal_id, since) DO UPDATE SET until = NULL, site_id = excluded.site_id,
                 staff_id = excluded.staff_id, leaf = excluded.leaf",
        )
        .bind(terminal)
        .bind(at.0)
        .bind(site)
        .bind(by.0)
        .bind(change.leaf())
        .execute(tx.conn())
        .await?;
    }
    change.record(tx, at, ActionKind::GatePostChanged).await
}
