//! The proof that killing the service finds a service that acknowledges before it commits. It is built under a name of
//! its own and lies in a folder of its own, so that nobody takes it for the product.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::{process, tree};

/// Each kill finds the defect about every second time.
const KILLS: &str = "12";
const PROGRAM: &str = "card-service-with-planted-defect";

pub(super) fn run() -> Result<String> {
    let mut cargo = process::cargo();
    // The whole workspace's features: only the service itself is compiled once more.
    cargo.args(["build", "--workspace", "--locked", "--features", "faults/planted-early-acknowledgement"]);
    cargo.args(["--bin", PROGRAM]);
    process::run(&mut cargo)?;
    let built = tree::target().join("debug");
    let town = tree::kept().join("planted");
    fs::create_dir_all(&town).with_context(|| format!("making the folder {}", town.display()))?;
    for (program, name) in
        [(PROGRAM, "card-service"), ("reader-daemon", "reader-daemon"), ("virtual-card", "virtual-card")]
    {
        place(&built.join(program), &town.join(name))?;
    }
    let mut campaign = process::command(built.join("faults"));
    campaign.env("TOWN_PROGRAMS", &town).args(["--planted", "--kills", KILLS]);
    let printed = process::run_quietly(&mut campaign)?;
    Ok(printed.lines().last().unwrap_or_default().to_owned())
}

fn place(program: &Path, name: &Path) -> Result<()> {
    fs::copy(program, name).with_context(|| format!("copying {} to {}", program.display(), name.display()))?;
    Ok(())
}
