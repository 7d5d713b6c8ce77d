//! The embedded key store: one file, sealed with AES-256-GCM under a key file or a passphrase.
//!
//! The sealing key is the key file's 32 bytes, or Argon2id of a passphrase. Everything about the
//! sealing stands in the file's header, which is the associated data: an altered header does not
//! open. Files are written with mode 0600 and are refused when others may read them.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::material::{self, Material};
use super::{KeyError, KeyStore, Role, seal};

/// The store inside its directory.
const STORE: &str = "keys.sealed";
/// The key file that `init` makes beside it when no passphrase is given.
const KEY_FILE: &str = "store.key";

/// Argon2id for a passphrase: 64 MiB, three passes. Opening happens once, at start.
const ARGON2_MEMORY_KIB: u32 = 64 * 1024;
const ARGON2_PASSES: u32 = 3;

/// What opens a store.
pub enum Opener {
    /// 32 random bytes in a file of mode 0600, in base64; made where it is missing at creation.
    KeyFile(PathBuf),
    /// A passphrase, through Argon2id.
    Passphrase(Zeroizing<String>),
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::KeyFile(path) => f.debug_tuple("KeyFile").field(path).finish(),
            Self::Passphrase(_) => f.write_str("Passphrase"),
        }
    }
}

impl Opener {
    /// A passphrase if there is one, otherwise the key file named, otherwise the one beside the store.
    pub fn choose(directory: &Path, passphrase: Option<Zeroizing<String>>, key_file: Option<PathBuf>) -> Self {
        match (passphrase, key_file) {
            (Some(passphrase), _) => Self::Passphrase(passphrase),
            (None, Some(path)) => Self::KeyFile(path),
            (None, None) => Self::KeyFile(directory.join(KEY_FILE)),
        }
    }
}

/// How the sealing key is found. Part of the header.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
enum Closure {
    KeyFile,
    Argon2id { salt: String, memory_kib: u32, passes: u32 },
}

/// What stands in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    format: String,
    closed: Closure,
    body: String,
}

const FORMAT: &str = "nrc-keys/1";

impl Sealed {
    fn associated(closed: &Closure) -> Vec<u8> {
        serde_json::to_vec(&(FORMAT, closed)).expect("plain data serialises")
    }
}

/// The embedded store, opened. Keys are parsed once; opening with a key file takes about a millisecond.
pub struct FileStore {
    keys: BTreeMap<Role, Material>,
    random: SystemRandom,
}

impl std::fmt::Debug for FileStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FileStore")
    }
}

impl FileStore {
    /// Whether a store has been made in `directory`.
    pub fn exists(directory: &Path) -> bool {
        directory.join(STORE).exists()
    }

    /// Makes every key and writes the store. Refuses to replace one.
    pub fn create(directory: &Path, opener: &Opener) -> Result<Self, KeyError> {
        let path = directory.join(STORE);
        if path.exists() {
            return Err(KeyError::Exists(path));
        }
        fs::create_dir_all(directory)
            .and_then(|()| fs::set_permissions(directory, fs::Permissions::from_mode(0o700)))
            .map_err(|source| file_error("make", directory, source))?;
        let random = SystemRandom::new();
        let closed = match opener {
            Opener::KeyFile(file) => {
                if !file.exists() {
                    let mut key = Zeroizing::new([0; 32]);
                    random.fill(&mut *key).map_err(|_| KeyError::Malformed("no randomness"))?;
                    let text = Zeroizing::new(BASE64_STANDARD.encode(*key));
                    write_secret(file, text.as_bytes())?;
                }
                Closure::KeyFile
            }
            Opener::Passphrase(_) => {
                let mut salt = [0; 16];
                random.fill(&mut salt).map_err(|_| KeyError::Malformed("no randomness"))?;
                Closure::Argon2id {
                    salt: BASE64_STANDARD.encode(salt),
                    memory_kib: ARGON2_MEMORY_KIB,
                    passes: ARGON2_PASSES,
                }
            }
        };
        let mut stored = BTreeMap::new();
        make(&mut stored, &Role::ALL, &random)?;
        let plain = write(directory, opener, closed, stored, &random)?;
        Self::load(&plain, random)
    }

    /// Makes the keys that a store of an older version has not, and leaves the others as they are. True where there were
    /// such.
    pub fn complete(directory: &Path, opener: &Opener) -> Result<bool, KeyError> {
        let (closed, plain) = unsealed(directory, opener)?;
        let mut stored = listed(&plain)?;
        let missing: Vec<_> = Role::ALL.into_iter().filter(|role| !stored.contains_key(role)).collect();
        if !missing.is_empty() {
            let random = SystemRandom::new();
            make(&mut stored, &missing, &random)?;
            write(directory, opener, closed, stored, &random)?;
        }
        Ok(!missing.is_empty())
    }

