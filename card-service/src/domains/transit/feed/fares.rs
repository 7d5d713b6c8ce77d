//! What is paid: categories of riders, media, products and rules of a feed. Pure.

use std::collections::{BTreeMap, HashMap};

use card_schema::money::Fen;

use super::archive::Files;
use super::places::{Numbers, Places};
use super::report::{At, Report};
use super::table::{Format, PLAIN, Row, Table};
use super::times::Times;
use crate::domains::transit::tariff::{
    GroupIx, JoinRule, LegRule, Measured, OfGroup, Product, ProductIx, RiderIx, RuleKey, StopIx, TransferCost,
    TransferRule,
};

const RIDERS: Format = Format {
    file: "rider_categories.txt",
    required: &["rider_category_id", "rider_category_name", "is_default_fare_category"],
    optional: &["eligibility_url"],
    key: &["rider_category_id"],
    most: 100,
    ..PLAIN
};
const MEDIA: Format = Format {
    file: "fare_media.txt",
    required: &["fare_media_id", "fare_media_type"],
    optional: &["fare_media_name"],
    key: &["fare_media_id"],
    most: 100,
    ..PLAIN
};
const PRODUCTS: Format = Format {
    file: "fare_products.txt",
    required: &["fare_product_id", "amount", "currency"],
    optional: &["fare_product_name", "rider_category_id", "fare_media_id"],
    not_followed: &["bundle_amount", "duration_amount", "cap_required"],
    key: &["fare_product_id", "rider_category_id", "fare_media_id"],
    ..PLAIN
};
const LEG_RULES: Format = Format {
    file: "fare_leg_rules.txt",
    required: &["fare_product_id"],
    optional: &[
        "leg_group_id",
        "network_id",
        "from_area_id",
        "to_area_id",
        "from_timeframe_group_id",
        "to_timeframe_group_id",
        "rule_priority",
    ],
    not_followed: &["transfer_only", "contains_area_id", "min_distance", "max_distance"],
    key: &[
        "network_id",
        "from_area_id",
        "to_area_id",
        "from_timeframe_group_id",
        "to_timeframe_group_id",
        "fare_product_id",
    ],
    most: 100_000,
};
const JOIN_RULES: Format = Format {
    file: "fare_leg_join_rules.txt",
    required: &["from_network_id", "to_network_id"],
    optional: &["from_stop_id", "to_stop_id"],
    key: &["from_network_id", "to_network_id", "from_stop_id", "to_stop_id"],
    most: 1_000,
    ..PLAIN
};
const TRANSFER_RULES: Format = Format {
    file: "fare_transfer_rules.txt",
    required: &["fare_transfer_type"],
    optional: &[
        "from_leg_group_id",
        "to_leg_group_id",
        "transfer_count",
        "duration_limit",
        "duration_limit_type",
        "fare_product_id",
        "filter_fare_product_id",
    ],
    not_followed: &["fare_media_behavior", "fare_product_behavior", "transfer_id", "eligible_cap_id"],
    key: &[
        "from_leg_group_id",
        "to_leg_group_id",
        "fare_product_id",
        "transfer_count",
        "duration_limit",
        "filter_fare_product_id",
    ],
    most: 1_000,
};
/// The only money that a purse holds.
const CURRENCY: &str = "CNY";
/// The most that a product costs.
const MOST: Fen = Fen(1_000_000);
/// `fare_media_type` of cards.
const TRANSIT_CARD: &str = "2";

/// Products and rules.
#[derive(Default)]
pub(super) struct Fares {
    pub(super) rider_numbers: HashMap<String, RiderIx>,
    pub(super) products: Vec<Product>,
    pub(super) leg_rules: Vec<LegRule>,
    pub(super) leg_keys: Vec<RuleKey>,
    pub(super) has_priority: bool,
    pub(super) join_rules: Vec<JoinRule>,
    pub(super) transfer_rules: Vec<TransferRule>,
    pub(super) named_groups: Vec<[bool; 2]>,
    product_numbers: HashMap<String, ProductIx>,
    pub(super) groups: Vec<String>,
    group_numbers: HashMap<String, GroupIx>,
}

