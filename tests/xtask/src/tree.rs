//! Where things lie: the source tree, the target folder, the tools in it.

use std::env;
use std::path::{Path, PathBuf};

/// The top of the source tree: of the one that cargo runs us for, which need not be the one that built us when several
/// share a target folder.
pub(crate) fn root() -> PathBuf {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&manifest).ancestors().nth(2).expect("tests/xtask lies two folders below the top").to_path_buf()
}

/// The target folder: this program lies in one of its profile folders.
pub(crate) fn target() -> PathBuf {
    env::current_exe()
        .ok()
        .and_then(|here| here.ancestors().nth(2).map(Path::to_path_buf))
        .unwrap_or_else(|| root().join("target"))
}

/// A folder for what this program keeps between runs.
pub(crate) fn kept() -> PathBuf {
    target().join("xtask")
}

/// A program installed by setup.
pub(crate) fn tool(name: &str) -> PathBuf {
    kept().join("tools/bin").join(name)
}
