//! What goes wrong with a file that an operator has named.

use std::io;
use std::path::{Path, PathBuf};

/// A file failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {}", path.display())]
pub struct FileError {
    /// What was being done.
    operation: &'static str,
    /// To which file.
    path: PathBuf,
    /// Why not.
    source: io::Error,
}

/// The error of an operation on a file.
pub(crate) fn failed(operation: &'static str, path: &Path) -> impl Fn(io::Error) -> FileError + use<> {
    let path = path.to_owned();
    move |source| FileError { operation, path: path.clone(), source }
}
