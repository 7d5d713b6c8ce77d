//! Who is asked about households, and what becomes of one. Pure.

use super::model::{Member, Relationship};
use crate::domains::residence::model::{Facts, Field, Home};
use crate::plain::normal;

/// The most members of a household: they stand on one page, and each look at them leaves its leaves.
pub const MEMBERS_MAX: usize = 30;

/// Whether people who live like this form households: those in dormitories share a house, not a household.
pub fn forms_households(facts: &Facts) -> bool {
    !matches!(Home::from_name(facts.get(Field::Home)), None | Some(Home::Employer | Home::School))
}

/// Whether two say that they live in the same room of a house; where nobody says in which, the house is one.
pub fn same_room(one: &str, other: &str) -> bool {
    normal(one) == normal(other)
}

/// Why a member cannot leave: the key of a text.
pub fn stays(members: &[Member], leaving: &Member) -> Option<&'static str> {
    // Two are left: then the one who remains is no household.
    (leaving.relationship == Relationship::Head && members.len() > 2).then_some("household-head-leaves")
}

/// What each member becomes when one of them becomes the head, and the head before is related to that one somehow.
pub fn headed(members: &[Member], head: &Member, before: Relationship) -> Vec<Relationship> {
    let becomes = |one: &Member| match one.relationship {
        _ if one.person == head.person => Relationship::Head,
        Relationship::Head => before,
        // A spouse of the one is not the spouse of the other.
        _ => Relationship::NotSaid,
    };
    members.iter().map(becomes).collect()
}

#[cfg(test)]
mod tests {
    use card_schema::clock::Micros;
    use card_schema::ids::{HolderId, Shard};
    use uuid::Uuid;

    use super::super::model::{HouseholdId, Membership};
    use super::*;

    fn member(id: u8, relationship: Relationship) -> Member {
        let record = HolderId::new(Shard(0), [id; 16]);
        let household = HouseholdId(Uuid::nil());
        let (since, until, sealed) = (Micros(0), None, Vec::new());
        let membership = Membership { record, opened: 0, household, since, until, sealed };
        Member { person: record, membership, relationship }
    }

    #[test]
    fn a_head_leaves_only_when_nobody_is_left_whom_that_concerns() {
        use Relationship::{Head, Son, Spouse};
        let all = [member(1, Head), member(2, Spouse), member(3, Son)];
        assert_eq!(stays(&all, &all[0]), Some("household-head-leaves"));
        assert_eq!(stays(&all, &all[2]), None);
        assert_eq!(stays(&all[..2], &all[0]), None);
    }

    #[test]
    fn whoever_becomes_the_head_is_not_said_to_be_related_to_others_as_the_head_before_was() {
        use Relationship::{Head, NotSaid, Parent, Son, Spouse};
        let all = [member(1, Head), member(2, Spouse), member(3, Son)];
        assert_eq!(headed(&all, &all[2], Parent), [Parent, NotSaid, Head]);
    }

    #[test]
    fn a_room_is_the_same_however_it_is_typed_and_no_room_is_another_than_one() {
        assert!(same_room("３０１ 室", "301室") && same_room("", ""));
        assert!(!same_room("301", "") && !same_room("301", "302"));
        let lives = |home| forms_households(&Facts::default().with(Field::Home, home));
        assert_eq!(["rented", "owned", "employer", "school", ""].map(lives), [true, true, false, false, false]);
    }

    #[test]
    fn every_relationship_has_a_code_of_its_own() {
        for one in Relationship::OF_MEMBERS.into_iter().chain([Relationship::Head, Relationship::NotSaid]) {
            assert_eq!(Relationship::from_code(one.code()), Some(one));
        }
        assert_eq!(Relationship::from_code(98), None);
    }
}
