//! The table area.

use std::collections::{BTreeMap, BTreeSet};

use card_schema::clock::Micros;
use card_schema::ids::Shard;
use geo::MultiPolygon;
use geojson::GeometryValue;

use super::model::{Area, AreaKey, Level};
use crate::db::{Connection, DbError, Row, Rows, Tx, query};
use crate::evidence::{ActionKind, Change, tables};

/// Rows that one leaf speaks for: a leaf is held in memory whole.
const ROWS_A_LEAF: usize = 1_000;

fn text(outline: &MultiPolygon) -> String {
    serde_json::to_string(&GeometryValue::from(outline)).expect("coordinates are numbers and always serialise")
}

fn area(row: &Row) -> Result<Area, DbError> {
    let outline: &str = row.get("outline")?;
    let value: GeometryValue = serde_json::from_str(outline).map_err(|_| DbError::Unreadable("area.outline"))?;
    Ok(Area {
        level: Level::from_number(row.get("level")?).ok_or(DbError::Unreadable("area.level"))?,
        code: row.get("code")?,
        name: row.get("name")?,
        parent: row.get("parent")?,
        outline: MultiPolygon::try_from(&value).map_err(|_| DbError::Unreadable("area.outline"))?,
    })
}

/// Every area.
pub async fn all(connection: &mut Connection) -> Result<BTreeMap<AreaKey, Area>, DbError> {
    let rows = query("SELECT level, code, name, parent, outline FROM area").all(connection).await?;
    rows.iter().map(|row| area(row).map(|area| (area.key(), area))).collect()
}

/// The areas into which one is divided, by their codes.
pub async fn children(connection: &mut Connection, level: Level, parent: &str) -> Result<Vec<Area>, DbError> {
    let rows =
        query("SELECT level, code, name, parent, outline FROM area WHERE level = $1 AND parent = $2 ORDER BY code")
            .bind(level.number())
            .bind(parent)
            .all(connection)
            .await?;
    rows.iter().map(area).collect()
}

/// An area without its outline: what it is called and in what it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// How large it is.
    pub level: Level,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// The code of the area in which it lies.
    pub parent: String,
}

fn named(row: &Row) -> Result<Named, DbError> {
    Ok(Named {
        level: Level::from_number(row.get("level")?).ok_or(DbError::Unreadable("area.level"))?,
        code: row.get("code")?,
        name: row.get("name")?,
        parent: row.get("parent")?,
    })
}

/// Every area, by level and code, without outlines.
pub async fn names(connection: &mut Connection) -> Result<Vec<Named>, DbError> {
    let rows = query("SELECT level, code, name, parent FROM area ORDER BY level, code").all(connection).await?;
    rows.iter().map(named).collect()
}

/// The areas of a level that lie in any of these, by that and by code, without outlines.
pub async fn named_below(connection: &mut Connection, level: Level, parents: &[String]) -> Result<Vec<Named>, DbError> {
    let rows = query(
        "SELECT a.level, a.code, a.name, a.parent FROM {wanted} CROSS JOIN area a
         WHERE a.level = $1 AND a.parent = wanted.parent ORDER BY a.parent, a.code",
    )
    .bind(level.number())
    .set("wanted", wanted(parents))
    .all(connection)
    .await?;
    rows.iter().map(named).collect()
}

/// How many areas of a level lie in any of these.
pub async fn count_below(connection: &mut Connection, level: Level, parents: &[String]) -> Result<usize, DbError> {
    let rows = query(
        "SELECT COUNT(*) AS count FROM {wanted} CROSS JOIN area a WHERE a.level = $1 AND a.parent = wanted.parent",
    )
    .bind(level.number())
    .set("wanted", wanted(parents))
    .all(connection)
    .await?;
    let counts = rows.iter().map(|row| row.get::<i64>("count")).collect::<Result<Vec<_>, _>>()?;
    Ok(counts.into_iter().map(|count| usize::try_from(count).unwrap_or(usize::MAX)).sum())
}

fn wanted(parents: &[String]) -> Rows {
    Rows::new().texts("parent", parents.iter().cloned())
}

/// An area and all in which it lies, the largest first; nothing where there is no such area.
pub async fn path(connection: &mut Connection, level: Level, code: &str) -> Result<Vec<Named>, DbError> {
    let mut path = Vec::new();
    let (mut at, mut code) = (Some(level), code.to_owned());
    while let Some(level) = at {
        let row = query("SELECT level, code, name, parent FROM area WHERE level = $1 AND code = $2")
            .bind(level.number())
            .bind(&code)
            .optional(&mut *connection)
            .await?;
        let Some(row) = row else { return Ok(Vec::new()) };
        let found = named(&row)?;
        code.clone_from(&found.parent);
        path.insert(0, found);
        at = level.above();
    }
    Ok(path)
}

/// Whether anything is known of where cells lie.
pub async fn any(connection: &mut Connection) -> Result<bool, DbError> {
    let row =
        query("SELECT code FROM area WHERE level = $1 LIMIT 1").bind(Level::Cell.number()).optional(connection).await?;
    Ok(row.is_some())
}

/// Writes areas that are new or another, and removes what is no more.
pub async fn change(tx: &mut Tx, at: Micros, changed: &[Area], gone: &BTreeSet<AreaKey>) -> Result<(), DbError> {
    let key = |level: Level, code: &str| vec![level.number().into(), code.into()];
    for part in changed.chunks(ROWS_A_LEAF) {
        let mut change = Change::begin(tx, Shard(0)).await?;
        for area in part {
            change.touch(tx, &tables::AREA, key(area.level, &area.code)).await?;
            query(
                "INSERT INTO area (level, code, name, parent, outline, leaf) VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (level, code) DO UPDATE SET name = excluded.name, parent = excluded.parent,
                    outline = excluded.outline, leaf = excluded.leaf",
            )
            .bind(area.level.number())
            .bind(&area.code)
            .bind(&area.name)
            .bind(&area.parent)
            .bind(text(&area.outline))
            .bind(change.leaf())
            .execute(tx.conn())
            .await?;
        }
        change.record(tx, at, ActionKind::AreasChanged).await?;
    }
    let gone: Vec<_> = gone.iter().collect();
    for part in gone.chunks(ROWS_A_LEAF) {
        let mut change = Change::begin(tx, Shard(0)).await?;
        for (level, code) in part {
            change.touch(tx, &tables::AREA, key(*level, code)).await?;
            query("DELETE FROM area WHERE level = $1 AND code = $2")
                .bind(level.number())
                .bind(code)
                .execute(tx.conn())
                .await?;
        }
        change.record(tx, at, ActionKind::AreasChanged).await?;
    }
    Ok(())
}
