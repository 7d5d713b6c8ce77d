//! An empty `PostgreSQL` database that is being filled: found empty, then settled, or emptied again.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection};

use super::open::Place;
use super::{Connection, DbError, query};

/// Tables and views of the current schema; those that belong to an extension come and go with it.
const RELATIONS: &str = "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema()
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')";

/// The schema (a namespace of `PostgreSQL`) that a URL leads to.
#[derive(Debug)]
pub(super) struct Destination {
    options: PgConnectOptions,
    namespace: String,
}

impl Destination {
    /// Looks at it, and refuses one that has tables: `occupied` makes the error, of what is said about it.
    pub(super) async fn find<E: From<DbError>>(
        options: PgConnectOptions,
        occupied: impl FnOnce(String) -> E,
    ) -> Result<Self, E> {
        let db = Place::Postgres(options.clone()).look().await?;
        let looked = async {
            let mut connection = db.read().await?;
            let namespace = current_namespace(&mut connection).await?;
            let relations: i64 = query(format!("SELECT COUNT(*) {RELATIONS}")).scalar_one(&mut connection).await?;
            Ok::<_, DbError>((namespace, relations))
        };
        let looked = looked.await;
        db.close().await;
        let (namespace, relations) = looked?;
        if relations > 0 {
            return Err(occupied(format!("{} has tables in the schema {namespace}", name_of(&options))));
        }
        Ok(Self { options, namespace })
    }

    pub(super) fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(super) fn place(&self) -> Place {
        Place::Postgres(self.options.clone())
    }

    /// Makes what was put in ready for use.
    pub(super) async fn settle(&self) -> Result<(), DbError> {
        // There are no statistics yet, and the planner reads whole tables without.
        sqlx::query("ANALYZE").execute(&mut self.connect().await?).await?;
        Ok(())
    }

    /// Drops all tables: there were none before.
    pub(super) async fn clear(&self) -> Result<(), DbError> {
        let mut connection = self.connect().await?;
        let tables = format!("SELECT string_agg(quote_ident(c.relname), ', ') {RELATIONS} AND c.relkind IN ('r', 'p')");
        let tables: Option<String> = sqlx::query_scalar(AssertSqlSafe(tables)).fetch_one(&mut connection).await?;
        if let Some(tables) = tables {
            sqlx::query(AssertSqlSafe(format!("DROP TABLE {tables} CASCADE"))).execute(&mut connection).await?;
        }
        Ok(())
    }

    async fn connect(&self) -> Result<PgConnection, DbError> {
        Ok(self.options.clone().disable_statement_logging().connect().await?)
    }
}

/// The namespace in which our tables lie or are to lie.
pub(super) async fn current_namespace(connection: &mut Connection) -> Result<String, DbError> {
    let name: Option<String> = query("SELECT current_schema()::text").scalar_one(connection).await?;
    name.ok_or(DbError::NoNamespace)
}

/// The name of the database.
pub(super) fn name_of(options: &PgConnectOptions) -> &str {
    options.get_database().unwrap_or_else(|| options.get_username())
}
