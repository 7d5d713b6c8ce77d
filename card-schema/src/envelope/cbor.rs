//! The few shapes that our maps are made of. Knows no message.

use minicbor::{
    Decoder, Encoder,
    data::Type,
    encode::{Error, Write},
};

use super::EnvelopeError;

fn malformed(what: &str) -> EnvelopeError {
    EnvelopeError::Malformed(what.to_owned())
}

/// A map of exactly this many entries.
pub(crate) fn map(d: &mut Decoder<'_>, entries: u64) -> Result<(), EnvelopeError> {
    if d.map()? == Some(entries) { Ok(()) } else { Err(malformed("a map with another number of entries")) }
}

/// The map of whatever carries nothing.
pub(crate) fn nothing<W: Write>(e: &mut Encoder<W>) -> Result<(), Error<W::Error>> {
    e.map(0)?;
    Ok(())
}

/// An array of definite length, at most `limit`.
pub(crate) fn array(d: &mut Decoder<'_>, limit: usize, what: &'static str) -> Result<usize, EnvelopeError> {
    let length = d.array()?.ok_or_else(|| malformed("an array of indefinite length"))?;
    usize::try_from(length).ok().filter(|&n| n <= limit).ok_or(EnvelopeError::TooLong(what))
}

/// An array of at most `limit` of the same.
pub(crate) fn list<T>(
    d: &mut Decoder<'_>,
    limit: usize,
    what: &'static str,
    read: impl Fn(&mut Decoder<'_>) -> Result<T, EnvelopeError>,
) -> Result<Vec<T>, EnvelopeError> {
    let count = array(d, limit, what)?;
    (0..count).map(|_| read(d)).collect()
}

/// An array of exactly so many parts.
pub(crate) fn parts(d: &mut Decoder<'_>, count: usize, what: &'static str) -> Result<(), EnvelopeError> {
    if array(d, count, what)? == count {
        return Ok(());
    }
    Err(malformed(&format!("{what}: another number of parts than {count}")))
}

/// The next key of a map.
pub(crate) fn key(d: &mut Decoder<'_>, key: u8) -> Result<(), EnvelopeError> {
    if d.i64()? == i64::from(key) { Ok(()) } else { Err(malformed("another key than expected")) }
}

/// A byte string of exactly `N` bytes.
pub(crate) fn bytes<const N: usize>(d: &mut Decoder<'_>) -> Result<[u8; N], EnvelopeError> {
    d.bytes()?.try_into().map_err(|_| malformed("a byte string of another length"))
}

/// `null`, or what `read` reads.
pub(crate) fn optional<T>(
    d: &mut Decoder<'_>,
    read: impl FnOnce(&mut Decoder<'_>) -> Result<T, EnvelopeError>,
) -> Result<Option<T>, EnvelopeError> {
    if d.datatype()? == Type::Null {
        d.null()?;
        Ok(None)
    } else {
        read(d).map(Some)
    }
}

/// The version that every payload starts with.
pub(crate) fn version(d: &mut Decoder<'_>, known: u8) -> Result<(), EnvelopeError> {
    key(d, 1)?;
    match d.u64()? {
        version if version == u64::from(known) => Ok(()),
        version => Err(EnvelopeError::UnknownVersion(version)),
    }
}
