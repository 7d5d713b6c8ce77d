//! What must be on the machine: Debian packages and test tools. Installs what is missing, and nothing else.
//!
//! When nothing is missing it takes a few milliseconds, so every command begins with it.

mod consent;
mod debian;
mod tools;

use std::process::ExitCode;

use anyhow::Result;

use debian::Use;

/// What the demo and the benches need.
pub(crate) fn to_run(yes: bool) -> Result<()> {
    debian::install(&[Use::Run], yes)
}

/// Everything: what the tests need, too.
pub(crate) fn everything(yes: bool) -> Result<()> {
    debian::install(&[Use::Run, Use::Test], yes)?;
    tools::install()
}

/// Says what is missing.
pub(crate) fn check() -> Result<ExitCode> {
    let missing = debian::missing(&[Use::Run, Use::Test])?;
    let tools = tools::are_installed();
    if missing.is_empty() && tools {
        println!("nothing is missing");
        return Ok(ExitCode::SUCCESS);
    }
    for package in missing {
        println!("missing: Debian package {} ({})", package.name, package.why);
    }
    if !tools {
        println!("missing: test tools of tests/xtask/requirements.txt");
    }
    Ok(ExitCode::FAILURE)
}
