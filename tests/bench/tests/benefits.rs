//! The benchmark of benefits in small: every figure is there.

use std::process::Command;

use serde_json::Value;

#[test]
fn what_employers_declare_is_measured() {
    let run = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["benefits", "--people", "30", "--rows", "10", "--format", "json"])
        .output()
        .expect("the benchmark starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let lines = String::from_utf8(run.stdout).expect("JSON is UTF-8");
    let figures: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    for figure in ["employer_file_10_s", "employer_file_taken_s", "month_taken_s", "eligibility_ms_p95"] {
        let named = figures.iter().find(|one| one["figure"] == figure);
        assert!(named.is_some_and(|one| one["value"].as_f64() > Some(0.0)), "{figure}: {figures:?}");
    }
    // Who is drawn twice is registered once.
    let month = |one: &Value| one["figure"].as_str().is_some_and(|name| name.starts_with("month_of_"));
    assert!(figures.iter().any(month), "{figures:?}");
}
