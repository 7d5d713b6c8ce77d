//! The page on which a spreadsheet is sent, with what is wrong with its rows.

use askama::Template;
use axum::extract::Request;
use axum::response::Response;
use card_schema::wire::ProblemType;

use crate::console::asking;
use crate::console::frame::Frame;
use crate::console::input::{Input, NoFile, files};
use crate::console::register::{Link, Typed};
use crate::http::Refusal;
use crate::i18n::Locale;
use crate::sheet::{self, Column, MAX_BYTES, Row, Unusable};

/// How many rows are shown that something is wrong with.
const ROWS_SHOWN: usize = 100;

/// See the module.
#[derive(Debug, Template)]
#[template(path = "console/sheet.html")]
pub(super) struct SheetPage {
    pub(super) frame: Frame,
    pub(super) back: Link,
    pub(super) action: String,
    pub(super) title: String,
    pub(super) lead: String,
    /// What is asked for; the file comes last.
    pub(super) inputs: Vec<Input>,
    /// What is wrong with rows: which, and what.
    pub(super) rows: Vec<(String, String)>,
    pub(super) button: String,
}

/// The field for the spreadsheet, with its title and what helps to fill it in, of at most so many rows.
pub(super) fn input(locale: Locale, keys: &str, max_rows: usize) -> Input {
    let bounds = [("rows", max_rows.to_string()), ("megabytes", (MAX_BYTES >> 20).to_string())];
    let hint = locale.text_with(&format!("{keys}-hint"), &bounds.each_ref().map(|(name, value)| (*name, &**value)));
    Input::file("sheet", locale.text(keys), ".xlsx,.csv,.json").hint(hint)
}

/// What is wrong with a spreadsheet: said of all of it, and of each row.
pub(super) type Told = (Option<String>, Vec<(String, String)>);

/// Of one that cannot be read.
pub(super) fn unusable(locale: Locale, Unusable { key, at }: Unusable) -> Told {
    (Some(locale.text_with(key, &[("at", &at)])), Vec::new())
}

/// Of rows, by their numbers in the spreadsheet: the key of a text, and what it is filled in with.
pub(super) fn rows(locale: Locale, wrong: impl ExactSizeIterator<Item = (u32, &'static str, String)>) -> Told {
    let all = locale.text_with("filing-rows-wrong", &[("rows", &wrong.len().to_string())]);
    let row = |(row, key, at): (u32, &str, String)| {
        (locale.text_with("filing-row", &[("row", &row.to_string())]), locale.text_with(key, &[("at", &at)]))
    };
    (Some(all), wrong.map(row).collect())
}

/// The text fields and the spreadsheet of a form; why the spreadsheet cannot be read, where it cannot.
pub(super) async fn received<C: Column, const N: usize>(
    request: Request,
    names: [&'static str; N],
    max_rows: usize,
) -> Result<(Typed, Result<Vec<Row<C>>, Unusable>), Refusal> {
    let mut wanted = ["sheet"; 8];
    wanted[1..=N].copy_from_slice(&names);
    let parts = match files(request, wanted).await {
        Ok(parts) => parts,
        Err(NoFile::TooLarge) => {
            let at = (MAX_BYTES >> 20).to_string();
            return Ok((Typed::new(), Err(Unusable { key: "import-too-large", at })));
        }
        Err(NoFile::Missing) => return Err(Refusal::new(ProblemType::MalformedRequest)),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let typed = names.iter().zip(&parts[1..]).map(|(name, part)| ((*name).to_owned(), text(part))).collect();
    let file = parts[0].clone();
    if file.is_empty() {
        return Ok((typed, Err(Unusable { key: "import-file-missing", at: String::new() })));
    }
    let read = tokio::task::spawn_blocking(move || sheet::read(&file, max_rows)).await.map_err(Refusal::internal)?;
    Ok((typed, read))
}

impl SheetPage {
    fn is_wrong(&self) -> bool {
        self.inputs.iter().any(Input::is_wrong)
    }

    /// The first of these rows.
    fn shown(&self) -> &[(String, String)] {
        &self.rows[..self.rows.len().min(ROWS_SHOWN)]
    }

    /// What is said of the others, where there are any.
    fn further(&self) -> Option<String> {
        let further = self.rows.len().checked_sub(ROWS_SHOWN).filter(|further| *further > 0)?;
        Some(self.frame.locale().text_with("filing-further", &[("rows", &further.to_string())]))
    }

    /// As an answer: with the status of a refusal where something is wrong.
    pub(super) fn answer(&self) -> Result<Response, Refusal> {
        asking(self, self.is_wrong())
    }
}
