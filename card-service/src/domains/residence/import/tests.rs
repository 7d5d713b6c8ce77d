//! What an import promises: which sheets are taken, and that a sheet is registered, undone and never half of either.

use std::io::{Cursor, Write as _};

use card_schema::ids::HolderId;
use rust_xlsxwriter::{Format, Formula, Workbook, Worksheet};
use uuid::Uuid;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::later::Later;
use super::model::Outcome::{Alike, Good, Known, Twice, Wrong};
use super::model::{Outcome, Stage};
use super::sheet::{self, Line, MAX_ROWS};
use super::{Wish, begin, forget_old, load, run, store, wish, workbook};
use crate::db::query;
use crate::domains::residence::model::{Facts, Field};
use crate::domains::residence::{Registration, register, registered_with, reveal};
use crate::http::Refusal;
use crate::i18n::Locale;
use crate::people::{Purpose, StaffId};
use crate::sheet::MAX_BYTES;
use crate::testing::{Office, office};

/// The columns of the invented sheets.
const HEADINGS: [&str; 8] = ["姓名*", "证件种类", "证件号码*", "出生日期", "现住址*", "入住日期*", "居住方式*", "电话"];

fn row(name: &str, number: &str, birth: &str) -> [String; 8] {
    [name, "护照", number, birth, "测试路 8 号宿舍", "2026/3/1", "单位宿舍", "13800138000"].map(str::to_owned)
}

fn headed() -> (Workbook, Worksheet) {
    let mut sheet = Worksheet::new();
    for (column, heading) in (0..).zip(HEADINGS) {
        sheet.write_string(0, column, heading).unwrap();
    }
    (Workbook::new(), sheet)
}

fn saved((mut book, sheet): (Workbook, Worksheet)) -> Vec<u8> {
    book.push_worksheet(sheet);
    book.save_to_buffer().unwrap()
}

fn sheet_of(rows: &[[String; 8]]) -> Vec<u8> {
    let (book, mut sheet) = headed();
    for (at, row) in (1..).zip(rows) {
        for (column, text) in (0..).zip(row) {
            sheet.write_string(at, column, text).unwrap();
        }
    }
    saved((book, sheet))
}

fn csv_of(rows: &[[String; 8]]) -> String {
    let lines = rows.iter().map(|row| row.join(","));
    [HEADINGS.join(",")].into_iter().chain(lines).collect::<Vec<_>>().join("\r\n")
}

fn refused(file: &[u8]) -> (&'static str, String) {
    let wrong = sheet::read(file).unwrap_err();
    (wrong.key, wrong.at)
}

#[test]
fn xlsx_and_csv_in_either_encoding_say_the_same() {
    let rows = [row("测试甲", "T1234567", "1990-03-07"), row("测试乙", "T1234568", "1991-04-08")];
    let csv = csv_of(&rows);
    let (gb, ..) = encoding_rs::GB18030.encode(&csv);
    let read = sheet::read(&sheet_of(&rows)).unwrap();
    assert_eq!(sheet::read(csv.as_bytes()).unwrap(), read);
    assert_eq!(sheet::read(format!("\u{FEFF}{csv}").as_bytes()).unwrap(), read);
    assert_eq!(sheet::read(&gb).unwrap(), read);
    assert_eq!(sheet::read(csv.replace(',', ";").as_bytes()).unwrap(), read);
    assert_eq!((read[0].0, read[1].0), (2, 3));
    let facts = &read[1].1;
    assert_eq!((facts.get(Field::DocumentKind), facts.get(Field::Home)), ("passport", "employer"));
    assert_eq!((facts.get(Field::Name), facts.get(Field::Birth)), ("测试乙", "1991-04-08"));
}

