//! How a command answers: data to stdout as text or JSON, failures and progress to stderr, and the exit code.

use std::error::Error as StdError;
use std::io::Write;
use std::process::ExitCode;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::i18n::Locale;
use crate::progress::{Part, Progress};
use crate::rule_file::Unread;

/// Output format of every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person.
    Text,
    /// One JSON value on stdout, for a program.
    Json,
}

/// Why a command failed, with its exit code.
#[derive(Debug)]
pub struct CliError {
    exit: u8,
    message: Message,
}

#[derive(Debug)]
enum Message {
    /// What a cause said; English.
    Technical(String),
    /// A text of `i18n/` by its key, with its values.
    Text(&'static str, Vec<(&'static str, String)>),
}

impl Message {
    fn text(&self, locale: Locale) -> String {
        match self {
            Self::Technical(text) => text.clone(),
            Self::Text(key, values) => {
                let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
                locale.text_with(key, &values)
            }
        }
    }
}

impl CliError {
    /// The command failed or was refused.
    pub fn failed(error: &(dyn StdError + 'static)) -> Self {
        Self { exit: 1, message: Message::Technical(chain(error)) }
    }

    /// The input was wrong.
    pub fn usage(error: &(dyn StdError + 'static)) -> Self {
        Self { exit: 2, message: Message::Technical(chain(error)) }
    }

    /// The input was wrong, in words.
    pub fn wrong(message: impl Into<String>) -> Self {
        Self { exit: 2, message: Message::Technical(message.into()) }
    }

    /// The input was wrong, as a text of `i18n/` says it.
    pub const fn wrong_text(key: &'static str, values: Vec<(&'static str, String)>) -> Self {
        Self { exit: 2, message: Message::Text(key, values) }
    }

    /// A file of rules cannot be followed.
    pub fn unread(error: Unread) -> Self {
        match error {
            Unread::File(error) => Self::usage(&error),
            Unread::Wrong((key, values)) => Self::wrong_text(key, values),
        }
    }

    /// There is nothing to act on.
    pub fn nothing(message: impl Into<String>) -> Self {
        Self { exit: 4, message: Message::Technical(message.into()) }
    }
}

/// An error and what caused it, in one line.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Transparent errors repeat their cause.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

/// What every command gets: the output format and the language of the person at the terminal.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// Output format of data and of failures.
    pub format: Format,
    /// Language of messages.
    pub locale: Locale,
}

impl Context {
    /// A context from the global flags.
    pub const fn new(format: Format, locale: Locale) -> Self {
        Self { format, locale }
    }

    /// Prints a result, `value` as JSON or what `text` makes of it, always to stdout. A closed pipe is no error.
    pub fn print<T: Serialize>(&self, value: &T, text: impl FnOnce(&T) -> String) {
        let line = match self.format {
            Format::Text => text(value),
            Format::Json => serde_json::to_string(value).expect("results are plain data and always serialise"),
        };
        let mut out = std::io::stdout().lock();
        let _closed = writeln!(out, "{}", line.trim_end_matches('\n')).and_then(|()| out.flush());
    }

    /// Says what is going on, to stderr, for a person only.
    pub fn progress(&self, key: &str) {
        if self.format == Format::Text {
            eprintln!("{}", self.locale.text(key));
        }
    }

    /// Shows how far long work has come, on stderr, to a person at a terminal only.
    pub fn watch(&self) -> Watch {
        let bar = if self.format == Format::Text { ProgressBar::no_length() } else { ProgressBar::hidden() };
        Watch { bar, locale: self.locale }
    }

    /// Prints the failure, if there is one, and answers the exit code.
    pub fn finish(&self, result: Result<(), CliError>) -> ExitCode {
        let Err(error) = result else { return ExitCode::SUCCESS };
        let message = error.message.text(self.locale);
        match self.format {
            Format::Text => eprintln!("card-service: {message}"),
            Format::Json => eprintln!("{}", serde_json::json!({"error": message, "exit_code": error.exit})),
        }
        ExitCode::from(error.exit)
    }
}

/// A progress bar on stderr. Goes away when dropped.
#[derive(Debug)]
pub struct Watch {
    bar: ProgressBar,
    locale: Locale,
}

impl Progress for Watch {
    fn begin(&mut self, part: Part, total: Option<u64>) {
        let (key, table) = match part {
            Part::Export(table) => ("cli-exporting", table),
            Part::Read => ("cli-verifying-read", ""),
            Part::Rows => ("cli-verifying-rows", ""),
            Part::Tree => ("cli-verifying-tree", ""),
            Part::Books => ("cli-verifying-books", ""),
            Part::Lanes => ("cli-verifying-lanes", ""),
            Part::Migrate => ("cli-migrating", ""),
            Part::Backup => ("cli-backing-up", ""),
            Part::Check => ("cli-checking-backup", ""),
            Part::Restore => ("cli-restoring", ""),
            Part::Index => ("cli-indexing", ""),
            Part::Move => ("cli-moving", ""),
            Part::Compare => ("cli-comparing", ""),
        };
        let template = match (total, part) {
            (Some(_), _) => "{msg} [{wide_bar}] {percent}% {eta}",
            (None, Part::Backup) => "{spinner} {msg} {binary_bytes} ({elapsed})",
            (None, Part::Check | Part::Index) => "{spinner} {msg} ({elapsed})",
            (None, _) => "{spinner} {msg} {human_pos} ({elapsed})",
        };
        self.bar.reset();
        self.bar.set_style(ProgressStyle::with_template(template).expect("the template is constant"));
        self.bar.set_message(self.locale.text_with(key, &[("table", table)]));
        match total {
            Some(total) => self.bar.set_length(total),
            None => self.bar.unset_length(),
        }
    }

    fn reach(&mut self, done: u64) {
        self.bar.set_position(done);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The language of the environment: `LC_ALL`, `LC_MESSAGES`, `LANG`; English for `C` and where nothing is set.
pub fn locale_of_environment() -> Locale {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty())
        .and_then(|tag| Locale::from_tag(&tag))
        .unwrap_or(Locale::En)
}
