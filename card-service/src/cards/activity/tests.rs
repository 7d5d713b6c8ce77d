//! What staff may see of taps, and that nobody looks unseen.

use axum::http::StatusCode;
use card_schema::card::Slot;
use card_schema::envelope::Envelope;
use card_schema::envelope::receipt::{Receipt, Recorded};
use card_schema::ids::{CardId, Shard, TapId};
use card_schema::money::Fen;
use card_schema::operation::{Operation, OperationCode, gate, purse};
use card_schema::wire::ReceiptName;
use uuid::Uuid;

use super::store::Listed;
use super::{ActivityPurpose, store};
use crate::db::{Db, DbError, query};
use crate::evidence::Hash;
use crate::evidence::leaf::leaf_hash;
use crate::evidence::tree::check_inclusion;
use crate::hex;
use crate::people::{StaffId, StaffRole};
use crate::testing::office;
use crate::testing::shop::{Shop, pay, top_up};
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
    let top_up = Operation::PurseTopUp(purse::TopUp::cash(Fen(500)));
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

#[tokio::test]
async fn whoever_holds_a_receipt_sees_its_tap_and_the_proof_and_nobody_else_does() {
    let mut shop = Shop::new().await;
    shop.tap(top_up(5_000)).await;
    let paid = shop.signed(pay(1_250), 0);
    let batch = shop.terminal.batch(std::slice::from_ref(&paid));
    let answer = shop.office.intake.accept(shop.terminal.id, &batch).await.unwrap();
    let outcome = Envelope::<Receipt>::decode(&answer).unwrap().payload.outcomes.remove(0);
    let receipt = ReceiptName { recorded: outcome.recorded.unwrap(), tap: paid.id };
    let page = receipt.page("");
    let seen = shop.office.browse(None, &page, None).await;
    for said in ["Payment", "12.50 yuan", "Test Till", "Accepted", "within seconds"] {
        assert!(seen.page.contains(said), "{said}: {}", seen.page);
    }
    assert!(!seen.page.contains(&shop.card.id.to_string()[..8]), "no card: {}", seen.page);
    assert_eq!(shop.office.browse(None, &format!("{page}/proof"), None).await.status, StatusCode::CONFLICT);
    let head = shop.office.log.integrate(shop.office.app.now()).await.unwrap().unwrap();
    let seen = shop.office.browse(None, &page, None).await.page;
    assert!(seen.contains("The log has it") && seen.contains(&hex::encode(&head.root)), "{seen}");
    let proof = shop.office.browse(None, &format!("{page}/proof"), None).await.page;
    let proof: serde_json::Value = serde_json::from_str(&proof).unwrap();
    let hashes = |value: &serde_json::Value| hex::decode(value.as_str().unwrap()).unwrap();
    let path: Vec<Hash> =
        proof["proof"].as_array().unwrap().iter().map(|hash| hashes(hash).try_into().unwrap()).collect();
    let (index, leaf) = (proof["index"].as_u64().unwrap(), leaf_hash(&hashes(&proof["leaf_body"])));
    assert!(check_inclusion(&path, head.size, head.root, index, leaf));
    assert!(proof.get("tap").is_none() && proof.get("salt").is_none(), "what is signed names the card: {proof}");

    let stranger = ReceiptName { tap: TapId([7; 32]), ..receipt };
    let beside = ReceiptName { recorded: Recorded { leaf: receipt.recorded.leaf + 1, ..receipt.recorded }, ..receipt };
    let nowhere = ReceiptName { recorded: Recorded { leaf: u64::MAX, ..receipt.recorded }, ..receipt };
    let gate = shop.signed(Operation::GateCheck(gate::Check), 0);
    let answer = shop.office.intake.accept(shop.terminal.id, &shop.terminal.batch(std::slice::from_ref(&gate))).await;
    let outcome = Envelope::<Receipt>::decode(&answer.unwrap()).unwrap().payload.outcomes.remove(0);
    let gate = ReceiptName { recorded: outcome.recorded.unwrap(), tap: gate.id };
    for (what, name) in [("another tap", stranger), ("another leaf", beside), ("no leaf", nowhere), ("a gate", gate)] {
        let seen = shop.office.browse(None, &name.page(""), None).await;
        assert_eq!(seen.status, StatusCode::NOT_FOUND, "{what}");
        assert!(seen.page.contains("There is no such receipt"), "{what}: {}", seen.page);
    }
    assert_eq!(shop.office.browse(None, "/receipts/whatever", None).await.status, StatusCode::NOT_FOUND);
}
