//! Bytes as text and back, and columns read into our own types.

use card_schema::ids::{SHARDS, Shard};

use super::{DbError, Row};

/// Bytes in hexadecimal.
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
