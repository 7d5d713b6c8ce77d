//! The deciding half of the ledger: accounts in memory, and what a transfer does to them. Pure.
//!
//! A book knows what was loaded into it and what was posted since. [`Needs`](super::Needs) says what has to be loaded
//! for given transfers; [`Book::opened`], [`Book::changed`] and the entries that posting returns are what has to be
//! written.

use std::collections::HashMap;

use card_schema::clock::Micros;
use card_schema::ids::Shard;

use super::accounts::Accounts;
use super::named::Named;
use super::{Account, AccountKey, CreditLimit, Entry, LedgerError, Phase, Reference, Transfer, TransferKind};

/// What posting did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The transfer is new and stands now.
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

/// The highest numbers in use in one shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastIds {
    /// Of accounts.
    pub account: i64,
    /// Of transfers.
    pub transfer: i64,
}

/// The numbers of one shard.
#[derive(Clone, Debug, Default)]
struct Numbers {
    /// Whether it was loaded.
    known: bool,
    last: LastIds,
    /// Where the entries posted here lie; the newest has the number `last.transfer`, the others those before it.
    posted: Vec<usize>,
}

type Cause = (Shard, Reference, TransferKind);

/// The accounts that some transfers concern. Whoever fills it puts in all that exist; an account that is not there is
/// opened with balance zero by the first transfer that is posted to it.
#[derive(Clone, Debug, Default)]
pub struct Book {
    accounts: Accounts,
    /// Loaded for their causes, or posted here.
    entries: Vec<Entry>,
    causes: HashMap<Cause, usize>,
    named: HashMap<(Shard, i64), Named>,
    /// By shard.
    numbers: Vec<Numbers>,
}

impl Book {
    /// Puts an existing account in.
    pub fn load_account(&mut self, account: Account) {
        self.accounts.load(account);
    }

    /// Puts a transfer in that was posted before, so that its cause is known.
    pub fn load_entry(&mut self, entry: Entry) {
        if let Some(cause) = cause(&entry.transfer) {
            self.causes.insert(cause, self.entries.len());
            self.entries.push(entry);
        }
    }

    /// Puts a transfer in that others may name.
    pub fn load_named(&mut self, named: Named) {
        self.named.insert((named.entry.transfer.debit.shard, named.entry.id), named);
    }

    /// Says which numbers a shard has used; before anything is posted to it.
    pub fn load_last_ids(&mut self, shard: Shard, last: LastIds) {
        let numbers = self.numbers_of(shard);
        (numbers.known, numbers.last) = (true, last);
    }

    /// The numbers that each shard has used by now, of shards whose numbers were loaded.
    pub fn last_ids(&self) -> impl Iterator<Item = (Shard, LastIds)> {
        (0..)
            .map(Shard)
            .zip(&self.numbers)
            .filter(|(_, numbers)| numbers.known)
            .map(|(shard, numbers)| (shard, numbers.last))
    }

