//! What the pages of social security promise: an employer files, is told what is wrong row by row, corrects, and pays; the bureau says
//! whose money it is; and each month of a worker says what has become of it.

mod disputes;
mod enrolments;
mod late;

use std::collections::HashMap;

use askama::Template as _;
use axum::http::StatusCode;
use card_schema::clock::Micros;
use card_schema::ids::{HolderId, OrganisationId, Shard};
use card_schema::money::Fen;
use card_schema::month::Month;
use card_schema::wire::insurance::MonthState;
use uuid::Uuid;

use super::statement::StatementPage;
use super::{Account, Employer, employers, filing, months, receipts};
use crate::console::frame::Frame;
use crate::console::register::Typed;
use crate::console::view::Choice;
use crate::db::DbError;
use crate::domains::residence::model::{Facts, Field};
use crate::domains::residence::{self, Registration, register};
use crate::domains::social_security::declaration::{DeclarationId, Of, RowWrong, Sums, Totals};
use crate::domains::social_security::dispute::Dispute;
use crate::domains::social_security::paying;
use crate::domains::social_security::receipt::{Receipt, RowWrong as ReceiptWrong};
use crate::domains::social_security::record::{Declared, MonthOf};
use crate::domains::social_security::store;
use crate::domains::social_security::store::declaration::Declaration;
use crate::domains::social_security::store::receipt::Taken;
use crate::evidence::audit;
use crate::people::model::Permission;
use crate::people::organisation::{self, Kind, Organisation};
use crate::people::{Purpose, StaffId, StaffRole};
use crate::sheet::Unusable;
use crate::statement::insurance::Insured;
use crate::testing::insured::files_for;
use crate::testing::{Office, office};

/// 2026-11-23 17:04:05 in Beijing.
const AT: Micros = Micros(1_795_424_645_000_000);
const FACTORY: &str = "测试工厂（朝阳）";
/// Invented people; the numbers are of a region that there is not.
const WORKERS: [(&str, &str); 2] = [("测试工人甲", "11000019900101011X"), ("测试工人乙", "110000199001010128")];

fn declared(month: &str, corrects: bool, due: i64, paid_at: Option<Micros>, posted: bool) -> Declaration {
    Declaration {
        id: DeclarationId([1; 16]),
        employer: OrganisationId(Uuid::from_u128(7)),
        of: Of { month: month.parse().unwrap(), corrects },
        totals: Totals { people: 2, wages: Fen(1_600_000) },
        due: Fen(due),
        filed_at: AT,
        by: StaffId(Uuid::nil()),
        paid_at,
        posted,
    }
}

fn taken(number: &str, employer: Option<OrganisationId>) -> Taken {
    let receipt = Receipt {
        number: number.to_owned(),
        day: "2026-11-20".parse().unwrap(),
        amount: Fen(512_300),
        payer: FACTORY.to_owned(),
        remark: "十一月".to_owned(),
    };
    Taken { receipt, employer }
}

/// An employer with so much to its credit.
fn account(credit: i64, declared: Vec<Declaration>) -> Account {
    let booked = declared.iter().filter(|one| !one.posted).map(|one| (one.id, 1)).collect();
    let this = "2026-11".parse().unwrap();
    Account { this, insured: 2, credit: Fen(credit), owed: Fen(512_300), declared, booked }
}

