//! The key of printed papers, and the square codes that it signs. Not here: what stands on papers (`residence::paper`,
//! `gate::pass`), and how anybody reads a square code (`card_schema::paper`).

use card_schema::envelope::{Payload, PublicKey};

use super::{KeyError, KeyStore, Role, envelope};

/// Where whoever scans a square code is led.
pub const CHECKED_AT: &str = "/papers/check";

/// The key with which papers are signed.
///
/// # Errors
/// When the key store fails.
pub fn public_key(keys: &dyn KeyStore) -> Result<PublicKey, KeyError> {
    envelope::public_key(keys, Role::Paper)
}

/// The text of a square code that says this, checked at `public_url`.
///
/// # Errors
/// When the key store fails.
pub fn square_code<P: Payload>(keys: &dyn KeyStore, payload: &P, public_url: &str) -> Result<String, KeyError> {
    let cose = envelope::signed(keys, Role::Paper, payload)?;
    Ok(card_schema::paper::text(&format!("{public_url}{CHECKED_AT}"), &cose))
}
