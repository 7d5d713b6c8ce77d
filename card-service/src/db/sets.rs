//! Sets of values in one bound parameter, and reading columns back into our own types.
//!
//! A set goes to the engine as one JSON text that `json_each` takes apart: one statement text whatever the size.

use card_schema::ids::{SHARDS, Shard};
use serde::Serialize;
use sqlx::Row as _;

use super::DbError;
use super::dialect::Row;

/// A set of numbers, texts or tuples of them.
pub fn json<T: Serialize>(values: impl Iterator<Item = T>) -> String {
    serde_json::to_string(&values.collect::<Vec<_>>()).expect("numbers and texts have a JSON form")
}

/// Bytes in a set; the statement reads them with `unhex`.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to memory does not fail");
        text
    })
}

/// A column of exactly `N` bytes.
///
/// # Errors
/// [`DbError::Unreadable`] for another length: nothing of ours wrote it.
pub fn bytes<const N: usize>(row: &Row, column: &str) -> Result<[u8; N], DbError> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes.try_into().map_err(|_| DbError::Unreadable("bytes of another length"))
}

/// A shard number as stored.
///
/// # Errors
/// [`DbError::Unreadable`] beyond the number of shards.
pub fn shard(number: i64) -> Result<Shard, DbError> {
    u8::try_from(number).ok().filter(|number| *number < SHARDS).map(Shard).ok_or(DbError::Unreadable("shard"))
}
