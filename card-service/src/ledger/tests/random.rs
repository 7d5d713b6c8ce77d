//! Random sequences of everything that can be asked of a ledger, against the naive model: outcomes, balances and held
//! amounts after every step. A ledger with a planted defect must be found by the same property.
//!
//! `PROPTEST_CASES` raises the number of sequences.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::naive::{Naive, Outcome, TAKINGS_LIMIT};
use super::*;

/// Sequences that every run tries.
pub(super) const CASES: u32 = 2_000;

/// One chain of transfers, some time after the one before.
#[derive(Clone, Debug)]
pub(super) struct Step {
    wait: i64,
    asks: Vec<Ask>,
}

/// What is asked, with what it concerns still to be chosen among what is there by then.
#[derive(Clone, Debug)]
enum Ask {
    Move {
        debit: usize,
        credit: usize,
        amount: i64,
    },
    Hold {
        debit: usize,
        credit: usize,
        amount: i64,
        timeout: i64,
    },
    Post {
        hold: Pick,
        amount: i64,
    },
    Void {
        hold: Pick,
    },
    Expire {
        hold: Pick,
    },
    Reverse {
        of: Pick,
        amount: i64,
    },
    /// A transfer that was posted before, exactly or with another amount.
    Again {
        of: Pick,
        more: i64,
    },
    /// A payment that stands though nothing covers it.
    Overspend {
        purse: usize,
        amount: i64,
    },
}

#[derive(Clone, Debug)]
struct Pick {
    index: Index,
    /// Also what does not fit: a transfer of another phase, one that is not there.
    wild: bool,
}

fn accounts() -> Vec<AccountKey> {
    use AccountKind::{CashFloat, HolderPoints, PointsLiability, Purse};
    let points = [account(0, 102, PointsLiability), account(0, 1, HolderPoints)];
    let elsewhere = [account(1, 101, CashFloat), account(1, 3, Purse)];
    [float(), purse(1), purse(2), takings(), risk()].into_iter().chain(points).chain(elsewhere).collect()
}

fn asks() -> impl Strategy<Value = Ask> {
    // Most movements go where they can; the rest goes anywhere, into other shards and units, too.
    let usual = || prop::sample::select(vec![(0, 1), (0, 1), (0, 2), (1, 3), (2, 3)]);
    let pair = || prop_oneof![5 => usual(), 2 => (0..9_usize, 0..9_usize)];
    let amount = || prop_oneof![20 => 1..40_i64, 1 => -2..1_i64, 1 => Just(MAX_AMOUNT + 1), 1 => Just(i64::MAX)];
    let pick = || (any::<Index>(), prop::bool::weighted(0.1)).prop_map(|(index, wild)| Pick { index, wild });
    prop_oneof![
        6 => (pair(), amount()).prop_map(|((debit, credit), amount)| Ask::Move { debit, credit, amount }),
        4 => (pair(), amount(), -1..60_i64)
            .prop_map(|((debit, credit), amount, timeout)| Ask::Hold { debit, credit, amount, timeout }),
        5 => (pick(), amount()).prop_map(|(hold, amount)| Ask::Post { hold, amount }),
        2 => pick().prop_map(|hold| Ask::Void { hold }),
        3 => pick().prop_map(|hold| Ask::Expire { hold }),
        3 => (pick(), amount()).prop_map(|(of, amount)| Ask::Reverse { of, amount }),
        2 => (pick(), 0..2_i64).prop_map(|(of, more)| Ask::Again { of, more }),
        1 => (1..3_usize, 1..60_i64).prop_map(|(purse, amount)| Ask::Overspend { purse, amount }),
    ]
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step =
        (-3..12_i64, prop_oneof![3 => prop::collection::vec(asks(), 1), 2 => prop::collection::vec(asks(), 2..5)])
            .prop_map(|(wait, asks)| Step { wait, asks });
    prop::collection::vec(step, 1..40)
}

/// A ledger as the property sees it.
pub(super) trait Ledger {
    fn post_linked(&mut self, at: Micros, chain: &[Transfer]) -> Outcome;
    /// Balance and held amount of every account that has been used.
    fn states(&self) -> HashMap<AccountKey, (i64, i64)>;
    fn cover(&self, payment: Transfer, risk: AccountKey) -> Covered;
}

impl Ledger for Book {
    fn post_linked(&mut self, at: Micros, chain: &[Transfer]) -> Outcome {
        self.post_linked(at, chain).into()
    }

    fn states(&self) -> HashMap<AccountKey, (i64, i64)> {
        accounts().into_iter().map(|key| (key, state(self, &key))).collect()
    }

