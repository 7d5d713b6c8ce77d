//! The ledger: its rules as tables, random sequences against a naive model, and the same on a real database.

mod holds;
mod linked;
mod naive;
mod random;
mod readings;
mod refusals;
mod reversals;
mod rows;
mod stored;

use card_schema::clock::Micros;
use card_schema::ids::Shard;
use card_schema::points::ProgrammeId;

use super::*;

/// When everything happens for which the time does not matter.
const NOW: Micros = Micros(1_000);

fn account(shard: u8, owner: u8, kind: AccountKind) -> AccountKey {
    let unit = match kind {
        AccountKind::HolderPoints | AccountKind::PointsLiability => Unit::Points(ProgrammeId(1)),
        _ => Unit::CnyFen,
    };
    AccountKey { shard: Shard(shard), owner: Owner([owner; 16]), kind, unit }
}

fn purse(owner: u8) -> AccountKey {
    account(0, owner, AccountKind::Purse)
}

fn takings() -> AccountKey {
    account(0, 100, AccountKind::Takings)
}

fn float() -> AccountKey {
    account(0, 101, AccountKind::CashFloat)
}

fn risk() -> AccountKey {
    account(0, 102, AccountKind::IssuerRisk)
}

fn reference(number: u64) -> Reference {
    let mut bytes = [0; 32];
    bytes[24..].copy_from_slice(&number.to_be_bytes());
    Reference(bytes)
}

fn transfer(debit: AccountKey, credit: AccountKey, amount: i64, cause: u64) -> Transfer {
    let kind = TransferKind::Payment;
    Transfer { debit, credit, amount, kind, reference: Some(reference(cause)), phase: Phase::Posted }
}

fn hold(debit: AccountKey, credit: AccountKey, amount: i64, timeout_micros: i64, cause: u64) -> Transfer {
    Transfer { phase: Phase::Pending { timeout_micros }, ..transfer(debit, credit, amount, cause) }
}

/// A book in which purse 1 has 100, brought by transfer 1.
fn book() -> Book {
    let mut book = Book::default();
    posted(&mut book, NOW, transfer(float(), purse(1), 100, 1));
    book
}

/// Posts what must be posted.
fn posted(book: &mut Book, at: Micros, transfer: Transfer) -> Entry {
    match book.post(at, transfer) {
        Ok(Applied::Posted(entry)) => entry,
        other => panic!("{transfer:?}: {other:?}"),
    }
}

/// Balance and held amount.
fn state(book: &Book, key: &AccountKey) -> (i64, i64) {
    book.account(key).map_or((0, 0), |account| (account.balance, account.held))
}

/// All that can be seen of a book from outside.
fn picture(book: &Book) -> (Vec<Account>, Vec<Account>, Vec<Entry>) {
    let opened: Vec<Account> = book.opened(0).copied().collect();
    let changed: Vec<Account> = book.changed().copied().collect();
    (opened, changed, book.entries().to_vec())
}
