//! Sheets as LibreOffice calculates them: each of their tables by the names of its columns. Knows nothing of what is in them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

/// Has every formula calculated when a packed file is read, whatever results it holds.
const SETTINGS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="ODFRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>
"#;
/// Commas, quotation marks, UTF-8, from the first line; texts bare, cells as they are shown, no formulas; every table, to a file of its own.
const CSV: &str = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,true,false,false,-1";

/// A table of a sheet; its first row names the columns.
#[derive(Debug)]
pub struct Table {
    columns: Vec<String>,
    rows: Vec<csv::StringRecord>,
}

/// A row of a table.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    table: &'a Table,
    number: usize,
}

impl Table {
    /// All rows below the first.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.rows.len()).map(|number| Row { table: self, number })
    }

    fn read(path: &Path) -> Result<Self> {
        let mut reader = csv::Reader::from_path(path)?;
        let columns = reader.headers()?.iter().map(str::to_owned).collect();
        Ok(Self { columns, rows: reader.records().collect::<Result<_, _>>()? })
    }
}

impl<'a> Row<'a> {
    /// What is shown in a column.
    ///
    /// # Errors
    /// When there is no such column, or two.
    pub fn text(self, column: &str) -> Result<&'a str> {
        let mut found =
            self.table.columns.iter().zip(&self.table.rows[self.number]).filter(|(name, _)| *name == column);
        let (_, text) = found.next().with_context(|| format!("there is no column {column}"))?;
        ensure!(found.next().is_none(), "there are two columns {column}");
        Ok(text)
    }

    /// The whole number in a column.
    ///
    /// # Errors
    /// When there is none; says where.
    pub fn number(self, column: &str) -> Result<i64> {
        let text = self.text(column)?;
        // The names of the columns are the first row.
        text.parse().with_context(|| format!("row {}, {column}: {text:?} is no whole number", self.number + 2))
    }
}

/// The tables of a sheet by their names, calculated.
///
/// # Errors
/// When LibreOffice is missing or cannot read the sheet.
pub fn calculated(sheet: &Path) -> Result<BTreeMap<String, Table>> {
    let folder = tempfile::Builder::new().prefix("sheet-").tempdir().context("a folder for LibreOffice")?;
    let profile = folder.path().join("profile");
    fs::create_dir_all(profile.join("user"))?;
    fs::write(profile.join("user/registrymodifications.xcu"), SETTINGS)?;
    // The setting counts for packed files only: of a flat one LibreOffice believes the results that it has saved in it.
    let packed = converted(sheet, "ods", &profile, &folder.path().join("packed"))?;
    let [packed] = packed.as_slice() else { bail!("{} became {} files", sheet.display(), packed.len()) };
    let mut tables = BTreeMap::new();
    for path in converted(packed, CSV, &profile, &folder.path().join("tables"))? {
        let stem = path.file_stem().and_then(OsStr::to_str).context("a name")?;
        let (_, name) = stem.rsplit_once('-').with_context(|| format!("{stem} names no table"))?;
        tables.insert(name.to_owned(), Table::read(&path).with_context(|| format!("the table {name}"))?);
    }
    Ok(tables)
}

/// The files that LibreOffice makes of a file.
fn converted(file: &Path, format: &str, profile: &Path, into: &Path) -> Result<Vec<PathBuf>> {
    let mut office = Command::new("soffice");
    office.arg("--headless").arg(format!("-env:UserInstallation=file://{}", profile.display()));
    office.args(["--convert-to", format, "--outdir"]).arg(into).arg(file);
    // Errors in cells have names, which are English in this language.
    let ran = match office.env("LC_ALL", "C.UTF-8").output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("soffice is missing, which calculates the sheets: `cargo xtask setup` installs it")
        }
        ran => ran.context("starting soffice")?,
    };
    let said = || format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    ensure!(ran.status.success(), "soffice failed with {} on {}:\n{}", ran.status, file.display(), said());
    // It says that it succeeded also where it could not read the file.
    let made =
        fs::read_dir(into).with_context(|| format!("soffice made nothing of {}:\n{}", file.display(), said()))?;
    made.map(|entry| Ok(entry?.path())).collect()
}
