//! Whether what is kept on the accounts is what the transfers make: every balance and every held amount summed up anew.
//! Pure, and independent of `book`: it adds and compares, and decides nothing.

use std::collections::HashMap;

use card_schema::ids::Shard;

use super::{Account, AccountKey, Entry, LedgerError, Phase};

/// Something that does not agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Discrepancy {
    /// The balance is not what the transfers make.
    #[error("the balance of {account:?} is {kept}, its transfers make {recomputed}")]
    Balance {
        /// Which account.
        account: AccountKey,
        /// What the account says.
        kept: i64,
        /// What the transfers say.
        recomputed: i128,
    },
    /// The held amount is not what the open holds make.
    #[error("{kept} is held on {account:?}, its open holds make {recomputed}")]
    Held {
        /// Which account.
        account: AccountKey,
        /// What the account says.
        kept: i64,
        /// What the open holds say.
        recomputed: i128,
    },
    /// Balance less holds is below the credit limit.
    #[error("{account:?} is below its credit limit: {available} is available")]
    Overdrawn {
        /// Which account.
        account: AccountKey,
        /// Below zero.
        available: i64,
    },
    /// Transfers concern an account that does not exist.
    #[error("{account:?} does not exist and has transfers")]
    NoAccount {
        /// Which account.
        account: AccountKey,
    },
    /// A transfer that the ledger refuses whatever the accounts hold.
    #[error("transfer {id} of shard {} cannot have been posted", shard.0)]
    Impossible {
        /// Where.
        shard: Shard,
        /// Its number there.
        id: i64,
        /// What is wrong with it.
        #[source]
        reason: LedgerError,
    },
    /// A transfer ends a hold that never was or has ended before, or posts more than was held.
    #[error("transfer {id} of shard {} ends {hold}, which is no open hold of that amount", shard.0)]
    NoOpenHold {
        /// Where.
        shard: Shard,
        /// The transfer's number there.
        id: i64,
        /// The number that it names.
        hold: i64,
    },
    /// A transfer reverses what never moved, what is itself a reversal, or more than was left of it.
    #[error("transfer {id} of shard {} reverses more than is left of {of}", shard.0)]
    OverReversal {
        /// Where.
        shard: Shard,
        /// The transfer's number there.
        id: i64,
        /// The number that it names.
        of: i64,
    },
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    balance: i128,
    held: i128,
}

/// A reconciliation: first all transfers, then all accounts, a page at a time if they are many. What it keeps in memory
/// grows with the transfers (about 50 bytes each): a large ledger is reconciled shard by shard.
#[derive(Clone, Debug, Default)]
pub struct Reconciliation {
    sums: HashMap<AccountKey, Sums>,
    /// What is held by each hold that has not ended.
    open_holds: HashMap<(Shard, i64), i64>,
    /// What is left to reverse of each transfer that moved something.
    reversible: HashMap<(Shard, i64), i64>,
    found: Vec<Discrepancy>,
}

impl Reconciliation {
    /// Adds transfers, each once and those of a shard in the order of their numbers.
    pub fn add<'a>(&mut self, entries: impl IntoIterator<Item = &'a Entry>) {
        for Entry { id, transfer, .. } in entries {
            let (id, shard) = (*id, transfer.debit.shard);
            if let Err(reason) = transfer.check() {
                self.found.push(Discrepancy::Impossible { shard, id, reason });
            }
            let held = match transfer.phase {
                Phase::Posted => 0,
                Phase::Pending { .. } => {
                    self.open_holds.insert((shard, id), transfer.amount);
                    i128::from(transfer.amount)
                }
                Phase::PostHold { hold } | Phase::VoidHold { hold } | Phase::ExpireHold { hold } => {
                    let held = self.open_holds.remove(&(shard, hold));
                    if held.is_none_or(|held| transfer.amount > held) {
                        self.found.push(Discrepancy::NoOpenHold { shard, id, hold });
                    }
                    -i128::from(held.unwrap_or(0))
                }
                Phase::Reversal { of } => {
                    match self.reversible.get_mut(&(shard, of)) {
                        Some(left) if transfer.amount <= *left => *left -= transfer.amount,
                        _ => self.found.push(Discrepancy::OverReversal { shard, id, of }),
                    }
                    0
                }
            };
            if matches!(transfer.phase, Phase::Posted | Phase::PostHold { .. }) {
                self.reversible.insert((shard, id), transfer.amount);
            }
            let moves = i128::from(transfer.moves());
            let debit = self.sums.entry(transfer.debit).or_default();
            debit.balance -= moves;
            debit.held += held;
            self.sums.entry(transfer.credit).or_default().balance += moves;
        }
    }

    /// Compares accounts, each once, with what the transfers make. All transfers must have been added.
    pub fn compare<'a>(&mut self, accounts: impl IntoIterator<Item = &'a Account>) {
        for account in accounts {
            let Account { key, balance, held, .. } = *account;
            let sums = self.sums.remove(&key).unwrap_or_default();
            if sums.balance != i128::from(balance) {
                self.found.push(Discrepancy::Balance { account: key, kept: balance, recomputed: sums.balance });
            }
            if sums.held != i128::from(held) {
                self.found.push(Discrepancy::Held { account: key, kept: held, recomputed: sums.held });
            }
            let available = account.available();
            if available < 0 {
                self.found.push(Discrepancy::Overdrawn { account: key, available });
            }
        }
    }

    /// All that does not agree; empty for a ledger that is as it should be.
    pub fn finish(mut self) -> Vec<Discrepancy> {
        let mut missing: Vec<AccountKey> = self.sums.into_keys().collect();
        missing.sort_unstable();
        self.found.extend(missing.into_iter().map(|account| Discrepancy::NoAccount { account }));
        self.found
    }
}
