//! What terminals are told of cards, in a real database.

use std::sync::Arc;

use card_schema::clock::Micros;
use card_schema::envelope::status_list::{CardStatus, Claims, SignedToken, StatusDelta, StatusList};
use card_schema::ids::CardId;

use super::{PublicKey, Since, StatusLists};
use crate::cards::CardState;
use crate::db::{DbError, query};
use crate::keys::Role;

use crate::testing::town::{START, TERMINALS_URL, Town, set_state};

const HOUR: i64 = 3_600;
/// The version of a first change: never one that a terminal may know from before a backup was restored.
const FIRST: u64 = START.seconds().cast_unsigned();

fn lists(town: &Town) -> StatusLists {
    StatusLists::new(Arc::clone(&town.keys), TERMINALS_URL)
}

fn read<C: Claims>(town: &Town, token: &[u8]) -> C {
    let signed = SignedToken::<C>::decode(token).unwrap();
    signed.verify(&PublicKey::from_sec1(&town.keys.public(Role::StatusList).unwrap()).unwrap()).unwrap();
    signed.claims
}

async fn list(town: &Town, lists: &StatusLists, now: Micros) -> StatusList {
    read(town, &lists.list(&town.scratch.db, now).await.unwrap().token)
}

async fn changes(town: &Town, lists: &StatusLists, since: u64) -> Option<StatusDelta> {
    match lists.since(&town.scratch.db, since, START).await.unwrap() {
        Since::Changes(token) => Some(read(town, &token)),
        Since::Nothing => None,
        Since::Unknown => panic!("there is a way from {since}"),
    }
}

async fn goes(town: &Town, card: CardId, state: CardState) {
    set_state(&town.scratch.db, START, card, state).await;
}

#[tokio::test]
async fn whoever_follows_the_changes_knows_what_the_list_says() {
    let town = Town::new().await;
    let service = lists(&town);
    let cards = [town.card().await.id, town.card().await.id, town.card().await.id];
    let first = list(&town, &service, START).await;
    assert_eq!((first.version, first.subject.as_str()), (1, service.uri()));
    assert!(changes(&town, &service, 1).await.is_none());

    let mut followed = vec![first];
    for (card, state) in [
        (0, CardState::Suspended),
        (1, CardState::Lost),
        (0, CardState::Active),
        (2, CardState::Suspended),
        (0, CardState::Suspended),
        (2, CardState::Blocked),
    ] {
        goes(&town, cards[card], state).await;
        let newest = list(&town, &lists(&town), START).await;
        followed.push(newest.clone());
        // Terminals are at every version that there was, and each comes to the newest in one step.
        for known in &followed[..followed.len() - 1] {
            let mut terminals = known.clone();
            changes(&town, &service, known.version).await.expect("changes").apply(&mut terminals).unwrap();
            assert_eq!(terminals.version, newest.version);
            for card in cards {
                let status = |list: &StatusList| list.statuses.get(card.status_index());
                assert_eq!(status(&terminals), status(&newest), "from {}", known.version);
            }
        }
    }
    let versions: Vec<u64> = followed.iter().map(|list| list.version).collect();
    assert!(versions.is_sorted() && versions[0] < versions[1], "{versions:?}");
    assert_eq!(versions[6] - versions[1], 5, "each change is a version");
    let newest = versions[6];
    goes(&town, cards[2], CardState::Returned).await;
    assert!(changes(&town, &service, newest).await.is_none(), "what terminals are told of it is what they were told");
}

#[tokio::test]
async fn a_list_is_signed_again_when_an_hour_has_passed_and_something_has_changed() {
    let town = Town::new().await;
    let (service, card) = (lists(&town), town.card().await.id);
    let at = async |after: i64| service.list(&town.scratch.db, START.plus_seconds(after)).await.unwrap();
    let first = at(0).await;
    assert_eq!(at(2 * HOUR).await.token, first.token, "nothing has changed");
    goes(&town, card, CardState::Lost).await;
    assert_eq!(at(HOUR - 1).await.token, first.token, "changes are asked for");
    let second = at(HOUR).await;
    assert_eq!((first.version, second.version), (1, FIRST));
    assert_eq!(read::<StatusList>(&town, &second.token).statuses.get(card.status_index()), CardStatus::Invalid);
}

#[tokio::test]
async fn there_is_no_way_from_a_version_that_never_was_nor_from_one_too_long_ago() {
    let town = Town::new().await;
    let (service, card) = (lists(&town), town.card().await.id);
    goes(&town, card, CardState::Lost).await;
    let is_unknown = async |since| matches!(service.since(&town.scratch.db, since, START).await, Ok(Since::Unknown));
    assert!(is_unknown(0).await && is_unknown(FIRST + 1).await && is_unknown(u64::MAX).await);
    assert!(!is_unknown(1).await && !is_unknown(FIRST).await);
    let before = service.list(&town.scratch.db, START).await.unwrap();

    // As many changes as one token may name, and one more.
    let many = query(
        "WITH RECURSIVE many (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM many WHERE number < $1)
         INSERT INTO status_change (version, at, status_index, status, leaf)
         SELECT $2 + number, 0, number, 2, 0 FROM many",
    )
    .bind(i64::try_from(StatusDelta::MAX_CHANGES).unwrap())
    .bind(i64::try_from(FIRST).unwrap());
    town.scratch
        .db
        .write::<_, DbError, _>(|tx| Box::pin(async move { many.execute(tx.conn()).await.map(drop) }))
        .await
        .unwrap();
    assert!(is_unknown(1).await);
    assert_eq!(changes(&town, &service, FIRST).await.expect("changes").changes.len(), StatusDelta::MAX_CHANGES);
    assert_eq!(
        service.list(&town.scratch.db, START).await.unwrap().token,
        before.token,
        "it can be followed from there"
    );
    goes(&town, town.card().await.id, CardState::Lost).await;
    let again = service.list(&town.scratch.db, START).await.unwrap();
    assert!(again.version > before.version, "a list that nobody can follow from is not given out");
}
