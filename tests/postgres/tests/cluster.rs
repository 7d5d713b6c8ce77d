//! The cluster itself: it starts, is killed, comes back with what it had, and leaves nothing behind.

use std::{path::Path, process::Command};

use anyhow::{Result, ensure};
use postgres_cluster::Cluster;

fn psql(url: &str, sql: &str) -> Result<String> {
    let output = Command::new("psql").args(["-XAtq", "-c", sql, url]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

#[test]
fn what_was_committed_survives_a_kill_and_nothing_is_left_behind() {
    let mut cluster = Cluster::start().unwrap();
    let url = cluster.database("town").unwrap();
    assert_eq!(psql(&url, "SHOW fsync").unwrap(), "on");
    psql(&url, "CREATE TABLE note (id BIGINT); INSERT INTO note VALUES (7)").unwrap();
    cluster.kill().unwrap();
    cluster.restart().unwrap();
    assert_eq!(psql(&url, "SELECT id FROM note").unwrap(), "7");
    let pid = cluster.pid();
    drop(cluster);
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "the server is still there");
}
