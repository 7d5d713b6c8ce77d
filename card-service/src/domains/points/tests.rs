//! The rules of points as tables, and whatever comes in which order: a purchase that is given back leaves nothing behind.

use std::collections::HashMap;
use std::sync::LazyLock;

use card_schema::date::Date;
use card_schema::envelope::receipt::{Ending, Outcome};
use card_schema::ids::{HolderId, OrganisationId, Shard, TapId, TerminalId};
use card_schema::money::Fen;
use card_schema::operation::points::{Award, Movement, Redemption, Undo};
use card_schema::operation::{Operation, purse};
use card_schema::points::{EarnRule, ProgrammeId, Worth};
use proptest::prelude::*;
use uuid::Uuid;

use super::model::{Category, Member, Programme, Reach, Rule, given_by, points_of};
use super::rules::{ending, good_until, oldest_good, over};
use super::*;
use crate::domains::{Ask, Decision, Effect, Original, Room as _};
use crate::ledger::{self, Account, Book, CreditLimit, LastIds, Linked, Phase, Transfer, TransferKind};
use crate::testing::town::{NOTHING_SPENT, POLICY, START};

const SHARD: Shard = Shard(3);
const OF: ProgrammeId = ProgrammeId(7);
const SHOP: OrganisationId = OrganisationId(Uuid::from_u128(2));

fn day(text: &str) -> Date {
    text.parse().expect(text)
}

fn programme() -> Programme {
    Programme {
        id: OF,
        name: "测试街".to_owned(),
        reach: Reach::Street,
        worth: Some(Worth { points: 100, fen: Fen(50) }),
        validity_months: 12,
        day_most: Some(100),
        below_zero: true,
    }
}

fn rule(points: u32, per: i64, from: &str, until: &str, category: Option<&str>) -> Rule {
    let earn = EarnRule { points, per: Fen(per), from: day(from), until: day(until) };
    Rule { id: Uuid::nil(), programme: OF, earn, category: category.map(|code| Category::new(code).expect(code)) }
}

fn with(programme: Programme, rules: Vec<Rule>) -> Programmes {
    let category = Category::new("5411").expect("four digits");
    let member = Member { organisation: SHOP, programme: OF, category, from: day("2020-01-01"), until: None };
    Programmes { programmes: [(OF, programme)].into(), rules, members: HashMap::from([(SHOP, vec![member])]) }
}

/// A point for each yuan, and more in a week that is over.
static STREET: LazyLock<Programmes> = LazyLock::new(|| {
    let campaign = rule(5, 100, "2026-09-01", "2026-09-07", None);
    let bakers = rule(9, 100, "2026-01-01", "2026-12-31", Some("5462"));
    with(programme(), vec![rule(1, 100, "2026-01-01", "2026-12-31", None), campaign, bakers])
});

fn ask<'a>(operation: &'a Operation, programmes: &'a Programmes) -> Ask<'a> {
    Ask {
        tap: TapId([1; 32]),
        operation,
        holder: HolderId::new(SHARD, [7; 16]),
        shard: SHARD,
        organisation: SHOP,
        terminal: TerminalId::from_bytes([3; 16]),
        at: START,
        received_at: START,
        limits: POLICY.limits,
        day_limits: POLICY.day_limits,
        spent: NOTHING_SPENT,
        with_pin: true,
        is_approved: true,
        original: None,
        programmes,
        lots: None,
        claims: &[],
        transit: None,
        is_issuers: false,
    }
}

fn book(points: i64) -> Book {
    let mut book = Book::default();
    book.load_last_ids(SHARD, LastIds::default());
    let key = points_of(HolderId::new(SHARD, [7; 16]), SHARD, OF);
    book.load_account(Account { key, id: 900, credit_limit: CreditLimit::UNLIMITED, balance: points, held: 0 });
    book
}

fn movement(earned: u32, redeemed: u32, discount: i64) -> Movement {
    Movement { programme: OF, earned, redeemed, discount: Fen(discount) }
}

