//! Checkpoints, tiles and leaves against one another, in the order of the tree.
//!
//! The tree is built twice, from the leaves and from the stored tiles. Whichever gives the root that was signed is the
//! truth, and what differs from it in the other is named. Of both trees only the right edge and the levels above the
//! lowest tiles are kept.

use std::collections::{BTreeMap, HashMap};
use std::iter::Peekable;

use super::super::checkpoint::LogKey;
use super::super::export::{ExportError, RowIter, Rows};
use super::super::leaf::{Hash, leaf_hash};
use super::super::tables::{CHECKPOINT, LEAVES, TILE, Value};
use super::super::tree::{FULL_WIDTH, TileKey, Tiles};
use super::sort::{Records, Sorted};
use super::{Report, Row, VerifyError};
use crate::folding::store::FOLDED;
use crate::progress::{Part, Progress};

/// Place, line, hash.
const PLACED: usize = 8 + 8 + 32;
/// Where leaves are sorted that wait for their place.
const WAITING: u64 = u64::MAX;
/// Hashes of missing leaves that are remembered, to find leaves that have only lost their place.
const MISSING_KEPT: usize = 10_000;

const FULL: u64 = FULL_WIDTH as u64;
const NOT_THE_TILE: &str = "is not the tile of the signed tree";

/// Leaves on their way into the order of the tree.
pub(super) struct Leaves(Records<PLACED>);

impl Leaves {
    pub(super) fn new() -> Result<Self, VerifyError> {
        Ok(Self(Records::new()?))
    }

    pub(super) fn take(&mut self, row: &Row<'_>, report: &mut Report) -> Result<(), VerifyError> {
        let place = match row.value("tree_index") {
            Value::Null => WAITING,
            Value::Int(index) => {
                let Ok(index) = u64::try_from(*index) else {
                    report.find(row.name(), not_in_tree(index));
                    return Ok(());
                };
                index
            }
            _ => {
                report.find(row.name(), "its place in the tree is not a number");
                return Ok(());
            }
        };
        let Some(body) = row.bytes("body") else { return Ok(()) };
        // Of one that was folded the hash is there, and nothing else.
        let folded = row.array("body").filter(|_| row.int("kind") == Some(FOLDED));
        let hash = folded.unwrap_or_else(|| leaf_hash(body));
        self.0.push(&[&place.to_be_bytes(), &row.line.to_be_bytes(), &hash])
    }
}

fn not_in_tree(place: impl std::fmt::Display) -> String {
    format!("its place {place} is not in the signed tree")
}

fn missing_leaf(place: u64) -> (String, &'static str) {
    (format!("leaf tree_index={place}"), "is missing or altered")
}

fn tile_name((level, index): TileKey) -> String {
    format!("tile level={level} idx={index}")
}

pub(super) fn check(
    export: &dyn Rows,
    leaves: Leaves,
    key: &LogKey,
    report: &mut Report,
    progress: &mut dyn Progress,
) -> Result<(), VerifyError> {
    let leaves = leaves.0.sorted()?;
    let total = leaves.remaining();
    progress.begin(Part::Tree, Some(total));
    let mut walk = Walk::new(leaves, BottomTiles::of(export)?);
    for (row, line) in export.of(&CHECKPOINT)?.zip(1..) {
        let (values, _) = row?;
        let row = Row { table: &CHECKPOINT, values: &values, line };
        let opened = match row.value("note") {
            Value::Text(note) => key.open(note).ok(),
            _ => None,
        };
        let Some((size, root)) = opened else {
            report.find(row.name(), "its note is not signed by this log");
            continue;
        };
        let columns = (row.int("size").and_then(|size| u64::try_from(size).ok()), row.array("root"));
        if columns != (Some(size), Some(root)) {
            report.find(row.name(), "size or root are not those of its signed note");
        }
        // One that stands in the wrong order was found by its size.
        if walk.signed.is_none_or(|signed| signed < size) {
            walk.go_to(size, report)?;
            walk.compare(size, &root);
            progress.reach(total - walk.leaves.remaining());
        }
    }
    walk.end(export, report)
}

/// A tree that is built from left to right.
struct Side {
    tiles: Tiles,
    /// Whether no hash was missing so far.
    whole: bool,
    /// Whether it gives the newest signed root.
    right: bool,
    /// Signed roots that it gives.
    checkpoints: u64,
    /// Signed roots that it does not give.
    forks: Report,
    /// What is wrong with the rows that it is built from, if it is this side that is wrong.
    suspects: Report,
}

impl Side {
    fn new() -> Self {
        let (tiles, forks, suspects) = Default::default();
        Self { tiles, whole: true, right: false, checkpoints: 0, forks, suspects }
    }

    fn push(&mut self, size: u64, hash: Option<Hash>) {
        let Some(hash) = hash.filter(|_| self.whole) else {
            self.whole = false;
            return;
        };
        self.tiles.push(size, hash);
        if (size + 1).is_multiple_of(FULL) {
            self.tiles.forget((0, size / FULL));
        }
    }

