//! `card-service transit`: fares as the city publishes them.

use std::path::PathBuf;

use card_schema::date::Date;
use serde::Serialize;

use super::output::{CliError, Context};
use super::{Settings, block_on, database_failed, unreadable};
use crate::clock;
use crate::console::view;
use crate::db::Db;
use crate::domains::transit::feed::{self, Report};
use crate::domains::transit::import::{self, Refused, Unusable, Wish};
use crate::domains::transit::model::Version;
use crate::domains::transit::store;
use crate::hex;

/// Commands of `transit`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum TransitCommand {
    /// Say what is wrong with a feed, and import nothing; needs no service
    #[command(after_help = "\
Examples:
  card-service transit check city.zip
  card-service transit check city.zip --supplement fares.toml --format json

Exit codes: 0 it can be used, 1 failed, 2 something is wrong with it (each place is named).")]
    Check {
        #[command(flatten)]
        source: Source,
    },
    /// Import a feed as a new version of the fares
    #[command(after_help = "\
Examples:
  card-service transit import city.zip --data-dir ./data
  card-service transit import city.zip --supplement fares.toml --from 2026-12-01 --data-dir ./data

Either all of it is taken or nothing. Versions are never changed and never removed: who finds a mistake imports another that \
starts on the same day.

Exit codes: 0 imported, 1 failed, 2 something is wrong with it, 4 no database.")]
    Import {
        #[command(flatten)]
        source: Source,
        /// The first day of service with these fares; from now on when not given
        #[arg(long, value_name = "YYYY-MM-DD")]
        from: Option<Date>,
        /// Take it though it says things that fares here do not follow
        #[arg(long)]
        in_part: bool,
    },
    /// List the versions of the fares, the newest first
    Versions,
}

/// What is read.
#[derive(Debug, clap::Args)]
pub(super) struct Source {
    /// The feed: a zip archive (GTFS Schedule with Fares v2)
    feed: PathBuf,
    /// What GTFS has no file for (TOML); the file beside the feed with the same name and .toml when not given
    #[arg(long)]
    supplement: Option<PathBuf>,
}

impl Source {
    fn read(&self) -> Result<(Vec<u8>, String), CliError> {
        let length = std::fs::metadata(&self.feed).map_err(unreadable(&self.feed))?.len();
        if length > feed::MAX_BYTES as u64 {
            let max = (feed::MAX_BYTES >> 20).to_string();
            return Err(CliError::wrong_text("transit-too-large", vec![("value", max)]));
        }
        let archive = std::fs::read(&self.feed).map_err(unreadable(&self.feed))?;
        let beside = self.supplement.clone().unwrap_or_else(|| self.feed.with_extension("toml"));
        let supplement = std::fs::read_to_string(&beside).map_err(unreadable(&beside))?;
        Ok((archive, supplement))
    }
}

pub(super) fn run(context: Context, settings: &Settings, command: &TransitCommand) -> Result<(), CliError> {
    match command {
        TransitCommand::Check { source } => check(context, source),
        TransitCommand::Import { source, from, in_part } => import(context, settings, source, *from, *in_part),
        TransitCommand::Versions => versions(context, settings),
    }
}

/// What was found, a line each.
fn told(context: Context, report: &Report) -> String {
    let mut lines: Vec<String> = report.findings.iter().map(|finding| finding.text(context.locale)).collect();
    if report.left_out > 0 {
        lines.push(context.locale.text_with("cli-transit-left-out", &[("count", &report.left_out.to_string())]));
    }
    lines.join("\n")
}

fn check(context: Context, source: &Source) -> Result<(), CliError> {
    let (archive, supplement) = source.read()?;
    let (tariff, report) = feed::read(&archive, &supplement);
    let Some(tariff) = tariff else {
        context.print(&report, |report| told(context, report));
        return Err(CliError::wrong_text("cli-transit-wrong", Vec::new()));
    };
    context.print(&report, |report| {
        let [stops, routes, rules] = tariff.size().map(|size| size.to_string());
        let values = [("stops", &*stops), ("routes", &*routes), ("rules", &*rules)];
        format!("{}\n{}", told(context, report), context.locale.text_with("cli-transit-read", &values))
            .trim()
            .to_owned()
    });
    Ok(())
}

fn import(
    context: Context,
    settings: &Settings,
    source: &Source,
    from: Option<Date>,
    in_part: bool,
) -> Result<(), CliError> {
    let (archive, supplement) = source.read()?;
    let url = settings.load()?.database_url();
    let wish = Wish { archive, supplement, from, in_part, by: None };
    let imported = block_on(async {
        let db = Db::open(&url).await.map_err(|error| database_failed(&error))?;
        let imported = import::import(&db, clock::now(), wish).await;
        db.close().await;
        imported.map_err(|error| database_failed(&error))
    })?;
    let (report, error) = match imported {
        Ok(imported) => {
            context.print(&imported, |imported| {
                let (version, starts) = (imported.version.to_string(), view::minute(imported.starts_at));
                let values = [("version", &*version), ("starts", &*starts)];
                let said = context.locale.text_with("cli-transit-imported", &values);
                format!("{}\n{said}", told(context, &imported.report)).trim().to_owned()
            });
            return Ok(());
        }
        Err(Refused::Unusable(Unusable::Wrong(report))) => {
            (report, CliError::wrong_text("cli-transit-wrong", Vec::new()))
        }
        Err(Refused::InPart(report)) => (report, CliError::wrong_text("cli-transit-in-part", Vec::new())),
        Err(Refused::Past) => return Err(CliError::wrong_text("cli-transit-past", Vec::new())),
        Err(Refused::Unusable(Unusable::TooLarge(max))) => {
            return Err(CliError::wrong_text("cli-transit-too-large", vec![("max", max.to_string())]));
        }
    };
    context.print(&report, |report| told(context, report));
    Err(error)
}

/// A version, for programs.
#[derive(Serialize)]
struct Shown<'a> {
    version: i64,
    starts_at: i64,
    imported_at: i64,
    imported_by: Option<&'a str>,
    source_sha256: String,
}

fn versions(context: Context, settings: &Settings) -> Result<(), CliError> {
    let url = settings.load()?.database_url();
    let versions = block_on(async {
        let db = Db::open(&url).await.map_err(|error| database_failed(&error))?;
        let versions = async { store::versions(&mut db.read().await?).await }.await;
        db.close().await;
        versions.map_err(|error| database_failed(&error))
    })?;
    let shown = versions.iter().map(|version| Shown {
        version: version.number,
        starts_at: version.starts_at.0,
        imported_at: version.imported_at.0,
        imported_by: version.imported_by.as_deref(),
        source_sha256: hex::encode(&version.source),
    });
    context.print(&shown.collect::<Vec<_>>(), |_| {
        if versions.is_empty() {
            return context.locale.text("cli-transit-none");
        }
        let line = |version: &Version| {
            let nobody = context.locale.text("cli-transit-command-line");
            let values = [
                ("version", version.number.to_string()),
                ("starts", view::minute(version.starts_at)),
                ("imported", view::minute(version.imported_at)),
                ("by", version.imported_by.clone().unwrap_or(nobody)),
            ];
            context.locale.text_with("cli-transit-version", &values.each_ref().map(|(name, value)| (*name, &**value)))
        };
        versions.iter().map(line).collect::<Vec<_>>().join("\n")
    });
    Ok(())
}
