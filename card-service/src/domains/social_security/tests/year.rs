//! A year of a town's employers and their workers, through the same doors as the real ones: what was declared, what has arrived, what the
//! books hold and what each worker is shown agree to the fen.

use std::collections::{BTreeMap, HashMap};

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::{HolderId, OrganisationId, Shard};
use card_schema::money::Fen;
use card_schema::month::Month;
use card_schema::wire::insurance::MonthState;

use crate::db::{Connection, DbError, query};
use crate::domains::social_security::declaration::{Declared, Of, Sums, Totals};
use crate::domains::social_security::employment::Employment;
use crate::domains::social_security::filing::{self, Enrolment, Filing, Named};
use crate::domains::social_security::model::{Household, Insurance};
use crate::domains::social_security::receipt::Receipt;
use crate::domains::social_security::record;
use crate::domains::social_security::rules::{Worker, contributions};
use crate::domains::social_security::scheme::Scheme;
use crate::domains::social_security::{paying, store};
use crate::evidence::audit;
use crate::ledger::{self, AccountKey, AccountKind, Unit};
use crate::people::organisation::{self, Kind};
use crate::people::{StaffId, StaffRole};
use crate::testing::{Office, office};

const SEED: u64 = 20_261_130;
const WORKERS: usize = 2_000;
const EMPLOYERS: usize = 40;
const MONTHS: usize = 12;
/// Shards in which the workers lie: enough that each employer has some in most of them.
const SHARDS: u8 = 8;

/// A worker of the town, as only the town knows them.
struct Person {
    holder: HolderId,
    named: Named,
    born: Date,
    household: Household,
    employer: usize,
    wage: Fen,
}

/// What the town expects of a worker's month: by whom it was declared, what it comes to, and whether it is paid.
type Expected = BTreeMap<(usize, Month), (usize, Sums, bool)>;

struct Year {
    office: Office,
    rng: fastrand::Rng,
    scheme: Scheme,
    by: StaffId,
    employers: Vec<(OrganisationId, String, u8)>,
    people: Vec<Person>,
    expected: Expected,
    arrived: Fen,
    numbers: u32,
}

/// Noon of a day of a month.
fn at(month: Month, day: i64) -> Micros {
    month.first().start_in_china().plus_seconds((day - 1) * 86_400 + 43_200)
}

impl Year {
    async fn open() -> Self {
        let (office, mut rng) = (office().await, fastrand::Rng::with_seed(SEED));
        eprintln!("seed {SEED}");
        let by = office.member("filer", StaffRole::Filer).await.staff_id;
        let mut employers = Vec::new();
        for number in 0..EMPLOYERS {
            let (id, risk, name) = (OrganisationId(office.app.new_id()), rng.u8(1..=8), format!("测试工厂{number}"));
            let (now, called) = (office.app.now(), name.clone());
            let added = office.app.db.write::<_, DbError, _>(move |tx| {
                Box::pin(async move {
                    organisation::store::named(tx, now, id, &called).await?;
                    organisation::store::describe(tx, now, id, Kind::Employer, false).await?;
                    store::put(tx, now, by, id, risk).await
                })
            });
            added.await.unwrap();
            employers.push((id, name, risk));
        }
        let person = |number: usize| {
            let mut id = [0; 16];
            id[8..].copy_from_slice(&(number as u64).to_be_bytes());
            let shard = Shard(u8::try_from(number % usize::from(SHARDS)).unwrap());
            let born = Date::new(1_961 + rng.u16(0..45), rng.u8(1..=12), rng.u8(1..=28)).unwrap();
            Person {
                holder: HolderId::new(shard, id),
                named: Named { number: format!("TEST{number:06}"), name: format!("测试工人{number}") },
                born,
                household: Household::ALL[rng.usize(0..4)],
                employer: rng.usize(0..EMPLOYERS),
                wage: Fen(rng.i64(200_000..5_000_000)),
            }
        };
        let people = (0..WORKERS).map(person).collect();
        let (scheme, expected) = (Scheme::beijing(), Expected::new());
        Self { office, rng, scheme, by, employers, people, expected, arrived: Fen::ZERO, numbers: 0 }
    }

    fn sums(&self, worker: usize, month: Month, wage: Fen) -> Sums {
        let Person { household, born, employer, .. } = &self.people[worker];
        let worker = Worker { wage, household: *household, born: *born, risk: self.employers[*employer].2 };
        Sums::of(&contributions(&self.scheme, month, &worker).unwrap())
    }

