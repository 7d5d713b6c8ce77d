//! A database as one file: written while others work on it, and put back where there is none.
//!
//! [`write`] never overwrites, and nothing stands under the file's name before it is whole, on the disk and read
//! through. [`Restoring`] puts a file back aside, or in one transaction, and is kept or discarded by whoever has checked
//! what is in it. `sqlite` and `postgres` know how their engine does that.
//! Not here: whether the content is right (`operations`); keys, which are files of their own.

mod error;
mod postgres;
mod sqlite;

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use serde::Serialize;
use tempfile::{TempDir, TempPath};

pub use self::error::BackupError;
use super::open::Place;
use super::{Db, Engine};
use crate::files::{FileError, failed};
use crate::progress::{Part, Progress};

/// How often a progress bar moves.
const TICK: Duration = Duration::from_millis(200);
/// How names of folders begin in which something is made; one is left behind by a process that was killed.
const UNFINISHED: &str = ".card-service-";

/// A backup that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Written {
    /// The file.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Version of the schema in it.
    pub schema_version: i64,
}

/// What the name of a backup of this database ends in.
///
/// # Errors
/// When the URL is not usable.
pub fn suffix(url: &str) -> Result<&'static str, BackupError> {
    Ok(match url.parse()? {
        Place::Sqlite(_) => "db",
        Place::Postgres(_) => "dump",
    })
}

/// Writes a backup into a new file that its owner alone may read.
///
/// # Errors
/// [`BackupError::Exists`] where there is such a file; after any error there is none.
pub async fn write(url: &str, file: &Path, progress: &mut (dyn Progress + Send)) -> Result<Written, BackupError> {
    if file.exists() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    let place: Place = url.parse()?;
    // Said before the work, not after it.
    let db = place.clone().look().await?;
    let schema = db.schema().await;
    db.close().await;
    schema?.insist_known()?;
    let unfinished = folder_beside(file)?;
    let part = unfinished.path().join("backup");
    private_file(&part)?;
    dump(&place, &part, progress).await?;
    let schema = match place {
        Place::Sqlite(_) => sqlite::check(&part, progress).await?,
        Place::Postgres(_) => postgres::check(&part, progress).await?.0,
    };
    let bytes = std::fs::metadata(&part).map_err(failed("read", &part))?.len();
    put_in_place(&part, file)?;
    Ok(Written { file: file.to_owned(), bytes, schema_version: schema.found })
}

/// Writes what a database holds into an empty file.
async fn dump(place: &Place, file: &Path, progress: &mut (dyn Progress + Send)) -> Result<(), BackupError> {
    let db = place.clone().look().await?;
    let dumped = match place {
        Place::Sqlite(_) => sqlite::dump(&db, file, progress).await,
        Place::Postgres(options) => postgres::dump(&db, options, file, progress).await,
    };
    db.close().await;
    dumped
}

/// A backup that was put back and that nobody has accepted yet: it is to be kept or discarded. Dropped, it leaves nothing
/// on `SQLite`, and on `PostgreSQL` what was restored.
#[derive(Debug)]
pub struct Restoring(Way);

#[derive(Debug)]
enum Way {
    Sqlite(sqlite::Restoring),
    Postgres(postgres::Restoring),
}

impl Restoring {
    /// Reads through what is to be put back, and puts it aside (`SQLite`) or into an empty database.
    ///
    /// # Errors
    /// [`BackupError::NotEmpty`] where there is a database already; [`BackupError`] says what is wrong with the file.
    /// After any error the database is as empty as before.
    pub async fn begin(url: &str, file: &Path, progress: &mut (dyn Progress + Send)) -> Result<Self, BackupError> {
        let engine = engine_of(file)?;
        let way = match (url.parse()?, engine) {
            (Place::Sqlite(options), Engine::Sqlite) => {
                Way::Sqlite(sqlite::Restoring::begin(options, file, progress).await?)
            }
            (Place::Postgres(options), Engine::Postgres) => {
                Way::Postgres(postgres::Restoring::begin(options, file, progress).await?)
            }
            _ => return Err(BackupError::OtherEngine { path: file.to_owned(), engine }),
        };
        Ok(Self(way))
    }

    /// Opens what was put back and brings its schema up to date.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub async fn open(&self, progress: &mut (dyn Progress + Send)) -> Result<Db, BackupError> {
        let place = match &self.0 {
            Way::Sqlite(restoring) => restoring.place(),
            Way::Postgres(restoring) => restoring.place(),
        };
        Ok(place.open(false, progress).await.map(|(db, _)| db)?)
    }

    /// Makes it the database. What was opened is closed before.
    ///
    /// # Errors
    /// When a file or the database fails.
    pub async fn keep(self) -> Result<(), BackupError> {
        match self.0 {
            Way::Sqlite(restoring) => restoring.keep(),
            Way::Postgres(restoring) => restoring.keep().await,
        }
    }

    /// Takes it away again. What was opened is closed before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn discard(self) -> Result<(), BackupError> {
        match self.0 {
            Way::Sqlite(restoring) => restoring.discard(),
            Way::Postgres(restoring) => restoring.discard().await,
        }
    }
}

/// The engine whose backup a file is, by how it begins.
fn engine_of(file: &Path) -> Result<Engine, BackupError> {
    // <https://www.sqlite.org/fileformat.html#magic_header_string>; pg_backup_archiver.h, `K_VERS_…`.
    const LONGEST: u64 = 16;
    let mut head = Vec::new();
    let opened = File::open(file).map_err(failed("read", file))?;
    opened.take(LONGEST).read_to_end(&mut head).map_err(failed("read", file))?;
    if head.starts_with(b"SQLite format 3\0") {
        Ok(Engine::Sqlite)
    } else if head.starts_with(b"PGDMP") {
        Ok(Engine::Postgres)
    } else {
        Err(BackupError::NotABackup(file.to_owned()))
    }
}

/// A new folder in which something is made that will go under `file`'s name.
fn folder_beside(file: &Path) -> Result<TempDir, FileError> {
    let folder = folder_of(file);
    tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(folder).map_err(failed("write into", folder))
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn private_file(path: &Path) -> Result<File, FileError> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed("make", path))
}

/// Gives a finished file its name, durably. There is none of that name, or it is an error.
fn put_in_place(finished: &Path, file: &Path) -> Result<(), BackupError> {
    let sync = |path: &Path| File::open(path).and_then(|file| file.sync_all()).map_err(failed("sync", path));
    sync(finished)?;
    let finished = TempPath::try_from_path(finished).map_err(failed("find", finished))?;
    finished.persist_noclobber(file).map_err(|refused| match refused.error.kind() {
        std::io::ErrorKind::AlreadyExists => BackupError::Exists(file.to_owned()),
        _ => failed("make", file)(refused.error).into(),
    })?;
    Ok(sync(folder_of(file))?)
}

/// Shows how far work has come while it goes on.
async fn watched<T>(
    part: Part,
    total: Option<u64>,
    progress: &mut (dyn Progress + Send),
    done: impl Fn() -> u64,
    work: impl Future<Output = T>,
) -> T {
    progress.begin(part, total);
    let mut work = pin!(work);
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            finished = &mut work => return finished,
            _ = tick.tick() => progress.reach(done()),
        }
    }
}

/// Writes a backup of whatever a database holds.
#[cfg(test)]
pub(crate) async fn write_unchecked(url: &str, file: &Path) {
    private_file(file).unwrap();
    dump(&url.parse().unwrap(), file, &mut ()).await.unwrap();
}

/// How large a file is by now.
fn size_of(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}
