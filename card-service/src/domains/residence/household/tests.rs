//! Households on a real database: who belongs to which, what is kept of what was, and who can see who looked.

use axum::http::StatusCode;
use card_schema::ids::HolderId;
use card_schema::wire::ProblemType;

use super::model::{HouseholdAnswer, Relationship};
use super::{Household, candidates, head, join, leave, look, relate};
use crate::db::{Tx, query};
use crate::domains::residence::area::tests::town;
use crate::domains::residence::house::model::CellAnswer;
use crate::domains::residence::merge::{self, Reason};
use crate::domains::residence::model::{ChangeReason, Facts, Field};
use crate::domains::residence::store::reads;
use crate::domains::residence::{Registration, register, unregister};
use crate::http::Refusal;
use crate::people::{Purpose, StaffId, StaffRole};
use crate::testing::{Office, office};
use ChangeReason::{Changed, Mistyped};
use Relationship::{Daughter, Head, NotSaid, Parent, Sibling, Son, Spouse};

struct Desk {
    office: Office,
    clerk: StaffId,
}

/// Something that is done with somebody's household.
#[derive(Clone, Copy)]
enum Act {
    Join(HolderId, Relationship),
    Leave(ChangeReason),
    Relate(Relationship, ChangeReason),
    Head(Relationship),
    Merge(HolderId),
    Undo,
}

impl Desk {
    async fn new() -> Self {
        let office = office().await;
        town(&office.scratch).await;
        let clerk = office.member("clerk", StaffRole::Clerk).await.staff_id;
        Self { office, clerk }
    }

    fn lives(number: u32, name: &str, room: &str) -> Facts {
        Facts::default()
            .with(Field::DocumentKind, "passport")
            .with(Field::DocumentNumber, format!("T{number:07}"))
            .with(Field::Name, name)
            .with(Field::Address, "测户路 1 号")
            .with(Field::Room, room)
            .with(Field::AddressSince, "2026-03-01")
            .with(Field::Home, "rented")
    }

    async fn register(&self, facts: Facts, household: Option<HouseholdAnswer>) -> Result<HolderId, Refusal> {
        let cell = Some(CellAnswer::In("990101001001001".to_owned()));
        register(&self.office.app, self.clerk, Registration { cell, household, ..Registration::of(facts) }).await
    }

    async fn person(&self, number: u32) -> HolderId {
        self.register(Self::lives(number, &format!("测隐户{number}"), "301"), None).await.unwrap()
    }

    async fn act(&self, holder: HolderId, act: Act) -> Result<(), ProblemType> {
        let (app, by) = (self.office.app.clone(), self.clerk);
        let done = self.office.app.db.write::<_, Refusal, _>(move |tx| {
            Box::pin(async move {
                let (app, tx): (_, &mut Tx) = (&app, tx);
                match act {
                    Act::Join(person, how) => join(app, tx, by, holder, (person, how)).await,
                    Act::Leave(why) => leave(app, tx, by, holder, why).await,
                    Act::Relate(how, why) => relate(app, tx, by, holder, (how, why)).await,
                    Act::Head(before) => head(app, tx, by, holder, before).await,
                    Act::Merge(kept) => merge::merge(app, tx, by, holder, kept, Reason::RegisteredTwice).await,
                    Act::Undo => merge::undo(app, tx, by, holder).await,
                }
            })
        });
        done.await.map_err(|refusal| refusal.kind())
    }

    async fn look(&self, holder: HolderId) -> Household {
        let (app, by) = (self.office.app.clone(), self.clerk);
        let looked = self.office.app.db.write::<_, Refusal, _>(move |tx| {
            Box::pin(async move { look(&app, tx, by, holder, Purpose::HolderRequest).await })
        });
        looked.await.unwrap()
    }

    async fn members(&self, holder: HolderId) -> Vec<(HolderId, Relationship)> {
        self.look(holder).await.members.into_iter().map(|one| (one.person, one.relationship)).collect()
    }

