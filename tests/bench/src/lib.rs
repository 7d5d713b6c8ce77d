//! The benchmarks: each runs the real programs in a town and prints its figures, a line each.
//!
//! A library beside the program: who else needs many cards and terminals at once takes [`intake`]'s, and measures as it
//! does.

mod benefits;
mod claims;
mod console;
mod counter;
mod eligibility;
mod evidence;
mod figure;
pub mod intake;
mod tap;
mod transit;
mod usage;
mod validator;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::figure::{Format, Report};
pub use crate::{figure::percentile, usage::resident_mib};

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
    /// `card-service evidence export` and `verify` on many taps
    Evidence(evidence::Options),
    /// Pages, the search for people who are alike and a registration, in a city of a million
    Console(console::Options),
    /// A sale on the merchant's page with a card as slow as real ones, with and without network, and what a shop kept
    Counter(counter::Options),
    /// Taps of many terminals, from HTTP to the signed receipt, against bare verification of their signatures
    Intake(intake::Options),
    /// Reading a city's feed, and deciding what journeys cost
    Transit(transit::Options),
    /// What employers declare for a month: one large file, and all of them; and what bills cost
    Benefits(benefits::Options),
    /// What `intake` starts: a process that plays terminals
    #[command(hide = true)]
    Load {
        /// What it is to do
        plan: PathBuf,
    },
}

/// The program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let measured = match cli.bench {
        Bench::Tap { taps } => tap::measure(taps, &mut Report::new("tap", cli.format)),
        Bench::Console(options) => console::measure(&options, &mut Report::new("console", cli.format)),
        Bench::Counter(options) => counter::measure(&options, &mut Report::new("counter", cli.format)),
        Bench::Intake(options) => intake::measure(&options, &mut Report::new("intake", cli.format)),
        Bench::Transit(options) => transit::measure(&options, &mut Report::new("transit", cli.format)),
        Bench::Benefits(options) => benefits::measure(&options, &mut Report::new("benefits", cli.format)),
        Bench::Load { plan } => intake::load::run(&plan),
        Bench::Evidence(options) => evidence::measure(&options, &mut Report::new("evidence", cli.format)),
    };
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the benchmark failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}
