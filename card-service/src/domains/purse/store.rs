//! Reading a purse. Writing is the ledger's.

use card_schema::ids::{HolderId, Shard};
use card_schema::money::Fen;

use super::purse_of;
use crate::db::{Connection, DbError};
use crate::ledger;

/// What a holder has in the purse.
pub async fn balance(connection: &mut Connection, holder: HolderId, shard: Shard) -> Result<Fen, DbError> {
    ledger::store::balance(connection, &purse_of(holder, shard)).await.map(Fen)
}
