//! How a command answers: data to stdout as text or JSON, failures and progress to stderr, and the exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;

use super::messages::{CliError, Language};

/// Output format of every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person.
    Text,
    /// One JSON value on stdout, for a program.
    Json,
}

/// What every command gets: the output format and the language of the person at the terminal.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// Output format of data and of failures.
    pub format: Format,
    /// Language of messages.
    pub language: Language,
}

impl Context {
    /// A context from the global flags.
    pub fn new(format: Format, language: Language) -> Self {
        Self { format, language }
    }

    /// Prints a result: `value` as JSON, or what `text` makes of it, always to stdout.
    ///
    /// A closed pipe is not an error of the command: `… | head` ends quietly.
    pub fn print<T: Serialize>(&self, value: &T, text: impl FnOnce(&T) -> String) {
        let line = match self.format {
            Format::Text => text(value),
            Format::Json => serde_json::to_string(value).expect("results are plain data and always serialise"),
        };
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{}", line.trim_end_matches('\n'));
    }

    /// Says what is going on, to stderr, for a person only.
    pub fn progress(&self, zh: &str, en: &str) {
        if self.format == Format::Text {
            eprintln!("{}", self.language.choose(zh, en));
        }
    }

    /// Prints the failure, if there is one, and answers the exit code: 0 ok, 1 failed, 2 usage, 4 nothing to act on.
    pub fn finish(&self, result: Result<(), CliError>) -> ExitCode {
        let Err(error) = result else {
            return ExitCode::SUCCESS;
        };
        match self.format {
            Format::Text => eprintln!("{}", error.text(self.language)),
            Format::Json => eprintln!("{}", error.json(self.language)),
        }
        ExitCode::from(error.exit_code())
    }
}
