//! Residence permits: applied for, decided, handed over, endorsed every year. The permit is an entry, the card shows it.
//!
//! The clock is `rules`, in words of a regulation. What was shown as proof is sealed under the person's key; reading it
//! states a purpose like every read of a record.

pub mod model;
pub mod pages;
pub mod rules;
pub mod store;
#[cfg(test)]
mod tests;
pub mod view;

use card_schema::ids::HolderId;
use uuid::Uuid;
use zeroize::Zeroizing;

use self::model::{Act, NotNow, Permit, Proof};
use self::rules::Clock;
use super::model::{Facts, Field};
use super::rules::day;
use super::{merge, protect, read, reveal};
use crate::app::App;
use crate::db::Tx;
use crate::http::Refusal;
use crate::keys::{KeyError, seal};
use crate::people::{Purpose, StaffId};

/// What is opened of a record to decide about a permit.
const DECIDED_BY: [Field; 6] =
    [Field::Address, Field::AddressSince, Field::Home, Field::Host, Field::CitySince, Field::Occupation];

/// What holders see that was read, where it is no field of their record.
const PROOF: &str = "permit_proof";

/// Something that is to be done with the permit of a holder.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// What.
    pub act: Act,
    /// What was shown, where the act needs a proof.
    pub proof: Option<Proof>,
    /// Why: one of [`Act::reasons`], where there are any.
    pub reason: Option<&'static str>,
}

/// Does something with the permit of a holder.
///
/// # Errors
/// What stands in the way, as a value; `NotFound` where there is no such holder.
pub async fn act(
    app: &App,
    tx: &mut Tx,
    by: StaffId,
    holder: HolderId,
    wish: Wish,
) -> Result<Result<(), NotNow>, Refusal> {
    // Whoever comes second sees what the first has done.
    tx.lock([holder.shard()]).await?;
    let (now, clock) = (app.now(), Clock::on(app.today()));
    let current = store::current(tx.conn(), holder).await?.filter(|permit| !permit.stage.is_final());
    let next = match (current, wish.act) {
        (None, Act::Apply) => {
            merge::require_primary(tx.conn(), holder).await?;
            let read = reveal(app, tx, now, by, holder, Purpose::Permit, &[Field::CitySince]).await?;
            clock.apply(app.new_id(), day(read.get(Field::CitySince)))
        }
        (None, _) => Err(NotNow { key: "permit-not-now", from: None }),
        (Some(permit), act) => clock.done(&permit, act),
    };
    let next = match next {
        Ok(next) => next,
        Err(not_now) => return Ok(Err(not_now)),
    };
    let proof = match wish.proof {
        Some(proof) => Some(sealed(app, tx, holder, next.permit_id, proof).await?),
        None => None,
    };
    store::put(tx, now, by, holder, &next, store::Done { act: wish.act, reason: wish.reason, proof }).await?;
    Ok(Ok(()))
}

fn place(holder: HolderId, permit: Uuid) -> Vec<u8> {
    protect::place(&[&holder.as_bytes()[..], permit.as_bytes()].concat(), "permit_act", "proof")
}

async fn sealed(app: &App, tx: &mut Tx, holder: HolderId, permit: Uuid, proof: Proof) -> Result<Vec<u8>, Refusal> {
    let (_, key) = read::sealed(app, tx.conn(), holder).await?;
    Ok(seal::seal(&key, *app.random_bytes()?, &place(holder, permit), proof.name().as_bytes()))
}

/// What an application rests on, opened for somebody who decides about it.
#[derive(Debug)]
pub struct Application {
    /// What is known of how the person lives here.
    pub facts: Facts,
    /// What was shown last.
    pub proof: Option<Proof>,
}

/// Opens what the permit of a holder rests on. Every part leaves a leaf and a line that the holder can see.
///
/// # Errors
/// `NotFound` where there is no such holder.
pub async fn open(
    app: &App,
    tx: &mut Tx,
    by: StaffId,
    holder: HolderId,
    permit: &Permit,
) -> Result<Application, Refusal> {
    let now = app.now();
    let facts = reveal(app, tx, now, by, holder, Purpose::Permit, &DECIDED_BY).await?;
    let proof = match store::proof(tx.conn(), holder, permit.permit_id).await? {
        None => None,
        Some(sealed) => {
            let (_, key) = read::sealed(app, tx.conn(), holder).await?;
            let opened = seal::open(&key, &place(holder, permit.permit_id), &sealed);
            let opened = Zeroizing::new(opened.map_err(|_| KeyError::WrongKey)?);
            super::store::record_read(tx, now, holder, by, Purpose::Permit, PROOF).await?;
            std::str::from_utf8(&opened).ok().and_then(Proof::from_name)
        }
    };
    Ok(Application { facts, proof })
}
