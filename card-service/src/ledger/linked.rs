//! Linked transfers: all or none, whatever becomes of others in the same book. Pure.

use card_schema::clock::Micros;

use super::book::{Applied, Book};
use super::{Entry, LedgerError, Refused, Transfer};

/// What posting linked transfers did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked<'a> {
    /// All are new and stand now, in their order.
    Posted(&'a [Entry]),
    /// All were posted before; nothing moved.
    Repeated,
}

impl Book {
    /// Posts transfers of one shard in their order, each seeing what those before it did, or none of them. They are
    /// repeated together as they were posted together: with one of them already there and another not, the cause has
    /// been used for something else.
    pub fn post_linked(&mut self, at: Micros, transfers: &[Transfer]) -> Result<Linked<'_>, Refused> {
        let entries = self.entries().len();
        let opened = self.opened_count();
        let mut repeated = 0;
        for (index, transfer) in transfers.iter().enumerate() {
            let shard = transfers[0].debit.shard;
            let reason = if transfer.debit.shard == shard {
                match self.post(at, *transfer) {
                    Ok(Applied::Posted(_)) if repeated == 0 => continue,
                    Ok(Applied::Repeated(_)) if repeated == index => {
                        repeated += 1;
                        continue;
                    }
                    Ok(_) => LedgerError::ReferenceReused,
                    Err(reason) => reason,
                }
            } else {
                LedgerError::LinkedShards
            };
            while self.entries().len() > entries {
                self.take_back();
            }
            self.close_after(opened, shard);
            return Err(Refused { index, reason });
        }
        Ok(if repeated > 0 { Linked::Repeated } else { Linked::Posted(&self.entries()[entries..]) })
    }
}
