//! Balances against transfers: account by account, with the transfers that concern each.

use std::collections::BTreeMap;

use super::super::progress::{Part, Progress};
use super::super::tables::{ACCOUNT, TRANSFER};
use super::sort::{Fields, Records, ordered};
use super::{Report, Row, VerifyError};

/// Shard, account, what it is, number or sign, line, unit, amount or balance.
const ENTRY: usize = 8 + 8 + 1 + 1 + 8 + 8 + 8;

/// An account, with whether it may be overdrawn.
const OPENED: u8 = 0;
/// An account that gives.
const DEBIT: u8 = 1;
/// An account that receives.
const CREDIT: u8 = 2;

/// Accounts and what transfers did to them.
pub(super) struct Books(Records<ENTRY>);

struct Entry {
    account: (i64, i64),
    what: u8,
    may_be_overdrawn: bool,
    line: u64,
    unit: i64,
    amount: i64,
}

impl From<Fields<ENTRY>> for Entry {
    fn from(mut fields: Fields<ENTRY>) -> Self {
        Self {
            account: (fields.number(), fields.number()),
            what: fields.byte(),
            may_be_overdrawn: fields.byte() != 0,
            line: fields.count(),
            unit: fields.number(),
            amount: fields.number(),
        }
    }
}

/// The account that the entries at hand concern.
struct Open {
    account: (i64, i64),
    unit: i64,
    line: u64,
    balance: i64,
    may_be_overdrawn: bool,
    sum: i128,
}

impl Open {
    /// No more transfers concern it.
    fn close(&self, report: &mut Report) {
        let Self { line, balance, sum, .. } = *self;
        if sum != i128::from(balance) {
            report.find_line(&ACCOUNT, line, format!("its balance is {balance}, its transfers make {sum}"));
        }
        if balance < 0 && !self.may_be_overdrawn {
            report.find_line(&ACCOUNT, line, "is overdrawn and may not be");
        }
    }
}

impl Books {
    pub(super) fn new() -> Result<Self, VerifyError> {
        Ok(Self(Records::new()?))
    }

    pub(super) fn take(&mut self, row: &Row<'_>, report: &mut Report) -> Result<(), VerifyError> {
        let ints = |columns: [&str; 3]| Some((row.int(columns[0])?, row.int(columns[1])?, row.int(columns[2])?));
        let line = row.line.to_be_bytes();
        if *row.table == ACCOUNT {
            let Some((shard, account, unit)) = ints(["shard", "account_id", "unit"]) else {
                report.find(row.name(), "its shard, number or unit is not a number");
                return Ok(());
            };
            let Some(balance) = row.int("balance") else {
                report.find(row.name(), "its balance is not a number");
                return Ok(());
            };
            let overdraft = u8::from(row.int("overdraft_allowed") != Some(0));
            let account = [&ordered(shard)[..], &ordered(account)].concat();
            return self.0.push(&[&account, &[OPENED, overdraft], &line, &ordered(unit), &ordered(balance)]);
        }
        let Some((shard, unit, amount)) = ints(["shard", "unit", "amount"]) else {
            report.find(row.name(), "its shard, unit or amount is not a number");
            return Ok(());
        };
        if amount <= 0 {
            report.find(row.name(), "its amount is not above zero");
        }
        for (column, what) in [("debit", DEBIT), ("credit", CREDIT)] {
            match row.int(column) {
                Some(account) => {
                    let account = [&ordered(shard)[..], &ordered(account)].concat();
                    self.0.push(&[&account, &[what, 0], &line, &ordered(unit), &ordered(amount)])?;
                }
                None => report.find(row.name(), no_account(what)),
            }
        }
        Ok(())
    }

    pub(super) fn check(self, report: &mut Report, progress: &mut dyn Progress) -> Result<(), VerifyError> {
        let mut entries = self.0.sorted()?;
        let total = entries.remaining();
        progress.begin(Part::Books, Some(total));
        let mut open: Option<Open> = None;
        let mut totals: BTreeMap<i64, i128> = BTreeMap::new();
        while let Some(fields) = entries.take()? {
            progress.reach(total - entries.remaining());
            let Entry { account, what, may_be_overdrawn, line, unit, amount } = fields.into();
            if what == OPENED {
                if let Some(open) = &open {
                    open.close(report);
                }
                *totals.entry(unit).or_default() += i128::from(amount);
                open = Some(Open { account, unit, line, balance: amount, may_be_overdrawn, sum: 0 });
                continue;
            }
            let Some(open) = open.as_mut().filter(|open| open.account == account) else {
                report.find_line(&TRANSFER, line, no_account(what));
                continue;
            };
            open.sum += if what == DEBIT { -i128::from(amount) } else { i128::from(amount) };
            if open.unit != unit {
                report.find_line(&TRANSFER, line, format!("its unit is not that of its {} account", side(what)));
            }
        }
        if let Some(open) = &open {
            open.close(report);
        }
        for (unit, total) in totals.into_iter().filter(|(_, total)| *total != 0) {
            report.find(format!("unit {unit}"), format!("all balances together make {total}, not zero"));
        }
        Ok(())
    }
}

fn side(what: u8) -> &'static str {
    if what == DEBIT { "debit" } else { "credit" }
}

fn no_account(what: u8) -> String {
    format!("its {} account does not exist", side(what))
}
