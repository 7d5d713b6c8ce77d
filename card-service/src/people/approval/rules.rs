//! When two are needed, and who may be the second (decision 0027). No I/O.

use std::collections::BTreeSet;

use card_schema::clock::Micros;
use card_schema::money::Fen;

use super::model::{Answer, Deed, Request, State};
use crate::people::member::model::{Member, State as Stands, Wish};
use crate::people::member::rules::changed;
use crate::people::model::Permission;
use crate::people::{StaffId, StaffRole};

/// A request that nobody has decided lapses after a week.
pub const OPEN_SECONDS: i64 = 7 * 86_400;

/// What somebody has booked or reversed alone counts for a day: an amount that is split does not become smaller by it.
pub const COUNTS_SECONDS: i64 = 86_400;

/// Whether an amount is more than somebody may move who has moved so much alone within a day.
pub fn is_beyond(amount: Fen, alone: Fen, limit: Fen) -> bool {
    alone.checked_add(amount).is_none_or(|sum| sum > limit)
}

/// For how long what one did to another makes the two count as before, or as one: long enough for the other to notice.
const NOTICE_SECONDS: i64 = 7 * 86_400;

fn is_recent(at: Micros, now: Micros) -> bool {
    now < at.plus_seconds(NOTICE_SECONDS)
}

/// Whether a deed takes two: what gives power does. What takes it away is one person's and immediate, and so is what makes
/// a clerk. Money that is moved back, or booked after all, is asked for only where it does.
pub fn takes_two(deed: Deed) -> bool {
    match deed {
        // Whoever issued a card may know its PIN.
        Deed::Admit { role, .. } | Deed::Resume { role, .. } | Deed::SignInWithCard { role, .. } => {
            role != StaffRole::Clerk
        }
        Deed::TakeSecondFactor { .. } | Deed::Reverse(_) | Deed::Settle(_) => true,
        Deed::ChangeRole { from, to, .. } => {
            to != StaffRole::Clerk && Permission::ALL.into_iter().any(|what| to.may(what) && !from.may(what))
        }
    }
}

/// Whether there is nobody else to agree, and was nobody until lately: nobody becomes the only one by suspending the
/// other, or by taking the other's role away.
pub fn is_alone(asker: StaffId, deed: Deed, everybody: &[Member], now: Micros) -> bool {
    // Whoever cannot sign in cannot agree that they may again.
    let returns = |member: &&Member| matches!(deed, Deed::Resume { staff, .. } if staff == member.staff.staff_id);
    is_only_one(asker, deed.permission(), everybody.iter().filter(|member| !returns(member)), now)
}

/// Whether nobody else may do this, and nobody could until lately.
pub fn is_only_one<'a>(
    asker: StaffId,
    permission: Permission,
    everybody: impl Iterator<Item = &'a Member>,
    now: Micros,
) -> bool {
    let counts = |member: &Member| {
        let post = &member.post;
        let lately = match post.state {
            Stands::Working => true,
            Stands::Suspended => is_recent(post.since, now),
            Stands::Waiting => false,
        };
        let able = member.staff.role.may(permission) && lately;
        let was_able = post.could_until(permission).is_some_and(|at| is_recent(at, now));
        // Whom the asker has just let in is not yet somebody else: they let in nobody who was there before.
        let own = post.admitted.is_some_and(|(by, at)| by == asker && is_recent(at, now));
        (able || was_able) && !own
    };
    !everybody.filter(|member| member.staff.staff_id != asker).any(counts)
}

/// Everybody who may act in somebody's name: who lately let them in, gave them a password or took their second factor,
/// and whoever did so to those.
fn hands(who: StaffId, everybody: &[Member], now: Micros) -> BTreeSet<StaffId> {
    let (mut found, mut open) = (BTreeSet::from([who]), vec![who]);
    while let Some(next) = open.pop() {
        let Some(member) = everybody.iter().find(|member| member.staff.staff_id == next) else { continue };
        let recent = [member.post.reset, member.post.admitted].into_iter().flatten();
        for (by, _) in recent.filter(|(_, at)| is_recent(*at, now)) {
            if found.insert(by) {
                open.push(by);
            }
        }
    }
    found
}

/// Whether two members of staff may be taken for two people.
fn are_two(one: StaffId, other: StaffId, everybody: &[Member], now: Micros) -> bool {
    hands(one, everybody, now).is_disjoint(&hands(other, everybody, now))
}

/// Everybody who may be the same person as somebody, themselves included.
pub fn one_hand(who: StaffId, everybody: &[Member], now: Micros) -> Vec<StaffId> {
    let staff = everybody.iter().map(|member| member.staff.staff_id);
    staff.filter(|other| !are_two(who, *other, everybody, now)).collect()
}

/// Whether somebody works, in a role that may do this.
pub fn is_able(who: StaffId, permission: Permission, everybody: &[Member]) -> bool {
    let works = |member: &Member| member.post.state == Stands::Working && member.staff.role.may(permission);
    everybody.iter().any(|member| member.staff.staff_id == who && works(member))
}

/// Whether somebody may answer a request like this; the key of a text where they may not.
pub fn may_answer(
    request: &Request,
    by: StaffId,
    answer: Answer,
    everybody: &[Member],
    now: Micros,
) -> Result<(), &'static str> {
    if request.state != State::Waiting {
        return Err("approval-decided");
    }
    if now >= request.expires_at {
        return Err("approval-lapsed");
    }
    let is_able = |who: StaffId| is_able(who, request.deed.permission(), everybody);
    if !is_able(by) {
        return Err("approval-not-able");
    }
    let asked = by == request.asked_by;
    match answer {
        Answer::Withdraw if asked => Ok(()),
        Answer::Withdraw => Err("approval-not-yours"),
        Answer::Approve | Answer::Refuse if asked => Err("approval-own"),
        Answer::Approve if !is_able(request.asked_by) => Err("approval-asker-gone"),
        Answer::Approve if !are_two(by, request.asked_by, everybody, now) => Err("approval-one-hand"),
        Answer::Approve | Answer::Refuse => Ok(()),
    }
}

/// Whoever a request is about, as they are when it is carried out, and by which wish; nothing where it is about nobody, or they
/// are no longer as they were when it was asked for.
pub fn carried_out(request: &Request, about: &Member, now: Micros) -> Option<(Member, Wish)> {
    let (role, wish) = match request.deed {
        Deed::Admit { role, .. } => (role, Wish::Admit),
        Deed::Resume { role, .. } => (role, Wish::Resume),
        Deed::TakeSecondFactor { .. } => (about.staff.role, Wish::TakeSecondFactor),
        Deed::SignInWithCard { role, card, .. } => (role, Wish::SignInWithCard(card)),
        Deed::ChangeRole { from, to, .. } => (from, Wish::Role(to)),
        Deed::Reverse(_) | Deed::Settle(_) => return None,
    };
    let after = changed(about, &wish, request.asked_by, now).ok().filter(|_| about.staff.role == role);
    after.map(|after| (after, wish))
}
