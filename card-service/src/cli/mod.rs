//! The command line: what every command shares and the list of commands. Each command is a file of its own.

mod area;
mod coverage;
mod database;
mod evidence;
mod healthcheck;
mod init;
mod openapi;
pub mod output;
mod paper;
mod serve;
mod social_security;
mod staff;
mod transit;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::output::{CliError, Context, Format};
use crate::config::{Config, ConfigError, KEYS, Overrides};
use crate::db::DbError;
use crate::files::failed;
use crate::i18n::Locale;

/// Registers residents, issues their cards, keeps the ledger and the log that proves it.
#[derive(Debug, Parser)]
#[command(
    name = "card-service",
    version,
    after_help = "\
Examples:
  card-service init --data-dir ./data --administrator admin     make keys, database and the first administrator
  card-service serve --data-dir ./data                  serve console, API and terminals
  card-service healthcheck --data-dir ./data            is it ready?
  card-service evidence verify ./export --log-key log.key     was anything altered?
  card-service db backup /var/backups --data-dir ./data       back the database up while it is used

Exit codes: 0 done, 1 failed or refused, 2 wrong input, 4 nothing to act on (no installation, no service).
Settings: a TOML file (--config), CARD_SERVICE_… variables (public.listen is CARD_SERVICE_PUBLIC__LISTEN), flags; the \
later wins."
)]
struct Cli {
    /// How results are printed: text for a person, json for a program
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Language of messages (zh-CN or en); from LANG when not given
    #[arg(long, global = true, env = "CARD_SERVICE_LANG", value_parser = locale)]
    lang: Option<Locale>,
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

fn locale(tag: &str) -> Result<Locale, String> {
    Locale::from_tag(tag).ok_or_else(|| "zh-CN or en".to_owned())
}

/// Where settings come from.
#[derive(Clone, Debug, clap::Args)]
pub struct Settings {
    /// Configuration file (TOML)
    #[arg(long, global = true, env = "CARD_SERVICE_CONFIG")]
    config: Option<PathBuf>,
    /// Folder for database, keys and certificates
    #[arg(long, global = true)]
    data_dir: Option<PathBuf>,
    /// Address of the console and the API, port 0 for any free one
    #[arg(long, global = true)]
    public_listen: Option<SocketAddr>,
    /// Address for terminals, port 0 for any free one
    #[arg(long, global = true)]
    terminals_listen: Option<SocketAddr>,
}

impl Settings {
    /// The configuration in force.
    pub fn load(&self) -> Result<Config, CliError> {
        let environment: HashMap<String, String> = std::env::vars().collect();
        let overrides = Overrides {
            data_dir: self.data_dir.clone(),
            public_listen: self.public_listen,
            terminals_listen: self.terminals_listen,
        };
        Config::load(self.config.as_deref(), &environment, &overrides).map_err(|error| match &error {
            ConfigError::UnknownKey { key, origin } => {
                let keys = KEYS.map(|(key, _)| key).join(", ");
                let values = vec![("origin", origin.clone()), ("key", key.clone()), ("keys", keys)];
                CliError::wrong_text("cli-unknown-setting", values)
            }
            ConfigError::OutOfRange { .. } | ConfigError::Invalid(_) => {
                CliError::wrong_text("cli-bad-setting", vec![("cause", error.to_string())])
            }
        })
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the keys, the database and the first administrator
    Init(init::InitArgs),
    /// Serve the console, the API and the terminals until stopped
    Serve(serve::ServeArgs),
    /// Ask a running service whether it is ready
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Look at the database, bring it up to date, back it up, put a backup back, move it to PostgreSQL
    #[command(subcommand)]
    Db(database::DatabaseCommand),
    /// Read the grid cells of the city
    #[command(subcommand)]
    Area(area::AreaCommand),
    /// Export, verify and prove what the log recorded
    #[command(subcommand)]
    Evidence(evidence::EvidenceCommand),
    /// Check printed papers, and print the key for that
    #[command(subcommand)]
    Paper(paper::PaperCommand),
    /// Check the fares that the city publishes, and import them
    #[command(subcommand)]
    Transit(transit::TransitCommand),
    /// Check rules of social security, and reckon what a month costs by them
    #[command(subcommand)]
    SocialSecurity(social_security::SocialSecurityCommand),
    /// Check rules of what is covered of bills, and reckon what a bill costs by them
    #[command(subcommand)]
    Coverage(coverage::CoverageCommand),
    /// Help an administrator who cannot sign in any more
    #[command(subcommand)]
    Staff(staff::StaffCommand),
    /// Print the API's description (OpenAPI 3.1)
    Openapi,
}

/// Reads the command line, runs one command and answers its exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let context = Context::new(cli.format, cli.lang.unwrap_or_else(output::locale_of_environment));
    let result = match &cli.command {
        Command::Init(arguments) => init::run(context, &cli.settings, arguments),
        Command::Serve(arguments) => serve::run(context, &cli.settings, arguments),
        Command::Healthcheck(arguments) => healthcheck::run(context, &cli.settings, arguments),
        Command::Db(command) => database::run(context, &cli.settings, command),
        Command::Area(command) => area::run(context, &cli.settings, command),
        Command::Evidence(command) => evidence::run(context, &cli.settings, command),
        Command::Paper(command) => paper::run(context, &cli.settings, command),
        Command::Transit(command) => transit::run(context, &cli.settings, command),
        Command::SocialSecurity(command) => social_security::run(context, command),
        Command::Coverage(command) => coverage::run(context, command),
        Command::Staff(command) => staff::run(context, &cli.settings, command),
        Command::Openapi => openapi::run(context),
    };
    context.finish(result)
}

/// A failure of the database: there is none to act on, its URL is wrong, or it failed.
fn database_failed(error: &DbError) -> CliError {
    match error {
        DbError::Missing(_) | DbError::Empty => CliError::nothing(error.to_string()),
        DbError::Url(_) | DbError::NoNamespace => CliError::usage(error),
        other => CliError::failed(other),
    }
}

/// A file that was named cannot be read.
fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> CliError + use<> {
    let failed = failed("read", path);
    move |error| CliError::usage(&failed(error))
}

/// Runs a command's future on a runtime of its own.
fn block_on<T>(future: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::failed(&error))?
        .block_on(future)
}
