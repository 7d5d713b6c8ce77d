//! An invented city as large as a real one: 8,000 stops, 200 routes, 800 leg rules, and people who travel in it.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use anyhow::Result;
use card_schema::clock::Micros;
use card_service::domains::transit::Tariff;
use card_service::domains::transit::model::{End, Leg, Shown};
use card_service::domains::transit::tariff::{RouteIx, StopIx, Validation};
use fastrand::Rng;
use zip::write::SimpleFileOptions;

/// Stations, each with two platforms and an entrance.
const STATIONS: usize = 400;
/// Stops at the roadside.
const ROADSIDE: usize = 8_000 - 4 * STATIONS;
/// Zones, from the middle outwards.
const ZONES: usize = 28;
const METRO: usize = 20;
const EXPRESS: usize = 30;
const BUS: usize = 200 - METRO - EXPRESS;
/// Trips and their times: what most of a feed is, and on which no fare depends.
const TRIPS: usize = 20_000;
const STOPS_OF_A_TRIP: usize = 25;
/// Tuesday 2026-06-02, midnight in China, in seconds since 1970.
const DAY_S: i64 = 1_780_329_600;

/// The city's feed, and its supplement.
///
/// # Errors
/// When the archive cannot be made.
pub fn feed() -> Result<(Vec<u8>, String)> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files() {
        zip.start_file(name, SimpleFileOptions::default())?;
        zip.write_all(text.as_bytes())?;
    }
    Ok((zip.finish()?.into_inner(), SUPPLEMENT.to_owned()))
}

fn files() -> Vec<(&'static str, String)> {
    let calendar = "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n\
                    workdays,1,1,1,1,1,0,0,20260101,20271231\ndaily,1,1,1,1,1,1,1,20260101,20271231\n";
    let timeframes = "timeframe_group_id,start_time,end_time,service_id\n\
                      peak,07:00:00,09:00:00,workdays\npeak,17:00:00,19:00:00,workdays\nnight,00:00:00,05:00:00,daily\n";
    let transfers = "from_leg_group_id,to_leg_group_id,transfer_count,duration_limit,duration_limit_type,fare_transfer_type,fare_product_id\n\
                     bus,bus,2,3600,1,1,off\nbus,metro,,5400,1,1,off\nmetro,bus,,1800,2,1,off\nexpress,metro,,3600,2,0,\n";
    let mut routes = "route_id,agency_id,route_short_name,route_type\n".to_owned();
    let mut networks = "network_id,route_id\n".to_owned();
    for number in 0..METRO + EXPRESS + BUS {
        let (network, kind) = match number {
            0..METRO => ("metro", 1),
            _ if number < METRO + EXPRESS => ("express", 3),
            _ => ("bus", 3),
        };
        let _ = writeln!(routes, "r{number},t,{number},{kind}");
        let _ = writeln!(networks, "{network},r{number}");
    }
    let (stops, areas) = stops();
    let (products, rules) = rules();
    let zones: String = (0..ZONES).fold("area_id\n".to_owned(), |text, zone| format!("{text}z{zone}\n"));
    let agency = "agency_id,agency_name,agency_url,agency_timezone\nt,测试,https://example.test,Asia/Shanghai\n";
    let mut times = "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n".to_owned();
    for trip in 0..TRIPS {
        for stop in 0..STOPS_OF_A_TRIP {
            let _ = writeln!(times, "t{trip},08:{stop:02}:00,08:{stop:02}:30,b{},{stop}", (trip * 7 + stop) % ROADSIDE);
        }
    }
    vec![
        ("agency.txt", agency.to_owned()),
        ("stops.txt", stops),
        ("areas.txt", zones),
        ("stop_areas.txt", areas),
        ("networks.txt", "network_id\nmetro\nexpress\nbus\n".to_owned()),
        ("routes.txt", routes),
        ("route_networks.txt", networks),
        ("calendar.txt", calendar.to_owned()),
        ("timeframes.txt", timeframes.to_owned()),
        ("fare_products.txt", products),
        ("fare_leg_rules.txt", rules),
        ("fare_transfer_rules.txt", transfers.to_owned()),
        ("stop_times.txt", times),
    ]
}

