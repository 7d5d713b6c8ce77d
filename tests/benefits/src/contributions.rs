//! The cases of `contributions.fods`: what a month costs by the sheet, and where the engine says something else.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use card_schema::money::Fen;
use card_schema::month::Month;
use card_service::domains::social_security::model::{Household, Insurance};
use card_service::domains::social_security::rules::{Contribution, Worker, Wrong, contributions};
use card_service::domains::social_security::scheme::Scheme;
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error, StrDeserializer};

use crate::sheet::{Row, Table};

/// The sheet, from the top of the repository.
pub const SHEET: &str = "tests/benefits/contributions.fods";
/// What a cell shows of a month for which no rules are known.
const NOTHING: &str = "#N/A";

/// A row of the sheet.
#[derive(Debug)]
pub struct Case {
    name: String,
    month: Month,
    worker: Worker,
    /// Empty where no rules are known of so early a month.
    expected: BTreeMap<Insurance, Sums>,
}

/// What an insurance comes to, in fen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sums {
    base: i64,
    employer: i64,
    person: i64,
    account: i64,
}

impl Sums {
    const COLUMNS: [&str; 4] = ["base_fen", "employer_fen", "person_fen", "account_fen"];

    fn read(row: Row<'_>, insurance: Insurance) -> Result<Self> {
        let number = |column| row.number(&format!("{} {column}", insurance.name()));
        let [base, employer, person, account] = Self::COLUMNS.map(number);
        Ok(Self { base: base?, employer: employer?, person: person?, account: account? })
    }

    const fn of(found: &Contribution) -> Self {
        Self { base: found.base.0, employer: found.employer.0, person: found.person.0, account: found.account.0 }
    }
}

/// The cases of the sheet's table of them.
///
/// # Errors
/// When a row cannot be read; says which.
pub fn cases(table: &Table) -> Result<Vec<Case>> {
    table.rows().map(|row| Case::read(row).with_context(|| format!("case {:?}", row.text("case").ok()))).collect()
}

impl Case {
    fn read(row: Row<'_>) -> Result<Self> {
        let household: StrDeserializer<'_, Error> = row.text("household")?.into_deserializer();
        let worker = Worker {
            wage: Fen(row.number("wage_fen")?),
            household: Household::deserialize(household)?,
            born: row.text("born")?.parse()?,
            risk: u8::try_from(row.number("class of risk")?)?,
        };
        let expected = if row.text("rules from")? == NOTHING {
            for (insurance, column) in Insurance::ALL.into_iter().flat_map(|one| Sums::COLUMNS.map(|of| (one, of))) {
                let column = format!("{} {column}", insurance.name());
                ensure!(row.text(&column)? == NOTHING, "a sum without rules: {column}");
            }
            BTreeMap::new()
        } else {
            let sums = Insurance::ALL.into_iter().map(|one| Ok((one, Sums::read(row, one)?)));
            sums.collect::<Result<_>>()?
        };
        Ok(Self { name: row.text("case")?.to_owned(), month: row.text("month")?.parse()?, worker, expected })
    }

    /// What the engine says else than the sheet; nothing where they agree.
    pub fn difference(&self, scheme: &Scheme) -> Option<String> {
        let found: BTreeMap<Insurance, Sums> = match contributions(scheme, self.month, &self.worker) {
            Ok(found) => found.iter().map(|one| (one.insurance, Sums::of(one))).collect(),
            Err(Wrong::Before(_)) => BTreeMap::new(),
            Err(wrong) => return Some(format!("{}: {wrong:?}", self.name)),
        };
        let said = |sums: Option<&Sums>| sums.map_or_else(|| "nothing".to_owned(), |sums| format!("{sums:?}"));
        let lines = Insurance::ALL.into_iter().filter_map(|one| {
            let (sheet, engine) = (self.expected.get(&one), found.get(&one));
            (sheet != engine).then(|| format!("\n  {}: sheet {}, engine {}", one.name(), said(sheet), said(engine)))
        });
        let lines: String = lines.collect();
        (!lines.is_empty()).then(|| format!("{}:{lines}", self.name))
    }
}
