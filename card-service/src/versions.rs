//! Rules that change: versions as TOML, each whole and in force from a month on until a later one begins. Knows no rules. Pure.

use card_schema::month::Month;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::i18n::Words;

/// Versions of rules, the oldest first; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions<V>(Vec<V>);

/// The rules from a month on.
pub trait Version: DeserializeOwned {
    /// The first month.
    fn from(&self) -> Month;
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<V> {
    version: Vec<V>,
}

/// Why a text says no versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It is no such file; what the reader of TOML says, with line and column.
    Malformed(String),
    /// There is no version.
    Empty,
    /// A version does not begin after the one before it.
    Order(Month),
}

impl Unusable {
    /// The key of a text that says so, and what it is filled in with.
    pub fn words(&self) -> Words {
        match self {
            Self::Malformed(text) => ("rules-malformed", vec![("at", text.clone())]),
            Self::Empty => ("rules-empty", Vec::new()),
            Self::Order(from) => ("rules-order", vec![("at", from.to_string())]),
        }
    }
}

impl<V: Version> Versions<V> {
    /// Reads them; an unknown key is an error.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub fn read(text: &str) -> Result<Self, Unusable> {
        let File::<V> { version: versions } =
            toml::from_str(text).map_err(|error| Unusable::Malformed(error.to_string().trim_end().to_owned()))?;
        if versions.is_empty() {
            return Err(Unusable::Empty);
        }
        if let Some(pair) = versions.windows(2).find(|pair| pair[0].from() >= pair[1].from()) {
            return Err(Unusable::Order(pair[1].from()));
        }
        Ok(Self(versions))
    }

    /// All of them, the oldest first.
    pub fn all(&self) -> &[V] {
        &self.0
    }

    /// That of a month; nothing before the first.
    pub fn of(&self, month: Month) -> Option<&V> {
        self.0.iter().rev().find(|version| version.from() <= month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Locale;

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Since {
        from: Month,
    }

    impl Version for Since {
        fn from(&self) -> Month {
            self.from
        }
    }

    #[test]
    fn a_month_has_the_newest_version_that_has_begun() {
        let month = |text: &str| text.parse::<Month>().unwrap();
        let read = |months: &[&str]| {
            let texts: Vec<_> = months.iter().map(|from| format!("[[version]]\nfrom = \"{from}\"\n")).collect();
            Versions::<Since>::read(&texts.concat())
        };
        let found = read(&["2020-01", "2023-07"]).unwrap();
        let of = |text: &str| found.of(month(text)).map(|version| version.from.to_string());
        let months = ["2019-12", "2020-01", "2023-06", "2023-07", "2030-01"].map(of);
        assert_eq!(
            months.each_ref().map(Option::as_deref),
            [None, Some("2020-01"), Some("2020-01"), Some("2023-07"), Some("2023-07")]
        );
        for twice in ["2020-01", "2019-12"] {
            assert_eq!(read(&["2020-01", twice]), Err(Unusable::Order(month(twice))));
        }
        let malformed = Versions::<Since>::read("versions = []").unwrap_err();
        assert!(matches!(&malformed, Unusable::Malformed(text) if text.contains("unknown field")), "{malformed:?}");
        for unusable in
            [malformed, Versions::<Since>::read("version = []").unwrap_err(), Unusable::Order(month("2020-01"))]
        {
            let (key, _) = unusable.words();
            assert!(Locale::ALL.into_iter().all(|locale| locale.has(key)), "{key}");
        }
    }
}
