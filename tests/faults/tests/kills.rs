//! Kills under load; the long suite does more.

use faults::campaign::{self, Victim};

fn nothing_is_lost(victim: Victim, times: u32) {
    let seed = std::env::var("TOWN_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}: set TOWN_SEED={seed} to draw the same moments again");
    let report = campaign::run(victim, times, seed).expect("the town comes back after every kill");
    println!("{report}");
    assert_eq!(report.findings, []);
    assert!(report.acknowledged > 0, "nobody paid anything: the test shows nothing");
    assert!(report.traces.exchanges > report.acknowledged, "no APDUs were compared");
}

#[test]
fn a_daemon_killed_at_any_moment_loses_no_acknowledged_tap() {
    nothing_is_lost(Victim::Daemon, 50);
}

#[test]
fn a_service_killed_at_any_moment_loses_no_acknowledged_tap() {
    nothing_is_lost(Victim::Service, 50);
}

#[test]
fn a_service_on_postgresql_killed_at_any_moment_loses_no_acknowledged_tap() {
    nothing_is_lost(Victim::ServiceOnPostgres, 10);
}

#[test]
fn a_service_survives_its_postmaster_killed_at_any_moment_and_says_not_now_meanwhile() {
    nothing_is_lost(Victim::Postmaster, 10);
}

#[test]
fn a_service_survives_a_database_that_stands_still_for_some_seconds() {
    nothing_is_lost(Victim::FrozenPostgres, 3);
}
