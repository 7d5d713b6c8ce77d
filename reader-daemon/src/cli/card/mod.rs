//! `card …`: looks at one card and changes its PIN, in a connection of its own; works without a running daemon.

mod check;
mod info;
mod pin;
mod reset;

use clap::{Args, Subcommand};

use super::{
    at_reader::{AtReader, SecretInput},
    messages::CliError,
    output::Context,
};

/// Arguments of `card`.
#[derive(Debug, Args)]
pub struct CardArgs {
    #[command(subcommand)]
    command: CardCommand,
}

#[derive(Debug, Subcommand)]
enum CardCommand {
    /// Show what can be read of a card without PIN
    #[command(after_help = "Examples:\n  reader-daemon card info\n  reader-daemon card info --format json")]
    Info {
        #[command(flatten)]
        at: AtReader,
    },
    /// Find out what a card can do and whether it still answers to factory secrets
    #[command(after_help = "Costs no PIN try unless --try-factory-pin is given.\n\nExamples:\n  \
        reader-daemon card check\n  reader-daemon card check --try-factory-pin --format json")]
    Check(check::CheckArgs),
    /// Show the PIN to the card; says how many tries are left first
    #[command(after_help = "Examples:\n  reader-daemon card verify-pin\n  \
        echo 246810 | reader-daemon card verify-pin --pin-stdin")]
    VerifyPin {
        #[command(flatten)]
        secrets: SecretInput,
        #[command(flatten)]
        at: AtReader,
    },
    /// Change the PIN
    #[command(after_help = "Examples:\n  reader-daemon card change-pin\n  \
        printf '246810\\n135790\\n' | reader-daemon card change-pin --pin-stdin    (old, new)")]
    ChangePin {
        #[command(flatten)]
        secrets: SecretInput,
        #[command(flatten)]
        at: AtReader,
    },
    /// Set a new PIN with the PUK
    #[command(after_help = "Examples:\n  reader-daemon card unblock\n  \
        printf '12345678\\n135790\\n' | reader-daemon card unblock --pin-stdin    (PUK, new PIN)")]
    Unblock {
        #[command(flatten)]
        secrets: SecretInput,
        #[command(flatten)]
        at: AtReader,
    },
    /// Put a card back to factory state: keys, certificates and PIN on it are lost
    #[command(after_help = "Examples:\n  reader-daemon card reset --yes")]
    Reset {
        /// Really lose what is on the card
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        at: AtReader,
    },
}

/// Runs one of the commands.
///
/// # Errors
/// What a person can do something about, by code.
pub fn run(args: &CardArgs, context: Context) -> Result<(), CliError> {
    match &args.command {
        CardCommand::Info { at } => info::run(at, context),
        CardCommand::Check(args) => check::run(args, context),
        CardCommand::VerifyPin { secrets, at } => pin::verify(secrets, at, context),
        CardCommand::ChangePin { secrets, at } => pin::change(secrets, at, context),
        CardCommand::Unblock { secrets, at } => pin::unblock(secrets, at, context),
        CardCommand::Reset { yes, at } => reset::run(*yes, at, context),
    }
}
