//! The service's keys behind one trait: what a key may be asked to do, by role.
//!
//! Holds the trait, the roles and their errors. Holds no key material (see `file`) and no
//! certificates (see `pki`). A store never hands out a private key: it signs, derives, or says
//! what the public half is, so a hardware module can stand behind the same trait.

pub mod der;
pub mod envelope;
pub mod file;
mod material;
pub mod paper;
pub mod pki;
pub mod seal;
pub mod tls;

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What a key is for. Each role has its own key; none serves two purposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Signs the card CA, the terminal CA and the service's TLS certificate. P-256.
    Root,
    /// Signs the three certificates on each card and its security object. P-256.
    CardCa,
    /// Signs terminal client certificates. P-256.
    TerminalCa,
    /// The service's TLS server key. P-256.
    Tls,
    /// Signs receipts for batches of taps. P-256.
    Receipt,
    /// Signs the card status list. P-256.
    StatusList,
    /// Signs checkpoints of the transparency log. Ed25519.
    Log,
    /// Signs the square codes of printed papers. P-256.
    Paper,
    /// Secret from which each card's management key and PUK are derived.
    Derivation,
    /// Secret from which the keys that wrap the persons' keys are derived.
    DataKek,
    /// Secret behind the blind index of document numbers.
    BlindIndex,
}

/// What a role's key is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ECDSA on P-256 with SHA-256.
    P256,
    /// Ed25519.
    Ed25519,
    /// 32 secret bytes, used through HKDF-SHA-256 only.
    Secret,
}

impl Role {
    /// Every role, in the order in which a store makes them.
    pub const ALL: [Self; 11] = [
        Self::Root,
        Self::CardCa,
        Self::TerminalCa,
        Self::Tls,
        Self::Receipt,
        Self::StatusList,
        Self::Log,
        Self::Paper,
        Self::Derivation,
        Self::DataKek,
        Self::BlindIndex,
    ];

    /// What the key of this role is made of.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Log => Kind::Ed25519,
            Self::Derivation | Self::DataKek | Self::BlindIndex => Kind::Secret,
            _ => Kind::P256,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "root",
            Self::CardCa => "card CA",
            Self::TerminalCa => "terminal CA",
            Self::Tls => "TLS",
            Self::Receipt => "receipt",
            Self::StatusList => "status list",
            Self::Log => "log",
            Self::Paper => "paper",
            Self::Derivation => "derivation",
            Self::DataKek => "data",
            Self::BlindIndex => "blind index",
        })
    }
}

/// A place that keeps the service's keys.
pub trait KeyStore: fmt::Debug + Send + Sync {
    /// Signs `message`: for P-256 the 64 bytes r‖s over its SHA-256 (COSE ES256), for Ed25519 the
    /// 64-byte signature.
    fn sign(&self, role: Role, message: &[u8]) -> Result<Vec<u8>, KeyError>;

    /// Derives `len` bytes (at most 8,160) with HKDF-SHA-256 from the role's secret. `info` names
    /// the use and the thing it is for; equal input gives equal output.
    fn derive(&self, role: Role, info: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>, KeyError>;

    /// The public half: for P-256 the 65 bytes of the uncompressed point, for Ed25519 its 32 bytes.
    fn public(&self, role: Role) -> Result<Vec<u8>, KeyError>;
}

/// Why a key store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file of the store could not be read or written.
    #[error("cannot {operation} {path}")]
    File {
        /// What was being done.
        operation: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A secret file that others may read.
    #[error("{path} has mode {mode:o}; a file with keys must be readable by its owner alone: chmod 600 it")]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The store is there already; making another would orphan every card it issued.
    #[error("{0} exists already: keys are made once")]
    Exists(PathBuf),
    /// The passphrase or key file does not open the store, or the store was altered.
    #[error("the passphrase or key file does not open the key store, or the store was altered")]
    WrongKey,
    /// The store needs a passphrase and none was given.
    #[error("this key store is closed by a passphrase: give it in CARD_SERVICE_KEYS__PASSPHRASE or a file")]
    PassphraseNeeded,
    /// The store was made by an older version, which had no such key.
    #[error("the key store has no {0} key: run `card-service init` once more, which makes what is missing")]
    Missing(Role),
    /// The store's file is not what this program writes.
    #[error("the key store is not readable: {0}")]
    Malformed(&'static str),
    /// The role's key cannot do this.
    #[error("the {0} key cannot {1}")]
    WrongKind(Role, &'static str),
    /// The cryptographic library refused.
    #[error("the {0} key failed to {1}")]
    Crypto(Role, &'static str),
}
