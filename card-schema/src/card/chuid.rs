//! The card holder unique identifier, object 5FC102 (SP 800-73-5 part 1, section 3.1.2 and table 10).
//!
//! Reads and writes its fields. Does not judge them: whether the card is expired, listed or ours is the tap's
//! business, and a CHUID proves nothing by itself: only a fresh signature does.

use thiserror::Error;

use super::tlv::{self, TlvError};
use crate::date::Date;
use crate::ids::CardId;

/// The issuer's signature may take this many bytes (part 1, table 10).
const MAX_SIGNATURE_BYTES: usize = 2_816;

mod tag {
    pub(super) const FASC_N: u32 = 0x30;
    pub(super) const ORGANISATION: u32 = 0x32;
    pub(super) const DUNS: u32 = 0x33;
    pub(super) const GUID: u32 = 0x34;
    pub(super) const EXPIRY: u32 = 0x35;
    pub(super) const HOLDER_UUID: u32 = 0x36;
    pub(super) const AUTHENTICATION_KEY_MAP: u32 = 0x3D;
    pub(super) const SIGNATURE: u32 = 0x3E;
    pub(super) const ERROR_DETECTION: u32 = 0xFE;
    pub(super) const BUFFER_LENGTH: u32 = 0xEE;
}

/// What is wrong with a CHUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ChuidError {
    /// Not BER-TLV, or a field is missing or there twice.
    #[error("the card's identifier is malformed: {0}")]
    Tlv(#[from] TlvError),
    /// A field of another size than the standard gives it.
    #[error("the card's identifier has a field {tag:X} of {length} bytes")]
    FieldLength {
        /// The field.
        tag: u32,
        /// Its size in bytes.
        length: usize,
    },
    /// A field that no version of the standard has.
    #[error("the card's identifier has an unknown field {0:X}")]
    UnknownField(u32),
    /// Eight digits that are no day.
    #[error("the card's identifier has an expiry that is no date")]
    Expiry,
}

/// The fields of a CHUID that mean something to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chuid {
    /// FASC-N, a number of United States agencies; others write [`Chuid::FASC_N_NOT_FEDERAL`].
    pub fasc_n: [u8; 25],
    /// The card's GUID. On our cards it is the card id.
    pub guid: CardId,
    /// The last day on which the card is good.
    pub expiry: Date,
    /// The issuer's CMS signature; empty where the card's certificates carry the proof, as on ours.
    pub signature: Vec<u8>,
}

impl Chuid {
    /// FASC-N of issuers that are no United States agency: agency, system and credential all nines, the rest
    /// zeros (Federal CIO Council, "PIV Interoperability for Non-Federal Issuers"; SCEPACS 2.3 gives the packing).
    pub const FASC_N_NOT_FEDERAL: [u8; 25] = [
        0xD4, 0xE7, 0x39, 0xDA, 0x73, 0x9C, 0xED, 0x39, 0xCE, 0x73, 0x9D, 0x83, 0x68, 0x58, 0x21, 0x08, 0x42, 0x10,
        0x84, 0x21, 0xC8, 0x42, 0x10, 0xC3, 0xEB,
    ];

    /// The CHUID of a card of ours.
    pub const fn new(card: CardId, expiry: Date) -> Self {
        Self { fasc_n: Self::FASC_N_NOT_FEDERAL, guid: card, expiry, signature: Vec::new() }
    }

    /// Reads the contents of the object (what stands inside the `53` of GET DATA's answer).
    ///
    /// # Errors
    /// The bytes are no CHUID: see [`ChuidError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ChuidError> {
        for object in tlv::objects(bytes) {
            let (tag, value) = object?;
            check_length(tag, value.len())?;
        }
        let expiry = Date::from_digits(fixed(bytes, tag::EXPIRY)?).ok_or(ChuidError::Expiry)?;
        // Required by the standard; its value is always empty.
        tlv::find(bytes, tag::ERROR_DETECTION)?;
        Ok(Self {
            fasc_n: fixed(bytes, tag::FASC_N)?,
            guid: CardId::from_bytes(fixed(bytes, tag::GUID)?),
            expiry,
            signature: tlv::find(bytes, tag::SIGNATURE)?.to_vec(),
        })
    }

    /// The contents of the object, fields in the standard's order.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.signature.len());
        tlv::push(&mut out, tag::FASC_N, &self.fasc_n);
        tlv::push(&mut out, tag::GUID, self.guid.as_bytes());
        tlv::push(&mut out, tag::EXPIRY, &self.expiry.to_digits());
        tlv::push(&mut out, tag::SIGNATURE, &self.signature);
        tlv::push(&mut out, tag::ERROR_DETECTION, &[]);
        out
    }
}

