//! The workers whom an employer enrols together: a row for each. Pure.

use std::collections::HashMap;

use card_schema::month::Month;

use super::model::Household;
use crate::i18n::Locale;
use crate::plain;
use crate::sheet::{Column, Row};

/// The most workers of one sheet: each is looked for while the employer waits.
pub const MAX_ROWS: usize = 5_000;

/// A column of the sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// By what the worker is known to the bureau (社会保障号码).
    Number,
    /// The worker's name.
    Name,
    /// The first month.
    From,
    /// Where the household is registered, in the words of the form.
    Household,
}

impl Column for Part {
    const ALL: &'static [Self] = &[Self::Number, Self::Name, Self::From, Self::Household];
    const NEEDED: &'static [Self] = Self::ALL;

    fn title(self, locale: Locale) -> String {
        locale.text(match self {
            Self::Number => "filing-number",
            Self::Name => "filing-name",
            Self::From => "insured-from",
            Self::Household => "enrolment-household",
        })
    }
}

/// A worker as a row has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newcomer {
    /// Where it stands: the number of its row.
    pub row: u32,
    /// By what the worker is known to the bureau.
    pub number: String,
    /// The worker's name.
    pub name: String,
    /// The first month.
    pub from: Month,
    /// Where the household is registered.
    pub household: Household,
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowWrong {
    /// It has no number.
    Number,
    /// It has no name.
    Name,
    /// It has no month.
    From,
    /// It says nothing that a household can be.
    Household,
    /// The same worker stands in an earlier row.
    Twice(u32),
    /// The worker cannot be enrolled so: the key of what to do about it.
    Refused(&'static str),
}

impl RowWrong {
    /// The key of its text.
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::Number => "filing-wrong-number",
            Self::Name => "filing-wrong-name",
            Self::From => "insured-month-bad",
            Self::Household => "enrolment-wrong-household",
            Self::Twice(_) => "filing-wrong-twice",
            Self::Refused(key) => key,
        }
    }

    /// What its text is filled in with.
    pub fn at(self) -> String {
        if let Self::Twice(row) = self { row.to_string() } else { String::new() }
    }
}

impl Household {
    /// The key of its text.
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::LocalUrban => "insured-household-local-urban",
            Self::LocalRural => "insured-household-local-rural",
            Self::OtherUrban => "insured-household-other-urban",
            Self::OtherRural => "insured-household-other-rural",
        }
    }

    /// The kind that is called so, in the words of the form or by its name.
    fn called(text: &str) -> Option<Self> {
        let is_called = |kind: &Self| {
            let words = Locale::ALL.map(|locale| locale.text(kind.text_key()));
            kind.name() == text || words.iter().any(|word| word.eq_ignore_ascii_case(text))
        };
        Self::ALL.into_iter().find(is_called)
    }
}

/// A month as it is typed, or the day that a spreadsheet makes of it.
fn month(text: &str) -> Option<Month> {
    let text: String = text.chars().map(plain::half_width).collect();
    text.parse().ok().or_else(|| text.parse().map(Month::of).ok())
}

/// The rows of a sheet, where all of them say something.
///
/// # Errors
/// What is wrong with some of them, by their rows.
pub fn read(rows: Vec<Row<Part>>) -> Result<Vec<Newcomer>, Vec<(u32, RowWrong)>> {
    let (mut newcomers, mut wrong) = (Vec::with_capacity(rows.len()), Vec::new());
    let mut seen = HashMap::new();
    for (row, cells) in rows {
        let cell = |part| cells.iter().find(|(of, _)| *of == part).map_or("", |(_, text)| text.trim());
        let said = |part, wrong| Some(cell(part)).filter(|text| !text.is_empty()).ok_or(wrong);
        let mut read = || {
            let number = plain::compact(said(Part::Number, RowWrong::Number)?);
            let name = said(Part::Name, RowWrong::Name)?.to_owned();
            let from = month(cell(Part::From)).ok_or(RowWrong::From)?;
            let household = Household::called(cell(Part::Household)).ok_or(RowWrong::Household)?;
            match seen.insert(number.clone(), row) {
                Some(earlier) => Err(RowWrong::Twice(earlier)),
                None => Ok(Newcomer { row, number, name, from, household }),
            }
        };
        match read() {
            Ok(one) => newcomers.push(one),
            Err(why) => wrong.push((row, why)),
        }
    }
    if wrong.is_empty() { Ok(newcomers) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u32, cells: [&str; 4]) -> Row<Part> {
        (number, Part::ALL.iter().copied().zip(cells.map(str::to_owned)).collect())
    }

    #[test]
    fn a_row_is_a_worker_in_the_words_of_either_language_and_what_is_wrong_is_said_of_each() {
        let good = vec![
            row(2, ["11000019900101011x", "测试工人甲", "2026-11", "外埠农村"]),
            row(3, ["Ｔ１２３", "Test B", "２０２６-１２", "in a town of this city"]),
            row(4, ["T124", "Test C", "2026-11-01", "local_rural"]),
        ];
        let read_good = read(good).unwrap();
        let kinds: Vec<_> = read_good.iter().map(|one| one.household).collect();
        assert_eq!(kinds, [Household::OtherRural, Household::LocalUrban, Household::LocalRural]);
        assert_eq!([&*read_good[0].number, &*read_good[1].number], ["11000019900101011X", "T123"]);
        assert_eq!(read_good[1].from.to_string(), "2026-12");
        let bad = vec![
            row(2, ["T1", "测试", "2026-11", "外埠农村"]),
            row(3, ["", "测试", "2026-11", "外埠农村"]),
            row(4, ["T2", " ", "2026-11", "外埠农村"]),
            row(5, ["T3", "测试", "11月", "外埠农村"]),
            row(6, ["T4", "测试", "2026-11", "外地"]),
            row(7, ["t 1", "测试", "2026-11", "外埠农村"]),
        ];
        let expected = [
            (3, RowWrong::Number),
            (4, RowWrong::Name),
            (5, RowWrong::From),
            (6, RowWrong::Household),
            (7, RowWrong::Twice(2)),
        ];
        assert_eq!(read(bad), Err(expected.into()));
    }
}
