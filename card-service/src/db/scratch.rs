//! Databases for tests: each test has one of its own, on the engine that this run of the tests is for.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::str::FromStr as _;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool, SqlitePool};

use super::open::Place;
use super::{Connection, Db, Engine, Pool, Row, Value, query, schema};

/// Names a `PostgreSQL` database in which every test makes a schema of its own; without it tests run on `SQLite`.
const SERVER: &str = "TEST_DATABASE_URL";

/// An empty database that goes away with its folder, or with the server that was started for the tests.
pub(crate) struct Scratch {
    pub(crate) db: Db,
    pub(crate) url: String,
    folder: tempfile::TempDir,
}

/// Where there is no database yet.
pub(crate) struct Nowhere {
    pub(crate) url: String,
    folder: tempfile::TempDir,
}

impl Nowhere {
    /// On the engine that this run of the tests is for.
    pub(crate) async fn new() -> Self {
        match std::env::var(SERVER) {
            Ok(server) => {
                let folder = tempfile::tempdir().unwrap();
                let name = unique(&folder);
                execute(&server, format!("CREATE SCHEMA {name}")).await;
                Self { url: format!("{server}&options[search_path]={name}"), folder }
            }
            Err(_) => Self::sqlite(),
        }
    }

    /// On `SQLite`, for what only `SQLite` does.
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { url: format!("sqlite:{}", folder.path().join("test.db").display()), folder }
    }

    /// On a server, where this run of the tests has one.
    pub(crate) async fn postgres() -> Option<Self> {
        if std::env::var(SERVER).is_ok() { Some(Self::new().await) } else { None }
    }

    /// Makes a database whose schema is of an earlier version.
    pub(crate) async fn at_version(&self, version: i64) {
        let pool = match self.url.parse().unwrap() {
            Place::Sqlite(options) => {
                Pool::Sqlite(SqlitePool::connect_with(options.create_if_missing(true)).await.unwrap())
            }
            Place::Postgres(options) => Pool::Postgres(PgPool::connect_with(options).await.unwrap()),
        };
        schema::migrate_to(&mut pool.acquire().await.unwrap(), version).await.unwrap();
        pool.close().await;
    }

    /// A place for a second database with the same tables. On `PostgreSQL` these are in a schema of the same name, so
    /// that it is a database of its own.
    pub(crate) async fn elsewhere(&self) -> Self {
        elsewhere(&self.folder).await
    }

    /// Whether nothing has been left here.
    pub(crate) async fn is_empty(&self) -> bool {
        match self.url.parse().unwrap() {
            Place::Sqlite(_) => std::fs::read_dir(self.folder.path()).unwrap().next().is_none(),
            Place::Postgres(options) => {
                let left = "SELECT COUNT(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace";
                let mut connection = PgConnection::connect_with(&options).await.unwrap();
                sqlx::query_scalar::<_, i64>(left).fetch_one(&mut connection).await.unwrap() == 0
            }
        }
    }
}

/// A name that is unique on this machine, as the folder's is; of a schema or a database, without dots and capitals.
fn unique(folder: &tempfile::TempDir) -> String {
    let name = folder.path().file_name().unwrap().to_str().unwrap();
    name.bytes().fold("test_".to_owned(), |mut name, byte| {
        write!(name, "{byte:02x}").unwrap();
        name
    })
}

async fn elsewhere(than: &tempfile::TempDir) -> Nowhere {
    let Ok(server) = std::env::var(SERVER) else { return Nowhere::sqlite() };
    let folder = tempfile::tempdir().unwrap();
    let (name, schema) = (unique(&folder), unique(than));
    execute(&server, format!("CREATE DATABASE {name} TEMPLATE template0")).await;
    let server = format!("{server}&dbname={name}");
    execute(&server, format!("CREATE SCHEMA {schema}")).await;
    Nowhere { url: format!("{server}&options[search_path]={schema}"), folder }
}

async fn execute(server: &str, sql: String) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

impl Scratch {
    /// On the engine that this run of the tests is for.
    pub(crate) async fn new() -> Self {
        Self::at(Nowhere::new().await).await
    }

    /// On `SQLite`, for what only `SQLite` does.
    pub(crate) async fn sqlite() -> Self {
        Self::at(Nowhere::sqlite()).await
    }

    /// Where there was no database yet; one that has come there since is opened.
    pub(crate) async fn at(nowhere: Nowhere) -> Self {
        let Nowhere { url, folder } = nowhere;
        Self { db: Db::create(&url).await.unwrap(), url, folder }
    }

    /// As [`Nowhere::elsewhere`].
    pub(crate) async fn elsewhere(&self) -> Nowhere {
        elsewhere(&self.folder).await
    }

    /// Everything that the database holds: its files, or every value of every table on a server.
    pub(crate) async fn contents(&self) -> Vec<u8> {
        let mut contents = Vec::new();
        if self.db.engine() == Engine::Sqlite {
            for file in std::fs::read_dir(self.folder.path()).unwrap() {
                contents.extend(std::fs::read(file.unwrap().path()).unwrap());
            }
            return contents;
        }
        for value in rows(&self.db).await.into_values().flatten().flatten() {
            match value {
                Value::Bytes(value) => contents.extend(value.unwrap_or_default()),
                Value::Text(value) => contents.extend(value.unwrap_or_default().bytes()),
                Value::Int(_) => {}
            }
        }
        contents
    }

    /// A connection to a `SQLite` database that keeps to no rule of the service.
    pub(crate) async fn superuser(&self) -> Connection {
        let options = SqliteConnectOptions::from_str(&self.url)
            .unwrap()
            .foreign_keys(false)
            .pragma("ignore_check_constraints", "ON")
            .pragma("synchronous", "OFF");
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
        Connection::Sqlite(pool.acquire().await.unwrap())
    }
}

/// Every row of every table of ours, in the order of its columns.
pub(crate) async fn rows(db: &Db) -> BTreeMap<String, Vec<Vec<Value>>> {
    let mut connection = db.read().await.unwrap();
    let tables = query(match db.engine() {
        Engine::Sqlite => {
            "SELECT m.name AS name, (SELECT COUNT(*) FROM pragma_table_info(m.name)) AS columns FROM sqlite_master m
             WHERE m.type = 'table' AND m.name <> '_sqlx_migrations'"
        }
        Engine::Postgres => {
            "SELECT table_name::text AS name, COUNT(*) AS columns FROM information_schema.columns
             WHERE table_schema = current_schema() AND table_name <> '_sqlx_migrations'
             AND to_regclass(quote_ident(table_name)) NOT IN (SELECT oid FROM pg_class WHERE relkind = 'v')
             GROUP BY table_name"
        }
    });
    let mut all = BTreeMap::new();
    for table in tables.all(&mut connection).await.unwrap() {
        let (name, columns): (String, i64) = (table.get("name").unwrap(), table.get("columns").unwrap());
        let order = (1..=columns).map(|column| column.to_string()).collect::<Vec<_>>().join(", ");
        let rows = query(format!("SELECT * FROM {name} ORDER BY {order}")).all(&mut connection).await.unwrap();
        let values = |row: &Row| (0..usize::try_from(columns).unwrap()).map(|at| row.stored(at).unwrap()).collect();
        all.insert(name, rows.iter().map(values).collect());
    }
    all
}
