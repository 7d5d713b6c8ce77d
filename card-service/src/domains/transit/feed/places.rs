//! Where one travels: agencies, stops, areas, routes and networks of a feed. Pure.

use std::collections::{BTreeSet, HashMap};

use jiff::tz::TimeZone;

use super::archive::Files;
use super::report::{At, Report};
use super::table::{Format, PLAIN, Row, Table};
use crate::domains::transit::tariff::{AreaIx, NetworkIx, StopIx};

const AGENCY: Format = Format {
    file: "agency.txt",
    required: &["agency_name", "agency_url", "agency_timezone"],
    optional: &["agency_id", "agency_lang", "agency_phone", "agency_fare_url", "agency_email", "cemv_support"],
    key: &["agency_id"],
    most: 1_000,
    ..PLAIN
};
const STOPS: Format = Format {
    file: "stops.txt",
    required: &["stop_id"],
    optional: &[
        "stop_code",
        "stop_name",
        "tts_stop_name",
        "stop_desc",
        "stop_lat",
        "stop_lon",
        "zone_id",
        "stop_url",
        "location_type",
        "parent_station",
        "stop_timezone",
        "wheelchair_boarding",
        "level_id",
        "platform_code",
        "stop_access",
    ],
    key: &["stop_id"],
    ..PLAIN
};
const AREAS: Format =
    Format { file: "areas.txt", required: &["area_id"], optional: &["area_name"], key: &["area_id"], ..PLAIN };
const STOP_AREAS: Format =
    Format { file: "stop_areas.txt", required: &["area_id", "stop_id"], key: &["area_id", "stop_id"], ..PLAIN };
const NETWORKS: Format = Format {
    file: "networks.txt",
    required: &["network_id"],
    optional: &["network_name"],
    key: &["network_id"],
    ..PLAIN
};
const ROUTE_NETWORKS: Format =
    Format { file: "route_networks.txt", required: &["network_id", "route_id"], key: &["route_id"], ..PLAIN };
const ROUTES: Format = Format {
    file: "routes.txt",
    required: &["route_id", "route_type"],
    optional: &[
        "agency_id",
        "route_short_name",
        "route_long_name",
        "route_desc",
        "route_url",
        "route_color",
        "route_text_color",
        "route_sort_order",
        "continuous_pickup",
        "continuous_drop_off",
        "network_id",
        "cemv_support",
    ],
    key: &["route_id"],
    ..PLAIN
};

/// The most areas that one stop lies in: a leg asks for each pair of them.
const AREAS_OF_A_STOP: usize = 32;

/// A stop as the feed has it.
pub(super) struct Place {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) station: StopIx,
    pub(super) zone: u16,
    pub(super) areas: BTreeSet<AreaIx>,
}

/// What a row of stops is (`location_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Platform,
    Station,
    /// An entrance, or another part of a station that is no platform.
    Gate,
}

/// A route as the feed has it.
pub(super) struct Way {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) agency: String,
    pub(super) network: Option<NetworkIx>,
}

/// Everything of a feed that is somewhere.
#[derive(Default)]
pub(super) struct Places {
    pub(super) zones: Vec<TimeZone>,
    pub(super) stops: Vec<Place>,
    pub(super) stop_numbers: HashMap<String, StopIx>,
    pub(super) areas: Vec<String>,
    pub(super) area_numbers: HashMap<String, AreaIx>,
    /// Ids and names.
    pub(super) networks: Vec<(String, String)>,
    pub(super) network_numbers: HashMap<String, NetworkIx>,
    pub(super) routes: Vec<Way>,
}

/// Numbers for ids, in the order in which they come; more than there are numbers for is told.
pub(super) struct Numbers<T> {
    pub(super) of: HashMap<String, T>,
}

impl<T: Copy + TryFrom<usize>> Numbers<T> {
    pub(super) fn new() -> Self {
        Self { of: HashMap::new() }
    }

    /// The number of an id, a new one where it has none.
    pub(super) fn number(&mut self, id: &str, at: At<'_>, report: &mut Report) -> Option<T> {
        if let Some(number) = self.of.get(id) {
            return Some(*number);
        }
        let Ok(number) = T::try_from(self.of.len()) else {
            report.error(at, "too-many", self.of.len());
            return None;
        };
        self.of.insert(id.to_owned(), number);
        Some(number)
    }
}

