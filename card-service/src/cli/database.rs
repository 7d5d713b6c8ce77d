//! `card-service db`: what an operator does with the database as a whole.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::output::{CliError, Context};
use super::{Settings, block_on, database_failed};
use crate::clock;
use crate::db::backup::{BackupError, Written};
use crate::db::relocation::RelocationError;
use crate::db::{Db, Migration, without_password};
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
    /// Move everything from SQLite to an empty PostgreSQL database, and check that it is all there
    #[command(after_help = "\
Examples:
  card-service db move --to postgres://card@db.example/card --data-dir ./data

Stop the service first: nobody else can open the SQLite file meanwhile. Every row is read back and compared, and every \
balance is compared with its transfers; if anything is wrong nothing is left in the new database. The SQLite file stays \
as it was. A password is taken from ~/.pgpass or PGPASSWORD, never from the command line.

Exit codes: 0 moved, 1 failed or refused, 2 wrong input, 4 no SQLite database.")]
    Move {
        /// URL of the PostgreSQL database, without the password
        #[arg(long, value_name = "URL")]
        to: String,
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
        DatabaseCommand::Move { to } => relocate(context, &url, to),
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

fn relocate(context: Context, from: &str, to: &str) -> Result<(), CliError> {
    // Everybody on this machine sees the command lines of all.
    if has_password(to) {
        return Err(CliError::wrong_text("cli-db-password", Vec::new()));
    }
    let moved = block_on(async {
        let mut watch = context.watch();
        operations::relocate(from, to, &mut watch, interrupted()).await.map_err(|error| cli_error(&error))
    })?;
    let from = without_password(from).map_err(|error| CliError::usage(&error))?;
    context.print(&moved, |moved| {
        let tree = moved.checkpoint.unwrap_or(0);
        context.locale.text_with(
            "cli-db-moved",
            &[
                ("from", &from),
                ("to", to),
                ("rows", &moved.rows.to_string()),
                ("accounts", &moved.accounts.to_string()),
                ("transfers", &moved.transfers.to_string()),
                ("tree", &tree.to_string()),
            ],
        )
    });
    Ok(())
}

/// Whether a password stands in a URL, as it was given: settings of the environment are not looked at.
fn has_password(url: &str) -> bool {
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    let (address, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = address.split('/').next().unwrap_or_default();
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    user.contains(':') || parameters.split('&').any(|parameter| parameter.starts_with("password="))
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
        OperationError::Db(error)
        | OperationError::Backup(BackupError::Db(error))
        | OperationError::Relocation(RelocationError::Db(error)) => database_failed(error),
        OperationError::Backup(
            BackupError::Exists(_)
            | BackupError::NotABackup(_)
            | BackupError::OtherEngine { .. }
            | BackupError::OtherNamespace { .. },
        )
        | OperationError::Relocation(RelocationError::NotSqlite(_) | RelocationError::NotPostgres) => {
            CliError::usage(error)
        }
        other => CliError::failed(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_noticed_wherever_it_stands() {
        for (url, expected) in [
            ("postgres://card@db.test.invalid/town", false),
            ("postgres://card@db.test.invalid:5433/town?sslmode=require&host=/run/pg:1", false),
            ("postgres://card:sesame@db.test.invalid/town", true),
            ("postgres://db.test.invalid/town?sslmode=require&password=sesame", true),
            ("postgres://db.test.invalid:5433/town@2", false),
            ("sqlite:/var/lib/card.db", false),
        ] {
            assert_eq!(has_password(url), expected, "{url}");
        }
    }
}
