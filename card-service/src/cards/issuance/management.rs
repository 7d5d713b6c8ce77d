//! The management key: mutual authentication computed here, so that the key never leaves the service to authenticate.
//!
//! SP 800-73-5 part 2, appendix A.2: the card sends an encrypted witness; we answer with the witness decrypted and a
//! challenge; the card answers with the challenge encrypted. Derives each card's management key and PUK as well.

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, BlockSizeUser, KeyInit};
use card_schema::ids::CardId;
use card_schema::wire::issuance::ManagementAlgorithm;
use zeroize::Zeroizing;

use crate::keys::{KeyError, KeyStore, Role};

/// The factory's management key (Yubico, Nitrokey): 01…08 three times. Cards with AES-192 keep the same bytes.
const FACTORY_KEY: [u8; 24] = [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8];
/// The factory's PUK.
pub const FACTORY_PUK: &[u8; 8] = b"12345678";

/// The card's own management key, AES-256.
pub fn management_key(keys: &dyn KeyStore, card: CardId) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    keys.derive(Role::Derivation, &info(b"nrc/card/management/v1", card), 32)
}

/// The card's own PUK: eight digits, because people may have to type it. Each generation is another; a card begins with
/// generation 0, and the PUK that was used is followed by the next.
pub fn puk(keys: &dyn KeyStore, card: CardId, generation: u32) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let info = [&info(b"nrc/card/puk/v1", card)[..], &generation.to_be_bytes()].concat();
    let random = keys.derive(Role::Derivation, &info, 64)?;
    // Bytes of 250 and more would favour the digits 0 to 5.
    let mut digits: Zeroizing<Vec<u8>> =
        Zeroizing::new(random.iter().filter(|byte| **byte < 250).map(|byte| b'0' + byte % 10).take(8).collect());
    digits.resize(8, b'7');
    Ok(digits)
}

fn info(purpose: &[u8], card: CardId) -> Vec<u8> {
    [purpose, card.as_bytes()].concat()
}

/// A management key with its cipher.
pub struct ManagementKey {
    algorithm: ManagementAlgorithm,
    key: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for ManagementKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ManagementKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl ManagementKey {
    /// The factory's key in the algorithm that the card says, or in Triple-DES.
    pub fn factory(algorithm: Option<ManagementAlgorithm>) -> Self {
        let algorithm = match algorithm {
            Some(ManagementAlgorithm::Aes192) => ManagementAlgorithm::Aes192,
            _ => ManagementAlgorithm::TripleDes,
        };
        Self { algorithm, key: Zeroizing::new(FACTORY_KEY.to_vec()) }
    }

    /// The key derived for a card.
    pub fn of_card(keys: &dyn KeyStore, card: CardId) -> Result<Self, KeyError> {
        Ok(Self { algorithm: ManagementAlgorithm::Aes256, key: management_key(keys, card)? })
    }

    /// A key as a card has it.
    #[cfg(test)]
    pub(super) fn new(algorithm: ManagementAlgorithm, key: &[u8]) -> Self {
        Self { algorithm, key: Zeroizing::new(key.to_vec()) }
    }

    /// What a card answers to a challenge.
    #[cfg(test)]
    pub(super) fn encrypt(&self, block: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.one_block(block, true)
    }

    /// Its algorithm.
    pub const fn algorithm(&self) -> ManagementAlgorithm {
        self.algorithm
    }

    /// The cipher's block size in bytes, which is the size of witness and challenge.
    pub fn block_bytes(&self) -> usize {
        match self.algorithm {
            ManagementAlgorithm::TripleDes => des::TdesEde3::block_size(),
            _ => aes::Aes256::block_size(),
        }
    }

    /// The witness in clear; none where it is not one block.
    pub fn decrypt(&self, block: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.one_block(block, false)
    }

    /// Whether `response` is `challenge` encrypted.
    pub fn accepts(&self, challenge: &[u8], response: &[u8]) -> bool {
        self.one_block(challenge, true).is_some_and(|expected| {
            // Either of them is used once; a comparison's time tells nothing about the key.
            expected.as_slice() == response
        })
    }

    fn one_block(&self, block: &[u8], encrypt: bool) -> Option<Zeroizing<Vec<u8>>> {
        fn run<C>(key: &[u8], block: &[u8], encrypt: bool) -> Option<Zeroizing<Vec<u8>>>
        where
            C: KeyInit + BlockCipherEncrypt + BlockCipherDecrypt,
        {
            let cipher = C::new_from_slice(key).ok()?;
            let mut data = aes::cipher::Block::<C>::try_from(block).ok()?;
            if encrypt {
                cipher.encrypt_block(&mut data);
            } else {
                cipher.decrypt_block(&mut data);
            }
            Some(Zeroizing::new(data.to_vec()))
        }
        match self.algorithm {
            ManagementAlgorithm::TripleDes => run::<des::TdesEde3>(&self.key, block, encrypt),
            ManagementAlgorithm::Aes128 => run::<aes::Aes128>(&self.key, block, encrypt),
            ManagementAlgorithm::Aes192 => run::<aes::Aes192>(&self.key, block, encrypt),
            ManagementAlgorithm::Aes256 => run::<aes::Aes256>(&self.key, block, encrypt),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::file::{FileStore, Opener};

    #[test]
    fn every_card_has_a_management_key_and_a_puk_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let keys = FileStore::create(folder.path(), &Opener::choose(folder.path(), None, None)).unwrap();
        let cards = [1_u128, 2].map(|number| CardId(uuid::Uuid::from_u128(number)));
        assert_ne!(management_key(&keys, cards[0]).unwrap(), management_key(&keys, cards[1]).unwrap());
        let puks =
            [(0, 0), (1, 0), (0, 1), (0, 2)].map(|(card, generation)| puk(&keys, cards[card], generation).unwrap());
        assert_eq!(puks.iter().map(|puk| puk.as_slice()).collect::<std::collections::BTreeSet<_>>().len(), puks.len());
        for puk in puks {
            assert!(puk.len() == 8 && puk.iter().all(u8::is_ascii_digit));
            assert_ne!(puk.as_slice(), FACTORY_PUK);
        }
    }

    #[test]
    fn only_the_right_key_passes_and_odd_blocks_are_refused() {
        for algorithm in [None, Some(ManagementAlgorithm::Aes192)] {
            let key = ManagementKey::factory(algorithm);
            let challenge = vec![0x5a; key.block_bytes()];
            let response = key.one_block(&challenge, true).unwrap();
            assert!(key.accepts(&challenge, &response));
            assert_eq!(key.decrypt(&response).unwrap().as_slice(), challenge);
            assert!(!key.accepts(&challenge, &challenge), "the challenge itself is no proof (CVE-2025-25201)");
            assert!(!key.accepts(&challenge, &[]));
            assert!(key.decrypt(&response[1..]).is_none());
        }
    }
}
