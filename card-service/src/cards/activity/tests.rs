//! What staff may see of taps, and that nobody looks unseen.

use card_schema::card::Slot;
use card_schema::ids::{CardId, Shard};
use card_schema::money::Fen;
use card_schema::operation::{Operation, OperationCode, gate, purse};
use uuid::Uuid;

use super::store::Listed;
use super::{ActivityPurpose, store};
use crate::db::{Db, DbError, query};
use crate::people::{StaffId, StaffRole};
use crate::testing::office;
use crate::testing::town::{START, Town};

const PURPOSE: ActivityPurpose = ActivityPurpose::Complaint;

/// Looks at all cards, or at one. Answers what was seen and how many looks the log has.
async fn look(db: &Db, card: Option<CardId>) -> (Listed, i64) {
    let who = StaffId(Uuid::from_u128(1));
    db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            let seen = match card {
                None => store::latest(tx, START, who, PURPOSE, None).await?,
                Some(card) => store::of_card(tx, START, who, PURPOSE, card, None).await?,
            };
            let looks = query("SELECT COUNT(*) FROM leaf WHERE kind = 43").scalar_one(tx.conn()).await?;
            Ok((seen, looks))
        })
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn every_look_leaves_a_leaf_in_the_transaction_that_reads() {
    let town = Town::new().await;
    assert_eq!(look(&town.scratch.db, None).await.1, 1);
    assert_eq!(look(&town.scratch.db, Some(CardId::new(1, Shard(3), [1; 16]))).await.1, 2);
}

#[tokio::test]
async fn where_somebody_goes_in_and_out_is_not_listed() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    let top_up = Operation::PurseTopUp(purse::TopUp { amount: Fen(500) });
    let taps = [top_up, Operation::GateCheck(gate::Check)].map(|tap| terminal.tap(&card, Slot::Tap, tap));
    town.submit(&terminal, &taps).await;
    assert_eq!(town.number("SELECT COUNT(*) FROM tap").await, 2);
    for whose in [None, Some(card.id)] {
        let (seen, _) = look(&town.scratch.db, whose).await;
        let operations: Vec<_> = seen.rows.iter().map(|row| row.operation).collect();
        assert_eq!(operations, [Some(OperationCode::PurseTopUp)]);
    }
}

#[tokio::test]
async fn a_card_that_is_not_ours_is_not_found_whatever_its_number_says() {
    let office = office().await;
    let token = office.staff("auditor1", StaffRole::Auditor).await;
    // The second has a shard that no holder is in.
    for card in [CardId::new(1, Shard(3), [1; 16]), CardId::new(1, Shard(200), [1; 16])] {
        let path = format!("/v1/cards/{card}/activity?purpose=complaint");
        let (status, problem) = office.public("GET", &path, Some(&token), None).await;
        assert_eq!(
            (status.as_u16(), &problem["type"]),
            (404, &"urn:nrc:problem:not-found".into()),
            "{card}: {problem}"
        );
    }
}
