//! Reading a spreadsheet of people: what each row says. Pure.
//!
//! Whether a row's texts are right is not looked at here (`rules`).

use super::columns;
use crate::domains::residence::model::{Facts, Field};
use crate::sheet::{self, Unusable};

/// The most rows of people.
pub const MAX_ROWS: usize = 5_000;

/// A row as it was typed, with its number in the spreadsheet.
pub type Line = (u32, Facts);

/// Reads a file.
///
/// # Errors
/// What is wrong with the sheet as a whole, and where.
pub fn read(file: &[u8]) -> Result<Vec<Line>, Unusable> {
    let rows = sheet::read::<Field>(file, MAX_ROWS)?;
    let line = |(number, cells): sheet::Row<Field>| {
        let mut facts = Facts::default();
        for (field, text) in cells {
            facts.set(field, columns::value(field, &text));
        }
        if facts.get(Field::DocumentKind).is_empty() {
            facts.set(Field::DocumentKind, columns::USUAL_DOCUMENT.name());
        }
        (number, facts)
    };
    Ok(rows.into_iter().map(line).collect())
}
