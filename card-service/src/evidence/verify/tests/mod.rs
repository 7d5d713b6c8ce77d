//! A town in which something has been done to every table, an auditor, and a superuser who changes what lies in it.

mod altered;
mod every_byte;
mod whole;

use std::borrow::Cow;

use card_schema::card::Slot;
use card_schema::ids::{Shard, TapId};
use card_schema::money::Fen;
use card_schema::operation::{Operation, gate, purse};
use futures_util::stream::TryStreamExt as _;
use uuid::Uuid;

use super::super::export::{ExportError, RowIter, Rows};
use super::super::rows::store;
use super::super::tables::{TABLES, Table, Value};
use super::super::{Log, LogKey, audit};
use super::{Report, Row, verify};
use crate::cards::issuance::journal::Journal;
use crate::cards::issuance::store::{self as issuances, Answered, Issuance};
use crate::cards::{self, CardState, activity, consent};
use crate::db::{Connection, Db, DbError, query};
use crate::domains::residence::{self, model::Field};
use crate::i18n::Locale;
use crate::people::{self, Purpose, Staff, StaffId, StaffRole};
use crate::terminals;
use crate::testing::Scratch;
use crate::testing::town::{START, Signer, TestCard, TestTerminal, Town, random};

struct Audited {
    town: Town,
    log: Log,
    terminal: TestTerminal,
    card: TestCard,
    superuser: Connection,
}

/// The rows of an export in memory, in the order of the tables.
#[derive(Clone)]
struct Memory(Vec<Vec<Vec<Value>>>);

impl Rows for Memory {
    fn of(&self, table: &'static Table) -> Result<RowIter<'_>, ExportError> {
        Ok(Box::new(self.rows(table).iter().map(|row| Ok((row.clone(), 1)))))
    }

    fn bytes(&self, table: &'static Table) -> u64 {
        self.rows(table).len() as u64
    }
}

impl Memory {
    fn rows(&self, table: &Table) -> &Vec<Vec<Value>> {
        &self.0[TABLES.iter().position(|known| *known == table).unwrap()]
    }

    fn rows_mut(&mut self, table: &Table) -> &mut Vec<Vec<Value>> {
        &mut self.0[TABLES.iter().position(|known| *known == table).unwrap()]
    }
}

impl Audited {
    /// A top-up, a payment and a gate, each with a checkpoint of its own; a tap whose predecessor was lost; and the
    /// office's day.
    async fn new() -> Self {
        let town = Town::on(Scratch::sqlite().await);
        let log = Log::open(town.scratch.db.clone(), town.keys.clone(), "log.test.invalid/town").await.unwrap();
        let (mut terminal, card) = (town.terminal().await, town.card().await);
        for operation in [
            Operation::PurseTopUp(purse::TopUp { amount: Fen(5_000) }),
            Operation::PursePayment(purse::Payment { amount: Fen(1_250) }),
            Operation::GateCheck(gate::Check),
        ] {
            let tap = terminal.tap(&card, Slot::Tap, operation);
            town.submit(&terminal, &[tap]).await;
            log.integrate(START).await.unwrap().unwrap();
        }
        let _lost = terminal.tap(&card, Slot::Tap, Operation::GateCheck(gate::Check));
        let after = terminal.tap(&card, Slot::Tap, Operation::GateCheck(gate::Check));
        town.submit(&terminal, &[after]).await;
        office(&town, &terminal, &card).await;
        log.integrate(START).await.unwrap().unwrap();
        let superuser = town.scratch.superuser().await;
        Self { town, log, terminal, card, superuser }
    }

    async fn export(&mut self) -> Memory {
        let mut tables = Vec::new();
        for table in TABLES {
            tables.push(self.rows(table).await);
        }
        Memory(tables)
    }

    async fn rows(&mut self, table: &'static Table) -> Vec<Vec<Value>> {
        store::all(&mut self.superuser, table).unwrap().try_collect().await.unwrap()
    }

    fn key(&self) -> LogKey {
        self.log.key().unwrap()
    }

    async fn report(&mut self) -> Report {
        let key = self.key();
        verify(&self.export().await, &key, &mut ()).unwrap()
    }

