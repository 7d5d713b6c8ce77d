//! Which cards a station is told of, in a real database.

use super::{rules::Clock, store};
use crate::cards::{Bearer, CardState, api::set_state};
use crate::db::{DbError, query};
use crate::domains::residence::model::{Facts, Field};
use crate::domains::residence::{self, Registration};
use crate::people::StaffRole;
use crate::testing::office;
use crate::testing::town::card_of;

#[tokio::test]
async fn cards_that_expire_are_listed_the_most_urgent_first_and_those_that_nobody_uses_are_not() {
    let office = office().await;
    let app = &office.app;
    let clerk = office.member("clerk", StaffRole::Clerk).await.staff_id;
    let now = app.now();
    // Days until the end, and what became of the card.
    let table = [
        (200, CardState::Active),
        (40, CardState::Active),
        (10, CardState::Suspended),
        (20, CardState::Lost),
        (-3, CardState::Active),
        (-400, CardState::Active),
        (-5, CardState::Returned),
    ];
    let mut cards = Vec::new();
    for (at, (days, state)) in table.into_iter().enumerate() {
        let person = Facts::default().with(Field::DocumentNumber, format!("T000000{at}")).with(Field::Name, "测试甲");
        let holder = residence::register(app, clerk, Registration::of(person)).await.unwrap();
        let card = card_of(&app.db, Bearer::Holder(holder), state).await.id;
        let ends = now.plus_seconds(days * 86_400).0;
        let moved = query("UPDATE card SET expires_at = $1 WHERE card_id = $2").bind(ends).bind(card);
        app.db
            .write::<_, DbError, _>(|tx| Box::pin(async move { moved.execute(tx.conn()).await.map(drop) }))
            .await
            .unwrap();
        cards.push(card);
    }
    let clock = Clock::at(now);
    let mut connection = app.db.read().await.unwrap();
    let soon = store::between(&mut connection, (now, clock.renewed_up_to()), 10).await.unwrap();
    let over = store::ended(&mut connection, now, 10).await.unwrap();
    let of = |found: &[crate::cards::Card]| found.iter().map(|card| card.card_id).collect::<Vec<_>>();
    assert_eq!((of(&soon), of(&over)), (vec![cards[2], cards[1]], vec![cards[4], cards[5]]));
    assert!(over.iter().all(|card| clock.state(card) == CardState::Expired));
    drop(connection);

    // One whose time is over is taken back, and not into use.
    let refused = set_state(app, clerk, cards[4], CardState::Suspended, "holder_asked".to_owned()).await;
    assert_eq!(refused.unwrap_err().kind(), card_schema::wire::ProblemType::Conflict);
    let back = set_state(app, clerk, cards[4], CardState::Returned, "given_back".to_owned()).await.unwrap();
    assert_eq!(back.state, CardState::Returned);
}
