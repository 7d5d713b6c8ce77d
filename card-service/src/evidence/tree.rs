//! Tiles of the tree in memory: appending leaves, the root, proofs. Pure; hashing and proofs are `tlog_tiles`'.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use tlog_tiles::{Error, HashReader, Tile, tlog};

use super::Hash;

/// Height of a tile (C2SP tlog-tiles): up to 256 hashes.
const HEIGHT: u8 = 8;
/// Hashes in a full tile.
pub const FULL_WIDTH: usize = 256;
const HASH_BYTES: usize = 32;

/// Where a tile stands: its level (in tiles) and its place in the level.
pub type TileKey = (u8, u64);

/// The root of the empty tree (RFC 9162 §2.1.1).
pub const EMPTY_ROOT: Hash = tlog::EMPTY_HASH.0;

/// Some tiles of a tree; what is computed from them needs those that [`needed`] names.
#[derive(Clone, Debug, Default)]
pub struct Tiles {
    tiles: BTreeMap<TileKey, Vec<u8>>,
    changed: BTreeSet<TileKey>,
}

impl Tiles {
    /// Puts a stored tile in.
    pub fn load(&mut self, key: TileKey, hashes: Vec<u8>) {
        self.tiles.insert(key, hashes);
    }

    /// The hashes of a tile.
    pub fn get(&self, key: TileKey) -> Option<&[u8]> {
        self.tiles.get(&key).map(Vec::as_slice)
    }

    /// Every tile.
    pub fn iter(&self) -> impl Iterator<Item = (TileKey, &[u8])> {
        self.tiles.iter().map(|(key, hashes)| (*key, hashes.as_slice()))
    }

    /// Tiles that changed since they were loaded.
    pub fn changed(&self) -> impl Iterator<Item = (TileKey, &[u8])> {
        self.changed.iter().map(|key| (*key, self.tiles[key].as_slice()))
    }

    /// Adds the leaf after the last; every tile that this completes adds its own hash to the level above.
    pub fn push(&mut self, size: u64, leaf: Hash) {
        let (mut hash, mut level, mut index) = (leaf, 0, size);
        loop {
            let key = (level, index / FULL_WIDTH as u64);
            let tile = self.tiles.entry(key).or_default();
            tile.extend_from_slice(&hash);
            self.changed.insert(key);
            if tile.len() < FULL_WIDTH * HASH_BYTES {
                return;
            }
            (hash, level, index) = (Tile::subtree_hash(tile).0, level + 1, key.1);
        }
    }

    /// Lets go of a full tile: what grows further is above it.
    pub fn forget(&mut self, key: TileKey) {
        self.tiles.remove(&key);
        self.changed.remove(&key);
    }

    /// The root of the tree of this size.
    ///
    /// # Errors
    /// When a tile is missing or too short.
    pub fn root(&self, size: u64) -> Result<Hash, Error> {
        tlog::tree_hash(size, self).map(|hash| hash.0)
    }

    /// That leaf `index` is in the tree of `size` leaves (RFC 9162 §2.1.3).
    ///
    /// # Errors
    /// When there is no such leaf or a tile is missing.
    pub fn prove_inclusion(&self, size: u64, index: u64) -> Result<Vec<Hash>, Error> {
        Ok(tlog::prove_record(size, index, self)?.into_iter().map(|hash| hash.0).collect())
    }

    /// That the tree of `newer` leaves begins with that of `older` (RFC 9162 §2.1.4).
    ///
    /// # Errors
    /// When the sizes are not in order or a tile is missing.
    pub fn prove_consistency(&self, newer: u64, older: u64) -> Result<Vec<Hash>, Error> {
        Ok(tlog::prove_tree(newer, older, self)?.into_iter().map(|hash| hash.0).collect())
    }
}

impl HashReader for Tiles {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, Error> {
        indexes
            .iter()
            .map(|index| {
                let tile = Tile::from_index(HEIGHT, *index);
                let hashes = self.tiles.get(&(tile.level(), tile.level_index())).ok_or(Error::InvalidTile)?;
                tile.hash_at_index(hashes, *index)
            })
            .collect()
    }
}

/// Notes which tiles a computation reads, and answers zeros.
#[derive(Debug, Default)]
struct Recorder(Mutex<BTreeSet<TileKey>>);

impl HashReader for Recorder {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, Error> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for index in indexes {
            let tile = Tile::from_index(HEIGHT, *index);
            keys.insert((tile.level(), tile.level_index()));
        }
        Ok(vec![tlog::Hash([0; 32]); indexes.len()])
    }
}

/// A computation on a tree.
#[derive(Clone, Copy, Debug)]
pub enum Question {
    /// [`Tiles::root`]; these tiles are also the ones that the next leaves go to.
    Root(u64),
    /// [`Tiles::prove_inclusion`], size and index.
    Inclusion(u64, u64),
    /// [`Tiles::prove_consistency`], newer and older.
    Consistency(u64, u64),
}

