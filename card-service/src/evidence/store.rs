//! The log's tables: appending leaves, reading tiles and checkpoints.

use std::collections::{BTreeSet, HashMap};

use card_schema::clock::Micros;
use card_schema::envelope::receipt::Recorded;
use card_schema::ids::{Shard, TapId};
use ring::rand::{SecureRandom, SystemRandom};

use super::leaf::{Action, Body, Hash, Salt, leaf_hash};
use super::tree::{TileKey, Tiles};
use crate::db::{Connection, DbError, Rows, Tx, columns, insert, query};

/// Where a leaf lies until (and after) it has its place in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LeafRef {
    /// The shard.
    pub shard: Shard,
    /// The number within the shard.
    pub leaf_id: i64,
}

impl LeafRef {
    /// As receipts say it.
    pub fn recorded(self) -> Option<Recorded> {
        Some(Recorded { shard: self.shard, leaf: u64::try_from(self.leaf_id).ok()? })
    }

    /// The leaf that a receipt names.
    pub fn of(recorded: Recorded) -> Option<Self> {
        Some(Self { shard: recorded.shard, leaf_id: i64::try_from(recorded.leaf).ok()? })
    }
}

/// Takes the number of a leaf in a locked shard, for an action that is recorded later in the same transaction.
pub fn reserve(tx: &mut Tx, shard: Shard) -> LeafRef {
    let numbers = tx.numbers(shard);
    numbers.leaf += 1;
    LeafRef { shard, leaf_id: numbers.leaf }
}

/// Records an action. Call it in the transaction that carries the action out: no leaf, no action.
pub async fn append(tx: &mut Tx, at: Micros, action: Action) -> Result<LeafRef, DbError> {
    Ok(append_all(tx, at, vec![action]).await?[0])
}

/// Records several actions in their order.
pub async fn append_all(tx: &mut Tx, at: Micros, actions: Vec<Action>) -> Result<Vec<LeafRef>, DbError> {
    tx.lock(actions.iter().map(|action| action.shard)).await?;
    let actions: Vec<_> = actions.into_iter().map(|action| (reserve(tx, action.shard), action)).collect();
    let leaves = actions.iter().map(|(leaf, _)| *leaf).collect();
    append_reserved(tx, at, actions).await?;
    Ok(leaves)
}

/// Bytes of a salt.
const SALT: usize = size_of::<Salt>();

/// Records actions under the numbers that were reserved for them. Their hashes.
pub async fn append_reserved(
    tx: &mut Tx,
    at: Micros,
    mut actions: Vec<(LeafRef, Action)>,
) -> Result<Vec<(LeafRef, Hash)>, DbError> {
    let mut salts = vec![0; SALT * actions.len()];
    SystemRandom::new().fill(&mut salts).map_err(|_| DbError::Randomness)?;
    let (salts, _) = salts.as_chunks::<SALT>();
    // In the order of the keys: neighbours go to the same page.
    actions.sort_unstable_by_key(|(leaf, _)| (leaf.shard, leaf.leaf_id));
    let body = |((leaf, action), salt): (&(LeafRef, Action), &Salt)| Body::new(action, leaf.leaf_id, at, salt).encode();
    let bodies: Vec<Vec<u8>> = actions.iter().zip(salts).map(body).collect();
    let hashes = actions.iter().zip(&bodies).map(|((leaf, _), body)| (*leaf, leaf_hash(body))).collect();
    let rows = Rows::new()
        .ints("shard", actions.iter().map(|(leaf, _)| i64::from(leaf.shard.0)))
        .ints("leaf_id", actions.iter().map(|(leaf, _)| leaf.leaf_id))
        .ints("kind", actions.iter().map(|(_, action)| i64::from(action.kind.number())))
        .bytes("body", bodies.into_iter())
        .bytes("salt", salts.iter().copied());
    insert(tx.conn(), "leaf", rows, "").await?;
    Ok(hashes)
}

/// What the hashes of a leaf were salted with.
pub(crate) async fn leaf_salt(connection: &mut Connection, shard: Shard, leaf_id: i64) -> Result<Salt, DbError> {
    let salt: Option<Option<Vec<u8>>> = query("SELECT salt FROM leaf WHERE shard = $1 AND leaf_id = $2")
        .bind(shard)
        .bind(leaf_id)
        .scalar(connection)
        .await?;
    salt.flatten().and_then(|salt| salt.try_into().ok()).ok_or(DbError::Unreadable("the salt of a row's leaf"))
}

