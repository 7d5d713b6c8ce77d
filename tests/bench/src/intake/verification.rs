//! The yardstick: bare verification of P-256 signatures, with nothing around it, on all cores.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey},
};

use crate::usage;

/// How long it verifies.
const DURATION: Duration = Duration::from_secs(1);
/// A tap's `Sig_structure` has about this many bytes.
const MESSAGE_BYTES: usize = 220;
/// Different keys and messages, so that nothing is warm that is not warm in the service.
const SIGNATURES: usize = 512;

struct Signed {
    key: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
}

/// Verifications a second of processor time.
pub(super) fn per_cpu_second() -> Result<f64> {
    let signed = (0..SIGNATURES).map(sign).collect::<Result<Vec<_>>>()?;
    let cores = thread::available_parallelism()?.get();
    let before = usage::own_cpu_seconds()?;
    let verified: Result<Vec<usize>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(|| verify(&signed))).collect();
        threads.into_iter().map(|thread| thread.join().expect("verifying does not panic")).collect()
    });
    let used = usage::own_cpu_seconds()? - before;
    Ok(super::count(verified?.into_iter().sum()) / used)
}

fn sign(number: usize) -> Result<Signed> {
    let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
    let failed = |_| anyhow!("a key pair cannot be made");
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(failed)?;
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random)
        .map_err(|rejected| anyhow!("a key pair cannot be read: {rejected}"))?;
    let message: Vec<u8> = number.to_be_bytes().into_iter().cycle().take(MESSAGE_BYTES).collect();
    let signature = pair.sign(&random, &message).map_err(failed)?.as_ref().to_vec();
    Ok(Signed { key: pair.public_key().as_ref().to_vec(), message, signature })
}

fn verify(signed: &[Signed]) -> Result<usize> {
    let began = Instant::now();
    let mut verified = 0;
    while began.elapsed() < DURATION {
        for Signed { key, message, signature } in signed {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key)
                .verify(message, signature)
                .map_err(|_| anyhow!("a good signature is refused"))?;
        }
        verified += signed.len();
    }
    Ok(verified)
}