pub(super) fn read(files: &Files, report: &mut Report) -> Places {
    let mut places = Places::default();
    let agencies = agencies(files, &mut places, report);
    areas(files, &mut places, report);
    stops(files, &mut places, report);
    networks(files, &mut places, report);
    routes(files, &mut places, &agencies, report);
    places
}

fn zone(row: Row<'_>, column: &'static str, name: &str, zones: &mut Vec<TimeZone>, report: &mut Report) -> u16 {
    let Ok(found) = TimeZone::get(name) else {
        report.error(row.at(column), "unknown-time-zone", name);
        return 0;
    };
    let known = zones.iter().position(|known| known.iana_name() == found.iana_name());
    let number = known.unwrap_or_else(|| {
        zones.push(found);
        zones.len() - 1
    });
    u16::try_from(number).expect("there are some hundred time zones")
}

/// Their ids.
fn agencies(files: &Files, places: &mut Places, report: &mut Report) -> HashMap<String, usize> {
    const COLUMN: &str = "agency_timezone";
    let table = Table::read(files, &AGENCY, report);
    let ids: HashMap<String, usize> = table.rows().map(|row| row.text("agency_id").to_owned()).zip(0..).collect();
    let mut first = None;
    for row in table.rows() {
        let Some(name) = row.required(COLUMN, report) else { continue };
        if *first.get_or_insert(name) != name {
            report.error(row.at(COLUMN), "two-time-zones", name);
        }
        zone(row, COLUMN, name, &mut places.zones, report);
    }
    if table.is_empty() {
        report.error(At::file(AGENCY.file), "no-rows", "");
    }
    ids
}

fn areas(files: &Files, places: &mut Places, report: &mut Report) {
    let mut numbers = Numbers::new();
    for row in Table::read(files, &AREAS, report).rows() {
        let Some(id) = row.required("area_id", report) else { continue };
        if numbers.number(id, row.at("area_id"), report).is_some() {
            places.areas.push(row.optional("area_name").unwrap_or(id).to_owned());
        }
    }
    places.area_numbers = numbers.of;
}

fn stops(files: &Files, places: &mut Places, report: &mut Report) {
    let table = Table::read(files, &STOPS, report);
    for row in table.rows() {
        let Some(id) = row.id("stop_id", report) else { continue };
        let number = StopIx(u32::try_from(places.stops.len()).expect("a file holds fewer rows"));
        let zone =
            row.optional("stop_timezone").map_or(0, |name| zone(row, "stop_timezone", name, &mut places.zones, report));
        let name = row.optional("stop_name").unwrap_or(id).to_owned();
        places.stop_numbers.insert(id.to_owned(), number);
        places.stops.push(Place { id: id.to_owned(), name, station: number, zone, areas: BTreeSet::new() });
    }
    if table.is_empty() {
        report.error(At::file(STOPS.file), "no-rows", "");
    }
    let types = [
        ("", Kind::Platform),
        ("0", Kind::Platform),
        ("1", Kind::Station),
        ("2", Kind::Gate),
        ("3", Kind::Gate),
        ("4", Kind::Gate),
    ];
    let mut kinds = vec![Kind::Platform; places.stops.len()];
    for row in table.rows() {
        let Some(&number) = places.stop_numbers.get(row.text("stop_id")) else { continue };
        kinds[number.0 as usize] = row.one_of("location_type", &types, report).unwrap_or(Kind::Platform);
    }
    for row in table.rows() {
        let Some(&number) = places.stop_numbers.get(row.text("stop_id")) else { continue };
        let Ok(Some(parent)) = row.named("parent_station", &places.stop_numbers, report) else { continue };
        // A boarding area belongs to a platform, and that to a station; who validates does so at one of the latter.
        if kinds[number.0 as usize] == Kind::Station {
            report.error(row.at("parent_station"), "station-in-station", "");
        } else if kinds[parent.0 as usize] == Kind::Station {
            let zone = places.stops[parent.0 as usize].zone;
            let stop = &mut places.stops[number.0 as usize];
            (stop.station, stop.zone) = (parent, zone);
        }
    }
    stop_areas(files, places, &kinds, report);
}