    fn cover(&self, payment: Transfer, risk: AccountKey) -> Covered {
        cover(self, payment, risk)
    }
}

/// The one account that has a limit of its own.
fn limited() -> Account {
    Account { id: 1, credit_limit: CreditLimit::new(TAKINGS_LIMIT).unwrap(), ..Account::unopened(takings()) }
}

fn book_with_limited() -> Book {
    let mut book = Book::default();
    book.load_account(limited());
    book.load_last_ids(Shard(0), LastIds { account: 1, transfer: 0 });
    book
}

/// Turns what is asked into transfers, each seeing those before it in its chain as if they were posted.
fn resolve(step: &Step, number: u64, at: Micros, naive: &Naive, ledger: &impl Ledger) -> Vec<Transfer> {
    let accounts = accounts();
    let mut known = naive.clone();
    let mut chain = Vec::new();
    for (place, ask) in step.asks.iter().enumerate() {
        let cause = number * 8 + place as u64;
        let pick = |pick: &Pick, fits: fn(&Entry) -> bool| {
            let fitting: Vec<_> = known.entries.iter().filter(|entry| pick.wild || fits(entry)).collect();
            if fitting.is_empty() { None } else { Some(*fitting[pick.index.index(fitting.len())]) }
        };
        let is_hold: fn(&Entry) -> bool = |entry| entry.transfer.phase.timeout_micros().is_some();
        let moved: fn(&Entry) -> bool = |entry| entry.transfer.moves() > 0;
        let transfers = match ask {
            Ask::Move { debit, credit, amount } => vec![transfer(accounts[*debit], accounts[*credit], *amount, cause)],
            Ask::Hold { debit, credit, amount, timeout } => {
                vec![hold(accounts[*debit], accounts[*credit], *amount, *timeout, cause)]
            }
            Ask::Post { hold, amount } => {
                pick(hold, is_hold).map(|hold| hold.posting(*amount, reference(cause))).into_iter().collect()
            }
            Ask::Void { hold } => pick(hold, is_hold).map(|hold| hold.voiding(reference(cause))).into_iter().collect(),
            Ask::Expire { hold } => pick(hold, is_hold).map(|hold| hold.expiry()).into_iter().collect(),
            Ask::Reverse { of, amount } => {
                pick(of, moved).map(|of| of.reversal(*amount, Some(reference(cause)))).into_iter().collect()
            }
            Ask::Again { of, more } => pick(of, |_| true)
                .map(|Entry { transfer, .. }| Transfer { amount: transfer.amount.saturating_add(*more), ..transfer })
                .into_iter()
                .collect(),
            Ask::Overspend { purse, amount } => {
                ledger.cover(transfer(accounts[*purse], takings(), *amount, cause), risk()).transfers().to_vec()
            }
        };
        for transfer in transfers {
            let shard = transfer.debit.shard;
            let id = known.next_id(shard);
            known.entries.push(Entry { id, at, transfer });
            chain.push(transfer);
        }
    }
    chain
}

pub(super) fn agrees(mut ledger: impl Ledger, steps: &[Step]) -> Result<Naive, TestCaseError> {
    let mut naive = Naive::default();
    let mut now = Micros(1_000);
    for (number, step) in steps.iter().enumerate() {
        now = Micros(now.0 + step.wait);
        let chain = resolve(step, number as u64 + 1, now, &naive, &ledger);
        if chain.is_empty() {
            continue;
        }
        if let ([Ask::Overspend { amount, .. }], [.., payment]) = (&*step.asks, &*chain) {
            let (balance, held) = naive.state(&payment.debit);
            let advanced: i64 = chain[..chain.len() - 1].iter().map(|advance| advance.amount).sum();
            prop_assert_eq!(advanced, (amount - (balance - held)).max(0), "what is advanced is what is lacking");
        }
        let expected = naive.post_linked(now, &chain);
        prop_assert_eq!(ledger.post_linked(now, &chain), expected, "step {}: {:?}", number, chain);
        let (found, states) = (ledger.states(), naive.states());
        for key in accounts() {
            let of = |states: &HashMap<AccountKey, (i64, i64)>| states.get(&key).copied().unwrap_or_default();
            prop_assert_eq!(of(&found), of(&states), "step {}: {:?}", number, key);
        }
    }
    Ok(naive)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn a_book_that_holds_only_what_is_needed_agrees_with_the_naive_ledger(steps in steps()) {
        agrees(Rows::new(), &steps)?;
    }

    #[test]
    fn a_book_and_what_is_read_from_its_entries_agree_with_the_naive_ledger(
        steps in steps(),
        from in 990..1_100_i64,
        days in 0..100_i64,
    ) {
        let entries = agrees(book_with_limited(), &steps)?.entries;
        what_is_read_agrees(&entries, Micros(from)..Micros(from + days))?;
    }
}

