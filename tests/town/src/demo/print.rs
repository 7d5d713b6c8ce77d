//! How the demo shows its steps: a line for people or a line of JSON each.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;

/// Who reads along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// People.
    Text,
    /// Programs: a line of JSON a step.
    Json,
}

/// Numbers the steps, times them and prints them.
#[derive(Debug)]
pub(super) struct Printer {
    format: Format,
    steps: usize,
    began: Instant,
}

impl Printer {
    /// At the beginning of the walk.
    pub(super) fn new(format: Format) -> Self {
        Self { format, steps: 0, began: Instant::now() }
    }

    /// Does a step and prints it with its time and with what `act` says of it.
    ///
    /// # Errors
    /// With what `act` fails with, after printing it.
    pub(super) fn step<T>(&mut self, name: &str, title: &str, act: impl FnOnce() -> Result<(T, String)>) -> Result<T> {
        self.steps += 1;
        let began = Instant::now();
        match act() {
            Ok((value, detail)) => {
                self.line(name, title, true, began.elapsed(), &detail);
                Ok(value)
            }
            Err(error) => {
                self.line(name, title, false, began.elapsed(), &format!("{error:#}"));
                Err(error.context(format!("step {}: {title}", self.steps)))
            }
        }
    }

    fn line(&self, name: &str, title: &str, ok: bool, took: Duration, detail: &str) {
        let ms = took.as_secs_f64() * 1000.0;
        match self.format {
            Format::Json => {
                let ms = (ms * 10.0).round() / 10.0;
                println!("{}", json!({"step": name, "ok": ok, "ms": ms, "detail": detail}));
            }
            Format::Text => {
                let mark = if ok { "ok  " } else { "FAIL" };
                println!("{mark} {:>2}. {title:<62} {ms:>8.1} ms", self.steps);
                for line in detail.lines() {
                    println!("         {line}");
                }
            }
        }
    }

    /// Says something beside the steps, to people only.
    pub(super) fn say(&self, text: &str) {
        if self.format == Format::Text {
            println!("{text}");
        }
    }

    /// Closes the walk.
    pub(super) fn end(&self) {
        self.say(&format!("\n{} steps in {:.1} s, all of them done.", self.steps, self.began.elapsed().as_secs_f64()));
    }
}
