//! Whose fares a tap is about: the holder's; or the issuer's, where a validator could not know that the card is out of use.

use card_schema::operation::Operation;
use card_schema::operation::transit::Side;

use super::{Part, Placed};
use crate::db::{DbError, Tx};
use crate::domains::transit::{self, Known, model::RiderKey};
use crate::intake::memory::Memory;

impl Part {
    /// Loads what is known of whoever travels.
    pub(super) async fn load_riders(&mut self, tx: &mut Tx, memory: &Memory, taps: &[Placed]) -> Result<(), DbError> {
        let concerned = || taps.iter().filter(|placed| transit::is_concerned(&placed.tap().operation));
        let Some(now) = concerned().map(|placed| placed.submission.received_at).max() else { return Ok(()) };
        self.fares = memory.fares_now(tx, now).await?;
        let riders = concerned().filter_map(|placed| self.riders(placed)).flatten().collect();
        self.riding = transit::store::riding::known(tx.conn(), &riders).await?;
        Ok(())
    }

    /// Who it may be.
    fn riders(&self, placed: &Placed) -> Option<[RiderKey; 2]> {
        let id = placed.tap().card?;
        let card = self.cards.get(&id)?;
        Some([RiderKey::holder(card.shard, card.bearer.holder()?), RiderKey::card(card.shard, id)])
    }

    /// What is known of who it is, where a tap is about travelling.
    pub(super) fn rider_known(&self, placed: &Placed, is_issuers: bool) -> Option<Known<'_>> {
        if !transit::is_concerned(&placed.tap().operation) {
            return None;
        }
        let [holder, card] = self.riders(placed)?;
        let rider = if is_issuers && !self.is_inside(placed) { card } else { holder };
        Some(Known { fares: &self.fares, rider, riding: self.riding.get(&rider)? })
    }

    /// Whether a tap is of a holder who leaves, and has got on: nobody is kept inside because the card was taken out of use meanwhile.
    pub(super) fn is_inside(&self, placed: &Placed) -> bool {
        let tap = placed.tap();
        let leaves = matches!(&tap.operation, Operation::TransitValidation(validation) if validation.side == Side::Off);
        let holder = self.riders(placed).filter(|_| leaves).map(|[holder, _]| holder);
        let open_until = holder.and_then(|holder| self.riding.get(&holder)?.open_until);
        open_until.is_some_and(|until| tap.at <= until)
    }
}
