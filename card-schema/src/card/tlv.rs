//! BER-TLV as the card speaks it: a reader that trusts no length, and a writer.
//!
//! Used for APDU data (SP 800-73-5 part 2) and for what is inside data objects (part 1). Says nothing about
//! what a tag means: that is with the caller. Lengths may be written longer than needed, because cards in the
//! field do so; indefinite lengths, tags of more than three bytes and values past the end are refused.

use std::iter::FusedIterator;

use thiserror::Error;

/// A tag of more bytes than this is no PIV tag.
const MAX_TAG_BYTES: usize = 3;

/// Length octets after the first one that are read: values up to 65,535 bytes.
const MAX_LENGTH_BYTES: usize = 2;

/// What is wrong with bytes that should have been BER-TLV.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TlvError {
    /// The bytes end inside a tag, a length or a value.
    #[error("the data ends inside an object")]
    Truncated,
    /// A tag byte of zero, or a tag of more than three bytes.
    #[error("the data has no valid tag where one must be")]
    BadTag,
    /// An indefinite length, or one of more than two octets.
    #[error("the data has a length that is not allowed")]
    BadLength,
    /// The object that was asked for is not there.
    #[error("the object {0:X} is missing")]
    Missing(u32),
    /// Another object stands where this one must be alone.
    #[error("the object {0:X} is not alone")]
    NotAlone(u32),
    /// The same object twice.
    #[error("the object {0:X} is there twice")]
    Repeated(u32),
}

/// Reads the objects that stand one after another in `bytes`.
///
/// After an error the iterator is at its end: nothing behind a broken object has a known beginning.
pub const fn objects(bytes: &[u8]) -> Objects<'_> {
    Objects { rest: bytes }
}

/// The iterator of [`objects`]: tags as they are written (`0x5FC102`), values as slices of the input.
#[derive(Clone, Debug)]
pub struct Objects<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Objects<'a> {
    type Item = Result<(u32, &'a [u8]), TlvError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (item, rest) = match split_first(self.rest) {
            Ok((tag, value, rest)) => (Ok((tag, value)), rest),
            Err(error) => (Err(error), &[][..]),
        };
        self.rest = rest;
        Some(item)
    }
}

impl FusedIterator for Objects<'_> {}

/// The value of the one object with this tag; other objects may stand beside it.
///
/// # Errors
/// The bytes are broken anywhere, or the object is missing or there twice.
pub fn find(bytes: &[u8], tag: u32) -> Result<&[u8], TlvError> {
    let mut found = None;
    for object in objects(bytes) {
        let (object_tag, value) = object?;
        if object_tag == tag && found.replace(value).is_some() {
            return Err(TlvError::Repeated(tag));
        }
    }
    found.ok_or(TlvError::Missing(tag))
}

/// The value of the object with this tag when it is the whole of `bytes`.
///
/// # Errors
/// The bytes are broken, start with another object, or go on after this one.
pub fn only(bytes: &[u8], tag: u32) -> Result<&[u8], TlvError> {
    if bytes.is_empty() {
        return Err(TlvError::Missing(tag));
    }
    let (object_tag, value, rest) = split_first(bytes)?;
    if object_tag != tag {
        return Err(TlvError::Missing(tag));
    }
    if rest.is_empty() { Ok(value) } else { Err(TlvError::NotAlone(tag)) }
}

/// The first object of `bytes` — tag, value — and what follows it.
///
/// # Errors
/// The bytes are empty or broken before the end of the first object.
pub fn split_first(bytes: &[u8]) -> Result<(u32, &[u8], &[u8]), TlvError> {
    let (tag, rest) = split_tag(bytes)?;
    let (length, rest) = split_length(rest)?;
    if length > rest.len() {
        return Err(TlvError::Truncated);
    }
    let (value, rest) = rest.split_at(length);
    Ok((tag, value, rest))
}

fn split_tag(bytes: &[u8]) -> Result<(u32, &[u8]), TlvError> {
    let (&first, mut rest) = bytes.split_first().ok_or(TlvError::Truncated)?;
    if first == 0 {
        return Err(TlvError::BadTag);
    }
    let mut tag = u32::from(first);
    if first & 0x1F != 0x1F {
        return Ok((tag, rest));
    }
    for _ in 1..MAX_TAG_BYTES {
        let (&next, after) = rest.split_first().ok_or(TlvError::Truncated)?;
        tag = tag << 8 | u32::from(next);
        rest = after;
        if next & 0x80 == 0 {
            return Ok((tag, rest));
        }
    }
    Err(TlvError::BadTag)
}

fn split_length(bytes: &[u8]) -> Result<(usize, &[u8]), TlvError> {
    let (&first, rest) = bytes.split_first().ok_or(TlvError::Truncated)?;
    if first < 0x80 {
        return Ok((usize::from(first), rest));
    }
    let count = usize::from(first & 0x7F);
    if count == 0 || count > MAX_LENGTH_BYTES {
        return Err(TlvError::BadLength);
    }
    let (octets, rest) = rest.split_at_checked(count).ok_or(TlvError::Truncated)?;
    let length = octets.iter().fold(0, |length, &octet| length << 8 | usize::from(octet));
    Ok((length, rest))
}

/// Appends one object, its length in the fewest octets.
///
/// Space is reserved once for the whole object, so that a caller who has reserved [`encoded_len`] in a zeroizing
/// buffer leaves no copy behind.
pub fn push(out: &mut Vec<u8>, tag: u32, value: &[u8]) {
    out.reserve(encoded_len(tag, value.len()));
    push_header(out, tag, value.len());
    out.extend_from_slice(value);
}

