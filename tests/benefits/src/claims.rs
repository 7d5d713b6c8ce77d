//! The cases of `claims.fods`: what bills cost and who is covered by the sheet, and where the engine says something else.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};
use card_schema::coverage::{Benefit, Eligibility, Level, Line};
use card_schema::date::Date;
use card_schema::money::Fen;
use card_schema::month::Month;
use card_service::domains::clinic::coverage::catalogue::Catalogue;
use card_service::domains::clinic::coverage::model::{Explained, SoFar, Visit, Wrong};
use card_service::domains::clinic::coverage::policy::Policy;
use card_service::domains::clinic::coverage::rules::{calculate, eligibility, version};

use crate::sheet::{Row, Table};

/// The sheet, from the top of the repository.
pub const SHEET: &str = "tests/benefits/claims.fods";
/// The cities of the sheet, and their rules.
pub const CITIES: [(&str, &str); 2] =
    [("Beijing", "card-service/data/coverage/beijing.toml"), ("Example", "tests/benefits/example-city.toml")];
/// The items of the sheet.
pub const ITEMS: &str = "tests/benefits/example-items.csv";
/// What a cell shows where nothing can be reckoned.
const NOTHING: &str = "#N/A";
/// What a line comes to.
const COLUMNS: [&str; 10] = [
    "amount_fen",
    "excluded_fen",
    "over_price_fen",
    "first_fen",
    "eligible_fen",
    "deductible_fen",
    "co_insurance_fen",
    "over_ceiling_fen",
    "fund_fen",
    "account_fen",
];

/// A bill of the sheet: rows that follow each other.
#[derive(Debug)]
pub struct Bill {
    name: String,
    /// By whose rules.
    pub city: String,
    number: i64,
    visit: Visit,
    so_far: SoFar,
    lines: Vec<Line>,
    /// What each line comes to; none where nothing can be reckoned.
    expected: Option<Vec<[i64; COLUMNS.len()]>>,
}

/// The bills of the sheet's table of cases.
///
/// # Errors
/// When a row cannot be read; says which.
pub fn bills(table: &Table) -> Result<Vec<Bill>> {
    let mut bills: Vec<Bill> = Vec::new();
    for row in table.rows() {
        let read = || -> Result<_> { Ok((row.number("bill")?, row.number("line")?, line(row)?, expected(row)?)) };
        let (number, place, line, expected) = read().with_context(|| format!("case {:?}", row.text("case").ok()))?;
        if place == 1 {
            bills.push(Bill::begin(row).with_context(|| format!("bill {number}"))?);
        }
        let bill = bills.last_mut().context("a first line")?;
        let next = i64::try_from(bill.lines.len())? + 1;
        ensure!(bill.number == number && place == next, "bill {number}: where is line {next}?");
        bill.lines.push(line);
        bill.expected = bill.expected.take().zip(expected).map(|(mut all, one)| {
            all.push(one);
            all
        });
    }
    Ok(bills)
}

fn line(row: Row<'_>) -> Result<Line> {
    let price_fen = Fen(row.number("price_fen")?);
    Ok(Line { item: row.text("item")?.parse()?, quantity: row.text("quantity")?.parse()?, price_fen })
}

fn expected(row: Row<'_>) -> Result<Option<[i64; COLUMNS.len()]>> {
    if row.text("fund_fen")? == NOTHING {
        return Ok(None);
    }
    let mut all = [0; COLUMNS.len()];
    for (sum, column) in all.iter_mut().zip(COLUMNS) {
        *sum = row.number(column)?;
    }
    Ok(Some(all))
}

