//! What only one transaction does at a time, in all processes that work on the database.

use super::{Connection, DbError, query};

/// Something that is done by one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The office's work: everything but taps.
    Office,
    /// Extending the tree.
    Tree,
}

impl Turn {
    const fn name(self) -> &'static str {
        match self {
            Self::Office => "office",
            Self::Tree => "tree",
        }
    }

    /// Waits for the turn and keeps it until the end of the transaction. On `SQLite` whoever writes has every turn.
    pub(super) async fn take(self, connection: &mut Connection) -> Result<(), DbError> {
        if let Connection::Postgres(_) = connection {
            query("SELECT t.name FROM turn t WHERE t.name = $1 {for update of t}")
                .bind(self.name())
                .one(connection)
                .await?;
        }
        Ok(())
    }
}
