//! What processes have used of the processor and of memory, from `/proc`.

use std::fs;

use anyhow::{Context, Result};

/// Clock ticks a second in `/proc/PID/stat`: `USER_HZ`, 100 on every Linux this runs on.
const TICKS_A_SECOND: f64 = 100.0;

/// Seconds of processor time that these processes have used, with their threads and their children, also those that
/// have ended.
pub(crate) fn cpu_seconds(pids: &[u32]) -> Result<f64> {
    let mut sum = 0.0;
    for pid in pids {
        sum += cpu_of(*pid)?;
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
        for child in children.split_whitespace() {
            // One that ends meanwhile is counted with its parent from the next look on.
            sum += cpu_of(child.parse()?).unwrap_or_default();
        }
    }
    Ok(sum)
}

/// Seconds of processor time that this process has used, with threads that have ended, and without its children: a server
/// that goes on working, or one that has just ended, is not what is measured here.
pub(crate) fn own_cpu_seconds() -> Result<f64> {
    cpu_in(&fs::read_to_string("/proc/self/stat")?, 11..13)
}

/// Seconds of processor time that threads of a process have used whose name begins like this.
pub(crate) fn cpu_seconds_of_threads(pid: u32, name: &str) -> Result<f64> {
    let mut sum = 0.0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let folder = thread?.path();
        // A thread that ends meanwhile is not one that works for good.
        let Ok(comm) = fs::read_to_string(folder.join("comm")) else { continue };
        if comm.starts_with(name) {
            sum += cpu_in(&fs::read_to_string(folder.join("stat"))?, 11..13)?;
        }
    }
    Ok(sum)
}

fn cpu_of(pid: u32) -> Result<f64> {
    cpu_in(&fs::read_to_string(format!("/proc/{pid}/stat"))?, 11..15)
}

/// The sum of some fields of a `stat`, in seconds.
fn cpu_in(stat: &str, fields_wanted: std::ops::Range<usize>) -> Result<f64> {
    // The name in parentheses may hold blanks; utime, stime and those of ended children are fields 14 to 17
    // (proc_pid_stat(5)).
    let fields: Vec<&str> = stat.rsplit_once(')').context("no name in stat")?.1.split_whitespace().collect();
    let ticks = |index: usize| -> Result<f64> { Ok(fields.get(index).context("stat is short")?.parse()?) };
    Ok(fields_wanted.map(ticks).sum::<Result<f64>>()? / TICKS_A_SECOND)
}

/// The largest resident set that a process has had.
pub(crate) fn peak_resident_mib(pid: u32) -> Result<f64> {
    memory(pid, "VmHWM:")
}

/// The resident set of a process.
///
/// # Errors
/// When it is gone.
pub fn resident_mib(pid: u32) -> Result<f64> {
    memory(pid, "VmRSS:")
}

fn memory(pid: u32, name: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with(name)).with_context(|| format!("no {name}"))?;
    let kib: f64 = line.split_whitespace().nth(1).with_context(|| format!("no figure in {name}"))?.parse()?;
    Ok(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_processor_and_memory() {
        let before = cpu_seconds(&[std::process::id()]).unwrap();
        let mut sum = 0_u64;
        while cpu_seconds(&[std::process::id()]).unwrap() < before + 0.02 {
            sum = (0..100_000).fold(sum, u64::wrapping_add);
        }
        let (now, peak) = (resident_mib(std::process::id()).unwrap(), peak_resident_mib(std::process::id()).unwrap());
        assert!(now <= peak && now > 0.5, "{now} MiB of at most {peak} after {sum} steps");
    }

    #[test]
    fn what_a_child_uses_counts_with_the_process_and_not_as_its_own() {
        let me = std::process::id();
        let (all, own) = (cpu_seconds(&[me]).unwrap(), own_cpu_seconds().unwrap());
        let mut child = std::process::Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        while cpu_of(child.id()).unwrap() < 0.1 {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let (all, own) = (cpu_seconds(&[me]).unwrap() - all, own_cpu_seconds().unwrap() - own);
        assert!(all - own >= 0.099, "{all} s in all, {own} s of its own");
    }
}