/// Reads them, as they are for the medium of this card: the one that is named, or the only transit card that there is.
pub(super) fn read(files: &Files, places: &Places, times: &Times, medium: Option<&str>, report: &mut Report) -> Fares {
    let mut fares = Fares::default();
    let default = riders(files, &mut fares, report);
    let (medium, media) = media(files, medium, report);
    products(files, &mut fares, default, (medium.as_deref(), &media), report);
    leg_rules(files, &mut fares, places, times, report);
    join_rules(files, &mut fares, places, report);
    transfer_rules(files, &mut fares, report);
    fares
}

fn riders(files: &Files, fares: &mut Fares, report: &mut Report) -> Option<RiderIx> {
    let (mut numbers, mut default) = (Numbers::new(), None);
    for row in Table::read(files, &RIDERS, report).rows() {
        let Some(id) = row.required("rider_category_id", report) else { continue };
        let Some(number) = numbers.number(id, row.at("rider_category_id"), report) else { continue };
        let values = [("", false), ("0", false), ("1", true)];
        if row.one_of("is_default_fare_category", &values, report) == Some(true) && default.replace(number).is_some() {
            report.error(row.at("is_default_fare_category"), "two-defaults", id);
        }
    }
    fares.rider_numbers = numbers.of;
    default
}

/// This card's, and all.
fn media(files: &Files, medium: Option<&str>, report: &mut Report) -> (Option<String>, HashMap<String, usize>) {
    let table = Table::read(files, &MEDIA, report);
    let all = table.rows().map(|row| row.text("fare_media_id").to_owned()).zip(0..).collect();
    let is_card = |row: &Row<'_>| row.text("fare_media_type") == TRANSIT_CARD;
    let cards: Vec<&str> = table.rows().filter(is_card).map(|row| row.text("fare_media_id")).collect();
    for row in table.rows() {
        row.one_of("fare_media_type", &[("0", ()), ("1", ()), ("2", ()), ("3", ()), ("4", ())], report);
    }
    let ours = match (medium, &cards[..]) {
        (Some(medium), _) => {
            let is_known = table.rows().any(|row| row.text("fare_media_id") == medium);
            if !is_known {
                report.error(At::file(MEDIA.file).field("fare_media_id"), "no-such-medium", medium);
            }
            Some(medium.to_owned())
        }
        (None, []) => None,
        (None, [card]) => Some((*card).to_owned()),
        (None, _) => {
            report.error(At::file(MEDIA.file).field("fare_media_id"), "which-medium", cards.join(", "));
            None
        }
    };
    (ours, all)
}

/// An amount of a feed: yuan with two decimals, maybe below zero (GTFS, "Currency amount").
fn amount(row: Row<'_>, report: &mut Report) -> Option<Fen> {
    let text = row.required("amount", report)?;
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let Ok(fen) = digits.parse::<Fen>() else {
        report.error(row.at("amount"), "not-an-amount", text);
        return None;
    };
    if fen > MOST {
        report.error(row.at("amount"), "too-much", MOST);
        return None;
    }
    if digits.split_once('.').is_none_or(|(_, decimals)| decimals.len() != 2) {
        report.warn(row.at("amount"), "two-decimals", text);
    }
    Some(Fen(sign * fen.0))
}

