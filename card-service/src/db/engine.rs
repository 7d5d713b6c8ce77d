//! What the engines differ in beside their SQL: how a write transaction begins, and what their error codes mean.

use card_schema::ids::{SHARDS, Shard};

/// Which engine a database runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// `SQLite`, in this process.
    Sqlite,
    /// `PostgreSQL`, a server.
    Postgres,
}

impl std::fmt::Display for Engine {
    /// As its makers write it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

impl Engine {
    /// How many shards an installation has. `SQLite` lies on one machine: each more costs pages that every group of taps
    /// touches, and eight are enough to spread what later moves to a server.
    pub const fn shards(self) -> u8 {
        match self {
            Self::Sqlite => 8,
            Self::Postgres => SHARDS,
        }
    }

    /// Into how many groups the shards fall: a group of taps is written in one transaction for each, side by side. `SQLite`
    /// has one writer.
    pub const fn shard_groups(self) -> u8 {
        match self {
            Self::Sqlite => 1,
            Self::Postgres => 2,
        }
    }

    /// The group in which a shard is.
    pub const fn shard_group(self, shard: Shard) -> u8 {
        shard.0 / (self.shards() / self.shard_groups())
    }

    /// Begins a write transaction. `SQLite` takes its write lock at once: a transaction that reads first and writes
    /// later could otherwise find itself refused in its middle.
    pub(super) const fn begin_write(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// Begins a transaction in which every statement sees the same state.
    pub(super) const fn begin_snapshot(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }
}

/// What an engine's error means to us, for those that a caller can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    DiskFull,
    Busy,
    Unreachable,
    Other,
}

/// Classes an error. Codes: <https://www.sqlite.org/rescode.html> (the low byte is the primary code) and
/// <https://www.postgresql.org/docs/15/errcodes-appendix.html>.
pub(super) fn classify(error: &sqlx::Error) -> Failure {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed | sqlx::Error::Tls(_) => {
            return Failure::Unreachable;
        }
        sqlx::Error::PoolTimedOut => return Failure::Busy,
        _ => {}
    }
    let Some(code) = error.as_database_error().and_then(sqlx::error::DatabaseError::code) else {
        return Failure::Other;
    };
    match code.as_ref() {
        "53100" => return Failure::DiskFull,
        // Out of connections or memory, a deadlock, a serialization failure, a lock that was not given.
        "53000" | "53200" | "53300" | "40P01" | "40001" | "55P03" => return Failure::Busy,
        // The server stops, starts, has crashed, or has become one that only reads (a failover).
        "57P01" | "57P02" | "57P03" | "25006" => return Failure::Unreachable,
        _ if code.len() == 5 && code.starts_with("08") => return Failure::Unreachable,
        _ => {}
    }
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(13) if code.len() < 5 => Failure::DiskFull,
        Ok(5 | 6) if code.len() < 5 => Failure::Busy,
        _ => Failure::Other,
    }
}
