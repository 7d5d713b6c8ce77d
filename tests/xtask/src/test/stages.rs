//! The stages, cheapest first. All that compile share one profile and one set of features, so that the workspace is
//! compiled once for clippy and once for everything else.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use postgres_cluster::Cluster;

use super::{Stage, fuzz, planted};
use crate::{process, tree};

/// In the order in which they run.
pub(crate) const STAGES: &[Stage] = &[
    Stage { name: "fmt", what: "the code is formatted", needs: None, run: fmt },
    Stage { name: "typos", what: "the words are spelled", needs: None, run: typos },
    Stage { name: "deny", what: "dependencies, their licences and sources are allowed", needs: None, run: deny },
    Stage { name: "shear", what: "every dependency is used", needs: None, run: shear },
    Stage { name: "tidy", what: "the tree keeps its own rules", needs: None, run: tidy },
    Stage { name: "clippy", what: "no lint is left", needs: None, run: clippy },
    Stage { name: "build", what: "programs and tests compile", needs: None, run: build },
    Stage { name: "nextest", what: "unit, property and whole-town tests", needs: Some("build"), run: nextest },
    Stage { name: "postgres", what: "the service's tests on PostgreSQL", needs: Some("build"), run: postgres },
    Stage { name: "planted", what: "kills find an early acknowledgement", needs: Some("build"), run: planted::run },
    Stage { name: "doctest", what: "examples in the documentation", needs: Some("build"), run: doctest },
    Stage { name: "interop", what: "signed objects against an implementation of others", needs: None, run: interop },
    Stage { name: "api", what: "the API against its description", needs: Some("build"), run: api },
    Stage { name: "fuzz", what: "decoders against kept and new inputs", needs: None, run: fuzz::run },
];

fn fmt() -> Result<String> {
    process::run_quietly(process::cargo().args(["fmt", "--all", "--check"]))?;
    Ok(String::new())
}

fn typos() -> Result<String> {
    process::run_quietly(process::command(tree::tool("typos")).args(["--format", "brief"]))?;
    Ok(String::new())
}

fn deny() -> Result<String> {
    let deny = |checks: &[&str]| {
        let mut deny = process::cargo_tool("deny");
        deny.args(["--offline", "--locked", "--log-level", "error", "--config", ".config/deny.toml", "check"]);
        deny.args(checks);
        deny
    };
    // The dependencies' manifests must be here before deny may look at them offline.
    process::run_quietly(process::cargo().args(["fetch", "--locked", "--quiet"]))?;
    process::run_quietly(&mut deny(&["bans", "licenses", "sources"]))?;
    if !advisory_database_is_present() {
        return Ok("advisories not checked: no advisory database on this machine".to_owned());
    }
    process::run_quietly(deny(&["advisories"]).arg("--disable-fetch"))?;
    Ok("advisories checked against the database on this machine".to_owned())
}

/// Whether a copy of the advisory database lies in cargo's home, where cargo-deny looks for it.
fn advisory_database_is_present() -> bool {
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    home.is_some_and(|home| {
        fs::read_dir(home.join("advisory-dbs"))
            .is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(|entry| entry.path().is_dir())))
    })
}

fn shear() -> Result<String> {
    process::run_quietly(&mut process::cargo_tool("shear"))?;
    Ok(String::new())
}

fn tidy() -> Result<String> {
    nextest_quietly(&["--package", "tidy"])
}

fn clippy() -> Result<String> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    process::run(process::cargo().args(arguments))?;
    Ok(String::new())
}

fn build() -> Result<String> {
    process::run(process::cargo().args(["build", "--workspace", "--all-targets", "--locked"]))?;
    Ok(String::new())
}

fn nextest() -> Result<String> {
    process::run(process::cargo_tool("nextest").args(["nextest", "run", "--workspace", "--locked"]))?;
    Ok(String::new())
}

/// The service's own tests run on SQLite with all others; here once more, each in a schema of its own on a server.
fn postgres() -> Result<String> {
    let cluster = Cluster::start()?;
    let url = cluster.database("tests")?;
    let mut nextest = process::cargo_tool("nextest");
    // Of the whole workspace, so that what was built for the stage before serves here as well.
    let only = ["--workspace", "--locked", "-E", "package(card-service)"];
    nextest.args(["nextest", "run"]).args(only).env("TEST_DATABASE_URL", url);
    process::run(&mut nextest)?;
    Ok(String::new())
}

fn nextest_quietly(arguments: &[&str]) -> Result<String> {
    let mut nextest = process::cargo_tool("nextest");
    nextest.args(["nextest", "run", "--locked", "--cargo-quiet"]).args(arguments);
    let printed = process::run_quietly(&mut nextest)?;
    let summary = printed.lines().find_map(|line| line.trim_start().strip_prefix("Summary"));
    Ok(summary.map(|line| line.rsplit(']').next().unwrap_or(line).trim().to_owned()).unwrap_or_default())
}

fn doctest() -> Result<String> {
    let printed = process::run_quietly(process::cargo().args(["test", "--workspace", "--doc", "--locked"]))?;
    let examples = printed.lines().filter(|line| line.starts_with("test ") && line.ends_with("... ok")).count();
    Ok(format!("{examples} examples"))
}

fn interop() -> Result<String> {
    let script = tree::root().join("tests/xtask/interop/verify.py");
    let printed = process::run_quietly(process::command(tree::tool("python")).arg(script))?;
    Ok(printed.lines().last().unwrap_or_default().to_owned())
}

fn api() -> Result<String> {
    let mut conformance = process::command(tree::target().join("debug/conformance"));
    conformance.arg("--schemathesis").arg(tree::tool("schemathesis"));
    let printed = process::run_quietly(&mut conformance)?;
    Ok(printed.lines().last().unwrap_or_default().to_owned())
}
