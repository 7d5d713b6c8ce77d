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
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
    let mut text = String::with_capacity(2 * bytes.len());
    text.extend(digits.map(|digit| char::from(DIGITS[usize::from(digit)])));
    text
}

/// Reads what [`hex`] writes.
pub fn unhex(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
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