#[test]
fn days_and_telephones_that_a_spreadsheet_made_numbers_of_are_read() {
    let (book, mut sheet) = headed();
    for (column, text) in (0..).zip(row("测试甲", "T1234567", "")) {
        sheet.write_string(1, column, text).unwrap();
    }
    let day = Format::new().set_num_format("yyyy-mm-dd");
    sheet.write_number_with_format(1, 3, 32_939.0, &day).unwrap();
    sheet.write_number(1, 7, 13_800_138_000.0).unwrap();
    let read = sheet::read(&saved((book, sheet))).unwrap();
    assert_eq!((read[0].1.get(Field::Birth), read[0].1.get(Field::Phone)), ("1990-03-07", "13800138000"));
}

#[test]
fn a_sheet_that_cannot_be_taken_is_told_why_and_where() {
    let one = row("测试甲", "T1234567", "1990-03-07");
    let (book, mut merged) = headed();
    merged.merge_range(1, 0, 2, 0, "测试甲", &Format::new()).unwrap();
    assert_eq!(refused(&saved((book, merged))), ("import-merged", "A2".to_owned()));

    let (book, mut formula) = headed();
    formula.write_formula(1, 2, Formula::new("=A1&B1")).unwrap();
    assert_eq!(refused(&saved((book, formula))), ("import-formula", "C2".to_owned()));
    assert_eq!(refused(csv_of(&[row("=1+1", "T1", "")]).as_bytes()).0, "import-formula");

    let (book, mut rounded) = headed();
    rounded.write_number(1, 2, 110_000_199_001_010_013.0).unwrap();
    assert_eq!(refused(&saved((book, rounded))), ("import-number-rounded", "C2".to_owned()));

    let many: Vec<_> = (0..=MAX_ROWS).map(|_| one.clone()).collect();
    assert_eq!(refused(&sheet_of(&many)).0, "import-too-many-rows");
    let hundred_thousand = format!("{}\r\n{}", csv_of(&[]), "测,护照\r\n".repeat(100_000));
    assert_eq!(refused(hundred_thousand.as_bytes()), ("import-too-many-rows", MAX_ROWS.to_string()));
    // A cell in the last corner of a sheet would be a table of seventeen thousand million.
    let (book, mut corner) = headed();
    corner.write_string(1_048_575, 16_383, "测").unwrap();
    assert_eq!(refused(&saved((book, corner))).0, "import-too-many-columns");

    let without = csv_of(std::slice::from_ref(&one)).replacen("姓名*", "称呼", 1);
    assert_eq!(refused(without.as_bytes()), ("import-column-missing", "姓名".to_owned()));
    let unknown = csv_of(std::slice::from_ref(&one)).replacen("出生日期", "称呼", 1);
    assert_eq!(refused(unknown.as_bytes()), ("import-column-unknown", "D1".to_owned()));
    let twice = csv_of(&[one]).replacen("出生日期", "姓名", 1);
    assert_eq!(refused(twice.as_bytes()), ("import-column-twice", "D1".to_owned()));
    assert_eq!(refused(csv_of(&[]).as_bytes()).0, "import-empty");
    assert_eq!(refused(b"PK not a workbook").0, "import-not-a-sheet");
    assert_eq!(refused(b"\xFF\xD8\xFF\xE0\0\x10JFIF\0").0, "import-not-a-sheet");
    assert_eq!(refused(&vec![b'a'; MAX_BYTES + 1]).0, "import-too-large");
}

#[test]
fn a_file_that_unpacks_to_more_than_it_may_is_not_unpacked() {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("xl/worksheets/sheet1.xml", SimpleFileOptions::default()).unwrap();
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..65 {
        archive.write_all(&zeros).unwrap();
    }
    let file = archive.finish().unwrap().into_inner();
    assert!(file.len() < MAX_BYTES);
    assert_eq!(refused(&file).0, "import-too-large");
}

#[test]
fn the_template_is_read_and_what_was_rejected_can_be_sent_again() {
    assert_eq!(refused(&workbook::template().unwrap()).0, "import-empty");
    let rows = sheet::read(&sheet_of(&[row("测试甲", "T1234567", "1990-03-07")])).unwrap();
    for locale in Locale::ALL {
        let file = workbook::rejected(locale, &[(rows[0].clone(), "a reason".to_owned())]).unwrap();
        assert_eq!(sheet::read(&file).unwrap(), rows);
    }
}

