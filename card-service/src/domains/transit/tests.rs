//! What an import promises: everything that is wrong is told with its place, nothing is taken that cannot be followed, and no archive does
//! harm. What fares cost is asked by `tests/fares`.

use std::collections::BTreeMap;
use std::io::Cursor;

use proptest::prelude::*;

use card_schema::clock::Micros;
use card_schema::date::Date;

use super::fares::still_in_force;
use super::feed::{self, Finding, KEYS, MAX_BYTES, Report, SUPPLEMENT, Severity};
use super::import::{self, Refused, Unusable, Wish};
use super::model::Version;
use super::{Tariff, store};
use crate::db::query;
use crate::i18n::Locale;
use crate::testing::Scratch;
use crate::testing::city::{FILES, SUPPLEMENT_TEXT, files, zipped};

fn read(files: &BTreeMap<String, Vec<u8>>) -> (Option<Tariff>, Report) {
    feed::read(&zipped(files), SUPPLEMENT_TEXT)
}

/// What is told of a feed in which one text of one file was replaced.
fn changed(file: &str, from: &str, to: &str) -> (Option<Tariff>, Report) {
    let mut files = files();
    let text = String::from_utf8(files.remove(file).unwrap_or_default()).unwrap();
    assert!(text.contains(from), "{file} has no {from}");
    let text = text.replacen(from, to, 1);
    files.insert(file.to_owned(), text.replace('\n', "\r\n").into_bytes());
    let (_, of_windows) = read(&files);
    files.insert(file.to_owned(), text.into_bytes());
    let (tariff, report) = read(&files);
    assert_eq!(of_windows, report, "whatever ends its lines");
    (tariff, report)
}

#[test]
fn a_feed_in_order_is_taken_and_nothing_is_said() {
    let (tariff, report) = read(&files());
    assert_eq!(report, Report::default());
    let tariff = tariff.unwrap();
    assert!(tariff.stop_named("p").is_some() && tariff.route_named("m").is_some() && tariff.stop_named("x").is_none());
}

#[test]
fn a_byte_order_mark_and_carriage_returns_change_nothing() {
    let windows = files().into_iter().map(|(name, text)| {
        let text = String::from_utf8(text).unwrap().replace('\n', "\r\n");
        (name, format!("\u{feff}{text}").into_bytes())
    });
    let (tariff, report) = read(&windows.collect());
    assert_eq!((tariff.is_some(), report), (true, Report::default()));
}

/// Longer than what a validator sends.
const LONG: &str = "q4567890123456789012345678901234567890123456789012345678901234567,Q,,";

