//! Balances against transfers.

use std::collections::{BTreeMap, HashMap};

use super::super::export::Export;
use super::{Report, Row};

pub(super) fn check(export: &Export, report: &mut Report) {
    let mut sums: HashMap<(i64, i64), i128> = HashMap::new();
    let mut units = HashMap::new();
    for row in Row::of(export, "account") {
        if let (Some(shard), Some(id)) = (row.int("shard"), row.int("account_id")) {
            sums.insert((shard, id), 0);
            units.insert((shard, id), row.int("unit"));
        }
    }
    for row in Row::of(export, "transfer") {
        let (Some(shard), Some(amount)) = (row.int("shard"), row.int("amount")) else {
            report.find(row.name(), "its shard or amount is not a number");
            continue;
        };
        if amount <= 0 {
            report.find(row.name(), "its amount is not above zero");
        }
        for (column, sign) in [("debit", -1), ("credit", 1)] {
            let account = row.int(column).map(|id| (shard, id));
            match account.and_then(|account| sums.get_mut(&account)) {
                Some(sum) => *sum += sign * i128::from(amount),
                None => report.find(row.name(), format!("its {column} account does not exist")),
            }
            if account.and_then(|account| units.get(&account)).is_some_and(|unit| *unit != row.int("unit")) {
                report.find(row.name(), format!("its unit is not that of its {column} account"));
            }
        }
    }
    let mut totals: BTreeMap<Option<i64>, i128> = BTreeMap::new();
    for row in Row::of(export, "account") {
        let sum = row.int("shard").zip(row.int("account_id")).and_then(|account| sums.get(&account));
        let Some(balance) = row.int("balance") else {
            report.find(row.name(), "its balance is not a number");
            continue;
        };
        match sum {
            Some(sum) if *sum == i128::from(balance) => {}
            Some(sum) => report.find(row.name(), format!("its balance is {balance}, its transfers make {sum}")),
            None => report.find(row.name(), "its shard or number is not a number"),
        }
        if balance < 0 && row.int("overdraft_allowed") == Some(0) {
            report.find(row.name(), "is overdrawn and may not be");
        }
        *totals.entry(row.int("unit")).or_default() += i128::from(balance);
    }
    for (unit, total) in totals {
        if total != 0 {
            let unit = unit.map_or_else(|| "?".to_owned(), |unit| unit.to_string());
            report.find(format!("unit {unit}"), format!("all balances together make {total}, not zero"));
        }
    }
}
