//! Fifty kills of each program under load; the long suite does more.

use faults::campaign::{self, Victim};

fn nothing_is_lost(victim: Victim) {
    let seed = std::env::var("TOWN_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("seed {seed}: set TOWN_SEED={seed} to draw the same moments again");
    let report = campaign::run(victim, 50, seed).expect("the town comes back after every kill");
    println!("{report}");
    assert_eq!(report.findings, []);
    assert!(report.acknowledged > 0, "nobody paid anything: the test shows nothing");
    assert!(report.traces.exchanges > report.acknowledged, "no APDUs were compared");
}

#[test]
fn a_daemon_killed_at_any_moment_loses_no_acknowledged_tap() {
    nothing_is_lost(Victim::Daemon);
}

#[test]
fn a_service_killed_at_any_moment_loses_no_acknowledged_tap() {
    nothing_is_lost(Victim::Service);
}
