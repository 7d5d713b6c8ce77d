//! Key material in memory and what ring does with it.
//!
//! Knows nothing of files. The private halves live in ring's own types, which offer no way out.

use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use zeroize::Zeroizing;

use super::{KeyError, Kind, Role};

/// The most HKDF-SHA-256 gives: 255 blocks (RFC 5869 §2.3).
const DERIVE_MAX_BYTES: usize = 255 * 32;

/// One role's key, ready to use.
pub(super) enum Material {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Secret(Prk),
}

/// Makes new key material in the form that is stored: PKCS#8 for key pairs, 32 bytes for secrets.
pub(super) fn generate(role: Role, random: &SystemRandom) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let failed = |_| KeyError::Crypto(role, "be made");
    Ok(Zeroizing::new(match role.kind() {
        Kind::P256 => {
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, random).map_err(failed)?.as_ref().to_vec()
        }
        Kind::Ed25519 => Ed25519KeyPair::generate_pkcs8(random).map_err(failed)?.as_ref().to_vec(),
        Kind::Secret => {
            let mut secret = vec![0; 32];
            ring::rand::SecureRandom::fill(random, &mut secret).map_err(failed)?;
            secret
        }
    }))
}

impl Material {
    /// Reads stored material back.
    pub(super) fn load(role: Role, stored: &[u8], random: &SystemRandom) -> Result<Self, KeyError> {
        let rejected = |_| KeyError::Malformed("a key pair does not parse");
        Ok(match role.kind() {
            Kind::P256 => Self::P256(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, stored, random).map_err(rejected)?,
            ),
            Kind::Ed25519 => Self::Ed25519(Ed25519KeyPair::from_pkcs8(stored).map_err(rejected)?),
            Kind::Secret if stored.len() == 32 => Self::Secret(Salt::new(HKDF_SHA256, b"nrc/keys/v1").extract(stored)),
            Kind::Secret => return Err(KeyError::Malformed("a secret is not 32 bytes long")),
        })
    }

    pub(super) fn sign(&self, role: Role, message: &[u8], random: &SystemRandom) -> Result<Vec<u8>, KeyError> {
        match self {
            Self::P256(pair) => pair
                .sign(random, message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| KeyError::Crypto(role, "sign")),
            Self::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Self::Secret(_) => Err(KeyError::WrongKind(role, "sign")),
        }
    }

    pub(super) fn public(&self, role: Role) -> Result<Vec<u8>, KeyError> {
        match self {
            Self::P256(pair) => Ok(pair.public_key().as_ref().to_vec()),
            Self::Ed25519(pair) => Ok(pair.public_key().as_ref().to_vec()),
            Self::Secret(_) => Err(KeyError::WrongKind(role, "have a public half")),
        }
    }

    pub(super) fn derive(&self, role: Role, info: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let Self::Secret(secret) = self else {
            return Err(KeyError::WrongKind(role, "derive"));
        };
        if len > DERIVE_MAX_BYTES {
            return Err(KeyError::WrongKind(role, "derive that many bytes"));
        }
        let mut out = Zeroizing::new(vec![0; len]);
        secret
            .expand(&[info], Length(len))
            .and_then(|okm| okm.fill(&mut out))
            .map_err(|_| KeyError::Crypto(role, "derive"))?;
        Ok(out)
    }
}

/// ring asks for the output length as a type.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
