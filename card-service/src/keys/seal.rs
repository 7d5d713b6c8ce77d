//! AES-256-GCM for data at rest: nonce ‖ ciphertext ‖ tag, bound to where it lies.
//!
//! Holds no keys and no storage. The associated data is the caller's: for a column it names table,
//! row and column, so a sealed value moved elsewhere does not open.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::{KeyError, KeyStore, Role};

/// A sealed value did not open: wrong key, wrong place, or altered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open: wrong key, wrong place, or altered")]
pub struct Unsealable;

fn cipher(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("AES-256 takes 32 bytes"))
}

/// Seals `plain` under `key` with a nonce that was never used with this key (random is fine: a
/// person's key seals a handful of values).
pub fn seal(key: &[u8; 32], nonce: [u8; NONCE_LEN], associated: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut sealed = plain.to_vec();
    cipher(key)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(associated), &mut sealed)
        .expect("values are far below the 64 GiB that GCM takes");
    let mut out = nonce.to_vec();
    out.append(&mut sealed);
    out
}

/// A key that seals: a person's own, or one that is derived.
pub(crate) type SealingKey = Zeroizing<[u8; 32]>;

/// A key of its own for one use and one thing, derived from the data key.
pub(crate) fn derived(keys: &dyn KeyStore, purpose: &[u8], thing: &[u8]) -> Result<SealingKey, KeyError> {
    let derived = keys.derive(Role::DataKek, &[purpose, thing].concat(), 32)?;
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(&derived);
    Ok(key)
}

/// What binds a sealed value to where it lies.
pub(crate) fn place(row: &[u8], table: &str, column: &str) -> Vec<u8> {
    [table.as_bytes(), &[0], row, &[0], column.as_bytes()].concat()
}

/// Opens what [`seal`] made with the same key and associated data.
pub fn open(key: &[u8; 32], associated: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(Unsealable)?;
    let mut buffer = Zeroizing::new(body.to_vec());
    let length = cipher(key)
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(associated), &mut buffer)
        .map_err(|_| Unsealable)?
        .len();
    buffer.truncate(length);
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_only_where_it_was_sealed_and_only_unaltered() {
        let key = [7; 32];
        let sealed = seal(&key, [1; 12], b"person|1|name", "测试甲".as_bytes());
        assert_eq!(*open(&key, b"person|1|name", &sealed).unwrap(), "测试甲".as_bytes());
        assert_eq!(open(&key, b"person|2|name", &sealed), Err(Unsealable));
        assert_eq!(open(&[8; 32], b"person|1|name", &sealed), Err(Unsealable));
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert_eq!(open(&key, b"person|1|name", &altered), Err(Unsealable), "byte {at}");
        }
        assert_eq!(open(&key, b"person|1|name", &sealed[..11]), Err(Unsealable));
    }
}