/// The tiles that a computation reads: a few per level of the tree.
///
/// # Errors
/// When the question makes no sense.
pub fn needed(question: Question) -> Result<BTreeSet<TileKey>, Error> {
    let recorder = Recorder::default();
    match question {
        Question::Root(size) => tlog::tree_hash(size, &recorder).map(|_| ())?,
        Question::Inclusion(size, index) => tlog::prove_record(size, index, &recorder).map(|_| ())?,
        Question::Consistency(newer, older) => tlog::prove_tree(newer, older, &recorder).map(|_| ())?,
    }
    Ok(recorder.0.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Checks an inclusion proof (RFC 9162 §2.1.3.2).
pub fn check_inclusion(proof: &[Hash], size: u64, root: Hash, index: u64, leaf: Hash) -> bool {
    let proof = proof.iter().map(|hash| tlog::Hash(*hash)).collect();
    index < size && tlog::check_record(&proof, size, tlog::Hash(root), index, tlog::Hash(leaf)).is_ok()
}

/// Checks a consistency proof (RFC 9162 §2.1.4.2).
pub fn check_consistency(proof: &[Hash], newer: (u64, Hash), older: (u64, Hash)) -> bool {
    let proof = proof.iter().map(|hash| tlog::Hash(*hash)).collect();
    (1..=newer.0).contains(&older.0)
        && tlog::check_tree(&proof, newer.0, tlog::Hash(newer.1), older.0, tlog::Hash(older.1)).is_ok()
}

/// Reads the C2SP path of a tile, `<level>/<index>[.p/<width>]`: its place and how many hashes are asked for. By hand:
/// the library's reader panics on levels and widths that no tile can have.
pub fn parse_path(path: &str) -> Option<(TileKey, usize)> {
    let (level, rest) = path.split_once('/')?;
    let level = level.parse().ok().filter(|level| *level < 64 / HEIGHT && path.as_bytes()[0].is_ascii_digit())?;
    let (index, width) = match rest.split_once(".p/") {
        Some((index, width)) => (index, width.parse().ok().filter(|width| (1..FULL_WIDTH).contains(width))?),
        None => (rest, FULL_WIDTH),
    };
    let mut digits = index.split('/').rev();
    let last = group_of_three(digits.next()?)?;
    let mut index = 0_u64;
    for group in digits.rev() {
        index = index.checked_mul(1_000)?.checked_add(group_of_three(group.strip_prefix('x')?)?)?;
    }
    Some(((level, index.checked_mul(1_000)?.checked_add(last)?), width))
}

fn group_of_three(text: &str) -> Option<u64> {
    (text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::leaf::leaf_hash;
    use super::*;

    /// The definition of RFC 9162 §2.1.1, word for word.
    fn definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => EMPTY_ROOT,
            [leaf] => *leaf,
            _ => {
                let k = leaves.len().next_power_of_two() / 2;
                let (left, right) = leaves.split_at(k);
                tlog::node_hash(tlog::Hash(definition(left)), tlog::Hash(definition(right))).0
            }
        }
    }

    fn leaves(count: usize) -> Vec<Hash> {
        (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    fn tree(leaves: &[Hash]) -> Tiles {
        let mut tiles = Tiles::default();
        for (size, leaf) in (0..).zip(leaves) {
            tiles.push(size, *leaf);
        }
        tiles
    }

    #[test]
    fn the_root_is_that_of_the_definition_at_every_size() {
        let leaves = leaves(600);
        let tiles = tree(&leaves);
        for size in 0..=600_usize {
            assert_eq!(tiles.root(size as u64).unwrap(), definition(&leaves[..size]), "{size}");
        }
    }

    #[test]
    fn the_tree_goes_on_from_its_frontier_alone() {
        for split in [1, 255, 256, 257, 511, 512, 513, 65_536, 65_537] {
            let leaves = leaves(split + 300);
            let whole = tree(&leaves);
            let mut part = Tiles::default();
            for key in needed(Question::Root(split as u64)).unwrap() {
                let full = whole.get(key).unwrap();
                let width = ((split >> (8 * key.0)) - usize::try_from(key.1).unwrap() * 256).min(256);
                part.load(key, full[..width * 32].to_vec());
            }
            for (size, leaf) in (0..).zip(&leaves).skip(split) {
                part.push(size, *leaf);
            }
            let size = leaves.len() as u64;
            assert_eq!(part.root(size).unwrap(), whole.root(size).unwrap(), "{split}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn proofs_prove_and_prove_nothing_else(size in 1..700_usize, at: prop::sample::Index, older: prop::sample::Index) {
            let leaves = leaves(size);
            let tiles = tree(&leaves);
            let (at, older) = (at.index(size), older.index(size) + 1);
            let root = tiles.root(size as u64).unwrap();
            let proof = tiles.prove_inclusion(size as u64, at as u64).unwrap();
            prop_assert!(check_inclusion(&proof, size as u64, root, at as u64, leaves[at]));
            prop_assert!(!check_inclusion(&proof, size as u64, root, at as u64, leaf_hash(b"another")));
            prop_assert!(!check_inclusion(&proof, size as u64, [1; 32], at as u64, leaves[at]));

            let old_root = definition(&leaves[..older]);
            let proof = tiles.prove_consistency(size as u64, older as u64).unwrap();
            prop_assert!(check_consistency(&proof, (size as u64, root), (older as u64, old_root)));
            prop_assert!(!check_consistency(&proof, (size as u64, root), (older as u64, [1; 32])));
        }
    }

    proptest! {
        #[test]
        fn no_path_makes_the_reader_panic(path in "[0-9x./pdat]{0,20}") {
            let _ = parse_path(&path);
        }
    }

    #[test]
    fn paths_are_those_of_c2sp() {
        assert_eq!(parse_path("0/000"), Some(((0, 0), 256)));
        assert_eq!(parse_path("1/x001/234.p/7"), Some(((1, 1_234), 7)));
        for bad in ["", "0", "0/0", "0/000.p/0", "0/000.p/256", "data/000", "../0/000", "0/000/", "64/000"] {
            assert_eq!(parse_path(bad), None, "{bad}");
        }
    }
}
