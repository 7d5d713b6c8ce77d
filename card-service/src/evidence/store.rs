//! The log's tables: appending leaves, reading tiles and checkpoints.

use std::collections::{BTreeSet, HashMap};

use card_schema::clock::Micros;
use card_schema::ids::{Shard, TapId};
use ring::rand::{SecureRandom, SystemRandom};
use sqlx::{QueryBuilder, Row as _};

use super::leaf::{Action, Body, Hash, Salt, leaf_hash};
use super::tree::{TileKey, Tiles};
use crate::db::dialect::{Connection, Engine, ROWS_PER_STATEMENT};
use crate::db::{DbError, Tx, sets};

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

/// Records several actions in their order.
pub async fn append_all(tx: &mut Tx, at: Micros, actions: &[Action]) -> Result<Vec<LeafRef>, DbError> {
    if actions.is_empty() {
        return Ok(Vec::new());
    }
    let mut last = last_leaf_ids(tx, actions.iter().map(|action| action.shard).collect()).await?;
    let random = SystemRandom::new();
    let mut refs = Vec::with_capacity(actions.len());
    for chunk in actions.chunks(ROWS_PER_STATEMENT) {
        let mut rows = Vec::with_capacity(chunk.len());
        for action in chunk {
            let mut salt: Salt = [0; 16];
            random.fill(&mut salt).map_err(|_| DbError::Randomness)?;
            let leaf_id = last.entry(action.shard).or_insert(0);
            *leaf_id += 1;
            refs.push(LeafRef { shard: action.shard, leaf_id: *leaf_id });
            let body = Body::new(action, *leaf_id, at, &salt);
            rows.push((body, salt));
        }
        let mut insert = QueryBuilder::<Engine>::new("INSERT INTO leaf (shard, leaf_id, kind, at, body, hash, salt) ");
        insert.push_values(&rows, |mut row, (body, salt)| {
            let encoded = body.encode();
            let hash = leaf_hash(&encoded);
            row.push_bind(body.shard)
                .push_bind(body.leaf_id)
                .push_bind(i64::from(body.kind))
                .push_bind(at.0)
                .push_bind(encoded)
                .push_bind(hash.to_vec())
                .push_bind(salt.to_vec());
        });
        insert.build().execute(tx.conn()).await?;
    }
    Ok(refs)
}

/// The number of the last leaf of each of these shards.
pub(super) async fn last_leaf_ids(tx: &mut Tx, shards: BTreeSet<Shard>) -> Result<HashMap<Shard, i64>, DbError> {
    let rows = sqlx::query_as::<_, (i64, i64)>(
        "SELECT w.value, COALESCE((SELECT MAX(leaf_id) FROM leaf WHERE shard = w.value), 0) FROM json_each($1) w",
    )
    .bind(sets::json(shards.iter().map(|shard| shard.0)))
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(|(shard, last)| Ok((sets::shard(shard)?, last))).collect()
}

/// What the hashes of a leaf were salted with.
pub(super) async fn leaf_salt(connection: &mut Connection, shard: Shard, leaf_id: i64) -> Result<Salt, DbError> {
    let salt: Option<Option<Vec<u8>>> = sqlx::query_scalar("SELECT salt FROM leaf WHERE shard = $1 AND leaf_id = $2")
        .bind(i64::from(shard.0))
        .bind(leaf_id)
        .fetch_optional(connection)
        .await?;
    salt.flatten().and_then(|salt| salt.try_into().ok()).ok_or(DbError::Unreadable("the salt of a row's leaf"))
}

/// A leaf that has no place in the tree yet.
#[derive(Clone, Debug)]
pub(super) struct PendingLeaf {
    pub(super) shard: i64,
    pub(super) leaf_id: i64,
    pub(super) body: Vec<u8>,
    pub(super) hash: Hash,
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

/// Whether any leaf waits for its place.
pub(super) async fn any_pending(connection: &mut Connection) -> Result<bool, DbError> {
    let found: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM leaf WHERE tree_index IS NULL LIMIT 1").fetch_optional(connection).await?;
    Ok(found.is_some())
}

/// Leaves without a place, in an order that repeats.
pub(super) async fn pending_leaves(connection: &mut Connection, limit: i64) -> Result<Vec<PendingLeaf>, DbError> {
    let rows = sqlx::query(
        "SELECT shard, leaf_id, body, hash FROM leaf WHERE tree_index IS NULL ORDER BY shard, leaf_id LIMIT $1",
    )
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(PendingLeaf {
                shard: row.try_get("shard")?,
                leaf_id: row.try_get("leaf_id")?,
                body: row.try_get("body")?,
                hash: sets::bytes(row, "hash")?,
            })
        })
        .collect()
}

