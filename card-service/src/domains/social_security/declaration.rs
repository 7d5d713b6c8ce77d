//! What an employer declares for a month: a row for each worker, and totals that say whether all of it has arrived. Pure.
//!
//! A correction is a declaration of its own that replaces what was declared of some workers. Nothing is changed afterwards.

use std::collections::HashMap;
use std::hash::Hash;

use card_schema::date::Date;
use card_schema::money::Fen;
use card_schema::month::Month;

use super::model::{Household, Insurance};
use super::rules::{self, Contribution, Worker};
use super::scheme::Scheme;
use crate::i18n::Locale;
use crate::plain;
use crate::sheet::{Column, Row};

/// The most workers of one declaration.
pub const MAX_ROWS: usize = 20_000;
/// So many months after its month something can be declared, late or as a correction: those of two years (Labour Security Supervision
/// Regulations of 2004, article 20).
const DECLARED_FOR: u32 = 24;

/// Names a declaration. Random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeclarationId(pub [u8; 16]);

/// A column of an employer's sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// By what the worker is known to the bureau (社会保障号码).
    Number,
    /// The worker's name.
    Name,
    /// What the worker earns in a month, in yuan.
    Wage,
    /// Of what contributions to the pension insurance are reckoned, in yuan; it may be left out.
    Base,
}

impl Column for Part {
    const ALL: &'static [Self] = &[Self::Number, Self::Name, Self::Wage, Self::Base];
    const NEEDED: &'static [Self] = &[Self::Number, Self::Name, Self::Wage];

    fn title(self, locale: Locale) -> String {
        locale.text(match self {
            Self::Number => "filing-number",
            Self::Name => "filing-name",
            Self::Wage => "filing-wage",
            Self::Base => "filing-base",
        })
    }
}

/// What an employer says of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Where it stands: the number of its row.
    pub row: u32,
    /// By what the worker is known to the bureau.
    pub number: String,
    /// The worker's name.
    pub name: String,
    /// What they earn in the month.
    pub wage: Fen,
    /// The base that the employer has reckoned itself.
    pub base: Option<Fen>,
}

/// What an employer says of all its rows together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// How many workers.
    pub people: u64,
    /// What they earn together.
    pub wages: Fen,
}

/// Why a declaration is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The month has not begun, or is over for too long.
    Closed,
    /// No rules are known of so early a month.
    NoRules,
    /// The rows are so many, and not as many as was said.
    People(u64),
    /// The wages come to this, and not to what was said.
    Wages(Fen),
    /// Something is wrong with rows, each with its number.
    Rows(Vec<(u32, RowWrong)>),
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowWrong {
    /// It has no number.
    Number,
    /// It has no name.
    Name,
    /// Its wage is no amount, or below zero.
    Wage,
    /// Its base is no amount.
    Base,
    /// The worker stands in an earlier row, with this number.
    Twice(u32),
    /// Nobody with this number is enrolled with the employer for the month. Whether somebody else employs them, or nobody knows
    /// them, is not told.
    Stranger,
    /// The worker is enrolled under another name.
    OtherName,
    /// The base is less than this, the least that counts.
    UnderFloor(Fen),
    /// The base is more than this, the most that counts.
    OverCeiling(Fen),
    /// The base lies between the bounds: then it is this, the wage.
    NotTheWage(Fen),
    /// The worker was declared for this month already: a correction says otherwise.
    Declared,
    /// Nothing was declared of the worker that could be corrected.
    NotDeclared,
    /// The worker's record does not say when they were born.
    NoBirth,
    /// The worker was born after the month, or the employer has no class of risk that the rules know.
    NoRules,
}

impl RowWrong {
    /// The key of its text.
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::Number => "filing-wrong-number",
            Self::Name => "filing-wrong-name",
            Self::Wage => "filing-wrong-wage",
            Self::Base => "filing-wrong-base",
            Self::Twice(_) => "filing-wrong-twice",
            Self::Stranger => "filing-wrong-stranger",
            Self::OtherName => "filing-wrong-other-name",
            Self::UnderFloor(_) => "filing-wrong-under-floor",
            Self::OverCeiling(_) => "filing-wrong-over-ceiling",
            Self::NotTheWage(_) => "filing-wrong-not-the-wage",
            Self::Declared => "filing-wrong-declared",
            Self::NotDeclared => "filing-wrong-not-declared",
            Self::NoBirth => "filing-wrong-no-birth",
            Self::NoRules => "filing-wrong-no-rules",
        }
    }

    /// What its text is filled in with.
    pub fn at(self) -> String {
        match self {
            Self::Twice(row) => row.to_string(),
            Self::UnderFloor(bound) | Self::OverCeiling(bound) | Self::NotTheWage(bound) => bound.to_string(),
            _ => String::new(),
        }
    }
}

