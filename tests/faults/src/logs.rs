//! What the programs have logged that must not be.

use std::fs;

use anyhow::{Result, ensure};
use postgres_cluster::Cluster;
use town::service::Service;

use crate::checker::Finding;

/// Requests that failed by a fault of the service's own.
pub(crate) fn of_service(service: &Service) -> Result<Option<Finding>> {
    let times = count(&fs::read_to_string(service.log())?, &refusal("internal"));
    Ok((times > 0).then_some(Finding::Internal(times)))
}

/// Transactions that waited for one another.
pub(crate) fn of_server(cluster: &Cluster) -> Option<Finding> {
    let times = count(&cluster.log(), "deadlock detected");
    (times > 0).then_some(Finding::Deadlocks(times))
}

/// That refusals can be found in the log of a service that has refused something because of its database: a form of
/// line that nobody finds would hide faults.
pub(crate) fn names_refusals(service: &Service) -> Result<()> {
    let times = count(&fs::read_to_string(service.log())?, &refusal("storage"));
    ensure!(times > 0, "the service's log does not say what was refused: its lines have another form");
    Ok(())
}

fn refusal(problem: &str) -> String {
    format!("problem=\"{problem}\"")
}

fn count(log: &str, words: &str) -> usize {
    log.lines().filter(|line| line.contains(words)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_counted_by_its_kind_of_problem() {
        let line = |problem| {
            format!(
                "2026-01-01T00:00:00Z ERROR card_service::http::problem: request failed problem=\"{problem}\" cause=\"x\"\n"
            )
        };
        let log = [line("internal"), line("storage"), line("internal")].concat();
        assert_eq!(count(&log, &refusal("internal")), 2);
        assert_eq!(count(&log, &refusal("busy")), 0);
    }
}
