//! `run`: the daemon in the foreground, as a service manager wants it.

use std::{io::IsTerminal as _, net::SocketAddr, path::PathBuf};

use clap::Args;
use tracing_subscriber::{EnvFilter, Layer as _, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use super::{Settings, messages::CliError, messages_daemon};
use crate::{
    card::apdu_trace,
    config::{Config, LogFormat, LogLevel, Overrides},
};

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reader-daemon run\n  reader-daemon --config /etc/reader-daemon.toml run\n  \
    READER_DAEMON_LOG_LEVEL=debug reader-daemon run --listen 127.0.0.1:4870\n  \
    reader-daemon run --apdu-trace /var/tmp/apdus.jsonl")]
pub(super) struct RunArgs {
    /// Loopback address of the local API; port 0 for any free port
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Add a line for each APDU to this file, for diagnosis: time, reader, header, lengths and status word, never its
    /// data. It grows as long as the daemon runs with it
    #[arg(long, value_name = "FILE")]
    apdu_trace: Option<PathBuf>,
}

pub(super) fn run(args: &RunArgs, settings: &Settings) -> Result<(), CliError> {
    let config = settings.load_with(&Overrides {
        data_dir: settings.data_dir.clone(),
        listen: args.listen,
        apdu_trace: args.apdu_trace.clone(),
    })?;
    start_log(&config)?;
    super::block_on(crate::run::run(&config))?.map_err(|error| messages_daemon::run(&error))
}

/// Log lines go to stderr; of our own programs only. A library that logs requests could show what is in them.
fn start_log(config: &Config) -> Result<(), CliError> {
    let level = match config.log.level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    let log = fmt::layer().with_writer(std::io::stderr);
    let log = match config.log.format {
        LogFormat::Json => log.json().boxed(),
        LogFormat::Text => {
            let color =
                std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
            log.with_ansi(color).boxed()
        }
    };
    let log = log.with_filter(EnvFilter::new(format!("warn,reader_daemon={level}")));
    let trace = match &config.apdu_trace {
        Some(path) => Some(apdu_trace::open(path).map_err(|cause| messages_daemon::apdu_trace(path, &cause))?),
        None => None,
    };
    tracing_subscriber::registry().with(log).with(trace.map(apdu_trace::layer)).init();
    Ok(())
}