fn pay(fen: i64, points: Movement) -> Operation {
    Operation::PursePayment(purse::Payment { points: Some(points), ..purse::Payment::online(Fen(fen)) })
}

/// What a decision adds to the holder's points.
fn adds(decision: &Decision) -> i64 {
    let ours = points_of(HolderId::new(SHARD, [7; 16]), SHARD, OF);
    decision
        .transfers
        .iter()
        .map(|transfer| if transfer.credit == ours { transfer.amount } else { -transfer.amount })
        .sum()
}

#[test]
fn what_a_payment_earns_and_what_points_take_off() {
    use Outcome::{Accepted, InsufficientPoints, PointsTermsDiffer};
    for (case, operation, outcome, points) in [
        ("as promised", pay(1_250, movement(12, 0, 0)), Accepted, 12),
        ("less than it could", pay(1_250, movement(3, 0, 0)), Accepted, 3),
        ("more than it earns", pay(1_250, movement(62, 0, 0)), Accepted, 12),
        ("the campaign that is over", pay(1_250, movement(72, 0, 0)), Accepted, 12),
        ("nothing", pay(99, movement(0, 0, 0)), Accepted, 0),
        ("up to the most of a day", pay(20_000, movement(200, 0, 0)), Accepted, 100),
        ("money off", pay(950, movement(9, 100, 50)), Accepted, 9 - 100),
        ("all there is", pay(900, movement(9, 500, 250)), Accepted, 9 - 500),
        ("more than there is", pay(900, movement(9, 600, 300)), InsufficientPoints, 0),
        ("more off than they are worth", pay(900, movement(9, 100, 51)), PointsTermsDiffer, 0),
        ("no whole multiple", pay(900, movement(9, 150, 75)), PointsTermsDiffer, 0),
        ("all of the price", pay(0, movement(0, 100, 50)), PointsTermsDiffer, 0),
        ("a price beyond numbers", pay(i64::MAX, movement(0, 100, 50)), Outcome::AmountOutOfRange, 0),
    ] {
        let decision = Points.decide(&ask(&operation, &STREET), &book(500));
        assert_eq!((decision.outcome, adds(&decision)), (outcome, points), "{case}");
    }
    let other = Movement { programme: ProgrammeId(8), ..movement(12, 0, 0) };
    let decision = Points.decide(&ask(&pay(1_250, other), &STREET), &book(0));
    assert_eq!(
        (decision.outcome, decision.transfers),
        (Outcome::Accepted, vec![]),
        "of another programme: the sale stands"
    );
    let other = Movement { redeemed: 100, discount: Fen(50), ..other };
    assert_eq!(Points.decide(&ask(&pay(1_250, other), &STREET), &book(500)).outcome, PointsTermsDiffer);
    let sale = pay(1_250, movement(12, 0, 0));
    let thief = Ask { is_issuers: true, ..ask(&sale, &STREET) };
    assert_eq!(Points.decide(&thief, &book(0)).transfers, [], "a card that is out of use earns nothing");
}

#[test]
fn a_day_earns_no_more_than_its_most_however_many_purchases_it_has() {
    let operation = pay(8_000, movement(80, 0, 0));
    for (earned, points) in [(0, 80), (20, 80), (21, 79), (100, 0), (120, 0)] {
        let lots = Lots::from([(Date::in_china(START), earned), (day("2026-09-20"), 1_000)]);
        let ask = Ask { lots: Some(&lots), ..ask(&operation, &STREET) };
        assert_eq!(adds(&Points.decide(&ask, &book(0))), points, "after {earned}");
    }
}

