//! Rows against the leaves that commit to them.

use std::collections::HashMap;

use super::super::export::{Export, Value};
use super::super::leaf::{Body, Column, Hash, RowImage, Salt, leaf_hash, salt_hash};
use super::{Report, Row};

/// Tables whose rows are in the export and must be in a leaf.
const COMMITTED: [&str; 4] = ["account", "transfer", "tap", "lane_event"];

/// What a leaf says about rows.
enum Leaf {
    /// Altered itself: says nothing.
    Broken,
    Sound {
        name: String,
        salt: Option<Salt>,
        rows: Vec<(String, Hash, bool)>,
    },
}

pub(super) fn check(export: &Export, report: &mut Report) {
    let mut leaves = HashMap::new();
    for row in Row::of(export, "leaf") {
        let leaf = match read(&row) {
            Ok(leaf) => leaf,
            Err(problem) => {
                report.find(row.name(), problem);
                Leaf::Broken
            }
        };
        leaves.insert((row.int("shard"), row.int("leaf_id")), leaf);
    }
    let mut complained = Vec::new();
    for table in COMMITTED {
        for row in Row::of(export, table) {
            let shard = if table == "lane_event" { "leaf_shard" } else { "shard" };
            let at = (row.int(shard), row.int("leaf"));
            let matched = leaves.get_mut(&at).ok_or("no leaf records it").and_then(|leaf| matches(&row, leaf));
            match matched {
                Ok(()) => match table {
                    "account" => report.accounts += 1,
                    "transfer" => report.transfers += 1,
                    "tap" => report.taps += 1,
                    _ => report.recorded_lane_faults += 1,
                },
                Err(problem) => {
                    report.find(row.name(), problem);
                    complained.push((at, table));
                }
            }
        }
    }
    for (at, leaf) in &leaves {
        let Leaf::Sound { name, rows, .. } = leaf else { continue };
        for (table, _, found) in rows {
            let known = COMMITTED.contains(&table.as_str());
            if known && !found && !complained.iter().any(|(of, about)| of == at && about == table) {
                report.find(name, format!("the {table} row that it records is missing"));
            }
        }
    }
}

/// Reads a leaf, and whether its columns are those that its body speaks of.
fn read(row: &Row<'_>) -> Result<Leaf, &'static str> {
    let bytes = row.bytes("body").ok_or("its body is not bytes")?;
    if row.hash("hash") != Some(leaf_hash(bytes)) {
        return Err("its hash is not that of its body");
    }
    let body = Body::decode(bytes).ok_or("its body is not a leaf's")?;
    if (row.int("shard"), row.int("leaf_id")) != (Some(body.shard), Some(body.leaf_id)) {
        return Err("its body is another leaf's");
    }
    if (row.int("kind"), row.int("at")) != (Some(i64::from(body.kind)), Some(body.at.0)) {
        return Err("its kind or time are not those of its body");
    }
    let salt = match row.value("salt") {
        Value::Null => None,
        Value::Bytes(salt) if salt_hash(salt) == body.salt_hash => {
            Some(salt.as_slice().try_into().map_err(|_| "its salt has another length")?)
        }
        _ => return Err("its salt is not the one it was written with"),
    };
    let rows: Vec<_> = body.rows.into_iter().map(|(table, hash)| (table, hash, false)).collect();
    if salt.is_none() && rows.iter().any(|(table, ..)| COMMITTED.contains(&table.as_str())) {
        return Err("its salt was erased while its rows are still there");
    }
    Ok(Leaf::Sound { name: row.name(), salt, rows })
}

fn matches(row: &Row<'_>, leaf: &mut Leaf) -> Result<(), &'static str> {
    let (salt, recorded) = match leaf {
        // The leaf is named already; what it recorded cannot be told.
        Leaf::Broken => return Ok(()),
        Leaf::Sound { salt: None, .. } => return Err("the salt of its leaf is gone"),
        Leaf::Sound { salt: Some(salt), rows, .. } => (salt, rows),
    };
    let columns: Vec<Column<'_>> = row.values[..row.table.committed].iter().map(Value::column).collect();
    let hash = RowImage::new(row.table.name, &columns).hash(salt);
    match recorded.iter_mut().find(|(table, of, found)| !found && *of == hash && table == row.table.name) {
        Some((.., found)) => {
            *found = true;
            Ok(())
        }
        None => Err("is not the row that its leaf recorded"),
    }
}
