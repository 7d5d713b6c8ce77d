//! A card as a folder: what kind of card it is, and its memory.
//! Holds no chip; it loads and keeps the bytes of one.
//!
//! The memory is replaced as a whole (written aside, then renamed) after each APDU that changed it and before its
//! answer is sent. So a process killed at any moment leaves the card as it was between two APDUs. It is not synced
//! to the disk: a power cut of the machine is not what these cards are torn by.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::chip::flash::Flash;

const KIND_FILE: &str = "card.json";
const MEMORY_FILE: &str = "memory.bin";
const MEMORY_ASIDE_FILE: &str = "memory.bin.new";
const LOCK_FILE: &str = "card.lock";

/// What a folder's card is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardKind {
    /// A PIV card; blank until somebody personalises it.
    Piv,
    /// A chip card of somebody else: it answers 6A82 to every SELECT.
    Foreign,
}

#[derive(Serialize, Deserialize)]
struct Description {
    kind: CardKind,
}

/// Why a card's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file of the card.
    #[error("cannot {operation} {path}: {source}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is a card already where a new one was asked for.
    #[error("{0} holds a card already")]
    Exists(PathBuf),
    /// The folder holds no card.
    #[error("{0} holds no card")]
    Absent(PathBuf),
    /// Another slot, or another process, has the card.
    #[error("the card {0} is inserted elsewhere")]
    InUse(PathBuf),
    /// The card's files say nothing that makes sense.
    #[error("the card {path} is damaged: {reason}")]
    Damaged {
        /// The card's folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

fn io_error<'a>(operation: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> FolderError + use<'a> {
    let path = path.to_owned();
    move |source| FolderError::Io { operation, path, source }
}

/// Makes a factory-new card in the folder `path`, which may not hold one yet.
///
/// # Errors
/// The folder holds a card, or cannot be written.
pub fn create(path: &Path, kind: CardKind) -> Result<(), FolderError> {
    fs::create_dir_all(path).map_err(io_error("create", path))?;
    let description = path.join(KIND_FILE);
    if description.exists() {
        return Err(FolderError::Exists(path.to_owned()));
    }
    if kind == CardKind::Piv {
        replace_memory(path, &blank_memory(path)?)?;
    }
    let text = serde_json::to_vec(&Description { kind }).expect("a kind is JSON");
    fs::write(&description, text).map_err(io_error("write", &description))
}

/// Gives the card in `path` its factory-new memory.
///
/// # Errors
/// The folder holds no card, the card is inserted, or the folder cannot be written.
pub fn make_blank(path: &Path) -> Result<(), FolderError> {
    let card = Folder::open(path)?;
    match card.kind {
        CardKind::Piv => replace_memory(path, &blank_memory(path)?),
        CardKind::Foreign => Ok(()),
    }
}

fn blank_memory(path: &Path) -> Result<Vec<u8>, FolderError> {
    let flash = Flash::blank().map_err(|error| FolderError::Damaged {
        path: path.to_owned(),
        reason: format!("a new memory cannot be formatted: {error:?}"),
    })?;
    Ok(flash.image())
}

fn replace_memory(path: &Path, image: &[u8]) -> Result<(), FolderError> {
    let aside = path.join(MEMORY_ASIDE_FILE);
    let memory = path.join(MEMORY_FILE);
    fs::write(&aside, image).map_err(io_error("write", &aside))?;
    fs::rename(&aside, &memory).map_err(io_error("replace", &memory))
}

/// A card's folder, held by one slot.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    kind: CardKind,
    /// Held as long as the card is in a slot; the system lets go of it when the process dies.
    _lock: File,
}

impl Folder {
    /// Takes the card in `path`.
    ///
    /// # Errors
    /// There is none, another slot or process has it, or its files make no sense.
    pub(crate) fn open(path: &Path) -> Result<Self, FolderError> {
        let description = path.join(KIND_FILE);
        let text = fs::read(&description).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => FolderError::Absent(path.to_owned()),
            _ => io_error("read", &description)(source),
        })?;
        let Description { kind } = serde_json::from_slice(&text)
            .map_err(|error| FolderError::Damaged { path: path.to_owned(), reason: error.to_string() })?;
        let lock_path = path.join(LOCK_FILE);
        let lock = File::create(&lock_path).map_err(io_error("create", &lock_path))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => FolderError::InUse(path.to_owned()),
            TryLockError::Error(source) => io_error("lock", &lock_path)(source),
        })?;
        Ok(Self { path: path.to_owned(), kind, _lock: lock })
    }

    pub(crate) fn kind(&self) -> CardKind {
        self.kind
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The card's memory, as after its last APDU.
    ///
    /// # Errors
    /// It cannot be read or has another size.
    pub(crate) fn load(&self) -> Result<Flash, FolderError> {
        let path = self.path.join(MEMORY_FILE);
        let image = fs::read(&path).map_err(io_error("read", &path))?;
        Flash::from_image(&image)
            .map_err(|error| FolderError::Damaged { path: self.path.clone(), reason: format!("{error:?}") })
    }

    /// Keeps the card's memory.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn keep(&self, image: &[u8]) -> Result<(), FolderError> {
        replace_memory(&self.path, image)
    }
}
