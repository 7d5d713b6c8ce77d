//! `run`: the daemon in the foreground, as a service manager wants it.

use std::{io::IsTerminal as _, net::SocketAddr};

use clap::Args;
use tracing_subscriber::EnvFilter;

use super::{Settings, messages::CliError, messages_daemon};
use crate::config::{Config, LogFormat, LogLevel, Overrides};

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reader-daemon run\n  reader-daemon --config /etc/reader-daemon.toml run\n  \
    READER_DAEMON_LOG_LEVEL=debug reader-daemon run --listen 127.0.0.1:4870")]
pub(super) struct RunArgs {
    /// Loopback address of the local API; port 0 for any free port
    #[arg(long)]
    listen: Option<SocketAddr>,
}

pub(super) fn run(args: &RunArgs, settings: &Settings) -> Result<(), CliError> {
    let config = settings.load_with(&Overrides { data_dir: settings.data_dir.clone(), listen: args.listen })?;
    start_log(&config);
    super::block_on(crate::run::run(&config))?.map_err(|error| messages_daemon::run(&error))
}

/// Log lines go to stderr; of our own programs only. A library that logs requests could show what is in them.
fn start_log(config: &Config) {
    let level = match config.log.level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    let filter = EnvFilter::new(format!("warn,reader_daemon={level}"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log.format {
        LogFormat::Json => log.json().init(),
        LogFormat::Text => {
            let color =
                std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
            log.with_ansi(color).init();
        }
    }
}
