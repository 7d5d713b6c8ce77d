//! `card-service coverage`: what bills cost their holders and the fund, and the rules that say so.

use std::path::{Path, PathBuf};

use card_schema::coverage::{Benefit, ItemClass, ItemCode, Level, Line, Quantity, Shares};
use card_schema::date::Date;
use card_schema::money::Fen;
use card_schema::month::Month;
use serde::Serialize;

use super::output::{CliError, Context};
use crate::domains::clinic::coverage::catalogue::Catalogue;
use crate::domains::clinic::coverage::city::{self, Coverage};
use crate::domains::clinic::coverage::model::{Bill, Explained, SoFar, Visit, Wrong};
use crate::domains::clinic::coverage::policy::{Rule, Version};
use crate::domains::clinic::coverage::rules::{calculate, version};
use crate::i18n::Locale;

/// Commands of `coverage`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum CoverageCommand {
    /// Say what is wrong with a file of rules, or with a catalogue; needs no service
    #[command(after_help = "\
Examples:
  card-service coverage check city.toml
  card-service coverage check city.toml --catalogue items.csv --format json

Exit codes: 0 they can be followed, 2 something is wrong (it is said what, and where).")]
    Check {
        /// The rules (TOML)
        rules: PathBuf,
        /// The items (CSV); those that come with the program when not given
        #[arg(long, value_name = "FILE")]
        catalogue: Option<PathBuf>,
    },
    /// Reckon what a bill costs, line by line; needs no service
    #[command(after_help = "\
Examples:
  card-service coverage explain --benefit outpatient --level tertiary --day 2026-11-01 --item D1001*2@12.50 --item S2007
  card-service coverage explain --benefit inpatient --level secondary --day 2026-11-01 --stays 1 --item M3004@12000 --format json

Exit codes: 0 reckoned, 2 the rules cannot say it.")]
    Explain(Box<Explain>),
}

/// A bill that nobody has written yet.
#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// As what the visit is insured: outpatient, special-outpatient or inpatient
    #[arg(long, value_parser = benefit)]
    benefit: Benefit,
    /// The level of the clinic: community, primary, secondary or tertiary
    #[arg(long, value_parser = level)]
    level: Level,
    /// The day
    #[arg(long, value_name = "YYYY-MM-DD")]
    day: Date,
    /// What could be covered of earlier bills of the year, in yuan
    #[arg(long, value_name = "YUAN", default_value = "0")]
    so_far: Fen,
    /// What the fund has paid of them, in yuan
    #[arg(long, value_name = "YUAN", default_value = "0")]
    fund_so_far: Fen,
    /// How many stays began earlier in the year
    #[arg(long, value_name = "N", default_value_t = 0)]
    stays: u32,
    /// Another clinic has sent the holder
    #[arg(long)]
    referred: bool,
    /// What is given or done, in the order of the bill: how much (1 when not given) and what one costs in yuan (the highest price that is
    /// covered when not given)
    #[arg(long = "item", value_name = "CODE[*QUANTITY][@YUAN]", required = true)]
    items: Vec<Asked>,
    /// The rules (TOML); those of Beijing when not given
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// The items (CSV); those that come with the program when not given
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
}

fn benefit(text: &str) -> Result<Benefit, String> {
    Benefit::from_name(&text.replace('-', "_")).ok_or_else(|| "outpatient, special-outpatient or inpatient".to_owned())
}

fn level(text: &str) -> Result<Level, String> {
    Level::from_name(text).ok_or_else(|| "community, primary, secondary or tertiary".to_owned())
}

/// An item as it is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    item: ItemCode,
    quantity: Quantity,
    price: Option<Fen>,
}

impl std::str::FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (rest, price) = text.split_once('@').map_or((text, None), |(rest, price)| (rest, Some(price)));
        let (item, quantity) = rest.split_once('*').map_or((rest, None), |(item, quantity)| (item, Some(quantity)));
        let said = |error: &dyn std::error::Error| error.to_string();
        Ok(Self {
            item: item.parse().map_err(|error| said(&error))?,
            quantity: quantity.map_or(Ok(Quantity::ONE), str::parse).map_err(|error| said(&error))?,
            price: price.map(str::parse).transpose().map_err(|error| said(&error))?,
        })
    }
}

pub(super) fn run(context: Context, command: &CoverageCommand) -> Result<(), CliError> {
    match command {
        CoverageCommand::Check { rules, catalogue } => check(context, rules, catalogue.as_deref()),
        CoverageCommand::Explain(asked) => explain(context, asked),
    }
}

