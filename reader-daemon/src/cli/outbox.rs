//! `outbox list|retry`: what waits for the service, through the running daemon.

use std::fmt::Write as _;

use clap::{Args, Subcommand};

use super::{Settings, messages::CliError, output::Context};
use crate::local::{client::Client, wire::OutboxReply};

/// Arguments of `outbox`.
#[derive(Debug, Args)]
pub(super) struct OutboxArgs {
    #[command(subcommand)]
    command: OutboxCommand,
}

#[derive(Debug, Subcommand)]
enum OutboxCommand {
    /// List taps that the service has not yet answered, oldest first
    #[command(after_help = "Examples:\n  reader-daemon outbox list\n  reader-daemon outbox list --format json")]
    List,
    /// Try to hand them over now instead of waiting for the next attempt
    #[command(after_help = "Examples:\n  reader-daemon outbox retry")]
    Retry,
}

pub(super) fn run(args: &OutboxArgs, settings: &Settings, context: Context) -> Result<(), CliError> {
    let client = Client::open(&settings.load()?.local_file())?;
    let reply: OutboxReply = match args.command {
        OutboxCommand::List => super::block_on(client.get("/v1/outbox"))??,
        OutboxCommand::Retry => super::block_on(client.post("/v1/outbox/retry", &()))??,
    };
    context.print(&reply, |reply| {
        let mut text = format!("{}{}\n", context.language.choose("待上报：", "Waiting: "), reply.pending);
        for tap in &reply.taps {
            let amount = tap.amount_fen.map_or(String::new(), |fen| format!("  {fen}"));
            let _ = writeln!(text, "{}/{}  {}  {}{amount}", tap.lane, tap.counter, tap.tap_id, tap.operation.name());
        }
        text
    });
    Ok(())
}
