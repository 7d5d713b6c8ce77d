//! What the pages of an import show. Pure.

use askama::Template;
use card_schema::date::Date;
use card_schema::ids::HolderId;

use super::model::{Counts, Import, Outcome, Stage};
use super::sheet::{Line, MAX_ROWS};
use super::workbook;
use crate::console::frame::Frame;
use crate::console::live::Part;
use crate::console::model::Tone;
use crate::console::view::{Choice, Tag, minute};
use crate::domains::residence::model::{Facts, Field};
use crate::domains::residence::rules;
use crate::i18n::Locale;
use crate::sheet::{MAX_BYTES, Unusable};

/// An import in a list.
#[derive(Debug)]
pub(super) struct Listed {
    address: String,
    changed: String,
    stage: Tag,
}

/// Sheets that were sent, and the form to send one.
#[derive(Debug, Template)]
#[template(path = "import/imports.html")]
pub(super) struct ImportsPage {
    frame: Frame,
    imports: Vec<Listed>,
    wrong: Option<String>,
    bounds: String,
}

impl ImportsPage {
    pub(super) fn new(frame: Frame, imports: &[Import], wrong: Option<&Unusable>) -> Self {
        let locale = frame.locale();
        let listed = |import: &Import| Listed {
            address: format!("/imports/{}", import.import_id),
            changed: minute(import.changed_at),
            stage: stage(locale, import.stage),
        };
        Self {
            imports: imports.iter().map(listed).collect(),
            wrong: wrong.map(|wrong| locale.text_with(wrong.key, &[("at", &wrong.at)])),
            bounds: locale.text_with(
                "import-bounds",
                &[("rows", &MAX_ROWS.to_string()), ("megabytes", &(MAX_BYTES >> 20).to_string())],
            ),
            frame,
        }
    }
}

fn stage(locale: Locale, stage: Stage) -> Tag {
    let tone = match stage {
        Stage::Checking | Stage::Checked | Stage::Registering | Stage::Undoing => Tone::Wait,
        Stage::Undone => Tone::Idle,
        Stage::Done => Tone::Ok,
    };
    Tag { text: locale.text(&format!("import-stage-{}", stage.name())), tone }
}

/// A row that is shown.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) line: u32,
    pub(super) outcome: Outcome,
    pub(super) facts: Facts,
    pub(super) holder: Option<HolderId>,
}

/// A line of the table.
#[derive(Debug)]
pub(super) struct Row {
    line: u32,
    name: String,
    text: String,
    /// The record that it leads to.
    holder: Option<String>,
}

impl Row {
    fn new(locale: Locale, shown: &Shown, today: Date) -> Self {
        Self {
            line: shown.line,
            name: shown.facts.get(Field::Name).to_owned(),
            text: said(locale, shown, today),
            holder: shown.holder.map(|holder| holder.to_string()),
        }
    }
}

/// What is said of a row: everything that is wrong in it, or what became of it.
fn said(locale: Locale, shown: &Shown, today: Date) -> String {
    let wrong = match shown.outcome {
        Outcome::Wrong => rules::check(&shown.facts, today).err().unwrap_or_default(),
        _ => Vec::new(),
    };
    if wrong.is_empty() {
        let somebody = if shown.outcome == Outcome::Alike && shown.holder.is_none() { "-above" } else { "" };
        return locale.text(&format!("import-row-{}{somebody}", shown.outcome.name()));
    }
    let texts: Vec<_> = wrong.iter().map(|wrong| locale.text_with(wrong.key, &[("at", &wrong.at)])).collect();
    texts.join(" ")
}

/// Rows as a spreadsheet that is mended and sent again.
///
/// # Errors
/// When the library cannot write it.
pub(super) fn rejected_sheet(
    locale: Locale,
    rows: Vec<Shown>,
    today: Date,
) -> Result<Vec<u8>, rust_xlsxwriter::XlsxError> {
    let line = |shown: Shown| -> (Line, String) {
        let reason = said(locale, &shown, today);
        ((shown.line, shown.facts), reason)
    };
    workbook::rejected(locale, &rows.into_iter().map(line).collect::<Vec<_>>())
}

/// How far an import is: the part that changes while somebody looks.
#[derive(Debug, PartialEq, Eq, Template)]
#[template(path = "import/progress.html")]
pub(super) struct Progress {
    stage: Tag,
    lead: String,
    done: u64,
    total: u64,
    pub(super) is_busy: bool,
}

