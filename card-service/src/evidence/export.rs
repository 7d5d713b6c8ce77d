//! An export: the rows that the log speaks for, as files that can be verified on another machine.
//!
//! One file of JSON lines a table, every column as it is stored, and a manifest. Holds what the tables hold: card ids
//! and signed taps, so it is for auditors' eyes. Not here: whether it is right (`verify`).

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::leaf::Column;
use super::store;
use crate::db::dialect::Connection;
use crate::db::{DbError, sets};

/// A table of the export.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns in order.
    pub columns: &'static [&'static str],
    /// How many of them name the row.
    pub key: usize,
    /// How many of them the row's leaf commits to; 0 where no leaf does.
    pub committed: usize,
}

/// The exported tables.
pub static TABLES: [Table; 8] = [
    Table {
        name: "leaf",
        columns: &["shard", "leaf_id", "kind", "at", "body", "hash", "salt", "tree_index"],
        key: 2,
        committed: 0,
    },
    Table { name: "tile", columns: &["level", "idx", "width", "hashes"], key: 2, committed: 0 },
    Table { name: "checkpoint", columns: &["size", "root", "note", "at"], key: 1, committed: 0 },
    Table {
        name: "account",
        columns: &["shard", "account_id", "unit", "kind", "owner", "overdraft_allowed", "balance", "leaf"],
        key: 2,
        committed: 6,
    },
    Table {
        name: "transfer",
        columns: &["shard", "transfer_id", "debit", "credit", "amount", "unit", "kind", "reference", "at", "leaf"],
        key: 2,
        committed: 9,
    },
    Table {
        name: "tap",
        columns: &[
            "shard",
            "terminal_id",
            "lane",
            "counter",
            "tap_id",
            "card_id",
            "operation",
            "at",
            "received_at",
            "outcome",
            "balance",
            "cose",
            "leaf",
        ],
        key: 4,
        committed: 12,
    },
    Table { name: "lane", columns: &["terminal_id", "lane", "counter", "head"], key: 2, committed: 0 },
    Table {
        name: "lane_event",
        columns: &["terminal_id", "lane", "counter", "tap_id", "kind", "expected", "at", "cose", "leaf_shard", "leaf"],
        key: 5,
        committed: 8,
    },
];

/// A stored value, whatever its column is meant to hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An integer.
    Int(i64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Text.
    Text(String),
    /// Nothing.
    Null,
}

impl Value {
    /// As a leaf hashes it.
    pub fn column(&self) -> Column<'_> {
        match self {
            Self::Int(number) => Column::Int(*number),
            Self::Bytes(bytes) => Column::Bytes(bytes),
            Self::Text(text) => Column::Text(text),
            Self::Null => Column::Null,
        }
    }

    fn to_json(&self) -> Json {
        match self {
            Self::Int(number) => (*number).into(),
            Self::Bytes(bytes) => format!("x{}", sets::hex(bytes)).into(),
            Self::Text(text) => format!("t{text}").into(),
            Self::Null => Json::Null,
        }
    }

    fn from_json(json: &Json) -> Option<Self> {
        match json {
            Json::Null => Some(Self::Null),
            Json::Number(number) => number.as_i64().map(Self::Int),
            Json::String(text) => match text.split_at_checked(1)? {
                ("t", text) => Some(Self::Text(text.to_owned())),
                ("x", hex) => unhex(hex).map(Self::Bytes),
                _ => None,
            },
            _ => None,
        }
    }
}

fn unhex(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// What an export says about itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this format.
    pub format: u32,
    /// The log's verifier key, as the exporting service says. Verify with one that you know from elsewhere.
    pub log_key: String,
    /// When, by the service's clock, in microseconds since 1970.
    pub exported_at: i64,
}

/// An export in memory.
#[derive(Clone, Debug)]
pub struct Export {
    /// About itself.
    pub manifest: Manifest,
    /// The rows of each table, in the order of [`TABLES`].
    pub rows: Vec<Vec<Vec<Value>>>,
}

/// Why an export could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A file failed.
    #[error("cannot {operation} {}", path.display())]
    File {
        /// What was being done.
        operation: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is not what this program writes.
    #[error("{}:{line} is not a row of this export", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Which line, counted from 1; 0 for the whole file.
        line: usize,
    },
}

impl Export {
    /// Reads the tables in one snapshot.
    pub async fn read(connection: &mut Connection, manifest: Manifest) -> Result<Self, DbError> {
        let rows = store::dump(connection).await?;
        Ok(Self { manifest, rows })
    }

    /// Writes the files into a folder, which must be new or empty.
    pub fn write(&self, folder: &Path) -> Result<(), ExportError> {
        let file = |operation, path: &Path| {
            let path = path.to_owned();
            move |source| ExportError::File { operation, path, source }
        };
        std::fs::create_dir_all(folder).map_err(file("make", folder))?;
        if std::fs::read_dir(folder).map_err(file("read", folder))?.next().is_some() {
            let source = std::io::ErrorKind::DirectoryNotEmpty.into();
            return Err(ExportError::File { operation: "write into", path: folder.to_owned(), source });
        }
        for (table, rows) in TABLES.iter().zip(&self.rows) {
            let path = table_path(folder, table);
            let mut out = BufWriter::new(File::create_new(&path).map_err(file("make", &path))?);
            for row in rows {
                let json = Json::Array(row.iter().map(Value::to_json).collect());
                writeln!(out, "{json}").map_err(file("write", &path))?;
            }
            out.into_inner()
                .map_err(|error| file("write", &path)(error.into_error()))?
                .sync_all()
                .map_err(file("write", &path))?;
        }
        let path = folder.join("manifest.json");
        let manifest = serde_json::to_vec_pretty(&self.manifest).expect("a manifest has a JSON form");
        std::fs::write(&path, manifest).map_err(file("write", &path))
    }

    /// Reads the files of a folder.
    pub fn load(folder: &Path) -> Result<Self, ExportError> {
        let path = folder.join("manifest.json");
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| ExportError::File { operation: "read", path, source }
        };
        let manifest = std::fs::read(&path).map_err(file(&path))?;
        let manifest = serde_json::from_slice(&manifest).map_err(|_| ExportError::Malformed { path, line: 0 })?;
        let mut tables = Vec::with_capacity(TABLES.len());
        for table in &TABLES {
            let path = table_path(folder, table);
            let mut rows = Vec::new();
            for (at, line) in BufReader::new(File::open(&path).map_err(file(&path))?).lines().enumerate() {
                let line = line.map_err(file(&path))?;
                let row = serde_json::from_str::<Vec<Json>>(&line).ok();
                let row = row.and_then(|row| row.iter().map(Value::from_json).collect::<Option<Vec<_>>>());
                let row = row.filter(|row| row.len() == table.columns.len());
                rows.push(row.ok_or_else(|| ExportError::Malformed { path: path.clone(), line: at + 1 })?);
            }
            tables.push(rows);
        }
        Ok(Self { manifest, rows: tables })
    }
}

fn table_path(folder: &Path, table: &Table) -> PathBuf {
    folder.join(format!("{}.jsonl", table.name))
}