    async fn reads(&self, holder: HolderId) -> Vec<String> {
        let rows = reads(&mut self.office.app.db.read().await.unwrap(), holder, 100).await.unwrap();
        rows.into_iter().map(|(_, staff, purpose, field)| format!("{staff} {purpose} {field}")).collect()
    }
}

#[tokio::test]
async fn people_join_a_household_leave_it_and_what_was_is_kept() {
    let desk = Desk::new().await;
    let [one, other, third, alone] =
        [desk.person(1).await, desk.person(2).await, desk.person(3).await, desk.person(4).await];
    desk.act(other, Act::Join(one, Spouse)).await.unwrap();
    // Whose document was shown does not matter: it is the head to whom somebody is related.
    desk.act(third, Act::Join(other, Son)).await.unwrap();
    assert_eq!(desk.members(other).await, [(one, Head), (other, Spouse), (third, Son)]);
    for (holder, act) in [
        (third, Act::Join(alone, Son)),
        (alone, Act::Join(alone, Son)),
        (one, Act::Leave(Changed)),
        (one, Act::Relate(Parent, Changed)),
        (alone, Act::Leave(Changed)),
    ] {
        assert_eq!(desk.act(holder, act).await, Err(ProblemType::Conflict));
    }
    let nobody = HolderId::new(one.shard(), [9; 16]);
    assert_eq!(desk.act(alone, Act::Join(nobody, Son)).await, Err(ProblemType::NotFound));
    // A daughter, that is; and she is the head from now on.
    desk.act(third, Act::Relate(Daughter, Mistyped)).await.unwrap();
    desk.act(third, Act::Head(Parent)).await.unwrap();
    let [first, rest @ ..] = &desk.members(one).await[..] else { panic!("a household") };
    assert_eq!(*first, (third, Head), "the head stands first");
    assert!(rest.len() == 2 && [(one, Parent), (other, NotSaid)].iter().all(|member| rest.contains(member)));
    let earlier: Vec<_> = desk.look(third).await.earlier.into_iter().map(|(_, _, how)| how).collect();
    assert_eq!(earlier, [Daughter], "what was wrong from the beginning never was");
    desk.act(other, Act::Leave(Changed)).await.unwrap();
    desk.act(third, Act::Leave(Changed)).await.unwrap();
    assert!(desk.members(one).await.is_empty(), "who is left alone is no household");
    let ended: i64 = query("SELECT COUNT(*) FROM household_member WHERE ended IS NOT NULL")
        .scalar_one(&mut desk.office.app.db.read().await.unwrap())
        .await
        .unwrap();
    assert_eq!(ended, 7, "every one is kept");
}

#[tokio::test]
async fn every_member_can_see_who_looked_and_nothing_lies_in_clear() {
    let desk = Desk::new().await;
    let [one, other] = [desk.person(1).await, desk.person(2).await];
    desk.act(other, Act::Join(one, Sibling)).await.unwrap();
    assert!(desk.reads(one).await.is_empty() && desk.reads(other).await.is_empty());
    assert_eq!(desk.look(other).await.members[0].name, "测隐户1");
    for holder in [one, other] {
        assert_eq!(desk.reads(holder).await, ["clerk holder_request name", "clerk holder_request household"]);
    }
    let contents = desk.office.scratch.contents().await;
    assert!(!contents.windows("测隐户".len()).any(|window| window == "测隐户".as_bytes()));
    let app = &desk.office.app;
    let sealed: Vec<Vec<u8>> = query("SELECT sealed FROM household_member ORDER BY since")
        .scalars(&mut app.db.read().await.unwrap())
        .await
        .unwrap();
    assert!(sealed.iter().all(|one| one.len() > 1), "a code is sealed");
}

