//! What a database that is spread over machines by `shard` relies on: every key of a holder's tables begins with it, and
//! a tap is decided and written with rows of its own shard alone.

use std::collections::BTreeSet;

use super::*;
use crate::db::recorder::{self, Recorded};
use crate::testing::Scratch;

/// Tables whose rows belong to a holder, or to what a holder does.
const HOLDERS: [&str; 41] = [
    "account",
    "activity_read",
    "card_deed",
    "card_state_change",
    "claim",
    "consent_act",
    "contribution",
    "contribution_dispute",
    "employment",
    "gate_count",
    "gate_credential",
    "holder",
    "home",
    "household_member",
    "leaf",
    "leaf_fold",
    "leaf_run",
    "open_hold",
    "person_key",
    "person_read",
    "person_fact",
    "person_fact_past",
    "person_told_apart",
    "person_merge",
    "person_photo",
    "paper_act",
    "permit",
    "permit_act",
    "points_lot",
    "purse_day",
    "purse_reversal",
    "rider",
    "rider_fare",
    "shard",
    "tap",
    "tap_settlement",
    "transfer",
    "transit_concession",
    "transit_correction",
    "transit_pass",
    "validation",
];
/// The service's own: they find a shard, or know no holder. Copied to every machine, or kept on one.
const SERVICES: [&str; 54] = [
    "_sqlx_migrations",
    "area",
    "approval",
    "blank_move",
    "card",
    "card_certificate",
    "card_key",
    "checkpoint",
    "clinic",
    "clinic_clearing",
    "consent_request",
    "contribution_receipt",
    "declaration",
    "document_index",
    "employer",
    "enrolment",
    "fare_group",
    "gate_pass",
    "gate_post",
    "gate_site",
    "house",
    "import",
    "import_row",
    "issuance",
    "issuance_step",
    "lane",
    "lane_event",
    "lane_fold",
    "map_count",
    "organisation",
    "organisation_profile",
    "person_trait",
    "points_member",
    "points_programme",
    "points_rule",
    "recovery_code",
    "registration_draft",
    "roster",
    "second_factor",
    "second_factor_use",
    "session",
    "sign_in",
    "staff",
    "staff_deed",
    "staff_post",
    "status_change",
    "suspicion",
    "suspicion_review",
    "tariff",
    "terminal",
    "terminal_deed",
    "tile",
    "turn",
    "unblock",
];

#[tokio::test]
async fn shard_is_in_every_unique_key_of_a_holders_table() {
    let scratch = Scratch::sqlite().await;
    let mut connection = scratch.db.read().await.unwrap();
    let tables: Vec<String> =
        query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name")
            .scalars(&mut connection)
            .await
            .unwrap();
    let known: BTreeSet<_> = HOLDERS.into_iter().chain(SERVICES).collect();
    assert_eq!(tables.iter().map(String::as_str).collect::<BTreeSet<_>>(), known, "every table is of one kind");
    let mut keys = 0;
    for table in HOLDERS {
        let unique: Vec<String> = query(r#"SELECT name FROM pragma_index_list($1) WHERE "unique" = 1"#)
            .bind(table)
            .scalars(&mut connection)
            .await
            .unwrap();
        assert!(!unique.is_empty(), "{table} has a primary key");
        for index in unique {
            let columns: Vec<String> =
                query("SELECT name FROM pragma_index_info($1)").bind(&index).scalars(&mut connection).await.unwrap();
            assert!(columns.iter().any(|column| column == "shard"), "{index} of {table}: {columns:?}");
            keys += 1;
        }
    }
    assert!(keys > HOLDERS.len(), "secondary keys were looked at, too");
}

/// The tables of holders that a statement names.
fn holders_tables(statement: &Recorded) -> Vec<&'static str> {
    let words: Vec<&str> = statement.text.split_ascii_whitespace().collect();
    let named = |table: &&str| {
        words.windows(2).any(|pair| ["FROM", "JOIN", "INTO", "UPDATE"].contains(&pair[0]) && pair[1] == *table)
    };
    HOLDERS.into_iter().filter(named).collect()
}

/// Whether a statement keeps to one shard.
fn stays_in(statement: &Recorded, shard: i64) -> bool {
    holders_tables(statement).is_empty() || statement.shards == Some([shard].into())
}

#[tokio::test]
async fn a_tap_is_decided_and_written_with_rows_of_its_own_shard_alone() {
    let town = Town::new().await;
    let (mut terminal, card) = (town.terminal().await, town.card().await);
    let shard = i64::from(card.id.shard().0);
    // The first opens accounts; what this process remembers by then is forgotten with a new intake.
    for operation in [top_up(500), pay(200), GATE] {
        let tap = terminal.tap(&card, Slot::Tap, operation);
        recorder::begin();
        assert_eq!(outcome(&town, &terminal, &tap).await, Outcome::Accepted);
        let statements = recorder::end();
        let of = |table: &str| statements.iter().filter(|statement| holders_tables(statement).contains(&table)).count();
        assert!(of("tap") > 0 && of("leaf") > 0, "{statements:#?}");
        for statement in &statements {
            assert!(stays_in(statement, shard), "shard {shard}: {statement:?}");
        }
    }
    // The same look finds a statement that goes elsewhere, and one that goes everywhere.
    let planted = |shards: Option<BTreeSet<i64>>| Recorded {
        text: "SELECT t.cose FROM tap t".to_owned(),
        shards,
        statement: None,
    };
    assert!(!stays_in(&planted(None), shard));
    assert!(!stays_in(&planted(Some([shard, shard + 1].into())), shard));
}
