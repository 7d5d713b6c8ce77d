//! The deciding half of the ledger: accounts in memory, and what a transfer does to them.

use std::collections::{BTreeSet, HashMap, hash_map};

use card_schema::ids::Shard;

use super::{Account, AccountKey, Reference, Transfer, TransferKind};

/// Why a transfer is not posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// Zero or below.
    #[error("the amount {0} is not above zero")]
    Amount(i64),
    /// Two units, two shards, or an account with itself.
    #[error("a transfer needs two different accounts of one unit in one shard")]
    Accounts,
    /// The debited account may not go below zero.
    #[error("the balance {balance} does not cover {amount}")]
    Overdraft {
        /// What is there.
        balance: i64,
        /// What was asked for.
        amount: i64,
    },
    /// A balance would leave the range of 64 bits.
    #[error("a balance would overflow")]
    Overflow,
    /// The same cause has already moved something else.
    #[error("this reference was already used for another transfer")]
    ReferenceReused,
}

/// A posted transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number within the shard, counted up from 1.
    pub id: i64,
    /// What was posted.
    pub transfer: Transfer,
}

/// What posting did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Balances moved.
    Posted(Entry),
    /// The same transfer was posted before; nothing moved.
    Repeated(Entry),
}

impl Applied {
    /// The entry, new or old.
    pub const fn entry(&self) -> &Entry {
        match self {
            Self::Posted(entry) | Self::Repeated(entry) => entry,
        }
    }
}

/// The accounts that some transfers concern. Whoever fills it puts in all that exist; an account that is not there is
/// opened with balance zero by the first transfer that is posted to it.
#[derive(Clone, Debug, Default)]
pub struct Book {
    accounts: HashMap<AccountKey, Account>,
    posted: HashMap<(Shard, Reference, TransferKind), Entry>,
    last_ids: HashMap<Shard, LastIds>,
    opened: Vec<AccountKey>,
    changed: BTreeSet<AccountKey>,
}

/// The highest numbers in use in one shard.
#[derive(Clone, Copy, Debug, Default)]
pub struct LastIds {
    /// Of accounts.
    pub account: i64,
    /// Of transfers.
    pub transfer: i64,
}

impl Book {
    /// Puts an existing account in.
    pub fn load_account(&mut self, account: Account) {
        self.accounts.insert(account.key, account);
    }

    /// Puts a transfer in that was posted before.
    pub fn load_entry(&mut self, entry: Entry) {
        let transfer = &entry.transfer;
        self.posted.insert((transfer.debit.shard, transfer.reference, transfer.kind), entry);
    }

    /// Says which numbers a shard has used.
    pub fn load_last_ids(&mut self, shard: Shard, last: LastIds) {
        self.last_ids.insert(shard, last);
    }

    /// The balance, zero for an account that was never used.
    pub fn balance(&self, key: &AccountKey) -> i64 {
        self.accounts.get(key).map_or(0, |account| account.balance)
    }

    /// An account, if it is there.
    pub fn account(&self, key: &AccountKey) -> Option<&Account> {
        self.accounts.get(key)
    }

    /// Accounts opened since loading, in order; the first `skip` left out.
    pub fn opened(&self, skip: usize) -> impl Iterator<Item = &Account> {
        self.opened.iter().skip(skip).filter_map(|key| self.accounts.get(key))
    }

    /// How many accounts were opened since loading.
    pub fn opened_count(&self) -> usize {
        self.opened.len()
    }

    /// Accounts whose balance changed since loading, in order of their keys, without those opened.
    pub fn changed(&self) -> impl Iterator<Item = &Account> {
        let opened: BTreeSet<_> = self.opened.iter().collect();
        self.changed.iter().filter(move |key| !opened.contains(key)).filter_map(|key| self.accounts.get(key))
    }

    /// Posts a transfer, or says why not. Nothing changes when it is refused.
    pub fn post(&mut self, transfer: Transfer) -> Result<Applied, LedgerError> {
        let Transfer { debit, credit, amount, kind, reference } = transfer;
        if amount <= 0 {
            return Err(LedgerError::Amount(amount));
        }
        if debit == credit || debit.shard != credit.shard || debit.unit != credit.unit {
            return Err(LedgerError::Accounts);
        }
        let shard = debit.shard;
        if let Some(entry) = self.posted.get(&(shard, reference, kind)) {
            return if entry.transfer == transfer {
                Ok(Applied::Repeated(*entry))
            } else {
                Err(LedgerError::ReferenceReused)
            };
        }
        let balance = self.balance(&debit);
        let debited = balance.checked_sub(amount).ok_or(LedgerError::Overflow)?;
        let overdraft_allowed =
            self.accounts.get(&debit).map_or(debit.kind.overdraft_allowed(), |account| account.overdraft_allowed);
        if debited < 0 && !overdraft_allowed {
            return Err(LedgerError::Overdraft { balance, amount });
        }
        let credited = self.balance(&credit).checked_add(amount).ok_or(LedgerError::Overflow)?;

        self.set_balance(debit, debited);
        self.set_balance(credit, credited);
        let last = self.last_ids.entry(shard).or_default();
        last.transfer += 1;
        let entry = Entry { id: last.transfer, transfer };
        self.posted.insert((shard, reference, kind), entry);
        Ok(Applied::Posted(entry))
    }

    fn set_balance(&mut self, key: AccountKey, balance: i64) {
        let account = match self.accounts.entry(key) {
            hash_map::Entry::Occupied(account) => account.into_mut(),
            hash_map::Entry::Vacant(vacant) => {
                let last = self.last_ids.entry(key.shard).or_default();
                last.account += 1;
                self.opened.push(key);
                vacant.insert(Account {
                    key,
                    id: last.account,
                    overdraft_allowed: key.kind.overdraft_allowed(),
                    balance: 0,
                })
            }
        };
        account.balance = balance;
        self.changed.insert(key);
    }
}