    /// Every account that was loaded or opened, as it is now.
    pub(super) fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.all()
    }

    /// The balance, zero for an account that was never used.
    pub fn balance(&self, key: &AccountKey) -> i64 {
        self.account(key).map_or(0, |account| account.balance)
    }

    /// How much may be debited or held, in the account's unit.
    pub fn available(&self, key: &AccountKey) -> i64 {
        self.accounts.find(key).1.available()
    }

    /// An account, if it is there.
    pub fn account(&self, key: &AccountKey) -> Option<&Account> {
        self.accounts.get(key)
    }

    /// What a cause has brought about, if it is known here.
    pub fn caused(&self, shard: Shard, reference: Option<Reference>, kind: TransferKind) -> Option<&Entry> {
        self.causes.get(&(shard, reference?, kind)).map(|place| &self.entries[*place])
    }

    /// A transfer that others may name, if it was loaded for that or posted here.
    pub fn named(&self, shard: Shard, id: i64) -> Option<Named> {
        self.named.get(&(shard, id)).copied().or_else(|| {
            let Numbers { last, posted, .. } = self.numbers.get(usize::from(shard.0))?;
            let newer = usize::try_from(last.transfer.checked_sub(id)?).ok()?;
            let place = *posted.get(posted.len().checked_sub(newer + 1)?)?;
            Some(Named::fresh(self.entries[place]))
        })
    }

    /// Accounts opened since loading, in order; the first `skip` left out.
    pub fn opened(&self, skip: usize) -> impl Iterator<Item = &Account> {
        self.accounts.opened().skip(skip)
    }

    /// How many accounts were opened since loading.
    pub fn opened_count(&self) -> usize {
        self.accounts.opened().len()
    }

    /// Accounts whose balance or held amount is another than when they were loaded, in order of their keys, without
    /// those opened.
    pub fn changed(&self) -> impl Iterator<Item = &Account> {
        self.accounts.changed()
    }

    /// Posts a transfer at a time, or says why not. Nothing changes when it is refused.
    pub fn post(&mut self, at: Micros, transfer: Transfer) -> Result<Applied, LedgerError> {
        transfer.check()?;
        let shard = transfer.debit.shard;
        let cause = cause(&transfer);
        if let Some(place) = cause.and_then(|cause| self.causes.get(&cause)) {
            let before = self.entries[*place];
            return if before.transfer == transfer {
                Ok(Applied::Repeated(before))
            } else {
                Err(LedgerError::ReferenceReused)
            };
        }
        let named = match transfer.phase.refers_to() {
            None => None,
            Some(id) => Some(self.named(shard, id).ok_or(LedgerError::NotFound(id))?),
        };
        if let Some(before) = named.and_then(|named| named.ended_by)
            && before.transfer == transfer
        {
            return Ok(Applied::Repeated(before));
        }
        let released = named.map_or(Ok(0), |named| named.admits(at, &transfer))?;
        let (debit_place, mut debit) = self.accounts.find(&transfer.debit);
        let (credit_place, mut credit) = self.accounts.find(&transfer.credit);
        apply(&transfer, released, &mut debit, &mut credit)?;

        let mut last = self.numbers_of(shard).last;
        self.accounts.put(debit_place, debit, &mut last.account);
        self.accounts.put(credit_place, credit, &mut last.account);
        last.transfer += 1;
        let entry = Entry { id: last.transfer, at, transfer };
        let place = self.entries.len();
        self.entries.push(entry);
        let numbers = self.numbers_of(shard);
        numbers.last = last;
        numbers.posted.push(place);
        if let Some(cause) = cause {
            self.causes.insert(cause, place);
        }
        if let Some(named) = named {
            self.named.entry((shard, named.entry.id)).or_insert(named).follow(entry);
        }
        Ok(Applied::Posted(entry))
    }

    /// What was loaded for its cause and, behind it, what was posted.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Takes back the newest entry, which was posted here. The accounts that it opened stay.
    pub(super) fn take_back(&mut self) {
        let Some(Entry { id, transfer, .. }) = self.entries.pop() else { return };
        let shard = transfer.debit.shard;
        if let Some(cause) = cause(&transfer) {
            self.causes.remove(&cause);
        }
        // What names this entry was posted after it and is already gone.
        self.named.remove(&(shard, id));
        let mut released = 0;
        if let Some(named) = transfer.phase.refers_to().and_then(|id| self.named.get_mut(&(shard, id))) {
            named.unfollow(&transfer);
            released = holds(&named.entry.transfer);
        }
        let (moves, holds) = (transfer.moves(), holds(&transfer) - released);
        self.accounts.change(&transfer.debit, |debit| {
            debit.balance += moves;
            debit.held -= holds;
        });
        self.accounts.change(&transfer.credit, |credit| credit.balance -= moves);
        let numbers = self.numbers_of(shard);
        numbers.posted.pop();
        numbers.last.transfer -= 1;
    }

    /// Takes back the opening of all accounts but the first `keep`. They are of one shard and no entry concerns them.
    pub(super) fn close_after(&mut self, keep: usize, shard: Shard) {
        let closed = self.accounts.close_after(keep);
        self.numbers_of(shard).last.account -= closed;
    }

    fn numbers_of(&mut self, shard: Shard) -> &mut Numbers {
        let place = usize::from(shard.0);
        if self.numbers.len() <= place {
            self.numbers.resize_with(place + 1, Numbers::default);
        }
        &mut self.numbers[place]
    }
}

/// What is not to be brought about twice. The end of a hold by time has no cause but the hold, which ends once; that a
/// tap's transfers are new is known before they are asked for.
const fn cause(transfer: &Transfer) -> Option<Cause> {
    match transfer.phase {
        Phase::ExpireHold { .. } => None,
        _ => match transfer.reference {
            Some(reference) => Some((transfer.debit.shard, reference, transfer.kind)),
            None => None,
        },
    }
}

/// What it sets aside.
const fn holds(transfer: &Transfer) -> i64 {
    match transfer.phase {
        Phase::Pending { .. } => transfer.amount,
        _ => 0,
    }
}

/// Moves, holds and releases.
fn apply(transfer: &Transfer, released: i64, debit: &mut Account, credit: &mut Account) -> Result<(), LedgerError> {
    let Transfer { amount, .. } = *transfer;
    let available = debit.available();
    if transfer.spends() && debit.credit_limit != CreditLimit::UNLIMITED && available < amount {
        return Err(LedgerError::Overdraft { available, amount });
    }
    let moves = transfer.moves();
    debit.held = debit.held.checked_add(holds(transfer) - released).ok_or(LedgerError::Overflow)?;
    debit.balance = debit.balance.checked_sub(moves).ok_or(LedgerError::Overflow)?;
    credit.balance = credit.balance.checked_add(moves).ok_or(LedgerError::Overflow)?;
    Ok(())
}
