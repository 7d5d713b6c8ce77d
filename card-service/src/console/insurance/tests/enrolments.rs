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
        ("strangers", Some(enrolment::Bad::Strangers(201))),
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
    let (again, done) = (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::SEE_OTHER);
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
    assert!(status == again && page.contains("201 rows or more name nobody"), "{page}");
    assert!(!page.contains("Row 2"), "it is not told which: {page}");
    assert_eq!(send(&good).await.0, done);
    assert_eq!(insured().await, 2);
    let (status, page) = send(&good).await;
    assert!(status == again && page.contains("Row 3") && page.contains("enrolled with you for these months"), "{page}");
}

#[tokio::test]
async fn whoever_files_does_not_find_out_who_is_registered() {
    let bureau = Bureau::open().await;
    let this = Month::of(bureau.office.app.today());
    let enrol = |number: usize| format!("act=enrol&number=T{number}&name=x&from={this}&household=other_rural");
    for number in 0..200 {
        let (status, page) = bureau.browse(&bureau.filer, "/filings", &enrol(number)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{number}: {page}");
    }
    assert_eq!(bureau.browse(&bureau.filer, "/filings", &enrol(200)).await.0, StatusCode::TOO_MANY_REQUESTS);
}
