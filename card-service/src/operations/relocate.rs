//! Moving a city from `SQLite` to `PostgreSQL`: copied, read back, its ledger checked, and only then there.

use std::pin::pin;

use futures_util::FutureExt as _;
use serde::Serialize;

use super::{OperationError, insist_on_balance};
use crate::db::Db;
use crate::db::relocation::{Copied, Relocation};
use crate::evidence::audit::{self, LedgerReport};
use crate::evidence::store;
use crate::progress::Progress;

/// What was moved.
#[derive(Clone, Debug, Serialize)]
pub struct Moved {
    /// Rows of all tables.
    pub rows: u64,
    /// Accounts whose balances were recomputed.
    pub accounts: u64,
    /// Transfers that were added up.
    pub transfers: u64,
    /// Leaves in the newest signed tree; none where no checkpoint was signed yet.
    pub checkpoint: Option<u64>,
}

/// Moves everything that a `SQLite` database holds into an empty `PostgreSQL` database. Nobody else can open the file
/// meanwhile, and it stays as it was. When `stop` is ready, or anything is wrong, nothing is left in the new database.
///
/// # Errors
/// [`OperationError`] says what is wrong and what to do.
pub async fn relocate(
    from: &str,
    to: &str,
    progress: &mut (dyn Progress + Send),
    stop: impl Future<Output = ()>,
) -> Result<Moved, OperationError> {
    let mut stop = pin!(stop);
    let mut relocation = tokio::select! {
        biased;
        () = &mut stop => return Err(OperationError::Stopped),
        relocation = Relocation::begin(from, to) => relocation?,
    };
    match carry(&mut relocation, progress, stop).await {
        Ok(moved) => {
            relocation.keep().await?;
            Ok(moved)
        }
        Err(error) => {
            relocation.discard().await?;
            Err(error)
        }
    }
}

/// Everything between an empty database and one that is committed. Between these two only it can be stopped.
async fn carry(
    relocation: &mut Relocation,
    progress: &mut (dyn Progress + Send),
    stop: impl Future<Output = ()>,
) -> Result<Moved, OperationError> {
    let mut stop = pin!(stop);
    let db = relocation.make_tables(progress).await?;
    let (copied, moved) = tokio::select! {
        biased;
        () = &mut stop => return Err(OperationError::Stopped),
        checked = copy_and_check(relocation, db, progress) => checked?,
    };
    // Whoever has asked before this moment is heard, also where the work never had to wait in between.
    if stop.now_or_never().is_some() {
        return Err(OperationError::Stopped);
    }
    copied.commit().await?;
    Ok(moved)
}

/// Copies every row and checks what came out, in a transaction that is left open.
async fn copy_and_check(
    relocation: &mut Relocation,
    db: Db,
    progress: &mut (dyn Progress + Send),
) -> Result<(Copied, Moved), OperationError> {
    let mut copied = relocation.copy(db, progress).await?;
    let rows = copied.compare(progress).await?;
    let report = audit::check_ledger_in(copied.conn(), progress).await?;
    // Every row is as it was: what is wrong here is wrong there.
    insist_on_balance(&report, "SQLite database")?;
    let checkpoint = store::newest_checkpoint(copied.conn()).await?.map(|checkpoint| checkpoint.size);
    let LedgerReport { accounts, transfers, .. } = report;
    Ok((copied, Moved { rows, accounts, transfers, checkpoint }))
}