/// Refuses a field of the wrong size, and one that is in no version of the standard.
fn check_length(tag: u32, length: usize) -> Result<(), ChuidError> {
    let allowed = match tag {
        tag::FASC_N => length == 25,
        tag::GUID | tag::HOLDER_UUID => length == 16,
        tag::EXPIRY => length == 8,
        tag::ORGANISATION => length == 4,
        tag::DUNS => length == 9,
        tag::BUFFER_LENGTH => length == 2,
        tag::AUTHENTICATION_KEY_MAP => length <= 512,
        tag::SIGNATURE => length <= MAX_SIGNATURE_BYTES,
        // Some cards in the field write one byte here.
        tag::ERROR_DETECTION => length <= 1,
        _ => return Err(ChuidError::UnknownField(tag)),
    };
    if allowed { Ok(()) } else { Err(ChuidError::FieldLength { tag, length }) }
}

fn fixed<const N: usize>(bytes: &[u8], tag: u32) -> Result<[u8; N], ChuidError> {
    let value = tlv::find(bytes, tag)?;
    value.try_into().map_err(|_| ChuidError::FieldLength { tag, length: value.len() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> Chuid {
        Chuid::new(CardId::from_bytes([0x5A; 16]), Date::new(2036, 2, 29).expect("a leap year"))
    }

    #[test]
    fn a_card_of_ours_has_an_identifier_of_59_bytes() {
        let bytes = sample().encode();
        assert_eq!(bytes.len(), 59, "a tap's wire budget rests on it");
        assert_eq!(Chuid::decode(&bytes), Ok(sample()));
    }

    #[test]
    fn the_fasc_n_of_others_follows_its_own_parity_and_check() {
        let bits: Vec<u8> =
            Chuid::FASC_N_NOT_FEDERAL.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
        let characters: Vec<&[u8]> = bits.chunks(5).collect();
        assert_eq!(characters.len(), 40);
        for character in &characters {
            assert_eq!(character.iter().sum::<u8>() % 2, 1, "odd parity in each character");
        }
        for bit in 0..4 {
            let sum: u8 = characters.iter().map(|character| character[bit]).sum();
            assert_eq!(sum % 2, 0, "the longitudinal check of bit {bit}");
        }
    }

    /// The sample without, or with another, field.
    fn with(tag: u32, value: Option<&[u8]>) -> Vec<u8> {
        let mut out = Vec::new();
        for object in tlv::objects(&sample().encode()) {
            let (old_tag, old) = object.expect("the sample is well formed");
            match value {
                Some(value) if old_tag == tag => tlv::push(&mut out, tag, value),
                None if old_tag == tag => {}
                _ => tlv::push(&mut out, old_tag, old),
            }
        }
        out
    }

    #[test]
    fn what_is_no_identifier_is_refused_by_name() {
        let twice = [sample().encode(), sample().encode()].concat();
        let unknown = [sample().encode(), vec![0x55, 0x00]].concat();
        let table = [
            ("no GUID", with(0x34, None), ChuidError::Tlv(TlvError::Missing(0x34))),
            ("no error detection", with(0xFE, None), ChuidError::Tlv(TlvError::Missing(0xFE))),
            ("a short GUID", with(0x34, Some(&[1; 15])), ChuidError::FieldLength { tag: 0x34, length: 15 }),
            ("a day that is none", with(0x35, Some(b"20230230")), ChuidError::Expiry),
            ("letters for a day", with(0x35, Some(b"2023FEB1")), ChuidError::Expiry),
            ("each field twice", twice, ChuidError::Tlv(TlvError::Repeated(0x35))),
            ("a field of another object", unknown, ChuidError::UnknownField(0x55)),
            ("nothing", Vec::new(), ChuidError::Tlv(TlvError::Missing(0x35))),
        ];
        for (what, bytes, error) in table {
            assert_eq!(Chuid::decode(&bytes), Err(error), "{what}");
        }
    }

    #[test]
    fn a_signed_identifier_of_another_issuer_is_read_too() {
        let mut bytes = vec![0xEE, 0x02, 0x00, 0x00];
        bytes.extend(with(0x3E, Some(&[0x30; 900])));
        let chuid = Chuid::decode(&bytes).expect("the standard allows it");
        assert_eq!(chuid.signature.len(), 900);
    }

    proptest! {
        #[test]
        fn one_changed_byte_never_makes_the_reader_panic(position in 0_usize..59, value: u8) {
            let mut bytes = sample().encode();
            bytes[position] = value;
            if let Ok(chuid) = Chuid::decode(&bytes) {
                prop_assert!(chuid.encode().len() >= 59);
            }
        }
    }
}