#[test]
fn what_is_wrong_is_told_with_its_place_and_nothing_is_taken() {
    #[rustfmt::skip]
    let table = [
        ("agency.txt", "Asia/Shanghai", "Asia/Nowhere", "agency_timezone", 2, "unknown-time-zone"),
        ("agency.txt", FILES[0].1, "agency_id,agency_name,agency_url,agency_timezone\n1,a,u,Asia/Shanghai\n2,b,u,Asia/Urumqi\n", "agency_timezone", 3, "two-time-zones"),
        ("stops.txt", "p,P,0,s", "p,P,0,nowhere", "parent_station", 3, "dangling"),
        ("stops.txt", "s,S,1,", "s,S,1,s", "parent_station", 2, "station-in-station"),
        ("stops.txt", "q,Q,,", "p,Q,,", "stop_id", 4, "key-twice"),
        ("stops.txt", "q,Q,,", ",Q,,", "stop_id", 4, "empty"),
        ("stops.txt", "q,Q,,", LONG, "stop_id", 4, "too-long"),
        ("stop_areas.txt", "1,s", "3,s", "area_id", 2, "dangling"),
        ("stop_areas.txt", "2,q", "2,r", "stop_id", 3, "dangling"),
        ("routes.txt", "b,1,3", "b,,3", "route_short_name", 2, "empty"),
        ("route_networks.txt", "metro,m", "metro,n", "route_id", 3, "dangling"),
        ("route_networks.txt", "metro,m", "tram,m", "network_id", 3, "dangling"),
        ("calendar.txt", "20260101", "20260230", "start_date", 2, "not-a-day"),
        ("calendar.txt", "20261231", "20251231", "end_date", 2, "not-after"),
        ("calendar.txt", "daily,1", "daily,2", "monday", 2, "not-one-of"),
        ("timeframes.txt", "07:00:00", "7", "start_time", 2, "not-a-time"),
        ("timeframes.txt", "09:00:00", "24:00:01", "end_time", 2, "not-a-time"),
        ("timeframes.txt", "09:00:00", "07:00:00", "end_time", 2, "not-after"),
        ("timeframes.txt", "07:00:00", "", "end_time", 2, "both-or-none"),
        ("timeframes.txt", "daily\n", "daily\npeak,08:00:00,10:00:00,daily\n", "start_time", 3, "overlap"),
        ("timeframes.txt", "daily", "never", "service_id", 2, "dangling"),
        ("rider_categories.txt", "c,儿童,0", "c,儿童,1", "is_default_fare_category", 3, "two-defaults"),
        ("fare_media.txt", "card,2", "card,9", "fare_media_type", 2, "not-one-of"),
        ("fare_products.txt", "2.00", "2.005", "amount", 2, "not-an-amount"),
        ("fare_products.txt", "2.00", "１", "amount", 2, "not-an-amount"),
        ("fare_products.txt", "2.00", "10000.01", "amount", 2, "too-much"),
        ("fare_leg_rules.txt", ",,,,bus", ",,,,off", "fare_product_id", 2, "negative-fare"),
        ("fare_products.txt", "CNY", "USD", "currency", 3, "two-currencies"),
        ("fare_products.txt", "bus,a", "bus,b", "rider_category_id", 2, "dangling"),
        ("fare_products.txt", "bus,a,card", "bus,a,crad", "fare_media_id", 2, "dangling"),
        ("routes.txt", "route_type\nb,1,3\nm,2,1", "route_type,agency_id\nb,1,3,x\nm,2,1,", "agency_id", 2, "dangling"),
        ("fare_products.txt", "metro,,card", "bus,a,card", "fare_product_id", 3, "key-twice"),
        ("fare_leg_rules.txt", "gb,bus", "gb,tram", "network_id", 2, "dangling"),
        ("fare_leg_rules.txt", "1,2", "1,3", "to_area_id", 3, "dangling"),
        ("fare_leg_rules.txt", ",,,,bus", ",,,,tram", "fare_product_id", 2, "dangling"),
        ("fare_leg_rules.txt", ",,,,bus", ",,,off-peak,bus", "from_timeframe_group_id", 2, "dangling"),
        ("fare_transfer_rules.txt", "gb,gb,1", "gb,gb,", "transfer_count", 2, "empty"),
        ("fare_transfer_rules.txt", "gb,gb,1", "gb,gb,0", "transfer_count", 2, "not-one-of"),
        ("fare_transfer_rules.txt", "gb,gm,", "gb,gm,2", "transfer_count", 3, "within-one-group"),
        ("fare_transfer_rules.txt", "1800,1", "1800,", "duration_limit_type", 2, "not-one-of"),
        ("fare_transfer_rules.txt", "1800,1", ",1", "duration_limit_type", 2, "both-or-none"),
        ("fare_transfer_rules.txt", "1800,1", "-1,1", "duration_limit", 2, "not-positive"),
        ("fare_transfer_rules.txt", "1800", "soon", "duration_limit", 2, "not-a-number"),
        ("fare_transfer_rules.txt", "0,1,off", "0,3,off", "fare_transfer_type", 3, "not-one-of"),
        ("fare_transfer_rules.txt", "gb,gm", "gb,gt", "to_leg_group_id", 3, "dangling"),
    ];
    let mut wrong = Vec::new();
    for (file, from, to, field, line, key) in table {
        let (tariff, report) = changed(file, from, to);
        let is_told = report.findings.iter().any(|found| {
            found.severity == Severity::Error
                && (&*found.file, found.line, found.field.as_deref(), found.key) == (file, Some(line), Some(field), key)
        });
        if tariff.is_some() || !is_told {
            wrong.push((file, to, report));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn whole_files_and_columns_that_are_wrong_are_told() {
    for file in ["agency.txt", "stops.txt", "routes.txt", "fare_products.txt", "fare_leg_rules.txt"] {
        let mut files = files();
        files.remove(file);
        let (tariff, report) = read(&files);
        let is_told = report.findings.iter().any(|found| (&*found.file, found.key) == (file, "missing-file"));
        assert!(tariff.is_none() && is_told, "{file}: {report:#?}");
    }
    for (file, from, to, key) in [
        ("stops.txt", "stop_id,", "id,", "missing-column"),
        ("stops.txt", "stop_name,", "stop_id,", "column-twice"),
        ("stops.txt", "q,Q,,", "q,Q", "width"),
        ("fare_leg_rules.txt", "gb,bus,,,,bus\ngm,metro,1,2,,metro\n", "", "no-rows"),
        ("routes.txt", "route_type\nb,1,3\nm,2,1", "route_type,network_id\nb,1,3,bus\nm,2,1,metro", "forbidden-beside"),
        ("fare_media.txt", "cash,0", "other,2", "which-medium"),
        ("rider_categories.txt", "a,成人,1", "a,成人,0", "no-default"),
        ("areas.txt", "1,一", "1,\"一", "line-break"),
    ] {
        let (tariff, report) = changed(file, from, to);
        assert!(tariff.is_none() && report.has(key), "{file}: {key}: {report:#?}");
    }
    let mut latin = files();
    latin.insert("stops.txt".to_owned(), b"stop_id\n\xe9\n".to_vec());
    assert!(read(&latin).1.has("not-utf-8"));
}

#[test]
fn what_is_not_followed_is_named() {
    let severity = |report: &Report, key: &str| -> Option<Severity> {
        report.findings.iter().find(|found| found.key == key).map(|found| found.severity)
    };
    let with = |name: &str, text: &str| {
        let mut files = files();
        files.insert(name.to_owned(), text.as_bytes().to_vec());
        read(&files)
    };
    for (name, text, key, expected) in [
        ("fare_attributes.txt", "fare_id\n1\n", "first-version", Severity::NotSupported),
        ("readme.md", "", "unknown-file", Severity::Warning),
    ] {
        let (tariff, report) = with(name, text);
        assert_eq!((tariff.is_some(), severity(&report, key)), (true, Some(expected)), "{report:#?}");
    }
    let only = "fare_product_id,transfer_only\n";
    for (file, from, to, key, expected) in [
        ("stops.txt", "stop_id,", "stop_colour,stop_id,", "unknown-column", None),
        ("fare_products.txt", "2.00", "2.0", "two-decimals", Some(Severity::Warning)),
        ("fare_leg_rules.txt", "gm,metro", "gb,bus,,,peak,metro\ngm,metro", "cheaper-of-two", Some(Severity::Warning)),
        (
            "fare_leg_rules.txt",
            "fare_product_id\ngb,bus,,,,bus\n",
            &format!("{only}gb,bus,,,,bus,1\n"),
            "not-followed",
            None,
        ),
        ("fare_products.txt", "bus,a,card", "bus,a,cash", "not-on-this-card", Some(Severity::Warning)),
    ] {
        let (tariff, report) = changed(file, from, to);
        assert!(report.has(key), "{file}: {key}: {report:#?}");
        if let Some(expected) = expected {
            assert_eq!((tariff.is_some(), severity(&report, key)), (true, Some(expected)), "{report:#?}");
        }
    }
}

#[test]
fn a_supplement_that_says_what_cannot_be_is_refused() {
    let cap = "[[cap]]\nid = \"c\"\nnetworks = [\"bus\"]\nperiod = \"day\"\nfen = 500\n";
    for (added, key) in [
        ("currency = \"card\"", "supplement"),
        ("day_starts = \"4\"", "not-a-time"),
        ("medium = \"coin\"", "no-such-medium"),
    ] {
        let (tariff, report) = feed::read(&zipped(&files()), &format!("{added}\n{SUPPLEMENT_TEXT}"));
        assert!(tariff.is_none() && report.has(key), "{added}: {report:#?}");
    }
    for (added, key) in [
        ("[[network]]\nid = \"bus\"\nvalidation = \"on\"", "key-twice"),
        ("[[network]]\nid = \"tram\"\nvalidation = \"on\"", "dangling"),
        ("[[network]]\nid = \"tram\"\nvalidation = \"twice\"", "supplement"),
        (&*cap.replace("bus", "tram"), "dangling"),
        (&*cap.replace("500", "-1"), "not-an-amount"),
        (&*format!("{cap}{cap}"), "key-twice"),
        (
            "[[discount]]\nid = \"d\"\nnetworks = [\"bus\"]\nperiod = \"month\"\nsteps = [{ from_fen = 5, percent = 80 }, { from_fen = 5, percent = 50 }]",
            "not-ascending",
        ),
        ("[[concession]]\nid = \"x\"", "grants-nothing"),
        ("[[concession]]\nid = \"x\"\nrider_category = \"elderly\"", "dangling"),
        ("[[concession]]\nid = \"x\"\npercent = 50", "both-or-none"),
        ("[[concession]]\nid = \"x\"\npercent = 101\nnetworks = [\"bus\"]", "not-one-of"),
        ("[[window]]\nid = \"w\"\nfrom = [\"bus\"]\nto = [\"bus\"]\nwithin_s = -1", "not-a-duration"),
    ] {
        let (tariff, report) = feed::read(&zipped(&files()), &format!("{SUPPLEMENT_TEXT}\n{added}\n"));
        let of_supplement = |found: &Finding| found.file == SUPPLEMENT && found.key == key;
        assert!(tariff.is_none() && report.findings.iter().any(of_supplement), "{added}: {report:#?}");
    }
    let (tariff, report) = feed::read(&zipped(&files()), "");
    assert!(tariff.is_none() && report.has("no-validation"), "{report:#?}");
}

#[test]
fn no_archive_does_harm() {
    for (archive, key) in [(&b"PK no archive"[..], "not-an-archive"), (b"", "not-an-archive")] {
        let (tariff, report) = feed::read(archive, SUPPLEMENT_TEXT);
        assert!(tariff.is_none() && report.has(key), "{report:#?}");
    }
    let (tariff, report) = feed::read(&vec![0; MAX_BYTES + 1], SUPPLEMENT_TEXT);
    assert!(tariff.is_none() && report.has("too-large"));
    for name in ["../stops.txt", "feed/stops.txt", "/etc/stops.txt", "..\\stops.txt", "c:stops.txt"] {
        let mut climbing = files();
        climbing.insert(name.to_owned(), b"stop_id\n".to_vec());
        let (tariff, report) = read(&climbing);
        assert!(tariff.is_none() && report.has("path"), "{name}: {report:#?}");
    }
    // Who looks with another tool may see the first of both.
    let mut twice = files();
    twice.insert("stopz.txt".to_owned(), b"stop_id\n".to_vec());
    let mut archive = zipped(&twice);
    while let Some(at) = archive.windows(9).position(|name| name == b"stopz.txt") {
        archive[at..at + 9].copy_from_slice(b"stops.txt");
    }
    let (tariff, report) = feed::read(&archive, SUPPLEMENT_TEXT);
    assert!(tariff.is_none() && report.has("name-twice"), "{report:#?}");
    for (file, row, key) in [
        ("areas.txt", "\n", "width"),
        ("rider_categories.txt", "a,b,0\n", "too-many-rows"),
        ("timeframes.txt", "peak,10:00:00,11:00:00,daily\n", "too-many-rows"),
    ] {
        let (tariff, report) = changed(file, "\n", &format!("\n{}", row.repeat(20_000)));
        assert_eq!(
            (tariff.is_none(), report.has(key)),
            (row != "\n", row != "\n"),
            "{file}: {:#?}",
            report.findings.first()
        );
    }
    let (tariff, report) = feed::read(&zipped(&files()), &"#".repeat(2 << 20));
    assert!(tariff.is_none() && report.has("too-large"), "{report:#?}");
    // A thousand times smaller than what it unpacks to.
    let mut bomb = files();
    bomb.insert("stops.txt".to_owned(), vec![b' '; 160 << 20]);
    let archive = zipped(&bomb);
    assert!(archive.len() < 1 << 20, "{}", archive.len());
    let (tariff, report) = feed::read(&archive, SUPPLEMENT_TEXT);
    assert!(tariff.is_none() && report.has("too-large"), "{report:#?}");
}

#[test]
fn a_file_full_of_errors_is_told_in_part_and_counted_in_full() {
    let rows: Vec<String> = (0..1_000).map(|number| format!("{number},nowhere\n")).collect();
    let rows = rows.concat();
    let (_, report) = changed("stop_areas.txt", "1,s\n2,q\n", &rows);
    let told = report.findings.iter().filter(|found| found.file == "stop_areas.txt").count() as u64;
    assert!(told == 100 && told + report.left_out >= 1_000, "{told} and {}", report.left_out);
    // Warnings do not push errors out of it.
    let twos = (0..200).map(|number| format!("p{number},,card,2,CNY\n")).collect::<Vec<_>>().concat();
    let (_, report) = changed("fare_products.txt", "off,", &format!("{twos}last,,card,two,CNY\noff,"));
    assert!(report.has("not-an-amount") && report.left_out > 0);
    let long = format!("1,{}\u{7}", "长".repeat(1_000));
    let (_, report) = changed("stop_areas.txt", "1,s", &long);
    assert!(report.findings.iter().all(|found| found.value.chars().count() <= 80 && !found.value.contains('\u{7}')));
}

#[test]
fn whatever_is_said_is_said_in_both_languages() {
    for key in KEYS {
        assert!(Locale::ALL.iter().all(|locale| locale.has(&format!("transit-{key}"))), "{key}");
    }
    let (_, report) = changed("stop_areas.txt", "2,q", "2,r");
    let said = |locale| report.findings.iter().map(|found| found.text(locale)).collect::<Vec<_>>();
    assert_eq!(said(Locale::En), ["error stop_areas.txt:3 stop_id: nothing is called r"]);
    assert_eq!(said(Locale::ZhCn), ["错误 stop_areas.txt:3 stop_id: 没有名为 r 的项"]);
}

#[test]
fn what_is_kept_of_an_archive_says_the_same() {
    let mut files = files();
    files.insert("stop_times.txt".to_owned(), vec![b'x'; 1 << 20]);
    let archive = zipped(&files);
    let kept = feed::kept(&archive);
    assert_eq!(feed::kept(&kept), kept);
    let texts = |archive: &[u8]| {
        let mut archive = zip::ZipArchive::new(Cursor::new(archive.to_vec())).unwrap();
        let mut texts = BTreeMap::new();
        for number in 0..archive.len() {
            let mut file = archive.by_index(number).unwrap();
            let name = file.name().unwrap().into_owned();
            texts.insert(name, std::io::read_to_string(&mut file).unwrap());
        }
        texts
    };
    let mut expected = texts(&archive);
    expected.remove("stop_times.txt");
    assert_eq!(texts(&kept), expected);
}

fn wish(from: Option<&str>) -> Wish {
    let from = from.map(|day| day.parse().unwrap());
    Wish { archive: zipped(&files()), supplement: SUPPLEMENT_TEXT.to_owned(), from, in_part: false, by: None }
}

/// Noon of 2026-11-30 in China.
fn noon() -> Micros {
    Date::new(2026, 11, 30).unwrap().start_utc().plus_seconds(4 * 3_600)
}

async fn count(scratch: &Scratch, what: &'static str) -> i64 {
    query(what).scalar_one(&mut scratch.db.read().await.unwrap()).await.unwrap()
}

#[tokio::test]
async fn versions_start_when_they_should_and_say_what_they_were_made_of() {
    let scratch = Scratch::new().await;
    let first = import::import(&scratch.db, noon(), wish(None)).await.unwrap().unwrap();
    assert_eq!((first.version, first.starts_at), (1, noon()));
    let later = import::import(&scratch.db, noon(), wish(Some("2026-12-01"))).await.unwrap().unwrap();
    let midnight = noon().plus_seconds(12 * 3_600);
    assert_eq!((later.version, later.starts_at), (2, midnight), "a day begins when it does in China");
    let mended = import::import(&scratch.db, noon(), wish(Some("2026-12-01"))).await.unwrap().unwrap();
    let mut connection = scratch.db.read().await.unwrap();
    let versions = store::versions(&mut connection).await.unwrap();
    let fares = import::fares(&mut connection, Micros(0)).await.unwrap();
    assert_eq!(versions.iter().map(|version| version.number).collect::<Vec<_>>(), [3, 2, 1]);
    for (at, expected) in [
        (Micros(noon().0 - 1), None),
        (noon(), Some(1)),
        (Micros(midnight.0 - 1), Some(1)),
        (midnight, Some(mended.version)),
    ] {
        assert_eq!(fares.at(at).map(|version| version.number), expected, "{at:?}");
        assert!(expected.is_none() || fares.at(at).unwrap().tariff.stop_named("p").is_some());
    }
    for version in &versions {
        let Version { imported_at, ref imported_by, source, .. } = *version;
        let hash = ring::digest::digest(&ring::digest::SHA256, &zipped(&files()));
        assert_eq!((imported_at, imported_by, &source[..]), (noon(), &None, hash.as_ref()));
    }
    for (since, expected) in [(noon(), vec![1, 2, 3]), (midnight, vec![3]), (midnight.plus_seconds(1), vec![3])] {
        let still = still_in_force(versions.clone(), since);
        assert_eq!(still.iter().map(|version| version.number).collect::<Vec<_>>(), expected);
    }
    drop(connection);
    assert_eq!(count(&scratch, "SELECT COUNT(DISTINCT leaf) FROM tariff").await, 3, "each has a leaf of its own");
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    let scratch = Scratch::new().await;
    let wrong = Wish { supplement: String::new(), ..wish(None) };
    let mut files = files();
    files.insert("fare_rules.txt".to_owned(), b"fare_id\n".to_vec());
    let in_part = Wish { archive: zipped(&files), ..wish(None) };
    let refused = |wish: Wish| import::import(&scratch.db, noon(), wish);
    assert!(
        matches!(refused(wrong).await.unwrap(), Err(Refused::Unusable(Unusable::Wrong(report))) if !report.is_usable())
    );
    assert!(
        matches!(refused(in_part.clone()).await.unwrap(), Err(Refused::InPart(report)) if report.has("first-version"))
    );
    assert_eq!(refused(wish(Some("2026-11-30"))).await.unwrap(), Err(Refused::Past));
    assert_eq!(count(&scratch, "SELECT COUNT(*) FROM tariff").await, 0);
    let knowing = Wish { in_part: true, ..in_part };
    assert!(refused(knowing).await.unwrap().is_ok(), "whoever knows may take it");
}

proptest! {
    /// Whatever stands in a feed's files, it is read or refused.
    #[test]
    fn no_text_brings_it_down(file in 0..FILES.len(), at: prop::sample::Index, byte: u8, text in "[ -~,\n\"é]{0,40}") {
        let mut files = files();
        let bytes = files.get_mut(FILES[file].0).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes.splice(at..at, text.bytes());
        let (tariff, report) = read(&files);
        prop_assert_eq!(tariff.is_some(), report.is_usable());
    }
}
