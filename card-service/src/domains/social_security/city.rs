//! The rules of an installation's city: in the file that its operator names, or those that come with the program.

use std::path::Path;

use super::scheme::{MAX_BYTES, Scheme};
use crate::rule_file::{self, Unread};

/// Reads a file of rules, or takes those that come with the program.
///
/// # Errors
/// [`Unread`].
pub fn scheme(file: Option<&Path>) -> Result<Scheme, Unread> {
    let read = |text: &str| Scheme::read(text).map_err(|unusable| unusable.words());
    rule_file::read(file, MAX_BYTES, Scheme::beijing, read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_city_has_the_rules_of_its_file_or_is_told_why_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("city.toml");
        assert_eq!(scheme(None).unwrap(), Scheme::beijing());
        let said = |text: &str| {
            std::fs::write(&file, text).unwrap();
            scheme(Some(&file)).err().map(|error| error.to_string())
        };
        let good = "[[version]]\nfrom = \"2020-01\"\nsource = \"invented\"\ninsurance = {}\n";
        assert_eq!(said(good), None);
        assert!(said("version = []").unwrap().contains("no rules"));
        assert!(said("version = [").unwrap().contains("cannot be read"));
    }
}
