//! `card-service social-security`: what months cost, and the rules that say so.

use std::path::{Path, PathBuf};

use card_schema::date::Date;
use card_schema::money::Fen;
use card_schema::month::Month;
use card_schema::rate::Rate;
use serde::Serialize;

use super::output::{CliError, Context};
use crate::domains::social_security::city;
use crate::domains::social_security::model::Household;
use crate::domains::social_security::rules::{Bound, Contribution, Worker, Wrong, contributions};
use crate::domains::social_security::scheme::Scheme;
use crate::i18n::Locale;

/// Commands of `social-security`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum SocialSecurityCommand {
    /// Say what is wrong with a file of rules; needs no service
    #[command(after_help = "\
Examples:
  card-service social-security check city.toml
  card-service social-security check city.toml --format json

Exit codes: 0 it can be followed, 2 something is wrong with it (it is said what, and where).")]
    Check {
        /// The rules (TOML)
        file: PathBuf,
    },
    /// Reckon what a worker's month costs, line by line; needs no service
    #[command(after_help = "\
Examples:
  card-service social-security explain --month 2025-09 --wage 8000 --household other-rural --born 1990-05-01
  card-service social-security explain --month 2025-09 --wage 8000 --household other-rural --born 1990-05-01 --rules city.toml

Exit codes: 0 reckoned, 2 the rules cannot say it.")]
    Explain {
        /// The month
        #[arg(long, value_name = "YYYY-MM")]
        month: Month,
        /// What the worker earns in a month, in yuan
        #[arg(long, value_name = "YUAN")]
        wage: Fen,
        /// Where the worker's household is registered
        #[arg(long, value_enum)]
        household: Household,
        /// When the worker was born
        #[arg(long, value_name = "YYYY-MM-DD")]
        born: Date,
        /// The class of risk of the employer, counted up from 1
        #[arg(long, default_value_t = 1)]
        risk: u8,
        /// The rules (TOML); those of Beijing when not given
        #[arg(long, value_name = "FILE")]
        rules: Option<PathBuf>,
    },
}

pub(super) fn run(context: Context, command: &SocialSecurityCommand) -> Result<(), CliError> {
    match command {
        SocialSecurityCommand::Check { file } => check(context, file),
        SocialSecurityCommand::Explain { month, wage, household, born, risk, rules } => {
            let scheme = read(rules.as_deref())?;
            let worker = Worker { wage: *wage, household: *household, born: *born, risk: *risk };
            explain(context, &scheme, *month, &worker)
        }
    }
}

fn read(path: Option<&Path>) -> Result<Scheme, CliError> {
    city::scheme(path).map_err(CliError::unread)
}

/// A version of the rules, for a program.
#[derive(Serialize)]
struct Known<'a> {
    from: Month,
    source: &'a str,
}

fn check(context: Context, file: &Path) -> Result<(), CliError> {
    let scheme = read(Some(file))?;
    let known: Vec<_> =
        scheme.versions().iter().map(|version| Known { from: version.from, source: &version.source }).collect();
    context.print(&known, |known| {
        let line = |one: &Known<'_>| {
            context.locale.text_with("security-version", &[("from", &one.from.to_string()), ("source", one.source)])
        };
        known.iter().map(line).collect::<Vec<_>>().join("\n")
    });
    Ok(())
}

/// What a month costs, for a program.
#[derive(Serialize)]
struct Explained<'a> {
    month: Month,
    contributions: &'a [Contribution],
    employer_fen: Fen,
    person_fen: Fen,
    account_fen: Fen,
}

fn explain(context: Context, scheme: &Scheme, month: Month, worker: &Worker) -> Result<(), CliError> {
    let found = contributions(scheme, month, worker).map_err(|wrong| match wrong {
        Wrong::Before(oldest) => CliError::wrong_text("security-before", vec![("from", oldest.to_string())]),
        Wrong::Risk(classes) => CliError::wrong_text("security-risk", vec![("classes", classes.to_string())]),
        Wrong::Wage => CliError::wrong_text("security-wage", Vec::new()),
        Wrong::Born => CliError::wrong_text("security-born", Vec::new()),
    })?;
    let sum = |part: fn(&Contribution) -> Fen| Fen(found.iter().map(|one| part(one).0).sum());
    let explained = Explained {
        month,
        contributions: &found,
        employer_fen: sum(|one| one.employer),
        person_fen: sum(|one| one.person),
        account_fen: sum(|one| one.account),
    };
    context.print(&explained, |explained| {
        let mut lines: Vec<_> = found.iter().map(|one| line(context.locale, one)).collect();
        let Explained { employer_fen, person_fen, account_fen, .. } = explained;
        let sums = [employer_fen, person_fen, account_fen].map(ToString::to_string);
        let values = [("employer", &*sums[0]), ("person", &*sums[1]), ("account", &*sums[2])];
        lines.push(context.locale.text_with("security-sums", &values));
        lines.join("\n")
    });
    Ok(())
}

/// How an insurance comes to what it costs.
fn line(locale: Locale, one: &Contribution) -> String {
    let t = |key: &str, values: &[(&str, &str)]| locale.text_with(key, values);
    let base = one.base.to_string();
    let key = match one.bound {
        None => "security-base",
        Some(Bound::Floor) => "security-base-floor",
        Some(Bound::Ceiling) => "security-base-ceiling",
    };
    let part =
        |key: &str, rate: Rate, amount: Fen| t(key, &[("rate", &rate.to_string()), ("amount", &amount.to_string())]);
    let mut parts = vec![t(key, &[("base", &base)]), part("security-employer", one.employer_rate, one.employer)];
    if one.person_fixed > Fen::ZERO {
        let values = [one.person_rate.to_string(), one.person_fixed.to_string(), one.person.to_string()];
        let values = [("rate", &*values[0]), ("fixed", &*values[1]), ("amount", &*values[2])];
        parts.push(t("security-person-fixed", &values));
    } else if one.person > Fen::ZERO {
        parts.push(part("security-person", one.person_rate, one.person));
    }
    if one.account > Fen::ZERO {
        parts.push(part("security-to-account", one.account_rate, one.account));
    }
    let name = t(&format!("security-{}", one.insurance.name().replace('_', "-")), &[]);
    t("security-line", &[("insurance", &name), ("parts", &parts.join(&t("security-semicolon", &[])))])
}