fn clerk() -> StaffId {
    StaffId(Uuid::from_u128(1))
}

/// Rows of people who are not alike: each with a day of birth and a sound of their own.
fn people(numbers: std::ops::Range<u32>) -> Vec<Line> {
    let person = |number: u32| {
        let letters = ["甲", "乙", "丙", "丁", "戊", "己", "庚", "辛", "壬", "癸"];
        let name = format!("测试{}{}", letters[(number / 10 % 10) as usize], letters[(number % 10) as usize]);
        let birth = format!("{}-{:02}-{:02}", 1960 + number % 40, 1 + number % 12, 1 + number % 28);
        let mut cells = row(&name, &format!("T{:07}", 1_000_000 + number), &birth);
        cells[7] = format!("1380013{:04}", number % 10_000);
        cells
    };
    let rows: Vec<_> = numbers.map(person).collect();
    sheet::read(csv_of(&rows).as_bytes()).unwrap()
}

async fn finish(office: &Office) {
    let mut later = Later::default();
    while run::step(&office.app, &mut later).await.unwrap() {}
}

async fn counted(office: &Office, id: Uuid, outcome: Outcome) -> u64 {
    store::counts(&mut office.app.db.read().await.unwrap(), id).await.unwrap().of(outcome)
}

async fn stage(office: &Office, id: Uuid) -> Stage {
    load(&office.app, clerk(), id).await.unwrap().stage
}

async fn who(office: &Office, number: &str) -> Option<HolderId> {
    let document = Facts::default().with(Field::DocumentKind, "passport").with(Field::DocumentNumber, number);
    registered_with(&office.app, &document).await.unwrap()
}

#[tokio::test]
async fn a_sheet_is_checked_registered_and_taken_back_but_for_what_was_touched() {
    let office = office().await;
    let app = &office.app;
    let id = begin(app, clerk(), &people(0..70)).await.unwrap();
    finish(&office).await;
    assert_eq!((stage(&office, id).await, counted(&office, id, Outcome::Good).await), (Stage::Checked, 70));
    assert_eq!(who(&office, "T1000000").await, None, "nobody is registered before somebody says so");
    wish(app, clerk(), id, Wish::All).await.unwrap();
    finish(&office).await;
    assert_eq!((stage(&office, id).await, counted(&office, id, Outcome::Registered).await), (Stage::Done, 70));
    let touched = who(&office, "T1000007").await.unwrap();
    let (shared, now) = (app.clone(), app.now());
    let read = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move { reveal(&shared, tx, now, clerk(), touched, Purpose::Registration, &[Field::Name]).await })
    });
    assert_eq!(read.await.unwrap().get(Field::Name), "测试甲辛");
    wish(app, clerk(), id, Wish::Undo).await.unwrap();
    finish(&office).await;
    assert_eq!((counted(&office, id, Outcome::Undone).await, counted(&office, id, Outcome::Kept).await), (69, 1));
    assert_eq!((who(&office, "T1000007").await, who(&office, "T1000008").await), (Some(touched), None));
    // Once more: what was taken back leaves nothing behind that stands in the way.
    let again = begin(app, clerk(), &people(0..70)).await.unwrap();
    finish(&office).await;
    assert_eq!((counted(&office, again, Outcome::Known).await, counted(&office, again, Outcome::Good).await), (1, 69));
}

