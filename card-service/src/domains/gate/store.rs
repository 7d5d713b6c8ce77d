//! The table of counts.

use std::collections::BTreeMap;

use sqlx::QueryBuilder;

use super::Count;
use crate::db::DbError;
use crate::db::dialect::{Connection, Engine, ROWS_PER_STATEMENT};

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
    let sums: Vec<_> = sums.into_iter().collect();
    for rows in sums.chunks(ROWS_PER_STATEMENT) {
        let mut insert =
            QueryBuilder::<Engine>::new("INSERT INTO gate_count (shard, terminal_id, hour, passed, refused) ");
        insert.push_values(rows, |mut row, ((shard, terminal, hour), (passed, refused))| {
            row.push_bind(i64::from(shard.0))
                .push_bind(terminal.as_bytes().to_vec())
                .push_bind(*hour)
                .push_bind(*passed)
                .push_bind(*refused);
        });
        insert.push(
            " ON CONFLICT (shard, terminal_id, hour) DO UPDATE SET
              passed = gate_count.passed + excluded.passed, refused = gate_count.refused + excluded.refused",
        );
        insert.build().execute(&mut *connection).await?;
    }
    Ok(())
}