/// Gives leaves their places: shard, number, place.
pub(super) async fn place_leaves(connection: &mut Connection, placed: &[(i64, i64, u64)]) -> Result<(), DbError> {
    sqlx::query(
        "UPDATE leaf SET tree_index = w.value ->> 2 FROM json_each($1) w
         WHERE leaf.shard = w.value ->> 0 AND leaf.leaf_id = w.value ->> 1",
    )
    .bind(sets::json(placed.iter()))
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest checkpoint, if there is one.
pub async fn newest_checkpoint(connection: &mut Connection) -> Result<Option<Checkpoint>, DbError> {
    let row = sqlx::query("SELECT size, root, note, at FROM checkpoint ORDER BY size DESC LIMIT 1")
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        Ok(Checkpoint {
            size: unsigned(row.try_get("size")?)?,
            root: sets::bytes(&row, "root")?,
            note: row.try_get("note")?,
            at: Micros(row.try_get("at")?),
        })
    })
    .transpose()
}

pub(super) async fn insert_checkpoint(connection: &mut Connection, checkpoint: &Checkpoint) -> Result<(), DbError> {
    sqlx::query("INSERT INTO checkpoint (size, root, note, at) VALUES ($1, $2, $3, $4)")
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
    let rows = sqlx::query(
        "SELECT t.level, t.idx, t.hashes FROM json_each($1) w
         CROSS JOIN tile t ON t.level = w.value ->> 0 AND t.idx = w.value ->> 1",
    )
    .bind(sets::json(keys.iter()))
    .fetch_all(connection)
    .await?;
    let mut tiles = Tiles::default();
    for row in rows {
        let level = u8::try_from(row.try_get::<i64, _>("level")?).map_err(|_| DbError::Unreadable("tile.level"))?;
        tiles.load((level, unsigned(row.try_get("idx")?)?), row.try_get("hashes")?);
    }
    Ok(tiles)
}

pub(super) async fn save_tiles(connection: &mut Connection, tiles: &Tiles) -> Result<(), DbError> {
    let changed: Vec<_> = tiles.changed().collect();
    for rows in changed.chunks(ROWS_PER_STATEMENT) {
        let rows = rows
            .iter()
            .map(|((level, index), hashes)| Ok((*level, signed(*index)?, signed(hashes.len() as u64 / 32)?, *hashes)))
            .collect::<Result<Vec<_>, DbError>>()?;
        let mut insert = QueryBuilder::<Engine>::new("INSERT INTO tile (level, idx, width, hashes) ");
        insert.push_values(rows, |mut row, (level, index, width, hashes)| {
            row.push_bind(i64::from(level)).push_bind(index).push_bind(width).push_bind(hashes.to_vec());
        });
        insert.push(" ON CONFLICT (level, idx) DO UPDATE SET width = excluded.width, hashes = excluded.hashes");
        insert.build().execute(&mut *connection).await?;
    }
    Ok(())
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
    let row = sqlx::query(
        "SELECT t.cose, f.body, f.salt, f.tree_index FROM lane_tap l
         JOIN tap t ON t.shard = l.shard AND t.terminal_id = l.terminal_id AND t.lane = l.lane AND t.counter = l.counter
         JOIN leaf f ON f.shard = t.shard AND f.leaf_id = t.leaf
         WHERE l.tap_id = $1",
    )
    .bind(tap.0.to_vec())
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(TapWithLeaf {
            cose: row.try_get("cose")?,
            body: row.try_get("body")?,
            salt: row.try_get("salt")?,
            index: row.try_get::<Option<i64>, _>("tree_index")?.map(unsigned).transpose()?,
        })
    })
    .transpose()
}