#[test]
fn points_for_a_purchase_that_was_paid_in_cash_and_points_for_goods() {
    use Outcome::{Accepted, AmountOutOfRange, InsufficientPoints, PointsTermsDiffer};
    let award = |paid, earned| Operation::PointsAward(Award { paid: Fen(paid), programme: OF, earned });
    let redeem = |points| Operation::PointsRedemption(Redemption { programme: OF, points });
    let elsewhere = Operation::PointsRedemption(Redemption { programme: ProgrammeId(8), points: 5 });
    for (case, operation, outcome, points) in [
        ("an award", award(1_250, 12), Accepted, 12),
        ("an award of more", award(1_250, 1_000), Accepted, 12),
        ("an award for nothing", award(0, 1), AmountOutOfRange, 0),
        ("an award over the limit", award(1_000_001, 1), AmountOutOfRange, 0),
        ("goods", redeem(500), Accepted, -500),
        ("goods, no multiple", redeem(1), Accepted, -1),
        ("too many", redeem(501), InsufficientPoints, 0),
        ("none", redeem(0), AmountOutOfRange, 0),
        ("another programme's", elsewhere, PointsTermsDiffer, 0),
    ] {
        let decision = Points.decide(&ask(&operation, &STREET), &book(500));
        assert_eq!((decision.outcome, adds(&decision)), (outcome, points), "{case}");
    }
}

#[test]
fn the_oldest_points_go_first_and_those_that_are_over_next_are_told() {
    let programme = programme();
    let lots = Lots::from([
        (day("2025-11-30"), 40),
        (day("2025-12-01"), 30),
        (day("2025-12-31"), 20),
        (day("2026-03-05"), 10),
    ]);
    let today = day("2026-12-01");
    for (balance, gone, next) in [
        (100, 40, Some((50, "2026-12-31"))),
        (75, 15, Some((50, "2026-12-31"))),
        (60, 0, Some((50, "2026-12-31"))),
        (15, 0, Some((5, "2026-12-31"))),
        (10, 0, Some((10, "2027-03-31"))),
        (0, 0, None),
        (-20, 0, None),
    ] {
        assert_eq!(over(&lots, balance, oldest_good(&programme, today)), gone, "of {balance}");
        let next = next.map(|(points, until)| Ending { points, until: day(until) });
        assert_eq!(ending(&programme, &lots, balance - gone, today), next, "of {balance}");
    }
}

fn post(book: &mut Book, ask: &Ask<'_>) -> (Outcome, Vec<i64>) {
    post_into(book, &mut Lots::new(), ask)
}

/// The same, with what it does to lots.
fn post_into(book: &mut Book, lots: &mut Lots, ask: &Ask<'_>) -> (Outcome, Vec<i64>) {
    let decision = crate::domains::decide(&Ask { lots: Some(&lots.clone()), ..*ask }, book).expect("a room decides");
    for effect in &decision.effects {
        if let Effect::Earned(Earned { day, points, .. }) = effect {
            *lots.entry(*day).or_default() += points;
        }
    }
    match book.post_linked(ask.received_at, &decision.transfers) {
        Ok(Linked::Posted(entries)) => (decision.outcome, entries.iter().map(|entry| entry.id).collect()),
        other => panic!("rooms ask the ledger for what it admits: {other:?}"),
    }
}

fn original(transfers: Vec<i64>) -> Original {
    let operation = Operation::PurseInquiry(purse::Inquiry);
    let Ask { holder, terminal, .. } = ask(&operation, &STREET);
    Original { holder, terminal, booked_at: START, transfers, programme: Some(OF) }
}

fn undo() -> Operation {
    let original = purse::Original { tap: TapId([9; 32]), at: START };
    Operation::PointsUndo(Undo { original })
}

#[test]
fn an_award_and_a_redemption_are_undone_once_by_whoever_gave_or_took() {
    let award = Operation::PointsAward(Award { paid: Fen(1_250), programme: OF, earned: 12 });
    let redeem = Operation::PointsRedemption(Redemption { programme: OF, points: 30 });
    for (operation, rest) in [(award, 100), (redeem, 100)] {
        let mut book = book(100);
        let (_, transfers) = post(&mut book, &ask(&operation, &STREET));
        let original = original(transfers);
        let undo = undo();
        let again = Ask { original: Some(&original), ..ask(&undo, &STREET) };
        let elsewhere = Ask { organisation: OrganisationId(Uuid::from_u128(99)), ..again };
        assert_eq!(post(&mut book, &elsewhere).0, Outcome::OriginalUnknown, "{operation:?}");
        let late = Ask { received_at: START.plus_seconds(31 * 86_400), ..again };
        assert_eq!(post(&mut book, &late).0, Outcome::RefundTooLate);
        let (outcome, undone) = post(&mut book, &again);
        assert_eq!((outcome, book.balance(&points_of(again.holder, SHARD, OF))), (Outcome::Accepted, rest));
        assert_eq!(post(&mut book, &again).0, Outcome::RefundExceedsRest);
        let undone = Original { transfers: undone, ..original.clone() };
        let twice = Ask { original: Some(&undone), ..again };
        assert_eq!(post(&mut book, &twice).0, Outcome::RefundOfRefund);
        let nothing = Ask { original: None, ..again };
        assert_eq!(post(&mut book, &nothing).0, Outcome::OriginalUnknown);
    }
}

