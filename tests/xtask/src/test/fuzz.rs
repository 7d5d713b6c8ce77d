//! Short runs of libFuzzer over every decoder, from the kept corpora, and the proof that such a run finds a crash.
//!
//! `-s none`: coverage without a sanitizer works on stable Rust, and no code of ours is unsafe. New inputs go to the
//! target folder; the kept corpora change only by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, bail, ensure};

use crate::{process, tree};

/// Seconds for each decoder: enough to run the corpus and some 100,000 changes of it.
const SECONDS: u32 = 4;

/// Seconds in which the planted panic must be found; it takes less than one.
const PLANTED_SECONDS: u32 = 60;

pub(super) fn run() -> Result<String> {
    let programs = build()?;
    let targets = targets()?;
    let mut inputs = 0;
    for pair in targets.chunks(2) {
        let runs: Vec<Result<u64>> = thread::scope(|scope| {
            let started: Vec<_> = pair.iter().map(|target| scope.spawn(|| fuzz(&programs, target))).collect();
            started.into_iter().map(|run| run.join().expect("a run does not panic")).collect()
        });
        for run in runs {
            inputs += run?;
        }
    }
    planted_panic_is_found(&programs)?;
    Ok(format!("{} decoders, {inputs} inputs; the planted panic was found", targets.len()))
}

/// Builds all targets with coverage, apart from everything else.
fn build() -> Result<PathBuf> {
    let folder = tree::target().join("fuzz");
    let mut cargo_fuzz = process::cargo_tool("fuzz");
    cargo_fuzz.args(["build", "--dev", "-s", "none", "--features", "libfuzzer", "--fuzz-dir", "tests/fuzz"]);
    cargo_fuzz.arg("--target-dir").arg(&folder).env("CARGO_PROFILE_DEV_DEBUG", "0");
    process::run(&mut cargo_fuzz)?;
    let rustc = process::run_quietly(process::command("rustc").arg("-vV"))?;
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc does not name its host")?;
    Ok(folder.join(host).join("debug"))
}

/// The targets are the kept corpora: one folder each.
fn targets() -> Result<Vec<String>> {
    let corpora = tree::root().join("tests/fuzz/corpus");
    let mut names = Vec::new();
    for entry in fs::read_dir(&corpora).with_context(|| format!("reading {}", corpora.display()))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn fuzz(programs: &Path, target: &str) -> Result<u64> {
    let new = tree::kept().join("fuzz").join(target);
    fs::create_dir_all(&new).with_context(|| format!("making the folder {}", new.display()))?;
    let mut program = process::command(programs.join(format!("fuzz-{target}")));
    program.arg(&new).arg(tree::root().join("tests/fuzz/corpus").join(target));
    program.arg(format!("-max_total_time={SECONDS}")).args(["-timeout=10", "-rss_limit_mb=1024", "-verbosity=1"]);
    program.arg(format!("-artifact_prefix={}/", new.display()));
    let output = process::output(&mut program)?;
    let text = process::printed(&output);
    if !output.status.success() {
        bail!("{target}: an input breaks this decoder; libFuzzer wrote it into {}\n{text}", new.display());
    }
    done(&text).with_context(|| format!("{target}: libFuzzer did not say how many inputs it ran\n{text}"))
}

/// The number in libFuzzer's last line, "Done 1234 runs in 5 second(s)".
fn done(text: &str) -> Option<u64> {
    text.lines().rev().find_map(|line| line.strip_prefix("Done ")?.split(' ').next()?.parse().ok())
}

fn planted_panic_is_found(programs: &Path) -> Result<()> {
    let folder = tree::kept().join("fuzz");
    let mut program = process::command(programs.join("fuzz-planted"));
    program.arg(format!("-max_total_time={PLANTED_SECONDS}"));
    program.arg(format!("-artifact_prefix={}/planted-", folder.display()));
    let output = process::output(&mut program)?;
    let found = !output.status.success() && process::printed(&output).contains("planted: the harness works");
    ensure!(found, "the planted panic was not found: this harness would not find a real one either");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::done;

    #[test]
    fn the_count_is_read_from_what_libfuzzer_says() {
        assert_eq!(done("#2 INITED\nDone 143090 runs in 5 second(s)\n"), Some(143_090));
        assert_eq!(done("==1== ERROR: libFuzzer: deadly signal\n"), None);
    }
}