    async fn sql(&mut self, sql: impl Into<Cow<'static, str>>) {
        query(sql).execute(&mut self.superuser).await.unwrap();
    }
}

/// What a row is called in findings.
fn name(table: &'static Table, values: &[Value]) -> String {
    Row { table, values, line: 0 }.name()
}

/// Whatever leaves a row that the taps have not left: every table of the office, and rows that were changed.
async fn office(town: &Town, terminal: &TestTerminal, card: &TestCard) {
    let revoked = town.terminal().await.id;
    let (terminal, card) = (terminal.id, card.id);
    let staff = Staff { staff_id: StaffId(Uuid::from_u128(7)), name: "test clerk".to_owned(), role: StaffRole::Clerk };
    let keys = [Signer::new().public(), Signer::new().public()];
    let db: &Db = &town.scratch.db;
    db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            tx.lock([Shard(0), card.shard()]).await?;
            terminals::store::revoke(tx, START, revoked).await?;
            assert!(people::store::insert_staff(tx, START, &staff, "$argon2id$invented").await?);
            let who = staff.staff_id;
            people::store::begin_session(tx, START, random(), who, START.plus_seconds(60)).await?;
            people::store::failed_sign_in(tx, START, who).await?;
            let found = cards::store::one(tx.conn(), card).await?.unwrap();
            residence::store::record_read(tx, START, found.holder_id, who, Purpose::ALL[0], Field::Name).await?;
            let why = activity::ActivityPurpose::Complaint;
            activity::store::latest(tx, START, who, why, None).await?;
            activity::store::of_card(tx, START, who, why, card, None).await?;
            cards::store::set_state(tx, START, &found, CardState::Suspended, "test").await?;
            for key in &keys {
                assert!(cards::store::add_key(tx, START, card, Slot::SignIn, key).await?);
                cards::store::keep_certificate(tx, START, card, Slot::SignIn, key, b"certificate").await?;
            }
            cards::store::keep_status_list(tx, START, 1, b"list").await?;
            let mut issuance = Issuance {
                issuance_id: Uuid::from_u128(9),
                card_id: card,
                language: Locale::ZhCn,
                terminal_id: terminal,
                reader: None,
                open: true,
                journal: Journal::default(),
                number: 0,
                created_at: START,
            };
            issuances::insert(tx, START, &issuance).await?;
            issuance.number += 1;
            let answered = Answered { number: 0, step: "read", observation: "card" };
            issuances::update(tx, START, &issuance, Some(answered)).await?;
            consent::store::insert(tx, START, card, 1, consent::Text::current(Locale::ZhCn)).await?;
            consent::store::answered(tx, START, card, 1, TapId(random())).await
        })
    })
    .await
    .unwrap();
}

/// Tables of the database that are not exported, and why.
const LEFT_OUT: [(&str, &str); 10] = [
    ("_sqlx_migrations", "says which program made the tables; holds nothing of ours"),
    ("session", "ends by itself; that somebody signed in is in sign_in"),
    ("enrolment", "codes that are used once; what came of one is in terminal"),
    ("person_key", "a key that was changed opens nothing; what it sealed is proven by residence_person"),
    ("document_index", "finds a holder; what it points to is proven by residence_person"),
    ("shard", "numbers that are used; what bears them is proven by the rows"),
    ("leaf_run", "is shown as the places of leaves"),
    ("turn", "locks"),
    ("open_hold", "finds holds whose time is over; what it points to is proven by transfer"),
    ("gate_count", "counts without persons, that no leaf speaks for"),
];

#[tokio::test]
async fn every_table_and_column_of_the_database_is_exported_or_left_out_for_a_reason() {
    let mut audited = Audited::new().await;
    let names: Vec<String> =
        query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name")
            .scalars(&mut audited.superuser)
            .await
            .unwrap();
    let mut known: Vec<_> =
        TABLES.iter().map(|table| table.name).chain(LEFT_OUT.iter().map(|(name, _)| *name)).collect();
    known.sort_unstable();
    assert_eq!(names, known);
    for table in TABLES {
        let mut columns: Vec<String> = query("SELECT name FROM pragma_table_info($1)")
            .bind(table.source())
            .scalars(&mut audited.superuser)
            .await
            .unwrap();
        let mut known: Vec<_> = table.columns.iter().chain(table.withheld).copied().collect();
        columns.sort_unstable();
        known.sort_unstable();
        assert_eq!(columns, known, "{}", table.name);
        assert!(
            table.committed == 0 || table.key <= table.committed,
            "{}: a leaf commits to what names the row",
            table.name
        );
        assert!(!audited.rows(table).await.is_empty(), "nothing happened to {} in this town", table.name);
    }
}
