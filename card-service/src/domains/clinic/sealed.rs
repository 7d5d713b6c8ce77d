//! What is sealed in a bill: what somebody was treated for, and with what. Under a key of the bill's own, so that whoever opens one opens
//! no other.

use std::fmt;

use card_schema::coverage::Eligibility;
use card_schema::ids::ClaimId;
use card_schema::wire::clinic::BilledLine;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::keys::seal::{self, derived, place};
use crate::keys::{KeyError, KeyStore};

/// What a bill says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// What the holder was treated for.
    pub diagnosis: String,
    /// Whether another clinic had sent the holder there.
    pub referred: bool,
    /// Whether the holder was covered.
    pub standing: Eligibility,
    /// What was given and done, and who pays what of it.
    pub lines: Vec<BilledLine>,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} lines)", self.lines.len())
    }
}

const PURPOSE: &[u8] = b"nrc/claim/v1";

fn where_it_lies(claim: ClaimId) -> Vec<u8> {
    place(claim.as_bytes(), "claim", "sealed")
}

impl Content {
    /// As it is stored. The nonce is random.
    ///
    /// # Errors
    /// When the key store fails.
    pub fn seal(&self, keys: &dyn KeyStore, claim: ClaimId, nonce: [u8; 12]) -> Result<Vec<u8>, KeyError> {
        let plain = serde_json::to_vec(self).map_err(|_| KeyError::Malformed("a bill that is no JSON"))?;
        let plain = Zeroizing::new(plain);
        Ok(seal::seal(&*derived(keys, PURPOSE, claim.as_bytes())?, nonce, &where_it_lies(claim), &plain))
    }

    /// From its stored form.
    ///
    /// # Errors
    /// When the key store fails, or it was sealed elsewhere or altered.
    pub fn open(keys: &dyn KeyStore, claim: ClaimId, sealed: &[u8]) -> Result<Self, KeyError> {
        let key = derived(keys, PURPOSE, claim.as_bytes())?;
        let plain = seal::open(&key, &where_it_lies(claim), sealed).map_err(|_| KeyError::WrongKey)?;
        serde_json::from_slice(&plain).map_err(|_| KeyError::Malformed("a bill that is no JSON"))
    }
}
