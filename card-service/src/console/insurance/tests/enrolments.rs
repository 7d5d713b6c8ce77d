//! What an employer promises itself of a spreadsheet with which it enrols many: all of them or none, and what is wrong is told.

use super::*;
use crate::console::insurance::enrolment;
use crate::domains::social_security::enrolment::RowWrong as NewcomerWrong;

const PAGE: &str = "/filings/enrolments";

/// The page in every state that it has.
pub(super) fn pages(frame: &Frame) -> Vec<(String, String)> {
    let rows = [
        NewcomerWrong::Number,
        NewcomerWrong::Name,
        NewcomerWrong::From,
        NewcomerWrong::Household,
        NewcomerWrong::Twice(2),
        NewcomerWrong::Refused("insured-already"),
    ];
    let at = String::new();
    [
        ("new", None),
        ("sheet", Some(enrolment::Bad::Sheet(Unusable { key: "import-file-missing", at }))),
        ("rows", Some(enrolment::Bad::Rows((2..).zip(rows).collect()))),
        ("strangers", Some(enrolment::Bad::Strangers)),
    ]
    .map(|(name, bad)| (format!("enrolment-{name}"), enrolment::sheet_page(frame.clone(), bad).render().unwrap()))
    .into()
}

#[tokio::test]
async fn a_spreadsheet_enrols_all_of_its_workers_or_none_and_says_which_row_is_wrong() {
    let bureau = Bureau::open().await;
    bureau.register().await;
    let this = Month::of(bureau.office.app.today());
    let row = |(name, number): (&str, &str), household: &str| format!("{number},{name},{this},{household}");
    let send = async |rows: &[String]| {
        let sheet = format!("社会保障号码,姓名,起始月份,户口性质\r\n{}", rows.join("\r\n"));
        bureau.send(&bureau.filer, PAGE, &[], &sheet).await
    };
    let insured = async || {
        let mut connection = bureau.office.app.db.read().await.unwrap();
        store::employment::insured(&mut connection, bureau.employer, this).await.unwrap()
    };
    let again = StatusCode::UNPROCESSABLE_ENTITY;
    let good = [row(WORKERS[0], "外埠农村"), row(WORKERS[1], "In a town elsewhere")];
    let stranger = row((WORKERS[0].0, WORKERS[1].1), "外埠农村");
    for (rows, said) in [
        (vec![good[0].clone(), row(WORKERS[1], "外地")], "Type where the household is registered"),
        (vec![good[0].clone(), good[0].clone()], "The same worker stands in row 2"),
        (vec![good[0].clone(), stranger], "Nobody is registered with this number and this name"),
    ] {
        let (status, page) = send(&rows).await;
        assert!(status == again && page.contains(said), "{said}: {page}");
    }
    assert_eq!(insured().await, 0, "all or none");
    let strangers: Vec<_> = (0..201).map(|number| row(("测试", &format!("T{number}")), "外埠农村")).collect();
    let (status, page) = send(&strangers).await;
    assert!(status == again && page.contains("Too many numbers and names"), "{page}");
    assert!(!page.contains("Row 2"), "it is not told which: {page}");
    let (status, page) = send(&good).await;
    assert!(status == again && page.contains("Too many numbers and names"), "nor is anything of anybody: {page}");
    let (status, page) = bureau.browse(&bureau.filer, "/filings", &one(WORKERS[0], this)).await;
    assert!(status == again && page.contains("Too many numbers and names"), "{page}");
    assert_eq!(insured().await, 0);
}

fn one((name, number): (&str, &str), from: Month) -> String {
    format!("act=enrol&number={number}&name={name}&from={from}&household=other_rural")
}

#[tokio::test]
async fn a_spreadsheet_enrols_whoever_is_new_and_whoever_never_began_and_nobody_twice() {
    let bureau = Bureau::open().await;
    let people = bureau.register().await;
    let this = Month::of(bureau.office.app.today());
    let (again, done) = (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::SEE_OTHER);
    let send = async |rows: &[(&str, &str)], from: Month| {
        let row = |(name, number): &(&str, &str)| format!("{number},{name},{from},外埠农村");
        let rows: Vec<_> = rows.iter().map(row).collect();
        let sheet = format!("社会保障号码,姓名,起始月份,户口性质\r\n{}", rows.join("\r\n"));
        bureau.send(&bureau.filer, PAGE, &[], &sheet).await
    };
    let (status, page) = send(&WORKERS, this.before().before()).await;
    assert!(status == again && page.contains("The first month is over for too long"), "{page}");
    // The first never begins, and is enrolled once more with the other.
    assert_eq!(bureau.browse(&bureau.filer, "/filings", &one(WORKERS[0], this)).await.0, done);
    let (name, number) = WORKERS[0];
    let leave = format!("act=leave&leaving={number}&leaving_name={name}&until={}", this.before());
    assert_eq!(bureau.browse(&bureau.filer, "/filings", &leave).await.0, done);
    assert_eq!(send(&WORKERS, this).await.0, done);
    let (status, page) = send(&WORKERS, this).await;
    assert!(status == again && page.contains("Row 3") && page.contains("enrolled with you for these months"), "{page}");
    let mut connection = bureau.office.app.db.read().await.unwrap();
    for person in people {
        let found = store::employment::of_holder(&mut connection, person).await.unwrap();
        let months: Vec<_> = found.iter().map(|found| (found.employment.from, found.employment.until)).collect();
        assert_eq!(months, [(this, None)]);
    }
}

#[tokio::test]
async fn whoever_files_does_not_find_out_who_is_registered() {
    let bureau = Bureau::open().await;
    bureau.register().await;
    let this = Month::of(bureau.office.app.today());
    let again = StatusCode::UNPROCESSABLE_ENTITY;
    for number in 0..200 {
        let (status, page) = bureau.browse(&bureau.filer, "/filings", &one(("x", &format!("T{number}")), this)).await;
        assert!(status == again && page.contains("Nobody is registered"), "{number}: {page}");
    }
    for worker in [WORKERS[0], ("x", "T200")] {
        let (status, page) = bureau.browse(&bureau.filer, "/filings", &one(worker, this)).await;
        assert!(status == again && page.contains("Too many numbers and names"), "known or not: {page}");
    }
}