/// Trial balance, reconciliation and statements against the balances that the naive ledger makes of the entries.
fn what_is_read_agrees(entries: &[Entry], period: Range<Micros>) -> Result<(), TestCaseError> {
    let states = Naive { entries: entries.to_vec() }.states();
    let mut trial = TrialBalance::default();
    let mut reconciliation = Reconciliation::default();
    reconciliation.add(entries);
    for key in accounts() {
        let (balance, held) = states.get(&key).copied().unwrap_or_default();
        let account = Account { balance, held, ..if key == takings() { limited() } else { Account::unopened(key) } };
        trial.add([&account]);
        reconciliation.compare([&account]);
        let draw = |period| Statement::draw(key, period, 0, entries).unwrap();
        let statement = draw(period.clone());
        let moved: i64 = statement.lines.iter().map(|line| line.movement).sum();
        prop_assert_eq!(statement.opening + moved, statement.closing);
        prop_assert_eq!(draw(Micros(0)..period.start).closing, statement.opening);
        prop_assert_eq!(draw(Micros(0)..period.end).closing, statement.closing);
        prop_assert_eq!(draw(Micros(0)..Micros(i64::MAX)).closing, balance);
    }
    prop_assert!(trial.sums().values().all(|sum| *sum == 0), "{:?}", trial);
    prop_assert_eq!(reconciliation.finish(), []);
    Ok(())
}

/// A ledger that lies in rows: each chain is decided by a book that holds what [`Needs`] names and nothing else.
struct Rows {
    accounts: HashMap<AccountKey, Account>,
    entries: Vec<Entry>,
}

impl Rows {
    fn new() -> Self {
        Self { accounts: HashMap::from([(takings(), limited())]), entries: Vec::new() }
    }

    fn book(&self, transfers: &[Transfer]) -> Book {
        let needs = Needs::of(transfers);
        let mut book = Book::default();
        for key in needs.accounts {
            if let Some(account) = self.accounts.get(&key) {
                book.load_account(*account);
            }
            let accounts = self.accounts.values().filter(|account| account.key.shard == key.shard);
            let entries = self.entries.iter().filter(|entry| entry.transfer.debit.shard == key.shard);
            let account = accounts.map(|account| account.id).max().unwrap_or(0);
            let transfer = entries.map(|entry| entry.id).max().unwrap_or(0);
            book.load_last_ids(key.shard, LastIds { account, transfer });
        }
        let here = |shard| self.entries.iter().filter(move |entry| entry.transfer.debit.shard == shard);
        for (shard, reference) in needs.references {
            here(shard)
                .filter(|entry| entry.transfer.reference == Some(reference))
                .for_each(|entry| book.load_entry(*entry));
        }
        for (shard, id) in needs.named {
            let followers = || here(shard).filter(|entry| entry.transfer.phase.refers_to() == Some(id));
            let reverses = |entry: &&Entry| matches!(entry.transfer.phase, Phase::Reversal { .. });
            for entry in here(shard).filter(|entry| entry.id == id) {
                let ended_by = followers().find(|entry| !reverses(entry)).copied();
                let reversed = followers().filter(reverses).map(|entry| entry.transfer.amount).sum();
                book.load_named(Named { entry: *entry, ended_by, reversed });
            }
        }
        book
    }
}

impl Ledger for Rows {
    fn post_linked(&mut self, at: Micros, chain: &[Transfer]) -> Outcome {
        let mut book = self.book(chain);
        let outcome = book.post_linked(at, chain);
        if let Ok(Linked::Posted(entries)) = outcome {
            self.entries.extend(entries);
        }
        let outcome = outcome.into();
        for account in book.opened(0).chain(book.changed()) {
            self.accounts.insert(account.key, *account);
        }
        outcome
    }

    fn states(&self) -> HashMap<AccountKey, (i64, i64)> {
        self.accounts.values().map(|account| (account.key, (account.balance, account.held))).collect()
    }

    fn cover(&self, payment: Transfer, risk: AccountKey) -> Covered {
        cover(&self.book(&[payment]), payment, risk)
    }
}