impl Part for Progress {
    fn is_over(&self) -> bool {
        !self.is_busy
    }
}

impl Progress {
    pub(super) fn new(locale: Locale, import: Import, counts: &Counts) -> Self {
        let (done, total) = counts.progress(import.stage);
        let count = |outcome: Outcome| counts.of(outcome).to_string();
        let lead = locale.text_with(
            &format!("import-lead-{}", import.stage.name()),
            &[
                ("all", &counts.all().to_string()),
                ("good", &count(Outcome::Good)),
                ("rejected", &counts.rejected().to_string()),
                ("registered", &count(Outcome::Registered)),
                ("undone", &count(Outcome::Undone)),
                ("kept", &count(Outcome::Kept)),
            ],
        );
        Self { stage: stage(locale, import.stage), lead, done, total, is_busy: import.stage.work().is_some() }
    }
}

/// How many rows a page shows of each kind.
pub(super) const ROWS_SHOWN: u32 = 100;

/// An import: what was found in it, what became of it, and what can be done.
#[derive(Debug, Template)]
#[template(path = "import/import.html")]
pub(super) struct ImportPage {
    frame: Frame,
    address: String,
    progress: Progress,
    /// Rows that cannot be registered.
    rejected: Vec<Row>,
    /// People who were registered.
    registered: Vec<Row>,
    more: bool,
    choices: Vec<Choice>,
    wrong: Option<String>,
    may_undo: bool,
    may_discard: bool,
}

impl ImportPage {
    pub(super) fn new(
        frame: Frame,
        import: Import,
        counts: &Counts,
        rows: &[Shown],
        wrong: Option<String>,
        today: Date,
    ) -> Self {
        let locale = frame.locale();
        let is_shown = |rejected: bool| rows.iter().filter(move |row| row.outcome.is_rejected() == rejected);
        let row = |shown: &Shown| Row::new(locale, shown, today);
        let choice = |value: &'static str| Choice::new(value, locale.text(&format!("import-choice-{value}")));
        let is_checked = import.stage == Stage::Checked;
        Self {
            address: format!("/imports/{}", import.import_id),
            progress: Progress::new(locale, import, counts),
            rejected: is_shown(true).map(row).collect(),
            registered: is_shown(false).map(row).collect(),
            more: rows.len() >= ROWS_SHOWN as usize,
            choices: if is_checked && counts.of(Outcome::Good) > 0 {
                ["all", "good"].map(choice).into()
            } else {
                Vec::new()
            },
            wrong,
            may_undo: import.stage == Stage::Done && counts.of(Outcome::Registered) > 0,
            may_discard: matches!(import.stage, Stage::Checked | Stage::Undone),
            frame,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use card_schema::clock::Micros;
    use card_schema::ids::Shard;
    use uuid::Uuid;

    use super::*;

    /// Every page of an import in a language, by name, from invented data.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        let import = |stage| Import { import_id: Uuid::nil(), stage, is_whole: false, changed_at: Micros(0) };
        let today = Date::new(2026, 11, 23).expect("a day");
        let mut pages = Vec::new();
        let all = Stage::ALL.map(import);
        let unusable = Unusable { key: "import-merged", at: "A2".to_owned() };
        for (name, wrong) in [("asks", None), ("wrong", Some(&unusable))] {
            let page = ImportsPage::new(frame.clone(), &all, wrong);
            pages.push((format!("imports-{name}"), page.render().expect("it renders")));
        }
        let counts = Counts(Outcome::ALL.map(|outcome| (outcome, 3)).into());
        let holder = Some(HolderId::new(Shard(3), [8; 16]));
        let shown =
            |outcome| Shown { line: 2, outcome, facts: Facts::default().with(Field::Name, "测试甲"), holder };
        let is_shown =
            |outcome: &Outcome| outcome.is_rejected() || matches!(outcome, Outcome::Registered | Outcome::Kept);
        let mut rows: Vec<_> = Outcome::ALL.into_iter().filter(is_shown).map(shown).collect();
        rows.push(Shown { holder: None, ..shown(Outcome::Alike) });
        for stage in Stage::ALL {
            let wrong = (stage == Stage::Checked).then(|| frame.t("import-choose"));
            let page = ImportPage::new(frame.clone(), import(stage), &counts, &rows, wrong, today);
            pages.push((format!("import-{}", stage.name()), page.render().expect("it renders")));
        }
        pages
    }
}
