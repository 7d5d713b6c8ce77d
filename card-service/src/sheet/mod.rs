//! Spreadsheets from outside, xlsx or csv, or the same as a list in JSON: what each row says under the headings that somebody knows, or why the sheet as a whole
//! cannot be taken. Pure.
//!
//! What a sheet unpacks to, how many rows it has and where its cells lie is bounded before it is believed. Not here: whether a row's
//! texts are right.

pub mod guard;
mod json;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Cursor, Read as _};

use calamine::{DataRef, Reader as _, Xlsx};
use zip::ZipArchive;

use crate::i18n::Locale;

/// The largest file that is read.
pub const MAX_BYTES: usize = 4 << 20;
/// The most columns that are looked at.
const MAX_COLUMNS: u32 = 64;
/// The most that an xlsx file may hold when it is unpacked.
const MAX_UNPACKED_BYTES: u64 = 64 << 20;
/// Digits that a number of a spreadsheet keeps (IEEE 754 binary64); those behind are lost.
const KEPT_DIGITS: f64 = 1e15;
/// How many cells are told to a person.
const CELLS_SHOWN: usize = 5;

/// What a column may hold.
pub trait Column: Copy + PartialEq + Send + 'static {
    /// Every one.
    const ALL: &'static [Self];
    /// Those without which a sheet says nothing.
    const NEEDED: &'static [Self];

    /// Its heading.
    fn title(self, locale: Locale) -> String;

    /// Whether a heading, trimmed, is its own.
    fn is_called(self, heading: &str) -> bool {
        Locale::ALL.into_iter().any(|locale| self.title(locale).eq_ignore_ascii_case(heading))
    }
}

/// A row with its number in the spreadsheet, and what was typed into its cells.
pub type Row<C> = (u32, Vec<(C, String)>);

/// Why a spreadsheet cannot be taken: the key of the text, and what is filled in as `at`: places in the sheet and names of
/// columns, never what stands in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The text's key.
    pub key: &'static str,
    /// What is filled in.
    pub at: String,
}

impl Unusable {
    fn new(key: &'static str, at: impl fmt::Display) -> Self {
        Self { key, at: at.to_string() }
    }
}

/// Reads a file of at most so many rows below its headings.
///
/// # Errors
/// What is wrong with the sheet as a whole, and where.
pub fn read<C: Column>(file: &[u8], max_rows: usize) -> Result<Vec<Row<C>>, Unusable> {
    if file.len() > MAX_BYTES {
        return Err(Unusable::new("import-too-large", MAX_BYTES >> 20));
    }
    let cells = match file {
        [b'P', b'K', ..] => workbook(file, max_rows)?,
        _ if json::is_list(file) => json::cells(file, max_rows)?,
        _ => csv(file, max_rows)?,
    };
    rows(cells)
}

/// Rows as a csv file that a spreadsheet reads as it is meant. What could be taken for a formula is for its writer to guard.
pub fn separated<R: AsRef<[String]>>(rows: impl IntoIterator<Item = R>) -> Vec<u8> {
    // By this mark spreadsheets see that it is UTF-8.
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer("\u{FEFF}".as_bytes().to_vec());
    for row in rows {
        writer.write_record(row.as_ref()).expect("memory takes everything, and rows are of one length");
    }
    writer.into_inner().expect("memory takes everything")
}

/// The headings of some columns, as they stand in the template.
pub fn titles<C: Column>(columns: &[C]) -> String {
    let titles: Vec<_> = columns.iter().map(|column| column.title(Locale::ZhCn)).collect();
    titles.join("、")
}

/// The cells that hold something, by row and column from 0.
type Cells = BTreeMap<(u32, u32), Cell>;

/// What a cell holds.
enum Cell {
    Text(String),
    /// A number with so many digits that a spreadsheet has not kept the last of them.
    Rounded,
}

fn place((row, column): (u32, u32)) -> String {
    let letter = |index: u32| char::from(b'A' + u8::try_from(index).expect("below 26"));
    let letters: String = if column < 26 {
        letter(column).into()
    } else {
        // There are no more than `MAX_COLUMNS`.
        [letter((column / 26 - 1).min(25)), letter(column % 26)].iter().collect()
    };
    format!("{letters}{}", row + 1)
}