/// What is declared of a month, and whether it says otherwise what was declared before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Of {
    /// Which month.
    pub month: Month,
    /// Whether it is a correction.
    pub corrects: bool,
}

impl Of {
    /// Whether it can be declared in a month.
    ///
    /// # Errors
    /// [`Wrong::Closed`].
    pub fn check(self, now: Month) -> Result<(), Wrong> {
        let first = (0..DECLARED_FOR).fold(now, |month, _| month.before());
        if (first..=now).contains(&self.month) { Ok(()) } else { Err(Wrong::Closed) }
    }
}

/// An amount in yuan, as spreadsheets write it.
fn yuan(text: &str) -> Option<Fen> {
    let plain: String = text.chars().filter(|sign| !matches!(sign, ',' | '，' | '¥' | '￥' | ' ')).collect();
    plain.parse().ok().filter(|amount| *amount >= Fen::ZERO)
}

/// The rows of a sheet, where all of them say something.
///
/// # Errors
/// What is wrong with some of them.
pub fn read(rows: Vec<Row<Part>>) -> Result<Vec<Declared>, Wrong> {
    let (mut declared, mut wrong) = (Vec::with_capacity(rows.len()), Vec::new());
    for (row, cells) in rows {
        let cell = |part| cells.iter().find(|(of, _)| *of == part).map(|(_, text)| text.as_str());
        let read = || {
            let number = cell(Part::Number).map(plain::compact).ok_or(RowWrong::Number)?;
            let name = cell(Part::Name).ok_or(RowWrong::Name)?.to_owned();
            let wage = cell(Part::Wage).and_then(yuan).ok_or(RowWrong::Wage)?;
            let base = cell(Part::Base).map(|text| yuan(text).ok_or(RowWrong::Base)).transpose()?;
            Ok(Declared { row, number, name, wage, base })
        };
        match read() {
            Ok(one) => declared.push(one),
            Err(why) => wrong.push((row, why)),
        }
    }
    if wrong.is_empty() { Ok(declared) } else { Err(Wrong::Rows(wrong)) }
}

/// Whether what was said of all rows together is so.
///
/// # Errors
/// What they come to.
pub fn check_totals(declared: &[Declared], totals: Totals) -> Result<(), Wrong> {
    let people = declared.len() as u64;
    if people != totals.people {
        return Err(Wrong::People(people));
    }
    // Each is an amount that fits; many of them may not.
    let wages = declared.iter().map(|one| one.wage).try_fold(Fen::ZERO, Fen::checked_add);
    match wages {
        Some(wages) if wages == totals.wages => Ok(()),
        wages => Err(Wrong::Wages(wages.unwrap_or(Fen(i64::MAX)))),
    }
}

/// Whom a row is about, as the bureau knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insured<H> {
    /// Who it is.
    pub holder: H,
    /// Where the household is registered.
    pub household: Household,
    /// When they were born; none where their record does not say.
    pub born: Option<Date>,
    /// Whether the name in the row is theirs.
    pub is_called_so: bool,
    /// What was declared of them for the month before.
    pub earlier: Option<Earlier>,
}

/// What was declared of somebody for a month before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// In which declaration.
    pub declaration: DeclarationId,
    /// The class of risk by which it was reckoned: a correction is, too.
    pub risk: u8,
    /// What it came to.
    pub sums: Sums,
}

/// Whom rows are about, by the numbers in them.
#[derive(Clone, Debug, Default)]
pub struct Known<H>(pub HashMap<String, Insured<H>>);

impl<H: Copy + Eq + Hash> Known<H> {
    /// Who they are.
    pub fn holders(&self) -> Vec<H> {
        self.0.values().map(|insured| insured.holder).collect()
    }

    /// Says when they were born.
    pub fn born(&mut self, when: impl Fn(H) -> Option<Date>) {
        for insured in self.0.values_mut() {
            insured.born = when(insured.holder);
        }
    }
}

/// What a worker's month costs, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<H> {
    /// Whose month.
    pub holder: H,
    /// What they earn.
    pub wage: Fen,
    /// The class of risk by which it is reckoned.
    pub risk: u8,
    /// What it comes to.
    pub sums: Sums,
    /// What it says otherwise.
    pub corrects: Option<Earlier>,
}

