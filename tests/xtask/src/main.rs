//! `cargo xtask`: sets the machine up, builds, and runs the demo, the tests, the benches and the long suite.
//!
//! Holds only the way there. What the demo shows and what a bench measures is in `tests/town` and `tests/bench`.

mod process;
mod programs;
mod setup;
mod test;
mod tree;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Everything a developer or an evaluator types.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Installs what is missing: Debian packages, and test tools into the target folder.
    ///
    /// Asks before it changes the machine, unless it runs as root, in CI (the variable CI is set), or with --yes.
    Setup {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        /// Only say what is missing; exit code 1 if anything is.
        #[arg(long)]
        check: bool,
    },
    /// A newcomer's first day: registers, issues a card over PC/SC, taps it, proves the log.
    #[command(after_help = "Examples:\n  cargo xtask demo\n  cargo xtask demo --once --format json")]
    Demo {
        /// Options of the demo itself (`--once`, `--format json`, …).
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTION")]
        options: Vec<OsString>,
    },
    /// Every check and every test, in the order in which they fail fastest.
    #[command(after_help = "Examples:\n  cargo xtask test\n  cargo xtask test --only fmt --only clippy")]
    Test {
        /// Run only this stage; may be given more than once.
        #[arg(long, value_name = "STAGE")]
        only: Vec<String>,
        /// Name the stages and end.
        #[arg(long)]
        list: bool,
        /// Do not ask before installing what is missing.
        #[arg(long)]
        yes: bool,
    },
    /// Pictures of every page in both languages, on an office screen, a telephone, a kiosk and on paper.
    ///
    /// The browser tests take them while they look whether everybody can use the page.
    #[command(after_help = "Example:\n  cargo xtask screenshots")]
    Screenshots,
    /// Measures: `cargo xtask bench tap`. Built with optimisation.
    Bench {
        /// The bench's name and its options; without a name, lists them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "NAME")]
        options: Vec<OsString>,
    },
    /// The long suite: the ledger against its model, kills under load, two services on one database, overload.
    ///
    /// 100,000 random sequences of transfers for each property of the ledger, on SQLite and on PostgreSQL; 2,000 kills of
    /// the service, 200 of the service on PostgreSQL, of the daemon and of the postmaster, 20 standstills of PostgreSQL;
    /// two services on one database, ten times; four times what the service can do, two minutes on each database. All of
    /// it takes hours: leave it running overnight, or choose a part. Prints its seeds.
    #[command(after_help = "Examples:\n  cargo xtask torture --report docs/reliability/kills.md\n  \
                            cargo xtask torture --only overload\n  \
                            cargo xtask torture --only kills --victim postmaster --kills 20")]
    Torture {
        /// Only this part; may be given more than once.
        #[arg(long, value_enum, value_name = "PART")]
        only: Vec<programs::Part>,
        /// Options of everything but the ledger (`--victim`, `--kills`, `--seed`, `--report`).
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTION")]
        options: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Setup { yes, check: false } => setup::everything(yes).map(|()| ExitCode::SUCCESS),
        Command::Setup { check: true, .. } => setup::check(),
        Command::Demo { options } => programs::demo(&options),
        Command::Test { list: true, .. } => {
            test::list();
            Ok(ExitCode::SUCCESS)
        }
        Command::Test { only, yes, .. } => test::run(&only, yes),
        Command::Screenshots => programs::screenshots(),
        Command::Bench { options } => programs::bench(&options),
        Command::Torture { only, options } => programs::torture(&only, &options),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(1)
    })
}
