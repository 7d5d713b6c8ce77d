//! The clearing of a month between a clinic and the fund: what was settled and stands, whether the clinic's own books say the same, and
//! paying it out, once. Knows bills by their numbers, and nobody whose they are.

pub mod model;
pub mod store;

use std::collections::BTreeSet;

use card_schema::clock::Micros;
use card_schema::ids::{OrganisationId, Shard};
use card_schema::month::Month;

use self::model::{Cleared, payouts, standing, sums};
use crate::db::{Db, DbError};
use crate::ledger;
use crate::people::StaffId;

/// So long after its end a month can be cleared: what came in at its last moment is booked by then.
const GRACE_SECONDS: i64 = 3_600;

/// Why a month is not cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotCleared {
    /// It is not over.
    NotOver,
    /// It was, already.
    Already,
    /// Nothing was settled in it that stands.
    Nothing,
}

/// Pays out what stands of a month that is over: from then on none of its bills is taken back.
///
/// # Errors
/// When the database fails; nothing is paid then.
pub async fn clear(
    db: &Db,
    (by, now): (StaffId, Micros),
    clinic: OrganisationId,
    month: Month,
) -> Result<Result<Cleared, NotCleared>, DbError> {
    if now < month.span().end.plus_seconds(GRACE_SECONDS) {
        return Ok(Err(NotCleared::NotOver));
    }
    db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            // Whoever takes a bill back holds its shard; a month that is over gets no new ones, so these are all.
            let claims = store::of_month(tx.conn(), clinic, month).await?;
            let shards: BTreeSet<Shard> = claims.iter().map(|claim| claim.id.shard()).collect();
            tx.lock([Shard(0)].into_iter().chain(shards)).await?;
            if store::one(tx.conn(), clinic, month).await?.is_some() {
                return Ok(Err(NotCleared::Already));
            }
            let claims = standing(store::of_month(tx.conn(), clinic, month).await?);
            if claims.is_empty() {
                return Ok(Err(NotCleared::Nothing));
            }
            let chains: Vec<_> = payouts(clinic, month, &claims).into_iter().map(|payout| vec![payout]).collect();
            for posted in ledger::post(tx, now, &chains).await? {
                if let Err(refused) = posted {
                    tracing::error!(reason = %refused.reason, "the ledger refused to pay out what a clinic's bills come to");
                    return Err(DbError::Unreadable("the account of a clinic's claims"));
                }
            }
            let cleared = Cleared { sums: sums(&claims), at: now, by };
            store::put(tx, clinic, month, &cleared).await?;
            Ok(Ok(cleared))
        })
    })
    .await
}
