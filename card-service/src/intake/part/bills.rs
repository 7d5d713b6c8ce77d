//! Bills of clinics that taps settle or take back. What a bill comes to rests on all bills of the person, under whichever record.

use std::collections::hash_map::Entry;

use card_schema::ids::{ClaimId, HolderId, TapId};
use card_schema::operation::{Operation, purse};

use super::{Part, Placed};
use crate::db::{DbError, Tx};
use crate::domains::clinic::model::{Claim, Settled};
use crate::domains::clinic::store::claim;
use crate::domains::residence::merge;
use crate::intake::store::{self, Returned};
use crate::ledger::Named;

/// The bill that an operation is about.
const fn named(operation: &Operation) -> Option<ClaimId> {
    match operation {
        Operation::ClinicSettlement(settlement) => Some(settlement.claim),
        Operation::ClinicReversal(reversal) => Some(reversal.claim),
        _ => None,
    }
}

impl Part {
    /// Loads the bills of whoever settles one or takes one back, and what settlements that may be taken back have moved.
    pub(super) async fn load_bills(&mut self, tx: &mut Tx, taps: &[Placed]) -> Result<Vec<Named>, DbError> {
        for placed in taps.iter().filter(|placed| named(&placed.tap().operation).is_some()) {
            let Some(holder) = self.holder_of(placed) else { continue };
            let person = match self.persons.entry(holder) {
                Entry::Occupied(entry) => *entry.get(),
                Entry::Vacant(entry) => *entry.insert(merge::primary(tx.conn(), holder).await?),
            };
            if let Entry::Vacant(entry) = self.claims.entry(person) {
                let records = merge::records(tx.conn(), person).await?;
                entry.insert(claim::of_records(tx.conn(), &records).await?);
            }
            // One that is settled here may be taken back here.
            self.named.insert(placed.candidate().id);
        }
        let returns: Vec<_> = taps.iter().filter_map(|placed| self.takes_back(placed)).collect();
        let (originals, moved) = store::originals(tx.conn(), &returns).await?;
        self.originals.extend(originals);
        Ok(moved)
    }

    fn holder_of(&self, placed: &Placed) -> Option<HolderId> {
        self.cards.get(&placed.tap().card?)?.bearer.holder()
    }

    /// All bills of the person whose card it is.
    pub(super) fn claims_of(&self, holder: HolderId) -> &[Claim] {
        let claims = self.persons.get(&holder).and_then(|person| self.claims.get(person));
        claims.map(Vec::as_slice).unwrap_or_default()
    }

    fn claim(&self, placed: &Placed) -> Option<&Claim> {
        let id = named(&placed.tap().operation)?;
        self.claims_of(self.holder_of(placed)?).iter().find(|claim| claim.id == id)
    }

    /// The settlement that a tap takes back.
    pub(super) fn settlement(&self, placed: &Placed) -> Option<TapId> {
        let Operation::ClinicReversal(_) = placed.tap().operation else { return None };
        self.claim(placed)?.settled.map(|settled| settled.with)
    }

    fn takes_back(&self, placed: &Placed) -> Option<Returned> {
        let tap = self.settlement(placed)?;
        let claim = self.claim(placed)?;
        let original = purse::Original { tap, at: claim.settled?.signed_at };
        Some(Returned { holder: claim.holder, shard: claim.id.shard(), original })
    }

    /// What a tap that was accepted does to its bill: in the database, and for the taps that follow.
    pub(super) async fn follow_bill(&mut self, tx: &mut Tx, placed: &Placed) -> Result<(), DbError> {
        let Some(mut claim) = self.claim(placed).copied() else { return Ok(()) };
        let (tap, at) = (placed.tap(), placed.submission.received_at);
        if let Operation::ClinicSettlement(_) = tap.operation {
            let settled = Settled { with: placed.candidate().id, signed_at: tap.at, at };
            claim.settled = Some(settled);
            claim::settle(tx, claim.id, settled).await?;
        } else {
            claim.reversed_at = Some(at);
            claim::reverse(tx, claim.id, at).await?;
        }
        let of_person = self.persons.get(&claim.holder).and_then(|person| self.claims.get_mut(person));
        for known in of_person.into_iter().flatten().filter(|known| known.id == claim.id) {
            *known = claim;
        }
        Ok(())
    }
}
