//! Why something could not be kept or read back.

/// Why the outbox failed. Nobody has heard "accepted" for what failed here.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// SQLite refused or the disk did.
    #[error("{doing}: {cause}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// SQLite's own words.
        #[source]
        cause: sqlx::Error,
    },
    /// The disk has less room than a tap may need.
    #[error("the disk is full")]
    NoRoom,
    /// SQLite does not keep what it acknowledges.
    #[error("the outbox is not durable: journal_mode={journal}, synchronous={synchronous}")]
    NotDurable {
        /// `PRAGMA journal_mode`.
        journal: String,
        /// `PRAGMA synchronous`.
        synchronous: i64,
    },
    /// The file was made by another terminal.
    #[error("this outbox belongs to another terminal")]
    OtherTerminal,
    /// A number was to be used that is not the reserved one.
    #[error("lane {lane}: counter {counter} is not reserved")]
    NotReserved {
        /// The lane.
        lane: u8,
        /// The number.
        counter: u64,
    },
    /// All 256 lanes are taken or retired.
    #[error("no lane is left for reader {0:?}")]
    NoLaneLeft(String),
    /// Whoever wrote it to the disk, together with others, has stopped.
    #[error("whether it was kept is not known")]
    Interrupted,
    /// A row that this program cannot have written.
    #[error("a damaged row in {0}")]
    Damaged(&'static str),
    /// An older version was offered where a newer one is in force.
    #[error("{name}: version {offered} is older than version {current}")]
    Rollback {
        /// Of what.
        name: &'static str,
        /// Version offered.
        offered: u64,
        /// Version in force.
        current: u64,
    },
}

/// What to make of SQLite's error while something was being done.
pub(super) fn fail(doing: &'static str) -> impl FnOnce(sqlx::Error) -> OutboxError {
    move |cause| OutboxError::Database { doing, cause }
}

impl OutboxError {
    /// Whether the disk is full (SQLITE_FULL, code 13, where SQLite was the first to notice).
    pub fn is_full(&self) -> bool {
        if matches!(self, Self::NoRoom) {
            return true;
        }
        let Self::Database { cause: sqlx::Error::Database(cause), .. } = self else { return false };
        cause.code().and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xFF == 13)
    }
}