    fn compare(&mut self, size: u64, signed: &Hash) {
        self.right = self.whole && self.tiles.root(size).is_ok_and(|root| root == *signed);
        if self.right {
            self.checkpoints += 1;
        } else {
            let problem = "its root is not that of the tree: the log was forked";
            self.forks.find(format!("checkpoint size={size}"), problem);
        }
    }
}

/// Leaves and lowest tiles, side by side.
struct Walk<'a> {
    leaves: Sorted<PLACED>,
    bottom: BottomTiles<'a>,
    size: u64,
    /// The newest signed size.
    signed: Option<u64>,
    by_leaves: Side,
    by_tiles: Side,
    /// Places whose leaves are not there.
    missing: HashMap<Hash, u64>,
}

impl<'a> Walk<'a> {
    fn new(leaves: Sorted<PLACED>, bottom: BottomTiles<'a>) -> Self {
        let (by_leaves, by_tiles) = (Side::new(), Side::new());
        Self { leaves, bottom, size: 0, signed: None, by_leaves, by_tiles, missing: HashMap::new() }
    }

    /// The next leaf, if its place is below `end`.
    fn next_leaf(&mut self, end: u64) -> Result<Option<(u64, u64, Hash)>, VerifyError> {
        if self.leaves.peek().is_none_or(|mut leaf| leaf.count() >= end) {
            return Ok(None);
        }
        Ok(self.leaves.take()?.map(|mut leaf| (leaf.count(), leaf.count(), leaf.bytes())))
    }

    fn go_to(&mut self, size: u64, report: &mut Report) -> Result<(), VerifyError> {
        while self.size < size {
            let place = self.size;
            let in_tile = self.bottom.hash_at(place, &mut self.by_tiles.suspects, report)?;
            let mut found = None;
            while let Some((_, line, hash)) = self.next_leaf(place + 1)? {
                if found.is_some() {
                    self.by_leaves.suspects.find_line(&LEAVES, line, format!("place {place} is taken twice"));
                    continue;
                }
                found = Some(hash);
                if in_tile.is_some_and(|in_tile| in_tile != hash) {
                    let problem = format!("is not the leaf that the signed tree holds at {place}");
                    self.by_leaves.suspects.find_line(&LEAVES, line, problem);
                    self.by_tiles.suspects.find(tile_name((0, place / FULL)), NOT_THE_TILE);
                } else {
                    report.leaves += 1;
                }
            }
            match in_tile {
                Some(hash) if found.is_none() && self.missing.len() < MISSING_KEPT => {
                    self.missing.insert(hash, place);
                }
                _ if found.is_none() => {
                    let (row, problem) = missing_leaf(place);
                    self.by_leaves.suspects.find(row, problem);
                }
                _ => {}
            }
            self.by_leaves.push(place, found);
            self.by_tiles.push(place, in_tile);
            self.size += 1;
            // A signed size is believed, but not for counting up to it when nothing is left to compare.
            if self.bottom.is_empty() && self.leaves.peek().is_none_or(|mut leaf| leaf.count() == WAITING) {
                break;
            }
        }
        if self.size < size {
            let (row, problem) = (format!("leaf tree_index={} and after", self.size), "are missing");
            self.by_leaves.suspects.find(row, problem);
            (self.by_leaves.whole, self.by_tiles.whole, self.size) = (false, false, size);
        }
        Ok(())
    }

    fn compare(&mut self, size: u64, root: &Hash) {
        self.signed = Some(size);
        self.by_leaves.compare(size, root);
        self.by_tiles.compare(size, root);
    }

    fn end(mut self, export: &dyn Rows, report: &mut Report) -> Result<(), VerifyError> {
        self.bottom.end(self.size, &mut self.by_tiles.suspects, report)?;
        let mut placed = false;
        while let Some((place, line, _)) = self.next_leaf(WAITING)? {
            report.find_line(&LEAVES, line, not_in_tree(place));
            placed = true;
        }
        while let Some(mut leaf) = self.leaves.take()? {
            report.pending_leaves += 1;
            let (_, line) = (leaf.count(), leaf.count());
            if let Some(place) = self.missing.remove(&leaf.bytes()) {
                report.find_line(&LEAVES, line, format!("has lost its place {place} in the tree"));
            }
        }
        for place in self.missing.into_values() {
            let (row, problem) = missing_leaf(place);
            self.by_leaves.suspects.find(row, problem);
        }
        let Some(size) = self.signed else {
            if placed {
                report.find("checkpoint", "no checkpoint signed by this log, yet leaves have places in a tree");
            }
            return Ok(());
        };
        report.tree_size = size;
        let (mut leaves, mut tiles) = (self.by_leaves, self.by_tiles);
        if !leaves.right && !tiles.right {
            let problem = "neither the tiles nor the leaves give the signed root";
            report.find(format!("checkpoint size={size}"), problem);
        }
        if tiles.right || !leaves.right {
            report.absorb(std::mem::take(&mut leaves.suspects));
        }
        if leaves.right || !tiles.right {
            report.absorb(std::mem::take(&mut tiles.suspects));
        }
        let truth = if tiles.right { tiles } else { leaves };
        report.checkpoints = truth.checkpoints;
        if truth.right {
            report.absorb(truth.forks);
            upper_tiles(export, &truth.tiles, report)?;
        }
        Ok(())
    }
}

