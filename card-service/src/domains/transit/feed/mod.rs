//! A city's published feed (GTFS Schedule with Fares v2) and its supplement, checked and made into a tariff. Pure.
//!
//! Everything that is wrong is told with file, line and field, and everything that fares here do not follow is named: nothing
//! falls back silently. Trips and their times are not read: fares do not depend on them. Read with `csv` and not through a
//! GTFS crate, since those stop at the first row that they cannot read and do not say in which field.

mod archive;
mod fares;
mod places;
mod report;
mod supplement;
mod table;
mod times;

use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;

pub use self::archive::MAX_BYTES;
pub use self::report::{Finding, KEYS, Report, SUPPLEMENT, Severity};
pub use self::supplement::MAX_BYTES as MAX_SUPPLEMENT_BYTES;

use self::archive::Files;
use self::fares::Fares;
use self::places::Places;
use self::report::At;
use super::tariff::{AreaIx, Named, NetworkIx, Route, RouteIx, Stop, Tariff};

/// The files that are read.
const WANTED: [&str; 16] = [
    "agency.txt",
    "areas.txt",
    "calendar.txt",
    "calendar_dates.txt",
    "fare_leg_join_rules.txt",
    "fare_leg_rules.txt",
    "fare_media.txt",
    "fare_products.txt",
    "fare_transfer_rules.txt",
    "networks.txt",
    "rider_categories.txt",
    "route_networks.txt",
    "routes.txt",
    "stop_areas.txt",
    "stops.txt",
    "timeframes.txt",
];
/// Those that have to be there.
const REQUIRED: [&str; 5] = ["agency.txt", "stops.txt", "routes.txt", "fare_products.txt", "fare_leg_rules.txt"];
/// Files of the reference on which no fare depends.
const WITHOUT_FARES: [&str; 14] = [
    "attributions.txt",
    "booking_rules.txt",
    "feed_info.txt",
    "frequencies.txt",
    "levels.txt",
    "location_group_stops.txt",
    "location_groups.txt",
    "locations.geojson",
    "pathways.txt",
    "shapes.txt",
    "stop_times.txt",
    "transfers.txt",
    "translations.txt",
    "trips.txt",
];
/// Fares of the first version: not what is charged here.
const FIRST_VERSION: [&str; 2] = ["fare_attributes.txt", "fare_rules.txt"];

/// The most networks.
const NETWORKS: usize = 1_000;

/// Reads a feed's archive and the supplement beside it.
pub fn read(archive: &[u8], supplement: &str) -> (Option<Tariff>, Report) {
    let mut report = Report::default();
    let files = open(archive, &mut report);
    let tariff = report.is_usable().then(|| made(&files, supplement, &mut report)).flatten();
    (tariff, report)
}

/// What of an archive fares depend on, as an archive that [`read`] makes the same tariff of.
pub fn kept(archive: &[u8]) -> Vec<u8> {
    open(archive, &mut Report::default()).packed()
}

fn open(archive: &[u8], report: &mut Report) -> Files {
    let wanted: Vec<&'static str> = WANTED.into_iter().chain(FIRST_VERSION).collect();
    archive::open(archive, &wanted, &WITHOUT_FARES, report)
}

fn made(files: &Files, supplement: &str, report: &mut Report) -> Option<Tariff> {
    for name in REQUIRED.iter().filter(|name| files.text(name).is_none()) {
        report.error(At::file(name), "missing-file", "");
    }
    for name in FIRST_VERSION.iter().filter(|name| files.text(name).is_some()) {
        report.not_supported(At::file(name), "first-version", "");
    }
    let supplement = supplement::read(supplement, report);
    let places = places::read(files, report);
    let times = times::read(files, report);
    let fares = fares::read(files, &places, &times, supplement.medium.as_deref(), report);
    let has_others = places.routes.iter().any(|route| route.network.is_none());
    let others = has_others.then(|| NetworkIx::try_from(places.networks.len()).unwrap_or(NetworkIx::MAX));
    if places.networks.len() > NETWORKS {
        report.error(At::file("networks.txt"), "too-many", NETWORKS);
        return None;
    }
    let extras = supplement.resolve(&places, &fares, others, report);
    if !report.is_usable() {
        return None;
    }
    let listed = Listed::of(&fares);
    let Places { zones, stops, stop_numbers, areas, routes, .. } = places;
    let stops = stops.into_iter().map(|stop| Stop {
        from: listed.keys(&listed.from, stop.areas.iter().copied()),
        to: listed.keys(&listed.to, stop.areas.iter().copied()),
        id: stop.id,
        name: stop.name,
        station: stop.station,
        zone: stop.zone,
    });
    let routes: Vec<Route> = routes
        .into_iter()
        .map(|route| Route {
            named: listed.named(route.network),
            network: route.network.or(others).expect("routes without a network have one of their own"),
            id: route.id,
            name: route.name,
            agency: route.agency,
        })
        .collect();
    let mut by_key: HashMap<_, Vec<u32>, FixedState> = HashMap::default();
    for (number, key) in (0..).zip(&fares.leg_keys) {
        by_key.entry(*key).or_default().push(number);
    }
    let route_numbers = (0..).zip(&routes).map(|(number, route)| (route.id.clone(), RouteIx(number))).collect();
    let tariff = Tariff {
        zones,
        stops: stops.collect(),
        routes,
        networks: extras.networks,
        areas,
        riders: fares.rider_numbers.len(),
        products: fares.products,
        services: times.services,
        timeframes: times.timeframes,
        leg_rules: fares.leg_rules,
        by_key,
        join_rules: fares.join_rules,
        transfer_rules: fares.transfer_rules,
        groups: fares.groups,
        named_groups: fares.named_groups,
        counted: extras.counted,
        concessions: extras.concessions,
        windows: extras.windows,
        passes: extras.passes,
        day_starts: extras.day_starts,
        change_s: extras.change_s,
        join_s: extras.join_s,
        stop_numbers,
        route_numbers,
    };
    Some(tariff)
}

/// What leg rules name: where they have no priority, an empty field stands for all that none of them names.
struct Listed {
    has_priority: bool,
    networks: HashSet<NetworkIx>,
    from: HashSet<AreaIx>,
    to: HashSet<AreaIx>,
}

impl Listed {
    fn of(fares: &Fares) -> Self {
        Self {
            has_priority: fares.has_priority,
            networks: fares.leg_keys.iter().filter_map(|(network, ..)| *network).collect(),
            from: fares.leg_keys.iter().filter_map(|(_, from, _)| *from).collect(),
            to: fares.leg_keys.iter().filter_map(|(.., to)| *to).collect(),
        }
    }

    fn keys(&self, listed: &HashSet<AreaIx>, areas: impl Iterator<Item = AreaIx>) -> Vec<Option<AreaIx>> {
        let mut keys: Vec<Option<AreaIx>> = areas.filter(|area| listed.contains(area)).map(Some).collect();
        if self.has_priority || keys.is_empty() {
            keys.push(None);
        }
        keys
    }

    fn named(&self, network: Option<NetworkIx>) -> Named {
        let network = network.filter(|network| self.networks.contains(network));
        Named { network, or_none: self.has_priority || network.is_none() }
    }
}
