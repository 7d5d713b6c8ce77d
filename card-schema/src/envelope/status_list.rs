//! The status of every card as an IETF Token Status List in CWT form: two bits a card, deflated, signed by the service.
//!
//! Reads and writes the token; who is listed is the service's to say, what follows from it the terminal's. The format
//! is the IETF's own, so its external authenticated data is empty: a type header and a key that signs nothing else
//! keep it apart.

use std::io::{Read as _, Write as _};

use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use minicbor::{Decoder, Encoder, data::Tag};

use super::{EnvelopeError, PublicKey, Signature, ToBeSigned, cbor, cose};
use crate::ids::KeyId;

/// COSE header parameter `typ` (RFC 9596) and its value for status lists in CWT form.
const TYPE_HEADER: u8 = 16;
const TYPE: &str = "application/statuslist+cwt";
/// CWT claims: subject, issued at (RFC 8392), status list (IETF), version (private, ours).
const SUBJECT: u8 = 2;
const ISSUED_AT: u8 = 6;
const STATUS_LIST: u32 = 65_533;
const VERSION: i64 = -70_001;
/// Bits for each card.
const BITS: u8 = 2;
/// The most bytes that a list may have when inflated: 64 million cards.
const MAX_INFLATED_BYTES: u64 = 16 << 20;
/// The most bytes that a token may have.
const MAX_BYTES: usize = 8 << 20;
/// The longest subject.
const MAX_SUBJECT_BYTES: usize = 255;

/// What the list says of one card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardStatus {
    /// Nothing is said against it.
    Valid = 0,
    /// Blocked for good: lost, replaced, returned.
    Invalid = 1,
    /// Not to be used for now, or not yet.
    Suspended = 2,
    /// Reserved for applications; treated like [`Self::Invalid`].
    Reserved = 3,
}

/// Two bits a card, the first card in the lowest bits of the first byte. Cards beyond the end are valid.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Statuses(Vec<u8>);

impl Statuses {
    /// The status at a card's index.
    pub fn get(&self, index: u32) -> CardStatus {
        let byte = usize::try_from(index / 4).ok().and_then(|at| self.0.get(at)).copied().unwrap_or_default();
        match byte >> (index % 4 * u32::from(BITS)) & 0b11 {
            0 => CardStatus::Valid,
            1 => CardStatus::Invalid,
            2 => CardStatus::Suspended,
            _ => CardStatus::Reserved,
        }
    }

    /// Puts a status at a card's index, growing the list to it.
    pub fn set(&mut self, index: u32, status: CardStatus) {
        let at = (index / 4) as usize;
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        let shift = index % 4 * u32::from(BITS);
        self.0[at] = self.0[at] & !(0b11 << shift) | (status as u8) << shift;
    }
}

/// A status list as it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusList {
    /// URI of the list, e.g. `https://card.example/v1/status-list`.
    pub subject: String,
    /// Seconds since 1970 UTC when it was made.
    pub issued_at_s: i64,
    /// Counts up and never goes back.
    pub version: u64,
    /// The cards.
    pub statuses: Statuses,
}

impl StatusList {
    /// Fixes the bytes that the key of this id is to sign.
    pub fn to_be_signed(&self, key: KeyId) -> ToBeSigned {
        let mut deflate = ZlibEncoder::new(Vec::new(), Compression::best());
        let deflated = deflate.write_all(&self.statuses.0).and_then(|()| deflate.finish());
        self.with_deflated(key, &deflated.expect("writing to memory does not fail"))
    }