/// What was found in the files, for a program.
#[derive(Serialize)]
struct Known<'a> {
    versions: Vec<KnownVersion<'a>>,
    items: usize,
    rows: usize,
}

/// A version of the rules, for a program.
#[derive(Serialize)]
struct KnownVersion<'a> {
    from: Month,
    source: &'a str,
}

fn check(context: Context, rules: &Path, catalogue: Option<&Path>) -> Result<(), CliError> {
    let Coverage { policy, catalogue } = city::coverage(Some(rules), catalogue).map_err(CliError::unread)?;
    let known = policy.versions().iter().map(|version| KnownVersion { from: version.from, source: &version.source });
    let mut codes: Vec<_> = catalogue.items().map(|item| &item.code).collect();
    let rows = codes.len();
    codes.dedup();
    let known = Known { versions: known.collect(), items: codes.len(), rows };
    context.print(&known, |known| {
        let t = |key: &str, values: &[(&str, &str)]| context.locale.text_with(key, values);
        let line =
            |one: &KnownVersion<'_>| t("coverage-version", &[("from", &one.from.to_string()), ("source", one.source)]);
        let mut lines: Vec<_> = known.versions.iter().map(line).collect();
        let (items, rows) = (known.items.to_string(), known.rows.to_string());
        lines.push(t("coverage-items", &[("items", &items), ("rows", &rows)]));
        lines.join("\n")
    });
    Ok(())
}

/// What a bill costs, for a program.
#[derive(Serialize)]
struct Reckoned<'a> {
    rules_from: Month,
    #[serde(flatten)]
    bill: &'a Bill<'a>,
    own_fen: Fen,
    account_fen: Fen,
}

fn explain(context: Context, asked: &Explain) -> Result<(), CliError> {
    let Coverage { policy, catalogue } =
        city::coverage(asked.rules.as_deref(), asked.catalogue.as_deref()).map_err(CliError::unread)?;
    let lines = lines(&asked.items, &catalogue, asked.day)?;
    let wrong = |wrong| wrong_text(wrong, &lines);
    let version = version(&policy, asked.day).map_err(wrong)?;
    let visit = Visit { benefit: asked.benefit, level: asked.level, day: asked.day, referred: asked.referred };
    let so_far = SoFar { eligible: asked.so_far, fund: asked.fund_so_far, stays: asked.stays };
    let bill = calculate(&policy, &catalogue, &visit, &so_far, &lines).map_err(wrong)?;
    let reckoned = Reckoned {
        rules_from: version.from,
        bill: &bill,
        own_fen: bill.shares.own(),
        account_fen: version.from_account(&bill.shares),
    };
    context.print(&reckoned, |reckoned| text(context.locale, visit, version, so_far.stays, reckoned));
    Ok(())
}

/// What a bill costs, for a person.
fn text(locale: Locale, visit: Visit, version: &Version, stays: u32, reckoned: &Reckoned<'_>) -> String {
    let t = |key: &str, values: &[(&str, &str)]| locale.text_with(key, values);
    let name = |name: &str| t(&format!("coverage-{}", name.replace('_', "-")), &[]);
    let [benefit, level] = [visit.benefit.name(), visit.level.name()].map(name);
    let [day, from] = [visit.day.to_string(), version.from.to_string()];
    let values: [(&str, &str); 5] =
        [("benefit", &benefit), ("level", &level), ("day", &day), ("from", &from), ("source", &version.source)];
    let mut said = vec![t("coverage-visit", &values)];
    let rule = &version.benefits[&visit.benefit];
    for (line, place) in reckoned.bill.lines.iter().zip(1..) {
        said.extend(told(locale, rule, stays, place, line));
    }
    let shares = &reckoned.bill.shares;
    let sums = [shares.total(), shares.fund_fen, reckoned.own_fen, reckoned.account_fen].map(|sum| sum.to_string());
    let values = [("total", &*sums[0]), ("fund", &*sums[1]), ("own", &*sums[2]), ("account", &*sums[3])];
    said.push(t("coverage-sums", &values));
    said.join("\n")
}