/// The tiles of level 0 as they are stored, one at a time.
struct BottomTiles<'a> {
    rows: Peekable<Bottom<'a>>,
    /// Index, hashes and name of the tile at hand.
    current: Option<StoredTile>,
}

struct StoredTile {
    index: u64,
    hashes: Vec<u8>,
    name: String,
}

type Bottom<'a> = Box<dyn Iterator<Item = Result<(StoredTile, bool), ExportError>> + 'a>;

impl<'a> BottomTiles<'a> {
    fn of(export: &'a dyn Rows) -> Result<Self, ExportError> {
        let rows: RowIter<'a> = export.of(&TILE)?;
        let bottom: Bottom<'a> = Box::new(rows.zip(1..).filter_map(|(row, line)| match row {
            Err(error) => Some(Err(error)),
            Ok((values, _)) => {
                let row = Row { table: &TILE, values: &values, line };
                let index = bottom_index(&row)?;
                let hashes = row.bytes("hashes").unwrap_or_default().to_vec();
                let width_right = row.int("width") == i64::try_from(hashes.len() / 32).ok();
                Some(Ok((StoredTile { index, hashes, name: row.name() }, width_right)))
            }
        }));
        Ok(Self { rows: bottom.peekable(), current: None })
    }

    fn is_empty(&mut self) -> bool {
        self.current.is_none() && self.rows.peek().is_none()
    }

    /// The hash at a place, if its tile is there. Places are asked for in order.
    fn hash_at(&mut self, place: u64, suspects: &mut Report, report: &mut Report) -> Result<Option<Hash>, VerifyError> {
        let (index, within) = (place / FULL, usize::try_from(place % FULL).expect("less than a tile's width"));
        while self.current.as_ref().is_none_or(|tile| tile.index < index) {
            self.close(FULL_WIDTH, suspects);
            let Some(next) = self.rows.next().transpose()? else { break };
            self.open(next, report);
        }
        let tile = self.current.as_ref().filter(|tile| tile.index == index);
        if tile.is_none() && within == 0 {
            suspects.find(tile_name((0, index)), "is missing");
        }
        Ok(tile.and_then(|tile| tile.hashes.as_chunks::<32>().0.get(within).copied()))
    }

    fn open(&mut self, (tile, width_right): (StoredTile, bool), report: &mut Report) {
        if !width_right {
            report.find(&tile.name, "its width is not the number of its hashes");
        }
        self.current = Some(tile);
    }

    /// Leaves the tile at hand, which must have this many hashes.
    fn close(&mut self, width: usize, suspects: &mut Report) {
        if let Some(tile) = self.current.take().filter(|tile| tile.hashes.len() != width * 32) {
            suspects.find(tile.name, NOT_THE_TILE);
        }
    }

    fn end(&mut self, size: u64, suspects: &mut Report, report: &mut Report) -> Result<(), VerifyError> {
        loop {
            // How many hashes of the tree are in this tile; none in one beyond its end.
            let index = self.current.as_ref().map_or(0, |tile| tile.index);
            let width = size.saturating_sub(index.saturating_mul(FULL)).min(FULL);
            self.close(usize::try_from(width).expect("a tile's width"), suspects);
            match self.rows.next().transpose()? {
                Some(next) => self.open(next, report),
                None => return Ok(()),
            }
        }
    }
}

fn bottom_index(row: &Row<'_>) -> Option<u64> {
    let index = row.int("idx").and_then(|index| u64::try_from(index).ok());
    index.filter(|_| row.int("level") == Some(0))
}

/// Every tile but the lowest against those of the true tree.
fn upper_tiles(export: &dyn Rows, truth: &Tiles, report: &mut Report) -> Result<(), VerifyError> {
    let mut expected: BTreeMap<TileKey, &[u8]> = truth.iter().filter(|((level, _), _)| *level > 0).collect();
    for (row, line) in export.of(&TILE)?.zip(1..) {
        let (values, _) = row?;
        let row = Row { table: &TILE, values: &values, line };
        if bottom_index(&row).is_some() {
            continue;
        }
        let level = row.int("level").and_then(|level| u8::try_from(level).ok());
        let index = row.int("idx").and_then(|index| u64::try_from(index).ok());
        let wanted = level.zip(index).and_then(|key| expected.remove(&key));
        let hashes = row.bytes("hashes").unwrap_or_default();
        if wanted != Some(hashes) {
            report.find(row.name(), NOT_THE_TILE);
        } else if row.int("width") != i64::try_from(hashes.len() / 32).ok() {
            report.find(row.name(), "its width is not the number of its hashes");
        }
    }
    for key in expected.into_keys() {
        report.find(tile_name(key), "is missing");
    }
    Ok(())
}