/// Leaves of a shard that follow one another and have no place in the tree yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) shard: Shard,
    /// The first.
    pub(super) leaf_id: i64,
    /// How many.
    pub(super) leaves: i64,
}

impl Pending {
    /// The leaves one by one.
    pub(super) fn each(self) -> impl Iterator<Item = LeafRef> {
        let Self { shard, leaf_id, leaves } = self;
        (leaf_id..leaf_id + leaves).map(move |leaf_id| LeafRef { shard, leaf_id })
    }
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

/// How many leaves wait for their place.
///
/// # Errors
/// When the database fails.
pub async fn count_pending(connection: &mut Connection) -> Result<i64, DbError> {
    query(format!("SELECT CAST(SUM(p.leaf - p.placed) AS BIGINT) FROM ({PLACED}) AS p")).scalar_one(connection).await
}

/// Leaves without a place, as many as `limit`, by shard and number.
pub(super) async fn pending(connection: &mut Connection, limit: i64) -> Result<Vec<Pending>, DbError> {
    let rows = query(format!("{PLACED} ORDER BY s.shard")).all(connection).await?;
    let (mut room, mut pending) = (limit, Vec::new());
    for row in &rows {
        let (last, placed): (i64, i64) = (row.get("leaf")?, row.get("placed")?);
        let leaves = room.min(last - placed);
        if leaves > 0 {
            pending.push(Pending { shard: columns::shard(row.get("shard")?)?, leaf_id: placed + 1, leaves });
            room -= leaves;
        }
    }
    Ok(pending)
}

/// The hashes of those of these leaves that there are.
pub(super) async fn leaf_hashes(
    connection: &mut Connection,
    leaves: &[LeafRef],
) -> Result<HashMap<LeafRef, Hash>, DbError> {
    if leaves.is_empty() {
        return Ok(HashMap::new());
    }
    let wanted = Rows::new()
        .ints("shard", leaves.iter().map(|leaf| i64::from(leaf.shard.0)))
        .ints("leaf_id", leaves.iter().map(|leaf| leaf.leaf_id));
    let rows = query(
        "SELECT f.shard, f.leaf_id, f.body FROM {wanted} CROSS JOIN leaf f
         WHERE f.shard = wanted.shard AND f.leaf_id = wanted.leaf_id",
    )
    .set("wanted", wanted)
    .all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let leaf = LeafRef { shard: columns::shard(row.get("shard")?)?, leaf_id: row.get("leaf_id")? };
            Ok((leaf, leaf_hash(row.get("body")?)))
        })
        .collect()
}

/// Gives leaves their places: of each run that of its first.
pub(super) async fn place_leaves(connection: &mut Connection, runs: &[(Pending, u64)]) -> Result<(), DbError> {
    let places = runs.iter().map(|(_, place)| signed(*place)).collect::<Result<Vec<_>, _>>()?;
    let rows = Rows::new()
        .ints("shard", runs.iter().map(|(run, _)| i64::from(run.shard.0)))
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
            root: columns::bytes(&row, "root")?,
            note: row.get("note")?,
            at: Micros(row.get("at")?),
        })
    })
    .transpose()
}

pub(super) async fn insert_checkpoint(connection: &mut Connection, checkpoint: &Checkpoint) -> Result<(), DbError> {
    query("INSERT INTO checkpoint (size, root, note, at) VALUES ($1, $2, $3, $4)")
        .bind(signed(checkpoint.size)?)
        .bind(checkpoint.root)
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

/// A leaf and its place in the tree.
pub(super) struct Placed {
    pub(super) body: Vec<u8>,
    pub(super) index: Option<u64>,
}

/// A leaf by its number.
pub(super) async fn placed(connection: &mut Connection, leaf: LeafRef) -> Result<Option<Placed>, DbError> {
    let row = query("SELECT f.body, f.tree_index FROM placed_leaf f WHERE f.shard = $1 AND f.leaf_id = $2")
        .bind(leaf.shard)
        .bind(leaf.leaf_id)
        .optional(connection)
        .await?;
    row.map(|row| {
        Ok(Placed { body: row.get("body")?, index: row.get::<Option<i64>>("tree_index")?.map(unsigned).transpose()? })
    })
    .transpose()
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
    .bind(tap.0)
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
