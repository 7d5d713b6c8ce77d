//! `card-service openapi`: the API's description, always JSON.

use std::io::Write;

use super::output::{CliError, Context};
use crate::api;

pub(super) fn run(_context: Context) -> Result<(), CliError> {
    let text = api::description().to_pretty_json().map_err(|error| CliError::failed(&error))?;
    let _closed = writeln!(std::io::stdout().lock(), "{text}");
    Ok(())
}