impl Bill {
    fn begin(row: Row<'_>) -> Result<Self> {
        let visit = Visit {
            benefit: Benefit::from_name(row.text("benefit")?).context("a benefit")?,
            level: Level::from_name(row.text("level")?).context("a level")?,
            day: row.text("day")?.parse()?,
            referred: match row.text("referred")? {
                "yes" => true,
                "no" => false,
                other => bail!("{other:?} is neither yes nor no"),
            },
        };
        let so_far = SoFar {
            eligible: Fen(row.number("eligible before_fen")?),
            fund: Fen(row.number("fund before_fen")?),
            stays: u32::try_from(row.number("stays")?)?,
        };
        let (name, city) = (row.text("case")?.to_owned(), row.text("city")?.to_owned());
        Ok(Self {
            name,
            city,
            number: row.number("bill")?,
            visit,
            so_far,
            lines: Vec::new(),
            expected: Some(Vec::new()),
        })
    }

    /// How many lines it has.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// What the engine says else than the sheet; nothing where they agree.
    pub fn difference(&self, policy: &Policy, catalogue: &Catalogue) -> Option<String> {
        let found = match calculate(policy, catalogue, &self.visit, &self.so_far, &self.lines) {
            Err(Wrong::Before(_) | Wrong::NotOffered(_) | Wrong::UnknownItem(_)) => None,
            Err(wrong) => return Some(format!("{}: {wrong:?}", self.name)),
            Ok(bill) => {
                let version = version(policy, self.visit.day).expect("it was reckoned by one");
                let line = |line: &Explained<'_>| {
                    let shares = &line.shares;
                    let all = [
                        line.amount_fen,
                        shares.excluded_fen,
                        shares.over_price_fen,
                        shares.first_fen,
                        line.eligible_fen,
                        shares.deductible_fen,
                        shares.co_insurance_fen,
                        shares.over_ceiling_fen,
                        shares.fund_fen,
                        version.from_account(shares),
                    ];
                    all.map(|fen| fen.0)
                };
                Some(bill.lines.iter().map(line).collect::<Vec<_>>())
            }
        };
        (found != self.expected)
            .then(|| format!("{}: {COLUMNS:?}\n  sheet  {:?}\n  engine {found:?}", self.name, self.expected))
    }
}

/// Somebody of the sheet's table of eligibility.
#[derive(Debug)]
pub struct Who {
    name: String,
    /// By whose rules.
    pub city: String,
    counted: BTreeSet<Month>,
    day: Date,
    expected: Eligibility,
}

/// Everybody of the sheet's table of eligibility.
///
/// # Errors
/// When a row cannot be read; says which.
pub fn everybody(table: &Table) -> Result<Vec<Who>> {
    table.rows().map(|row| Who::read(row).with_context(|| format!("case {:?}", row.text("case").ok()))).collect()
}

impl Who {
    fn read(row: Row<'_>) -> Result<Self> {
        let mut counted = BTreeSet::new();
        for run in ["first", "second"] {
            let [from, to] = ["from", "to"].map(|end| row.text(&format!("{run} {end}")));
            let (from, to) = (from?, to?);
            if !from.is_empty() {
                let (from, to): (Month, Month) = (from.parse()?, to.parse()?);
                let months = std::iter::successors(Some(from), |month| Some(month.after()));
                counted.extend(months.take_while(|month| *month <= to));
            }
        }
        let date = || row.text("date")?.parse().context("a date");
        let expected = match row.text("state")? {
            "covered" => Eligibility::Covered { until: date()? },
            "waiting" => Eligibility::Waiting { from: date()? },
            "ended" => Eligibility::Ended { on: date()? },
            "never" => Eligibility::Never,
            other => bail!("{other:?} is no state"),
        };
        let (name, city) = (row.text("case")?.to_owned(), row.text("city")?.to_owned());
        Ok(Self { name, city, counted, day: row.text("day")?.parse()?, expected })
    }

    /// What the engine says else than the sheet; nothing where they agree.
    pub fn difference(&self, policy: &Policy) -> Option<String> {
        let found = eligibility(policy, &self.counted, self.day);
        (found != self.expected).then(|| format!("{}: sheet {:?}, engine {found:?}", self.name, self.expected))
    }
}
