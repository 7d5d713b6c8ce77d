//! What an auditor does: take an export away, verify one, prove one tap. The command line is a thin layer on this.

use std::fmt;
use std::path::Path;

use card_schema::clock::Micros;
use card_schema::ids::TapId;
use futures_util::stream::TryStreamExt as _;
use serde::Serialize;

use super::checkpoint::{CheckpointError, LogKey};
use super::export::{self, ExportError, FORMAT, Folder, Manifest};
use super::leaf::leaf_hash;
use super::rows;
use super::sequencer::{LogError, tiles_for};
use super::store::{self, LeafRef};
use super::tables::{ACCOUNT, TRANSFER};
use super::tree::{Question, check_inclusion};
use super::verify::{Finding, Ledger, Report, VerifyError, verify};
use crate::db::{Connection, Db, DbError};
use crate::hex;
use crate::progress::{Part, Progress};

/// Why an auditor's command did not come to a result.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The export failed.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The verification did not come to a result.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The key is not a log's.
    #[error(transparent)]
    Key(#[from] CheckpointError),
    /// The tree does not give a proof.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The export is not what the log recorded; the report says where.
    #[error("not verified: {0} findings")]
    NotVerified(u64),
    /// No such tap was ever decided here.
    #[error("there is no tap {0}")]
    NoSuchTap(TapId),
    /// The tap is recorded; its leaf has no place in a signed tree yet.
    #[error("tap {0} is recorded and waits for the next checkpoint: try again in a few seconds")]
    NotSignedYet(TapId),
    /// The tree and its checkpoint do not agree.
    #[error("the proof of tap {0} does not fit the newest checkpoint: the database was altered")]
    Altered(TapId),
}

impl From<sqlx::Error> for AuditError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

/// What was exported: rows by table.
#[derive(Clone, Debug, Serialize)]
pub struct Exported {
    /// Table and number of rows.
    pub tables: Vec<(&'static str, u64)>,
}

impl fmt::Display for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tables.iter().try_for_each(|(table, rows)| writeln!(f, "{table:<18} {rows} rows"))
    }
}

/// Writes an export into a new or empty folder.
///
/// # Errors
/// When the database or a file fails.
pub async fn export(
    db: &Db,
    log_key: &LogKey,
    now: Micros,
    folder: &Path,
    progress: &mut (dyn Progress + Send),
) -> Result<Exported, AuditError> {
    let manifest = Manifest { format: FORMAT, log_key: log_key.vkey().to_owned(), exported_at: now.0 };
    let tables: Vec<_> = db
        .snapshot::<_, ExportError, _>(async |connection| export::write(connection, &manifest, folder, progress).await)
        .await?;
    Ok(Exported { tables })
}

/// Verifies an export with a log's verifier key (`name+hash+key`). Needs neither service nor database.
///
/// # Errors
/// When the files cannot be read or sorted; what is wrong with their content is in the report.
pub fn verify_folder(folder: &Path, log_key: &str, progress: &mut dyn Progress) -> Result<Report, AuditError> {
    let key = LogKey::parse(log_key.trim())?;
    Ok(verify(&Folder::open(folder)?, &key, progress)?)
}

/// What a check of the ledger saw.
#[derive(Clone, Debug, Serialize)]
pub struct LedgerReport {
    /// Accounts that were summed up.
    pub accounts: u64,
    /// Transfers that were added.
    pub transfers: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Findings beyond those that are listed.
    pub further_findings: u64,
}

/// Checks in the database itself that every balance and every held amount is what the transfers make, and that all
/// balances of a unit together are zero. Needs neither log nor key; it is the same check as a verification's, in memory
/// that does not grow with the rows.
///
/// # Errors
/// When the database fails, or there is no room to sort.
pub async fn check_ledger(db: &Db, progress: &mut (dyn Progress + Send)) -> Result<LedgerReport, AuditError> {
    db.snapshot(async |connection| check_ledger_in(connection, progress).await).await
}

/// The same in a transaction that is open already.
///
/// # Errors
/// As [`check_ledger`].
pub async fn check_ledger_in(
    connection: &mut Connection,
    progress: &mut (dyn Progress + Send),
) -> Result<LedgerReport, AuditError> {
    let (mut ledger, mut read) = (Ledger::new()?, 0);
    let mut counts = [0; 2];
    progress.begin(Part::Read, None);
    for (table, count) in [&ACCOUNT, &TRANSFER].into_iter().zip(&mut counts) {
        let mut rows = rows::store::all(connection, table)?;
        while let Some(values) = rows.try_next().await? {
            *count += 1;
            ledger.take(table, &values, *count)?;
            read += 1;
            progress.reach(read);
        }
    }
    let mut found = ledger.check(progress)?;
    for table in [&ACCOUNT, &TRANSFER] {
        let wanted = found.lines(table);
        let Some(last) = wanted.last() else { continue };
        let (mut rows, mut line) = (rows::store::all(connection, table)?, 0);
        while line < *last
            && let Some(values) = rows.try_next().await?
        {
            line += 1;
            if wanted.contains(&line) {
                found.name(table, &values, line);
            }
        }
    }
    let ([accounts, transfers], (findings, further_findings)) = (counts, found.finish());
    Ok(LedgerReport { accounts, transfers, findings, further_findings })
}

