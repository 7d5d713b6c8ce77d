//! Balances against transfers: account by account, with the transfers that concern each.

use std::collections::BTreeMap;

use super::super::tables::{ACCOUNT, TRANSFER};
use super::sort::{Fields, Records, ordered};
use super::{Report, Row, VerifyError};
use crate::ledger::Phase;
use crate::progress::{Part, Progress};

/// Shard, account, what it is, number of a hold, whether it ends, line, unit, amount.
const ENTRY: usize = 8 + 8 + 1 + 8 + 1 + 8 + 8 + 8;

/// An account with its balance.
const OPENED: u8 = 0;
/// What is held on an account; its credit limit stands in the place of the unit.
const HELD: u8 = 1;
/// A hold, and the transfer that ended it.
const HOLD: u8 = 2;
/// An account that gives.
const DEBIT: u8 = 3;
/// An account that receives.
const CREDIT: u8 = 4;

/// Accounts and what transfers did to them.
pub(super) struct Books(Records<ENTRY>);

struct Entry {
    account: (i64, i64),
    what: u8,
    hold: i64,
    is_end: bool,
    line: u64,
    unit: i64,
    amount: i64,
}

impl From<Fields<ENTRY>> for Entry {
    fn from(mut fields: Fields<ENTRY>) -> Self {
        Self {
            account: (fields.number(), fields.number()),
            what: fields.byte(),
            hold: fields.number(),
            is_end: fields.byte() != 0,
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
    held: i64,
    credit_limit: i64,
    sum: i128,
    holds: i128,
    /// The newest hold, until it is ended.
    hold: Option<(i64, i64)>,
}

impl Open {
    /// No more transfers concern it.
    fn close(&self, report: &mut Report) {
        let Self { line, balance, held, credit_limit, sum, holds, .. } = *self;
        if sum != i128::from(balance) {
            report.find_line(&ACCOUNT, line, format!("its balance is {balance}, its transfers make {sum}"));
        }
        if holds != i128::from(held) {
            report.find_line(&ACCOUNT, line, format!("its held amount is {held}, its open holds make {holds}"));
        }
        let lowest = -i128::from(credit_limit);
        if credit_limit != i64::MAX && i128::from(balance) - i128::from(held) < lowest {
            report.find_line(&ACCOUNT, line, "is overdrawn beyond its credit limit");
        }
    }

    /// Takes in a hold, or the end of one.
    fn hold(&mut self, entry: &Entry, report: &mut Report) {
        if !entry.is_end {
            self.hold = Some((entry.hold, entry.amount));
            self.holds += i128::from(entry.amount);
        } else if let Some((_, amount)) = self.hold.take_if(|(hold, _)| *hold == entry.hold) {
            self.holds -= i128::from(amount);
        } else {
            report.find_line(&TRANSFER, entry.line, format!("ends hold {}, which is not open", entry.hold));
        }
    }
}

impl Books {
    pub(super) fn new() -> Result<Self, VerifyError> {
        Ok(Self(Records::new()?))
    }

    pub(super) fn take(&mut self, row: &Row<'_>, report: &mut Report) -> Result<(), VerifyError> {
        if *row.table == ACCOUNT { self.take_account(row, report) } else { self.take_transfer(row, report) }
    }

    fn push(&mut self, account: (i64, i64), entry: &Entry) -> Result<(), VerifyError> {
        let Entry { what, hold, is_end, line, unit, amount, .. } = *entry;
        let (shard, account) = (ordered(account.0), ordered(account.1));
        let (hold, end) = (ordered(hold), [u8::from(is_end)]);
        self.0.push(&[&shard, &account, &[what], &hold, &end, &line.to_be_bytes(), &ordered(unit), &ordered(amount)])
    }

    fn take_account(&mut self, row: &Row<'_>, report: &mut Report) -> Result<(), VerifyError> {
        let columns = ["shard", "account_id", "unit", "balance", "held", "credit_limit"].map(|column| row.int(column));
        let [Some(shard), Some(account), Some(unit), Some(balance), Some(held), Some(credit_limit)] = columns else {
            report.find(row.name(), "its shard, number, unit, balance, held amount or credit limit is not a number");
            return Ok(());
        };
        let account = (shard, account);
        let opened = Entry { account, what: OPENED, hold: 0, is_end: false, line: row.line, unit, amount: balance };
        self.push(account, &opened)?;
        self.push(account, &Entry { what: HELD, unit: credit_limit, amount: held, ..opened })
    }

    fn take_transfer(&mut self, row: &Row<'_>, report: &mut Report) -> Result<(), VerifyError> {
        let columns = ["shard", "transfer_id", "unit", "amount", "phase"].map(|column| row.int(column));
        let [Some(shard), Some(id), Some(unit), Some(amount), Some(phase)] = columns else {
            report.find(row.name(), "its shard, number, unit, amount or phase is not a number");
            return Ok(());
        };
        if amount <= 0 {
            report.find(row.name(), "its amount is not above zero");
        }
        let phase = Phase::from_row(phase, row.int("refers_to"), row.int("timeout"));
        let Some(phase) = phase else {
            report.find(row.name(), "its phase, what it refers to and its timeout do not go together");
            return Ok(());
        };
        let (hold, is_end) = match phase {
            Phase::Pending { .. } => (Some(id), false),
            Phase::PostHold { hold } | Phase::VoidHold { hold } | Phase::ExpireHold { hold } => (Some(hold), true),
            Phase::Posted | Phase::Reversal { .. } => (None, false),
        };
        for (column, what) in [("debit", DEBIT), ("credit", CREDIT)] {
            let Some(account) = row.int(column) else {
                report.find(row.name(), no_account(what));
                continue;
            };
            let account = (shard, account);
            let entry = Entry { account, what, hold: 0, is_end: false, line: row.line, unit, amount };
            if phase.moves() {
                self.push(account, &entry)?;
            }
            if let Some(hold) = hold.filter(|_| what == DEBIT) {
                self.push(account, &Entry { what: HOLD, hold, is_end, ..entry })?;
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
            let entry = Entry::from(fields);
            let Entry { account, what, line, unit, amount, .. } = entry;
            if what == OPENED {
                if let Some(open) = &open {
                    open.close(report);
                }
                *totals.entry(unit).or_default() += i128::from(amount);
                let (held, credit_limit, sum, holds, hold) = (0, 0, 0, 0, None);
                open = Some(Open { account, unit, line, balance: amount, held, credit_limit, sum, holds, hold });
                continue;
            }
            let Some(open) = open.as_mut().filter(|open| open.account == account) else {
                report.find_line(&TRANSFER, line, no_account(what));
                continue;
            };
            match what {
                HELD => (open.credit_limit, open.held) = (unit, amount),
                HOLD => open.hold(&entry, report),
                _ => {
                    open.sum += if what == DEBIT { -i128::from(amount) } else { i128::from(amount) };
                    if open.unit != unit {
                        let problem = format!("its unit is not that of its {} account", side(what));
                        report.find_line(&TRANSFER, line, problem);
                    }
                }
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
    if what == CREDIT { "credit" } else { "debit" }
}

fn no_account(what: u8) -> String {
    format!("its {} account does not exist", side(what))
}
