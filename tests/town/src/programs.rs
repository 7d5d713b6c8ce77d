//! Where the programs under test are. Holds look-up only; it starts and builds nothing: a build for one package has other
//! features than the workspace's and would replace the programs that other tests are running.

use std::env;
use std::path::PathBuf;

/// Names the folder with ready-built programs; without it they are looked for beside the running test.
pub const FOLDER_VARIABLE: &str = "TOWN_PROGRAMS";

/// A program cannot be run.
#[derive(Debug, thiserror::Error)]
#[error("no program {}; `cargo build --workspace --bins` makes it", path.display())]
pub struct ProgramError {
    /// Where it was looked for.
    pub path: PathBuf,
}

/// The path of a program of this workspace, as the last build left it.
///
/// # Errors
/// It is not there.
pub fn program(name: &str) -> Result<PathBuf, ProgramError> {
    let folder = env::var_os(FOLDER_VARIABLE).map_or_else(beside_this_program, PathBuf::from);
    let path = folder.join(name);
    if path.is_file() { Ok(path) } else { Err(ProgramError { path }) }
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
