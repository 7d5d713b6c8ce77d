//! The table of counts.

use std::collections::BTreeMap;

use super::Count;
use crate::db::{Connection, DbError, Rows, insert};

/// Adds counts to their hours.
pub async fn add(connection: &mut Connection, counts: &[Count]) -> Result<(), DbError> {
    let mut sums: BTreeMap<_, (i64, i64)> = BTreeMap::new();
    for count in counts {
        let sum = sums.entry((count.shard, count.terminal, count.hour)).or_default();
        if count.passed {
            sum.0 += 1;
        } else {
            sum.1 += 1;
        }
    }
    let rows = Rows::new()
        .ints("shard", sums.keys().map(|(shard, ..)| i64::from(shard.0)))
        .bytes("terminal_id", sums.keys().map(|(_, terminal, _)| *terminal.as_bytes()))
        .ints("hour", sums.keys().map(|(.., hour)| *hour))
        .ints("passed", sums.values().map(|(passed, _)| *passed))
        .ints("refused", sums.values().map(|(_, refused)| *refused));
    insert(
        connection,
        "gate_count",
        rows,
        "ON CONFLICT (shard, terminal_id, hour) DO UPDATE SET
          passed = gate_count.passed + excluded.passed, refused = gate_count.refused + excluded.refused",
    )
    .await
}
