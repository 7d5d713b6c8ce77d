//! Somebody who was treated at a clinic. All of it is invented.

use card_schema::clock::Micros;
use card_schema::coverage::{Benefit, Level};
use card_schema::date::Date;
use card_schema::ids::{ClaimId, HolderId, OrganisationId, Shard, TapId};
use card_schema::money::Fen;
use card_schema::month::Month;

use super::town::random;
use crate::db::{DbError, Tx};
use crate::domains::clinic::clearing;
use crate::domains::clinic::clearing::model::{Cleared, Sums};
use crate::domains::clinic::model::{Claim, Payers, Settled};
use crate::domains::clinic::store;
use crate::people::StaffId;

/// A clinic was given a level, and another; it has written a bill in the place of one that waited, which was settled and taken back. Each
/// row was something else before.
pub(crate) async fn was_treated(
    tx: &mut Tx,
    at: Micros,
    by: StaffId,
    clinic: OrganisationId,
    holder: HolderId,
) -> Result<(), DbError> {
    tx.lock([Shard(0), holder.shard()]).await?;
    for level in [Level::Primary, Level::Secondary] {
        store::put(tx, at, by, clinic, level).await?;
    }
    let visit = TapId(random());
    let of = |id| Claim {
        id,
        visit,
        holder,
        clinic,
        benefit: Benefit::Outpatient,
        day: Date::in_china(at),
        made_at: at,
        seen: 0,
        payers: Payers { eligible: Fen(1_000), fund: Fen(700), account: Fen(100), rest: Fen(200) },
        settled: None,
        reversed_at: None,
        is_cleared: false,
    };
    let [first, second] = [(); 2].map(|()| ClaimId::new(holder.shard(), random()));
    store::claim::put(tx, &of(first), &random::<40>(), &[]).await?;
    store::claim::put(tx, &of(second), &random::<40>(), &[first]).await?;
    store::claim::settle(tx, second, Settled { with: TapId(random()), signed_at: at, at }).await?;
    store::claim::reverse(tx, second, at).await?;
    let cleared = Cleared { sums: Sums { count: 1, total: Fen(1_000), fund: Fen(700), account: Fen(100) }, at, by };
    clearing::store::put(tx, clinic, Month::of(Date::in_china(at)), &cleared).await
}
