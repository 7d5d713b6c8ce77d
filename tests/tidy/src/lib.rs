//! The tree's own rules, as checks over its text. Each rule brings planted defects that it must find.
//!
//! Holds no rule that rustc, clippy, rustfmt or cargo-deny can check. A new rule is a file in `rules/` with a
//! [`Rule`] and at least one defect, and a line in [`RULES`].

pub mod rules;
pub mod source;
pub mod tree;

pub use rules::RULES;
pub use tree::Tree;

/// Something a rule does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The file, from the top of the tree.
    pub path: String,
    /// The line, from 1; 0 when the whole file or tree is meant.
    pub line: usize,
    /// What is wrong and what to do instead.
    pub message: String,
}

impl Violation {
    /// A violation in one line of a file.
    pub fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }

    /// A violation of a whole file.
    pub fn of(path: &str, message: impl Into<String>) -> Self {
        Self::at(path, 0, message)
    }
}

/// Files of a small tree: paths and texts.
pub type Fixture = &'static [(&'static str, &'static str)];

/// A rule, with the defects that prove it is awake.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name in reports.
    pub name: &'static str,
    /// Finds what it does not allow.
    pub check: fn(&Tree) -> Vec<Violation>,
    /// Small trees, each with one defect of this rule.
    pub defects: &'static [Fixture],
    /// A small tree that comes close and is allowed.
    pub allowed: Fixture,
}
