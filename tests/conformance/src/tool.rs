//! Running schemathesis, and reading what it reports.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;
use town::process;

use crate::document::Lie;
use crate::scene::Scene;

/// What is looked at in each answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
const TERMINALS_TAG: &str = "terminal listener";

/// Signing out would end the session of all that follows, and asking for a job would wait for one.
const SETTINGS: &str = "\
[[operations]]
include-name = \"DELETE /v1/sessions\"
headers = { Authorization = \"Bearer nobody\" }

[[operations]]
include-name = \"GET /v1/jobs/next\"
parameters = { wait_s = 0 }
";

/// The service's listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listener {
    Public,
    Terminals,
}

impl Listener {
    pub(crate) const ALL: [Self; 2] = [Self::Public, Self::Terminals];

    /// Method and path of each operation that a description has for this listener.
    pub(crate) fn operations(self, document: &Value) -> Vec<String> {
        let mut found = Vec::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                if (operation["tags"][0] == TERMINALS_TAG) == (self == Self::Terminals) {
                    found.push(format!("{} {path}", method.to_uppercase()));
                }
            }
        }
        found
    }
}

/// schemathesis and whom it asks.
#[derive(Debug)]
pub(crate) struct Tool<'a> {
    program: PathBuf,
    examples: u32,
    folder: PathBuf,
    scene: &'a Scene,
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Report {
    /// For people.
    pub(crate) printed: String,
    /// Type and operations of each failure.
    pub(crate) failures: Vec<(String, String)>,
    /// Requests.
    pub(crate) asked: u64,
    said: Value,
}

impl<'a> Tool<'a> {
    pub(crate) fn new(program: PathBuf, examples: u32, scene: &'a Scene) -> Result<Self> {
        let folder = scene.town.folder().join("schemathesis");
        fs::create_dir(&folder)?;
        fs::write(folder.join("schemathesis.toml"), SETTINGS)?;
        Ok(Self { program, examples, folder, scene })
    }

    /// Asks a listener what the description promises.
    pub(crate) fn run(&self, listener: Listener, document: &Value) -> Result<Report> {
        let described = self.folder.join("openapi.json");
        let reported = self.folder.join("report.json");
        fs::write(&described, document.to_string())?;
        let mut command = process::tethered(&self.program);
        command.current_dir(&self.folder).arg("run").arg(&described);
        command.args(["--no-color", "--checks", CHECKS, "--phases", "examples,coverage,fuzzing"]);
        command.args(["--generation-deterministic", "--continue-on-failure", "--suppress-health-check", "all"]);
        command.args(["--max-examples", &self.examples.to_string()]);
        command.arg("--tls-verify").arg(self.scene.town.service.root());
        command.args(["--report", "json", "--report-json-path"]).arg(&reported);
        match listener {
            Listener::Public => {
                command.args(["--url", &self.scene.public_url, "--exclude-tag", TERMINALS_TAG]);
                command.args(["--header", &format!("Authorization: Bearer {}", self.scene.token)]);
            }
            Listener::Terminals => {
                command.args(["--url", &self.scene.terminals_url, "--include-tag", TERMINALS_TAG]);
                command.arg("--request-cert").arg(&self.scene.terminal.0);
                command.arg("--request-cert-key").arg(&self.scene.terminal.1);
            }
        }
        let output = command.output().with_context(|| format!("starting {}", self.program.display()))?;
        let printed = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        let report = fs::read(&reported).with_context(|| format!("schemathesis reported nothing\n{printed}"))?;
        fs::remove_file(&reported)?;
        Report::new(printed, serde_json::from_slice(&report)?)
    }
}

impl Report {
    fn new(printed: String, report: Value) -> Result<Self> {
        let failures = report["failures"].as_array().context("the report has failures")?;
        let failure = |failure: &Value| {
            (failure["type"].as_str().unwrap_or_default().to_owned(), failure["operations"].to_string())
        };
        Ok(Self {
            printed,
            failures: failures.iter().map(failure).collect(),
            asked: report["test_cases"]["generated"].as_u64().context("the report counts requests")?,
            said: report,
        })
    }

    /// Whether nothing went wrong in the asking.
    pub(crate) fn complete(&self) -> bool {
        self.said["complete"] == true && self.said["errors"].as_array().is_some_and(Vec::is_empty)
    }

    /// Those of these operations of which no request was carried out: their replies were not looked at.
    pub(crate) fn never_accepted<'o>(&self, operations: &'o [String]) -> Vec<&'o String> {
        let accepted = |operation: &&String| {
            let phases = self.said["valid_rates"][operation.as_str()].as_object();
            phases.is_some_and(|phases| phases.values().any(|phase| phase["accepted"].as_u64() > Some(0)))
        };
        operations.iter().filter(|operation| !accepted(operation)).collect()
    }

    /// Whether a lie was found.
    pub(crate) fn found(&self, lie: Lie) -> bool {
        self.failures.iter().any(|(kind, operations)| kind == lie.found_as && operations.contains(lie.operation))
    }
}
