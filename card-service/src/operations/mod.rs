//! What operators do with the database as a whole: look at it, back it up, put a backup back, move it to the other
//! engine.
//!
//! Composes [`crate::db::backup`] and [`crate::db::relocation`] with the checks that say whether what was put back or moved
//! is right. Not here: SQL, and how an engine writes its backups (`db`); what the commands print (`cli`).

mod relocate;
mod status;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::pin::pin;

use card_schema::clock::Micros;
use serde::Serialize;

pub use self::relocate::{Moved, relocate};
pub use self::status::{Counts, Endangered, Status, status};
use crate::db::backup::{self, BackupError, Restoring, Written};
use crate::db::relocation::RelocationError;
use crate::db::{Db, DbError};
use crate::evidence::audit::{self, AuditError, LedgerReport};
use crate::evidence::verify::Finding;
use crate::progress::Progress;

/// Why an operation was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// The database failed, or is not there.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The backup.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The move to another engine.
    #[error(transparent)]
    Relocation(#[from] RelocationError),
    /// The check of what was put back or moved did not come to a result.
    #[error(transparent)]
    Check(#[from] AuditError),
    /// What was put back or moved is no ledger.
    #[error(
        "the ledger in the {origin} is wrong ({count} findings; the first: {}: {}), so nothing of it was kept: use a \
         backup whose ledger is right", first.row, first.problem
    )]
    Unbalanced {
        /// Where it came from.
        origin: &'static str,
        /// How many findings.
        count: u64,
        /// The first of them.
        first: Finding,
    },
    /// Somebody stopped it.
    #[error("stopped before it was done; nothing was left behind")]
    Stopped,
}

/// Writes a backup into a new file; in a folder that there is, under a name made of the time.
///
/// # Errors
/// Those of [`backup::write`].
pub async fn back_up(
    url: &str,
    to: &Path,
    now: Micros,
    progress: &mut (dyn Progress + Send),
) -> Result<Written, OperationError> {
    let file = if to.is_dir() { to.join(name_at(now, backup::suffix(url)?)) } else { to.to_owned() };
    Ok(backup::write(url, &file, progress).await?)
}

fn name_at(now: Micros, suffix: &str) -> String {
    let at = jiff::Timestamp::from_microsecond(now.0).expect("the clock shows a time before the year 10000");
    format!("card-service-{}.{suffix}", at.strftime("%Y%m%dT%H%M%SZ"))
}

/// What was put back.
#[derive(Clone, Debug, Serialize)]
pub struct Restored {
    /// The backup.
    pub file: PathBuf,
    /// Version of the schema now.
    pub schema_version: i64,
    /// Accounts whose balances were recomputed.
    pub accounts: u64,
    /// Transfers that were added up.
    pub transfers: u64,
}

/// Puts a backup back where there is no database, brings its schema up to date and checks its ledger. When `stop` is
/// ready, or anything is wrong, nothing is left.
///
/// # Errors
/// [`OperationError`] says what is wrong and what to do.
pub async fn restore(
    url: &str,
    file: &Path,
    progress: &mut (dyn Progress + Send),
    stop: impl Future<Output = ()>,
) -> Result<Restored, OperationError> {
    let mut stop = pin!(stop);
    let restoring = tokio::select! {
        biased;
        () = &mut stop => return Err(OperationError::Stopped),
        restoring = Restoring::begin(url, file, progress) => restoring?,
    };
    let checked = check(&restoring, progress, stop).await;
    match checked {
        Ok((schema_version, LedgerReport { accounts, transfers, .. })) => {
            restoring.keep().await?;
            Ok(Restored { file: file.to_owned(), schema_version, accounts, transfers })
        }
        Err(error) => {
            restoring.discard().await?;
            Err(error)
        }
    }
}

/// The database is closed whatever comes of it: only then can it be moved, or taken away.
async fn check(
    restoring: &Restoring,
    progress: &mut (dyn Progress + Send),
    stop: impl Future<Output = ()>,
) -> Result<(i64, LedgerReport), OperationError> {
    let db = restoring.open(progress).await?;
    let checked = tokio::select! {
        biased;
        () = stop => Err(OperationError::Stopped),
        checked = examine(&db, progress) => checked,
    };
    db.close().await;
    checked
}

async fn examine(db: &Db, progress: &mut (dyn Progress + Send)) -> Result<(i64, LedgerReport), OperationError> {
    let report = audit::check_ledger(db, progress).await?;
    insist_on_balance(&report, "backup")?;
    Ok((db.schema().await?.found, report))
}

/// Refuses a ledger in which something was found.
fn insist_on_balance(report: &LedgerReport, origin: &'static str) -> Result<(), OperationError> {
    match report.findings.first() {
        Some(first) => {
            let count = report.findings.len() as u64 + report.further_findings;
            Err(OperationError::Unbalanced { origin, count, first: first.clone() })
        }
        None => Ok(()),
    }
}
