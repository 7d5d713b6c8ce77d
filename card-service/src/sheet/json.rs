//! A list of objects as a sheet (RFC 8259): the names are headings, each object is a row. The first stands in row 2, as in a spreadsheet
//! below its headings. Pure.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Cell, Cells, KEPT_DIGITS, Unusable, keep};

/// An object whose names may repeat: whoever sent it is told so.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Object;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Object(pairs))
            }
        }
        deserializer.deserialize_map(Names)
    }
}

/// Whether a file is a list in JSON, and no csv.
pub(super) fn is_list(file: &[u8]) -> bool {
    let text = file.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(file);
    text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[')
}

/// The cells of a list: its names in the first row, in the order in which they first appear.
pub(super) fn cells(file: &[u8], max_rows: usize) -> Result<Cells, Unusable> {
    let unreadable = || Unusable::new("import-not-a-sheet", "");
    let text = file.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(file);
    let objects: Vec<Object> = serde_json::from_slice(text).map_err(|_| unreadable())?;
    let (mut cells, mut names) = (Cells::new(), Vec::<String>::new());
    for (Object(pairs), row) in objects.into_iter().zip(1_u32..) {
        for (name, value) in pairs {
            let column = names.iter().position(|known| *known == name).unwrap_or_else(|| {
                names.push(name.clone());
                names.len() - 1
            });
            let at = (row, u32::try_from(column).unwrap_or(u32::MAX));
            if cells.contains_key(&at) {
                return Err(Unusable::new("import-name-twice", row + 1));
            }
            let held = match value {
                Value::Null => continue,
                Value::Bool(truth) => Cell::Text(truth.to_string()),
                Value::Number(number) if !number.is_f64() => Cell::Text(number.to_string()),
                Value::Number(number) if number.as_f64().is_none_or(|number| number.abs() >= KEPT_DIGITS) => {
                    Cell::Rounded
                }
                Value::Number(number) => Cell::Text(number.to_string()),
                Value::String(text) => Cell::Text(text),
                Value::Array(_) | Value::Object(_) => return Err(unreadable()),
            };
            keep(&mut cells, max_rows, at, held)?;
        }
    }
    for (name, column) in names.into_iter().zip(0_u32..) {
        keep(&mut cells, max_rows, (0, column), Cell::Text(name))?;
    }
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use super::super::{Column, read};
    use super::*;
    use crate::i18n::Locale;

    /// Two columns.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Part {
        Number,
        Wage,
    }

    impl Column for Part {
        const ALL: &'static [Self] = &[Self::Number, Self::Wage];
        const NEEDED: &'static [Self] = Self::ALL;

        fn title(self, locale: Locale) -> String {
            locale.text(if self == Self::Number { "filing-number" } else { "filing-wage" })
        }
    }

    fn said(text: &str) -> (&'static str, String) {
        let Unusable { key, at } = read::<Part>(text.as_bytes(), 2).unwrap_err();
        (key, at)
    }

    #[test]
    fn a_list_of_objects_says_what_a_sheet_of_the_same_says() {
        let [number, wage] =
            Part::ALL.iter().map(|part| part.title(Locale::En)).collect::<Vec<_>>().try_into().unwrap();
        let json = format!(
            "\u{FEFF} [{{\"{number}\": \"110000199001010013\", \"{wage}\": 8000.10}},
              {{\"{wage}\": 9000, \"{number}\": 110000199001010136}}]"
        );
        let csv = format!("{number},{wage}\r\n110000199001010013,8000.1\r\n110000199001010136,9000");
        assert_eq!(read::<Part>(json.as_bytes(), 2).unwrap(), read::<Part>(csv.as_bytes(), 2).unwrap());
        for zh in [Part::Number.title(Locale::ZhCn), Part::Wage.title(Locale::ZhCn)] {
            assert!(!csv.contains(&zh));
        }
    }

    #[test]
    fn a_list_that_is_none_is_told_so() {
        let [number, wage] =
            Part::ALL.iter().map(|part| part.title(Locale::En)).collect::<Vec<_>>().try_into().unwrap();
        let row = format!("{{\"{number}\": \"1\", \"{wage}\": 1}}");
        for (text, key) in [
            ("[".to_owned(), "import-not-a-sheet"),
            ("[1]".to_owned(), "import-not-a-sheet"),
            (format!("[{row}] more"), "import-not-a-sheet"),
            (format!("[{{\"{number}\": [1], \"{wage}\": 1}}]"), "import-not-a-sheet"),
            ("[]".to_owned(), "import-empty"),
            (format!("[{{\"{number}\": \"1\"}}]"), "import-column-missing"),
            (format!("[{{\"{number}\": \"1\", \"{wage}\": 1, \"other\": 1}}]"), "import-column-unknown"),
            (format!("[{row}, {row}, {row}]"), "import-too-many-rows"),
            (format!("[{{\"{number}\": 1e30, \"{wage}\": 1}}]"), "import-number-rounded"),
        ] {
            assert_eq!(said(&text).0, key, "{text}");
        }
        let twice = format!("[{row}, {{\"{wage}\": 1, \"{wage}\": 2, \"{number}\": 1}}]");
        assert_eq!(said(&twice), ("import-name-twice", "3".to_owned()));
    }
}
