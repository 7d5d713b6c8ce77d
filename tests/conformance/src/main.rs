//! The service of a town against the description of its API, asked by schemathesis: both listeners, and a description
//! with planted lies, which must be found. Prints one line.
//!
//! `scene` is the town and what a good request needs of it, `document` the description with examples of that, `tool` runs
//! schemathesis and reads its report. Requests are the same in each run.

mod document;
mod scene;
mod tool;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Parser;

use crate::scene::Scene;
use crate::tool::{Listener, Tool};

#[derive(Debug, Parser)]
#[command(about = "Asks a town's service what the description of its API promises")]
struct Cli {
    /// The program `schemathesis`
    #[arg(long)]
    schemathesis: PathBuf,
    /// Requests that are made up for each operation, besides those that follow from its description
    #[arg(long, default_value_t = 10)]
    examples: u32,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What is carried out only right after a card has signed for it. Stories in the browser carry them out: that of the staff card, and
/// that of the holder at the station.
const ASK_FOR_A_CARD: [&str; 4] =
    ["POST /v1/sign-ins/links", "POST /v1/statements", "POST /v1/visits", "POST /v1/claims"];

fn run(cli: &Cli) -> Result<String> {
    let scene = Scene::open()?;
    let tool = Tool::new(cli.schemathesis.clone(), cli.examples, &scene)?;
    let with_examples = document::with_examples(document::described()?, &scene.examples)?;
    let mut asked = 0;
    let mut operations = 0;
    for listener in Listener::ALL {
        let report = tool.run(listener, &with_examples)?;
        ensure!(report.failures.is_empty(), "the service does not keep to its description\n{}", report.printed);
        ensure!(report.complete(), "not everything was asked\n{}", report.printed);
        let described = listener.operations(&with_examples);
        let mut never = report.never_accepted(&described);
        never.retain(|operation| !ASK_FOR_A_CARD.contains(&operation.as_str()));
        ensure!(never.is_empty(), "no request was good enough to be carried out: {never:?}\n{}", report.printed);
        asked += report.asked;
        operations += described.len();
    }

    let lies = document::LIES;
    let report = tool.run(Listener::Public, &document::with_lies(with_examples)?)?;
    for lie in lies {
        ensure!(report.found(lie), "the planted lie was not found: {lie:?}\n{}", report.printed);
    }
    let others = report.failures.len().saturating_sub(lies.len());
    ensure!(others == 0, "{others} more were found than planted\n{}", report.printed);
    Ok(format!("{operations} operations, {asked} requests; {} planted lies were found", lies.len()))
}
