//! The photo of a person: cut to a portrait, sealed under the person's key, shown to whoever states a purpose, and written
//! to the chip. It is the person's choice: a card is a card without it too.

pub mod pages;
mod picture;
pub mod store;
#[cfg(test)]
mod tests;
pub mod view;

pub use picture::SIZE;

use card_schema::clock::Micros;
use card_schema::ids::HolderId;
use zeroize::Zeroizing;

use super::protect::{self, SealingKey};
use super::{merge, read};
use crate::app::App;
use crate::db::Tx;
use crate::http::Refusal;
use crate::keys::{KeyError, seal};
use crate::people::{Purpose, StaffId};

/// As what a read of the photo stands in the holder's list.
const READ: &str = "photo";

fn place(holder: HolderId) -> Vec<u8> {
    protect::place(holder.as_bytes(), "person_photo", "sealed")
}

/// Keeps a portrait (`picture::portrait`) as the photo of a holder, in place of the one before; without one, only removes
/// that.
///
/// # Errors
/// `NotFound` where there is no such holder, `Conflict` where the record points to another.
async fn keep(app: &App, by: StaffId, holder: HolderId, portrait: Option<Zeroizing<Vec<u8>>>) -> Result<(), Refusal> {
    let (shared, now, nonce) = (app.clone(), app.now(), *app.random_bytes()?);
    app.db
        .write::<_, Refusal, _>(move |tx| {
            let (app, portrait) = (shared.clone(), portrait.clone());
            Box::pin(async move {
                tx.lock([holder.shard()]).await?;
                merge::require_primary(tx.conn(), holder).await?;
                let (_, key) = read::sealed(&app, tx.conn(), holder).await?;
                let sealed = portrait.map(|portrait| seal::seal(&key, nonce, &place(holder), &portrait));
                if sealed.is_some() || store::taken(tx.conn(), holder).await?.is_some() {
                    store::put(tx, now, by, holder, sealed).await?;
                }
                Ok(())
            })
        })
        .await
}

/// The photo of a holder, whose key this is, as a JPEG, if there is one. Reading it leaves a leaf and a line that the holder
/// can see. Whether the reader's role allows the purpose is checked by the caller, who knows the role.
pub(super) async fn reveal(
    tx: &mut Tx,
    now: Micros,
    who: StaffId,
    (holder, key): (HolderId, &SealingKey),
    purpose: Purpose,
) -> Result<Option<Zeroizing<Vec<u8>>>, Refusal> {
    let Some(sealed) = store::load(tx.conn(), holder).await? else { return Ok(None) };
    super::store::record_read(tx, now, holder, who, purpose, READ).await?;
    Ok(Some(seal::open(key, &place(holder), &sealed).map_err(|_| KeyError::WrongKey)?))
}
