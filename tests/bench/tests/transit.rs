//! The benchmark of fares in small: every figure is there.

use std::process::Command;

use serde_json::Value;

#[test]
fn fares_are_measured() {
    let run = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["transit", "--riders", "5", "--rounds", "1", "--format", "json"])
        .output()
        .expect("the benchmark starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let lines = String::from_utf8(run.stdout).expect("JSON is UTF-8");
    let figures: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let named =
        |name: &str| figures.iter().find(|figure| figure["figure"] == name).map(|figure| figure["value"].as_f64());
    assert_eq!(named("fare_decisions"), Some(Some(600.0)), "{figures:?}");
    for figure in ["import_s", "fare_decisions_per_s", "validator_ms_p95", "four_readers_to_one"] {
        assert!(named(figure).flatten().is_some_and(|value| value > 0.0), "{figure}: {figures:?}");
    }
}
