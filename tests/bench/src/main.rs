//! The benchmarks: each runs the real programs in a town and prints its figures, a line each.

mod figure;
mod tap;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::figure::{Format, Report};

#[derive(Debug, Parser)]
#[command(about = "Measures the programs as they are used; build with --release")]
struct Cli {
    #[command(subcommand)]
    bench: Bench,
    /// Text for people, or a line of JSON a figure
    #[arg(long, global = true, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// One tap of a known card, from the card-present event to the durable row; idle programs' size and start
    Tap {
        /// How many taps
        #[arg(long, default_value_t = 200)]
        taps: usize,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let measured = match cli.bench {
        Bench::Tap { taps } => tap::measure(taps, &mut Report::new("tap", cli.format)),
    };
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the benchmark failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}
