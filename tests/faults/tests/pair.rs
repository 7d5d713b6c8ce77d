//! Two services on one PostgreSQL database.

use faults::pair;

#[test]
fn two_services_on_one_database_count_each_tap_once_though_one_of_them_is_killed() {
    let outcomes = pair::run().expect("one of the two always answers");
    println!("{outcomes}");
    assert_eq!(outcomes.findings, []);
    assert_eq!(outcomes.acknowledged, pair::TAPS, "every tap is accepted in the end");
    assert!(outcomes.twice > 0, "no batch was answered by both: the test shows nothing");
}