fn products(
    files: &Files,
    fares: &mut Fares,
    default: Option<RiderIx>,
    (medium, media): (Option<&str>, &HashMap<String, usize>),
    report: &mut Report,
) {
    let table = Table::read(files, &PRODUCTS, report);
    let riders = fares.rider_numbers.len();
    let (mut numbers, mut currency) = (Numbers::<ProductIx>::new(), None);
    for row in table.rows() {
        let Some(id) = row.required("fare_product_id", report) else { continue };
        let Some(number) = numbers.number(id, row.at("fare_product_id"), report) else { continue };
        if usize::from(number) == fares.products.len() {
            let name = row.optional("fare_product_name").unwrap_or(id).to_owned();
            fares.products.push(Product { id: id.to_owned(), name, prices: vec![None; riders + 1] });
        }
        if let Some(of) = row.required("currency", report) {
            if *currency.get_or_insert(of) != of {
                report.error(row.at("currency"), "two-currencies", of);
            } else if of != CURRENCY {
                report.error(row.at("currency"), "currency", of);
            }
        }
        let (Some(amount), Ok(rider)) =
            (amount(row, report), row.named("rider_category_id", &fares.rider_numbers, report))
        else {
            continue;
        };
        if rider.is_some() && default.is_none() {
            report.error(row.at("rider_category_id"), "no-default", "");
        }
        let of = row.optional("fare_media_id");
        if row.named("fare_media_id", media, report).is_err() || (of.is_some() && of != medium) {
            continue;
        }
        let prices = &mut fares.products[usize::from(number)].prices;
        let least = |slot: &mut Option<Fen>| *slot = Some(slot.map_or(amount, |known| known.min(amount)));
        match rider {
            None => prices.iter_mut().for_each(least),
            Some(rider) => {
                least(&mut prices[usize::from(rider)]);
                if default == Some(rider) {
                    least(&mut prices[riders]);
                }
            }
        }
    }
    fares.product_numbers = numbers.of;
}

