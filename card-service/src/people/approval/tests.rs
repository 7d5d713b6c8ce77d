//! What takes two, by tables, by random offices, and through the pages.

use card_schema::clock::Micros;
use card_schema::ids::{CardId, Shard};
use card_schema::money::Fen;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};
use uuid::Uuid;

use super::model::{Answer, Deed, Request, State};
use super::rules::{
    COUNTS_SECONDS, OPEN_SECONDS, carried_out, is_able, is_alone, is_beyond, may_answer, one_hand, takes_two,
};
use crate::domains::purse::reversal::model::{Reason, Reversal};
use crate::people::member::model::{Member, Post, State as Stands, Wish};
use crate::people::member::rules::changed;
use crate::people::model::Permission;
use crate::people::{Staff, StaffId, StaffRole};

mod pages;

const NOW: Micros = Micros(1_790_000_000_000_000);
const DAY: i64 = 86_400;
const ONE: StaffId = id(1);
const OTHER: StaffId = id(2);
const THIRD: StaffId = id(3);

const fn id(number: u128) -> StaffId {
    StaffId(Uuid::from_u128(number))
}

fn member(staff_id: StaffId, role: StaffRole) -> Member {
    let staff = Staff { staff_id, name: "test".to_owned(), role };
    Member { staff, post: Post::working(Micros(0)), station: None, second_factor: true }
}

fn administrator(staff_id: StaffId, post: impl FnOnce(Post) -> Post) -> Member {
    let member = member(staff_id, StaffRole::Administrator);
    Member { post: post(member.post.clone()), ..member }
}

fn ago(days: i64) -> Micros {
    NOW.plus_seconds(-days * DAY)
}

const REVERSES: Deed = Deed::Reverse(Reversal {
    card: CardId::new(1, Shard(3), [7; 16]),
    tap: 5,
    amount: Fen(30_000),
    reason: Reason::Twice,
});
const GIVES: Deed = Deed::ChangeRole { staff: THIRD, from: StaffRole::Clerk, to: StaffRole::Supervisor };

fn request(asked_by: StaffId) -> Request {
    Request {
        approval_id: Uuid::nil(),
        deed: GIVES,
        asked_by,
        asked_at: NOW,
        expires_at: NOW.plus_seconds(OPEN_SECONDS),
        state: State::Waiting,
        decided: None,
        reason: None,
    }
}

#[test]
fn what_one_has_moved_alone_counts_towards_what_takes_two() {
    for (amount, alone, beyond) in [
        (20_000, 0, false),
        (20_001, 0, true),
        (1, 19_999, false),
        (1, 20_000, true),
        (10_000, 10_001, true),
        (i64::MAX, 1, true),
    ] {
        assert_eq!(is_beyond(Fen(amount), Fen(alone), Fen(20_000)), beyond, "{amount} after {alone}");
    }
    assert!(is_beyond(Fen(1), Fen::ZERO, Fen::ZERO), "where the limit is nothing, everything takes two");
}

#[test]
fn what_takes_two_takes_two_and_what_takes_it_away_one() {
    use StaffRole::{Administrator, Auditor, Clerk, Operator, Supervisor};
    let staff = THIRD;
    for role in StaffRole::ALL {
        assert_eq!(takes_two(Deed::Admit { staff, role }), role != Clerk, "{role:?}");
        assert_eq!(takes_two(Deed::Resume { staff, role }), role != Clerk, "{role:?}");
    }
    for (from, to, expected) in [
        (Clerk, Supervisor, true),
        (Clerk, Administrator, true),
        (Clerk, Operator, true),
        (Clerk, Auditor, true),
        (Auditor, Clerk, false),
        (Auditor, Operator, true),
        (Operator, Auditor, true),
        (Supervisor, Clerk, false),
        (Supervisor, Auditor, true),
        (Administrator, Supervisor, false),
        (Administrator, Operator, false),
    ] {
        assert_eq!(takes_two(Deed::ChangeRole { staff, from, to }), expected, "{from:?} {to:?}");
    }
}

