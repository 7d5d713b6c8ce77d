//! Another reading of the specification, in another language and by other means, comes to the same fen and the same reasons.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use card_service::domains::transit::Tariff;
use fares::{Case, charges, clock, explanation, feeds, folder, tariff};
use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// How many cases are drawn.
const DRAWN: usize = 10_000;

/// What both are asked.
#[derive(Debug, Serialize)]
struct Asked<'a> {
    feed: &'a str,
    rider: &'a str,
    day: String,
    legs: &'a str,
}

/// What each says.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Said {
    fen: Vec<i64>,
    explanation: Vec<String>,
}

/// What may be drawn of a feed: names from its files.
struct Names {
    stops: Vec<String>,
    routes: Vec<String>,
    rights: Vec<String>,
}

impl Names {
    fn of(feed: &str) -> Result<Self> {
        let first = |file: &str| -> Result<Vec<String>> {
            let text = std::fs::read_to_string(folder("feeds").join(feed).join(file))?;
            Ok(text.lines().skip(1).filter_map(|line| line.split(',').next()).map(str::to_owned).collect())
        };
        let supplement = std::fs::read_to_string(folder("feeds").join(feed).join("supplement.toml"))?;
        let mut rights = vec!["adult".to_owned()];
        let mut section = "";
        for line in supplement.lines() {
            match line.strip_prefix("id = \"").and_then(|line| line.strip_suffix('"')) {
                Some(id) if ["[[concession]]", "[[pass]]"].contains(&section) => rights.push(id.to_owned()),
                None if line.starts_with("[[") => section = line,
                _ => {}
            }
        }
        Ok(Self { stops: first("stops.txt")?, routes: first("routes.txt")?, rights })
    }

    fn drawn(&self, feed: &str, random: &mut Rng) -> Case {
        let any = |names: &[String], random: &mut Rng| names[random.usize(..names.len())].clone();
        let rights: Vec<String> = (0..random.usize(1..3)).map(|_| any(&self.rights, random)).collect();
        let until = if random.bool() { "@2026-01-01..2026-11-30" } else { "" };
        let rights: Vec<String> =
            rights.into_iter().map(|right| if right == "adult" { right } else { format!("{right}{until}") }).collect();
        let day = ["2026-11-30", "2026-10-01", "2026-10-10", "2026-02-17", "2026-11-29"][random.usize(..5)];
        // Legs of one rider come one after the other; most follow so soon that they may belong together.
        let mut seconds = random.i64(0..26 * 3_600);
        let mut last = any(&self.stops, random);
        let legs = (0..random.usize(1..8)).map(|_| {
            let route = any(&self.routes, random);
            let from = if random.u8(..4) > 0 { last.clone() } else { any(&self.stops, random) };
            let to = any(&self.stops, random);
            let on = format!("{route}:{from}@{}", clock(seconds));
            let end = match random.u8(..8) {
                0 => "?".to_owned(),
                1 => "-".to_owned(),
                _ => {
                    seconds += [60, 300, 600, 1_800, 3_600][random.usize(..5)] + random.i64(0..2);
                    last.clone_from(&to);
                    format!("{to}@{}", clock(seconds))
                }
            };
            seconds += [0, 60, 600, 1_200, 1_800, 3_600, 9_000][random.usize(..7)] + random.i64(0..2);
            format!("{on}>{end}")
        });
        let mut legs: Vec<String> = legs.collect();
        // Sums grow with what was paid before: some travel much.
        if random.u8(..4) == 0 {
            legs[0] = format!("{}*({})", random.u8(2..60), legs[0]);
        }
        let legs = legs.join("; ");
        Case {
            feed: feed.to_owned(),
            case: "drawn".to_owned(),
            rider: rights.join("+"),
            day: day.parse().expect("a day"),
            legs,
            fen: String::new(),
            explanation: String::new(),
            source: String::new(),
        }
    }
}

fn engine(tariff: &Tariff, case: &Case) -> Result<Said> {
    let charges = charges(tariff, case)?;
    let fen = charges.iter().map(|charge| charge.amount.0).collect();
    let explanation = charges.iter().map(|charge| explanation(&tariff.explained(charge))).collect();
    Ok(Said { fen, explanation })
}

/// What the other one says of many cases.
fn evaluator(cases: &[Case]) -> Result<Vec<Said>> {
    let mut lines = Vec::new();
    for Case { feed, rider, day, legs, .. } in cases {
        serde_json::to_writer(&mut lines, &Asked { feed, rider, day: day.to_string(), legs })?;
        lines.push(b'\n');
    }
    let mut python = Command::new("python3")
        .arg(folder("evaluator.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("python3 starts")?;
    let mut stdin = python.stdin.take().context("a way in")?;
    let writer = std::thread::spawn(move || stdin.write_all(&lines));
    let output = python.wait_with_output()?;
    writer.join().expect("the writer does not panic")?;
    ensure!(output.status.success(), "the evaluator failed");
    let said = String::from_utf8(output.stdout)?;
    said.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

fn disagreements(tariffs: &BTreeMap<String, Tariff>, cases: &[Case]) -> Result<Vec<String>> {
    let others = evaluator(cases)?;
    ensure!(others.len() == cases.len(), "an answer for each case");
    let mut found = Vec::new();
    for (case, other) in cases.iter().zip(others) {
        let ours = engine(&tariffs[&case.feed], case)?;
        if ours != other {
            let Case { feed, rider, day, legs, .. } = case;
            found.push(format!("{feed}, {rider}, {day}: {legs}\n  {ours:?}\n  {other:?}"));
        }
    }
    Ok(found)
}

fn tariffs() -> Result<BTreeMap<String, Tariff>> {
    feeds()?.into_iter().map(|name| Ok((name.clone(), tariff(&name)?))).collect()
}

#[test]
fn both_agree_on_the_tables() -> Result<()> {
    let found = disagreements(&tariffs()?, &fares::cases()?)?;
    assert!(found.is_empty(), "{} disagreements, the first:\n{}", found.len(), found[0]);
    Ok(())
}

#[test]
fn a_planted_tariff_is_found() -> Result<()> {
    let mut tariffs = tariffs()?;
    tariffs.insert("priority".to_owned(), tariff("empty")?);
    assert!(!disagreements(&tariffs, &fares::cases()?)?.is_empty());
    Ok(())
}

#[test]
fn both_agree_on_cases_that_nobody_thought_of() -> Result<()> {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    let (tariffs, feeds) = (tariffs()?, feeds()?);
    let names = feeds.iter().map(|feed| Names::of(feed)).collect::<Result<Vec<_>>>()?;
    let cases: Vec<Case> = (0..DRAWN)
        .map(|_| {
            let number = random.usize(..feeds.len());
            names[number].drawn(&feeds[number], &mut random)
        })
        .collect();
    let found = disagreements(&tariffs, &cases)?;
    assert!(found.is_empty(), "seed {seed}: {} disagreements, the first:\n{}", found.len(), found[0]);
    Ok(())
}
