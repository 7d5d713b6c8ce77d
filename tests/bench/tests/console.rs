//! The console's benchmark in small: every figure is there.

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

fn figures(db: &str) -> BTreeMap<String, f64> {
    let run = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args([
            "console",
            "--db",
            db,
            "--people",
            "300",
            "--rounds",
            "3",
            "--sittings",
            "1",
            "--rows",
            "60",
            "--format",
            "json",
        ])
        .output()
        .expect("the benchmark starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let lines = String::from_utf8(run.stdout).expect("JSON is UTF-8");
    let figure = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("a line is JSON");
        assert_eq!(line["bench"], "console");
        (line["figure"].as_str().expect("a figure has a name").to_owned(), line["value"].as_f64().expect("a number"))
    };
    lines.lines().map(figure).collect()
}

fn expect_figures(db: &str) {
    let figures = figures(db);
    for page in ["home", "find_somebody", "record", "check", "similar", "registered", "permits", "activity", "card"] {
        assert!(figures[&format!("page_ms_p95_{page}")] > 0.0, "{page}: {figures:#?}");
    }
    // Built without optimisation and beside other tests: times say nothing but that they were taken.
    for figure in ["page_ms_p95", "duplicate_search_ms_p95", "import_60_s", "registration_machine_s"] {
        assert!(figures[figure] > 0.0, "{figure}: {figures:#?}");
    }
    let page = figures["page_kb_max"];
    assert!(page > 5.0 && page <= 60.0, "the heaviest page: {page} kB");
}

#[test]
fn the_console_is_measured_on_sqlite() {
    expect_figures("sqlite");
}

#[test]
fn the_console_is_measured_on_postgresql() {
    expect_figures("postgres");
}
