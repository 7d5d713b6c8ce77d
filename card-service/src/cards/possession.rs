//! Proof that a card has a key: it signs a challenge that can serve nothing else. Pure.

use card_schema::envelope::{PublicKey, Signature};

/// What a challenge is prefixed with before a card signs it.
const POSSESSION: &[u8] = b"nrc/possession/v1";

/// Whether a DER signature of a challenge verifies with a key that is on record.
pub fn is_proven(key: Option<&PublicKey>, challenge: &[u8; 16], der: &[u8]) -> bool {
    let message = [POSSESSION, challenge].concat();
    key.is_some_and(|key| Signature::from_der(der).is_ok_and(|signature| key.verify(&message, &signature).is_ok()))
}
