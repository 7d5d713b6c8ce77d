//! What people pay to social security, and what bills cost them, from sheets that LibreOffice calculates, beside what the engine makes of the same cases.
//! Makes no sums of its own.

pub mod changed;
pub mod claims;
pub mod contributions;
pub mod sheet;

use std::path::{Path, PathBuf};

/// The rules that come with the program, from the top of the repository.
pub const RULES: &str = "card-service/data/social-security/beijing.toml";

/// A file of the repository.
pub fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}
