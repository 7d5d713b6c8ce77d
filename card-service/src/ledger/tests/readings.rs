//! Statements, the trial balance and the reconciliation.

use super::*;

/// Transfers 1 to 7: cash in, a payment, a hold posted in part, a reversal, a hold that stays open; all of purse 1.
fn ledger() -> (Book, Vec<Entry>) {
    let mut book = Book::default();
    posted(&mut book, Micros(10), transfer(float(), purse(1), 100, 1));
    let paid = posted(&mut book, Micros(20), transfer(purse(1), takings(), 40, 2));
    let held = posted(&mut book, Micros(30), hold(purse(1), takings(), 30, 500, 3));
    posted(&mut book, Micros(40), held.posting(20, reference(4)));
    posted(&mut book, Micros(50), paid.reversal(15, Some(reference(5))));
    posted(&mut book, Micros(60), hold(purse(1), takings(), 25, 500, 6));
    posted(&mut book, Micros(15), transfer(purse(1), purse(2), 5, 7));
    let entries = book.entries().to_vec();
    (book, entries)
}

#[test]
fn a_statement_leads_from_the_opening_to_the_closing_balance() {
    let (book, entries) = ledger();
    let table = [
        ("everything", 0..100, 0, vec![(1, 100, 100), (2, -40, 60), (4, -20, 40), (5, 15, 55), (7, -5, 50)], 50),
        ("the first day", 0..20, 0, vec![(1, 100, 100), (7, -5, 95)], 95),
        (
            "the middle: what happened before it opens it, whatever its number",
            20..50,
            95,
            vec![(2, -40, 55), (4, -20, 35)],
            35,
        ),
        ("nothing moved", 60..100, 50, vec![], 50),
        ("before everything", 0..10, 0, vec![], 0),
    ];
    for (case, period, opening, lines, closing) in table {
        let period = Micros(period.start)..Micros(period.end);
        let statement = Statement::draw(purse(1), period, 0, &entries).unwrap();
        let found: Vec<_> = statement.lines.iter().map(|line| (line.entry.id, line.movement, line.balance)).collect();
        assert_eq!((statement.opening, found, statement.closing), (opening, lines, closing), "{case}");
    }
    let all = Micros(0)..Micros(100);
    assert_eq!(Statement::draw(purse(1), all.clone(), 0, &entries).unwrap().closing, book.balance(&purse(1)));
    let later = Statement::draw(purse(1), all.clone(), 60, &entries[2..]).unwrap();
    assert_eq!((later.opening, later.closing), (60, 50), "a balance brought forward stands for what came before");
    assert_eq!(Statement::draw(purse(1), all, i64::MAX, &entries), Err(LedgerError::Overflow));
}

#[test]
fn a_trial_balance_makes_zero_in_each_unit() {
    let (mut book, _) = ledger();
    let points = account(0, 1, AccountKind::HolderPoints);
    posted(&mut book, NOW, transfer(account(0, 102, AccountKind::PointsLiability), points, 8, 8));
    let mut trial = TrialBalance::default();
    for account in book.opened(0) {
        trial.add([account]);
    }
    let rows: Vec<_> =
        trial.rows().map(|(unit, kind, total)| (unit, kind, total.debit, total.credit, total.held)).collect();
    assert_eq!(
        rows,
        [
            (Unit::CnyFen, AccountKind::Purse, 0, 55, 25),
            (Unit::CnyFen, AccountKind::Takings, 0, 45, 0),
            (Unit::CnyFen, AccountKind::CashFloat, 100, 0, 0),
            (Unit::Points(ProgrammeId(1)), AccountKind::HolderPoints, 0, 8, 0),
            (Unit::Points(ProgrammeId(1)), AccountKind::PointsLiability, 8, 0, 0),
        ]
    );
    assert_eq!(trial.rows().next().unwrap().2.accounts, 2);
    assert_eq!(trial.sums().into_iter().collect::<Vec<_>>(), [(Unit::CnyFen, 0), (Unit::Points(ProgrammeId(1)), 0)]);
    trial.add([&Account { balance: 1, ..Account::unopened(purse(3)) }]);
    assert_eq!(trial.sums()[&Unit::CnyFen], 1);
}

fn reconcile(accounts: &[Account], entries: &[Entry]) -> Vec<Discrepancy> {
    let mut reconciliation = Reconciliation::default();
    reconciliation.add(entries);
    reconciliation.compare(accounts);
    reconciliation.finish()
}

#[test]
fn a_reconciliation_finds_each_thing_that_does_not_agree() {
    let (book, entries) = ledger();
    let accounts: Vec<Account> = book.opened(0).copied().collect();
    assert_eq!(reconcile(&accounts, &entries), []);

    let account = |place: usize, change: fn(&mut Account)| {
        let mut accounts = accounts.clone();
        change(&mut accounts[place]);
        reconcile(&accounts, &entries)
    };
    let entry = |id: usize, change: fn(&mut Entry)| {
        let mut entries = entries.clone();
        change(&mut entries[id - 1]);
        reconcile(&accounts, &entries)
    };
    let purse_1 = 1;
    assert_eq!(accounts[purse_1].key, purse(1));
    let balance = Discrepancy::Balance { account: purse(1), kept: 51, recomputed: 50 };
    assert_eq!(account(purse_1, |account| account.balance += 1), [balance]);
    let held = Discrepancy::Held { account: purse(1), kept: 0, recomputed: 25 };
    assert_eq!(account(purse_1, |account| account.held = 0), [held]);
    let found = account(0, |account| account.credit_limit = CreditLimit::NO_OVERDRAFT);
    assert_eq!(found, [Discrepancy::Overdrawn { account: float(), available: -100 }]);
    assert_eq!(reconcile(&accounts[..3], &entries), [Discrepancy::NoAccount { account: accounts[3].key }]);

    let found = entry(2, |entry| entry.transfer.amount = -40);
    assert!(found.contains(&Discrepancy::Impossible { shard: Shard(0), id: 2, reason: LedgerError::Amount(-40) }));
    let over = Discrepancy::OverReversal { shard: Shard(0), id: 5, of: 2 };
    assert!(entry(2, |entry| entry.transfer.amount = 14).contains(&over));
    assert!(entry(5, |entry| entry.transfer.phase = Phase::Reversal { of: 3 }).contains(&Discrepancy::OverReversal {
        shard: Shard(0),
        id: 5,
        of: 3
    }));
    let none = Discrepancy::NoOpenHold { shard: Shard(0), id: 4, hold: 3 };
    assert!(entry(3, |entry| entry.transfer.phase = Phase::Posted).contains(&none));
    assert!(entry(4, |entry| entry.transfer.amount = 31).contains(&none));
    let mut again = entries.clone();
    again.push(Entry { id: 8, at: NOW, transfer: entries[1].reversal(26, Some(reference(8))) });
    let over = Discrepancy::OverReversal { shard: Shard(0), id: 8, of: 2 };
    assert!(reconcile(&accounts, &again).contains(&over), "15 of 40 were reversed before");
    let mut twice = entries.clone();
    twice.push(Entry { id: 8, ..entries[3] });
    assert!(reconcile(&accounts, &twice).contains(&Discrepancy::NoOpenHold { shard: Shard(0), id: 8, hold: 3 }));
    for lost in 0..entries.len() {
        let mut entries = entries.clone();
        entries.remove(lost);
        assert_ne!(reconcile(&accounts, &entries), [], "transfer {} is gone", lost + 1);
    }
}
