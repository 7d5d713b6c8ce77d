//! The log's tables: appending leaves, reading tiles and checkpoints.

use std::collections::{BTreeSet, HashMap};

use card_schema::clock::Micros;
use card_schema::ids::Shard;
use ring::rand::{SecureRandom, SystemRandom};
use sqlx::QueryBuilder;

use super::leaf::{Action, Body, Salt, leaf_hash};
use crate::db::dialect::{Engine, ROWS_PER_STATEMENT};
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

async fn last_leaf_ids(tx: &mut Tx, shards: BTreeSet<Shard>) -> Result<HashMap<Shard, i64>, DbError> {
    let rows = sqlx::query_as::<_, (i64, i64)>(
        "SELECT w.value, COALESCE((SELECT MAX(leaf_id) FROM leaf WHERE shard = w.value), 0) FROM json_each($1) w",
    )
    .bind(sets::json(shards.iter().map(|shard| shard.0)))
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(|(shard, last)| Ok((sets::shard(shard)?, last))).collect()
}
