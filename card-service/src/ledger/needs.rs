//! Which rows decide given transfers, so that whoever fills a [`Book`](super::Book) loads these and no more. Pure.

use card_schema::ids::Shard;

use super::{AccountKey, Reference, Transfer};

/// The rows that a book must hold before transfers are posted to it, each list in order and without repetition. Beside
/// these it needs the last numbers of each shard. However long the history of a hold or of a merchant's takings is,
/// none of it is needed but this.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The accounts of these names, where they exist.
    pub accounts: Vec<AccountKey>,
    /// All transfers that these causes have brought about: for
    /// [`Book::load_entry`](super::Book::load_entry).
    pub references: Vec<(Shard, Reference)>,
    /// The transfers with these numbers, each with the one that ended it, if it is a hold, and with the sum of its
    /// reversals: for [`Book::load_named`](super::Book::load_named). One that is among the transfers themselves is not
    /// there yet and need not be.
    pub named: Vec<(Shard, i64)>,
}

impl Needs {
    /// The shards concerned, in order.
    pub fn shards(&self) -> impl Iterator<Item = Shard> {
        self.accounts.chunk_by(|one, other| one.shard == other.shard).map(|keys| keys[0].shard)
    }

    /// What these transfers need.
    pub fn of<'a>(transfers: impl IntoIterator<Item = &'a Transfer>) -> Self {
        let mut needs = Self::default();
        for transfer in transfers {
            let shard = transfer.debit.shard;
            needs.accounts.extend([transfer.debit, transfer.credit]);
            needs.references.extend(transfer.reference.map(|reference| (shard, reference)));
            needs.named.extend(transfer.phase.refers_to().map(|id| (shard, id)));
        }
        needs.in_order()
    }

    /// What deciding on these accounts needs, where no transfer has a cause of its own or names another.
    pub fn accounts(accounts: Vec<AccountKey>) -> Self {
        Self { accounts, ..Self::default() }.in_order()
    }

    fn in_order(mut self) -> Self {
        let needs = &mut self;
        needs.accounts.sort_unstable();
        needs.accounts.dedup();
        needs.references.sort_unstable();
        needs.references.dedup();
        needs.named.sort_unstable();
        needs.named.dedup();
        self
    }
}