fn places(cells: impl IntoIterator<Item = (u32, u32)>) -> String {
    let mut cells = cells.into_iter();
    let mut shown: Vec<String> = cells.by_ref().take(CELLS_SHOWN).map(place).collect();
    if cells.next().is_some() {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}

fn workbook(file: &[u8], max_rows: usize) -> Result<Cells, Unusable> {
    let unreadable = || Unusable::new("import-not-a-sheet", "");
    bounded(file)?;
    let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(file)).map_err(|_| unreadable())?;
    let name = book.sheet_names().first().cloned().ok_or_else(unreadable)?;
    let merged = book.merge_cells_by_sheet_name(&name).map_err(|_| unreadable())?;
    if !merged.is_empty() {
        return Err(Unusable::new("import-merged", places(merged.iter().map(|cells| cells.start))));
    }
    let mut formulas = Vec::new();
    let mut reader = book.worksheet_cells_reader(&name).map_err(|_| unreadable())?;
    while let Some(cell) = reader.next_formula().map_err(|_| unreadable())? {
        if !cell.get_value().is_empty() && formulas.len() <= CELLS_SHOWN {
            formulas.push(cell.get_position());
        }
    }
    drop(reader);
    if !formulas.is_empty() {
        return Err(Unusable::new("import-formula", places(formulas)));
    }
    let (mut cells, mut broken) = (Cells::new(), Vec::new());
    let mut reader = book.worksheet_cells_reader(&name).map_err(|_| unreadable())?;
    while let Some(cell) = reader.next_cell().map_err(|_| unreadable())? {
        let at = cell.get_position();
        let held = match cell.get_value() {
            DataRef::Empty => continue,
            DataRef::Error(_) => {
                broken.push(at);
                continue;
            }
            DataRef::Int(number) => Cell::Text(number.to_string()),
            DataRef::Float(number) if number.abs() >= KEPT_DIGITS => Cell::Rounded,
            DataRef::Float(number) => Cell::Text(number.to_string()),
            DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => Cell::Text(text.clone()),
            DataRef::SharedString(text) => Cell::Text((*text).to_owned()),
            DataRef::Bool(truth) => Cell::Text(truth.to_string()),
            DataRef::DateTime(time) => {
                let (year, month, day, ..) = time.to_ymd_hms_milli();
                Cell::Text(format!("{year:04}-{month:02}-{day:02}"))
            }
        };
        keep(&mut cells, max_rows, at, held)?;
    }
    if broken.is_empty() { Ok(cells) } else { Err(Unusable::new("import-error-cell", places(broken))) }
}

/// Unpacks everything once and counts: what a file says of its size is not believed.
fn bounded(file: &[u8]) -> Result<(), Unusable> {
    let unreadable = || Unusable::new("import-not-a-sheet", "");
    let mut archive = ZipArchive::new(Cursor::new(file)).map_err(|_| unreadable())?;
    let mut left = MAX_UNPACKED_BYTES;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|_| unreadable())?;
        let read = std::io::copy(&mut entry.take(left + 1), &mut std::io::sink()).map_err(|_| unreadable())?;
        left = left.checked_sub(read).ok_or_else(|| Unusable::new("import-too-large", MAX_BYTES >> 20))?;
    }
    Ok(())
}

/// A csv file in UTF-8, or in GB 18030 as spreadsheets write it in China.
fn csv(file: &[u8], max_rows: usize) -> Result<Cells, Unusable> {
    let unreadable = || Unusable::new("import-not-a-sheet", "");
    let encoding = if std::str::from_utf8(file).is_ok() { encoding_rs::UTF_8 } else { encoding_rs::GB18030 };
    let (text, _, is_broken) = encoding.decode(file);
    if is_broken || text.contains('\0') {
        return Err(unreadable());
    }
    // The reader numbers a line by the sign that ends the one before: there is to be one.
    let text = text.replace("\r\n", "\n");
    let head = text.lines().next().unwrap_or_default();
    let delimiter =
        [b',', b'\t', b';'].into_iter().max_by_key(|sign| (head.matches(char::from(*sign)).count(), *sign == b','));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter.unwrap_or(b','))
        .from_reader(text.as_bytes());
    let mut cells = Cells::new();
    for record in reader.records() {
        let record = record.map_err(|_| unreadable())?;
        // Lines that are empty are left out of the records; they count all the same.
        let row = record.position().map_or(0, csv::Position::line).saturating_sub(1);
        for (column, text) in record.iter().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
            let at = (u32::try_from(row).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX));
            if text.trim_start().starts_with('=') {
                return Err(Unusable::new("import-formula", place((at.0, at.1.min(MAX_COLUMNS)))));
            }
            keep(&mut cells, max_rows, at, Cell::Text(guard::without(text).to_owned()))?;
        }
    }
    Ok(cells)
}

