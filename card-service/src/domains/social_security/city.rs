//! The rules of an installation's city: in the file that its operator names, or those that come with the program.

use std::path::Path;

use super::scheme::{MAX_BYTES, Scheme, Unusable};
use crate::files::{FileError, failed};
use crate::i18n::Locale;

/// Why a file of rules cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is larger than rules are.
    #[error("{}", self.text(Locale::En))]
    TooLarge,
    /// What stands in it cannot be followed.
    #[error("{}", self.text(Locale::En))]
    Unusable(Unusable),
}

impl Unread {
    /// The key of a text that says what to do about it, and what it is filled in with; none where the file cannot be read.
    pub fn words(&self) -> Option<(&'static str, Vec<(&'static str, String)>)> {
        match self {
            Self::File(_) => None,
            Self::TooLarge => Some(("security-too-large", vec![("max", (MAX_BYTES >> 10).to_string())])),
            Self::Unusable(unusable) => Some(unusable.words()),
        }
    }

    fn text(&self, locale: Locale) -> String {
        let (key, values) = self.words().unwrap_or_default();
        locale.text_with(key, &values.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>())
    }
}

/// Reads a file of rules, or takes those that come with the program.
///
/// # Errors
/// [`Unread`].
pub fn scheme(file: Option<&Path>) -> Result<Scheme, Unread> {
    let Some(path) = file else { return Ok(Scheme::beijing()) };
    if std::fs::metadata(path).map_err(failed("read", path))?.len() > MAX_BYTES as u64 {
        return Err(Unread::TooLarge);
    }
    let text = std::fs::read_to_string(path).map_err(failed("read", path))?;
    Scheme::read(&text).map_err(Unread::Unusable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_city_has_the_rules_of_its_file_or_is_told_why_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("city.toml");
        assert_eq!(scheme(None).unwrap(), Scheme::beijing());
        let said = |text: &[u8]| {
            std::fs::write(&file, text).unwrap();
            scheme(Some(&file)).err().map(|error| error.to_string())
        };
        assert!(scheme(Some(&file)).unwrap_err().to_string().contains("cannot read"), "it is not there");
        let good = b"[[version]]\nfrom = \"2020-01\"\nsource = \"invented\"\ninsurance = {}\n";
        assert_eq!(said(good), None);
        assert!(said(b"version = []").unwrap().contains("no rules"));
        assert!(said(b"version = [").unwrap().contains("cannot be read"));
        assert!(said(&vec![b'#'; MAX_BYTES + 1]).unwrap().contains("at most"));
        assert!(said(b"\xFF").unwrap().contains("cannot read"));
    }
}