#[test]
fn one_alone_decides_alone_and_nobody_becomes_the_only_one_by_taking_from_the_other() {
    let suspended = |days| administrator(OTHER, |post| Post { state: Stands::Suspended, since: ago(days), ..post });
    let demoted = |days| {
        let clerk = member(OTHER, StaffRole::Clerk);
        Member { post: Post { administered_until: Some(ago(days)), ..clerk.post.clone() }, ..clerk }
    };
    let let_in = |by, days| administrator(OTHER, |post| Post { admitted: Some((by, ago(days))), ..post });
    let resume = Deed::Resume { staff: OTHER, role: StaffRole::Administrator };
    let table = [
        (None, GIVES, true),
        (Some(member(OTHER, StaffRole::Supervisor)), GIVES, true),
        (Some(administrator(OTHER, |post| post)), GIVES, false),
        (Some(administrator(OTHER, |post| Post { state: Stands::Waiting, ..post })), GIVES, true),
        (Some(suspended(0)), GIVES, false),
        (Some(suspended(6)), GIVES, false),
        (Some(suspended(7)), GIVES, true),
        (Some(suspended(0)), resume, true),
        (Some(demoted(6)), GIVES, false),
        (Some(demoted(7)), GIVES, true),
        (Some(let_in(ONE, 6)), GIVES, true),
        (Some(let_in(ONE, 7)), GIVES, false),
        (Some(let_in(THIRD, 0)), GIVES, false),
    ];
    for (other, deed, expected) in table {
        let everybody: Vec<_> = [administrator(ONE, |post| post)].into_iter().chain(other.clone()).collect();
        assert_eq!(is_alone(ONE, deed, &everybody, NOW), expected, "{other:?} {deed:?}");
    }
}

#[test]
fn a_reversal_waits_for_whoever_may_reverse_or_could_until_lately() {
    let supervisor = || member(OTHER, StaffRole::Supervisor);
    let demoted = |days| {
        let clerk = changed(&supervisor(), &Wish::Role(StaffRole::Clerk), ONE, ago(days)).unwrap();
        assert_eq!(clerk.post.administered_until, None, "they never administered");
        clerk
    };
    let table = [
        (member(OTHER, StaffRole::Clerk), REVERSES, true),
        (supervisor(), REVERSES, false),
        (supervisor(), GIVES, true),
        (administrator(OTHER, |post| post), REVERSES, false),
        (demoted(6), REVERSES, false),
        (demoted(6), GIVES, true),
        (demoted(7), REVERSES, true),
    ];
    for (other, deed, expected) in table {
        let everybody = [administrator(ONE, |post| post), other];
        assert_eq!(is_alone(ONE, deed, &everybody, NOW), expected, "{:?} {deed:?}", everybody[1]);
    }
    let asked = Request { deed: REVERSES, ..request(ONE) };
    let answer = |role| may_answer(&asked, OTHER, Answer::Approve, &[member(ONE, role), supervisor()], NOW);
    assert_eq!(answer(StaffRole::Supervisor), Ok(()));
    assert_eq!(answer(StaffRole::Clerk), Err("approval-asker-gone"));
    let everybody = [administrator(ONE, |post| post), supervisor()];
    assert_eq!(may_answer(&request(ONE), OTHER, Answer::Approve, &everybody, NOW), Err("approval-not-able"));
}

#[test]
fn whoever_lately_gave_another_a_password_counts_as_the_same_person_both_ways() {
    let reset = |days| administrator(OTHER, |post| Post { reset: Some((ONE, ago(days))), ..post });
    let hands = |who, days| {
        let everybody = [administrator(ONE, |post| post), reset(days), administrator(THIRD, |post| post)];
        one_hand(who, &everybody, NOW)
    };
    assert_eq!(hands(ONE, 6), [ONE, OTHER]);
    assert_eq!(hands(OTHER, 6), [ONE, OTHER]);
    assert_eq!(hands(THIRD, 6), [THIRD]);
    assert_eq!(hands(ONE, 7), [ONE]);
}

