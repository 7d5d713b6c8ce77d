//! Hashes of leaves that this process has just committed, so that giving them their places does not read them back.
//!
//! Bounded, and only a shortcut: what is not here is read from the database, where another process may have written it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::leaf::Hash;
use super::store::LeafRef;

/// Hashes that are kept, some 20 MB; beyond it they are forgotten together.
const KEPT: usize = 200_000;

/// See the module. Cheap to clone; all clones share what is kept.
#[derive(Clone, Debug, Default)]
pub struct Recent(Arc<Mutex<HashMap<LeafRef, Hash, foldhash::fast::RandomState>>>);

impl Recent {
    fn kept(&self) -> MutexGuard<'_, HashMap<LeafRef, Hash, foldhash::fast::RandomState>> {
        // Nothing that holds the lock can stop in its middle.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the hashes of leaves. Call it once their transaction is committed.
    pub fn keep(&self, leaves: Vec<(LeafRef, Hash)>) {
        let mut kept = self.kept();
        if kept.len() > KEPT {
            kept.clear();
        }
        kept.extend(leaves);
    }

    /// Takes those of these leaves that are kept, each in its place.
    pub(super) fn take(&self, leaves: impl Iterator<Item = LeafRef>) -> Vec<(LeafRef, Option<Hash>)> {
        let mut kept = self.kept();
        leaves.map(|leaf| (leaf, kept.remove(&leaf))).collect()
    }
}
