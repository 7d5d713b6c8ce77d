//! What employers declare for a month, from the file to the books: one large employer, and a city's of them one after the other. What
//! bills cost is measured beside it (`claims`), and needs no city; whether somebody is covered (`eligibility`), once a month is paid.

use std::{
    fmt::Write as _,
    iter,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use card_schema::{
    ids::{HolderId, OrganisationId},
    money::Fen,
    month::Month,
};
use card_service::{
    db::{Db, DbError, query},
    domains::{
        residence::model::Field,
        social_security::{
            employment::Employment,
            filing::Mark,
            model::Household,
            store::{self, employment::Found},
        },
    },
    people::StaffId,
};
use fastrand::Rng;
use town::{clock, office::Office, wait};
use uuid::Uuid;

use crate::{
    claims,
    console::city::{City, Resident},
    eligibility::{self, Desk, Patients},
    figure::Report,
    intake::{
        count,
        installation::{Engine, now, open_for_bulk, progress},
    },
};

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The database
    #[arg(long, value_enum, default_value = "sqlite")]
    db: Engine,
    /// People who are insured
    #[arg(long, default_value_t = 1_000_000)]
    people: usize,
    /// How many of them work for each employer
    #[arg(long, default_value_t = 10_000)]
    rows: usize,
    /// Lines of bills that are reckoned
    #[arg(long, default_value_t = 1_000_000)]
    lines: usize,
    /// One part alone
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Draws the people, what they earn, and bills
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What can be measured alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// What employers declare.
    Contributions,
    /// What bills cost.
    Claims,
}

/// Invented.
const FILER: (&str, &str) = ("filer", "invented for a filer of a large employer");
/// Enrolled in one transaction.
const STEP: usize = 20_000;
/// How long anything may take before it is given up.
const AT_MOST: Duration = Duration::from_hours(2);

pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    if options.only != Some(Part::Contributions) {
        claims::measure(options.lines, options.seed, report)?;
    }
    if options.only != Some(Part::Claims) {
        contributions(options, report)?;
    }
    Ok(())
}

fn contributions(options: &Options, report: &mut Report) -> Result<()> {
    let &Options { db, people, rows, seed, .. } = options;
    ensure!(rows > 0 && people >= rows, "measuring nothing");
    let mut bureau = Bureau::open(City::found(db, people as u64, seed, people as u64)?, rows)?;
    let mut random = Rng::with_seed(seed);
    let files: Vec<_> = bureau.staffs.iter().map(|staff| Sheet::of(staff, &mut random)).collect();

    let (first, others) = files.split_first().context("an employer")?;
    let began = Instant::now();
    bureau.declare(0, first)?;
    let taken = began.elapsed().as_secs_f64();
    bureau.pay(&files[..1])?;
    report.figure(&format!("employer_file_{}_s", first.people), began.elapsed().as_secs_f64(), "s", Some(15.0));
    report.figure("employer_file_taken_s", taken, "s", None);
    if others.is_empty() {
        return bureau.eligibility(report);
    }
    let began = Instant::now();
    for (place, sheet) in (1..).zip(others) {
        bureau.declare(place, sheet)?;
    }
    let taken = began.elapsed().as_secs_f64();
    bureau.pay(others)?;
    let all = others.iter().map(|sheet| sheet.people).sum();
    let most = 900.0 * count(all) / 1_000_000.0;
    report.figure(&format!("month_of_{all}_s"), began.elapsed().as_secs_f64(), "s", Some(most));
    report.figure("month_taken_s", taken, "s", None);
    bureau.eligibility(report)
}

/// What an employer sends for a month.
struct Sheet {
    people: usize,
    wages: Fen,
    text: String,
}

impl Sheet {
    /// With wages that are as uneven as wages are.
    fn of(staff: &[Resident], random: &mut Rng) -> Self {
        let mut sheet =
            Self { people: staff.len(), wages: Fen::ZERO, text: "社会保障号码,姓名,月工资".to_owned() };
        for worker in staff {
            let wage = Fen(100 * random.i64(3_000..9_000) * random.i64(1..6));
            let [number, name] = [Field::DocumentNumber, Field::Name].map(|field| worker.facts.get(field));
            write!(sheet.text, "\r\n{number},{name},{wage}").expect("writing to a string does not fail");
            sheet.wages.0 += wage.0;
        }
        sheet
    }
}

/// A city whose people work for employers, and whoever files for these.
struct Bureau {
    city: City,
    month: Month,
    employers: Vec<OrganisationId>,
    /// Who works for each.
    staffs: Vec<Vec<Resident>>,
    administrator: Office,
    filer: Office,
    filer_page: String,
    patients: Patients,
}

impl Bureau {
    fn open(mut city: City, rows: usize) -> Result<Self> {
        let residents = std::mem::take(&mut city.residents);
        let staffs: Vec<Vec<_>> = residents.chunks(rows).map(<[_]>::to_vec).collect();
        let administrator = city.service.office()?;
        let filer = administrator.add_staff(&city.service.root(), FILER, "filer")?;
        for place in 0..staffs.len() {
            administrator.add_organisation(&name(place), "employer")?;
        }
        city.service.process().stop()?;
        let (month, runtime) = (Month::of(clock::today()?), tokio::runtime::Runtime::new()?);
        let (employers, filer_page) = runtime.block_on(enrol(&city, month, &staffs))?;
        let patients = runtime.block_on(async {
            let db = Db::open(city.service.database_url()).await?;
            let patients = eligibility::patients(&db, &staffs.concat()).await;
            db.close().await;
            patients
        })?;
        city.service.start()?;
        Ok(Self { city, month, employers, staffs, administrator, filer, filer_page, patients })
    }

