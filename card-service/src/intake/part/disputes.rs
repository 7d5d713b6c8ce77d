//! What holders say against months of their social security: it belongs to all records of the person, and is written with the tap.

use card_schema::envelope::receipt;
use card_schema::ids::HolderId;
use card_schema::operation::social_security::Dispute;

use super::Placed;
use crate::db::{DbError, Tx};
use crate::domains::residence::merge;
use crate::domains::social_security::dispute;

/// Takes what the holder of a card says; a card that is nobody's of them says nothing.
pub(super) async fn raise(
    tx: &mut Tx,
    placed: &Placed,
    holder: Option<HolderId>,
    said: Dispute,
) -> Result<receipt::Outcome, DbError> {
    let Some(holder) = holder else { return Ok(receipt::Outcome::OperationNotAllowed) };
    let person = merge::primary(tx.conn(), holder).await?;
    let records = merge::records(tx.conn(), person).await?;
    let (tap, at) = (placed.candidate().id, placed.submission.received_at);
    dispute::raise(tx, at, (tap, holder), &records, said).await
}
