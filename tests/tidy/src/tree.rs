//! The files that git knows, with their text. Says nothing about what they should be.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

/// One file.
#[derive(Clone, Debug)]
pub struct File {
    /// From the top of the tree, with slashes.
    pub path: String,
    /// Its text; files that are not UTF-8 are not in a tree's texts.
    pub text: String,
}

impl File {
    /// The last part of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Lines with their numbers from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// All files of a tree.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The text files.
    pub files: Vec<File>,
    /// The paths of all files, text or not.
    pub paths: Vec<String>,
}

impl Tree {
    /// The repository this crate lies in: what is tracked, and what is new and not ignored.
    pub fn of_repository() -> Self {
        let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest).ancestors().nth(2).expect("tests/tidy lies two folders down");
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .expect("git starts");
        assert!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
        let mut tree = Self::default();
        for path in String::from_utf8_lossy(&listed.stdout).split('\0').filter(|path| !path.is_empty()) {
            // A tracked file may have been removed and not yet committed.
            let Ok(bytes) = fs::read(root.join(path)) else { continue };
            tree.paths.push(path.to_owned());
            if let Ok(text) = String::from_utf8(bytes) {
                tree.files.push(File { path: path.to_owned(), text });
            }
        }
        tree
    }

    /// A tree in memory.
    pub fn of(files: &[(&str, &str)]) -> Self {
        Self {
            files: files.iter().map(|(path, text)| File { path: (*path).into(), text: (*text).into() }).collect(),
            paths: files.iter().map(|(path, _)| (*path).into()).collect(),
        }
    }

    /// The Rust files.
    pub fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| Path::new(&file.path).extension().is_some_and(|extension| extension == "rs"))
    }

    /// The Rust files whose path begins with `folder`.
    pub fn rust_in(&self, folder: &str) -> impl Iterator<Item = &File> {
        self.rust().filter(move |file| file.path.starts_with(folder))
    }
}