fn keep(cells: &mut Cells, max_rows: usize, at: (u32, u32), cell: Cell) -> Result<(), Unusable> {
    if matches!(&cell, Cell::Text(text) if text.trim().is_empty()) {
        return Ok(());
    }
    if at.1 >= MAX_COLUMNS {
        return Err(Unusable::new("import-too-many-columns", MAX_COLUMNS));
    }
    // The rows come in their order: one too many is the end.
    if at.0 as usize > max_rows {
        return Err(Unusable::new("import-too-many-rows", max_rows));
    }
    cells.insert(at, cell);
    Ok(())
}

/// The columns by their headings, with or without the star of the template.
fn columns<C: Column>(first: u32, headings: &[(u32, &str)]) -> Result<BTreeMap<u32, C>, Unusable> {
    let (mut columns, mut unknown) = (BTreeMap::new(), Vec::new());
    // What is wrong with a row stands beside it in a sheet that came back, and is looked for anew.
    let is_reason = |heading: &str| Locale::ALL.into_iter().any(|locale| locale.text("import-reason") == heading);
    for (column, heading) in headings.iter().filter(|(_, heading)| !is_reason(heading.trim())) {
        let sign = |sign: char| sign.is_whitespace() || matches!(sign, '*' | '＊' | '\u{FEFF}');
        let heading = heading.trim_matches(sign);
        match C::ALL.iter().find(|known| known.is_called(heading)) {
            None => unknown.push((first, *column)),
            Some(called) if columns.values().any(|taken| taken == called) => {
                return Err(Unusable::new("import-column-twice", place((first, *column))));
            }
            Some(called) => {
                columns.insert(*column, *called);
            }
        }
    }
    let is_there = |needed: &C| columns.values().any(|held| held == needed);
    let missing: Vec<C> = C::NEEDED.iter().copied().filter(|needed| !is_there(needed)).collect();
    // A sheet without its headings lacks them all: that says more than that its first row is none.
    match (missing.is_empty(), unknown.is_empty()) {
        (false, _) => Err(Unusable::new("import-column-missing", titles(&missing))),
        (true, false) => Err(Unusable::new("import-column-unknown", places(unknown))),
        (true, true) => Ok(columns),
    }
}

fn rows<C: Column>(cells: Cells) -> Result<Vec<Row<C>>, Unusable> {
    let first = cells.keys().next().map(|(row, _)| *row).ok_or_else(|| Unusable::new("import-empty", ""))?;
    let heads = cells.iter().take_while(|((row, _), _)| *row == first).filter_map(|((_, column), cell)| match cell {
        Cell::Text(text) => Some((*column, text.as_str())),
        Cell::Rounded => None,
    });
    let columns = columns::<C>(first, &heads.collect::<Vec<_>>())?;
    let (mut rows, mut rounded) = (BTreeMap::<u32, Vec<(C, String)>>::new(), Vec::new());
    for ((row, column), cell) in cells.into_iter().filter(|((row, _), _)| *row > first) {
        let Some(held) = columns.get(&column) else { continue };
        match cell {
            Cell::Text(text) => rows.entry(row + 1).or_default().push((*held, text.trim().to_owned())),
            Cell::Rounded => rounded.push((row, column)),
        }
    }
    if !rounded.is_empty() {
        return Err(Unusable::new("import-number-rounded", places(rounded)));
    }
    if rows.is_empty() {
        return Err(Unusable::new("import-empty", ""));
    }
    Ok(rows.into_iter().collect())
}
