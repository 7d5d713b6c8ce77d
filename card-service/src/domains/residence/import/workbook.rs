//! Writing spreadsheets of people: the empty template, people who are registered, and the rows that could not be taken, to be
//! mended and sent again. Pure.

use rust_xlsxwriter::{DataValidation, Format, Workbook, Worksheet, XlsxError};

use super::columns;
use super::sheet::{Line, MAX_ROWS};
use crate::domains::residence::model::{Facts, Field};
use crate::domains::residence::view;
use crate::i18n::Locale;
use crate::sheet::{self, Column as _, guard};

/// How wide a column is, in characters.
const WIDTH: f64 = 20.0;

/// The template: headings in Chinese, cells of text, lists where there are only some words.
///
/// # Errors
/// When the library cannot write it.
pub fn template() -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    headed(book.add_worksheet(), Locale::ZhCn)?;
    book.save_to_buffer()
}

/// People under the headings of the template, so that the sheet can be mended and sent again.
///
/// # Errors
/// When the library cannot write it.
pub fn people(people: &[Facts]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    headed(sheet, Locale::ZhCn)?;
    for (row, facts) in (1..).zip(people) {
        written(sheet, row, Locale::ZhCn, facts)?;
    }
    book.save_to_buffer()
}

/// The same as a csv file, in which no text is a formula.
pub fn separated(people: &[Facts]) -> Vec<u8> {
    let headings = Field::ALL.map(|field| view::label(Locale::ZhCn, field));
    let cells = |facts: &Facts| Field::ALL.map(|field| guard::with(&columns::cell(Locale::ZhCn, facts, field)));
    sheet::separated(std::iter::once(headings).chain(people.iter().map(cells)))
}

/// Rows that were not taken, each with what is wrong with it in one column more.
///
/// # Errors
/// When the library cannot write it.
pub fn rejected(locale: Locale, lines: &[(Line, String)]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    headed(sheet, locale)?;
    let reasons = u16::try_from(Field::ALL.len()).expect("few fields");
    sheet.write_string_with_format(0, reasons, locale.text("import-reason"), &Format::new().set_bold())?;
    for (row, ((_, facts), reason)) in (1..).zip(lines) {
        written(sheet, row, locale, facts)?;
        sheet.write_string(row, reasons, reason)?;
    }
    book.save_to_buffer()
}

fn written(sheet: &mut Worksheet, row: u32, locale: Locale, facts: &Facts) -> Result<(), XlsxError> {
    for (column, field) in (0..).zip(Field::ALL) {
        sheet.write_string(row, column, columns::cell(locale, facts, field))?;
    }
    Ok(())
}

fn headed(sheet: &mut Worksheet, locale: Locale) -> Result<(), XlsxError> {
    let (bold, text) = (Format::new().set_bold(), Format::new().set_num_format("@"));
    let last = u32::try_from(MAX_ROWS).expect("few rows");
    for (column, field) in (0..).zip(Field::ALL) {
        let star = if Field::NEEDED.contains(&field) { "*" } else { "" };
        // Text before anything is typed: a spreadsheet rounds a document's number otherwise.
        sheet.set_column_format(column, &text)?.set_column_width(column, WIDTH)?;
        sheet.write_string_with_format(0, column, format!("{}{star}", view::label(locale, field)), &bold)?;
        let words = columns::words(locale, field);
        if !words.is_empty() {
            let list = DataValidation::new().allow_list_strings(&words)?;
            sheet.add_data_validation(1, column, last, column, &list)?;
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}
