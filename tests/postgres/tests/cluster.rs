//! The cluster itself: it starts, is killed, comes back with what it had, and leaves nothing behind.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

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

#[test]
fn a_frozen_server_answers_when_it_goes_on_and_can_be_put_away_while_it_is_frozen() {
    let cluster = Cluster::start().unwrap();
    let url = cluster.database("town").unwrap();
    cluster.pause().unwrap();
    let mut asked =
        Command::new("psql").args(["-XAtq", "-c", "SELECT 7", &url]).stdout(Stdio::piped()).spawn().unwrap();
    // A signal is sent at once and heeded a moment later.
    let (began, stat) = (Instant::now(), format!("/proc/{}/stat", cluster.pid()));
    while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
        assert!(began.elapsed() < Duration::from_secs(30), "it is not stopped");
        std::thread::yield_now();
    }
    assert!(asked.try_wait().unwrap().is_none(), "a frozen server has answered");
    cluster.resume().unwrap();
    assert_eq!(asked.wait_with_output().unwrap().stdout, b"7\n");
    cluster.pause().unwrap();
    let pid = cluster.pid();
    drop(cluster);
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "the server is still there");
}