fn of_employer(frame: &Frame) -> Vec<(String, String)> {
    let this: Month = "2026-11".parse().unwrap();
    let all = vec![
        declared("2026-11", false, 512_300, None, false),
        declared("2026-10", true, -1_200, Some(AT), false),
        declared("2026-10", false, 512_300, Some(AT), true),
    ];
    let organisation = Organisation { organisation_id: OrganisationId(Uuid::from_u128(7)), name: FACTORY.to_owned() };
    let employer = Employer { organisation, risk: 2 };
    let own = account;
    let mut pages = Vec::new();
    for (name, own, form, wrong) in [
        ("new", own(0, Vec::new()), Typed::new(), None),
        ("owing", own(100, all.clone()), Typed::new(), None),
        ("unknown", own(999_999, all.clone()), Typed::new(), Some(("number", "insured-unknown"))),
        ("household", own(0, all.clone()), Typed::new(), Some(("household", "insured-household-missing"))),
        ("leaving", own(0, all), Typed::new(), Some(("leaving", "insured-stranger"))),
    ] {
        let page = filing::thing(frame.clone(), &employer, &own, &form, wrong).render().unwrap();
        pages.push((format!("filings-{name}"), page));
    }
    let rows = [
        RowWrong::Number,
        RowWrong::Name,
        RowWrong::Wage,
        RowWrong::Base,
        RowWrong::Twice(2),
        RowWrong::Stranger,
        RowWrong::OtherName,
        RowWrong::UnderFloor(Fen(716_200)),
        RowWrong::OverCeiling(Fen(3_580_500)),
        RowWrong::NotTheWage(Fen(800_000)),
        RowWrong::Declared,
        RowWrong::NotDeclared,
        RowWrong::NoBirth,
        RowWrong::NoRules,
    ];
    let rows = (2..).zip(rows.into_iter().cycle().take(101)).collect();
    let at = String::new();
    for (name, bad) in [
        ("new", None),
        ("wages", Some(filing::Bad::Field("wages", "…".to_owned()))),
        ("sheet", Some(filing::Bad::Sheet(Unusable { key: "import-file-missing", at }))),
        ("rows", Some(filing::Bad::Rows(rows))),
    ] {
        let page = filing::sheet_page(frame.clone(), this, &Typed::new(), bad).render().unwrap();
        pages.push((format!("filing-{name}"), page));
    }
    pages
}

fn of_bureau(frame: &Frame) -> Vec<(String, String)> {
    let (locale, id) = (frame.locale(), OrganisationId(Uuid::from_u128(7)));
    let lines = [Some(2), None].map(|risk| employers::line(locale, id, FACTORY.to_owned(), risk));
    let mut pages = vec![
        ("employers-some".to_owned(), employers::listed(frame.clone(), lines.into()).render().unwrap()),
        ("employers-none".to_owned(), employers::listed(frame.clone(), Vec::new()).render().unwrap()),
    ];
    for (name, risk, wrong) in [("new", None, None), ("known", Some(2), Some(("risk", "employer-risk-bad")))] {
        let known = employers::Known {
            id,
            name: FACTORY.to_owned(),
            risk,
            classes: 8,
            account: account(0, vec![declared("2026-11", false, 512_300, None, false)]),
            arrived: vec![taken("TEST-1", Some(id))],
        };
        let page = employers::thing(frame.clone(), &known, &Typed::new(), wrong).render().unwrap();
        pages.push((format!("employer-{name}"), page));
    }
    for (name, all, wrong) in [
        ("none", &[][..], None),
        ("some", &[taken("TEST-1", None)], None),
        ("which", &[taken("TEST-1", None)], Some(("number", "arrival-which-missing"))),
        ("whose", &[taken("TEST-1", None)], Some(("employer", "arrival-whose-missing"))),
        ("known", &[taken("TEST-1", None)], Some(("number", "arrival-known-already"))),
    ] {
        let choices = vec![Choice::new("7", FACTORY.to_owned())];
        let page = receipts::thing(frame.clone(), all, choices, &Typed::new(), wrong).render().unwrap();
        pages.push((format!("receipts-{name}"), page));
    }
    let rows = [
        ReceiptWrong::Number,
        ReceiptWrong::Day,
        ReceiptWrong::Amount,
        ReceiptWrong::Payer,
        ReceiptWrong::Remark,
        ReceiptWrong::Twice(2),
    ];
    let at = "4".to_owned();
    for (name, bad) in [
        ("new", None),
        ("large", Some(receipts::Bad::Sheet(Unusable { key: "import-too-large", at }))),
        ("rows", Some(receipts::Bad::Rows((2..).zip(rows).collect()))),
        ("others", Some(receipts::Bad::Others(vec!["TEST-1".to_owned()]))),
    ] {
        pages.push((format!("arrival-{name}"), receipts::sheet_page(frame.clone(), bad).render().unwrap()));
    }
    pages
}

