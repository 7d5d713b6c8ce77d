//! `card-service serve`: the running service.

use super::output::{CliError, Context};
use super::{Settings, block_on};
use crate::serve::{ServeError, Service};
use crate::{open_files, telemetry};

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  card-service serve --data-dir ./data
  card-service serve --public-listen 0.0.0.0:8443 --terminals-listen 0.0.0.0:8444
  card-service serve --public-listen 127.0.0.1:0 --format json      prints the addresses as one JSON line when ready")]
pub(super) struct ServeArgs {}

pub(super) fn run(context: Context, settings: &Settings, _arguments: &ServeArgs) -> Result<(), CliError> {
    let config = settings.load()?;
    telemetry::start_logging(config.log);
    if let Err(error) = open_files::raise() {
        tracing::warn!(%error, "the limit of open files stays as it was: not every terminal may find a connection");
    }
    block_on(async {
        let service = Service::start(config).await.map_err(|error| cli_error(&error))?;
        let addresses = service.addresses().map_err(|error| cli_error(&error))?;
        context.print(&addresses, |addresses| {
            context.locale.text_with(
                "cli-serving",
                &[
                    ("public", &addresses.public_url),
                    ("terminals", &addresses.terminals_url),
                    ("root", &addresses.root.display().to_string()),
                ],
            )
        });
        let started_ms = u64::try_from(service.started_in.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(public = addresses.public_url, terminals = addresses.terminals_url, started_ms, "serving");
        service.run().await.map_err(|error| cli_error(&error))
    })
}

fn cli_error(error: &ServeError) -> CliError {
    match error {
        ServeError::NotInitialised(_) | ServeError::Db(crate::db::DbError::Missing(_)) => {
            CliError::nothing(error.to_string())
        }
        other => CliError::failed(other),
    }
}
