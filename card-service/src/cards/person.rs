//! The cards of a person who has more than one record: those of the record to which the others point.

use card_schema::ids::{CardId, HolderId};

use super::model::{Bearer, CardState};
use super::store;
use crate::db::Connection;
use crate::domains::residence::merge;
use crate::http::Refusal;

/// The cards in use of whoever has a record that points to another; nothing where it stands for itself.
///
/// # Errors
/// When the database fails.
pub async fn of_merged(connection: &mut Connection, record: HolderId) -> Result<Option<Vec<CardId>>, Refusal> {
    let person = merge::primary(&mut *connection, record).await?;
    if person == record {
        return Ok(None);
    }
    let cards = store::of(connection, Bearer::Holder(person)).await?;
    let in_use = cards.iter().filter(|card| matches!(card.state, CardState::Active | CardState::Suspended));
    Ok(Some(in_use.map(|card| card.card_id).collect()))
}