fn stops() -> (String, String) {
    let mut stops = "stop_id,stop_name,location_type,parent_station,stop_lat,stop_lon\n".to_owned();
    let mut areas = "area_id,stop_id\n".to_owned();
    for number in 0..STATIONS {
        let zone = number * ZONES / STATIONS;
        let _ = writeln!(stops, "s{number},Station {number},1,,39.9,116.4");
        let _ = writeln!(areas, "z{zone},s{number}");
        for (part, kind) in [("a", 0), ("b", 0), ("e", 2)] {
            let _ = writeln!(stops, "s{number}{part},Station {number} {part},{kind},s{number},39.9,116.4");
        }
    }
    for number in 0..ROADSIDE {
        let _ = writeln!(stops, "b{number},Stop {number},0,,39.9,116.4");
        let _ = writeln!(areas, "z{},b{number}", number * ZONES / ROADSIDE);
    }
    (stops, areas)
}

fn rules() -> (String, String) {
    let mut products =
        "fare_product_id,amount,currency\nbus,2.00,CNY\npeak,2.50,CNY\nexpress,8.00,CNY\noff,-1.00,CNY\n".to_owned();
    let mut rules =
        "leg_group_id,network_id,from_area_id,to_area_id,from_timeframe_group_id,fare_product_id,rule_priority\n\
                     bus,bus,,,,bus,0\nbus,bus,,,peak,peak,1\n"
            .to_owned();
    for far in 0..ZONES {
        let _ = writeln!(products, "m{far},{}.00,CNY", 3 + far / 3);
        for from in 0..ZONES {
            let to = (from + far) % ZONES;
            let _ = writeln!(rules, "metro,metro,z{from},z{to},,m{},1", from.abs_diff(to));
        }
    }
    for zone in 0..14 {
        let _ = writeln!(rules, "express,express,z{zone},,,express,1");
    }
    (products, rules)
}

const SUPPLEMENT: &str = r#"
day_starts = "04:00:00"

[[network]]
id = "metro"
validation = "on_off"
maximum_fen = 1200
grace_s = 600
longest_s = 14400

[[network]]
id = "express"
validation = "on"

[[network]]
id = "bus"
validation = "on"

[[cap]]
id = "bus-day"
networks = ["bus"]
period = "day"
fen = 1000

[[cap]]
id = "week"
networks = ["bus", "metro", "express"]
period = "week"
fen = 20000

[[discount]]
id = "metro-month"
networks = ["metro"]
period = "month"
steps = [{ from_fen = 10000, percent = 80 }, { from_fen = 15000, percent = 50 }, { from_fen = 40000, percent = 100 }]

[[concession]]
id = "student"
percent = 50
networks = ["bus"]

[[pass]]
id = "month"
name = "月票"
networks = ["bus"]
fen = 12000
"#;

/// What one rider does on a day of June 2026, the first of which is 0: some legs, one after the other.
///
/// # Panics
/// With a tariff of another city.
pub fn day_of(tariff: &Tariff, random: &mut Rng, day: i64, legs: usize) -> Vec<Leg> {
    let mut at = DAY_S + day * 86_400 + random.i64(5 * 3_600..20 * 3_600);
    (0..legs).map(|_| leg(tariff, random, &mut at)).collect()
}

fn leg(tariff: &Tariff, random: &mut Rng, at: &mut i64) -> Leg {
    let number = random.usize(0..METRO + EXPRESS + BUS);
    let route: RouteIx = tariff.route_named(&format!("r{number}")).expect("a route of this city");
    let stop = |random: &mut Rng| -> StopIx {
        let name = match number {
            0..METRO => format!("s{}e", random.usize(..STATIONS)),
            // Rules of the express are about the zones of the middle.
            _ if number < METRO + EXPRESS => format!("b{}", random.usize(..ROADSIDE / 2)),
            _ => format!("b{}", random.usize(..ROADSIDE)),
        };
        tariff.stop_named(&name).expect("a stop of this city")
    };
    let on = Shown { stop: stop(random), at: Micros::from_seconds(*at) };
    *at += random.i64(300..3_000);
    let end = match tariff.validation(route) {
        Validation::On { .. } => End::NotShown,
        Validation::OnOff { .. } if random.u8(..100) == 0 => End::Missing,
        Validation::OnOff { .. } => End::Off(Shown { stop: stop(random), at: Micros::from_seconds(*at) }),
    };
    *at += random.i64(60..7_200);
    Leg { route, on, end }
}
