//! An export: the rows that the log speaks for, as files that can be verified on another machine.
//!
//! One file of JSON lines a table, one row a line in the order of the keys, and a manifest. Rows are written as they
//! come and read one by one, so an export may be larger than memory. Holds what `tables` says: card ids and signed
//! taps, so it is for auditors' eyes. Not here: whether it is right (`verify`).

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use futures_util::stream::TryStreamExt as _;
use serde::{Deserialize, Serialize};

use super::rows::store;
use super::tables::{TABLES, Table, Value};
use crate::db::{Connection, DbError};
use crate::files::{FileError, failed};
use crate::progress::{Part, Progress};

/// The only format that this program writes and reads.
pub const FORMAT: u32 = 3;

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

/// Why an export could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A file failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file is not what this program writes.
    #[error("{}:{line} is not a row of this export", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Which line, counted from 1; 0 for the whole file.
        line: u64,
    },
    /// Another program wrote it.
    #[error(
        "the export has format {found}, this program reads format {FORMAT}: verify it with the program of its time"
    )]
    Format {
        /// What its manifest says.
        found: u32,
    },
}

impl From<sqlx::Error> for ExportError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

/// Exported rows that can be read again and again, table by table.
pub trait Rows {
    /// The rows of a table, in the order of its keys.
    ///
    /// # Errors
    /// When they cannot be opened; each row may fail too.
    fn of(&self, table: &'static Table) -> Result<RowIter<'_>, ExportError>;

    /// About how many bytes the rows of a table take; for showing progress.
    fn bytes(&self, table: &'static Table) -> u64;
}

/// Rows one by one, each with the bytes that it takes.
pub type RowIter<'a> = Box<dyn Iterator<Item = Result<(Vec<Value>, u64), ExportError>> + 'a>;

/// Writes every table into a folder, which must be new or empty. The rows of each table. The connection shows one
/// snapshot.
///
/// # Errors
/// When the database or a file fails.
pub async fn write(
    connection: &mut Connection,
    manifest: &Manifest,
    folder: &Path,
    progress: &mut (dyn Progress + Send),
) -> Result<Vec<(&'static str, u64)>, ExportError> {
    std::fs::create_dir_all(folder).map_err(failed("make", folder))?;
    if std::fs::read_dir(folder).map_err(failed("read", folder))?.next().is_some() {
        return Err(failed("write into", folder)(std::io::ErrorKind::DirectoryNotEmpty.into()).into());
    }
    let mut written = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        progress.begin(Part::Export(table.name), None);
        let path = table_path(folder, table);
        let mut out = BufWriter::new(File::create_new(&path).map_err(failed("make", &path))?);
        let mut rows = store::all(connection, table)?;
        let mut count = 0;
        while let Some(row) = rows.try_next().await? {
            serde_json::to_writer(&mut out, &row).map_err(|error| failed("write", &path)(error.into()))?;
            out.write_all(b"\n").map_err(failed("write", &path))?;
            count += 1;
            progress.reach(count);
        }
        let file = out.into_inner().map_err(|error| failed("write", &path)(error.into_error()))?;
        file.sync_all().map_err(failed("write", &path))?;
        written.push((table.name, count));
    }
    let path = folder.join(MANIFEST);
    let manifest = serde_json::to_vec_pretty(manifest).expect("a manifest has a JSON form");
    std::fs::write(&path, manifest).map_err(failed("write", &path))?;
    Ok(written)
}

const MANIFEST: &str = "manifest.json";

fn table_path(folder: &Path, table: &Table) -> PathBuf {
    folder.join(format!("{}.jsonl", table.name))
}

/// An export's folder.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Opens an export.
    ///
    /// # Errors
    /// When it has no manifest that this program can read.
    pub fn open(folder: &Path) -> Result<Self, ExportError> {
        let path = folder.join(MANIFEST);
        let manifest = std::fs::read(&path).map_err(failed("read", &path))?;
        let manifest: Manifest =
            serde_json::from_slice(&manifest).map_err(|_| ExportError::Malformed { path, line: 0 })?;
        if manifest.format == FORMAT {
            Ok(Self(folder.to_owned()))
        } else {
            Err(ExportError::Format { found: manifest.format })
        }
    }
}

impl Rows for Folder {
    fn of(&self, table: &'static Table) -> Result<RowIter<'_>, ExportError> {
        let path = table_path(&self.0, table);
        let lines = BufReader::new(File::open(&path).map_err(failed("read", &path))?).lines();
        Ok(Box::new(lines.zip(1..).map(move |(line, number)| {
            let line = line.map_err(failed("read", &path))?;
            let row: Option<Vec<Value>> = serde_json::from_str(&line).ok();
            let row = row.filter(|row| row.len() == table.width());
            let row = row.ok_or_else(|| ExportError::Malformed { path: path.clone(), line: number })?;
            Ok((row, line.len() as u64 + 1))
        })))
    }

    fn bytes(&self, table: &'static Table) -> u64 {
        std::fs::metadata(table_path(&self.0, table)).map_or(0, |file| file.len())
    }
}
