//! `COSE_Sign1` itself (RFC 9052 §4.2), for any payload.

use minicbor::{Decoder, Encoder, data::Tag, encode::Write};
use ring::digest;

use super::{EnvelopeError, PublicKey, Signature, cbor};
use crate::{card::Slot, ids::KeyId};

/// CBOR tag of `COSE_Sign1` (RFC 9052 §2).
pub(super) const COSE_SIGN1: u64 = 18;
/// COSE algorithm number of ES256 (RFC 9053 §2.1).
pub(super) const ES256: i8 = -7;

/// What a signature is for. It goes into the external authenticated data, so that none serves another use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// One tap, signed by a card or, for a terminal's own operations, by the terminal.
    Tap,
    /// Taps on their way to the service, signed by the terminal.
    Batch,
    /// The service's answer to a batch.
    Receipt,
    /// A printed paper, signed by the service.
    Paper,
    /// What validators know of the fares, signed by the service.
    Fares,
    /// What a gate knows of who may pass, signed by the service.
    Gate,
}

impl Purpose {
    /// The external authenticated data.
    pub const fn aad(self) -> &'static [u8] {
        match self {
            Self::Tap => b"nrc/tap/v1",
            Self::Batch => b"nrc/batch/v1",
            Self::Receipt => b"nrc/receipt/v1",
            Self::Paper => b"nrc/paper/v1",
            Self::Fares => b"nrc/fares/v1",
            Self::Gate => b"nrc/gate/v1",
        }
    }
}

/// The key that signed, as the protected header's `kid` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kid {
    /// A key of the card that the payload names: one byte, the PIV key reference.
    Card(Slot),
    /// A terminal's or the service's key: eight bytes.
    Key(KeyId),
}

impl Kid {
    /// `{1: -7, 4: kid}`.
    fn protected_header(self) -> Vec<u8> {
        let encode = |kid: &[u8]| {
            let mut e = Encoder::new(Vec::with_capacity(14));
            e.map(2)?.u8(1)?.i8(ES256)?.u8(4)?.bytes(kid)?;
            Ok::<_, minicbor::encode::Error<_>>(e.into_writer())
        };
        match self {
            Self::Card(slot) => encode(&[slot.key_reference()]),
            Self::Key(key_id) => encode(&key_id.0),
        }
        .expect("writing to memory does not fail")
    }

    fn from_protected_header(header: &[u8]) -> Result<Self, EnvelopeError> {
        let mut d = Decoder::new(header);
        let mut kid = || {
            cbor::map(&mut d, 2)?;
            cbor::key(&mut d, 1)?;
            if d.i8()? != ES256 {
                return Err(EnvelopeError::ProtectedHeader);
            }
            cbor::key(&mut d, 4)?;
            Ok(d.bytes()?)
        };
        let kid = kid().map_err(|_| EnvelopeError::ProtectedHeader)?;
        match *kid {
            [byte] => Slot::from_key_reference(byte).filter(|slot| Slot::SIGNING.contains(slot)).map(Self::Card),
            _ => kid.try_into().ok().map(|id| Self::Key(KeyId(id))),
        }
        .ok_or(EnvelopeError::ProtectedHeader)
    }
}

/// A message that travels in an envelope.
pub trait Payload: Sized {
    /// What a signature over it is for.
    const PURPOSE: Purpose;
    /// The size in bytes that no envelope of this kind exceeds.
    const MAX_BYTES: usize;

    /// Writes the payload as deterministic CBOR.
    fn encode<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>>;

    /// Reads what [`Payload::encode`] writes. May accept more: the envelope compares the bytes afterwards.
    fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError>;
}

/// A payload and the name of the key that is to sign it.
#[derive(Clone, Debug)]
pub struct ToBeSigned {
    protected: Vec<u8>,
    payload: Vec<u8>,
    message: Vec<u8>,
}