/// Somebody with a month in each of these states, from January on, and what they say against some.
fn insured(states: &[MonthState], said: &[Dispute]) -> Insured {
    let employer = OrganisationId(Uuid::from_u128(7));
    let month_of = |(number, state): (u8, MonthState)| {
        let month = Month::of(card_schema::date::Date::new(2026, number, 1).unwrap());
        let wage = Fen(800_000);
        let sums =
            Sums { person: Fen(84_000), employer: Fen(216_800), pension_account: Fen(64_000), ..Sums::default() };
        let declared =
            Declared { month, employer, declaration: DeclarationId([1; 16]), filed_at: AT, paid_at: None, wage, sums };
        let is_declared = !matches!(state, MonthState::Open | MonthState::Missing);
        let correction_waits = state == MonthState::PaidLate;
        MonthOf { month, employer, state, declared: is_declared.then_some(declared), correction_waits }
    };
    Insured {
        months: (1..).zip(states.iter().copied()).map(month_of).collect(),
        names: HashMap::from([(employer, FACTORY.to_owned())]),
        accounts: [64_000, 16_000],
        disputes: said.to_vec(),
    }
}

/// The pages in every state that they have.
pub(in crate::console) fn pages(frame: &Frame) -> Vec<(String, String)> {
    let mut pages = of_employer(frame);
    pages.extend(of_bureau(frame));
    pages.extend(disputes::pages(frame));
    pages.extend(enrolments::pages(frame));
    let holder = HolderId::new(Shard(3), [8; 16]);
    let dispute = disputes::disputed(None);
    let states = [
        MonthState::Paid,
        MonthState::PaidLate,
        MonthState::Declared,
        MonthState::Unpaid,
        MonthState::Open,
        MonthState::Missing,
    ];
    for (name, has) in
        [("all", insured(&states, &[dispute])), ("paid", insured(&states[..1], &[])), ("none", Insured::default())]
    {
        let facts = Facts::default().with(Field::Name, "测试甲").with(Field::DocumentNumber, "T1234567");
        let paper = StatementPage::new(frame.clone(), holder, &facts, "2026-12-01".to_owned(), &has);
        pages.push((format!("insured-paper-{name}"), paper.render().unwrap()));
        let page = months::thing(frame.clone(), holder, Purpose::HolderRequest, &has).render().unwrap();
        pages.push((format!("insurance-{name}"), page));
    }
    for wrong in [false, true] {
        let page = months::why(frame.clone(), holder, wrong).render().unwrap();
        pages.push((format!("insurance-ask-{wrong}"), page));
    }
    pages
}

/// An office with an employer that takes part, whoever files for it and an officer of the bureau, as tokens.
struct Bureau {
    office: Office,
    employer: OrganisationId,
    filer: String,
    officer: String,
}

impl Bureau {
    async fn open() -> Self {
        let office = office().await;
        let (employer, officer) =
            (employer_called(&office, FACTORY).await, office.staff("officer", StaffRole::BureauOfficer).await);
        let filer = filer_of(&office, "filer", employer).await;
        let bureau = Self { office, employer, filer, officer };
        let risk = bureau.browse(&bureau.officer, &format!("/employers/{employer}"), "risk=2").await;
        assert_eq!(risk.0, StatusCode::SEE_OTHER);
        bureau
    }

    async fn browse(&self, token: &str, path: &str, form: &str) -> (StatusCode, String) {
        let shown = self.office.browse(Some(token), path, Some(form)).await;
        (shown.status, shown.page)
    }

    async fn show(&self, token: &str, path: &str) -> String {
        let shown = self.office.browse(Some(token), path, None).await;
        assert_eq!(shown.status, StatusCode::OK, "{path}");
        shown.page
    }

    /// Sends a spreadsheet along with fields.
    async fn send(&self, token: &str, path: &str, fields: &[(&str, &str)], sheet: &str) -> (StatusCode, String) {
        let part = |(name, value): &(&str, &str)| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let fields: String = fields.iter().map(part).collect();
        let head = "--b\r\nContent-Disposition: form-data; name=\"sheet\"; filename=\"s.csv\"\r\n\r\n";
        let body = format!("{fields}{head}{sheet}\r\n--b--\r\n");
        let form = Some(("multipart/form-data; boundary=b", body.into_bytes()));
        let shown = self.office.browse_with(Some(token), path, form).await;
        (shown.status, shown.page)
    }

