//! No statement of the hot path reads through a table, or through all that one shard has of it.

use super::*;
use crate::db::recorder::{self, Recorded};
use crate::db::{Connection, Engine};
use crate::ledger::{self, AccountKey, AccountKind, Owner, Phase, Posted, Reference, Transfer, TransferKind, Unit};

/// Tables that never grow with taps: a step may go through all of them.
const SMALL: [&str; 4] = ["shard", "turn", "s", "terminal"];

/// Steps of a statement that read more the more taps there have been.
async fn grows(connection: &mut Connection, statement: &Recorded) -> Vec<String> {
    let Some(statement) = statement.statement.clone() else { return Vec::new() };
    let steps = statement.plan(connection).await.unwrap();
    let through = |step: &String| {
        let mut words = step.split_ascii_whitespace();
        let (verb, table) = (words.next(), words.next().unwrap_or_default());
        let constant = table == "CONSTANT" || table.starts_with(|first: char| first == '(' || first.is_ascii_digit());
        let all = verb == Some("SCAN") && !constant || step.ends_with("(shard=?)");
        all && !SMALL.contains(&table)
    };
    steps.into_iter().filter(through).collect()
}

fn begins_work(statement: &Recorded) -> bool {
    ["SELECT", "UPDATE", "DELETE"].iter().any(|verb| statement.text.trim_start().starts_with(verb))
}

#[tokio::test]
async fn no_statement_for_a_tap_or_a_transfer_reads_through_what_grows() {
    let town = Town::new().await;
    if town.scratch.db.engine() != Engine::Sqlite {
        return;
    }
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    let taps = [top_up(500), pay(200), GATE].map(|operation| terminal.tap(&card, Slot::Tap, operation));
    recorder::begin();
    for tap in &taps {
        assert_eq!(outcome(&town, &terminal, tap).await, Outcome::Accepted);
    }
    // Once more: they are looked up.
    town.submit(&terminal, &taps).await;
    // One comes late, and the faults of its lane are looked up.
    let [late, after] = [(); 2].map(|()| terminal.tap(&card, Slot::Tap, GATE));
    for tap in [&after, &late] {
        assert_eq!(outcome(&town, &terminal, tap).await, Outcome::Quarantined);
    }
    let shard = card.id.shard();
    let account = |kind| AccountKey { shard, owner: Owner([7; 16]), kind, unit: Unit::CnyFen };
    let (float, purse) = (account(AccountKind::CashFloat), account(AccountKind::Purse));
    let transfer = |phase, reference| {
        let (debit, credit) = if matches!(phase, Phase::Reversal { .. }) { (purse, float) } else { (float, purse) };
        let reference = Some(Reference([reference; 32]));
        Transfer { debit, credit, amount: 5, kind: TransferKind::TopUp, reference, phase }
    };
    let post = async |phase, reference| {
        let chain = vec![transfer(phase, reference)];
        let posted = town
            .scratch
            .db
            .write::<_, DbError, _>(move |tx| Box::pin(async move { ledger::post(tx, START, &[chain]).await }))
            .await
            .unwrap();
        match &posted[..] {
            [Ok(Posted::New(entries))] => entries[0].id,
            other => panic!("{other:?}"),
        }
    };
    let hold = post(Phase::Pending { timeout_micros: 1 }, 1).await;
    post(Phase::PostHold { hold }, 2).await;
    post(Phase::Pending { timeout_micros: 1 }, 3).await;
    let original = post(Phase::Posted, 4).await;
    post(Phase::Reversal { of: original }, 5).await;
    town.scratch
        .db
        .write::<_, DbError, _>(|tx| {
            Box::pin(async move { ledger::expire(tx, START.plus_seconds(100), 10).await.map(drop) })
        })
        .await
        .unwrap();
    let statements: Vec<_> = recorder::end().into_iter().filter(begins_work).collect();
    assert!(statements.len() > 20, "{statements:#?}");
    let mut connection = town.scratch.db.read().await.unwrap();
    for statement in &statements {
        let steps = grows(&mut connection, statement).await;
        assert!(steps.is_empty(), "{}: {steps:?}", statement.text);
    }
    // The same look finds a statement that goes through a shard, and one that goes through a table.
    for planted in ["SELECT t.cose FROM tap t WHERE t.shard = $1 AND t.outcome = 0", "SELECT t.cose FROM tap t"] {
        let text = planted.to_owned();
        let statement = query(planted);
        let statement = if planted.contains("$1") { statement.bind(1_i64) } else { statement };
        let planted = Recorded { text, shards: None, statement: Some(statement) };
        assert!(!grows(&mut connection, &planted).await.is_empty(), "{planted:?}");
    }
}