/// What happens to a sale with points.
#[derive(Clone, Copy, Debug)]
enum Step {
    Sell { fen: i64, redeem: u32 },
    Refund { sale: usize, fen: i64 },
    Goods { points: u32 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..5_000_i64, 0..4_u32).prop_map(|(fen, hundreds)| Step::Sell { fen, redeem: hundreds * 100 }),
        4 => (any::<usize>(), 1..5_000_i64).prop_map(|(sale, fen)| Step::Refund { sale, fen }),
        1 => (1..60_u32).prop_map(|points| Step::Goods { points }),
    ];
    prop::collection::vec(step, 1..30)
}

proptest! {
    /// However sales, refunds and redemptions follow each other: all points sum to zero and are of a day, only a refund takes the holder below
    /// zero, only where the programme has it so, and what is given back in full leaves neither points earned nor points given.
    #[test]
    fn what_is_given_back_in_full_leaves_nothing_behind(steps in steps(), below_zero: bool) {
        let programmes = with(
            Programme { below_zero, day_most: None, ..programme() },
            vec![rule(3, 100, "2026-01-01", "2026-12-31", None)],
        );
        let mut book = book(200);
        let money = Operation::PurseTopUp(purse::TopUp::cash(Fen(1_000_000)));
        post(&mut book, &ask(&money, &programmes));
        let holder = ask(&money, &programmes).holder;
        let (ours, shops) = (points_of(holder, SHARD, OF), given_by(SHOP, SHARD, OF));
        let mut sales: Vec<(Original, i64, i64)> = Vec::new();
        let mut lots = Lots::from([(day("2026-08-01"), 200)]);
        for step in steps {
            let before = book.balance(&ours);
            match step {
                Step::Sell { fen, redeem } => {
                    let terms = programmes.terms(SHOP, Date::in_china(START)).expect("a member").1;
                    let discount = terms.discount(redeem, Fen(fen)).unwrap_or(Fen::ZERO);
                    let redeemed = if discount > Fen::ZERO { redeem } else { 0 };
                    let paid = fen - discount.0;
                    let earned = terms.earned(Fen(paid), Date::in_china(START));
                    let sale = pay(paid, Movement { programme: OF, earned, redeemed, discount });
                    let (outcome, transfers) = post_into(&mut book, &mut lots, &ask(&sale, &programmes));
                    let affords = before >= i64::from(redeemed) || redeemed == 0;
                    prop_assert_eq!(outcome == Outcome::Accepted, affords);
                    if outcome == Outcome::Accepted {
                        sales.push((original(transfers), paid, paid));
                    }
                }
                Step::Refund { sale, fen } if !sales.is_empty() => {
                    let place = sale % sales.len();
                    let (original, _, left) = &mut sales[place];
                    let amount = fen.min(*left);
                    let named = purse::Original { tap: TapId([9; 32]), at: START };
                    let refund = Operation::PurseRefund(purse::Return { original: named, amount: Fen(amount) });
                    let again = Ask { original: Some(original), ..ask(&refund, &programmes) };
                    let (outcome, _) = post_into(&mut book, &mut lots, &again);
                    prop_assert_eq!(outcome == Outcome::Accepted, amount > 0);
                    *left -= amount;
                }
                Step::Refund { .. } => {}
                Step::Goods { points } => {
                    let goods = Operation::PointsRedemption(Redemption { programme: OF, points });
                    let (outcome, _) = post_into(&mut book, &mut lots, &ask(&goods, &programmes));
                    prop_assert_eq!(outcome == Outcome::Accepted, before >= i64::from(points));
                }
            }
            prop_assert_eq!(book.balance(&ours) + book.balance(&shops), 200);
            prop_assert!(below_zero || book.balance(&ours) >= 0);
            prop_assert!(lots.values().all(|points| *points >= 0), "{:?}", lots);
            prop_assert!(lots.values().sum::<i64>() >= book.balance(&ours), "every point is of a day");
            for (original, _, left) in &sales {
                for id in &original.transfers {
                    let named = book.named(SHARD, *id).expect("posted here");
                    let (whole, back) = (named.entry.transfer.amount, named.reversed);
                    prop_assert!(back <= whole);
                    let all_back = match named.entry.transfer.kind {
                        TransferKind::PointsEarned => below_zero,
                        _ => true,
                    };
                    if *left == 0 && all_back {
                        prop_assert_eq!(back, whole, "{:?}", named.entry.transfer.kind);
                    }
                }
            }
        }
    }

    #[test]
    fn a_month_is_over_when_its_points_are(today in 700_000_i64..760_000, ago in 0_i64..1_500, validity in 0_u32..40) {
        let programme = Programme { validity_months: validity, ..programme() };
        let (today, day) = (Date::from_days(today - 719_162), Date::from_days(today - 719_162 - ago));
        let (today, day) = (today.expect("a day"), day.expect("a day"));
        prop_assert_eq!(day < oldest_good(&programme, today), good_until(&programme, day) < today);
    }
}