    async fn declare(&self, kind: &str, month: &str, totals: (&str, &str), rows: &[&str]) -> (StatusCode, String) {
        let fields = [("kind", kind), ("month", month), ("workers", totals.0), ("wages", totals.1)];
        let sheet = format!("社会保障号码,姓名,月工资,缴费基数\r\n{}", rows.join("\r\n"));
        self.send(&self.filer, "/filings/new", &fields, &sheet).await
    }

    async fn register(&self) -> Vec<HolderId> {
        let clerk = self.office.member("clerk", StaffRole::Clerk).await;
        let mut registered = Vec::new();
        for (name, number) in WORKERS {
            let facts = Facts::default().with(Field::Name, name).with(Field::DocumentNumber, number);
            let facts = facts.with(Field::DocumentKind, "resident_identity_card");
            registered.push(register(&self.office.app, clerk.staff_id, Registration::of(facts)).await.unwrap());
        }
        registered
    }

    async fn months(&self, holder: HolderId) -> String {
        let clerk = self.office.staff(&format!("clerk-{}", self.office.app.new_id()), StaffRole::Clerk).await;
        let path = format!("/holders/{holder}/insurance");
        let (status, page) = self.browse(&clerk, &path, "reason=holder_request").await;
        assert_eq!(status, StatusCode::OK);
        page
    }

    async fn pay(&self) -> usize {
        paying::pay(&self.office.app.db, crate::clock::now).await.unwrap()
    }
}

async fn employer_called(office: &Office, name: &str) -> OrganisationId {
    let (now, id, name) = (office.app.now(), OrganisationId(office.app.new_id()), name.to_owned());
    let added = office.app.db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            organisation::store::named(tx, now, id, &name).await?;
            organisation::store::describe(tx, now, id, Kind::Employer, false).await
        })
    });
    added.await.unwrap();
    id
}

async fn filer_of(office: &Office, name: &str, employer: OrganisationId) -> String {
    let who = office.member(name, StaffRole::Filer).await;
    files_for(&office.app.db, office.app.now(), who.staff_id, employer).await;
    office.session(&who).await
}

