//! Columns read into our own types.

use card_schema::ids::{SHARDS, Shard};

use super::{DbError, Row};

/// A column of exactly `N` bytes.
///
/// # Errors
/// [`DbError::Unreadable`] for another length: nothing of ours wrote it.
pub fn bytes<const N: usize>(row: &Row, column: &str) -> Result<[u8; N], DbError> {
    let bytes: &[u8] = row.get(column)?;
    bytes.try_into().map_err(|_| DbError::Unreadable("bytes of another length"))
}

/// A shard number as stored.
///
/// # Errors
/// [`DbError::Unreadable`] beyond the number of shards.
pub fn shard(number: i64) -> Result<Shard, DbError> {
    u8::try_from(number).ok().filter(|number| *number < SHARDS).map(Shard).ok_or(DbError::Unreadable("shard"))
}

/// A number in a column, of a narrower type than the database's.
///
/// # Errors
/// [`DbError::Unreadable`] where it is out of that type's range: nothing of ours wrote it.
pub fn number<T: TryFrom<i64>>(row: &Row, column: &str) -> Result<T, DbError> {
    T::try_from(row.get(column)?).map_err(|_| DbError::Unreadable("a number out of range"))
}