    /// Some of those who are insured by now go to a clinic.
    fn eligibility(&self, report: &mut Report) -> Result<()> {
        Desk::open(&self.city.service, &self.administrator)?.measure(&self.patients, report)
    }

    /// The file of an employer is sent, and taken.
    fn declare(&self, place: usize, sheet: &Sheet) -> Result<()> {
        let (employer, administrator) = (self.employers[place], self.administrator.api());
        let page = String::from_utf8(administrator.visit(&self.filer_page, None)?.body)?;
        // What was done with the filer last: nobody acts on what they have not seen.
        let seen = page.split_once("name=\"seen\" value=\"").and_then(|(_, rest)| rest.split('"').next());
        let form = format!("act=move&station={employer}&seen={}", seen.context("a form")?);
        let moved = administrator.visit(&self.filer_page, Some(&form))?;
        ensure!(moved.status == 303, "{}: {}", moved.status, String::from_utf8_lossy(&moved.body));
        let (month, people, wages) = (self.month.to_string(), sheet.people.to_string(), sheet.wages.to_string());
        let fields = [("kind", "regular"), ("month", &*month), ("workers", &*people), ("wages", &*wages)];
        let sent = self.filer.api().send_form("/filings/new", &fields, ("sheet", sheet.text.as_bytes()))?;
        ensure!(sent.status == 303, "{}: {}", sent.status, String::from_utf8_lossy(&sent.body));
        Ok(())
    }

    /// What employers owe comes to the bank, and is booked.
    fn pay(&mut self, sheets: &[Sheet]) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let db = runtime.block_on(Db::look(self.city.service.database_url()))?;
        let owed = runtime.block_on(owed(&db))?;
        ensure!(owed.len() == sheets.len(), "each owes something");
        let mut statement = "流水号,日期,金额,付款人".to_owned();
        let today = clock::today()?;
        for (employer, amount) in owed {
            write!(statement, "\r\nBENCH-{employer},{today},{amount},{}", self.named(employer)?)?;
        }
        let taken = self.administrator.api().send_file("/receipts/new", "sheet", statement.as_bytes())?;
        ensure!(taken.status == 303, "{}: {}", taken.status, String::from_utf8_lossy(&taken.body));
        let booked = wait::within(AT_MOST, "everything is booked", || {
            let open = query("SELECT COUNT(*) FROM declaration WHERE posted = 0");
            let open: i64 = runtime.block_on(async { open.scalar_one(&mut db.read().await?).await })?;
            Ok((open == 0).then_some(()))
        });
        runtime.block_on(db.close());
        booked
    }

    fn named(&self, employer: OrganisationId) -> Result<String> {
        let place = self.employers.iter().position(|one| *one == employer);
        place.map(name).context("an employer of this city")
    }
}

/// What an employer is called.
fn name(place: usize) -> String {
    format!("测试工厂{place}号")
}

/// What each employer owes.
async fn owed(db: &Db) -> Result<Vec<(OrganisationId, Fen)>> {
    let rows = query("SELECT organisation_id, due FROM declaration WHERE paid_at IS NULL ORDER BY filed_at");
    let rows = rows.all(&mut db.read().await?).await?;
    let of = |row: &card_service::db::Row| {
        let employer = OrganisationId(Uuid::from_slice(row.get("organisation_id")?)?);
        Ok((employer, Fen(row.get("due")?)))
    };
    rows.iter().map(of).collect()
}

/// Everybody is insured through an employer: the employers, and the page of whoever files.
async fn enrol(city: &City, month: Month, staffs: &[Vec<Resident>]) -> Result<(Vec<OrganisationId>, String)> {
    let (db, keys) = (open_for_bulk(city.service.database_url()).await?, city.keys()?);
    let filer: Vec<u8> =
        query("SELECT staff_id FROM staff WHERE name = $1").bind(FILER.0).scalar_one(&mut db.read().await?).await?;
    let filer = StaffId(Uuid::from_slice(&filer)?);
    let bar = progress("enrolling people", staffs.iter().map(|staff| staff.len() as u64).sum());
    let mut employers = Vec::with_capacity(staffs.len());
    for (place, staff) in staffs.iter().enumerate() {
        let id: Vec<u8> = query("SELECT organisation_id FROM organisation WHERE name = $1")
            .bind(name(place))
            .scalar_one(&mut db.read().await?)
            .await?;
        let (employer, at) = (OrganisationId(Uuid::from_slice(&id)?), now()?);
        employers.push(employer);
        let found = |worker: &Resident| {
            let [number, name] = [Field::DocumentNumber, Field::Name].map(|field| worker.facts.get(field));
            let household = Household::ALL[usize::from(worker.holder.as_bytes()[15]) % Household::ALL.len()];
            Ok(Found {
                holder: worker.holder,
                employment: Employment { employer, from: month, until: None, household },
                number: Mark::of_number(&*keys, employer, number)?,
                name: Mark::of_name(&*keys, employer, name)?,
            })
        };
        let enrolled = staff.iter().map(found).collect::<Result<Vec<_>>>()?;
        for some in enrolled.chunks(STEP) {
            let some = some.to_vec();
            bar.inc(some.len() as u64);
            let put = db.write::<_, DbError, _>(move |tx| {
                Box::pin(async move {
                    let first = iter::once(card_schema::ids::Shard(0));
                    tx.lock(first.chain(some.iter().map(|found| HolderId::shard(&found.holder)))).await?;
                    store::put(tx, at, filer, employer, 1).await?;
                    store::employment::add(tx, at, filer, &some).await
                })
            });
            put.await?;
        }
    }
    bar.finish_and_clear();
    db.close().await;
    Ok((employers, format!("/staff/{}", filer.0)))
}
