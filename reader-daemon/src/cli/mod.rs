//! The command line: what every command shares (configuration, language, output format, exit codes) and the list of
//! commands.
//!
//! Each command is a file of its own with `Args` and `run`; what a person reads when something fails is in
//! [`messages`] and its neighbours alone.

pub mod apdu;
mod at_reader;
mod browse;
pub mod card;
mod enrol;
pub mod messages;
pub(crate) mod messages_card;
pub(crate) mod messages_daemon;
pub(crate) mod messages_local;
pub(crate) mod messages_outcome;
mod outbox;
pub mod output;
mod page;
mod pin;
pub mod readers;
mod run;
mod sign_in;
mod tap;
mod validator;

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use self::{
    messages::{CliError, Language},
    output::{Context, Format},
};
use crate::{
    config::{Config, Overrides},
    local,
};

/// Reads chip cards and keeps taps until the service has them.
#[derive(Debug, Parser)]
#[command(name = "reader-daemon", version)]
#[command(after_help = "Exit codes: 0 done, 1 failed or refused, 2 wrong input, 4 nothing to act on (no reader, no \
    card, no daemon).\nSettings: a TOML file (--config), READER_DAEMON_… variables, flags; the later wins.")]
struct Cli {
    /// How results are printed: text for a person, json for a program
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Language of messages; from LANG when not given
    #[arg(long, global = true, value_enum)]
    lang: Option<Language>,
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

/// Where settings come from.
#[derive(Debug, clap::Args)]
struct Settings {
    /// Configuration file
    #[arg(long, global = true, env = "READER_DAEMON_CONFIG")]
    config: Option<PathBuf>,
    /// Folder for the outbox, the terminal's key and the local token
    #[arg(long, global = true)]
    data_dir: Option<PathBuf>,
}

impl Settings {
    /// The configuration in force, for commands that need one.
    fn load(&self) -> Result<Config, CliError> {
        self.load_with(&Overrides { data_dir: self.data_dir.clone(), ..Overrides::default() })
    }

    fn load_with(&self, overrides: &Overrides) -> Result<Config, CliError> {
        Config::load(self.config.as_deref(), &std::env::vars().collect(), overrides)
            .map_err(|error| messages_daemon::config(&error))
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon: readers, taps, jobs, until it is stopped
    Run(run::RunArgs),
    /// Make this machine a terminal of the service, with a one-time code
    Enrol(enrol::EnrolArgs),
    /// List readers and what is in them
    Readers(readers::ReadersArgs),
    /// Look at a card, change its PIN, reset it
    Card(card::CardArgs),
    /// Send raw APDUs to a card, for diagnosis
    Apdu(apdu::ApduArgs),
    /// Take one tap through the running daemon
    Tap(tap::TapArgs),
    /// Say what readers do with each card: let on, let off, inspect
    Validator(validator::ValidatorArgs),
    /// Open the console, signed in with the staff card on the reader
    SignIn(sign_in::SignInArgs),
    /// Open the page at the reader, for whoever stands there: PIN, consent, staff sign-in
    Page(page::PageArgs),
    /// Answer what a job at this reader asks of the person in front of it
    Pin(pin::PinArgs),
    /// Look at the taps that wait for the service
    Outbox(outbox::OutboxArgs),
    /// Describe the API for a shop's own register, as OpenAPI (always JSON)
    Openapi,
}

/// Reads the command line, runs one command and answers its exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let context = Context::new(cli.format, cli.lang.unwrap_or_else(Language::from_environment));
    context.finish(run(&cli, context))
}

fn run(cli: &Cli, context: Context) -> Result<(), CliError> {
    match &cli.command {
        Command::Run(args) => run::run(args, &cli.settings),
        Command::Enrol(args) => enrol::run(args, &cli.settings, context),
        Command::Readers(args) => readers::run(args, context),
        Command::Card(args) => card::run(args, context),
        Command::Apdu(args) => apdu::run(args, context),
        Command::Tap(args) => tap::run(args, &cli.settings, context),
        Command::Validator(args) => validator::run(args, &cli.settings, context),
        Command::SignIn(args) => sign_in::run(args, &cli.settings, context),
        Command::Page(args) => page::run(args, &cli.settings, context),
        Command::Pin(args) => pin::run(args, &cli.settings, context),
        Command::Outbox(args) => outbox::run(args, &cli.settings, context),
        Command::Openapi => {
            // A reader that closes the pipe has read enough.
            let _closed = writeln!(std::io::stdout().lock(), "{}", local::description());
            Ok(())
        }
    }
}

/// Runs one request to its end on a runtime of its own.
fn block_on<T>(future: impl Future<Output = T>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| messages_daemon::internal(&error))?;
    Ok(runtime.block_on(future))
}
