//! The one task that gives leaves their place in the tree and signs what came of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use card_schema::clock::Micros;
use card_schema::envelope::tap::LogHead;
use tokio::sync::watch;

use super::checkpoint::{self, CheckpointError, LogKey};
use super::leaf::Hash;
use super::recent::Recent;
use super::store::{self, Checkpoint, LeafRef, Pending};
use super::tree::{EMPTY_ROOT, Question, Tiles, needed};
use crate::db::{Connection, Db, DbError, Turn, Tx};
use crate::keys::KeyStore;

/// Leaves that one transaction takes at most.
const LEAVES_A_STEP: i64 = 4_096;

/// What one transaction has come to.
#[derive(Clone, Copy, Debug)]
struct Step {
    head: LogHead,
    /// Whether it took as many leaves as it may, so that more are most likely waiting.
    more: bool,
}

/// Why the log did not grow.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The stored tree is not the one that was signed last. Nothing is signed until a person has looked.
    #[error("the stored tiles do not give the root that was signed at size {size}: the log is not extended")]
    Altered {
        /// Size of the newest checkpoint.
        size: u64,
    },
    /// A leaf that waits for its place is not there any more.
    #[error("leaf {leaf_id} of shard {shard} was taken out: the log is not extended")]
    MissingLeaf {
        /// Its shard.
        shard: u8,
        /// Its number.
        leaf_id: i64,
    },
    /// The tree does not fit together.
    #[error("the tree cannot be computed: {0}")]
    Tree(String),
    /// The checkpoint could not be signed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<tlog_tiles::Error> for LogError {
    fn from(error: tlog_tiles::Error) -> Self {
        Self::Tree(error.to_string())
    }
}

/// The log of this service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Log {
    db: Db,
    keys: Arc<dyn KeyStore>,
    origin: Arc<str>,
    head: watch::Sender<Option<LogHead>>,
    recent: Recent,
}

impl Log {
    /// Opens the log. `origin` is its name for the world, a URL without scheme; it never changes.
    ///
    /// # Errors
    /// When the name or the log key is unusable.
    pub async fn open(db: Db, keys: Arc<dyn KeyStore>, origin: &str) -> Result<Self, LogError> {
        LogKey::of(&*keys, origin)?;
        let mut connection = db.read().await?;
        let newest = store::newest_checkpoint(&mut connection).await?;
        drop(connection);
        let head = newest.map(|checkpoint| LogHead { size: checkpoint.size, root: checkpoint.root });
        Ok(Self { db, keys, origin: origin.into(), head: watch::Sender::new(head), recent: Recent::default() })
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The key that checkpoints are verified with.
    ///
    /// # Errors
    /// When the key store fails.
    pub fn key(&self) -> Result<LogKey, CheckpointError> {
        LogKey::of(&*self.keys, &self.origin)
    }

    /// Where to leave the hashes of leaves that were just committed.
    pub fn recent(&self) -> Recent {
        self.recent.clone()
    }

    /// The newest signed head, as it changes.
    pub fn head(&self) -> watch::Receiver<Option<LogHead>> {
        self.head.subscribe()
    }

    /// Gives waiting leaves their places and signs a checkpoint; nothing where none wait.
    ///
    /// # Errors
    /// [`LogError::Altered`] and [`LogError::MissingLeaf`] mean that somebody changed the database: nothing is signed.
    pub async fn integrate(&self, at: Micros) -> Result<Option<LogHead>, LogError> {
        Ok(self.step(at).await?.map(|step| step.head))
    }

    async fn step(&self, at: Micros) -> Result<Option<Step>, LogError> {
        // Asked without the write lock first: most of the time nothing is waiting.
        let mut connection = self.db.read().await?;
        if !store::any_pending(&mut connection).await? {
            // Another process may have extended the tree.
            let newest = store::newest_checkpoint(&mut connection).await?;
            let head = newest.map(|checkpoint| LogHead { size: checkpoint.size, root: checkpoint.root });
            self.head.send_if_modified(|known| {
                let newer = head.is_some_and(|head| known.is_none_or(|known| known.size < head.size));
                if newer {
                    *known = head;
                }
                newer
            });
            return Ok(None);
        }
        drop(connection);
        let (keys, origin, recent) = (Arc::clone(&self.keys), Arc::clone(&self.origin), self.recent.clone());
        let extended = self
            .db
            .write_concurrently(move |tx| Box::pin(async move { extend(tx, &*keys, &origin, &recent, at).await }))
            .await?;
        if let Some(step) = &extended {
            self.head.send_replace(Some(step.head));
            #[expect(clippy::cast_precision_loss, reason = "a gauge")]
            metrics::gauge!("evidence_tree_size").set(step.head.size as f64);
        }
        Ok(extended)
    }

    /// Integrates again and again, `period` apart and at once while more is waiting than one step takes, until the task
    /// is aborted. What has come in meanwhile waits for the next period: a step costs a transaction, however small.
    pub async fn run(self, period: Duration, clock: Arc<dyn Fn() -> Micros + Send + Sync>) {
        let mut turn = tokio::time::interval(period);
        turn.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            turn.tick().await;
            loop {
                match self.step(clock()).await {
                    Ok(Some(step)) if step.more => {}
                    Ok(_) => break,
                    Err(error) => {
                        metrics::counter!("evidence_failures_total").increment(1);
                        tracing::error!(%error, "the log was not extended");
                        break;
                    }
                }
            }
        }
    }
}

