//! The rules and the catalogue of an installation's city: in the files that its operator names, or those that come with the program.

use std::path::Path;

use super::catalogue::{self, Catalogue};
use super::policy::{self, Policy};
use crate::rule_file::{self, Unread};

/// What is covered in a city.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Its rules.
    pub policy: Policy,
    /// Its items.
    pub catalogue: Catalogue,
}

impl Coverage {
    /// What comes with the program.
    pub fn beijing() -> Self {
        Self { policy: Policy::beijing(), catalogue: Catalogue::beijing() }
    }
}

/// Reads files of rules and items, or takes those that come with the program.
///
/// # Errors
/// [`Unread`].
pub fn coverage(rules: Option<&Path>, catalogue: Option<&Path>) -> Result<Coverage, Unread> {
    let policy = |text: &str| Policy::read(text).map_err(|unusable| unusable.words());
    let items = |text: &str| Catalogue::read(text).map_err(|unusable| unusable.words());
    Ok(Coverage {
        policy: rule_file::read(rules, policy::MAX_BYTES, Policy::beijing, policy)?,
        catalogue: rule_file::read(catalogue, catalogue::MAX_BYTES, Catalogue::beijing, items)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_city_has_what_its_files_say_or_is_told_why_not() {
        let folder = tempfile::tempdir().unwrap();
        let [rules, items] = ["rules.toml", "items.csv"].map(|name| folder.path().join(name));
        assert_eq!(coverage(None, None).unwrap(), Coverage::beijing());
        std::fs::write(&rules, "version = []").unwrap();
        std::fs::write(&items, "code,name\n").unwrap();
        let said = |rules, items| coverage(rules, items).unwrap_err().to_string();
        assert!(said(Some(&*rules), None).contains("no rules"));
        assert!(said(None, Some(&*items)).contains("no item"));
    }
}
