//! The management key (9B) and the cipher side of its mutual authentication. Pure; talks to no card.
//!
//! On the line of issuance the service holds the key and computes the same; here it serves blank cards, whose key is
//! the factory's, and diagnosis.

use aes::{Aes128, Aes192, Aes256};
use card_schema::wire::issuance::ManagementAlgorithm;
use des::{
    TdesEde3,
    cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit},
};
use zeroize::Zeroizing;

/// The algorithm identifier on the wire (SP 800-78-5, 6.2 and table 9).
pub fn reference(algorithm: ManagementAlgorithm) -> u8 {
    match algorithm {
        ManagementAlgorithm::TripleDes => 0x03,
        ManagementAlgorithm::Aes128 => 0x08,
        ManagementAlgorithm::Aes192 => 0x0A,
        ManagementAlgorithm::Aes256 => 0x0C,
    }
}

/// The cipher's block size in bytes: that of witness, challenge and response.
pub fn block_bytes(algorithm: ManagementAlgorithm) -> usize {
    if algorithm == ManagementAlgorithm::TripleDes { 8 } else { 16 }
}

/// The key's size in bytes.
pub fn key_bytes(algorithm: ManagementAlgorithm) -> usize {
    match algorithm {
        ManagementAlgorithm::TripleDes | ManagementAlgorithm::Aes192 => 24,
        ManagementAlgorithm::Aes128 => 16,
        ManagementAlgorithm::Aes256 => 32,
    }
}

/// A key of another size than its algorithm has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a management key of this algorithm has {expected} bytes, not {length}")]
pub struct KeyLengthError {
    expected: usize,
    length: usize,
}

/// A management key and its algorithm.
#[expect(missing_debug_implementations, reason = "a key is never shown")]
pub struct ManagementKey {
    algorithm: ManagementAlgorithm,
    bytes: Zeroizing<Vec<u8>>,
}

impl ManagementKey {
    /// A key for an algorithm.
    ///
    /// # Errors
    /// [`KeyLengthError`] when the sizes do not match.
    pub fn new(algorithm: ManagementAlgorithm, bytes: &[u8]) -> Result<Self, KeyLengthError> {
        let expected = key_bytes(algorithm);
        if bytes.len() != expected {
            return Err(KeyLengthError { expected, length: bytes.len() });
        }
        Ok(Self { algorithm, bytes: Zeroizing::new(bytes.to_vec()) })
    }

    /// The key of every blank card: 01 02 … 08 three times. Newer cards use the same bytes as an AES-192 key.
    pub fn factory(algorithm: ManagementAlgorithm) -> Option<Self> {
        const BYTES: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
        Self::new(algorithm, &BYTES.repeat(3)).ok()
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> ManagementAlgorithm {
        self.algorithm
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Decrypts the card's witness.
    ///
    /// # Errors
    /// Answers `None` when the block is not of the cipher's size.
    pub fn decrypt(&self, block: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        match self.algorithm {
            ManagementAlgorithm::TripleDes => decrypt::<TdesEde3>(&self.bytes, block),
            ManagementAlgorithm::Aes128 => decrypt::<Aes128>(&self.bytes, block),
            ManagementAlgorithm::Aes192 => decrypt::<Aes192>(&self.bytes, block),
            ManagementAlgorithm::Aes256 => decrypt::<Aes256>(&self.bytes, block),
        }
    }

    /// Encrypts a challenge, to compare with the card's response.
    pub fn encrypt(&self, block: &[u8]) -> Option<Vec<u8>> {
        match self.algorithm {
            ManagementAlgorithm::TripleDes => encrypt::<TdesEde3>(&self.bytes, block),
            ManagementAlgorithm::Aes128 => encrypt::<Aes128>(&self.bytes, block),
            ManagementAlgorithm::Aes192 => encrypt::<Aes192>(&self.bytes, block),
            ManagementAlgorithm::Aes256 => encrypt::<Aes256>(&self.bytes, block),
        }
    }
}

fn decrypt<C: KeyInit + BlockCipherDecrypt>(key: &[u8], block: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut block = Block::<C>::try_from(block).ok()?;
    C::new_from_slice(key).expect("the key's size was checked").decrypt_block(&mut block);
    Some(Zeroizing::new(block.to_vec()))
}

fn encrypt<C: KeyInit + BlockCipherEncrypt>(key: &[u8], block: &[u8]) -> Option<Vec<u8>> {
    let mut block = Block::<C>::try_from(block).ok()?;
    C::new_from_slice(key).expect("the key's size was checked").encrypt_block(&mut block);
    Some(block.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::trace::from_hex;

    #[test]
    fn ciphers_agree_with_published_vectors() {
        // FIPS 197 appendix C (AES); SP 800-67 appendix B (Triple-DES, first block).
        let table = [
            (ManagementAlgorithm::Aes128, "000102030405060708090A0B0C0D0E0F", "69C4E0D86A7B0430D8CDB78070B4C55A"),
            (
                ManagementAlgorithm::Aes192,
                "000102030405060708090A0B0C0D0E0F1011121314151617",
                "DDA97CA4864CDFE06EAF70A0EC0D7191",
            ),
            (
                ManagementAlgorithm::Aes256,
                "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
                "8EA2B7CA516745BFEAFC49904B496089",
            ),
            (ManagementAlgorithm::TripleDes, "0123456789ABCDEF23456789ABCDEF01456789ABCDEF0123", "A826FD8CE53B855F"),
        ];
        for (algorithm, key, cipher) in table {
            let plain = match algorithm {
                ManagementAlgorithm::TripleDes => "5468652071756663",
                _ => "00112233445566778899AABBCCDDEEFF",
            };
            let (key, plain, cipher) = (from_hex(key).unwrap(), from_hex(plain).unwrap(), from_hex(cipher).unwrap());
            let key = ManagementKey::new(algorithm, &key).unwrap();
            assert_eq!(key.encrypt(&plain), Some(cipher.clone()), "{algorithm:?}");
            assert_eq!(key.decrypt(&cipher).map(|block| block.to_vec()), Some(plain), "{algorithm:?}");
            assert_eq!(key.decrypt(&cipher[1..]).map(|block| block.to_vec()), None, "half a block");
        }
    }

    #[test]
    fn a_key_of_the_wrong_size_is_refused() {
        assert!(ManagementKey::new(ManagementAlgorithm::Aes256, &[0; 24]).is_err());
        assert!(ManagementKey::factory(ManagementAlgorithm::TripleDes).is_some());
        assert!(ManagementKey::factory(ManagementAlgorithm::Aes256).is_none(), "no card leaves a factory with one");
    }
}
