//! Why a database was not moved, and what to do about it.

use std::path::PathBuf;

use super::super::DbError;

/// An error of a relocation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelocationError {
    /// A database failed, or is not there.
    #[error(transparent)]
    Db(#[from] DbError),
    /// What is to be moved is on a server already.
    #[error("{0} is on PostgreSQL already, and only a SQLite database is moved: set database.url to sqlite:PATH")]
    NotSqlite(String),
    /// It is to go to something else than a server.
    #[error("a SQLite database is moved to PostgreSQL only: give --to postgres://USER@HOST/DATABASE")]
    NotPostgres,
    /// There is something where it is to go.
    #[error(
        "there is a database already ({0}), and a city is only moved to where there is none: make an empty database \
         (createdb), and name it in --to"
    )]
    NotEmpty(String),
    /// Somebody has the file open.
    #[error(
        "{} is open in another program, which could still write to it: stop the service and whatever else has the file \
         open, then run the command again", .0.display()
    )]
    InUse(PathBuf),
    /// The tables are of an earlier program.
    #[error(
        "the database has schema version {found}, and the new one would have {known}: run `card-service db migrate` \
         first, then the command again"
    )]
    OlderSchema {
        /// Version found in the database.
        found: i64,
        /// This program's.
        known: i64,
    },
    /// What came out is not what went in.
    #[error(
        "the table {table} has {found} rows in the new database instead of {wanted}, or others: nothing was moved and \
         the SQLite database is as it was; check the server's disk, then run the command again"
    )]
    Differs {
        /// Which table.
        table: String,
        /// Rows in the file.
        wanted: u64,
        /// Rows in the new database.
        found: u64,
    },
}

impl From<sqlx::Error> for RelocationError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}