impl<H> Line<H> {
    /// What is to be paid for it besides what was declared before; below zero where that was more.
    pub fn net(&self) -> Fen {
        Fen(self.sums.due().0 - self.corrects.map_or(0, |earlier| earlier.sums.due().0))
    }
}

/// What a month costs, by whom it is paid and where it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// What the employer pays.
    pub employer: Fen,
    /// What is kept of the wage for the worker's share.
    pub person: Fen,
    /// What goes to each insurance, in the order of [`Insurance::ALL`], both shares together.
    pub insurances: [Fen; 5],
    /// What of it is credited to the worker's account of the pension insurance.
    pub pension_account: Fen,
    /// And to that of the medical insurance.
    pub medical_account: Fen,
}

impl Sums {
    /// What contributions come to together.
    pub fn of(contributions: &[Contribution]) -> Self {
        let mut sums = Self::default();
        for of in contributions {
            sums.employer.0 += of.employer.0;
            sums.person.0 += of.person.0;
            sums.insurances[of.insurance as usize].0 += of.employer.0 + of.person.0;
            match of.insurance {
                Insurance::Pension => sums.pension_account.0 += of.account.0,
                // What the rules credit goes to the account out of which clinics are paid.
                _ => sums.medical_account.0 += of.account.0,
            }
        }
        sums
    }

    /// What is to be paid.
    pub const fn due(&self) -> Fen {
        Fen(self.employer.0 + self.person.0)
    }

    /// What goes to the fund of an insurance: all but what is the worker's own.
    pub const fn to_fund(&self, insurance: Insurance) -> Fen {
        let own = match insurance {
            Insurance::Pension => self.pension_account.0,
            Insurance::Medical => self.medical_account.0,
            Insurance::Unemployment | Insurance::WorkInjury | Insurance::Maternity => 0,
        };
        Fen(self.insurances[insurance as usize].0 - own)
    }
}

/// What a month of all declared workers costs.
///
/// # Errors
/// What is wrong with some of them.
pub fn reckon<H: Copy + Eq + Hash>(
    scheme: &Scheme,
    of: Of,
    risk: u8,
    declared: &[Declared],
    insured: &Known<H>,
) -> Result<Vec<Line<H>>, Wrong> {
    if scheme.of(of.month).is_none() {
        return Err(Wrong::NoRules);
    }
    let (mut lines, mut wrong) = (Vec::with_capacity(declared.len()), Vec::new());
    let mut seen: HashMap<H, u32> = HashMap::new();
    for one in declared {
        let found = insured.0.get(&one.number).ok_or(RowWrong::Stranger);
        let line = found.and_then(|insured| {
            if let Some(earlier) = seen.insert(insured.holder, one.row) {
                return Err(RowWrong::Twice(earlier));
            }
            line(scheme, of, risk, one, insured)
        });
        match line {
            Ok(line) => lines.push(line),
            Err(why) => wrong.push((one.row, why)),
        }
    }
    if wrong.is_empty() { Ok(lines) } else { Err(Wrong::Rows(wrong)) }
}

fn line<H: Copy>(scheme: &Scheme, of: Of, risk: u8, one: &Declared, insured: &Insured<H>) -> Result<Line<H>, RowWrong> {
    if !insured.is_called_so {
        return Err(RowWrong::OtherName);
    }
    match (of.corrects, insured.earlier.is_some()) {
        (false, true) => return Err(RowWrong::Declared),
        (true, false) => return Err(RowWrong::NotDeclared),
        (false, false) | (true, true) => {}
    }
    let born = insured.born.ok_or(RowWrong::NoBirth)?;
    let risk = insured.earlier.map_or(risk, |earlier| earlier.risk);
    let worker = Worker { wage: one.wage, household: insured.household, born, risk };
    let contributions = rules::contributions(scheme, of.month, &worker).map_err(|_| RowWrong::NoRules)?;
    if let (Some(base), Some(pension)) = (one.base, contributions.iter().find(|of| of.insurance == Insurance::Pension))
        && base != pension.base
    {
        let rule = &scheme.of(of.month).ok_or(RowWrong::NoRules)?.rules[&Insurance::Pension];
        return Err(if base < rule.floor {
            RowWrong::UnderFloor(rule.floor)
        } else if base > rule.ceiling {
            RowWrong::OverCeiling(rule.ceiling)
        } else {
            RowWrong::NotTheWage(pension.base)
        });
    }
    Ok(Line { holder: insured.holder, wage: one.wage, risk, sums: Sums::of(&contributions), corrects: insured.earlier })
}
