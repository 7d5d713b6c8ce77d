//! Canonical bytes → SHA-256 → GENERAL AUTHENTICATE → verified with the card's key → COSE_Sign1. And what the terminal
//! signs on its own.
//!
//! Chooses no contents: the line does.

use card_schema::{
    card::Slot,
    envelope::{Kid, Payload, PublicKey, Signature, ToBeSigned, tap::Tap},
    ids::{KeyId, TapId},
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};

use super::TapError;
use crate::{card::link::Link, piv::PivCard};

/// A signed tap: its id and its envelope.
#[derive(Clone, Debug)]
pub struct Signed {
    /// SHA-256 of what was signed.
    pub id: TapId,
    /// The envelope.
    pub cose: Vec<u8>,
}

/// Has the card sign. The signature is checked with the key that the card's certificate vouches for, so that a copied
/// certificate fails here, without any network.
///
/// # Errors
/// [`TapError::Card`]; [`TapError::Copied`] when the signature is not by `key`.
pub fn by_card<L: Link>(piv: &mut PivCard<L>, slot: Slot, key: &PublicKey, tap: &Tap) -> Result<Signed, TapError> {
    let to_be_signed = ToBeSigned::new(tap, Kid::Card(slot));
    let digest = to_be_signed.digest();
    let der = piv.sign(slot, &digest)?;
    let signature = Signature::from_der(&der).map_err(|_| TapError::Copied)?;
    key.verify(to_be_signed.message(), &signature).map_err(|_| TapError::Copied)?;
    Ok(Signed { id: TapId(digest), cose: to_be_signed.sign(&signature) })
}

/// The terminal's own key.
pub struct TerminalKey {
    pair: EcdsaKeyPair,
    public: PublicKey,
    id: KeyId,
}

impl std::fmt::Debug for TerminalKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TerminalKey({})", self.id)
    }
}

impl TerminalKey {
    /// From PKCS #8.
    ///
    /// # Errors
    /// When it is no P-256 key pair.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, ring::error::KeyRejected> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new())?;
        let public = PublicKey::from_sec1(pair.public_key().as_ref()).expect("ring's public keys are uncompressed");
        Ok(Self { pair, id: public.key_id(), public })
    }

    /// Its public half.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The name under which signatures refer to this key.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Signs a message of the terminal's own: its digest (the message's identifier) and its envelope.
    ///
    /// # Errors
    /// [`TapError::Randomness`].
    pub fn seal<P: Payload>(&self, payload: &P) -> Result<([u8; 32], Vec<u8>), TapError> {
        let to_be_signed = ToBeSigned::new(payload, Kid::Key(self.id));
        let signature =
            self.pair.sign(&SystemRandom::new(), to_be_signed.message()).map_err(|_| TapError::Randomness)?;
        let raw = signature.as_ref().try_into().expect("a fixed-size signature has 64 bytes");
        Ok((to_be_signed.digest(), to_be_signed.sign(&Signature(raw))))
    }
}
