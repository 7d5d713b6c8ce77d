//! What a superuser may try beyond changing a byte: taking rows out, putting rows in, putting rows back, cleaning up.

use super::super::super::tables::{self, TABLES};
use super::*;
use crate::testing::town::set_state;

fn named(report: &Report, row: &str) -> bool {
    report.findings.iter().any(|finding| finding.row == row)
}

#[tokio::test]
async fn values_put_to_null_and_rows_taken_out_are_noticed() {
    let mut audited = Audited::new().await;
    let key = audited.key();
    let original = audited.export().await;
    for table in TABLES {
        let rows = original.rows(table);
        for at in 0..rows.len() {
            let mut export = original.clone();
            export.rows_mut(table).remove(at);
            let report = verify(&export, &key, &mut ()).unwrap();
            // An older checkpoint may be forgotten; the newest may not.
            let forgettable = table.name == "checkpoint" && at + 1 < rows.len();
            assert_eq!(report.ok, forgettable, "without {}:\n{report}", name(table, &rows[at]));
            for column in 0..rows[at].len() {
                let mut export = original.clone();
                export.rows_mut(table)[at][column] = Value::Null;
                let same = rows[at][column] == Value::Null;
                let unsigned = table.name == "checkpoint" && table.columns[column] == "at";
                let unsalted = table.columns.get(column) == Some(&"salt") && rows_of_leaf(&original, &rows[at]) == 0;
                let report = verify(&export, &key, &mut ()).unwrap();
                assert_eq!(report.ok, same || unsigned || unsalted, "{column} of {}", name(table, &rows[at]));
            }
        }
    }
}

/// How many rows a leaf speaks for that no later leaf has replaced: its salt may go when there are none.
fn rows_of_leaf(export: &Memory, leaf: &[Value]) -> usize {
    let of = |table: &Table, row: &[Value]| {
        let shard =
            table.leaf_shard.and_then(|column| table.position(column)).map_or(Value::Int(0), |at| row[at].clone());
        [shard, row[table.position(tables::LEAF).unwrap()].clone()] == leaf[..2]
    };
    let committed = TABLES.into_iter().filter(|table| table.committed > 0);
    committed.map(|table| export.rows(table).iter().filter(|row| of(table, row)).count()).sum()
}

#[tokio::test]
async fn a_row_that_was_put_in_is_named() {
    let mut audited = Audited::new().await;
    let key = audited.key();
    let original = audited.export().await;
    for table in TABLES.into_iter().filter(|table| table.committed > 0) {
        for at in 0..original.rows(table).len() {
            let mut row = original.rows(table)[at].clone();
            match &mut row[table.key - 1] {
                Value::Int(number) => *number += 1_000_000,
                Value::Bytes(bytes) => bytes[0] ^= 1,
                Value::Text(text) => text.push('x'),
                other @ Value::Null => panic!("a key of another kind: {other:?}"),
            }
            let mut export = original.clone();
            export.rows_mut(table).push(row.clone());
            let report = verify(&export, &key, &mut ()).unwrap();
            assert!(named(&report, &name(table, &row)), "put in {}:\n{report}", name(table, &row));

            // The very same row a second time: no database holds it, a file may.
            let twice = original.rows(table)[at].clone();
            let mut export = original.clone();
            export.rows_mut(table).push(twice.clone());
            let report = verify(&export, &key, &mut ()).unwrap();
            assert!(named(&report, &name(table, &twice)), "twice {}:\n{report}", name(table, &twice));
        }
    }
}

#[tokio::test]
async fn a_row_that_was_put_back_to_what_it_once_was_is_named() {
    let mut audited = Audited::new().await;
    for undo in [
        // Revoked again enrolled, suspended again active: with the leaf that recorded it at that time.
        "UPDATE terminal SET state = 1, revoked_at = NULL, leaf = (SELECT MAX(leaf) FROM terminal WHERE state = 1) + 4
         WHERE state = 2",
        "UPDATE card SET state = 'active', leaf = (SELECT leaf FROM card_state_change c
         WHERE c.card_id = card.card_id AND c.state_after = 'active')",
    ] {
        audited.sql(undo).await;
    }
    let report = audited.report().await;
    let problem = |row: &str| {
        let found = report.findings.iter().find(|finding| finding.row.starts_with(row));
        found.map_or(String::new(), |finding| finding.problem.clone())
    };
    assert!(problem("card card_id=").starts_with("is what it was before leaf "), "{report}");
    assert!(problem("terminal terminal_id=").contains("leaf"), "{report}");
}

#[tokio::test]
async fn a_row_that_was_altered_stays_in_the_log_when_the_office_changes_it_afterwards() {
    let mut audited = Audited::new().await;
    audited.sql("UPDATE card SET expires_at = expires_at + 1").await;
    let card = audited.card.id;
    set_state(&audited.town.scratch.db, START, card, CardState::Active).await;
    let report = audited.report().await;
    let found = report.findings.iter().find(|finding| finding.problem == "replaces a card row that was not recorded");
    assert!(found.is_some_and(|finding| finding.row.starts_with("leaf shard=")), "{report}");
}