#[test]
fn nobody_agrees_to_what_they_asked_for_themselves_or_through_another() {
    let reset = |by, days| move |post| Post { reset: Some((by, ago(days))), ..post };
    let plain = |post| post;
    let answer = |one: Member, other: Member, by, answer| {
        let everybody = [one, other, administrator(THIRD, plain)];
        may_answer(&request(ONE), by, answer, &everybody, NOW)
    };
    let (one, other) = (|| administrator(ONE, plain), || administrator(OTHER, plain));
    assert_eq!(answer(one(), other(), OTHER, Answer::Approve), Ok(()));
    assert_eq!(answer(one(), other(), OTHER, Answer::Refuse), Ok(()));
    assert_eq!(answer(one(), other(), OTHER, Answer::Withdraw), Err("approval-not-yours"));
    assert_eq!(answer(one(), other(), ONE, Answer::Approve), Err("approval-own"));
    assert_eq!(answer(one(), other(), ONE, Answer::Refuse), Err("approval-own"));
    assert_eq!(answer(one(), other(), ONE, Answer::Withdraw), Ok(()));
    // Whoever asked has reset whoever would agree; the other way round; both were reset by a third.
    let one_hand = Err("approval-one-hand");
    assert_eq!(answer(one(), administrator(OTHER, reset(ONE, 6)), OTHER, Answer::Approve), one_hand);
    assert_eq!(answer(one(), administrator(OTHER, reset(ONE, 6)), OTHER, Answer::Refuse), Ok(()));
    assert_eq!(answer(one(), administrator(OTHER, reset(ONE, 7)), OTHER, Answer::Approve), Ok(()));
    assert_eq!(answer(administrator(ONE, reset(OTHER, 0)), other(), OTHER, Answer::Approve), one_hand);
    let both = (administrator(ONE, reset(THIRD, 1)), administrator(OTHER, reset(THIRD, 2)));
    assert_eq!(answer(both.0, both.1, OTHER, Answer::Approve), one_hand);

    let everybody = |post: fn(Post) -> Post| [administrator(ONE, post), administrator(OTHER, |post| post)];
    let late = NOW.plus_seconds(OPEN_SECONDS);
    let lapsed = may_answer(&request(ONE), OTHER, Answer::Approve, &everybody(|post| post), late);
    assert_eq!(lapsed, Err("approval-lapsed"));
    let decided = Request { state: State::Refused, ..request(ONE) };
    let again = may_answer(&decided, OTHER, Answer::Approve, &everybody(|post| post), NOW);
    assert_eq!(again, Err("approval-decided"));
    let gone = everybody(|post| Post { state: Stands::Suspended, ..post });
    assert_eq!(may_answer(&request(ONE), OTHER, Answer::Approve, &gone, NOW), Err("approval-asker-gone"));
    assert_eq!(may_answer(&request(ONE), THIRD, Answer::Approve, &gone, NOW), Err("approval-not-able"));
}

#[test]
fn what_was_agreed_to_is_done_only_while_things_are_as_they_were() {
    let clerk = member(THIRD, StaffRole::Clerk);
    let after = carried_out(&request(ONE), &clerk, NOW).map(|(after, _)| after.staff.role);
    assert_eq!(after, Some(StaffRole::Supervisor));
    assert_eq!(carried_out(&request(ONE), &member(THIRD, StaffRole::Auditor), NOW), None);
    let resume = Request { deed: Deed::Resume { staff: THIRD, role: StaffRole::Clerk }, ..request(ONE) };
    assert_eq!(carried_out(&resume, &clerk, NOW), None, "who works already");
}

/// What an office forgets after each deed.
type Defect = fn(&mut Vec<Member>);

/// One thing that a dishonest administrator does, or lets somebody do in whose name they can act.
#[derive(Clone, Debug)]
enum Move {
    Wish { actor: usize, about: usize, wish: Wish },
    Approve { actor: usize, request: usize },
    Reverse { actor: usize, fen: i64 },
    Later { hours: i64 },
}

/// How much one may reverse alone in that office.
const ALONE: Fen = Fen(20_000);

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let wish = prop_oneof![
        3 => prop::sample::select(&StaffRole::ALL[..]).prop_map(Wish::Role),
        3 => Just(Wish::Suspend),
        2 => Just(Wish::Resume),
        3 => Just(Wish::GivePassword),
        1 => Just(Wish::TakeSecondFactor),
    ];
    // Mostly the dishonest one themselves.
    let actor = || prop_oneof![3 => Just(0), 1 => 0..4_usize];
    let one = prop_oneof![
        6 => (actor(), 0..4_usize, wish).prop_map(|(actor, about, wish)| Move::Wish { actor, about, wish }),
        4 => (actor(), 0..6_usize).prop_map(|(actor, request)| Move::Approve { actor, request }),
        3 => (actor(), prop_oneof![5_000..21_000_i64, Just(30_000)]).prop_map(|(actor, fen)| Move::Reverse { actor, fen }),
        1 => (1..12_i64).prop_map(|hours| Move::Later { hours }),
    ];
    prop::collection::vec(one, 1..25)
}