/// Appends the tag and length of an object whose value the caller appends.
pub fn push_header(out: &mut Vec<u8>, tag: u32, value_len: usize) {
    out.extend_from_slice(significant(&tag.to_be_bytes()));
    let octets = value_len.to_be_bytes();
    let octets = significant(&octets);
    if value_len >= 0x80 {
        out.push(0x80 | u8::try_from(octets.len()).expect("a usize has at most 8 octets"));
    }
    out.extend_from_slice(octets);
}

/// One object as bytes.
pub fn encode(tag: u32, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    push(&mut out, tag, value);
    out
}

/// How many bytes [`push`] writes.
pub fn encoded_len(tag: u32, value_len: usize) -> usize {
    let tag_len = significant(&tag.to_be_bytes()).len();
    let octets = significant(&value_len.to_be_bytes()).len();
    let length_len = if value_len < 0x80 { 1 } else { 1 + octets };
    tag_len + length_len + value_len
}

/// The bytes of a big-endian number without its leading zeros, but at least one.
fn significant(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros.min(bytes.len() - 1)..]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn objects_are_read_in_the_order_they_stand() {
        let bytes = [0x5F, 0xC1, 0x02, 0x01, 0xAA, 0x7F, 0x49, 0x00, 0x53, 0x81, 0x01, 0xBB];
        let read: Result<Vec<_>, _> = objects(&bytes).collect();
        let expected: Vec<(u32, &[u8])> = vec![(0x5F_C102, &[0xAA]), (0x7F49, &[]), (0x53, &[0xBB])];
        assert_eq!(read, Ok(expected));
    }

    #[test]
    fn broken_bytes_are_refused_by_name() {
        let table: [(&str, &[u8], TlvError); 11] = [
            ("no length", &[0x53], TlvError::Truncated),
            ("a value past the end", &[0x53, 0x02, 0x00], TlvError::Truncated),
            ("a long length past the end", &[0x53, 0x82, 0xFF, 0xFF, 0x00], TlvError::Truncated),
            ("half a length", &[0x53, 0x82, 0x01], TlvError::Truncated),
            ("half a tag", &[0x5F], TlvError::Truncated),
            ("half a long tag", &[0x5F, 0xC1], TlvError::Truncated),
            ("an indefinite length", &[0x53, 0x80, 0x00, 0x00], TlvError::BadLength),
            ("a length of three octets", &[0x53, 0x83, 0, 0, 0], TlvError::BadLength),
            ("a reserved length", &[0x53, 0xFF], TlvError::BadLength),
            ("padding in the place of a tag", &[0x00, 0x00], TlvError::BadTag),
            ("a tag of four bytes", &[0x5F, 0x81, 0x81, 0x01, 0x00], TlvError::BadTag),
        ];
        for (what, bytes, error) in table {
            let mut reader = objects(bytes);
            assert_eq!(reader.next(), Some(Err(error)), "{what}");
            assert_eq!(reader.next(), None, "{what}: nothing is read after it");
        }
    }

    #[test]
    fn lengths_are_written_in_the_fewest_octets() {
        let table: [(usize, &[u8]); 5] = [
            (0, &[0x53, 0x00]),
            (0x7F, &[0x53, 0x7F]),
            (0x80, &[0x53, 0x81, 0x80]),
            (0x100, &[0x53, 0x82, 0x01, 0x00]),
            (0xFFFF, &[0x53, 0x82, 0xFF, 0xFF]),
        ];
        for (length, header) in table {
            let bytes = encode(0x53, &vec![7; length]);
            assert_eq!(&bytes[..header.len()], header);
            assert_eq!(bytes.len(), header.len() + length);
            assert_eq!(bytes.len(), encoded_len(0x53, length));
        }
    }

    #[test]
    fn an_object_that_must_be_alone_is_refused_with_company() {
        assert_eq!(only(&[0x53, 0x01, 0x09], 0x53), Ok(&[0x09][..]));
        assert_eq!(only(&[], 0x53), Err(TlvError::Missing(0x53)));
        assert_eq!(only(&[0x54, 0x00], 0x53), Err(TlvError::Missing(0x53)));
        assert_eq!(only(&[0x53, 0x00, 0x00], 0x53), Err(TlvError::NotAlone(0x53)));
    }

    #[test]
    fn an_object_is_found_among_others_unless_it_is_there_twice() {
        assert_eq!(find(&[0x30, 0x00, 0x34, 0x01, 5], 0x34), Ok(&[5][..]));
        assert_eq!(find(&[0x30, 0x00], 0x34), Err(TlvError::Missing(0x34)));
        assert_eq!(find(&[0x34, 0x00, 0x34, 0x00], 0x34), Err(TlvError::Repeated(0x34)));
        assert_eq!(find(&[0x34, 0x00, 0x30], 0x34), Err(TlvError::Truncated));
    }

    fn tags() -> impl Strategy<Value = u32> {
        prop_oneof![
            (1..=0xFFu32).prop_filter("one byte", |tag| tag & 0x1F != 0x1F),
            (0..0x80u32).prop_map(|low| 0x7F00 | low),
            (0..0x80u32, 0..0x80u32).prop_map(|(middle, low)| 0x5F_8000 | middle << 8 | low),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            pairs in prop::collection::vec((tags(), prop::collection::vec(any::<u8>(), 0..400)), 0..8)
        ) {
            let mut bytes = Vec::new();
            for (tag, value) in &pairs {
                push(&mut bytes, *tag, value);
            }
            let read: Vec<(u32, Vec<u8>)> =
                objects(&bytes).map(|object| object.map(|(tag, value)| (tag, value.to_vec()))).collect::<Result<_, _>>()?;
            prop_assert_eq!(read, pairs);
        }

        #[test]
        fn any_bytes_are_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let read: usize = objects(&bytes).map_while(Result::ok).map(|(_, value)| value.len()).sum();
            prop_assert!(read <= bytes.len());
        }
    }
}