fn stop_areas(files: &Files, places: &mut Places, kinds: &[Kind], report: &mut Report) {
    for row in Table::read(files, &STOP_AREAS, report).rows() {
        let stop = row.must_name("stop_id", &places.stop_numbers, report);
        let area = row.must_name("area_id", &places.area_numbers, report);
        if let (Some(stop), Some(area)) = (stop, area) {
            let areas = &mut places.stops[stop.0 as usize].areas;
            areas.insert(area);
            if areas.len() > AREAS_OF_A_STOP {
                report.error(row.at("stop_id"), "too-many", AREAS_OF_A_STOP);
                return;
            }
        }
    }
    // A platform is where its station is, unless it is said to be elsewhere. The gates of a station, and the station itself, do not know
    // to which platform one goes.
    let own: Vec<BTreeSet<AreaIx>> = places.stops.iter().map(|stop| stop.areas.clone()).collect();
    let mut of_station = own.clone();
    for (number, stop) in places.stops.iter().enumerate() {
        let station = stop.station.0 as usize;
        if kinds[number] == Kind::Platform && own[station].is_empty() {
            of_station[station].extend(&own[number]);
            if of_station[station].len() > AREAS_OF_A_STOP {
                report.error(At::file(STOP_AREAS.file).field("stop_id"), "too-many", AREAS_OF_A_STOP);
                return;
            }
        }
    }
    for (number, stop) in places.stops.iter_mut().enumerate() {
        let station = stop.station.0 as usize;
        match kinds[number] {
            _ if !own[number].is_empty() => {}
            Kind::Platform => stop.areas.clone_from(&own[station]),
            Kind::Station | Kind::Gate => stop.areas.clone_from(&of_station[station]),
        }
    }
}

fn networks(files: &Files, places: &mut Places, report: &mut Report) {
    let mut numbers = Numbers::new();
    for row in Table::read(files, &NETWORKS, report).rows() {
        let Some(id) = row.required("network_id", report) else { continue };
        if numbers.number(id, row.at("network_id"), report).is_some() {
            let name = row.optional("network_name").unwrap_or(id);
            places.networks.push((id.to_owned(), name.to_owned()));
        }
    }
    places.network_numbers = numbers.of;
}

fn routes(files: &Files, places: &mut Places, agencies: &HashMap<String, usize>, report: &mut Report) {
    let table = Table::read(files, &ROUTES, report);
    if table.is_empty() {
        report.error(At::file(ROUTES.file), "no-rows", "");
    }
    let by_file = Table::read(files, &ROUTE_NETWORKS, report);
    if table.has("network_id") && (files.text(ROUTE_NETWORKS.file).is_some() || files.text(NETWORKS.file).is_some()) {
        report.error(At::file(ROUTES.file).field("network_id"), "forbidden-beside", ROUTE_NETWORKS.file);
    }
    let mut of_route: HashMap<&str, NetworkIx> = HashMap::new();
    let ids: BTreeSet<&str> = table.rows().map(|row| row.text("route_id")).collect();
    for row in by_file.rows() {
        let network = row.must_name("network_id", &places.network_numbers, report);
        let Some(route) = row.required("route_id", report) else { continue };
        if !ids.contains(route) {
            report.error(row.at("route_id"), "dangling", route);
        }
        if let Some(network) = network {
            of_route.insert(route, network);
        }
    }
    let mut numbers = Numbers { of: std::mem::take(&mut places.network_numbers) };
    for row in table.rows() {
        let Some(id) = row.id("route_id", report) else { continue };
        let named = row.optional("network_id").and_then(|network| {
            let is_new = !numbers.of.contains_key(network);
            let number = numbers.number(network, row.at("network_id"), report)?;
            if is_new {
                places.networks.push((network.to_owned(), network.to_owned()));
            }
            Some(number)
        });
        let name = row.optional("route_short_name").or(row.optional("route_long_name"));
        if name.is_none() {
            report.error(row.at("route_short_name"), "empty", "");
        }
        // Told where it does not name one.
        let _agency = row.named("agency_id", agencies, report);
        if agencies.len() > 1 && row.optional("agency_id").is_none() {
            report.error(row.at("agency_id"), "empty", "");
        }
        places.routes.push(Way {
            id: id.to_owned(),
            name: name.unwrap_or(id).to_owned(),
            agency: row.text("agency_id").to_owned(),
            network: named.or(of_route.get(id).copied()),
        });
    }
    places.network_numbers = numbers.of;
}
