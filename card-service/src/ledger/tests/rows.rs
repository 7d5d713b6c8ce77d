//! What has to be loaded into a book, and what of it has to be written.

use super::*;

#[test]
fn what_is_needed_is_named_once_and_in_order() {
    let paid = Entry { id: 2, at: NOW, transfer: transfer(purse(1), takings(), 40, 2) };
    let held = Entry { id: 3, at: NOW, transfer: hold(purse(1), takings(), 30, 500, 3) };
    let transfers = [held.posting(1, reference(9)), paid.reversal(1, Some(reference(8))), paid.transfer];
    let needs = Needs::of(&transfers);
    assert_eq!(needs.accounts, [purse(1), takings()]);
    assert_eq!(needs.references, [2, 8, 9].map(|cause| (Shard(0), reference(cause))));
    assert_eq!(needs.named, [(Shard(0), 2), (Shard(0), 3)]);
}

#[test]
fn a_book_says_which_accounts_are_new_and_which_are_not_as_they_were() {
    let mut book = Book::default();
    let account = |key: AccountKey, id, balance| Account { id, balance, ..Account::unopened(key) };
    for account in [account(takings(), 1, 0), account(purse(2), 2, 70), account(purse(1), 3, 100)] {
        book.load_account(account);
    }
    book.load_last_ids(Shard(0), LastIds { account: 3, transfer: 40 });
    let first = posted(&mut book, NOW, transfer(purse(1), purse(3), 10, 1));
    posted(&mut book, NOW, transfer(purse(1), takings(), 10, 2));
    assert_eq!(first.id, 41);
    assert_eq!(
        book.opened(0).map(|account| (account.key, account.id, account.balance)).collect::<Vec<_>>(),
        [(purse(3), 4, 10)]
    );
    let changed = |book: &Book| book.changed().map(|account| (account.key, account.balance)).collect::<Vec<_>>();
    assert_eq!(changed(&book), [(purse(1), 80), (takings(), 10)], "in the order of their keys");
    posted(&mut book, NOW, hold(purse(2), takings(), 10, 500, 3));
    assert_eq!(changed(&book), [(purse(1), 80), (purse(2), 70), (takings(), 10)], "a hold changes its account too");
}