/// That a tap is in the log: everything that is needed to check it with the log's public key alone.
#[derive(Clone, Debug, Serialize)]
pub struct Proof {
    /// The tap.
    pub tap_id: TapId,
    /// What the hashes in the leaf are salted with, in hexadecimal.
    pub salt: Option<String>,
    /// The tap as it was signed (`COSE_Sign1`), in hexadecimal.
    pub tap: String,
    /// Its leaf in the tree.
    #[serde(flatten)]
    pub inclusion: Inclusion,
}

/// That a leaf is in the log.
#[derive(Clone, Debug, Serialize)]
pub struct Inclusion {
    /// The leaf's content in hexadecimal; its hash is SHA-256 of a zero byte and this.
    pub leaf_body: String,
    /// The leaf's place in the tree.
    pub index: u64,
    /// Leaves in the tree.
    pub size: u64,
    /// The tree's root, in hexadecimal.
    pub root: String,
    /// Inclusion proof (RFC 9162 §2.1.3), in hexadecimal.
    pub proof: Vec<String>,
    /// The signed checkpoint.
    pub checkpoint: String,
    /// When it was signed.
    #[serde(skip)]
    pub signed_at: Micros,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inclusion { index, size, root, proof, checkpoint, .. } = &self.inclusion;
        writeln!(f, "tap        {}", self.tap_id)?;
        writeln!(f, "leaf       {index} of {size}")?;
        writeln!(f, "root       {root}")?;
        for hash in proof {
            writeln!(f, "proof      {hash}")?;
        }
        write!(f, "\n{checkpoint}")
    }
}

/// Proves that a tap is in the newest signed tree, and checks the proof.
///
/// # Errors
/// [`AuditError::NoSuchTap`], [`AuditError::NotSignedYet`], [`AuditError::Altered`], or when the database fails.
pub async fn prove(db: &Db, tap: TapId) -> Result<Proof, AuditError> {
    let mut connection = db.read().await?;
    let recorded = store::tap_with_leaf(&mut connection, tap).await?.ok_or(AuditError::NoSuchTap(tap))?;
    let store::TapWithLeaf { cose, body, salt, index } = recorded;
    let inclusion = included(&mut connection, &body, index).await?.map_err(|why| match why {
        NotIncluded::NotSignedYet => AuditError::NotSignedYet(tap),
        NotIncluded::Altered => AuditError::Altered(tap),
    })?;
    let salt = salt.as_deref().map(hex::encode);
    Ok(Proof { tap_id: tap, salt, tap: hex::encode(&cose), inclusion })
}

/// Why a leaf is not proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotIncluded {
    /// It has no place in a signed tree yet.
    NotSignedYet,
    /// The tree and its checkpoint do not agree.
    Altered,
}

/// Proves that a leaf is in the newest signed tree, and checks the proof.
///
/// # Errors
/// When the database fails; nothing where there is no such leaf.
pub async fn prove_leaf(
    connection: &mut Connection,
    leaf: LeafRef,
) -> Result<Option<Result<Inclusion, NotIncluded>>, AuditError> {
    match store::placed(connection, leaf).await? {
        Some(store::Placed { body, index }) => Ok(Some(included(connection, &body, index).await?)),
        None => Ok(None),
    }
}

async fn included(
    connection: &mut Connection,
    body: &[u8],
    index: Option<u64>,
) -> Result<Result<Inclusion, NotIncluded>, AuditError> {
    let newest = store::newest_checkpoint(connection).await?;
    let (Some(index), Some(newest)) = (index, newest) else { return Ok(Err(NotIncluded::NotSignedYet)) };
    let tiles = tiles_for(connection, Question::Inclusion(newest.size, index)).await?;
    let proof = tiles.prove_inclusion(newest.size, index).map_err(LogError::from)?;
    if !check_inclusion(&proof, newest.size, newest.root, index, leaf_hash(body)) {
        return Ok(Err(NotIncluded::Altered));
    }
    Ok(Ok(Inclusion {
        leaf_body: hex::encode(body),
        index,
        size: newest.size,
        root: hex::encode(&newest.root),
        proof: proof.iter().map(|hash| hex::encode(hash)).collect(),
        checkpoint: newest.note,
        signed_at: newest.at,
    }))
}