#[tokio::test]
async fn of_two_records_of_a_person_the_kept_one_stands_in_the_household_until_that_is_undone() {
    let desk = Desk::new().await;
    let [one, other, twice] = [desk.person(1).await, desk.person(2).await, desk.person(3).await];
    desk.act(twice, Act::Join(one, Spouse)).await.unwrap();
    desk.act(twice, Act::Merge(other)).await.unwrap();
    assert_eq!(desk.members(other).await, [(one, Head), (other, Spouse)]);
    assert_eq!(desk.act(other, Act::Join(one, Spouse)).await, Err(ProblemType::Conflict), "the person belongs already");
    desk.act(twice, Act::Undo).await.unwrap();
    assert_eq!(desk.members(one).await, [(one, Head), (twice, Spouse)]);
    // Both belong to the same household: the person stands there once.
    desk.act(other, Act::Join(one, Sibling)).await.unwrap();
    desk.act(twice, Act::Merge(other)).await.unwrap();
    assert_eq!(desk.members(one).await, [(one, Head), (other, Sibling)]);
    desk.act(twice, Act::Undo).await.unwrap();
    assert_eq!(desk.members(one).await.len(), 3);
}

#[tokio::test]
async fn a_newcomer_is_offered_who_lives_in_the_same_room_and_joins_with_the_registration() {
    let desk = Desk::new().await;
    let app = &desk.office.app;
    let [one, other] = [desk.person(1).await, desk.person(2).await];
    let next_door = Desk::lives(3, "测隐户3", "302");
    desk.register(next_door.clone(), None).await.unwrap();
    desk.act(other, Act::Join(one, Spouse)).await.unwrap();
    let newcomer = Desk::lives(4, "测隐户4", "３０１");
    let offered = async |facts: &Facts| candidates(app, &mut app.db.read().await.unwrap(), facts).await.unwrap();
    assert_eq!(offered(&newcomer).await, [one], "the head, once");
    assert_eq!(offered(&Desk::lives(4, "测隐户4", "303")).await, []);
    assert_eq!(offered(&newcomer.clone().with(Field::Home, "employer")).await, [], "a dormitory is no household");
    assert_eq!(offered(&newcomer.clone().with(Field::Address, "测户路 2 号")).await, []);
    let answer = Some(HouseholdAnswer::Of { person: one, relationship: Some(Daughter) });
    let child = desk.register(newcomer, answer).await.unwrap();
    assert_eq!(desk.members(child).await, [(one, Head), (other, Spouse), (child, Daughter)]);
    // Who cannot be taken into the household is not registered either.
    let gone = Some(HouseholdAnswer::Of { person: HolderId::new(one.shard(), [9; 16]), relationship: Some(Son) });
    desk.register(Desk::lives(5, "测隐户5", "301"), gone).await.unwrap_err();
    desk.register(Desk::lives(5, "测隐户5", "301"), None).await.unwrap();
    // Too many for a household: nobody's name is looked at.
    for number in 10..20 {
        desk.person(number).await;
    }
    assert_eq!(offered(&Desk::lives(30, "测隐户30", "301")).await, []);
}

#[tokio::test]
async fn a_registration_is_not_taken_back_once_somebody_belongs_to_the_persons_household() {
    let desk = Desk::new().await;
    let [one, other, third] = [desk.person(1).await, desk.person(2).await, desk.person(3).await];
    desk.act(other, Act::Join(one, Spouse)).await.unwrap();
    for (holder, goes) in [(one, false), (other, false), (third, true)] {
        let app = desk.office.app.clone();
        let undone = desk
            .office
            .app
            .db
            .write::<_, Refusal, _>(move |tx| Box::pin(async move { unregister(&app, tx, holder).await }));
        assert_eq!(undone.await.unwrap(), goes);
    }
}

/// A form that goes along with a page says what was known when the page was opened.
fn knowing(page: &str, form: &str) -> String {
    let (_, after) = page.split_once("name=\"seen\" value=\"").expect("the page says what it knows of");
    format!("{form}&seen={}", after.split('"').next().unwrap().replace(' ', "+"))
}

