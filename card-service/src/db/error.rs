//! What can go wrong with the database, in the words an operator reads.

use std::path::PathBuf;

use super::engine::{Failure, classify};

/// An error of the database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// Nothing was written; once there is room again the same request succeeds.
    #[error("the disk that holds the database is full: nothing was written")]
    DiskFull(#[source] sqlx::Error),
    /// Somebody else held the write lock, or every connection, for longer than we wait.
    #[error("the database is busy")]
    Busy(#[source] sqlx::Error),
    /// The database server does not answer, or has broken the connection off. What was under way may or may not be
    /// durable; the same request, asked again, gets the same answer.
    #[error("the database cannot be reached")]
    Unreachable(#[source] sqlx::Error),
    /// The database was written by a newer program.
    #[error(
        "the database has schema version {found}, this program knows versions up to {known}: install the newer program"
    )]
    NewerSchema {
        /// Version found in the database.
        found: i64,
        /// Newest version that this program holds.
        known: i64,
    },
    /// A migration of the database has another text than this program's of that number.
    #[error(
        "schema version {0} of the database is not this program's: use the program that made it, or check database.url"
    )]
    ForeignSchema(i64),
    /// There is no database where the URL points.
    #[error("there is no database at {}: `card-service init` makes one", .0.display())]
    Missing(PathBuf),
    /// The database on the server holds no tables.
    #[error("the database has no tables yet: `card-service init` makes them")]
    Empty,
    /// The `search_path` of the URL names no schema (a namespace of `PostgreSQL`) that there is.
    #[error("the schema that database.url names does not exist: make it with CREATE SCHEMA, or correct search_path")]
    NoNamespace,
    /// The URL cannot be used.
    #[error("the database URL is not usable (expected sqlite:PATH or postgres://USER@HOST/DATABASE)")]
    Url(#[source] sqlx::Error),
    /// The engine did not take a setting without which an acknowledged write could be lost.
    #[error("the database did not accept {setting}={wanted} (it reports {found}): refusing to run without it")]
    Setting {
        /// Name of the setting.
        setting: &'static str,
        /// What was asked for.
        wanted: &'static str,
        /// What was read back.
        found: String,
    },
    /// A migration failed; the database is as it was before that migration.
    #[error("a schema migration failed")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// A stored value that this program cannot have written.
    #[error("the database holds a value that this program did not write ({0})")]
    Unreadable(&'static str),
    /// The operating system gave no randomness for a salt.
    #[error("the operating system gave no random bytes")]
    Randomness,
    /// The program is shutting down.
    #[error("the service is stopping")]
    Stopping,
    /// Any other error of the engine.
    #[error("a database statement failed")]
    Sql(#[source] sqlx::Error),
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        let error = match error {
            // Our own refusal of a connection's settings comes back through the pool in this wrapping.
            sqlx::Error::Configuration(inner) => match inner.downcast::<Self>() {
                Ok(ours) => return *ours,
                Err(inner) => sqlx::Error::Configuration(inner),
            },
            other => other,
        };
        match classify(&error) {
            Failure::DiskFull => Self::DiskFull(error),
            Failure::Busy => Self::Busy(error),
            Failure::Unreachable => Self::Unreachable(error),
            Failure::Other => Self::Sql(error),
        }
    }
}

impl DbError {
    /// Whether the same request may succeed later without anyone changing it.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::DiskFull(_) | Self::Busy(_) | Self::Unreachable(_) | Self::Stopping)
    }
}