#[tokio::test]
async fn an_employer_enrols_declares_corrects_and_pays_and_each_month_says_so() {
    let bureau = Bureau::open().await;
    let people = bureau.register().await;
    let this = Month::of(bureau.office.app.today());
    let month = this.to_string();
    let enrol = |name: &str, number: &str, from: Month| {
        format!("act=enrol&number={number}&name={name}&from={from}&household=other_rural")
    };
    let filer = bureau.filer.clone();
    let (again, done) = (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::SEE_OTHER);
    for ((name, number), said) in [
        ((WORKERS[0].0, WORKERS[1].1), "Nobody is registered with this number and this name"),
        (("", WORKERS[0].1), "Type the name"),
    ] {
        let (status, page) = bureau.browse(&filer, "/filings", &enrol(name, number, this)).await;
        assert!(status == again && page.contains(said), "{page}");
    }
    for (name, number) in WORKERS {
        assert_eq!(bureau.browse(&filer, "/filings", &enrol(name, number, this)).await.0, done);
    }
    let (status, page) = bureau.browse(&filer, "/filings", &enrol(WORKERS[0].0, WORKERS[0].1, this)).await;
    assert!(status == again && page.contains("enrolled with you for these months already"), "{page}");

    let good = |wage: &str, place: usize| format!("{},{},{wage},", WORKERS[place].1, WORKERS[place].0);
    let rows = [good("8000", 0), good("9000.50", 1)];
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let totals = ("2", "17000.50");
    let stranger = format!("110000199001010136,{},1,", WORKERS[0].0);
    let other_name = format!("{},{},1,", WORKERS[0].1, WORKERS[1].0);
    let low = format!("{},{},1,1", WORKERS[0].1, WORKERS[0].0);
    let next = this.after().to_string();
    let old = (0..25).fold(this, |month, _| month.before()).to_string();
    for (month, totals, rows, said) in [
        (&month, ("3", "17000.50"), &rows[..], "The spreadsheet has 2 workers"),
        (&month, ("2", "17000.51"), &rows[..], "come to 17000.50 yuan"),
        (&month, ("2", "16000"), &[rows[0], rows[0]], "The same worker stands in row 2"),
        (&month, ("1", "1"), &[stranger.as_str()], "Nobody with this number is enrolled with you"),
        (&month, ("1", "1"), &[other_name.as_str()], "enrolled under another name"),
        (&month, ("1", "1"), &[low.as_str()], "The base is under"),
        (&next, totals, &rows[..], "can be declared no more, or not yet"),
        (&old, totals, &rows[..], "can be declared no more, or not yet"),
        (&month, ("x", "1"), &rows[..], "in digits"),
    ] {
        let (status, page) = bureau.declare("regular", month, totals, rows).await;
        assert!(status == again && page.contains(said), "{said}: {page}");
    }
    let (status, page) = bureau.declare("correction", &month, totals, &rows).await;
    assert!(status == again && page.contains("Nothing was declared of this worker"), "{page}");
    assert!(!bureau.show(&filer, "/filings").await.contains("declared on"), "nothing was taken");
    assert_eq!(bureau.declare("regular", &month, totals, &rows).await.0, done);
    let (status, page) = bureau.declare("regular", &month, totals, &rows).await;
    assert!(status == again && page.contains("was declared for this month already"), "{page}");
    assert!(bureau.months(people[0]).await.contains("declared, not paid yet"));

    let mut connection = bureau.office.app.db.read().await.unwrap();
    let due = store::declaration::of_employer(&mut connection, bureau.employer, 9).await.unwrap()[0].due;
    drop(connection);
    assert_eq!(bureau.pay().await, 0, "nothing has arrived");
    let statement = |number: &str, amount: Fen, payer: &str| {
        format!("流水号,日期,金额,付款人\r\n{number},{},{amount},{payer}", bureau.office.app.today())
    };
    let officer = bureau.officer.clone();
    let half = Fen(due.0 / 2);
    let take = async |sheet: String| bureau.send(&officer, "/receipts/new", &[], &sheet).await;
    assert_eq!(take(statement("TEST-1", half, "测试工厂(朝阳)")).await.0, done);
    assert_eq!(bureau.pay().await, 0, "half of it");
    assert_eq!(take(statement("TEST-1", half, "测试工厂(朝阳)")).await.0, done, "the same once more");
    assert_eq!(bureau.pay().await, 0, "is not booked twice");
    let (status, page) = take(statement("TEST-1", due, "测试工厂(朝阳)")).await;
    assert!(status == again && page.contains("Something else was taken under these numbers"), "{page}");
    assert_eq!(take(statement("TEST-2", Fen(due.0 - half.0), "某人")).await.0, done);
    let assign = format!("number=TEST-2&employer={}", bureau.employer);
    assert_eq!(bureau.pay().await, 0, "nobody has said whose it is");
    assert_eq!(bureau.browse(&officer, "/receipts", &assign).await.0, done);
    assert_eq!(bureau.browse(&officer, "/receipts", &assign).await.0, again, "once");
    assert_eq!((bureau.pay().await, bureau.pay().await), (1, 0));
    let page = bureau.months(people[1]).await;
    // 16% and 8% of 9,000.50 are below nothing; the account has 8% of the pension and 2% of the medical insurance.
    assert!(page.contains("paid") && page.contains("720.04") && page.contains("180.01"), "{page}");

    // A wage was too high: the correction gives back, and pays the next month with it.
    let lower = [good("8500.50", 1)];
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    assert_eq!(bureau.declare("correction", &month, ("1", "8500.50"), &lower).await.0, done);
    assert_eq!(bureau.pay().await, 1, "what gives back needs no payment");
    let page = bureau.months(people[1]).await;
    assert!(page.contains("680.04") && page.contains("170.01"), "{page}");
    let mut connection = bureau.office.app.db.read().await.unwrap();
    let left = store::declaration::credit(&mut connection, bureau.employer).await.unwrap();
    let all = store::declaration::of_employer(&mut connection, bureau.employer, 9).await.unwrap();
    assert!(left > Fen::ZERO && all.iter().map(|one| one.due.0).sum::<i64>() + left.0 == due.0, "{left}");
    drop(connection);
    let report = audit::check_ledger(&bureau.office.app.db, &mut ()).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[tokio::test]
async fn nobody_files_for_another_employer_and_nobody_else_sees_what_was_filed() {
    let bureau = Bureau::open().await;
    bureau.register().await;
    let this = Month::of(bureau.office.app.today());
    let (name, number) = WORKERS[0];
    let enrol = format!("act=enrol&number={number}&name={name}&from={this}&household=other_rural");
    assert_eq!(bureau.browse(&bureau.filer, "/filings", &enrol).await.0, StatusCode::SEE_OTHER);
    let other = employer_called(&bureau.office, "测试商店").await;
    let rival = filer_of(&bureau.office, "rival", other).await;
    let shown = bureau.office.browse(Some(&rival), "/filings", None).await;
    assert_eq!(shown.status, StatusCode::CONFLICT, "its employer takes no part yet");
    let risk = bureau.browse(&bureau.officer, &format!("/employers/{other}"), "risk=1").await;
    assert_eq!(risk.0, StatusCode::SEE_OTHER);
    let (status, page) = bureau.browse(&rival, "/filings", &enrol).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("insured through another employer"), "{page}");
    assert!(!page.contains(FACTORY), "which one is nothing for it");
    let leave = format!("act=leave&leaving={number}&leaving_name={name}&until={this}");
    let (status, page) = bureau.browse(&rival, "/filings", &leave).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("enrolled with you"), "{page}");
    let fields = [("kind", "regular"), ("month", &*this.to_string()), ("workers", "1"), ("wages", "8000")];
    let sheet = format!("社会保障号码,姓名,月工资\r\n{number},{name},8000");
    let (status, page) = bureau.send(&rival, "/filings/new", &fields, &sheet).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("enrolled with you"), "{page}");
    assert_eq!(bureau.browse(&bureau.filer, "/filings", &leave).await.0, StatusCode::SEE_OTHER);

    for role in StaffRole::ALL {
        let token = bureau.office.staff(&format!("every-{}", role.name()), role).await;
        for (path, permission) in [
            ("/filings", Permission::FileContributions),
            ("/filings/new", Permission::FileContributions),
            ("/employers", Permission::ReconcileContributions),
            ("/receipts", Permission::ReconcileContributions),
        ] {
            let status = bureau.office.browse(Some(&token), path, None).await.status;
            assert_eq!(status != StatusCode::FORBIDDEN, role.may(permission), "{role:?} {path}");
        }
    }
}

#[tokio::test]
async fn whoever_looks_at_months_says_why_and_the_holder_sees_it() {
    let bureau = Bureau::open().await;
    let holder = bureau.register().await[0];
    let clerk = bureau.office.staff("another", StaffRole::Clerk).await;
    let path = format!("/holders/{holder}/insurance");
    assert!(bureau.show(&clerk, &path).await.contains("Why are you looking"));
    assert_eq!(bureau.browse(&clerk, &path, "").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let looks = async || {
        let mut connection = bureau.office.app.db.read().await.unwrap();
        let reads = residence::store::reads(&mut connection, holder, 100).await.unwrap();
        reads.iter().filter(|read| read.3 == "insurance").count()
    };
    assert_eq!(looks().await, 0);
    let (status, page) = bureau.browse(&clerk, &path, "reason=complaint").await;
    assert!(status == StatusCode::OK && page.contains("Never insured"), "{page}");
    assert_eq!(looks().await, 1);
    let (status, page) = bureau.browse(&clerk, &path, "reason=complaint&act=print").await;
    assert!(status == StatusCode::OK && page.contains("class=\"sheet\"") && page.contains(WORKERS[0].0), "{page}");
    assert_eq!(looks().await, 2);
}