#[tokio::test]
async fn of_two_clerks_at_one_household_the_second_is_told_what_the_first_did_and_loses_nothing() {
    let desk = Desk::new().await;
    let office = &desk.office;
    let [one, other] = [office.staff("one", StaffRole::Clerk).await, office.staff("other", StaffRole::Clerk).await];
    let [head, spouse, alone] = [desk.person(1).await, desk.person(2).await, desk.person(3).await];
    desk.act(spouse, Act::Join(head, Spouse)).await.unwrap();
    let open = async |token: &str, path: &str| office.browse(Some(token), path, None).await.page;
    let send = async |token: &str, path: &str, form: &str| office.browse(Some(token), path, Some(form)).await;
    let relationship = format!("/holders/{spouse}/household/relationship");
    let leaves = format!("/holders/{spouse}/household/leave");
    let joins = format!("/holders/{alone}/household");

    // Both have the page open; the first corrects the relationship.
    let late = open(&other, &relationship).await;
    let left = open(&other, &leaves).await;
    let form = knowing(&open(&one, &relationship).await, "relationship=sibling&why=mistyped");
    assert_eq!(send(&one, &relationship, &form).await.status, StatusCode::SEE_OTHER);
    let told = send(&other, &relationship, &knowing(&late, "relationship=parent&why=changed")).await;
    assert_eq!(told.status, StatusCode::CONFLICT);
    assert!(told.page.contains("one changed the household on "), "{}", told.page);
    for chosen in ["relationship-parent", "why-changed"] {
        let (_, input) = told.page.split_once(&format!("id=\"{chosen}\"")).unwrap();
        assert!(input.split('>').next().unwrap().contains("checked"), "{chosen} stays chosen: {}", told.page);
    }
    assert_eq!(desk.members(head).await, [(head, Head), (spouse, Sibling)], "what the first did stands");
    assert_eq!(send(&other, &leaves, &knowing(&left, "why=changed")).await.status, StatusCode::CONFLICT);
    // Sent once more, it is meant.
    let again = knowing(&told.page, "relationship=parent&why=changed");
    assert_eq!(send(&other, &relationship, &again).await.status, StatusCode::SEE_OTHER);
    assert_eq!(desk.members(head).await, [(head, Head), (spouse, Parent)]);

    // Somebody is said to be related to a head who is so no longer.
    let asked = send(&other, &joins, "document_kind=passport&document_number=T0000002").await.page;
    assert!(asked.contains("测隐户1"), "{asked}");
    let heads = format!("/holders/{spouse}/household/head");
    let form = knowing(&open(&one, &heads).await, "relationship=parent");
    assert_eq!(send(&one, &heads, &form).await.status, StatusCode::SEE_OTHER);
    let form = format!("whose={spouse}&relationship=son");
    let told = send(&other, &joins, &knowing(&asked, &form)).await;
    assert_eq!(told.status, StatusCode::CONFLICT);
    assert!(told.page.contains("测隐户2") && !told.page.contains("测隐户1"), "the head as it is now: {}", told.page);
    assert_eq!(desk.members(spouse).await.len(), 2);
    assert_eq!(send(&other, &joins, &knowing(&told.page, &form)).await.status, StatusCode::SEE_OTHER);
    assert_eq!(desk.members(spouse).await.last(), Some(&(alone, Son)));
    // What does not concern the person is not told: another joins or leaves.
    let late = open(&other, &format!("/holders/{head}/household/relationship")).await;
    desk.act(alone, Act::Leave(Changed)).await.unwrap();
    let form = knowing(&late, "relationship=sibling&why=changed");
    let path = format!("/holders/{head}/household/relationship");
    assert_eq!(send(&other, &path, &form).await.status, StatusCode::SEE_OTHER);
}
