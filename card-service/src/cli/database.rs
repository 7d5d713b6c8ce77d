//! `card-service db`: what an operator does with the database as a whole.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::output::{CliError, Context};
use super::{Settings, block_on, database_failed};
use crate::clock;
use crate::db::backup::{BackupError, Written};
use crate::db::{Db, Migration};
use crate::operations::{self, OperationError, Status};

/// Commands of `db`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum DatabaseCommand {
    /// Say what the database is and what is in it; changes nothing
    #[command(after_help = "\
Examples:
  card-service db status --data-dir ./data
  card-service db status --config /etc/card-service.toml --format json

Exit codes: 0 all is well, 1 the schema is newer than this program or a setting endangers what is stored, 2 wrong input, \
4 no database.")]
    Status,
    /// Bring the database's schema up to this program's version; `serve` does so by itself when it starts
    #[command(after_help = "\
Examples:
  card-service db backup /var/backups --data-dir ./data && card-service db migrate --data-dir ./data")]
    Migrate,
    /// Back the database up into a new file, while the service runs; the keys are not in it
    #[command(after_help = "\
Examples:
  card-service db backup /var/backups --data-dir ./data      a file named after the time, in a folder that is there
  card-service db backup today.db --data-dir ./data

On PostgreSQL pg_dump and pg_restore do the work: install PostgreSQL's client programs. The file holds all that the \
database holds; only its owner may read it. Keep the folder data_dir/keys apart: without it nothing opens the sealed \
fields, and with it whoever has the backup can.")]
    Backup {
        /// A new file, or a folder that is there
        to: PathBuf,
    },
    /// Put a backup back where there is no database, and check its ledger
    #[command(after_help = "\
Examples:
  card-service db restore /var/backups/card-service-20260301T020000Z.db --data-dir ./data
  card-service db restore town.dump --config /etc/card-service.toml

Stop the service first. The schema is brought up to date, and every balance is compared with its transfers; if anything \
is wrong nothing is left. Put data_dir/keys back as well.")]
    Restore {
        /// What `card-service db backup` wrote
        file: PathBuf,
    },
}

pub(super) fn run(context: Context, settings: &Settings, command: &DatabaseCommand) -> Result<(), CliError> {
    let config = settings.load()?;
    let url = config.database_url();
    match command {
        DatabaseCommand::Status => status(context, &url),
        DatabaseCommand::Migrate => migrate(context, &url),
        DatabaseCommand::Backup { to } => backup(context, &url, to, &config.keys_dir()),
        DatabaseCommand::Restore { file } => restore(context, &url, file, &config.keys_dir()),
    }
}

fn status(context: Context, url: &str) -> Result<(), CliError> {
    let status = block_on(async { operations::status(url).await.map_err(|error| database_failed(&error)) })?;
    context.print(&status, |status| status_text(context, status));
    status.schema.insist_known().map_err(|error| CliError::failed(&error))?;
    status.insist_on_settings().map_err(|error| CliError::failed(&error))
}

fn status_text(context: Context, status: &Status) -> String {
    let text = |key, values: &[(&str, &str)]| context.locale.text_with(key, values);
    let size = indicatif::BinaryBytes(status.size_bytes).to_string();
    let schema = &status.schema;
    let mut lines = vec![
        text("cli-db-engine", &[("engine", &status.engine.to_string()), ("size", &size)]),
        text("cli-db-schema", &[("found", &schema.found.to_string()), ("known", &schema.known.to_string())]),
    ];
    if !schema.pending.is_empty() {
        lines.push(text("cli-db-pending", &[("migrations", &names(&schema.pending))]));
    }
    if let Some(counts) = &status.counts {
        lines.push(text(
            "cli-db-log",
            &[("leaves", &counts.leaves.to_string()), ("waiting", &counts.waiting_leaves.to_string())],
        ));
        lines.push(text(
            "cli-db-ledger",
            &[("accounts", &counts.accounts.to_string()), ("transfers", &counts.transfers.to_string())],
        ));
    }
    for setting in &status.settings {
        let key = if setting.as_wanted { "cli-db-setting" } else { "cli-db-setting-wrong" };
        lines.push(text(key, &[("name", setting.name), ("found", &setting.found), ("wanted", setting.wanted)]));
    }
    lines.join("\n")
}

fn names(migrations: &[Migration]) -> String {
    let name = |migration: &Migration| format!("{:04} {}", migration.version, migration.description);
    migrations.iter().map(name).collect::<Vec<_>>().join(", ")
}

#[derive(Serialize)]
struct Migrated {
    applied: Vec<Migration>,
}

fn migrate(context: Context, url: &str) -> Result<(), CliError> {
    let applied =
        block_on(async { Db::migrate(url, &mut context.watch()).await.map_err(|error| database_failed(&error)) })?;
    context.print(&Migrated { applied }, |Migrated { applied }| match applied.as_slice() {
        [] => context.locale.text("cli-db-nothing-to-migrate"),
        applied => context.locale.text_with("cli-db-migrated", &[("migrations", &names(applied))]),
    });
    Ok(())
}

fn backup(context: Context, url: &str, to: &Path, keys: &Path) -> Result<(), CliError> {
    let written = block_on(async {
        let mut watch = context.watch();
        tokio::select! {
            written = operations::back_up(url, to, clock::now(), &mut watch) => written,
            () = interrupted() => Err(OperationError::Stopped),
        }
        .map_err(|error| cli_error(&error))
    })?;
    context.print(&written, |Written { file, bytes, schema_version }| {
        context.locale.text_with(
            "cli-db-backed-up",
            &[
                ("file", &file.display().to_string()),
                ("size", &indicatif::BinaryBytes(*bytes).to_string()),
                ("version", &schema_version.to_string()),
                ("keys", &keys.display().to_string()),
            ],
        )
    });
    Ok(())
}

fn restore(context: Context, url: &str, file: &Path, keys: &Path) -> Result<(), CliError> {
    let restored = block_on(async {
        let mut watch = context.watch();
        operations::restore(url, file, &mut watch, interrupted()).await.map_err(|error| cli_error(&error))
    })?;
    context.print(&restored, |restored| {
        context.locale.text_with(
            "cli-db-restored",
            &[
                ("file", &restored.file.display().to_string()),
                ("version", &restored.schema_version.to_string()),
                ("accounts", &restored.accounts.to_string()),
                ("transfers", &restored.transfers.to_string()),
                ("keys", &keys.display().to_string()),
            ],
        )
    });
    Ok(())
}

/// Ready when the person at the terminal has pressed Ctrl-C.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // It cannot be noticed here; then Ctrl-C ends the process as ever.
        std::future::pending::<()>().await;
    }
}

fn cli_error(error: &OperationError) -> CliError {
    match error {
        OperationError::Db(error) | OperationError::Backup(BackupError::Db(error)) => database_failed(error),
        OperationError::Backup(
            BackupError::Exists(_)
            | BackupError::NotABackup(_)
            | BackupError::OtherEngine { .. }
            | BackupError::OtherNamespace { .. },
        ) => CliError::usage(error),
        other => CliError::failed(other),
    }
}