#[tokio::test]
async fn a_salt_may_go_only_with_the_rows_of_its_leaf() {
    let mut audited = Audited::new().await;
    audited.sql("UPDATE leaf SET salt = NULL WHERE kind = 40").await;
    let report = audited.report().await;
    let problem = "its salt was erased while its rows are still recorded";
    assert!(report.findings.iter().any(|finding| finding.problem == problem), "{report}");
}

#[tokio::test]
async fn a_superuser_who_keeps_the_books_balanced_is_still_noticed() {
    for (case, changes, named) in [
        (
            "an amount and both balances",
            [
                "UPDATE transfer SET amount = amount - 1000 WHERE kind = 1",
                "UPDATE account SET balance = balance + 1000 WHERE kind = 1",
                "UPDATE account SET balance = balance - 1000 WHERE kind = 2",
            ],
            "transfer ",
        ),
        (
            "a transfer taken out",
            [
                "DELETE FROM transfer WHERE kind = 1",
                "UPDATE account SET balance = 5000 WHERE kind = 1",
                "UPDATE account SET balance = 0 WHERE kind = 2",
            ],
            "leaf ",
        ),
        (
            "a tap that was refused after all",
            [
                "UPDATE tap SET outcome = 9 WHERE operation = 257",
                "DELETE FROM transfer WHERE kind = 1",
                "UPDATE account SET balance = CASE kind WHEN 1 THEN 5000 WHEN 2 THEN 0 ELSE balance END",
            ],
            "tap ",
        ),
    ] {
        let mut audited = Audited::new().await;
        for sql in changes {
            audited.sql(sql).await;
        }
        let report = audited.report().await;
        assert!(report.findings.iter().any(|finding| finding.row.starts_with(named)), "{case}:\n{report}");
    }
}

#[tokio::test]
async fn leaves_that_were_given_other_places_are_named() {
    for change in ["shard = shard + 1", "leaf_id = leaf_id + 1", "leaves = leaves - 1", "tree_index = tree_index + 1"] {
        let mut audited = Audited::new().await;
        let longest = "(SELECT tree_index FROM leaf_run ORDER BY leaves DESC LIMIT 1)";
        audited.sql(format!("UPDATE leaf_run SET {change} WHERE tree_index = {longest}")).await;
        let report = audited.report().await;
        assert!(report.findings.iter().any(|finding| finding.row.starts_with("leaf ")), "{change}:\n{report}");
    }
}

#[tokio::test]
async fn a_gap_that_was_hidden_is_named() {
    let mut audited = Audited::new().await;
    assert_eq!(audited.report().await.rows_of(&tables::LANE_EVENT), 1);
    audited.sql("DELETE FROM lane_event").await;
    let report = audited.report().await;
    assert!(report.findings.iter().any(|finding| finding.row.starts_with("tap ")), "{report}");
}

#[tokio::test]
async fn a_lane_that_has_not_come_to_its_taps_is_said_and_one_that_is_nowhere_is_named() {
    let mut audited = Audited::new().await;
    let key = audited.key();
    let original = audited.export().await;
    let (counter, head) = (tables::LANE.position("counter").unwrap(), tables::LANE.position("head").unwrap());
    let of_lane = |table: &Table, row: &[Value]| {
        row[table.position("terminal_id").unwrap()] == Value::Bytes(audited.terminal.id.as_bytes().to_vec())
    };
    let place = original.rows(&tables::LANE).iter().position(|row| of_lane(&tables::LANE, row)).unwrap();
    // One number was folded.
    let taps = 1 + original.rows(&tables::TAP).iter().filter(|row| of_lane(&tables::TAP, row)).count() as u64;
    let with_lane = |at: i64, id: [u8; 32]| {
        let mut export = original.clone();
        let lane = &mut export.rows_mut(&tables::LANE)[place];
        (lane[counter], lane[head]) = (Value::Int(at), Value::Bytes(id.to_vec()));
        verify(&export, &key, &mut ()).unwrap()
    };
    assert_eq!(verify(&original, &key, &mut ()).unwrap().pending_taps, 0);
    // As a service leaves it that is killed in the middle of a lane's first group.
    let report = with_lane(0, [0; 32]);
    assert!(report.ok && report.pending_taps == taps, "{report}");
    for (at, id) in [(0, [1; 32]), (1, [0; 32]), (1_000, [1; 32])] {
        let report = with_lane(at, id);
        let problem = "is not at a tap of its lane";
        assert!(report.findings.iter().any(|finding| finding.problem == problem), "{at}:\n{report}");
    }
}

#[tokio::test]
async fn whoever_altered_everything_gets_a_list_that_ends() {
    let mut audited = Audited::new().await;
    let key = audited.key();
    let mut export = audited.export().await;
    let row = export.rows(&tables::SIGN_IN)[0].clone();
    for number in 0..20_000 {
        let mut row = row.clone();
        row[0] = Value::Int(1_000_000 + number);
        export.rows_mut(&tables::SIGN_IN).push(row);
    }
    let report = verify(&export, &key, &mut ()).unwrap();
    assert_eq!((report.findings.len(), report.further_findings), (10_000, 10_000));
    assert!(report.to_string().contains("NOT verified: 20000 findings"), "{report}");
}
