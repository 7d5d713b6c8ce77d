//! Why a backup was not written or not put back, and what to do about it.

use std::io;
use std::path::PathBuf;

use super::super::{DbError, Engine};
use crate::files::FileError;

/// An error of a backup.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The database failed, or is not there.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A file failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// Backups never overwrite.
    #[error("{} is there already and is not overwritten: choose another name", .0.display())]
    Exists(PathBuf),
    /// There is something where the backup is to go.
    #[error(
        "there is a database already ({0}), and a backup is only put back where there is none: move it away with the \
         files beside it, or choose an empty place in database.url, then restore again"
    )]
    NotEmpty(String),
    /// No program of ours wrote the file.
    #[error("{} is not a backup of this service: choose a file that `card-service db backup` wrote", .0.display())]
    NotABackup(PathBuf),
    /// The file is for the other engine.
    #[error("{} is a backup of {engine}, and database.url names the other engine: set database.url to {engine}", path.display())]
    OtherEngine {
        /// The file.
        path: PathBuf,
        /// Its engine.
        engine: Engine,
    },
    /// The file's tables lie in a schema (a namespace of `PostgreSQL`) of another name.
    #[error(
        "the tables of the backup lie in the schema {found}, and database.url leads to {wanted}: add \
         options[search_path]={found} to database.url"
    )]
    OtherNamespace {
        /// In the file.
        found: String,
        /// By the URL.
        wanted: String,
    },
    /// The file is not whole.
    #[error("{} is damaged ({problem}): use another backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        problem: String,
    },
    /// One of `PostgreSQL`'s programs is not here.
    #[error(
        "cannot start {program}: install PostgreSQL's client programs (on Debian the package postgresql-client), at \
         least as new as the server"
    )]
    NoProgram {
        /// Its name.
        program: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// One of `PostgreSQL`'s programs did not do its work.
    #[error("{program} failed: {said}")]
    Program {
        /// Its name.
        program: &'static str,
        /// What it said.
        said: String,
    },
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}
