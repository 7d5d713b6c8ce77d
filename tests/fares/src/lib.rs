//! Fares of invented and of real cities: feeds as published, cases with the fen that their rules ask for, and what the engine
//! makes of them. `evaluator.py` reads the same feeds and cases on its own.
//!
//! A leg is written `route:stop@8:00>stop@8:25`; `>-` ends where nobody shows a card, `>?` where it was not shown. Hours are
//! those of the case's day in China and may be more than 24. `3x(…)` is the same on as many days, `3*(…)` as often on one. A rider is `adult`, or
//! names of concessions and passes joined by `+`, with `@from..until` where they are not good the whole year.

pub mod city;

use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::money::Fen;
use card_service::domains::transit::model::{Charge, End, Granted, Leg, Rider, Shown, Standing};
use card_service::domains::transit::{Line, Tariff, feed};
use serde::Deserialize;
use zip::write::SimpleFileOptions;

/// China's distance from UTC, in seconds.
const CHINA_S: i64 = 8 * 3_600;

/// The folder of something of this crate.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Every feed's name.
///
/// # Errors
/// When the folder cannot be read.
pub fn feeds() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder("feeds"))? {
        names.push(entry?.file_name().into_string().ok().context("a name")?);
    }
    names.sort();
    Ok(names)
}

/// A feed's archive, and its supplement.
///
/// # Errors
/// When a file cannot be read.
pub fn archive(feed: &str) -> Result<(Vec<u8>, String)> {
    archive_with(feed, "", "")
}

/// The same, with more at the end of one of its files.
///
/// # Errors
/// When a file cannot be read.
pub fn archive_with(feed: &str, file: &str, more: &str) -> Result<(Vec<u8>, String)> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let folder = folder("feeds").join(feed);
    for entry in std::fs::read_dir(&folder).with_context(|| format!("no feed {feed}"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let name = path.file_name().and_then(|name| name.to_str()).context("a name")?;
            zip.start_file(name, SimpleFileOptions::default())?;
            zip.write_all(&std::fs::read(&path)?)?;
            zip.write_all(if name == file { more.as_bytes() } else { b"" })?;
        }
    }
    let supplement = std::fs::read_to_string(folder.join("supplement.toml"))?;
    Ok((zip.finish()?.into_inner(), supplement))
}

/// A feed as a tariff.
///
/// # Errors
/// When anything is found in it that is an error.
pub fn tariff(name: &str) -> Result<Tariff> {
    let (archive, supplement) = archive(name)?;
    let (tariff, report) = feed::read(&archive, &supplement);
    tariff.with_context(|| format!("{name}: {report:#?}"))
}

/// One row of a table.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// The feed.
    pub feed: String,
    /// What it is about.
    pub case: String,
    /// Who travels.
    pub rider: String,
    /// On which day.
    pub day: Date,
    /// What they do.
    pub legs: String,
    /// What each leg costs, in fen.
    pub fen: String,
    /// Why.
    pub explanation: String,
    /// Where that is published.
    pub source: String,
}

/// All cases of the tables.
///
/// # Errors
/// When a table cannot be read.
pub fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    let mut tables: Vec<PathBuf> =
        std::fs::read_dir(folder("cases"))?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    tables.sort();
    for table in tables {
        let mut reader = csv::ReaderBuilder::new().delimiter(b'|').trim(csv::Trim::All).from_path(&table)?;
        for case in reader.deserialize() {
            cases.push(case.with_context(|| table.display().to_string())?);
        }
    }
    Ok(cases)
}

/// What stands between semicolons, with repetitions written out, and the number of the day of each.
///
/// # Errors
/// When it is not written like that.
pub fn written_out(text: &str) -> Result<Vec<(i64, String)>> {
    let mut all = Vec::new();
    let mut day = 0;
    for part in text.split(';').map(str::trim) {
        let repeated = |sign| part.strip_suffix(')').and_then(|part| part.split_once(sign));
        let (times, one, days) = match (repeated("x("), repeated("*(")) {
            (Some((times, one)), _) => (times.parse()?, one, 1),
            (None, Some((times, one))) => (times.parse()?, one, 0),
            (None, None) => (1_u32, part, 0),
        };
        for _ in 0..times {
            all.push((day, one.to_owned()));
            day += days;
        }
    }
    Ok(all)
}

