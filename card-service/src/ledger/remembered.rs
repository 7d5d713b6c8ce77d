//! Accounts as the last transactions of this process left them, so that an account that was used before is not read
//! again.
//!
//! What is remembered of a shard holds as long as the shard's numbers are the ones that were left: every transfer and
//! every account that anybody adds, here or in another process, takes a number.

use std::collections::HashMap;

use card_schema::ids::{SHARDS, Shard};
use foldhash::fast::RandomState;

use super::{Account, AccountKey, Book, LastIds, Needs, store};
use crate::db::{DbError, Tx};

/// Accounts that are remembered at most, some 30 MB. Beyond it the shard that has the most begins anew.
const ACCOUNTS: usize = 262_144;

/// See the module.
#[derive(Debug)]
pub struct Remembered(Vec<OfShard>);

#[derive(Clone, Debug, Default)]
struct OfShard {
    left: LastIds,
    accounts: HashMap<AccountKey, Account, RandomState>,
}

impl Default for Remembered {
    fn default() -> Self {
        Self(vec![OfShard::default(); usize::from(SHARDS)])
    }
}

/// What transfers need, and what is known of it without reading.
#[derive(Debug)]
pub struct Recalled {
    known: Vec<Account>,
    missing: Needs,
    shards: Vec<Shard>,
}

impl Recalled {
    /// The book that the transfers need, as [`store::load`] loads it; only what is not remembered is read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(self, tx: &mut Tx) -> Result<Book, DbError> {
        let mut book = store::load_shards(tx, &self.missing, &self.shards).await?;
        for account in self.known {
            book.load_account(account);
        }
        Ok(book)
    }
}

impl Remembered {
    /// Recalls what transfers need, for a transaction that holds its shards.
    pub fn recall(&mut self, tx: &mut Tx, mut needs: Needs) -> Recalled {
        let shards: Vec<Shard> = needs.shards().collect();
        for shard in &shards {
            let (remembered, now) = (&mut self.0[usize::from(shard.0)], store::last_ids(tx, *shard));
            if remembered.left != now {
                *remembered = OfShard { left: now, accounts: HashMap::default() };
            }
        }
        let mut known = Vec::new();
        needs.accounts.retain(|key| match self.0[usize::from(key.shard.0)].accounts.get(key) {
            Some(account) => {
                known.push(*account);
                false
            }
            None => true,
        });
        Recalled { known, missing: needs, shards }
    }

    /// Remembers what a book has come to. Call it once the transaction that [`store::save`] was part of is committed.
    pub fn keep(&mut self, book: &Book) {
        for (shard, last) in book.last_ids() {
            self.0[usize::from(shard.0)].left = last;
        }
        if self.0.iter().map(|shard| shard.accounts.len()).sum::<usize>() > ACCOUNTS
            && let Some(fullest) = self.0.iter_mut().max_by_key(|shard| shard.accounts.len())
        {
            fullest.accounts = HashMap::default();
        }
        for account in book.accounts() {
            self.0[usize::from(account.key.shard.0)].accounts.insert(account.key, *account);
        }
    }
}
