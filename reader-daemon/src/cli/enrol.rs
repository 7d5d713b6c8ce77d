//! `enrol`: makes this machine a terminal of the service.

use std::path::PathBuf;

use card_schema::{ids::TerminalId, operation::OperationCode};
use clap::Args;
use serde::Serialize;

use super::{Settings, messages::CliError, messages_daemon, output::Context};

/// Arguments of `enrol`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reader-daemon enrol --service https://card.example:8443 --code ABCD-EFGH --root \
    root.pem\n  echo ABCD-EFGH | reader-daemon enrol --service https://card.example:8443 --root root.pem --code -")]
pub(super) struct EnrolArgs {
    /// Base URL of the service's public listener
    #[arg(long)]
    service: String,
    /// The one-time code that the office gave out; - reads it from stdin
    #[arg(long)]
    code: String,
    /// The issuer's root certificate (PEM), which the office hands over with the code
    #[arg(long)]
    root: PathBuf,
}

#[derive(Debug, Serialize)]
struct Enrolled {
    terminal_id: TerminalId,
    name: String,
    organisation: String,
    operations: Vec<OperationCode>,
    terminal_url: String,
}

pub(super) fn run(args: &EnrolArgs, settings: &Settings, context: Context) -> Result<(), CliError> {
    let config = settings.load()?;
    let mut code = args.code.clone();
    if code == "-" {
        code.clear();
        std::io::stdin().read_line(&mut code).map_err(|error| messages_daemon::internal(&error))?;
    }
    context.progress("正在登记……", "Enrolling …");
    let language = context.language.tag();
    let reply = super::block_on(crate::enrol::enrol(&config.data_dir, &args.service, &code, &args.root, language))?
        .map_err(|error| messages_daemon::enrol(&error))?;
    let enrolled = Enrolled {
        terminal_id: reply.profile.terminal_id,
        name: reply.profile.name,
        organisation: reply.profile.organisation,
        operations: reply.profile.operations,
        terminal_url: reply.terminal_url,
    };
    context.print(&enrolled, |enrolled| {
        let text = context.language.choose("已登记为终端", "Enrolled as terminal");
        format!("{text} {} ({}, {})", enrolled.terminal_id, enrolled.name, enrolled.organisation)
    });
    Ok(())
}