/// What is wrong with a planted ledger.
#[derive(Clone, Copy, Debug)]
enum Defect {
    None,
    VoidReleasesNothing,
    PostInPartReleasesOnlyThat,
    PostsWhenTheTimeIsOver,
    KeepsTheBeginningOfAChain,
    ReversesMoreThanTheOriginal,
    MovesAgainForTheSameCause,
    ForgetsWhatIsHeld,
}

/// A book behind a defect.
struct Planted {
    book: Book,
    defect: Defect,
    /// What the defect has left held.
    stuck: HashMap<AccountKey, i64>,
    causes: u64,
}

impl Planted {
    fn new(defect: Defect) -> Self {
        Self { book: book_with_limited(), defect, stuck: HashMap::new(), causes: 1 << 40 }
    }
}

impl Ledger for Planted {
    fn post_linked(&mut self, mut at: Micros, chain: &[Transfer]) -> Outcome {
        let mut chain = chain.to_vec();
        let posts = |transfer: &Transfer| matches!(transfer.phase, Phase::PostHold { .. });
        match self.defect {
            Defect::PostsWhenTheTimeIsOver if chain.iter().all(posts) => at = Micros(0),
            Defect::KeepsTheBeginningOfAChain => {
                for transfer in &chain {
                    if self.book.post(at, *transfer).is_err() {
                        return Outcome::Refused;
                    }
                }
            }
            Defect::ReversesMoreThanTheOriginal => {
                for transfer in &mut chain {
                    if let Phase::Reversal { .. } = transfer.phase {
                        transfer.phase = Phase::Posted;
                    }
                }
            }
            Defect::MovesAgainForTheSameCause => {
                for transfer in &mut chain {
                    self.causes += 1;
                    transfer.reference = Some(reference(self.causes));
                }
            }
            _ => {}
        }
        let outcome = self.book.post_linked(at, &chain).into();
        if let Outcome::Posted(_) = outcome {
            for transfer in &chain {
                let held = transfer.phase.refers_to().and_then(|id| self.book.named(transfer.debit.shard, id));
                let stuck = match (self.defect, transfer.phase) {
                    (Defect::VoidReleasesNothing, Phase::VoidHold { .. }) => transfer.amount,
                    (Defect::PostInPartReleasesOnlyThat, Phase::PostHold { .. }) => {
                        held.map_or(0, |held| held.entry.transfer.amount - transfer.amount)
                    }
                    _ => 0,
                };
                *self.stuck.entry(transfer.debit).or_default() += stuck;
            }
        }
        outcome
    }

    fn states(&self) -> HashMap<AccountKey, (i64, i64)> {
        let state = |key: AccountKey| {
            let (balance, held) = state(&self.book, &key);
            match self.defect {
                Defect::ForgetsWhatIsHeld => (key, (balance, 0)),
                _ => (key, (balance, held + self.stuck.get(&key).copied().unwrap_or(0))),
            }
        };
        accounts().into_iter().map(state).collect()
    }

    fn cover(&self, payment: Transfer, risk: AccountKey) -> Covered {
        cover(&self.book, payment, risk)
    }
}

/// Runs the same sequences each time.
fn run(property: impl Fn(Vec<Step>) -> Result<(), TestCaseError>) -> Result<(), TestError<Vec<Step>>> {
    let config = ProptestConfig { failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::with_cases(500) };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)).run(&steps(), property)
}

#[test]
fn every_planted_defect_is_found() {
    let run = |defect| run(|steps| agrees(Planted::new(defect), &steps).map(|_| ()));
    for defect in [
        Defect::VoidReleasesNothing,
        Defect::PostInPartReleasesOnlyThat,
        Defect::PostsWhenTheTimeIsOver,
        Defect::KeepsTheBeginningOfAChain,
        Defect::ReversesMoreThanTheOriginal,
        Defect::MovesAgainForTheSameCause,
        Defect::ForgetsWhatIsHeld,
    ] {
        let result = run(defect);
        assert!(matches!(result, Err(TestError::Fail(..))), "{defect:?} was not found: {result:?}");
    }
    run(Defect::None).expect("the same sequences find nothing where nothing is planted");
}

#[test]
fn the_random_sequences_reach_every_phase() {
    let reached = RefCell::new(HashMap::<i64, usize>::new());
    run(|steps| {
        for entry in agrees(book_with_limited(), &steps)?.entries {
            *reached.borrow_mut().entry(entry.transfer.phase.number()).or_default() += 1;
        }
        Ok(())
    })
    .unwrap();
    for phase in 1..=6 {
        assert!(reached.borrow().get(&phase).is_some_and(|times| *times >= 50), "{reached:?}");
    }
}