async fn extend(
    tx: &mut Tx,
    keys: &dyn KeyStore,
    origin: &str,
    recent: &Recent,
    at: Micros,
) -> Result<Option<Step>, LogError> {
    tx.take_turn(Turn::Tree).await?;
    let pending = store::pending(tx.conn(), LEAVES_A_STEP).await?;
    if pending.is_empty() {
        return Ok(None);
    }
    let (mut size, root) = store::newest_checkpoint(tx.conn())
        .await?
        .map_or((0, EMPTY_ROOT), |checkpoint| (checkpoint.size, checkpoint.root));
    let frontier = needed(Question::Root(size))?;
    let mut tiles = store::load_tiles(tx.conn(), &frontier).await?;
    let stored_root = tiles.root(size).ok();
    if stored_root != Some(root) {
        return Err(LogError::Altered { size });
    }
    let mut place = size;
    let mut runs = Vec::with_capacity(pending.len());
    for run in &pending {
        runs.push((*run, place));
        place += run.leaves.unsigned_abs();
    }
    let more = place - size == LEAVES_A_STEP.unsigned_abs();
    for (LeafRef { shard, leaf_id }, hash) in hashes(tx.conn(), recent, &pending).await? {
        tiles.push(size, hash.ok_or(LogError::MissingLeaf { shard: shard.0, leaf_id })?);
        size += 1;
    }
    let root = tiles.root(size)?;
    let note = checkpoint::sign(keys, origin, size, root)?;
    store::place_leaves(tx.conn(), &runs).await?;
    store::save_tiles(tx.conn(), &tiles).await?;
    store::insert_checkpoint(tx.conn(), &Checkpoint { size, root, note, at }).await?;
    Ok(Some(Step { head: LogHead { size, root }, more }))
}

/// The hash of each of these leaves, where it is there.
async fn hashes(
    connection: &mut Connection,
    recent: &Recent,
    pending: &[Pending],
) -> Result<Vec<(LeafRef, Option<Hash>)>, DbError> {
    let mut leaves = recent.take(pending.iter().flat_map(|run| run.each()));
    let unknown: Vec<LeafRef> = leaves.iter().filter(|(_, hash)| hash.is_none()).map(|(leaf, _)| *leaf).collect();
    let read = store::leaf_hashes(connection, &unknown).await?;
    for (leaf, hash) in leaves.iter_mut().filter(|(_, hash)| hash.is_none()) {
        *hash = read.get(leaf).copied();
    }
    Ok(leaves)
}

/// The tiles that a question needs, from the database.
///
/// # Errors
/// When the question makes no sense, or the database fails.
pub async fn tiles_for(connection: &mut Connection, question: Question) -> Result<Tiles, LogError> {
    let keys: BTreeSet<_> = needed(question)?;
    Ok(store::load_tiles(connection, &keys).await?)
}
