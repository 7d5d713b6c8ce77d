//! Taps that later ones name to be given back or undone. Reads only.

use std::collections::HashMap;

use card_schema::clock::Micros;
use card_schema::envelope::receipt::Outcome;
use card_schema::ids::{HolderId, Shard, TapId, TerminalId};
use card_schema::operation::purse;

use crate::db::{Connection, DbError, Rows, columns, query};
use crate::domains::Original;
use crate::evidence::LeafRef;
use crate::intake::SETTLED;
use crate::ledger::{self, Named};

/// What a holder's tap names to be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::intake) struct Returned {
    /// Whose card asks.
    pub(in crate::intake) holder: HolderId,
    /// Where everything of this holder lies.
    pub(in crate::intake) shard: Shard,
    /// What is named.
    pub(in crate::intake) original: purse::Original,
}

/// Those of these taps that the same holder has made, with whichever card, and that have moved something; and the transfers
/// that they caused, with what has become of each.
pub(in crate::intake) async fn originals(
    connection: &mut Connection,
    wanted: &[Returned],
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
        "SELECT t.shard, COALESCE(s.leaf, t.leaf) AS leaf, t.tap_id, t.terminal_id,
             COALESCE(s.at, t.received_at) AS booked_at, c.holder_id
         FROM {{wanted}} CROSS JOIN card c CROSS JOIN tap t {SETTLED}
         WHERE c.shard = wanted.shard AND c.holder_id = wanted.holder_id AND t.shard = c.shard
             AND t.card_id = c.card_id AND t.at = wanted.at AND t.tap_id = wanted.tap_id
             AND COALESCE(s.outcome, t.outcome) = {}",
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
            booked_at: Micros(row.get("booked_at")?),
            transfers: Vec::new(),
            programme: None,
        };
        found.insert(leaf, (TapId(columns::bytes(row, "tap_id")?), original));
    }
    let moved = ledger::store::of_taps(connection, &found.keys().copied().collect::<Vec<_>>()).await?;
    let originals = found.into_iter().map(|(leaf, (tap, original))| {
        let named = moved.get(&leaf).map(Vec::as_slice).unwrap_or_default();
        let programme = Original::programme_of(named.iter().map(|named| &named.entry.transfer));
        (tap, Original { transfers: named.iter().map(|named| named.entry.id).collect(), programme, ..original })
    });
    Ok((originals.collect(), moved.into_values().flatten().collect()))
}
