//! The log's tables: appending leaves, reading tiles and checkpoints.

use std::collections::BTreeSet;

use card_schema::clock::Micros;
use card_schema::ids::{Shard, TapId};
use ring::rand::{SecureRandom, SystemRandom};

use super::leaf::{Action, Body, Hash, Salt};
use super::tree::{TileKey, Tiles};
use crate::db::{Connection, DbError, Row, Rows, Tx, insert, query, sets};

/// Where a leaf lies until (and after) it has its place in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LeafRef {
    /// The shard.
    pub shard: Shard,
    /// The number within the shard.
    pub leaf_id: i64,
}

/// Records an action. Call it in the transaction that carries the action out: no leaf, no action.
pub async fn append(tx: &mut Tx, at: Micros, action: &Action) -> Result<LeafRef, DbError> {
    let refs = append_all(tx, at, std::slice::from_ref(action)).await?;
    Ok(refs[0])
}

/// Bytes of a salt.
const SALT: usize = size_of::<Salt>();

/// Records several actions in their order.
pub async fn append_all(tx: &mut Tx, at: Micros, actions: &[Action]) -> Result<Vec<LeafRef>, DbError> {
    if actions.is_empty() {
        return Ok(Vec::new());
    }
    tx.lock(actions.iter().map(|action| action.shard)).await?;
    let mut salts = vec![0; SALT * actions.len()];
    SystemRandom::new().fill(&mut salts).map_err(|_| DbError::Randomness)?;
    let (salts, _) = salts.as_chunks::<SALT>();
    let mut refs = Vec::with_capacity(actions.len());
    let mut leaves = Vec::with_capacity(actions.len());
    for (action, salt) in actions.iter().zip(salts) {
        let numbers = tx.numbers(action.shard);
        numbers.leaf += 1;
        let leaf = LeafRef { shard: action.shard, leaf_id: numbers.leaf };
        refs.push(leaf);
        leaves.push((leaf, action.kind, Body::new(action, leaf.leaf_id, at, salt).encode(), salt));
    }
    // In the order of the keys: neighbours go to the same page.
    leaves.sort_unstable_by_key(|(leaf, ..)| (leaf.shard, leaf.leaf_id));
    let rows = Rows::new()
        .ints("shard", leaves.iter().map(|(leaf, ..)| i64::from(leaf.shard.0)))
        .ints("leaf_id", leaves.iter().map(|(leaf, ..)| leaf.leaf_id))
        .ints("kind", leaves.iter().map(|(_, kind, ..)| i64::from(kind.number())))
        .bytes("salt", leaves.iter().map(|(.., salt)| **salt))
        .bytes("body", leaves.into_iter().map(|(_, _, body, _)| body));
    insert(tx.conn(), "leaf", rows, "").await?;
    Ok(refs)
}

/// What the hashes of a leaf were salted with.
pub(super) async fn leaf_salt(connection: &mut Connection, shard: Shard, leaf_id: i64) -> Result<Salt, DbError> {
    let salt: Option<Option<Vec<u8>>> = query("SELECT salt FROM leaf WHERE shard = $1 AND leaf_id = $2")
        .bind(shard)
        .bind(leaf_id)
        .scalar(connection)
        .await?;
    salt.flatten().and_then(|salt| salt.try_into().ok()).ok_or(DbError::Unreadable("the salt of a row's leaf"))
}

/// Numbers of a shard that follow one another and have no place in the tree yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) shard: i64,
    /// The first.
    pub(super) leaf_id: i64,
    /// How many.
    pub(super) leaves: i64,
}

/// A leaf that has no place in the tree yet.
#[derive(Clone, Debug)]
pub(super) struct PendingLeaf {
    pub(super) shard: i64,
    pub(super) leaf_id: i64,
    pub(super) body: Vec<u8>,
}

/// A published checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Leaves in the tree.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// The signed note.
    pub note: String,
    /// When it was signed.
    pub at: Micros,
}

/// How far each shard has come, and how far the tree has followed it. Leaves are numbered without gaps in the order in
/// which their transactions commit, so what lies between waits, and nothing appears there later.
const PLACED: &str = "SELECT s.shard, s.leaf, COALESCE((SELECT r.leaf_id + r.leaves - 1 FROM leaf_run r
    WHERE r.shard = s.shard ORDER BY r.leaf_id DESC LIMIT 1), 0) AS placed FROM shard s";

/// Whether any leaf waits for its place.
pub(super) async fn any_pending(connection: &mut Connection) -> Result<bool, DbError> {
    let found: Option<i64> = query(format!("SELECT p.shard FROM ({PLACED}) AS p WHERE p.leaf > p.placed LIMIT 1"))
        .scalar(connection)
        .await?;
    Ok(found.is_some())
}

/// Numbers that have no place in the tree, and the leaves that are there under them, both by shard and number.
pub(super) async fn pending_leaves(
    connection: &mut Connection,
    limit: i64,
) -> Result<(Vec<Pending>, Vec<PendingLeaf>), DbError> {
    let rows = query(format!("{PLACED} ORDER BY s.shard")).all(&mut *connection).await?;
    let (mut room, mut waiting) = (limit, Vec::new());
    for row in &rows {
        let (shard, last, placed): (i64, i64, i64) = (row.get("shard")?, row.get("leaf")?, row.get("placed")?);
        let taken = room.min(last - placed);
        if taken > 0 {
            waiting.push(Pending { shard, leaf_id: placed + 1, leaves: taken });
            room -= taken;
        }
    }
    if waiting.is_empty() {
        return Ok((waiting, Vec::new()));
    }
    let set = Rows::new()
        .ints("shard", waiting.iter().map(|pending| pending.shard))
        .ints("low", waiting.iter().map(|pending| pending.leaf_id))
        .ints("high", waiting.iter().map(|pending| pending.leaf_id + pending.leaves - 1));
    let rows = query(
        "SELECT f.shard, f.leaf_id, f.body FROM {waiting} CROSS JOIN leaf f
         WHERE f.shard = waiting.shard AND f.leaf_id BETWEEN waiting.low AND waiting.high ORDER BY f.shard, f.leaf_id",
    )
    .set("waiting", set)
    .all(connection)
    .await?;
    let leaf =
        |row: &Row| Ok(PendingLeaf { shard: row.get("shard")?, leaf_id: row.get("leaf_id")?, body: row.get("body")? });
    Ok((waiting, rows.iter().map(leaf).collect::<Result<_, DbError>>()?))
}

