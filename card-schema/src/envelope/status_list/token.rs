//! A CWT (RFC 8392) with a type header. The list's format is the IETF's own, so external authenticated data is empty: the
//! type and a key that signs nothing else keep these tokens apart from one another and from all other messages.

use minicbor::{Decoder, Encoder, data::Tag};

use super::super::{EnvelopeError, PublicKey, Signature, ToBeSigned, cbor, cose};
use crate::ids::KeyId;

/// COSE header parameter `typ` (RFC 9596).
const TYPE_HEADER: u8 = 16;
/// The most bytes that a token may have.
const MAX_BYTES: usize = 8 << 20;

/// What a token claims.
pub trait Claims: Sized {
    /// Value of the header `typ`.
    const TYPE: &str;

    /// Writes the claims as deterministic CBOR.
    fn encode(&self) -> Vec<u8>;

    /// Reads them, and says which bytes they should have been.
    ///
    /// # Errors
    /// When they are not of this form, or too much.
    fn decode(claims: &[u8]) -> Result<(Self, Vec<u8>), EnvelopeError>;

    /// Fixes the bytes that the key of this id is to sign.
    fn to_be_signed(&self, key: KeyId) -> ToBeSigned {
        ToBeSigned::from_parts(header::<Self>(key), self.encode(), &[])
    }
}

/// A decoded token, whose signature is not yet verified.
#[derive(Clone, Debug)]
pub struct SignedToken<C> {
    /// What it claims.
    pub claims: C,
    /// The key that is said to have signed.
    pub key: KeyId,
    signature: Signature,
    message: Vec<u8>,
}

impl<C: Claims> SignedToken<C> {
    /// Reads a token.
    ///
    /// # Errors
    /// Every [`EnvelopeError`] but [`EnvelopeError::SignatureMismatch`].
    pub fn decode(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > MAX_BYTES {
            return Err(EnvelopeError::TooLarge { found: bytes.len(), limit: MAX_BYTES });
        }
        let mut d = Decoder::new(bytes);
        if d.tag()? != Tag::new(cose::COSE_SIGN1) || d.array()? != Some(4) {
            return Err(EnvelopeError::Malformed("not a tagged COSE_Sign1".to_owned()));
        }
        let key = read_header::<C>(d.bytes()?).map_err(|_| EnvelopeError::ProtectedHeader)?;
        cbor::map(&mut d, 0)?;
        let (claims, canonical) = C::decode(d.bytes()?)?;
        let signature = Signature(cbor::bytes(&mut d)?);

        let to_be_signed = ToBeSigned::from_parts(header::<C>(key), canonical, &[]);
        if to_be_signed.sign(&signature) != bytes {
            return Err(EnvelopeError::NotCanonical);
        }
        Ok(Self { claims, key, signature, message: to_be_signed.message().to_vec() })
    }

    /// Checks that this key signed these claims.
    ///
    /// # Errors
    /// [`EnvelopeError::SignatureMismatch`].
    pub fn verify(&self, key: &PublicKey) -> Result<(), EnvelopeError> {
        key.verify(&self.message, &self.signature)
    }
}

/// `{1: -7, 4: key, 16: type}`.
fn header<C: Claims>(key: KeyId) -> Vec<u8> {
    let encode = || {
        let mut e = Encoder::new(Vec::with_capacity(64));
        e.map(3)?.u8(1)?.i8(cose::ES256)?.u8(4)?.bytes(&key.0)?.u8(TYPE_HEADER)?.str(C::TYPE)?;
        Ok::<_, minicbor::encode::Error<std::convert::Infallible>>(e.into_writer())
    };
    encode().expect("writing to memory does not fail")
}

fn read_header<C: Claims>(header: &[u8]) -> Result<KeyId, EnvelopeError> {
    let mut d = Decoder::new(header);
    cbor::map(&mut d, 3)?;
    cbor::key(&mut d, 1)?;
    if d.i8()? != cose::ES256 {
        return Err(EnvelopeError::ProtectedHeader);
    }
    cbor::key(&mut d, 4)?;
    let key = KeyId(cbor::bytes(&mut d)?);
    cbor::key(&mut d, TYPE_HEADER)?;
    if d.str()? == C::TYPE { Ok(key) } else { Err(EnvelopeError::ProtectedHeader) }
}

/// The claims with which both tokens begin.
pub(super) fn subject_and_time(d: &mut Decoder<'_>) -> Result<(String, i64), EnvelopeError> {
    cbor::key(d, super::SUBJECT)?;
    let subject = d.str()?;
    if subject.len() > super::MAX_SUBJECT_BYTES {
        return Err(EnvelopeError::TooLong("subject"));
    }
    cbor::key(d, super::ISSUED_AT)?;
    Ok((subject.to_owned(), d.i64()?))
}

/// A private claim's name.
pub(super) fn claim(d: &mut Decoder<'_>, name: i64) -> Result<(), EnvelopeError> {
    if d.i64()? == name { Ok(()) } else { Err(EnvelopeError::Malformed("another claim than expected".to_owned())) }
}
