//! The version of the tables: what a database has, what this program knows, and how it gets from one to the other.

use serde::Serialize;
use sqlx::migrate::Migrator;

use super::{Connection, DbError, Engine, query};
use crate::progress::{Part, Progress};

static SQLITE: Migrator = sqlx::migrate!("src/migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("src/migrations/postgres");

/// A step from one version to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Migration {
    /// The version that it leads to.
    pub version: i64,
    /// What it is about.
    pub description: String,
}

/// A migration that a database says it has had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) version: i64,
    /// Of its text.
    pub(super) checksum: Vec<u8>,
}

/// The version of a database's tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Schema {
    /// Version found in the database.
    pub found: i64,
    /// Newest version that this program knows.
    pub known: i64,
    /// What lies between.
    pub pending: Vec<Migration>,
}

impl Schema {
    /// Judges what a database says it has had.
    ///
    /// # Errors
    /// [`DbError::ForeignSchema`] where a migration of that number is not this program's.
    pub(super) fn of(engine: Engine, applied: &[Applied]) -> Result<Self, DbError> {
        let migrations = migrator(engine);
        let known = migrations.iter().map(|migration| migration.version).max().unwrap_or(0);
        let found = applied.iter().map(|applied| applied.version).max().unwrap_or(0);
        for applied in applied.iter().filter(|applied| applied.version <= known) {
            let ours = migrations.iter().find(|migration| migration.version == applied.version);
            if ours.is_none_or(|ours| *ours.checksum != *applied.checksum) {
                return Err(DbError::ForeignSchema(applied.version));
            }
        }
        let pending = migrations
            .iter()
            .filter(|migration| applied.iter().all(|applied| applied.version != migration.version))
            .map(|migration| Migration {
                version: migration.version,
                description: migration.description.clone().into_owned(),
            })
            .collect();
        Ok(Self { found, known, pending })
    }

    /// Refuses a version that this program does not know.
    ///
    /// # Errors
    /// [`DbError::NewerSchema`] says both versions.
    pub fn insist_known(&self) -> Result<(), DbError> {
        let Self { found, known, .. } = *self;
        if found > known { Err(DbError::NewerSchema { found, known }) } else { Ok(()) }
    }
}

fn migrator(engine: Engine) -> &'static Migrator {
    match engine {
        Engine::Sqlite => &SQLITE,
        Engine::Postgres => &POSTGRES,
    }
}

/// The schema of a database, if it has one.
pub(super) async fn find(connection: &mut Connection) -> Result<Option<Schema>, DbError> {
    let engine = connection.engine();
    let there = query(match engine {
        Engine::Sqlite => "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'",
        Engine::Postgres => "SELECT CAST(to_regclass('_sqlx_migrations') IS NOT NULL AS INT)::bigint",
    });
    if there.scalar_one::<i64>(connection).await? == 0 {
        return Ok(None);
    }
    let applied = query("SELECT version, checksum FROM _sqlx_migrations ORDER BY version")
        .all(connection)
        .await?
        .iter()
        .map(|row| Ok(Applied { version: row.get("version")?, checksum: row.get("checksum")? }))
        .collect::<Result<Vec<_>, DbError>>()?;
    Schema::of(engine, &applied).map(Some)
}

/// Applies what is missing of `schema`, each migration in a transaction of its own. A database that a newer program
/// has written is refused before anything is touched.
pub(super) async fn migrate(
    connection: &mut Connection,
    schema: Option<Schema>,
    progress: &mut (dyn Progress + Send),
) -> Result<Vec<Migration>, DbError> {
    let schema = match schema {
        Some(schema) => schema,
        None => Schema::of(connection.engine(), &[])?,
    };
    schema.insist_known()?;
    if !schema.pending.is_empty() {
        progress.begin(Part::Migrate, Some(schema.pending.len() as u64));
    }
    for (migration, done) in schema.pending.iter().zip(1..) {
        migrate_to(connection, migration.version).await?;
        progress.reach(done);
    }
    Ok(schema.pending)
}

/// Applies what is missing up to a version. Of several processes that do so at once one does it.
pub(super) async fn migrate_to(connection: &mut Connection, version: i64) -> Result<(), DbError> {
    match connection {
        Connection::Sqlite(connection) => SQLITE.run_direct(Some(version), &mut **connection, false).await,
        Connection::Postgres(connection) => POSTGRES.run_direct(Some(version), &mut **connection, false).await,
    }
    .map_err(DbError::Migration)
}
