//! Databases for tests: each test has one of its own, on the engine that this run of the tests is for.

use std::fmt::Write as _;
use std::str::FromStr as _;

use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use super::{Connection, Db, Value, query};

/// Names a `PostgreSQL` database in which every test makes a schema of its own; without it tests run on `SQLite`.
const SERVER: &str = "TEST_DATABASE_URL";

/// An empty database that goes away with its folder, or with the server that was started for the tests.
pub(crate) struct Scratch {
    pub(crate) db: Db,
    pub(crate) url: String,
    folder: tempfile::TempDir,
}

impl Scratch {
    /// On the engine that this run of the tests is for.
    pub(crate) async fn new() -> Self {
        match std::env::var(SERVER) {
            Ok(server) => Self::on_server(&server).await,
            Err(_) => Self::sqlite().await,
        }
    }

    /// On `SQLite`, for what only `SQLite` does.
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let db = Db::create(&url).await.unwrap();
        Self { db, url, folder }
    }

    async fn on_server(server: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The folder's name is unique on this machine; a schema's has no dots and no capitals.
        let unique = folder.path().file_name().unwrap().to_str().unwrap();
        let name = unique.bytes().fold("test_".to_owned(), |mut name, byte| {
            write!(name, "{byte:02x}").unwrap();
            name
        });
        let mut connection = sqlx::PgConnection::connect(server).await.unwrap();
        let sql = sqlx::AssertSqlSafe(format!("CREATE SCHEMA {name}"));
        sqlx::query(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let url = format!("{server}&options[search_path]={name}");
        let db = Db::create(&url).await.unwrap();
        Self { db, url, folder }
    }

    /// Everything that the database holds: its files, or every value of every table on a server.
    pub(crate) async fn contents(&self) -> Vec<u8> {
        let mut contents = Vec::new();
        let mut connection = self.db.read().await.unwrap();
        if let Connection::Sqlite(_) = connection {
            for file in std::fs::read_dir(self.folder.path()).unwrap() {
                contents.extend(std::fs::read(file.unwrap().path()).unwrap());
            }
            return contents;
        }
        let columns = "SELECT table_name::text AS table_name, COUNT(*) AS columns FROM information_schema.columns
            WHERE table_schema = current_schema() GROUP BY table_name";
        for table in query(columns).all(&mut connection).await.unwrap() {
            let (name, columns): (String, i64) = (table.get("table_name").unwrap(), table.get("columns").unwrap());
            for row in query(format!("SELECT * FROM {name}")).all(&mut connection).await.unwrap() {
                for column in 0..usize::try_from(columns).unwrap() {
                    match row.stored(column) {
                        Ok(Value::Bytes(value)) => contents.extend(value.unwrap_or_default()),
                        Ok(Value::Text(value)) => contents.extend(value.unwrap_or_default().bytes()),
                        // Numbers, and what the migrations' own table holds of other types.
                        _ => {}
                    }
                }
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