    /// Opens the store in `directory`.
    pub fn open(directory: &Path, opener: &Opener) -> Result<Self, KeyError> {
        let (_, plain) = unsealed(directory, opener)?;
        Self::load(&plain, SystemRandom::new())
    }

    fn load(plain: &[u8], random: SystemRandom) -> Result<Self, KeyError> {
        let mut stored = listed(plain)?;
        let mut keys = BTreeMap::new();
        for role in Role::ALL {
            let text = Zeroizing::new(stored.remove(&role).ok_or(KeyError::Missing(role))?);
            let material =
                Zeroizing::new(BASE64_STANDARD.decode(&*text).map_err(|_| KeyError::Malformed("a key is not base64"))?);
            keys.insert(role, Material::load(role, &material, &random)?);
        }
        Ok(Self { keys, random })
    }

    fn key(&self, role: Role) -> &Material {
        self.keys.get(&role).expect("loading refuses a store that lacks a role")
    }
}

impl KeyStore for FileStore {
    fn sign(&self, role: Role, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.key(role).sign(role, message, &self.random)
    }

    fn derive(&self, role: Role, info: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.key(role).derive(role, info, len)
    }

    fn public(&self, role: Role) -> Result<Vec<u8>, KeyError> {
        self.key(role).public(role)
    }
}

/// What is in a store: keys as they are stored, in base64.
type Stored = BTreeMap<Role, String>;

/// How the store in `directory` is closed, and what is in it.
fn unsealed(directory: &Path, opener: &Opener) -> Result<(Closure, Zeroizing<Vec<u8>>), KeyError> {
    let text = read_secret(&directory.join(STORE))?;
    let file: Sealed = serde_json::from_slice(&text).map_err(|_| KeyError::Malformed("not a key store's file"))?;
    if file.format != FORMAT {
        return Err(KeyError::Malformed("another format than this program writes"));
    }
    let sealed = BASE64_STANDARD.decode(&file.body).map_err(|_| KeyError::Malformed("its body is not base64"))?;
    let key = sealing_key(opener, &file.closed)?;
    let plain = seal::open(&key, &Sealed::associated(&file.closed), &sealed).map_err(|_| KeyError::WrongKey)?;
    Ok((file.closed, plain))
}

fn listed(plain: &[u8]) -> Result<Stored, KeyError> {
    serde_json::from_slice(plain).map_err(|_| KeyError::Malformed("its content is not a list of keys"))
}

/// Makes keys for roles.
fn make(stored: &mut Stored, roles: &[Role], random: &SystemRandom) -> Result<(), KeyError> {
    for role in roles {
        let mut material = material::generate(*role, random)?;
        stored.insert(*role, BASE64_STANDARD.encode(&*material));
        material.zeroize();
    }
    Ok(())
}

/// Writes the store in `directory` and answers what is in it.
fn write(
    directory: &Path,
    opener: &Opener,
    closed: Closure,
    mut stored: Stored,
    random: &SystemRandom,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let plain = Zeroizing::new(serde_json::to_vec(&stored).expect("plain data serialises"));
    stored.values_mut().for_each(Zeroize::zeroize);
    let mut nonce = [0; 12];
    random.fill(&mut nonce).map_err(|_| KeyError::Malformed("no randomness"))?;
    let sealed = seal::seal(&*sealing_key(opener, &closed)?, nonce, &Sealed::associated(&closed), &plain);
    let file = Sealed { format: FORMAT.to_owned(), closed, body: BASE64_STANDARD.encode(sealed) };
    write_secret(&directory.join(STORE), &serde_json::to_vec_pretty(&file).expect("plain data serialises"))?;
    Ok(plain)
}

fn sealing_key(opener: &Opener, closed: &Closure) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let mut key = Zeroizing::new([0; 32]);
    match (closed, opener) {
        (Closure::KeyFile, Opener::KeyFile(path)) => {
            let text = read_secret(path)?;
            let decoded = Zeroizing::new(
                BASE64_STANDARD
                    .decode(text.trim_ascii())
                    .map_err(|_| KeyError::Malformed("the key file is not base64"))?,
            );
            let bytes: &[u8; 32] = decoded
                .as_slice()
                .try_into()
                .map_err(|_| KeyError::Malformed("the key file does not hold 32 bytes"))?;
            key.copy_from_slice(bytes);
        }
        (Closure::Argon2id { salt, memory_kib, passes }, Opener::Passphrase(passphrase)) => {
            let salt = BASE64_STANDARD.decode(salt).map_err(|_| KeyError::Malformed("its salt is not base64"))?;
            let parameters = argon2::Params::new(*memory_kib, *passes, 1, Some(32))
                .map_err(|_| KeyError::Malformed("its Argon2 parameters"))?;
            argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, parameters)
                .hash_password_into(passphrase.as_bytes(), &salt, &mut *key)
                .map_err(|_| KeyError::Malformed("its Argon2 parameters"))?;
        }
        (Closure::Argon2id { .. }, Opener::KeyFile(_)) => return Err(KeyError::PassphraseNeeded),
        (Closure::KeyFile, Opener::Passphrase(_)) => return Err(KeyError::WrongKey),
    }
    Ok(key)
}

