//! A `SQLite` database as one file: `VACUUM INTO`, which reads one state while others write, and a copy back.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

use super::super::open::Place;
use super::super::{Db, DbError, Schema, query};
use super::error::BackupError;
use super::{folder_beside, private_file, put_in_place, size_of, watched};
use crate::files::{FileError, failed};
use crate::progress::{Part, Progress};

/// What `SQLite` keeps beside a database, by what it adds to the name.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];
/// Bytes that are copied at a time.
const PIECE: usize = 1 << 20;
/// `SQLITE_CORRUPT` and `SQLITE_NOTADB`: <https://www.sqlite.org/rescode.html>.
const DAMAGED: [u32; 2] = [11, 26];

/// Writes the database into an empty file.
pub(super) async fn dump(db: &Db, file: &Path, progress: &mut (dyn Progress + Send)) -> Result<(), BackupError> {
    let total = db.size_bytes().await?;
    let mut connection = db.read().await?;
    let vacuum = query("VACUUM INTO $1").bind(text(file)?).execute(&mut connection);
    watched(Part::Backup, Some(total), progress, || size_of(file), vacuum).await?;
    Ok(())
}

/// Reads a backup through: whether every page, row and index is whole, and whether this program made the tables.
pub(super) async fn check(file: &Path, progress: &mut (dyn Progress + Send)) -> Result<Schema, BackupError> {
    let damaged = |problem: String| BackupError::Damaged { path: file.to_owned(), problem };
    let looked = async {
        let db = Place::Sqlite(SqliteConnectOptions::new().filename(file)).look().await?;
        let looked = read_through(&db, size_of(file)).await;
        db.close().await;
        looked
    };
    match watched(Part::Check, None, progress, || 0, looked).await {
        Ok((schema, integrity)) if integrity == "ok" => Ok(schema),
        Ok((_, problem)) => Err(damaged(problem)),
        Err(DbError::Empty | DbError::ForeignSchema(_)) => Err(BackupError::NotABackup(file.to_owned())),
        Err(DbError::Sql(error)) if is_damage(&error) => Err(damaged(error.to_string())),
        Err(other) => Err(other.into()),
    }
}

/// The schema, and "ok" or what is wrong with pages, rows and indexes. `SQLite` takes what is missing of the last page for
/// zeros, so the size is compared as well.
async fn read_through(db: &Db, size: u64) -> Result<(Schema, String), DbError> {
    let schema = db.schema().await?;
    schema.insist_known()?;
    let whole = db.size_bytes().await?;
    if size != whole {
        return Ok((schema, format!("it has {size} bytes instead of {whole}")));
    }
    let integrity = query("PRAGMA integrity_check(1)").scalar_one(&mut db.read().await?).await?;
    Ok((schema, integrity))
}

fn is_damage(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.parse::<u32>().is_ok_and(|code| DAMAGED.contains(&(code & 0xff))))
}

fn text(path: &Path) -> Result<&str, FileError> {
    path.to_str().ok_or_else(|| failed("name", path)(std::io::ErrorKind::InvalidFilename.into()))
}

/// A copy of a backup in a folder beside the place where it is to go. The folder goes away with this value.
#[derive(Debug)]
pub(super) struct Restoring {
    folder: TempDir,
    options: SqliteConnectOptions,
}

impl Restoring {
    pub(super) async fn begin(
        options: SqliteConnectOptions,
        file: &Path,
        progress: &mut (dyn Progress + Send),
    ) -> Result<Self, BackupError> {
        let target = options.get_filename();
        // A log that is left of another database would be played into this one.
        let mut places = [target.to_owned()].into_iter().chain(beside(target));
        if let Some(there) = places.find(|path| path.exists()) {
            return Err(BackupError::NotEmpty(there.display().to_string()));
        }
        let restoring = Self { folder: folder_beside(target)?, options };
        copy(file, &restoring.file(), progress).await?;
        match check(&restoring.file(), progress).await {
            Ok(_) => Ok(restoring),
            // Whoever reads this knows the backup and not the copy.
            Err(BackupError::Damaged { problem, .. }) => Err(BackupError::Damaged { path: file.to_owned(), problem }),
            Err(BackupError::NotABackup(_)) => Err(BackupError::NotABackup(file.to_owned())),
            Err(other) => Err(other),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("restored")
    }

    pub(super) fn place(&self) -> Place {
        Place::Sqlite(self.options.clone().filename(self.file()))
    }

    pub(super) fn keep(self) -> Result<(), BackupError> {
        // The last connection that closes takes the write-ahead log in; a database is not moved without it.
        if let Some(open) = beside(&self.file()).into_iter().find(|path| path.exists()) {
            return Err(failed("close", &open)(std::io::ErrorKind::ResourceBusy.into()).into());
        }
        put_in_place(&self.file(), self.options.get_filename())
    }

    pub(super) fn discard(self) -> Result<(), BackupError> {
        let folder = self.folder.path().to_owned();
        Ok(self.folder.close().map_err(failed("remove", &folder))?)
    }
}

/// The files that `SQLite` may keep beside a database.
fn beside(database: &Path) -> [PathBuf; 3] {
    BESIDE.map(|suffix| {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        name.into()
    })
}

async fn copy(from: &Path, to: &Path, progress: &mut (dyn Progress + Send)) -> Result<(), BackupError> {
    progress.begin(Part::Restore, Some(size_of(from)));
    let mut source = std::fs::File::open(from).map_err(failed("read", from))?;
    let mut target = private_file(to)?;
    let (mut piece, mut done) = (vec![0; PIECE], 0);
    loop {
        let read = source.read(&mut piece).map_err(failed("read", from))?;
        if read == 0 {
            return Ok(target.sync_all().map_err(failed("sync", to))?);
        }
        target.write_all(&piece[..read]).map_err(failed("write", to))?;
        done += read as u64;
        progress.reach(done);
        // Whoever waits for this may want to stop it.
        tokio::task::yield_now().await;
    }
}
