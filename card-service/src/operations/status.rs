//! What an operator wants to know of a database at a glance. Changes nothing.

use serde::Serialize;

use crate::db::{Db, DbError, Engine, Numbers, Schema, Setting};
use crate::evidence::store;

/// A database at a glance.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Its engine.
    pub engine: Engine,
    /// The version of its tables.
    pub schema: Schema,
    /// What its tables and indexes take.
    pub size_bytes: u64,
    /// What is in it. Nothing is known of that where the schema is newer than this program.
    pub counts: Option<Counts>,
    /// The settings that durability rests on.
    pub settings: Vec<Setting>,
}

/// A setting with which what was acknowledged could be lost.
#[derive(Debug, thiserror::Error)]
#[error(
    "{name} is {found} and must be {wanted}: the service does not start until that is corrected in the database's settings"
)]
pub struct Endangered {
    name: &'static str,
    found: String,
    wanted: &'static str,
}

impl Status {
    /// Refuses the first setting that is not as it must be.
    ///
    /// # Errors
    /// [`Endangered`] names it.
    pub fn insist_on_settings(&self) -> Result<(), Endangered> {
        match self.settings.iter().find(|setting| !setting.as_wanted) {
            Some(Setting { name, wanted, found, .. }) => Err(Endangered { name, wanted, found: found.clone() }),
            None => Ok(()),
        }
    }
}

/// What is in a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Leaves of the log.
    pub leaves: i64,
    /// Those of them that have no place in the tree yet.
    pub waiting_leaves: i64,
    /// Accounts.
    pub accounts: i64,
    /// Transfers.
    pub transfers: i64,
}

/// Looks at a database as it is: of an older, this or a newer schema.
///
/// # Errors
/// [`DbError::Missing`] or [`DbError::Empty`] where there is none.
pub async fn status(url: &str) -> Result<Status, DbError> {
    let db = Db::look(url).await?;
    let status = of(&db).await;
    db.close().await;
    status
}

async fn of(db: &Db) -> Result<Status, DbError> {
    let schema = db.schema().await?;
    let counts = if schema.insist_known().is_ok() { Some(counts(db).await?) } else { None };
    let (size_bytes, settings) = (db.size_bytes().await?, db.settings().await?);
    Ok(Status { engine: db.engine(), schema, size_bytes, counts, settings })
}

async fn counts(db: &Db) -> Result<Counts, DbError> {
    db.snapshot(async |connection| {
        let Numbers { leaf, account, transfer } = Numbers::total(connection).await?;
        let waiting_leaves = store::count_pending(connection).await?;
        Ok(Counts { leaves: leaf, waiting_leaves, accounts: account, transfers: transfer })
    })
    .await
}