/// The lines of a bill, each with a price.
fn lines(items: &[Asked], catalogue: &Catalogue, day: Date) -> Result<Vec<Line>, CliError> {
    let line = |(asked, place): (&Asked, usize)| {
        let limit = catalogue.item(&asked.item, day).map(|item| item.limit_fen);
        let price_fen = match (asked.price, limit) {
            (Some(price), _) | (None, Some(Some(price))) => price,
            (None, Some(None)) => {
                let values = vec![("line", place.to_string()), ("code", asked.item.to_string())];
                return Err(CliError::wrong_text("coverage-no-price", values));
            }
            // That there is no such item is said when the bill is reckoned.
            (None, None) => Fen::ZERO,
        };
        Ok(Line { item: asked.item.clone(), quantity: asked.quantity, price_fen })
    };
    items.iter().zip(1..).map(line).collect()
}

fn wrong_text(wrong: Wrong, lines: &[Line]) -> CliError {
    let (key, values) = wrong.words(lines);
    CliError::wrong_text(key, values)
}

/// How a line comes to its shares, in two lines of text.
fn told(locale: Locale, rule: &Rule, stays: u32, place: usize, line: &Explained<'_>) -> [String; 2] {
    let t = |key: &str, values: &[(&str, &str)]| locale.text_with(key, values);
    let class = match line.item.class {
        ItemClass::A => "coverage-class-a",
        ItemClass::B => "coverage-class-b",
        ItemClass::C => "coverage-class-c",
    };
    let name = match locale {
        Locale::ZhCn => &line.item.name,
        Locale::En => &line.item.name_en,
    };
    let [place, quantity] = [place.to_string(), line.quantity.to_string()];
    let [price, amount] = [line.price_fen, line.amount_fen].map(|fen| fen.to_string());
    let head = t(
        "coverage-line",
        &[
            ("place", &place),
            ("name", name),
            ("code", line.item.code.as_str()),
            ("class", &t(class, &[])),
            ("quantity", &quantity),
            ("price", &price),
            ("amount", &amount),
        ],
    );
    let parts = parts(locale, rule, stays, line).join(&t("coverage-semicolon", &[]));
    [head, t("coverage-line-parts", &[("parts", &parts)])]
}