fn file_error(operation: &'static str, path: &Path, source: std::io::Error) -> KeyError {
    KeyError::File { operation, path: path.to_owned(), source }
}

/// Writes a new file that only its owner reads, complete or not at all, and makes it durable.
fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    let write = |source| file_error("write", path, source);
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(write)?;
    }
    let unfinished = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished).map_err(write)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(write)?;
    fs::rename(&unfinished, path).map_err(write)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|folder| folder.sync_all()).map_err(write)
}

/// Reads a file, unless others may read it too.
fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let read = |source| file_error("read", path, source);
    let mode = fs::metadata(path).map_err(read)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::TooOpen { path: path.to_owned(), mode });
    }
    fs::read(path).map(Zeroizing::new).map_err(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_opens_again_with_its_key_file_and_signs_as_before() {
        let folder = tempfile::tempdir().unwrap();
        let opener = Opener::choose(folder.path(), None, None);
        let made = FileStore::create(folder.path(), &opener).unwrap();
        let again = FileStore::open(folder.path(), &opener).unwrap();
        for role in Role::ALL {
            match role.kind() {
                super::super::Kind::Secret => {
                    assert_eq!(made.derive(role, b"a card", 32).unwrap(), again.derive(role, b"a card", 32).unwrap());
                }
                _ => assert_eq!(made.public(role).unwrap(), again.public(role).unwrap()),
            }
        }
        let signature = made.sign(Role::Receipt, b"message").unwrap();
        ring::signature::UnparsedPublicKey::new(
            &ring::signature::ECDSA_P256_SHA256_FIXED,
            again.public(Role::Receipt).unwrap(),
        )
        .verify(b"message", &signature)
        .unwrap();
        assert!(matches!(FileStore::create(folder.path(), &opener), Err(KeyError::Exists(_))));
    }

    #[test]
    fn a_store_of_an_older_version_gets_the_keys_that_it_has_not_and_keeps_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let opener = Opener::Passphrase(Zeroizing::new("correct horse".to_owned()));
        let made = FileStore::create(folder.path(), &opener).unwrap();
        assert!(!FileStore::complete(folder.path(), &opener).unwrap(), "nothing is missing");
        let (closed, plain) = unsealed(folder.path(), &opener).unwrap();
        let mut stored = listed(&plain).unwrap();
        stored.remove(&Role::Paper);
        write(folder.path(), &opener, closed, stored, &SystemRandom::new()).unwrap();
        let refused = FileStore::open(folder.path(), &opener).unwrap_err();
        assert!(refused.to_string().contains("card-service init"), "{refused}");
        assert!(FileStore::complete(folder.path(), &opener).unwrap());
        let again = FileStore::open(folder.path(), &opener).unwrap();
        assert_eq!(again.public(Role::Receipt).unwrap(), made.public(Role::Receipt).unwrap());
        assert_ne!(again.public(Role::Paper).unwrap(), made.public(Role::Paper).unwrap());
    }

    #[test]
    fn a_passphrase_opens_what_it_closed_and_no_other_does() {
        let folder = tempfile::tempdir().unwrap();
        let right = Opener::Passphrase(Zeroizing::new("correct horse".to_owned()));
        FileStore::create(folder.path(), &right).unwrap();
        FileStore::open(folder.path(), &right).unwrap();
        let wrong = Opener::Passphrase(Zeroizing::new("battery staple".to_owned()));
        assert!(matches!(FileStore::open(folder.path(), &wrong), Err(KeyError::WrongKey)));
        let none = Opener::choose(folder.path(), None, None);
        assert!(matches!(FileStore::open(folder.path(), &none), Err(KeyError::PassphraseNeeded)));
    }

    #[test]
    fn key_files_that_others_may_read_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let opener = Opener::choose(folder.path(), None, None);
        FileStore::create(folder.path(), &opener).unwrap();
        for name in [STORE, KEY_FILE] {
            let path = folder.path().join(name);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
            let refused = FileStore::open(folder.path(), &opener).unwrap_err();
            assert!(matches!(refused, KeyError::TooOpen { mode: 0o640, .. }), "{refused}");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }

    #[test]
    fn an_altered_store_does_not_open() {
        let folder = tempfile::tempdir().unwrap();
        let opener = Opener::choose(folder.path(), None, None);
        FileStore::create(folder.path(), &opener).unwrap();
        let path = folder.path().join(STORE);
        let mut file: Sealed = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let mut body = BASE64_STANDARD.decode(&file.body).unwrap();
        body[40] ^= 1;
        file.body = BASE64_STANDARD.encode(body);
        fs::write(&path, serde_json::to_vec(&file).unwrap()).unwrap();
        assert!(matches!(FileStore::open(folder.path(), &opener), Err(KeyError::WrongKey)));
    }
}
