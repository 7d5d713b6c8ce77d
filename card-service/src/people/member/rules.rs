//! What may be done with a member of staff, and what becomes of them. No I/O.

use card_schema::clock::Micros;

use super::Wrong;
use super::model::{Member, Post, State, Wish};
use crate::people::model::Permission;
use crate::people::organisation::Kind;
use crate::people::{Staff, StaffId};

/// The member as they are after a wish; where it cannot be, its form and the key of a text.
pub fn changed(member: &Member, wish: &Wish, by: StaffId, now: Micros) -> Result<Member, Wrong> {
    let own = member.staff.staff_id == by;
    let post = |post: Post| Ok(Member { post, ..member.clone() });
    let state = |state: State| post(Post { state, since: now, ..member.post.clone() });
    match *wish {
        // Whoever could put themselves out of the office could leave it without anybody who runs it.
        Wish::Role(_) if own => Err(("role", "staff-not-yourself")),
        Wish::Suspend if own => Err(("suspend", "staff-not-yourself")),
        Wish::TakeSecondFactor if own => Err(("second_factor", "staff-own-second-factor")),
        Wish::GivePassword if own => Err(("password", "staff-own-password")),
        Wish::Role(role) if role == member.staff.role => Err(("role", "staff-role-same")),
        Wish::Role(role) => {
            let until = |permission| {
                let ends = member.staff.role.may(permission) && !role.may(permission);
                if ends { Some(now) } else { member.post.could_until(permission) }
            };
            // Whoever has another kind of work works no more where they did.
            let stays = Kind::of_work(role) == Kind::of_work(member.staff.role);
            let organisation = member.post.organisation.filter(|_| stays);
            let administered_until = until(Permission::Administer);
            let reversed_until = until(Permission::ReverseTransfers);
            Ok(Member {
                staff: Staff { role, ..member.staff.clone() },
                post: Post { organisation, administered_until, reversed_until, ..member.post.clone() },
                ..member.clone()
            })
        }
        Wish::Admit if member.post.state == State::Waiting => post(Post {
            state: State::Working,
            since: now,
            // From now on whoever added them could use the password that they know.
            admitted: member.post.admitted.map(|(by, _)| (by, now)),
            ..member.post.clone()
        }),
        Wish::Admit => Err(("admit", "staff-changed-meanwhile")),
        Wish::Move(organisation) => post(Post { organisation, ..member.post.clone() }),
        Wish::Suspend if member.post.state == State::Working => state(State::Suspended),
        Wish::Suspend => Err(("suspend", "staff-changed-meanwhile")),
        Wish::Resume if member.post.state == State::Suspended => state(State::Working),
        Wish::Resume => Err(("resume", "staff-changed-meanwhile")),
        Wish::GivePassword => post(Post { password_given: true, reset: Some((by, now)), ..member.post.clone() }),
        Wish::TakeSecondFactor if !member.second_factor => Err(("second_factor", "staff-changed-meanwhile")),
        Wish::SignInWithCard(_) if member.post.state != State::Working => {
            Err(("sign_in_with_card", "staff-changed-meanwhile"))
        }
        Wish::SignInWithCard(_) if own => Ok(member.clone()),
        // Whoever gave the card out may know its PIN.
        Wish::TakeSecondFactor | Wish::SignInWithCard(_) => {
            post(Post { reset: Some((by, now)), ..member.post.clone() })
        }
        Wish::SignOut => Ok(member.clone()),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::people::StaffRole;

    const NOW: Micros = Micros(1_790_000_000_000_000);
    const ONE: StaffId = StaffId(Uuid::from_u128(1));
    const OTHER: StaffId = StaffId(Uuid::from_u128(2));

    fn member(state: State) -> Member {
        Member {
            staff: Staff { staff_id: OTHER, name: "test".to_owned(), role: StaffRole::Clerk },
            post: Post { state, ..Post::working(Micros(0)) },
            station: None,
            second_factor: false,
        }
    }

    #[test]
    fn what_can_be_done_follows_from_how_somebody_stands() {
        use State::{Suspended, Waiting, Working};
        let table = [
            (Working, Wish::Suspend, ONE, Ok(Suspended)),
            (Suspended, Wish::Suspend, ONE, Err("staff-changed-meanwhile")),
            (Suspended, Wish::Resume, ONE, Ok(Working)),
            (Waiting, Wish::Admit, ONE, Ok(Working)),
            (Working, Wish::Admit, ONE, Err("staff-changed-meanwhile")),
            (Waiting, Wish::Suspend, ONE, Err("staff-changed-meanwhile")),
            (Working, Wish::Resume, ONE, Err("staff-changed-meanwhile")),
            (Working, Wish::Role(StaffRole::Auditor), ONE, Ok(Working)),
            (Working, Wish::Role(StaffRole::Clerk), ONE, Err("staff-role-same")),
            (Working, Wish::Role(StaffRole::Auditor), OTHER, Err("staff-not-yourself")),
            (Working, Wish::Suspend, OTHER, Err("staff-not-yourself")),
            (Working, Wish::GivePassword, OTHER, Err("staff-own-password")),
            (Working, Wish::TakeSecondFactor, ONE, Err("staff-changed-meanwhile")),
            (Working, Wish::TakeSecondFactor, OTHER, Err("staff-own-second-factor")),
            (Working, Wish::SignOut, OTHER, Ok(Working)),
            (Working, Wish::Move(None), OTHER, Ok(Working)),
        ];
        for (state, wish, by, expected) in table {
            let after = changed(&member(state), &wish, by, NOW);
            assert_eq!(after.map(|after| after.post.state).map_err(|(_, key)| key), expected, "{state:?} {wish:?}");
        }
    }

    #[test]
    fn whoever_gives_a_password_stands_beside_it_until_it_is_changed() {
        let after = changed(&member(State::Working), &Wish::GivePassword, ONE, NOW).unwrap();
        assert!(after.post.password_given);
        assert_eq!(after.post.reset, Some((ONE, NOW)));
    }
}
