//! The command line: what every command shares (language, output format, exit codes) and the list of commands.
//!
//! Each command is a file of its own with `Args` and `run`; what a person reads when something fails is in
//! [`messages`] alone.

pub mod messages;
pub mod output;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use messages::{CliError, Language};
use output::{Context, Format};

/// Reads chip cards and keeps taps until the service has them.
#[derive(Debug, Parser)]
#[command(name = "reader-daemon", version)]
struct Cli {
    /// How results are printed: text for a person, json for a program
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Language of messages; from LANG when not given
    #[arg(long, global = true, value_enum)]
    lang: Option<Language>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {}

/// Reads the command line, runs one command and answers its exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let context = Context::new(
        cli.format,
        cli.lang.unwrap_or_else(Language::from_environment),
    );
    context.finish(run(&cli.command, &context))
}

fn run(command: &Command, _context: &Context) -> Result<(), CliError> {
    match *command {}
}