    async fn enrol(&self, worker: usize, from: Month) {
        let Person { holder, named, household, employer, .. } = &self.people[worker];
        let employment = Employment { employer: self.employers[*employer].0, from, until: None, household: *household };
        let by = (self.by, at(from, 2));
        let new = Enrolment { records: vec![*holder], named: named.clone(), employment };
        assert!(filing::enrol(&self.office.app, by, vec![new]).await.unwrap().is_empty());
    }

    /// One worker in forty goes to another employer.
    async fn change_places(&mut self, month: Month) {
        for worker in 0..self.people.len() {
            if self.rng.u8(0..40) > 0 {
                continue;
            }
            let Person { named, employer, .. } = &self.people[worker];
            let (old, by) = (self.employers[*employer].0, (self.by, at(month, 1)));
            filing::leave(&self.office.app, by, old, named, month.before()).await.unwrap().unwrap();
            self.people[worker].employer = (self.people[worker].employer + 1) % EMPLOYERS;
            self.enrol(worker, month).await;
        }
    }

    /// Declares some workers of an employer. What is to be paid for it.
    async fn declare(&mut self, employer: usize, of: Of, day: i64, workers: &[usize]) -> Fen {
        let (id, _, risk) = self.employers[employer].clone();
        let row = |(place, worker): (usize, &usize)| {
            let Person { named, wage, .. } = &self.people[*worker];
            let row = u32::try_from(place).unwrap() + 2;
            Declared { row, number: named.number.clone(), name: named.name.clone(), wage: *wage, base: None }
        };
        let declared: Vec<_> = workers.iter().enumerate().map(row).collect();
        let totals = Totals { people: declared.len() as u64, wages: Fen(declared.iter().map(|one| one.wage.0).sum()) };
        let app = &self.office.app;
        let mut known = filing::known(app, &mut app.db.read().await.unwrap(), id, of, &declared).await.unwrap();
        let births: HashMap<_, _> =
            workers.iter().map(|one| (self.people[*one].holder, self.people[*one].born)).collect();
        known.born(|holder| births.get(&holder).copied());
        let by = (self.by, at(if of.corrects { of.month.after() } else { of.month }, day));
        let filing = Filing { employer: id, of, totals, declared, known };
        filing::file(app, &self.scheme, by, risk, filing).await.unwrap().unwrap();
        let mut due = 0;
        for worker in workers {
            let sums = self.sums(*worker, of.month, self.people[*worker].wage);
            due += sums.due().0;
            let before = self.expected.insert((*worker, of.month), (employer, sums, false));
            due -= before.map_or(0, |(_, sums, _)| sums.due().0);
        }
        Fen(due)
    }

    /// Corrects what was declared of some workers. What is to be paid for it, below zero where it gives back.
    async fn correct(&mut self, employer: usize, month: Month, workers: &[usize]) -> Fen {
        if workers.is_empty() {
            return Fen::ZERO;
        }
        for worker in workers {
            self.people[*worker].wage = Fen(self.rng.i64(200_000..5_000_000));
        }
        self.declare(employer, Of { month, corrects: true }, 3, workers).await
    }

    /// What an employer pays arrives, and all that can be booked is.
    async fn pay(&mut self, employer: usize, amount: Fen, now: Micros) {
        self.numbers += 1;
        let receipt = Receipt {
            number: format!("TEST-{}", self.numbers),
            day: Date::in_china(now),
            amount,
            payer: self.employers[employer].1.clone(),
            remark: String::new(),
        };
        let db = &self.office.app.db;
        assert_eq!(paying::take(db, now, self.by, vec![receipt]).await.unwrap(), Ok(1));
        self.arrived.0 += amount.0;
        paying::pay(db, || now).await.unwrap();
        for ((_, _), (by, _, paid)) in &mut self.expected {
            *paid |= *by == employer;
        }
    }
}

async fn balance(connection: &mut Connection, kind: AccountKind) -> i64 {
    let sum = query("SELECT CAST(COALESCE(SUM(balance), 0) AS BIGINT) AS n FROM account WHERE kind = $1");
    sum.bind(kind.number()).scalar_one(connection).await.unwrap()
}