#[test]
fn a_sale_in_two_rooms_comes_about_where_both_agree() {
    let sale = pay(900, movement(9, 600, 300));
    let mut book = book(500);
    let money = Operation::PurseTopUp(purse::TopUp::cash(Fen(5_000)));
    post(&mut book, &ask(&money, &STREET));
    let decision = crate::domains::decide(&ask(&sale, &STREET), &book).expect("rooms");
    assert_eq!((decision.outcome, decision.transfers), (Outcome::InsufficientPoints, vec![]), "no money moves either");
    assert!(decision.shows.is_some() && decision.points.is_none(), "how many there are is not told for nothing");
    let dear = pay(900_000, movement(9, 0, 0));
    let decision = crate::domains::decide(&ask(&dear, &STREET), &book).expect("rooms");
    assert_eq!((decision.outcome, decision.transfers, decision.effects), (Outcome::InsufficientFunds, vec![], vec![]));
}

#[test]
fn money_and_points_of_a_reversal_by_staff_bear_its_reference() {
    let sale = pay(1_000, movement(10, 0, 0));
    let mut book = book(0);
    post(&mut book, &ask(&Operation::PurseTopUp(purse::TopUp::cash(Fen(5_000))), &STREET));
    let (_, transfers) = post(&mut book, &ask(&sale, &STREET));
    let caused: Vec<_> = transfers.iter().filter_map(|id| book.named(SHARD, *id)).collect();
    let reference = ledger::Reference([5; 32]);
    let (programme, day) = (programme(), Date::in_china(START));
    let lots = Lots::from([(day, 10)]);
    let standing = Standing { programme: &programme, balance: 10, lots: Some(&lots), day, today: day };
    let taken = back(&caused, (1_000, 250), &standing, Some(reference));
    let [Transfer { amount: 3, reference: Some(of), phase: Phase::Reversal { .. }, .. }] = taken.transfers.as_slice()
    else {
        panic!("a quarter of ten, rounded up: {taken:?}");
    };
    assert_eq!(taken.lots, [(day, -3)], "what goes back was not earned on that day");
    let later = Standing { today: day.end_of_month_after(13), ..standing };
    assert_eq!(back(&caused, (1_000, 250), &later, None), Back::default(), "points that are over are not taken twice");
    assert_eq!(*of, reference);
}