impl ToBeSigned {
    /// Fixes the bytes that are to be signed.
    pub fn new<P: Payload>(payload: &P, kid: Kid) -> Self {
        let mut e = Encoder::new(Vec::with_capacity(256));
        payload.encode(&mut e).expect("writing to memory does not fail");
        let (protected, payload) = (kid.protected_header(), e.into_writer());
        Self::from_parts(protected, payload, P::PURPOSE.aad())
    }

    /// For the messages whose header and external data are another's to fix: the status list and its changes.
    pub(super) fn from_parts(protected: Vec<u8>, payload: Vec<u8>, aad: &[u8]) -> Self {
        let message = sig_structure(aad, &protected, &payload);
        Self { protected, payload, message }
    }

    /// The `Sig_structure` (RFC 9052 §4.4): what is hashed and signed.
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// SHA-256 of [`Self::message`]: what a card is given to sign, and the message's identifier.
    pub fn digest(&self) -> [u8; 32] {
        sha256(&self.message)
    }

    /// Joins the signature to what it signs. Does not check it: see [`PublicKey::verify`].
    pub fn sign(&self, signature: &Signature) -> Vec<u8> {
        sign1(&self.protected, &self.payload, signature)
    }
}

/// A decoded message with its signature, which is not yet verified.
#[derive(Clone, Debug)]
pub struct Envelope<P> {
    /// The message.
    pub payload: P,
    /// The key that is said to have signed.
    pub kid: Kid,
    signature: Signature,
    message: Vec<u8>,
}

impl<P: Payload> Envelope<P> {
    /// Reads an envelope and refuses everything that [`ToBeSigned::sign`] would not have written.
    ///
    /// # Errors
    /// Every [`EnvelopeError`] but [`EnvelopeError::SignatureMismatch`].
    pub fn decode(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > P::MAX_BYTES {
            return Err(EnvelopeError::TooLarge { found: bytes.len(), limit: P::MAX_BYTES });
        }
        let mut d = Decoder::new(bytes);
        let not_sign1 = || EnvelopeError::Malformed("not a tagged COSE_Sign1".to_owned());
        if d.tag()? != Tag::new(COSE_SIGN1) || d.array()? != Some(4) {
            return Err(not_sign1());
        }
        let kid = Kid::from_protected_header(d.bytes()?)?;
        cbor::map(&mut d, 0)?;
        let payload_bytes = d.bytes()?;
        let signature = Signature(cbor::bytes(&mut d)?);
        let payload = P::decode(&mut Decoder::new(payload_bytes))?;

        let to_be_signed = ToBeSigned::new(&payload, kid);
        if to_be_signed.sign(&signature) != bytes {
            return Err(EnvelopeError::NotCanonical);
        }
        Ok(Self { payload, kid, signature, message: to_be_signed.message })
    }

    /// SHA-256 of the `Sig_structure`: the message's identifier, the same whatever the signature.
    pub fn digest(&self) -> [u8; 32] {
        sha256(&self.message)
    }

    /// Checks that this key signed this message for this purpose.
    ///
    /// # Errors
    /// [`EnvelopeError::SignatureMismatch`].
    pub fn verify(&self, key: &PublicKey) -> Result<(), EnvelopeError> {
        key.verify(&self.message, &self.signature)
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

fn sig_structure(aad: &[u8], protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut e = Encoder::new(Vec::with_capacity(payload.len() + 64));
    let written = e
        .array(4)
        .and_then(|e| e.str("Signature1"))
        .and_then(|e| e.bytes(protected))
        .and_then(|e| e.bytes(aad))
        .and_then(|e| e.bytes(payload));
    written.expect("writing to memory does not fail");
    e.into_writer()
}

fn sign1(protected: &[u8], payload: &[u8], signature: &Signature) -> Vec<u8> {
    let mut e = Encoder::new(Vec::with_capacity(payload.len() + 96));
    let written = e
        .tag(Tag::new(COSE_SIGN1))
        .and_then(|e| e.array(4))
        .and_then(|e| e.bytes(protected))
        .and_then(|e| e.map(0))
        .and_then(|e| e.bytes(payload))
        .and_then(|e| e.bytes(&signature.0));
    written.expect("writing to memory does not fail");
    e.into_writer()
}