    fn with_deflated(&self, key: KeyId, deflated: &[u8]) -> ToBeSigned {
        let header = || {
            let mut e = Encoder::new(Vec::with_capacity(48));
            e.map(3)?.u8(1)?.i8(cose::ES256)?.u8(4)?.bytes(&key.0)?.u8(TYPE_HEADER)?.str(TYPE)?;
            Ok::<_, minicbor::encode::Error<std::convert::Infallible>>(e.into_writer())
        };
        let claims = || {
            let mut e = Encoder::new(Vec::with_capacity(deflated.len() + 320));
            e.map(4)?.u8(SUBJECT)?.str(&self.subject)?.u8(ISSUED_AT)?.i64(self.issued_at_s)?;
            e.u32(STATUS_LIST)?.map(2)?.str("lst")?.bytes(deflated)?.str("bits")?.u8(BITS)?;
            e.i64(VERSION)?.u64(self.version)?;
            Ok::<_, minicbor::encode::Error<std::convert::Infallible>>(e.into_writer())
        };
        let written = "writing to memory does not fail";
        ToBeSigned::from_parts(header().expect(written), claims().expect(written), &[])
    }
}

/// A decoded status list, whose signature is not yet verified.
#[derive(Clone, Debug)]
pub struct SignedStatusList {
    /// The list.
    pub list: StatusList,
    /// The key that is said to have signed.
    pub key: KeyId,
    signature: Signature,
    message: Vec<u8>,
}

impl SignedStatusList {
    /// Reads a token.
    ///
    /// # Errors
    /// Every [`EnvelopeError`] but [`EnvelopeError::SignatureMismatch`].
    pub fn decode(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > MAX_BYTES {
            return Err(EnvelopeError::TooLarge { found: bytes.len(), limit: MAX_BYTES });
        }
        let malformed = |what: &str| EnvelopeError::Malformed(what.to_owned());
        let mut d = Decoder::new(bytes);
        if d.tag()? != Tag::new(cose::COSE_SIGN1) || d.array()? != Some(4) {
            return Err(malformed("not a tagged COSE_Sign1"));
        }
        let key = read_header(d.bytes()?).map_err(|_| EnvelopeError::ProtectedHeader)?;
        cbor::map(&mut d, 0)?;
        let claims = d.bytes()?;
        let signature = Signature(cbor::bytes(&mut d)?);

        let mut d = Decoder::new(claims);
        cbor::map(&mut d, 4)?;
        cbor::key(&mut d, SUBJECT)?;
        let subject = d.str()?;
        if subject.len() > MAX_SUBJECT_BYTES {
            return Err(EnvelopeError::TooLong("subject"));
        }
        cbor::key(&mut d, ISSUED_AT)?;
        let issued_at_s = d.i64()?;
        if d.u32()? != STATUS_LIST {
            return Err(malformed("another claim than the status list"));
        }
        cbor::map(&mut d, 2)?;
        if d.str()? != "lst" {
            return Err(malformed("a status list without lst"));
        }
        let deflated = d.bytes()?;
        if d.str()? != "bits" || d.u8()? != BITS {
            return Err(malformed("a status list of another width"));
        }
        if d.i64()? != VERSION {
            return Err(malformed("another claim than the version"));
        }
        let version = d.u64()?;

        let list =
            StatusList { subject: subject.to_owned(), issued_at_s, version, statuses: Statuses(inflate(deflated)?) };
        let to_be_signed = list.with_deflated(key, deflated);
        if to_be_signed.sign(&signature) != bytes {
            return Err(EnvelopeError::NotCanonical);
        }
        Ok(Self { list, key, signature, message: to_be_signed.message().to_vec() })
    }

    /// Checks that this key signed this list.
    ///
    /// # Errors
    /// [`EnvelopeError::SignatureMismatch`].
    pub fn verify(&self, key: &PublicKey) -> Result<(), EnvelopeError> {
        key.verify(&self.message, &self.signature)
    }
}

fn read_header(header: &[u8]) -> Result<KeyId, EnvelopeError> {
    let mut d = Decoder::new(header);
    cbor::map(&mut d, 3)?;
    cbor::key(&mut d, 1)?;
    if d.i8()? != cose::ES256 {
        return Err(EnvelopeError::ProtectedHeader);
    }
    cbor::key(&mut d, 4)?;
    let key = KeyId(cbor::bytes(&mut d)?);
    cbor::key(&mut d, TYPE_HEADER)?;
    if d.str()? == TYPE { Ok(key) } else { Err(EnvelopeError::ProtectedHeader) }
}

