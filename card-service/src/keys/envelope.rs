//! What the service signs for terminals and on papers: COSE, by the key of a role. Not here: receipts, whose signatures are made
//! many at a time (`intake`).

use card_schema::envelope::{Kid, Payload, PublicKey, Signature, ToBeSigned};

use super::{KeyError, KeyStore, Role};

/// The public half of a role's key.
///
/// # Errors
/// When the key store fails, or the role does not sign.
pub fn public_key(keys: &dyn KeyStore, role: Role) -> Result<PublicKey, KeyError> {
    PublicKey::from_sec1(&keys.public(role)?).map_err(|_| KeyError::Crypto(role, "give an uncompressed point"))
}

/// An envelope of what is said, signed by a role's key.
///
/// # Errors
/// As [`public_key`].
pub fn signed<P: Payload>(keys: &dyn KeyStore, role: Role, payload: &P) -> Result<Vec<u8>, KeyError> {
    let to_be_signed = ToBeSigned::new(payload, Kid::Key(public_key(keys, role)?.key_id()));
    let signature = keys.sign(role, to_be_signed.message())?;
    let signature = signature.try_into().map_err(|_| KeyError::Crypto(role, "make 64 bytes"))?;
    Ok(to_be_signed.sign(&Signature(signature)))
}