/// The shares of a line, each as a part of a sentence, as far as there is something in it.
fn parts(locale: Locale, rule: &Rule, stays: u32, line: &Explained<'_>) -> Vec<String> {
    let part = |key: &str, amount: Fen, name: &str, value: String| {
        locale.text_with(key, &[("amount", &amount.to_string()), (name, &value)])
    };
    let Shares { fund_fen, excluded_fen, over_price_fen, first_fen, deductible_fen, over_ceiling_fen, .. } =
        line.shares;
    let in_bands: i64 = line.pieces.iter().map(|piece| piece.amount_fen.0).sum();
    let above = Fen(line.eligible_fen.0 - deductible_fen.0 - in_bands);
    let cut = Fen(over_ceiling_fen.0 - above.0);
    let own = line.shares.own();
    let limit = line.item.limit_fen.unwrap_or_default().to_string();
    let ceiling = rule.ceiling.unwrap_or_default().to_string();
    let deductible = rule.deductible(stays).to_string();
    let all = [
        (excluded_fen, "coverage-part-excluded", "", String::new()),
        (over_price_fen, "coverage-part-over-price", "limit", limit),
        (first_fen, "coverage-part-first", "rate", line.item.first.to_string()),
        (line.eligible_fen, "coverage-part-eligible", "", String::new()),
        (deductible_fen, "coverage-part-deductible", "deductible", deductible),
    ];
    let mut said: Vec<_> = all
        .into_iter()
        .filter(|(amount, ..)| *amount > Fen::ZERO)
        .map(|(amount, key, name, value)| part(key, amount, name, value))
        .collect();
    said.extend(
        line.pieces.iter().map(|piece| part("coverage-part-piece", piece.amount_fen, "rate", piece.rate.to_string())),
    );
    for (amount, key, name, value) in
        [(above, "coverage-part-above", "", String::new()), (cut, "coverage-part-ceiling", "ceiling", ceiling)]
    {
        if amount > Fen::ZERO {
            said.push(part(key, amount, name, value));
        }
    }
    said.push(locale.text_with("coverage-part-result", &[("fund", &fund_fen.to_string()), ("own", &own.to_string())]));
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_typed_with_how_much_and_what_one_costs_or_without() {
        let asked = |text: &str| text.parse::<Asked>();
        let of = |quantity: &str, price| Asked {
            item: "D1001".parse().unwrap(),
            quantity: quantity.parse().unwrap(),
            price,
        };
        assert_eq!(asked("D1001"), Ok(of("1", None)));
        assert_eq!(asked("D1001*0.5"), Ok(of("0.5", None)));
        assert_eq!(asked("D1001@12.50"), Ok(of("1", Some(Fen(1_250)))));
        assert_eq!(asked("D1001*2@12.5"), Ok(of("2", Some(Fen(1_250)))));
        for wrong in ["", "d1", "D1001*", "D1001*0", "D1001@", "D1001@-1", "D1001@1*2"] {
            assert!(asked(wrong).is_err(), "{wrong}");
        }
        assert_eq!(benefit("special-outpatient"), Ok(Benefit::SpecialOutpatient));
        assert!(benefit("dental").is_err() && level("level-9").is_err());
    }

    #[test]
    fn a_bill_is_explained_in_both_languages() {
        let Coverage { policy, catalogue } = Coverage::beijing();
        let day: Date = "2022-11-01".parse().unwrap();
        let items = ["D1027*2@45", "S2018@30000", "S2019@300", "S2007"].map(|item| item.parse().unwrap());
        let lines = lines(&items, &catalogue, day).unwrap();
        let visit = Visit { benefit: Benefit::Outpatient, level: Level::Tertiary, day, referred: false };
        let so_far = SoFar { eligible: Fen(175_000), ..SoFar::default() };
        let bill = calculate(&policy, &catalogue, &visit, &so_far, &lines).unwrap();
        let version = version(&policy, day).unwrap();
        let account_fen = version.from_account(&bill.shares);
        let reckoned = Reckoned { rules_from: version.from, bill: &bill, own_fen: bill.shares.own(), account_fen };
        let said = text(Locale::En, visit, version, 0, &reckoned);
        let expected = [
            "1. Azithromycin, oral (D1027, class B): 2 × 45.00 = 90.00",
            "   12.00 lies above the highest price that is covered, 39.00; 10% is paid first, 7.80; 70.20 can be covered; \
             50.00 lies below the deductible of 1800.00; of 20.20 the fund pays 70%; the fund pays 14.14, the holder 75.86",
            "2. Appendicectomy (S2018, class A): 1 × 30000.00 = 30000.00",
            "   30000.00 can be covered; of 30000.00 the fund pays 70%; \
             for 1014.14 the fund has reached its ceiling of 20000.00; the fund pays 19985.86, the holder 10014.14",
            "3. Health check (S2019, class C): 1 × 300.00 = 300.00",
            "   300.00 is not covered; the fund pays 0.00, the holder 300.00",
            "4. Complete blood count (S2007, class A): 1 × 20.00 = 20.00",
            "   20.00 can be covered; of 20.00 the fund pays 70%; for 14.00 the fund has reached its ceiling of 20000.00; \
             the fund pays 0.00, the holder 20.00",
            "Together 30410.00 yuan: the fund pays 20000.00 yuan, the holder 10410.00 yuan, of which 10098.00 yuan may come \
             from the own account",
        ];
        assert_eq!(said.lines().skip(1).collect::<Vec<_>>(), expected);
        assert!(said.starts_with("Outpatient, level 3, 2022-11-01, by the rules from 2020-01 on: "), "{said}");
        let said = text(Locale::ZhCn, visit, version, 0, &reckoned);
        for part in [
            "门诊，三级",
            "阿奇霉素（D1027，乙类）",
            "先行自付 10%，7.80",
            "起付线 1800.00 以下 50.00",
            "基金支付 20000.00 元",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }

    #[test]
    fn an_item_without_a_highest_price_needs_one_and_one_that_is_not_known_is_named() {
        let Coverage { policy, catalogue } = Coverage::beijing();
        let day: Date = "2026-11-01".parse().unwrap();
        let typed = |item: &str| lines(&[item.parse().unwrap()], &catalogue, day);
        assert!(format!("{:?}", typed("S2018").unwrap_err()).contains("coverage-no-price"));
        let unknown = typed("NO-1").unwrap();
        let visit = Visit { benefit: Benefit::Outpatient, level: Level::Primary, day, referred: false };
        let wrong = calculate(&policy, &catalogue, &visit, &SoFar::default(), &unknown).unwrap_err();
        let said = format!("{:?}", wrong_text(wrong, &unknown));
        assert!(said.contains("coverage-unknown-item") && said.contains("NO-1"), "{said}");
        let all = [
            Wrong::Before(Month::of(day)),
            Wrong::NotOffered(Benefit::Inpatient),
            Wrong::SoFar,
            Wrong::Price(1),
            Wrong::Overflow,
        ];
        for wrong in all {
            let (key, _) = wrong.words(&unknown);
            assert!(Locale::ALL.into_iter().all(|locale| locale.has(key)), "{key}");
        }
    }
}