/// Inflates at most [`MAX_INFLATED_BYTES`]: a small token may not fill the memory.
fn inflate(deflated: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
    let mut statuses = Vec::new();
    let mut inflater = ZlibDecoder::new(deflated).take(MAX_INFLATED_BYTES + 1);
    inflater.read_to_end(&mut statuses).map_err(|error| EnvelopeError::Malformed(format!("not deflated: {error}")))?;
    if statuses.len() as u64 > MAX_INFLATED_BYTES {
        return Err(EnvelopeError::TooLong("status list"));
    }
    Ok(statuses)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ring::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
    };

    use super::*;

    fn sealed(list: &StatusList) -> (Vec<u8>, PublicKey) {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        let public = PublicKey::from_sec1(pair.public_key().as_ref()).unwrap();
        let to_be_signed = list.to_be_signed(public.key_id());
        let signature = pair.sign(&random, to_be_signed.message()).unwrap();
        (to_be_signed.sign(&Signature(signature.as_ref().try_into().unwrap())), public)
    }

    fn example() -> StatusList {
        let mut statuses = Statuses::default();
        statuses.set(5, CardStatus::Suspended);
        statuses.set(1_000_000, CardStatus::Invalid);
        StatusList { subject: "https://card.example/v1/status-list".into(), issued_at_s: 7, version: 3, statuses }
    }

    #[test]
    fn a_list_reads_back_and_names_its_cards() {
        let (bytes, public) = sealed(&example());
        let read = SignedStatusList::decode(&bytes).unwrap();
        read.verify(&public).unwrap();
        assert_eq!(read.list, example());
        assert_eq!(read.key, public.key_id());
        let status = |index| read.list.statuses.get(index);
        assert_eq!((status(5), status(1_000_000)), (CardStatus::Suspended, CardStatus::Invalid));
        assert_eq!((status(4), status(6), status(u32::MAX)), (CardStatus::Valid, CardStatus::Valid, CardStatus::Valid));
        assert!(bytes.len() < 1_000, "a sparse list is small: {} bytes", bytes.len());
    }

    #[test]
    fn a_small_token_cannot_fill_the_memory() {
        let bomb = StatusList { statuses: Statuses(vec![0; 17 << 20]), ..example() };
        let (bytes, _) = sealed(&bomb);
        assert!(bytes.len() < 100_000);
        assert_eq!(SignedStatusList::decode(&bytes).unwrap_err(), EnvelopeError::TooLong("status list"));
    }

    #[test]
    fn a_list_is_no_other_message_and_no_other_message_a_list() {
        let (bytes, _) = sealed(&example());
        assert!(super::super::Envelope::<super::super::tap::Tap>::decode(&bytes).is_err());
        let mut other_type = bytes.clone();
        let at = bytes.windows(4).position(|window| window == b"+cwt").unwrap();
        other_type[at + 1] = b'j';
        assert_eq!(SignedStatusList::decode(&other_type).unwrap_err(), EnvelopeError::ProtectedHeader);
        let mut longer = bytes;
        longer.push(0);
        assert_eq!(SignedStatusList::decode(&longer).unwrap_err(), EnvelopeError::NotCanonical);
    }

    proptest! {
        #[test]
        fn no_bit_of_a_list_can_be_changed(bit: usize) {
            let (mut bytes, public) = sealed(&example());
            let at = bit / 8 % bytes.len();
            bytes[at] ^= 1 << (bit % 8);
            let passes = SignedStatusList::decode(&bytes).is_ok_and(|list| list.verify(&public).is_ok());
            prop_assert!(!passes);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = SignedStatusList::decode(&bytes);
        }
    }
}
