//! All balances by unit and kind of account, which together make zero. Pure.

use std::collections::BTreeMap;

use super::{Account, AccountKind, Unit};

/// The accounts of one unit and kind together, in that unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// How many there are.
    pub accounts: u64,
    /// Sum of the balances below zero, as a number above zero.
    pub debit: i128,
    /// Sum of the balances above zero.
    pub credit: i128,
    /// Sum of what is held.
    pub held: i128,
}

/// A trial balance. Filled with accounts, a page at a time if they are many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrialBalance {
    totals: BTreeMap<(Unit, AccountKind), Total>,
}

impl TrialBalance {
    /// Adds accounts, each once.
    pub fn add<'a>(&mut self, accounts: impl IntoIterator<Item = &'a Account>) {
        for account in accounts {
            let total = self.totals.entry((account.key.unit, account.key.kind)).or_default();
            total.accounts += 1;
            total.debit += i128::from(account.balance.min(0).unsigned_abs());
            total.credit += i128::from(account.balance.max(0));
            total.held += i128::from(account.held);
        }
    }

    /// Its rows, by unit and then by kind.
    pub fn rows(&self) -> impl Iterator<Item = (Unit, AccountKind, &Total)> {
        self.totals.iter().map(|((unit, kind), total)| (*unit, *kind, total))
    }

    /// Each unit with what its balances make together: zero, unless something was lost or made up.
    pub fn sums(&self) -> BTreeMap<Unit, i128> {
        let mut sums = BTreeMap::new();
        for ((unit, _), total) in &self.totals {
            *sums.entry(*unit).or_default() += total.credit - total.debit;
        }
        sums
    }
}