/// What the books hold is what the town has reckoned for itself.
async fn check(year: &Year, last: Month) {
    let app = &year.office.app;
    let mut connection = app.db.read().await.unwrap();
    let paid = || year.expected.values().filter(|(.., paid)| *paid).map(|(_, sums, _)| sums);
    let funds = [
        (AccountKind::PensionFund, Insurance::Pension),
        (AccountKind::MedicalFund, Insurance::Medical),
        (AccountKind::UnemploymentFund, Insurance::Unemployment),
        (AccountKind::WorkInjuryFund, Insurance::WorkInjury),
        (AccountKind::MaternityFund, Insurance::Maternity),
    ];
    for (kind, insurance) in funds {
        let expected: i64 = paid().map(|sums| sums.to_fund(insurance).0).sum();
        assert_eq!(balance(&mut connection, kind).await, expected, "{insurance:?}");
    }
    let due: i64 = paid().map(|sums| sums.due().0).sum();
    assert_eq!(balance(&mut connection, AccountKind::ContributionBank).await, -year.arrived.0);
    assert_eq!(balance(&mut connection, AccountKind::EmployerCredit).await, year.arrived.0 - due);

    let now = at(last.after().after().after(), 1);
    for (number, person) in year.people.iter().enumerate() {
        let of_person = || year.expected.range((number, year_begins())..=(number, last)).map(|(_, of)| of);
        let own = |part: fn(&Sums) -> Fen| -> i64 {
            of_person().filter(|(.., paid)| *paid).map(|(_, sums, _)| part(sums).0).sum()
        };
        for (kind, expected) in [
            (AccountKind::PensionAccount, own(|sums| sums.pension_account)),
            (AccountKind::MedicalAccount, own(|sums| sums.medical_account)),
        ] {
            let key =
                AccountKey { shard: person.holder.shard(), owner: person.holder.into(), kind, unit: Unit::CnyFen };
            assert_eq!(ledger::store::balance(&mut connection, &key).await.unwrap(), expected, "{kind:?} of {number}");
        }
        let employments = store::employment::of_holder(&mut connection, person.holder).await.unwrap();
        let employments: Vec<_> = employments.into_iter().map(|found| found.employment).collect();
        let declared = store::declaration::of_holder(&mut connection, person.holder).await.unwrap();
        let months = record::months(&employments, &declared, now, last);
        assert_eq!(months.len(), MONTHS, "{number}");
        for of in &months {
            let (employer, sums, paid) = &year.expected[&(number, of.month)];
            let shown = of.declared.unwrap();
            assert_eq!((of.employer, shown.sums), (year.employers[*employer].0, *sums), "{number} {}", of.month);
            assert_eq!(of.state == MonthState::Unpaid, !paid, "{number} {}", of.month);
        }
        assert_eq!(record::counted(&months), of_person().filter(|(.., paid)| *paid).count(), "{number}");
    }
    drop(connection);
    let report = audit::check_ledger(&app.db, &mut ()).await.unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

fn year_begins() -> Month {
    "2025-01".parse().unwrap()
}

#[tokio::test]
async fn a_year_of_two_thousand_workers_and_forty_employers_agrees_to_the_fen() {
    let mut year = Year::open().await;
    let mut month = year_begins();
    for worker in 0..WORKERS {
        year.enrol(worker, month).await;
    }
    let mut late: BTreeMap<usize, Fen> = BTreeMap::new();
    for number in 0..MONTHS {
        if number > 0 {
            year.change_places(month).await;
        }
        let owed = std::mem::take(&mut late);
        for employer in 0..EMPLOYERS {
            let workers: Vec<_> = (0..WORKERS).filter(|one| year.people[*one].employer == employer).collect();
            let mut due = owed.get(&employer).copied().unwrap_or_default();
            if !workers.is_empty() {
                due.0 += year.declare(employer, Of { month, corrects: false }, 5, &workers).await.0;
            }
            // Some see before they pay that something was wrong.
            let wrong: Vec<_> = workers.iter().copied().filter(|_| year.rng.u8(0..60) == 0).collect();
            due.0 += year.correct(employer, month, &wrong).await.0;
            // One in ten pays a month late, and whoever is late at the end has not paid.
            if year.rng.u8(0..10) == 0 {
                late.insert(employer, due);
            } else if due > Fen::ZERO {
                // Some pay more than they owe.
                let more = if year.rng.bool() { 0 } else { year.rng.i64(0..100_000) };
                year.pay(employer, Fen(due.0 + more), at(month, 20)).await;
                let wrong: Vec<_> = workers.into_iter().filter(|_| year.rng.u8(0..50) == 0).collect();
                let net = year.correct(employer, month, &wrong).await;
                // What gives back needs no payment; what costs more is paid whole, whatever stands to the credit.
                year.pay(employer, Fen(net.0.max(1)), at(month, 25)).await;
            }
        }
        month = month.after();
    }
    check(&year, month.before()).await;
    assert!(!late.is_empty(), "somebody has not paid");
}
