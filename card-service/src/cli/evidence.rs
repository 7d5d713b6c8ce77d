//! `card-service evidence`: what an auditor asks of the log.

use std::path::PathBuf;

use card_schema::ids::TapId;
use serde::Serialize;

use super::output::{CliError, Context};
use super::{Settings, block_on, database_failed};
use crate::clock;
use crate::db::Db;
use crate::evidence::LogKey;
use crate::evidence::audit::{self, AuditError};
use crate::evidence::verify::VerifyError;
use crate::serve::open_keys;

/// Commands of `evidence`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum EvidenceCommand {
    /// Write what the log speaks for into a new folder
    #[command(after_help = "\
Examples:
  card-service evidence export ./export --data-dir ./data")]
    Export {
        /// A new or empty folder
        folder: PathBuf,
    },
    /// Prove from an export that ledger, records and log agree and that nothing was altered; needs no service
    #[command(after_help = "\
Examples:
  card-service evidence verify ./export --log-key log.key
  card-service evidence verify ./export --log-key \"$(cat log.key)\" --format json

Sorts in the folder for temporary files (TMPDIR chooses another); it takes less room than the export.

Exit codes: 0 verified, 1 something was altered (each row is named), 2 wrong input.")]
    Verify {
        /// The export's folder
        folder: PathBuf,
        /// The log's verifier key (name+hash+key) or a file with it; this installation's own when not given
        #[arg(long)]
        log_key: Option<String>,
    },
    /// Prove that a tap is in the signed log
    #[command(after_help = "\
Examples:
  card-service evidence prove 6f0c…e1 --data-dir ./data --format json")]
    Prove {
        /// The tap's id in hexadecimal, as receipts show it
        tap: TapId,
    },
    /// Print the log's verifier key, for auditors and witnesses
    Key,
}

#[derive(Serialize)]
struct Key<'a> {
    log_key: &'a str,
}

pub(super) fn run(context: Context, settings: &Settings, command: &EvidenceCommand) -> Result<(), CliError> {
    match command {
        EvidenceCommand::Export { folder } => {
            let key = own_key(settings)?;
            let exported = block_on(async {
                let db = open(settings).await?;
                audit::export(&db, &key, clock::now(), folder, &mut context.watch())
                    .await
                    .map_err(|error| cli_error(&error))
            })?;
            context.print(&exported, ToString::to_string);
        }
        EvidenceCommand::Verify { folder, log_key } => {
            let key = match log_key {
                Some(key) if key.contains('+') => key.clone(),
                Some(file) => std::fs::read_to_string(file).map_err(|error| CliError::usage(&error))?,
                None => own_key(settings)?.vkey().to_owned(),
            };
            let report = audit::verify_folder(folder, &key, &mut context.watch()).map_err(|error| match error {
                AuditError::Verify(VerifyError::Sort(_)) => CliError::failed(&error),
                other => CliError::usage(&other),
            })?;
            context.print(&report, ToString::to_string);
            if !report.ok {
                let findings = report.findings.len() as u64 + report.further_findings;
                return Err(CliError::failed(&AuditError::NotVerified(findings)));
            }
        }
        EvidenceCommand::Prove { tap } => {
            let proof = block_on(async {
                let db = open(settings).await?;
                audit::prove(&db, *tap).await.map_err(|error| cli_error(&error))
            })?;
            context.print(&proof, ToString::to_string);
        }
        EvidenceCommand::Key => {
            let key = own_key(settings)?;
            context.print(&Key { log_key: key.vkey() }, |key| key.log_key.to_owned());
        }
    }
    Ok(())
}

fn own_key(settings: &Settings) -> Result<LogKey, CliError> {
    let keys = open_keys(&settings.load()?).map_err(|error| CliError::nothing(error.to_string()))?;
    LogKey::of_service(&*keys).map_err(|error| CliError::failed(&error))
}

async fn open(settings: &Settings) -> Result<Db, CliError> {
    let url = settings.load()?.database_url();
    Db::open(&url).await.map_err(|error| database_failed(&error))
}

fn cli_error(error: &AuditError) -> CliError {
    match error {
        AuditError::NoSuchTap(_) | AuditError::NotSignedYet(_) => CliError::nothing(error.to_string()),
        other => CliError::failed(other),
    }
}
