//! A town that has lived, an auditor, and a superuser who changes what lies in it.

mod altered;
mod every_byte;
mod folding;
mod whole;

use std::borrow::Cow;

use futures_util::stream::TryStreamExt as _;

use super::super::export::{ExportError, RowIter, Rows};
use super::super::rows::store;
use super::super::tables::{TABLES, Table, Value};
use super::super::{Log, LogKey, audit};
use super::{Report, Row, verify};
use crate::cards::CardState;
use crate::db::{Connection, DbError, query};
use crate::testing::town::{START, TestCard, TestTerminal, Town};
use crate::testing::{Lived, Scratch};

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
    async fn new() -> Self {
        let Lived { town, log, terminal, card } = Lived::on(Scratch::sqlite().await).await;
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

/// Tables of the database that are not exported, and why.
const LEFT_OUT: [(&str, &str); 25] = [
    ("_sqlx_migrations", "says which program made the tables; holds nothing of ours"),
    ("session", "ends by itself; that somebody signed in is in sign_in"),
    ("enrolment", "codes that are used once; what came of one is in terminal"),
    ("second_factor_use", "which codes do not work again; that somebody signed in is in sign_in"),
    ("recovery_code", "codes that are used once; that somebody signed in is in sign_in"),
    ("person_key", "a key that was changed opens nothing; what it sealed is proven by person_fact"),
    ("document_index", "finds a holder; what it points to is proven by person_fact"),
    ("person_trait", "finds persons who are alike; what it points to is proven by person_fact"),
    ("roster", "finds who works or lives with whom; what it points to is proven by person_fact"),
    ("map_count", "counts of a day, taken from home, house and person_merge"),
    ("registration_draft", "what is typed before it is anybody's record; goes when it becomes one"),
    ("import", "a spreadsheet before it is anybody's record; goes after some days"),
    ("import_row", "what is typed before it is anybody's record; goes after some days"),
    ("shard", "numbers that are used; what bears them is proven by the rows"),
    ("leaf_run", "is shown as the places of leaves"),
    ("turn", "locks"),
    ("open_hold", "finds holds whose time is over; what it points to is proven by transfer"),
    ("purse_day", "counters of a day, which bound and are forgotten; what was paid is proven by transfer"),
    ("points_lot", "what is good of what was earned, by days; what was earned is proven by transfer"),
    ("validation", "where fares are reckoned from, until it is folded; what was shown is proven by tap"),
    ("rider", "finds legs that are open, and what the issuer has advanced; what moved is proven by transfer"),
    ("rider_fare", "what was booked by rider and operator; what moved is proven by transfer"),
    ("transit_pass", "what a rider may claim; what was bought is proven by tap, and what it cost by transfer"),
    ("fare_group", "names whose takings an account holds; its id follows from what it names"),
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
