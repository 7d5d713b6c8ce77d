//! Reading a purse and what it has paid. Writing is the ledger's.

use std::collections::HashMap;

use card_schema::clock::Micros;
use card_schema::envelope::receipt::Outcome;
use card_schema::ids::{HolderId, Shard, TapId, TerminalId};
use card_schema::money::Fen;
use card_schema::operation::purse;

use super::{Original, purse_of};
use crate::db::{Connection, DbError, Rows, columns, query};
use crate::evidence::LeafRef;
use crate::ledger::{self, Named};

/// What a holder has in the purse.
pub async fn balance(connection: &mut Connection, holder: HolderId, shard: Shard) -> Result<Fen, DbError> {
    ledger::store::balance(connection, &purse_of(holder, shard)).await.map(Fen)
}

/// What a holder's tap names to be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Whose card asks.
    pub holder: HolderId,
    /// Where everything of this holder lies.
    pub shard: Shard,
    /// What is named.
    pub original: purse::Original,
}

/// Those of these taps that the same holder has made, with whichever card, and that have moved money; and the transfers
/// that they caused, with what has become of each.
pub async fn originals(
    connection: &mut Connection,
    wanted: &[Wanted],
) -> Result<(HashMap<TapId, Original>, Vec<Named>), DbError> {
    if wanted.is_empty() {
        return Ok((HashMap::new(), Vec::new()));
    }
    let rows = Rows::new()
        .ints("shard", wanted.iter().map(|one| i64::from(one.shard.0)))
        .bytes("holder_id", wanted.iter().map(|one| *one.holder.as_bytes()))
        .ints("at", wanted.iter().map(|one| one.original.at.0))
        .bytes("tap_id", wanted.iter().map(|one| one.original.tap.0));
    let rows = query(format!(
        "SELECT t.shard, t.leaf, t.tap_id, t.terminal_id, t.received_at, c.holder_id
         FROM {{wanted}} CROSS JOIN card c CROSS JOIN tap t
         WHERE c.shard = wanted.shard AND c.holder_id = wanted.holder_id AND t.shard = c.shard
             AND t.card_id = c.card_id AND t.at = wanted.at AND t.tap_id = wanted.tap_id AND t.outcome = {}",
        Outcome::Accepted.number()
    ))
    .set("wanted", rows)
    .all(connection)
    .await?;
    let mut found = HashMap::new();
    for row in &rows {
        let leaf = LeafRef { shard: columns::shard(row.get("shard")?)?, leaf_id: row.get("leaf")? };
        let original = Original {
            holder: HolderId::from_bytes(columns::bytes(row, "holder_id")?),
            terminal: TerminalId::from_bytes(columns::bytes(row, "terminal_id")?),
            booked_at: Micros(row.get("received_at")?),
            transfers: Vec::new(),
        };
        found.insert(leaf, (TapId(columns::bytes(row, "tap_id")?), original));
    }
    let moved = ledger::store::of_taps(connection, &found.keys().copied().collect::<Vec<_>>()).await?;
    let originals = found.into_iter().map(|(leaf, (tap, original))| {
        let transfers = moved.get(&leaf).into_iter().flatten().map(|named| named.entry.id).collect();
        (tap, Original { transfers, ..original })
    });
    Ok((originals.collect(), moved.into_values().flatten().collect()))
}
