//! Figures and how they are printed. Knows no benchmark.

use serde_json::json;

/// Who reads the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// People.
    Text,
    /// Programs: `{"bench", "figure", "value", "unit"}` a line.
    Json,
}

/// Prints figures of one benchmark as they come.
#[derive(Debug)]
pub(crate) struct Report {
    bench: &'static str,
    format: Format,
}

impl Report {
    pub(crate) fn new(bench: &'static str, format: Format) -> Self {
        Self { bench, format }
    }

    /// One figure, with the bound that it should keep, if it has one.
    pub(crate) fn figure(&mut self, figure: &str, value: f64, unit: &str, at_most: Option<f64>) {
        let bound = at_most.map(|most| ("at most", most, value <= most));
        self.print(figure, value, unit, bound);
    }

    /// One figure that must reach a bound.
    pub(crate) fn at_least(&mut self, figure: &str, value: f64, unit: &str, least: f64) {
        self.print(figure, value, unit, Some(("at least", least, value >= least)));
    }

    /// How a figure came about, for people who watch.
    pub(crate) fn note(&self, text: &str) {
        eprintln!("{}: {text}", self.bench);
    }

    fn print(&mut self, figure: &str, value: f64, unit: &str, bound: Option<(&str, f64, bool)>) {
        let value = (value * 1000.0).round() / 1000.0;
        match self.format {
            Format::Json => {
                println!("{}", json!({"bench": self.bench, "figure": figure, "value": value, "unit": unit}));
            }
            Format::Text => {
                let bound = bound.map(|(word, bound, kept)| {
                    let verdict = if kept { "kept" } else { "MISSED" };
                    format!("  ({word} {bound} {unit}: {verdict})")
                });
                println!("{figure:<34} {value:>10} {unit:<6}{}", bound.unwrap_or_default());
            }
        }
    }
}

/// The value below which `percent` of the values lie. Sorts them.
pub fn percentile(values: &mut [f64], percent: usize) -> f64 {
    assert!(!values.is_empty() && percent <= 100, "a percentile of something");
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) * percent / 100]
}
