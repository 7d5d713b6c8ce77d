//! Where the programs under test are. Holds look-up only; it starts nothing but, once for each, cargo.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// Names the folder with ready-built programs; without it they are looked for beside the running test.
pub const FOLDER_VARIABLE: &str = "TOWN_PROGRAMS";

/// Why a program cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It is not where it should be.
    #[error("no program {path}; `cargo build --package {package}` makes it")]
    Absent {
        /// Where it was looked for.
        path: PathBuf,
        /// What builds it.
        package: &'static str,
    },
    /// Cargo, asked to bring it up to date, failed.
    #[error("cargo build --package {0} failed")]
    Build(&'static str),
}

/// The path of a program of this workspace, whose package has the same name. Under `cargo test` and `cargo run` it is
/// brought up to date first, once for each process: nothing else makes cargo build another package's program.
///
/// # Errors
/// It does not build, or is not there.
pub fn program(package: &'static str) -> Result<PathBuf, ProgramError> {
    static FOUND: Mutex<BTreeMap<&'static str, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = found.get(package) {
        return Ok(path.clone());
    }
    let path = locate(package)?;
    found.insert(package, path.clone());
    Ok(path)
}

fn locate(package: &'static str) -> Result<PathBuf, ProgramError> {
    let path = if let Some(folder) = env::var_os(FOLDER_VARIABLE) {
        PathBuf::from(folder).join(package)
    } else {
        let path = beside_this_program().join(package);
        if let Some(cargo) = env::var_os("CARGO") {
            let mut build = Command::new(cargo);
            build.args(["build", "--quiet", "--package", package]);
            if path.parent().is_some_and(|folder| folder.ends_with("release")) {
                build.arg("--release");
            }
            if !build.status().is_ok_and(|status| status.success()) {
                return Err(ProgramError::Build(package));
            }
        }
        path
    };
    if path.is_file() { Ok(path) } else { Err(ProgramError::Absent { path, package }) }
}

/// The folder of cargo's programs; tests run from its `deps`.
fn beside_this_program() -> PathBuf {
    let mut folder = env::current_exe().unwrap_or_default();
    folder.pop();
    if folder.ends_with("deps") {
        folder.pop();
    }
    folder
}
