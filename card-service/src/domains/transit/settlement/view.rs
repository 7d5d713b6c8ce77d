//! What the page of a settlement shows, and the same as a file. Pure.

use askama::Template;
use card_schema::month::Month;

use super::model::{Of, Settlement, Sums};
use crate::console::frame::Frame;
use crate::console::register::Link;
use crate::domains::transit::model::Sold;
use crate::domains::transit::view::called;
use crate::i18n::Locale;
use crate::sheet::{self, guard};

/// The page, and the file.
pub(super) const PAGE: &str = "/fares/settlement";
pub(super) const FILE: &str = "/fares/settlement.csv";

/// What is said of a line: amounts in yuan.
#[derive(Debug)]
struct Line {
    operator: String,
    sold: String,
    numbers: [String; 6],
}

/// See the module.
#[derive(Debug, Template)]
#[template(path = "transit/settlement.html")]
pub(super) struct SettlementPage {
    frame: Frame,
    month: String,
    columns: [String; 8],
    lines: Vec<Line>,
    total: Line,
    before: Link,
    after: Option<Link>,
    file: String,
}

fn operator(locale: Locale, settlement: &Settlement, of: &Of) -> String {
    let name = of.operator.and_then(|id| settlement.operators.get(&id));
    name.cloned().unwrap_or_else(|| locale.text("settlement-nobody"))
}

fn sold(locale: Locale, settlement: &Settlement, of: &Of) -> String {
    match &of.sold {
        Some(Sold::Rides(id)) if id.is_empty() => locale.text("fares-network-none"),
        Some(Sold::Rides(id)) => called(id, settlement.names.get(id).unwrap_or(id)),
        Some(Sold::Pass(pass)) => locale.text_with("settlement-pass", &[("pass", pass)]),
        None => locale.text("settlement-unknown"),
    }
}

fn numbers(sums: &Sums) -> [String; 6] {
    let Sums { taken, back, balance, shown, rides } = sums;
    [
        taken.to_string(),
        back.to_string(),
        sums.net().to_string(),
        shown.to_string(),
        rides.to_string(),
        balance.to_string(),
    ]
}

fn columns(locale: Locale) -> [String; 8] {
    ["operator", "sold", "taken", "back", "net", "shown", "rides", "balance"]
        .map(|name| locale.text(&format!("settlement-col-{name}")))
}

fn lines(locale: Locale, settlement: &Settlement) -> Vec<Line> {
    let line = |(of, sums): (&Of, &Sums)| Line {
        operator: operator(locale, settlement, of),
        sold: sold(locale, settlement, of),
        numbers: numbers(sums),
    };
    let mut lines: Vec<Line> = settlement.lines.iter().map(line).collect();
    lines.sort_by(|one, other| one.operator.cmp(&other.operator));
    lines
}

fn total(locale: Locale, settlement: &Settlement) -> Line {
    let numbers = numbers(&settlement.total());
    Line { operator: locale.text("settlement-total"), sold: String::new(), numbers }
}

impl SettlementPage {
    /// `has_next` where the month after has begun.
    pub(super) fn new(frame: Frame, settlement: &Settlement, has_next: bool) -> Self {
        let (locale, month) = (frame.locale(), settlement.month);
        let link = |month: Month| Link { to: format!("{PAGE}?month={month}"), text: month.to_string() };
        Self {
            month: month.to_string(),
            columns: columns(locale),
            lines: lines(locale, settlement),
            total: total(locale, settlement),
            before: link(month.before()),
            after: has_next.then(|| link(month.after())),
            file: format!("{FILE}?month={month}"),
            frame,
        }
    }
}

/// The same as a csv file.
pub(super) fn file(locale: Locale, settlement: &Settlement) -> Vec<u8> {
    let month = settlement.month.to_string();
    let headings: Vec<String> = std::iter::once(locale.text("settlement-month")).chain(columns(locale)).collect();
    let row = |line: Line| {
        let texts = [line.operator, line.sold].map(|text| guard::with(&text));
        std::iter::once(month.clone()).chain(texts).chain(line.numbers).collect()
    };
    let rows = lines(locale, settlement).into_iter().chain([total(locale, settlement)]).map(row);
    sheet::separated(std::iter::once(headings).chain(rows))
}