/// Plays moves in an office of two administrators, one of them honest and asleep, a supervisor and a clerk. Answers
/// whether something was done that gives power, except to whom it had been taken from, or more was reversed within a day
/// than one may reverse alone.
fn is_fooled(moves: &[Move], defect: impl Fn(&mut Vec<Member>)) -> bool {
    let roles = [StaffRole::Administrator, StaffRole::Administrator, StaffRole::Supervisor, StaffRole::Clerk];
    let mut everybody: Vec<_> = (1_u128..).zip(roles).map(|(number, role)| member(id(number), role)).collect();
    // In whose name the dishonest one can act: whoever knows a password may use it.
    let mut own = std::collections::BTreeSet::from([0]);
    let (mut now, mut requests) = (NOW, Vec::<Request>::new());
    let mut reversed = Vec::<(StaffId, Micros, i64)>::new();
    for one in moves {
        match *one {
            Move::Later { hours } => now = now.plus_seconds(hours * 3_600),
            _ if now >= NOW.plus_seconds(7 * DAY) => return false,
            Move::Wish { actor, about, wish } => {
                let able = own.contains(&actor)
                    && everybody[actor].post.state == Stands::Working
                    && everybody[actor].staff.role == StaffRole::Administrator;
                let (by, subject) = (everybody[actor].staff.staff_id, everybody[about].clone());
                let Ok(after) = changed(&subject, &wish, by, now) else { continue };
                if !able {
                    continue;
                }
                let (staff, role) = (subject.staff.staff_id, subject.staff.role);
                let deed = match wish {
                    Wish::Role(to) => Some(Deed::ChangeRole { staff, from: role, to }),
                    Wish::Resume => Some(Deed::Resume { staff, role }),
                    Wish::TakeSecondFactor => Some(Deed::TakeSecondFactor { staff }),
                    _ => None,
                };
                if let Some(deed) = deed.filter(|deed| takes_two(*deed)) {
                    if !is_alone(by, deed, &everybody, now) {
                        let expires_at = now.plus_seconds(OPEN_SECONDS);
                        requests.push(Request { deed, expires_at, ..request(by) });
                        continue;
                    }
                    if !matches!(wish, Wish::Resume) {
                        return true;
                    }
                }
                everybody[about] = after;
                if wish == Wish::GivePassword {
                    own.insert(about);
                }
                defect(&mut everybody);
            }
            Move::Reverse { actor, fen } => {
                let by = everybody[actor].staff.staff_id;
                if !own.contains(&actor) || !is_able(by, Permission::ReverseTransfers, &everybody) {
                    continue;
                }
                let since = now.plus_seconds(-COUNTS_SECONDS);
                let within_a_day = |hands: &[StaffId]| -> i64 {
                    let counts = reversed.iter().filter(|(who, at, _)| *at > since && hands.contains(who));
                    counts.map(|(.., fen)| fen).sum()
                };
                let alone = within_a_day(&one_hand(by, &everybody, now));
                if is_beyond(Fen(fen), Fen(alone), ALONE) {
                    if is_alone(by, REVERSES, &everybody, now) {
                        return true;
                    }
                    let expires_at = now.plus_seconds(OPEN_SECONDS);
                    requests.push(Request { deed: REVERSES, expires_at, ..request(by) });
                } else if within_a_day(&[ONE, OTHER, THIRD, id(4)]) + fen > ALONE.0 {
                    return true;
                } else {
                    reversed.push((by, now, fen));
                }
            }
            Move::Approve { actor, request } => {
                let Some(found) = requests.get(request) else { continue };
                let by = everybody[actor].staff.staff_id;
                if own.contains(&actor) && may_answer(found, by, Answer::Approve, &everybody, now).is_ok() {
                    return true;
                }
            }
        }
    }
    false
}

#[test]
fn whatever_one_dishonest_administrator_does_within_a_week_nobody_gets_power_by_it() {
    let mut runner = TestRunner::new(Config { failure_persistence: None, cases: 4_000, ..Config::default() });
    let honest = |moves: Vec<Move>| {
        prop_assert!(!is_fooled(&moves, |_| ()));
        Ok(())
    };
    runner.run(&moves(), honest).unwrap();
}

#[test]
fn an_office_that_forgets_who_reset_whom_or_who_administered_is_fooled() {
    let forget: [(&str, Defect); 4] = [
        ("resets", |all| all.iter_mut().for_each(|member| member.post.reset = None)),
        ("administrators demoted", |all| all.iter_mut().for_each(|member| member.post.administered_until = None)),
        ("supervisors demoted", |all| all.iter_mut().for_each(|member| member.post.reversed_until = None)),
        ("since when", |all| all.iter_mut().for_each(|member| member.post.since = Micros(0))),
    ];
    for (what, defect) in forget {
        let mut runner = TestRunner::new(Config { failure_persistence: None, cases: 20_000, ..Config::default() });
        let planted = |moves: Vec<Move>| {
            prop_assert!(!is_fooled(&moves, defect));
            Ok(())
        };
        let found = runner.run(&moves(), planted);
        assert!(matches!(found, Err(TestError::Fail(..))), "an office that forgets {what} is not found out");
    }
}
