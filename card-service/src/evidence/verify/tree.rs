//! Checkpoints, tiles and leaves against one another.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::Hash;
use super::super::checkpoint::LogKey;
use super::super::export::{Export, Value};
use super::super::leaf::leaf_hash;
use super::super::tree::Tiles;
use super::{Report, Row};

pub(super) fn check(export: &Export, key: &LogKey, report: &mut Report) {
    let signed = checkpoints(export, key, report);
    let Some((size, _)) = signed.last_key_value().map(|(size, root)| (*size, *root)) else {
        report.pending_leaves = Row::of(export, "leaf").count();
        if Row::of(export, "leaf").any(|leaf| *leaf.value("tree_index") != Value::Null) {
            report.find("checkpoint", "no checkpoint signed by this log, yet leaves have places in a tree");
        }
        return;
    };
    report.tree_size = size;
    let from_tiles = bottom_tiles(export);
    let from_leaves = placed_leaves(export, size);
    let tiles_right = roots_agree(&from_tiles, &signed, size);
    let leaves_right = roots_agree(&from_leaves, &signed, size);
    let truth = match (tiles_right, leaves_right) {
        (true, _) => from_tiles,
        (false, true) => from_leaves,
        (false, false) => {
            report.find(format!("checkpoint size={size}"), "neither the tiles nor the leaves give the signed root");
            from_tiles
        }
    };
    older_checkpoints(&truth, &signed, report);
    tiles(export, &truth, size, report);
    leaves(export, &truth, size, report);
}

/// Size and root of the checkpoints whose signature is good.
fn checkpoints(export: &Export, key: &LogKey, report: &mut Report) -> BTreeMap<u64, Hash> {
    let mut signed = BTreeMap::new();
    for row in Row::of(export, "checkpoint") {
        let opened = match row.value("note") {
            Value::Text(note) => key.open(note).ok(),
            _ => None,
        };
        match opened {
            None => report.find(row.name(), "its note is not signed by this log"),
            Some((size, root)) => {
                if row.int("size").and_then(|size| u64::try_from(size).ok()) != Some(size)
                    || row.hash("root") != Some(root)
                {
                    report.find(row.name(), "size or root are not those of its signed note");
                }
                signed.insert(size, root);
            }
        }
    }
    signed
}

type Hashes = Vec<Option<Hash>>;

fn bottom_tiles(export: &Export) -> Hashes {
    let mut hashes = Vec::new();
    for (expected, row) in (0..).zip(Row::of(export, "tile").filter(|row| row.int("level") == Some(0))) {
        let Some(bytes) = row.bytes("hashes").filter(|_| row.int("idx") == Some(expected)) else { break };
        hashes.extend(bytes.as_chunks::<32>().0.iter().copied().map(Some));
    }
    hashes
}

fn placed_leaves(export: &Export, size: u64) -> Hashes {
    // No larger than what was exported: a signed size is believed, but not for reserving memory.
    let count = Row::of(export, "leaf").count();
    let mut hashes = vec![None; usize::try_from(size).unwrap_or(usize::MAX).min(count)];
    for row in Row::of(export, "leaf") {
        let place = row.int("tree_index").and_then(|index| usize::try_from(index).ok());
        if let (Some(place), Some(body)) = (place.and_then(|place| hashes.get_mut(place)), row.bytes("body")) {
            *place = Some(leaf_hash(body));
        }
    }
    hashes
}

/// The tree of the first `size` hashes, if they are all there.
fn build(hashes: &Hashes, size: u64) -> Option<Tiles> {
    let mut tiles = Tiles::default();
    let first = hashes.get(..usize::try_from(size).ok()?)?;
    for (at, hash) in (0..).zip(first) {
        tiles.push(at, (*hash)?);
    }
    Some(tiles)
}

fn roots_agree(hashes: &Hashes, signed: &BTreeMap<u64, Hash>, size: u64) -> bool {
    build(hashes, size).and_then(|tiles| tiles.root(size).ok()).as_ref() == signed.get(&size)
}

fn older_checkpoints(truth: &Hashes, signed: &BTreeMap<u64, Hash>, report: &mut Report) {
    let newest = signed.keys().last().copied().unwrap_or(0);
    let Some(tiles) = build(truth, newest) else { return };
    for (size, root) in signed {
        if tiles.root(*size).ok() == Some(*root) {
            report.checkpoints += 1;
        } else {
            report.find(format!("checkpoint size={size}"), "its root is not that of the tree: the log was forked");
        }
    }
}

fn tiles(export: &Export, truth: &Hashes, size: u64, report: &mut Report) {
    let Some(expected) = build(truth, size) else { return };
    let mut stored = HashSet::new();
    for row in Row::of(export, "tile") {
        let key = row.int("level").and_then(|level| u8::try_from(level).ok()).zip(row.int("idx"));
        let hashes = row.bytes("hashes").unwrap_or_default();
        let wanted = key.and_then(|(level, index)| expected.get((level, u64::try_from(index).ok()?)));
        if wanted != Some(hashes) {
            report.find(row.name(), "is not the tile of the signed tree");
        } else if row.int("width") != i64::try_from(hashes.len() / 32).ok() {
            report.find(row.name(), "its width is not the number of its hashes");
        }
        stored.insert(key);
    }
    for ((level, index), _) in expected.iter() {
        if !stored.contains(&i64::try_from(index).ok().map(|index| (level, index))) {
            report.find(format!("tile level={level} idx={index}"), "is missing");
        }
    }
}

fn leaves(export: &Export, truth: &Hashes, size: u64, report: &mut Report) {
    let mut present = vec![false; truth.len().min(usize::try_from(size).unwrap_or(usize::MAX))];
    let mut waiting = HashMap::new();
    for row in Row::of(export, "leaf") {
        let hash = row.bytes("body").map(leaf_hash);
        match row.value("tree_index") {
            Value::Null => {
                report.pending_leaves += 1;
                if let Some(hash) = hash {
                    waiting.insert(hash, row);
                }
            }
            Value::Int(index) => match usize::try_from(*index).ok().filter(|index| *index < present.len()) {
                None => report.find(row.name(), format!("its place {index} is not in the signed tree")),
                Some(index) if truth[index] != hash => {
                    report.find(row.name(), format!("is not the leaf that the signed tree holds at {index}"));
                }
                Some(index) if present[index] => report.find(row.name(), format!("place {index} is taken twice")),
                Some(index) => {
                    present[index] = true;
                    report.leaves += 1;
                }
            },
            _ => report.find(row.name(), "its place in the tree is not a number"),
        }
    }
    for (index, hash) in truth.iter().enumerate().take(present.len()).filter(|(index, _)| !present[*index]) {
        match hash.and_then(|hash| waiting.get(&hash)) {
            Some(row) => report.find(row.name(), format!("has lost its place {index} in the tree")),
            None => report.find(format!("leaf tree_index={index}"), "is missing or altered"),
        }
    }
}