#[tokio::test]
async fn rows_that_cannot_be_registered_are_told_apart() {
    let office = office().await;
    let app = &office.app;
    let mut lines = people(0..8);
    let known = lines[0].1.clone().with(Field::Birth, "1970-01-01").with(Field::Name, "别名");
    let known = crate::domains::residence::rules::check(&known, app.today()).unwrap();
    let holder = register(app, clerk(), Registration::of(known)).await.unwrap();
    lines[1].1.set(Field::Birth, "1990-02-30");
    let twice = lines[2].1.get(Field::DocumentNumber).to_owned();
    lines[3].1.set(Field::DocumentNumber, twice);
    let (name, birth) = (lines[4].1.get(Field::Name).to_owned(), lines[4].1.get(Field::Birth).to_owned());
    lines[5].1.set(Field::Name, name);
    lines[5].1.set(Field::Birth, birth);
    let id = begin(app, clerk(), &lines).await.unwrap();
    finish(&office).await;
    let rows = store::rows(&mut app.db.read().await.unwrap(), id, Outcome::ALL.into_iter(), 100).await.unwrap();
    let outcomes: Vec<_> = rows.iter().map(|row| row.outcome).collect();
    assert_eq!(outcomes, [Known, Wrong, Good, Twice, Good, Alike, Good, Good]);
    assert_eq!(rows[0].holder, Some(holder));
    // All or none: none. Then those that are in order.
    assert_eq!(wish(app, clerk(), id, Wish::All).await.unwrap_err().kind(), card_schema::wire::ProblemType::Conflict);
    wish(app, clerk(), id, Wish::Good).await.unwrap();
    finish(&office).await;
    assert_eq!(counted(&office, id, Outcome::Registered).await, 4);
}

#[tokio::test]
async fn all_or_none_is_none_where_one_came_in_between() {
    let office = office().await;
    let app = &office.app;
    let lines = people(0..60);
    let id = begin(app, clerk(), &lines).await.unwrap();
    finish(&office).await;
    // Somebody at another desk registers the last of them.
    let last = crate::domains::residence::rules::check(&lines[59].1, app.today()).unwrap();
    let other = register(app, clerk(), Registration::of(last)).await.unwrap();
    wish(app, clerk(), id, Wish::All).await.unwrap();
    finish(&office).await;
    assert_eq!((stage(&office, id).await, counted(&office, id, Outcome::Undone).await), (Stage::Undone, 59));
    assert_eq!((who(&office, "T1000000").await, who(&office, "T1000059").await), (None, Some(other)));
}

#[tokio::test]
async fn an_import_whose_work_fails_keeps_no_other_waiting() {
    let office = office().await;
    let app = &office.app;
    let [broken, other] = [begin(app, clerk(), &people(0..3)).await, begin(app, clerk(), &people(3..6)).await];
    let (broken, other) = (broken.unwrap(), other.unwrap());
    let damaged = app.db.write::<_, Refusal, _>(move |tx| {
        let damage = query("UPDATE import_row SET sealed = $1 WHERE import_id = $2").bind(vec![0_u8; 40]).bind(broken);
        Box::pin(async move { Ok(damage.execute(tx.conn()).await?) })
    });
    damaged.await.unwrap();
    finish(&office).await;
    assert_eq!((stage(&office, broken).await, stage(&office, other).await), (Stage::Checking, Stage::Checked));
}

#[tokio::test]
async fn a_sheet_is_its_senders_alone_lies_sealed_and_goes() {
    let office = office().await;
    let app = &office.app;
    let id = begin(app, clerk(), &people(0..3)).await.unwrap();
    let other = StaffId(Uuid::from_u128(2));
    assert!(load(app, other, id).await.is_err());
    assert!(wish(app, other, id, Wish::Discard).await.is_err());
    let contents = office.scratch.contents().await;
    for clear in ["测试甲", "T1000001", "测试路"] {
        assert!(!contents.windows(clear.len()).any(|window| window == clear.as_bytes()), "{clear}");
    }
    app.db
        .write::<_, Refusal, _>(|tx| {
            Box::pin(async move { Ok(query("UPDATE import SET changed_at = 0").execute(tx.conn()).await?) })
        })
        .await
        .unwrap();
    forget_old(app).await.unwrap();
    assert!(load(app, clerk(), id).await.is_err());
    let left: i64 =
        query("SELECT COUNT(*) FROM import_row").scalar_one(&mut app.db.read().await.unwrap()).await.unwrap();
    assert_eq!(left, 0);
}