fn leg_rules(files: &Files, fares: &mut Fares, places: &Places, times: &Times, report: &mut Report) {
    let table = Table::read(files, &LEG_RULES, report);
    if table.is_empty() {
        report.error(At::file(LEG_RULES.file), "no-rows", "");
    }
    fares.has_priority = table.has("rule_priority");
    let mut groups = Numbers::<GroupIx>::new();
    let mut alike: BTreeMap<(RuleKey, u32), Vec<(bool, Row<'_>)>> = BTreeMap::new();
    for row in table.rows() {
        let network = row.named("network_id", &places.network_numbers, report);
        let from = row.named("from_area_id", &places.area_numbers, report);
        let to = row.named("to_area_id", &places.area_numbers, report);
        let from_timeframe = row.named("from_timeframe_group_id", &times.timeframe_numbers, report);
        let to_timeframe = row.named("to_timeframe_group_id", &times.timeframe_numbers, report);
        let product = row.must_name("fare_product_id", &fares.product_numbers, report);
        let priority = row.parse("rule_priority", report).unwrap_or_default();
        let group = row.optional("leg_group_id").map(|id| groups.number(id, row.at("leg_group_id"), report));
        let (Ok(network), Ok(from), Ok(to)) = (network, from, to) else { continue };
        let (Ok(from_timeframe), Ok(to_timeframe), Some(product)) = (from_timeframe, to_timeframe, product) else {
            continue;
        };
        let prices = &fares.products[usize::from(product)].prices;
        if prices.iter().flatten().any(|price| *price < Fen::ZERO) {
            report.error(row.at("fare_product_id"), "negative-fare", row.text("fare_product_id"));
        }
        if prices.iter().all(Option::is_none) {
            report.warn(row.at("fare_product_id"), "not-on-this-card", row.text("fare_product_id"));
        }
        let is_timed = from_timeframe.is_some() || to_timeframe.is_some();
        let key = (network, from, to);
        alike.entry((key, priority)).or_default().push((is_timed, row));
        let group = group.flatten();
        fares.leg_rules.push(LegRule { group, from, to, from_timeframe, to_timeframe, product, priority });
        fares.leg_keys.push(key);
    }
    // Which of both is meant at that time of day, the reference does not say: the cheaper one is taken.
    for rules in alike.values().filter(|rules| rules.len() > 1) {
        if let Some((_, row)) = rules.iter().find(|(is_timed, _)| !is_timed) {
            report.warn(row.at("rule_priority"), "cheaper-of-two", rules.len());
        }
    }
    fares.named_groups = vec![[false; 2]; groups.of.len()];
    fares.groups = vec![String::new(); groups.of.len()];
    for (id, number) in &groups.of {
        fares.groups[usize::from(*number)].clone_from(id);
    }
    fares.group_numbers = groups.of;
}

fn join_rules(files: &Files, fares: &mut Fares, places: &Places, report: &mut Report) {
    for row in Table::read(files, &JOIN_RULES, report).rows() {
        let from = row.must_name("from_network_id", &places.network_numbers, report);
        let to = row.must_name("to_network_id", &places.network_numbers, report);
        let from_stop = row.named::<StopIx>("from_stop_id", &places.stop_numbers, report);
        let to_stop = row.named::<StopIx>("to_stop_id", &places.stop_numbers, report);
        let (Some(from_network), Some(to_network), Ok(from_stop), Ok(to_stop)) = (from, to, from_stop, to_stop) else {
            continue;
        };
        if from_stop.is_some() != to_stop.is_some() {
            report.error(row.at("to_stop_id"), "both-or-none", "from_stop_id");
        }
        fares.join_rules.push(JoinRule { from_network, to_network, stops: from_stop.zip(to_stop) });
    }
}

fn transfer_rules(files: &Files, fares: &mut Fares, report: &mut Report) {
    let costs =
        [("0", TransferCost::InsteadOfNext), ("1", TransferCost::BesideNext), ("2", TransferCost::InsteadOfBoth)];
    for row in Table::read(files, &TRANSFER_RULES, report).rows() {
        let from = row.named("from_leg_group_id", &fares.group_numbers, report);
        let to = row.named("to_leg_group_id", &fares.group_numbers, report);
        let product = row.named("fare_product_id", &fares.product_numbers, report);
        let paid_with = row.named("filter_fare_product_id", &fares.product_numbers, report);
        let cost = row.one_of("fare_transfer_type", &costs, report);
        let count = row.parse::<i64>("transfer_count", report);
        let limit = limit(row, report);
        let (Ok(from), Ok(to), Ok(product), Ok(paid_with), Some(cost)) = (from, to, product, paid_with, cost) else {
            continue;
        };
        let within_one = from.is_some() && from == to;
        match count {
            None if within_one => report.error(row.at("transfer_count"), "empty", ""),
            Some(_) if from != to => report.error(row.at("transfer_count"), "within-one-group", ""),
            Some(count) if count == 0 || count < -1 => report.error(row.at("transfer_count"), "not-one-of", count),
            _ => {}
        }
        let count = count.filter(|count| *count > 0).and_then(|count| u32::try_from(count).ok());
        let of = |group: Option<GroupIx>| group.map_or(OfGroup::AnyOther, OfGroup::One);
        for (side, group) in [from, to].into_iter().enumerate() {
            if let Some(group) = group {
                fares.named_groups[usize::from(group)][side] = true;
            }
        }
        fares.transfer_rules.push(TransferRule { from: of(from), to: of(to), count, limit, cost, product, paid_with });
    }
}

fn limit(row: Row<'_>, report: &mut Report) -> Option<(i64, Measured)> {
    let types = [
        ("0", Measured::DepartureToArrival),
        ("1", Measured::DepartureToDeparture),
        ("2", Measured::ArrivalToDeparture),
        ("3", Measured::ArrivalToArrival),
    ];
    let limit_s = row.parse::<i64>("duration_limit", report);
    let Some(limit_s) = limit_s else {
        if row.optional("duration_limit_type").is_some() {
            report.error(row.at("duration_limit_type"), "both-or-none", "duration_limit");
        }
        return None;
    };
    if limit_s <= 0 {
        report.error(row.at("duration_limit"), "not-positive", limit_s);
    }
    Some((limit_s, row.one_of("duration_limit_type", &types, report)?))
}
