//! Checkpoints of the log as C2SP signed notes (<https://c2sp.org/tlog-checkpoint>), Ed25519.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use signed_note::{Note, Signature, StandardVerifier, VerifierList};

use super::Hash;
use crate::hex;
use crate::keys::{KeyError, KeyStore, Role};

/// C2SP's number for Ed25519 in a key's encoding.
const ALG_ED25519: u8 = 1;

/// Why a checkpoint cannot be made or believed.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The log's name has a space or a plus in it, or is empty.
    #[error("{0:?} cannot be a log's name: no spaces, no plus")]
    Origin(String),
    /// The log key failed.
    #[error("the log key does not sign")]
    Keys(#[from] KeyError),
    /// The public key is not one.
    #[error("not a verifier key (name+hash+key)")]
    LogKey,
    /// Not a signed note, not by this key, or not a checkpoint of this log.
    #[error("not a checkpoint signed by this log")]
    NotSigned,
}

/// The log's public half: what its checkpoints are verified with.
#[derive(Debug)]
pub struct LogKey {
    origin: String,
    vkey: String,
}

/// The name of this service's log: made from its key, so that it never changes whatever the service is called.
///
/// # Errors
/// When the key store has no log key.
pub fn origin(keys: &dyn KeyStore) -> Result<String, KeyError> {
    let public = keys.public(Role::Log)?;
    let hash = ring::digest::digest(&ring::digest::SHA256, &public);
    Ok(format!("new-resident-card/log/{}", hex::encode(&hash.as_ref()[..8])))
}

impl LogKey {
    /// The key of this service's log, under its own name.
    ///
    /// # Errors
    /// When the key store has no log key.
    pub fn of_service(keys: &dyn KeyStore) -> Result<Self, CheckpointError> {
        Self::of(keys, &origin(keys)?)
    }

    /// The key of this service's log.
    ///
    /// # Errors
    /// [`CheckpointError::Origin`], or when the key store has no log key.
    pub fn of(keys: &dyn KeyStore, origin: &str) -> Result<Self, CheckpointError> {
        if !signed_note::is_key_name_valid(origin) {
            return Err(CheckpointError::Origin(origin.to_owned()));
        }
        let encoded = [&[ALG_ED25519], keys.public(Role::Log)?.as_slice()].concat();
        let id = signed_note::key_id(origin, &encoded);
        Self::parse(&format!("{origin}+{id:08x}+{}", STANDARD.encode(encoded)))
    }

    /// Reads a verifier key, `name+hash+key`.
    ///
    /// # Errors
    /// [`CheckpointError::LogKey`].
    pub fn parse(vkey: &str) -> Result<Self, CheckpointError> {
        StandardVerifier::new(vkey).map_err(|_| CheckpointError::LogKey)?;
        let origin = vkey.split('+').next().unwrap_or_default().to_owned();
        Ok(Self { origin, vkey: vkey.to_owned() })
    }

    /// The verifier key as witnesses and terminals configure it.
    pub fn vkey(&self) -> &str {
        &self.vkey
    }

    /// Verifies a note and reads size and root.
    ///
    /// # Errors
    /// [`CheckpointError::NotSigned`].
    pub fn open(&self, note: &str) -> Result<(u64, Hash), CheckpointError> {
        let verifier = StandardVerifier::new(&self.vkey).map_err(|_| CheckpointError::LogKey)?;
        let known = VerifierList::new(vec![Box::new(verifier)]);
        let note = Note::from_bytes(note.as_bytes()).map_err(|_| CheckpointError::NotSigned)?;
        note.verify(&known).map_err(|_| CheckpointError::NotSigned)?;
        let checkpoint = tlog_tiles::Checkpoint::from_bytes(note.text()).map_err(|_| CheckpointError::NotSigned)?;
        if checkpoint.origin() != self.origin {
            return Err(CheckpointError::NotSigned);
        }
        Ok((checkpoint.size(), checkpoint.hash().0))
    }
}

/// Signs a checkpoint.
///
/// # Errors
/// [`CheckpointError::Origin`], or when the log key fails.
pub fn sign(keys: &dyn KeyStore, origin: &str, size: u64, root: Hash) -> Result<String, CheckpointError> {
    let malformed = || CheckpointError::Origin(origin.to_owned());
    let text = tlog_tiles::Checkpoint::new(origin, size, tlog_tiles::Hash(root), "").map_err(|_| malformed())?;
    let text = text.to_bytes();
    let encoded = [&[ALG_ED25519], keys.public(Role::Log)?.as_slice()].concat();
    let id = signed_note::key_id(origin, &encoded);
    let signature = Signature::new(origin.to_owned(), id, keys.sign(Role::Log, &text)?).map_err(|_| malformed())?;
    let note = Note::new(&text, &[signature]).map_err(|_| malformed())?;
    String::from_utf8(note.to_bytes()).map_err(|_| malformed())
}