/// Gives leaves their places: of each run that of its first.
pub(super) async fn place_leaves(connection: &mut Connection, runs: &[(Pending, u64)]) -> Result<(), DbError> {
    let places = runs.iter().map(|(_, place)| signed(*place)).collect::<Result<Vec<_>, _>>()?;
    let rows = Rows::new()
        .ints("shard", runs.iter().map(|(run, _)| run.shard))
        .ints("leaf_id", runs.iter().map(|(run, _)| run.leaf_id))
        .ints("leaves", runs.iter().map(|(run, _)| run.leaves))
        .ints("tree_index", places.into_iter());
    insert(connection, "leaf_run", rows, "").await
}

/// The newest checkpoint, if there is one.
pub async fn newest_checkpoint(connection: &mut Connection) -> Result<Option<Checkpoint>, DbError> {
    let row =
        query("SELECT size, root, note, at FROM checkpoint ORDER BY size DESC LIMIT 1").optional(connection).await?;
    row.map(|row| {
        Ok(Checkpoint {
            size: unsigned(row.get("size")?)?,
            root: sets::bytes(&row, "root")?,
            note: row.get("note")?,
            at: Micros(row.get("at")?),
        })
    })
    .transpose()
}

pub(super) async fn insert_checkpoint(connection: &mut Connection, checkpoint: &Checkpoint) -> Result<(), DbError> {
    query("INSERT INTO checkpoint (size, root, note, at) VALUES ($1, $2, $3, $4)")
        .bind(signed(checkpoint.size)?)
        .bind(checkpoint.root.to_vec())
        .bind(&checkpoint.note)
        .bind(checkpoint.at.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// Those of these tiles that are stored.
pub async fn load_tiles(connection: &mut Connection, keys: &BTreeSet<TileKey>) -> Result<Tiles, DbError> {
    let wanted = keys.iter().map(|(_, index)| signed(*index)).collect::<Result<Vec<_>, _>>()?;
    let wanted =
        Rows::new().ints("level", keys.iter().map(|(level, _)| i64::from(*level))).ints("idx", wanted.into_iter());
    let rows = query(
        "SELECT t.level, t.idx, t.hashes FROM {wanted} CROSS JOIN tile t
         WHERE t.level = wanted.level AND t.idx = wanted.idx",
    )
    .set("wanted", wanted)
    .all(connection)
    .await?;
    let mut tiles = Tiles::default();
    for row in rows {
        let level = u8::try_from(row.get::<i64>("level")?).map_err(|_| DbError::Unreadable("tile.level"))?;
        tiles.load((level, unsigned(row.get("idx")?)?), row.get("hashes")?);
    }
    Ok(tiles)
}

pub(super) async fn save_tiles(connection: &mut Connection, tiles: &Tiles) -> Result<(), DbError> {
    let changed: Vec<_> = tiles.changed().collect();
    let indexes = changed.iter().map(|((_, index), _)| signed(*index)).collect::<Result<Vec<_>, _>>()?;
    let widths = changed.iter().map(|(_, hashes)| signed(hashes.len() as u64 / 32)).collect::<Result<Vec<_>, _>>()?;
    let rows = Rows::new()
        .ints("level", changed.iter().map(|((level, _), _)| i64::from(*level)))
        .ints("idx", indexes.into_iter())
        .ints("width", widths.into_iter())
        .bytes("hashes", changed.iter().map(|(_, hashes)| *hashes));
    let replace = "ON CONFLICT (level, idx) DO UPDATE SET width = excluded.width, hashes = excluded.hashes";
    insert(connection, "tile", rows, replace).await
}

fn unsigned(number: i64) -> Result<u64, DbError> {
    u64::try_from(number).map_err(|_| DbError::Unreadable("a size below zero"))
}

fn signed(number: u64) -> Result<i64, DbError> {
    i64::try_from(number).map_err(|_| DbError::Unreadable("a size beyond 63 bits"))
}

/// A tap and the leaf that records it.
pub(super) struct TapWithLeaf {
    pub(super) cose: Vec<u8>,
    pub(super) body: Vec<u8>,
    pub(super) salt: Option<Vec<u8>>,
    pub(super) index: Option<u64>,
}

/// A tap by its id. Not indexed: hashes as keys halve the throughput of intake, and this is asked for by hand.
pub(super) async fn tap_with_leaf(connection: &mut Connection, tap: TapId) -> Result<Option<TapWithLeaf>, DbError> {
    let row = query(
        "SELECT t.cose, f.body, f.salt, f.tree_index FROM tap t
         JOIN placed_leaf f ON f.shard = t.shard AND f.leaf_id = t.leaf WHERE t.tap_id = $1",
    )
    .bind(tap.0.to_vec())
    .optional(connection)
    .await?;
    row.map(|row| {
        Ok(TapWithLeaf {
            cose: row.get("cose")?,
            body: row.get("body")?,
            salt: row.get("salt")?,
            index: row.get::<Option<i64>>("tree_index")?.map(unsigned).transpose()?,
        })
    })
    .transpose()
}