/// A time as cases write it.
pub fn clock(seconds: i64) -> String {
    format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// The moment of a time in China, so many days after a day.
///
/// # Errors
/// When it is not written like one.
pub fn moment(day: Date, days: i64, time: &str) -> Result<Micros> {
    let mut seconds = 0;
    let parts: Vec<i64> = time.split(':').map(str::parse).collect::<Result<_, _>>()?;
    for (part, worth) in parts.iter().zip([3_600, 60, 1]) {
        seconds += part * worth;
    }
    Ok(day.start_utc().plus_seconds(days * 86_400 + seconds - CHINA_S))
}

fn shown(tariff: &Tariff, day: Date, days: i64, text: &str) -> Result<Shown> {
    let (stop, time) = text.split_once('@').with_context(|| format!("{text}: a stop and a time"))?;
    let stop = tariff.stop_named(stop).with_context(|| format!("no stop {stop}"))?;
    Ok(Shown { stop, at: moment(day, days, time)? })
}

/// One leg.
///
/// # Errors
/// When it is not written like one, or names what the tariff does not have.
pub fn leg(tariff: &Tariff, day: Date, days: i64, text: &str) -> Result<Leg> {
    let (route, rest) = text.split_once(':').with_context(|| format!("{text}: a route"))?;
    let (on, off) = rest.split_once('>').with_context(|| format!("{text}: an end"))?;
    let end = match off {
        "-" => End::NotShown,
        "?" => End::Missing,
        off => End::Off(shown(tariff, day, days, off)?),
    };
    let route = tariff.route_named(route).with_context(|| format!("no route {route}"))?;
    Ok(Leg { route, on: shown(tariff, day, days, on)?, end })
}

/// Who travels.
///
/// # Errors
/// When the tariff has no such right.
pub fn rider(tariff: &Tariff, day: Date, text: &str) -> Result<Rider> {
    let mut rider = Rider::default();
    let whole_year = |month, of| Date::new(day.year(), month, of).context("a day");
    for right in text.split('+').filter(|right| *right != "adult") {
        let (name, range) = right.split_once('@').unwrap_or((right, ""));
        let (from, until) = match range.split_once("..") {
            Some((from, until)) => (from.parse()?, until.parse()?),
            None => (whole_year(1, 1)?, whole_year(12, 31)?),
        };
        let concession = tariff.concession(name).map(|number| (number, &mut rider.concessions));
        let (number, list) = match concession {
            Some(found) => found,
            None => (tariff.pass(name).with_context(|| format!("no right {name}"))?, &mut rider.passes),
        };
        list.push(Granted { number, from, until });
    }
    Ok(rider)
}

/// What the engine says of a case.
///
/// # Errors
/// When the case is not written as it should be.
pub fn charges(tariff: &Tariff, case: &Case) -> Result<Vec<Charge>> {
    let rider = rider(tariff, case.day, &case.rider)?;
    let mut standing = Standing::default();
    let legs = written_out(&case.legs)?;
    legs.iter()
        .map(|(days, text)| {
            let charge = tariff.charge(&rider, &mut standing, &leg(tariff, case.day, *days, text)?);
            let sum = charge.steps.iter().map(|step| step.amount().0).sum();
            ensure!(charge.amount == Fen(sum), "{text}: the steps do not add up: {charge:?}");
            Ok(charge)
        })
        .collect()
}

/// An explanation as the tables write it.
pub fn explanation(lines: &[Line<'_>]) -> String {
    let line = |line: &Line<'_>| {
        let percent = line.percent.map(|percent| format!("{percent}%")).unwrap_or_default();
        let parts = [line.key, &*line.what, &*percent, &*line.amount.to_string()].map(str::to_owned);
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    };
    lines.iter().map(line).collect::<Vec<_>>().join(", ")
}
