//! The key of printed papers, and the square codes that it signs. Not here: what stands on papers (`residence::paper`,
//! `gate::pass`), and how anybody reads a square code (`card_schema::paper`).

use card_schema::envelope::{Kid, Payload, PublicKey, Signature, ToBeSigned};

use super::{KeyError, KeyStore, Role};

/// Where whoever scans a square code is led.
pub const CHECKED_AT: &str = "/papers/check";

/// The key with which papers are signed.
///
/// # Errors
/// When the key store fails.
pub fn public_key(keys: &dyn KeyStore) -> Result<PublicKey, KeyError> {
    PublicKey::from_sec1(&keys.public(Role::Paper)?).map_err(|_| wrong_kind())
}

fn wrong_kind() -> KeyError {
    KeyError::WrongKind(Role::Paper, "sign")
}

/// The text of a square code that says this, checked at `public_url`.
///
/// # Errors
/// When the key store fails.
pub fn square_code<P: Payload>(keys: &dyn KeyStore, payload: &P, public_url: &str) -> Result<String, KeyError> {
    let to_be_signed = ToBeSigned::new(payload, Kid::Key(public_key(keys)?.key_id()));
    let signature = keys.sign(Role::Paper, to_be_signed.message())?;
    let signature = Signature(signature.try_into().map_err(|_| wrong_kind())?);
    Ok(card_schema::paper::text(&format!("{public_url}{CHECKED_AT}"), &to_be_signed.sign(&signature)))
}
