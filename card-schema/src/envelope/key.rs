//! P-256 public keys and signatures in the forms that cards, COSE and X.509 use. Makes no signatures.

use std::fmt;

use ring::{digest, signature};

use super::EnvelopeError;
use crate::ids::KeyId;

/// `SubjectPublicKeyInfo` of a P-256 key up to its point (RFC 5480 §2).
const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE,
    0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A P-256 public key: an uncompressed point (SEC 1 §2.3.3), `04 ‖ x ‖ y`. Whether it lies on the curve is found out
/// by the first verification.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 65]);

impl PublicKey {
    /// From the 65 bytes of an uncompressed point.
    ///
    /// # Errors
    /// [`EnvelopeError::PublicKey`] for another length or a compressed point.
    pub fn from_sec1(point: &[u8]) -> Result<Self, EnvelopeError> {
        let point: [u8; 65] = point.try_into().map_err(|_| EnvelopeError::PublicKey)?;
        if point[0] == 0x04 { Ok(Self(point)) } else { Err(EnvelopeError::PublicKey) }
    }

    /// From a `SubjectPublicKeyInfo` in DER.
    ///
    /// # Errors
    /// [`EnvelopeError::PublicKey`] for any other algorithm, curve or form of point.
    pub fn from_spki(der: &[u8]) -> Result<Self, EnvelopeError> {
        der.strip_prefix(&SPKI_PREFIX).ok_or(EnvelopeError::PublicKey).and_then(Self::from_sec1)
    }

    /// The uncompressed point.
    pub const fn as_sec1(&self) -> &[u8; 65] {
        &self.0
    }

    /// `SubjectPublicKeyInfo` in DER.
    pub fn to_spki(&self) -> [u8; 91] {
        let mut spki = [0; 91];
        spki[..SPKI_PREFIX.len()].copy_from_slice(&SPKI_PREFIX);
        spki[SPKI_PREFIX.len()..].copy_from_slice(&self.0);
        spki
    }

    /// The name under which signatures refer to this key.
    pub fn key_id(&self) -> KeyId {
        let hash = digest::digest(&digest::SHA256, &self.to_spki());
        let mut id = [0; 8];
        id.copy_from_slice(&hash.as_ref()[..8]);
        KeyId(id)
    }

    /// Checks an ES256 signature over `message`.
    ///
    /// # Errors
    /// [`EnvelopeError::SignatureMismatch`].
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), EnvelopeError> {
        signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, &self.0)
            .verify(message, &signature.0)
            .map_err(|_| EnvelopeError::SignatureMismatch)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.key_id())
    }
}

/// An ES256 signature as COSE has it: `r ‖ s`, 32 bytes each, big-endian (RFC 9053 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl Signature {
    /// From the DER that a card answers: `SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279 §2.2.3).
    ///
    /// # Errors
    /// [`EnvelopeError::SignatureEncoding`] for anything but DER, for numbers that are negative, zero or longer than
    /// 256 bits, and for bytes that follow.
    pub fn from_der(der: &[u8]) -> Result<Self, EnvelopeError> {
        let (content, rest) = element(der, 0x30)?;
        let (r, content) = element(content, 0x02)?;
        let (s, content) = element(content, 0x02)?;
        if !rest.is_empty() || !content.is_empty() {
            return Err(EnvelopeError::SignatureEncoding);
        }
        let mut raw = [0; 64];
        unsigned(r, &mut raw[..32])?;
        unsigned(s, &mut raw[32..])?;
        Ok(Self(raw))
    }
}

/// One DER element of the given tag with a short-form length, and what follows it.
fn element(der: &[u8], tag: u8) -> Result<(&[u8], &[u8]), EnvelopeError> {
    match der {
        [t, length @ 0..=0x7F, rest @ ..] if *t == tag && rest.len() >= usize::from(*length) => {
            Ok(rest.split_at(usize::from(*length)))
        }
        _ => Err(EnvelopeError::SignatureEncoding),
    }
}

/// A positive DER integer, right-aligned into `out`.
fn unsigned(integer: &[u8], out: &mut [u8]) -> Result<(), EnvelopeError> {
    let digits = match integer {
        [0, high, ..] if *high >= 0x80 => &integer[1..],
        [1..=0x7F, ..] => integer,
        _ => return Err(EnvelopeError::SignatureEncoding),
    };
    let start = out.len().checked_sub(digits.len()).ok_or(EnvelopeError::SignatureEncoding)?;
    out[start..].copy_from_slice(digits);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ring::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
    };

    use super::*;

    #[test]
    fn what_a_card_answers_in_der_verifies_as_cose_has_it() {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let key = PublicKey::from_sec1(pair.public_key().as_ref()).unwrap();
        // Enough signatures to meet numbers with and without a leading zero byte.
        for message in 0..64_u8 {
            let der = pair.sign(&random, &[message]).unwrap();
            let signature = Signature::from_der(der.as_ref()).unwrap();
            key.verify(&[message], &signature).unwrap();
            assert_eq!(key.verify(&[message ^ 1], &signature), Err(EnvelopeError::SignatureMismatch));
        }
        assert_eq!(PublicKey::from_spki(&key.to_spki()), Ok(key));
    }

    #[test]
    fn signatures_that_no_card_should_answer_are_refused() {
        let table: &[(&str, &[u8])] = &[
            ("empty", &[]),
            ("zero r", &[0x30, 6, 2, 1, 0, 2, 1, 1]),
            ("zero s", &[0x30, 6, 2, 1, 1, 2, 1, 0]),
            ("negative r", &[0x30, 6, 2, 1, 0x80, 2, 1, 1]),
            ("superfluous zero", &[0x30, 7, 2, 2, 0, 1, 2, 1, 1]),
            ("empty integer", &[0x30, 5, 2, 0, 2, 1, 1]),
            ("length beyond the end", &[0x30, 0x46, 2, 1, 1, 2, 1, 1]),
            ("long form of a short length", &[0x30, 0x81, 6, 2, 1, 1, 2, 1, 1]),
            ("bytes after the sequence", &[0x30, 6, 2, 1, 1, 2, 1, 1, 0]),
            ("bytes in the sequence", &[0x30, 7, 2, 1, 1, 2, 1, 1, 0]),
        ];
        for (case, der) in table {
            assert_eq!(Signature::from_der(der), Err(EnvelopeError::SignatureEncoding), "{case}");
        }
        let mut long = vec![0x30, 38, 2, 33, 1];
        long.extend([0; 32]);
        long.extend([2, 1, 1]);
        assert_eq!(Signature::from_der(&long), Err(EnvelopeError::SignatureEncoding), "r of 257 bits");
    }

    #[test]
    fn zero_and_out_of_range_numbers_never_verify() {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let key = PublicKey::from_sec1(pair.public_key().as_ref()).unwrap();
        let (mut r_zero, mut s_zero) = ([0; 64], [0; 64]);
        (r_zero[63], s_zero[31]) = (1, 1);
        for raw in [[0; 64], r_zero, s_zero, [0xFF; 64]] {
            assert_eq!(key.verify(b"x", &Signature(raw)), Err(EnvelopeError::SignatureMismatch));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_signature_reader_panic(der: Vec<u8>) {
            let _ = Signature::from_der(&der);
        }
    }
}
