//! What a month comes to, what is paid out for it, and where the books of a clinic say otherwise. Pure.

use std::collections::{BTreeMap, HashMap};

use card_schema::clock::Micros;
use card_schema::ids::{ClaimId, OrganisationId, Shard};
use card_schema::money::Fen;
use card_schema::month::Month;
use ring::digest::{Context, SHA256};

use crate::domains::clinic::model::Claim;
use crate::i18n::Locale;
use crate::ledger::{AccountKey, AccountKind, Phase, Reference, Transfer, TransferKind, Unit};
use crate::people::StaffId;
use crate::sheet::{Column, Row};

/// The most lines of a clinic's list.
pub const MAX_ROWS: usize = 50_000;

/// What bills come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many.
    pub count: u32,
    /// What they come to altogether.
    pub total: Fen,
    /// What the fund pays of it.
    pub fund: Fen,
    /// What holders' own accounts pay.
    pub account: Fen,
}

impl Sums {
    /// What the clinic gets of others than holders.
    pub const fn due(&self) -> Fen {
        Fen(self.fund.0 + self.account.0)
    }
}

/// A month that was paid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cleared {
    /// What it came to.
    pub sums: Sums,
    /// When.
    pub at: Micros,
    /// By whom.
    pub by: StaffId,
}

/// Those that were not taken back.
pub fn standing(claims: Vec<Claim>) -> Vec<Claim> {
    claims.into_iter().filter(Claim::stands).collect()
}

/// What bills come to.
pub fn sums(claims: &[Claim]) -> Sums {
    claims.iter().fold(Sums::default(), |sums, claim| Sums {
        count: sums.count + 1,
        total: Fen(sums.total.0 + claim.payers.total().0),
        fund: Fen(sums.fund.0 + claim.payers.fund.0),
        account: Fen(sums.account.0 + claim.payers.account.0),
    })
}

/// What is paid out of each shard for the bills of a month, once.
pub fn payouts(clinic: OrganisationId, month: Month, claims: &[Claim]) -> Vec<Transfer> {
    let mut due: BTreeMap<Shard, i64> = BTreeMap::new();
    for claim in claims {
        *due.entry(claim.id.shard()).or_default() += claim.payers.fund.0 + claim.payers.account.0;
    }
    let account = |shard, kind| AccountKey { shard, owner: clinic.into(), kind, unit: Unit::CnyFen };
    let payout = |(shard, amount)| Transfer {
        debit: account(shard, AccountKind::ClinicClaims),
        credit: account(shard, AccountKind::Settlement),
        amount,
        kind: TransferKind::ClaimsPaidOut,
        reference: Some(cause(clinic, month)),
        phase: Phase::Posted,
    };
    due.into_iter().filter(|(_, amount)| *amount > 0).map(payout).collect()
}

/// The cause, the same in each shard.
fn cause(clinic: OrganisationId, month: Month) -> Reference {
    let mut context = Context::new(&SHA256);
    context.update(b"nrc/claims-paid-out/v1\0");
    context.update(clinic.as_bytes());
    context.update(&month.first().days().to_be_bytes());
    Reference(context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes"))
}

/// A column of a clinic's own list of its bills of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The number of the bill, as on its receipt.
    Number,
    /// What it came to, in yuan.
    Total,
    /// What the fund pays of it.
    Fund,
    /// What the holder's own account pays.
    Account,
}

impl Column for Part {
    const ALL: &'static [Self] = &[Self::Number, Self::Total, Self::Fund, Self::Account];
    const NEEDED: &'static [Self] = Self::ALL;

    fn title(self, locale: Locale) -> String {
        locale.text(match self {
            Self::Number => "clearing-number",
            Self::Total => "clearing-total",
            Self::Fund => "clearing-fund",
            Self::Account => "clearing-account",
        })
    }
}

/// A bill as a clinic's list has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stated {
    /// Its row in the list.
    pub row: u32,
    /// Its number.
    pub id: ClaimId,
    /// All of it, the fund's part, and the own account's.
    pub amounts: [Fen; 3],
}

/// What is wrong with a line of such a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowWrong {
    /// It has no number of a bill.
    Number,
    /// One of its amounts is none, or below zero.
    Amount,
    /// The number stands in an earlier line, in this row.
    Twice(u32),
}

impl RowWrong {
    /// The key of its text.
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::Number => "clearing-wrong-number",
            Self::Amount => "clearing-wrong-amount",
            Self::Twice(_) => "arrival-wrong-twice",
        }
    }

    /// What its text is filled in with.
    pub fn at(self) -> String {
        if let Self::Twice(row) = self { row.to_string() } else { String::new() }
    }
}

/// The lines of a clinic's list, where all of them say something.
///
/// # Errors
/// What is wrong with some of them, by their rows.
pub fn read(rows: Vec<Row<Part>>) -> Result<Vec<Stated>, Vec<(u32, RowWrong)>> {
    let (mut stated, mut wrong) = (Vec::with_capacity(rows.len()), Vec::new());
    let mut seen: HashMap<ClaimId, u32> = HashMap::new();
    for (row, cells) in rows {
        let cell = |part| cells.iter().find(|(of, _)| *of == part).map_or("", |(_, text)| text.as_str());
        let amount = |part| {
            let amount: Fen = cell(part).replace([',', ' '], "").parse().map_err(|_| RowWrong::Amount)?;
            if amount < Fen::ZERO { Err(RowWrong::Amount) } else { Ok(amount) }
        };
        let mut line = || {
            let id = cell(Part::Number).trim().parse().map_err(|_| RowWrong::Number)?;
            let amounts = [amount(Part::Total)?, amount(Part::Fund)?, amount(Part::Account)?];
            match seen.insert(id, row) {
                Some(earlier) => Err(RowWrong::Twice(earlier)),
                None => Ok(Stated { row, id, amounts }),
            }
        };
        match line() {
            Ok(line) => stated.push(line),
            Err(why) => wrong.push((row, why)),
        }
    }
    if wrong.is_empty() { Ok(stated) } else { Err(wrong) }
}

/// Where a clinic's list and the books differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It is in the list, and nothing of this number was settled here in that month and stands.
    Unknown(Stated),
    /// It was settled and stands, and is not in the list.
    Missing(Claim),
    /// Both have it, with other amounts.
    Amounts(Stated, Claim),
}

/// Where a clinic's list and the bills that stand differ: those of the list in its order, then those that it lacks.
pub fn differences(claims: &[Claim], stated: &[Stated]) -> Vec<Difference> {
    let mut unseen: BTreeMap<ClaimId, &Claim> = claims.iter().map(|claim| (claim.id, claim)).collect();
    let mut found = Vec::new();
    for line in stated {
        match unseen.remove(&line.id) {
            None => found.push(Difference::Unknown(*line)),
            Some(claim) if claim.payers.amounts() != line.amounts => found.push(Difference::Amounts(*line, *claim)),
            Some(_) => {}
        }
    }
    found.extend(unseen.into_values().map(|claim| Difference::Missing(*claim)));
    found
}
