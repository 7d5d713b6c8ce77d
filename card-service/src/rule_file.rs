//! Files with the rules of a city, as an operator names them: read within bounds, and why one cannot be followed, in words. Knows no rules.

use std::path::Path;

use crate::files::{FileError, failed};
use crate::i18n::{Locale, Words};

/// Why a file of rules cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// What is wrong with it, and what to do about it.
    #[error("{}", text(.0))]
    Wrong(Words),
}

fn text((key, values): &Words) -> String {
    Locale::En.text_with(key, &values.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>())
}

/// Reads a file of at most `max` bytes, or takes what comes with the program.
///
/// # Errors
/// [`Unread`].
pub fn read<T>(
    file: Option<&Path>,
    max: usize,
    built_in: fn() -> T,
    read: impl FnOnce(&str) -> Result<T, Words>,
) -> Result<T, Unread> {
    let Some(path) = file else { return Ok(built_in()) };
    if std::fs::metadata(path).map_err(failed("read", path))?.len() > max as u64 {
        return Err(Unread::Wrong(("rules-too-large", vec![("max", (max >> 10).to_string())])));
    }
    let text = std::fs::read_to_string(path).map_err(failed("read", path))?;
    read(&text).map_err(Unread::Wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_within_bounds_or_it_is_said_why_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("city.toml");
        let length = |text: &str| text.parse::<u8>().map_err(|_| ("rules-empty", Vec::new()));
        let found = |file: Option<&Path>| read(file, 4 << 10, || 7, length).map_err(|unread| unread.to_string());
        assert_eq!(found(None), Ok(7));
        assert!(found(Some(&file)).unwrap_err().contains("cannot read"), "it is not there");
        for (text, said) in
            [(&b"no number"[..], "no rules"), (&[b'#'; (4 << 10) + 1], "at most 4 KB"), (b"\xFF", "cannot read")]
        {
            std::fs::write(&file, text).unwrap();
            assert!(found(Some(&file)).unwrap_err().contains(said), "{said}");
        }
        std::fs::write(&file, "12").unwrap();
        assert_eq!(found(Some(&file)), Ok(12));
    }
}
