//! The town's command line: `cargo xtask` builds everything and calls it.

use std::{process::ExitCode, sync::mpsc};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use town::demo::{self, Format};

#[derive(Debug, Parser)]
#[command(about = "A town of real readers, cards, daemons and a service on this machine")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Walk through a newcomer's first day with the card, then stay open until Ctrl-C
    Demo {
        /// End after the walk
        #[arg(long)]
        once: bool,
        /// How to print the steps
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
}

fn main() -> ExitCode {
    let Command::Demo { once, format } = Cli::parse().command;
    match demo(once, format) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the demo failed at {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn demo(once: bool, format: Format) -> Result<()> {
    // Ctrl-C ends the wait and not the process, so that the town's folder is removed.
    let (stop, stopped) = mpsc::channel();
    ctrlc::set_handler(move || stop.send(()).unwrap_or_default()).context("catching Ctrl-C")?;
    let town = demo::walk(format)?;
    if !once {
        demo::invite(&town, format)?;
        stopped.recv().context("waiting for Ctrl-C")?;
    }
    Ok(())
}
