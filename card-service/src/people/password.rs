//! Passwords as Argon2id hashes. Hashing runs off the async threads, few at a time: each takes 19 MiB.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use ring::rand::SystemRandom;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::app::random_bytes;
use crate::http::Refusal;

/// The shortest password that is taken (NIST SP 800-63B-4 asks 15 where it is the only factor, 8 beside another; the
/// console's is the fall-back beside a staff card).
pub const MIN_CHARS: usize = 10;

/// How many hashes are computed at once; more wait.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// The hash that an unknown name is checked against, so that the answer takes as long as for a known one.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash("nobody's password").expect("Argon2's defaults are valid"));

/// The password could not be hashed.
#[derive(Debug, thiserror::Error)]
#[error("the password could not be hashed")]
pub struct HashError(#[source] argon2::password_hash::Error);

/// A password or code that nobody chose: 80 bits in four groups, without letters that look like digits.
pub fn invented(random: &SystemRandom) -> Result<Zeroizing<String>, Refusal> {
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let mut word = Zeroizing::new(String::with_capacity(19));
    for (at, byte) in random_bytes::<16>(random)?.iter().enumerate() {
        if at > 0 && at % 4 == 0 {
            word.push('-');
        }
        word.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Ok(word)
}

/// Hashes a new password, with Argon2id's recommended parameters (19 MiB, two passes) and a random salt.
pub fn hash(password: &str) -> Result<String, HashError> {
    Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(HashError)
}

/// The same off the async threads.
pub async fn hashed(password: Zeroizing<String>) -> Result<String, Refusal> {
    let _permit = AT_ONCE.acquire().await.expect("the semaphore is never closed");
    let hashed = tokio::task::spawn_blocking(move || hash(&password)).await;
    hashed.map_err(Refusal::internal)?.map_err(Refusal::internal)
}

/// Whether the password is the one that was hashed. Without a hash it takes as long and is wrong.
pub async fn verify(password: Zeroizing<String>, hash: Option<String>) -> bool {
    let _permit = AT_ONCE.acquire().await.expect("the semaphore is never closed");
    let checked = tokio::task::spawn_blocking(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.clone());
        let right = PasswordHash::new(&hash)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
        known && right
    });
    checked.await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_person_is_right() {
        let hash = hash("a long enough one").unwrap();
        let word = |text: &str| Zeroizing::new(text.to_owned());
        assert!(verify(word("a long enough one"), Some(hash.clone())).await);
        assert!(!verify(word("another long one"), Some(hash)).await);
        assert!(!verify(word("nobody's password"), None).await);
    }
}
