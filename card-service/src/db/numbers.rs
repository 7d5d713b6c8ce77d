//! The numbers that each shard has given out, and the lock on them that makes writers of one shard take turns.
//!
//! Leaves, accounts and transfers are numbered within their shard without gaps, in the order in which their
//! transactions commit: whoever writes them holds the shard's row from the first number to the end of the transaction.

use std::collections::{BTreeMap, BTreeSet};

use card_schema::ids::Shard;

use super::value::Rows;
use super::{Connection, DbError, columns, query};

/// The highest numbers in use in one shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Of leaves of the log.
    pub leaf: i64,
    /// Of accounts.
    pub account: i64,
    /// Of transfers.
    pub transfer: i64,
}

impl Numbers {
    /// How many numbers all shards together have given out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn total(connection: &mut Connection) -> Result<Self, DbError> {
        let row = query(
            "SELECT CAST(SUM(s.leaf) AS BIGINT) AS leaf, CAST(SUM(s.account) AS BIGINT) AS account,
                CAST(SUM(s.transfer) AS BIGINT) AS transfer FROM shard s",
        )
        .one(connection)
        .await?;
        Ok(Self { leaf: row.get("leaf")?, account: row.get("account")?, transfer: row.get("transfer")? })
    }
}

/// The shards that a transaction holds.
#[derive(Debug, Default)]
pub(super) struct Held(BTreeMap<Shard, Pair>);

#[derive(Debug)]
struct Pair {
    stored: Numbers,
    now: Numbers,
}

impl Held {
    /// Takes shards that are not held yet.
    pub(super) async fn lock(&mut self, connection: &mut Connection, shards: &BTreeSet<Shard>) -> Result<(), DbError> {
        let wanted: Vec<Shard> = shards.iter().copied().filter(|shard| !self.0.contains_key(shard)).collect();
        let (Some(lowest), highest) = (wanted.first(), self.0.keys().next_back()) else { return Ok(()) };
        assert!(
            highest.is_none_or(|highest| highest < lowest),
            "two transactions that take shards in different orders wait for one another: lock them together, first"
        );
        let rows = query(
            "SELECT s.shard, s.leaf, s.account, s.transfer FROM {wanted} CROSS JOIN shard s
             WHERE s.shard = wanted.shard ORDER BY s.shard {for update of s}",
        )
        .set("wanted", Rows::new().ints("shard", wanted.iter().map(|shard| i64::from(shard.0))))
        .all(connection)
        .await?;
        for row in rows {
            let stored =
                Numbers { leaf: row.get("leaf")?, account: row.get("account")?, transfer: row.get("transfer")? };
            self.0.insert(columns::shard(row.get("shard")?)?, Pair { stored, now: stored });
        }
        Ok(())
    }

    pub(super) fn of(&mut self, shard: Shard) -> &mut Numbers {
        &mut self.0.get_mut(&shard).expect("a shard is locked before its numbers are used").now
    }

    /// Writes the numbers that have grown.
    pub(super) async fn save(&self, connection: &mut Connection) -> Result<(), DbError> {
        let grown: Vec<_> = self.0.iter().filter(|(_, pair)| pair.now != pair.stored).collect();
        if grown.is_empty() {
            return Ok(());
        }
        let rows = Rows::new()
            .ints("shard", grown.iter().map(|(shard, _)| i64::from(shard.0)))
            .ints("leaf", grown.iter().map(|(_, pair)| pair.now.leaf))
            .ints("account", grown.iter().map(|(_, pair)| pair.now.account))
            .ints("transfer", grown.iter().map(|(_, pair)| pair.now.transfer));
        query(
            "UPDATE shard SET leaf = grown.leaf, account = grown.account, transfer = grown.transfer
             FROM {grown} WHERE shard.shard = grown.shard",
        )
        .set("grown", rows)
        .execute(connection)
        .await?;
        Ok(())
    }
}
