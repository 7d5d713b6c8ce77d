//! Reading cells on a real database: what a file becomes, what is refused, and that reading again changes nothing.

use std::fmt::Write as _;

use card_schema::clock::Micros;
use geo::{Area as _, CoordsIter as _};
use serde_json::{Value, json};

use super::model::{Area, Level};
use super::{Imported, import, rules, store};
use crate::db::query;
use crate::i18n::Locale;
use crate::testing::Scratch;

/// An invented town; its people do not exist either.
pub(crate) const TOWN: &str = include_str!("../../../../../tests/town/data/cells.geojson");

/// Reads the invented town.
pub(crate) async fn town(scratch: &Scratch) -> Imported {
    import(&scratch.db, Micros(1), TOWN).await.unwrap().unwrap()
}

fn parsed() -> Value {
    serde_json::from_str(TOWN).unwrap()
}

async fn imported(scratch: &Scratch, file: &Value) -> Imported {
    import(&scratch.db, Micros(2), &file.to_string()).await.unwrap().unwrap()
}

async fn areas(scratch: &Scratch, level: Level, parent: &str) -> Vec<Area> {
    store::children(&mut scratch.db.read().await.unwrap(), level, parent).await.unwrap()
}

async fn leaves(scratch: &Scratch) -> i64 {
    query("SELECT COUNT(*) FROM leaf").scalar_one(&mut scratch.db.read().await.unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_file_of_cells_becomes_a_city_and_reading_it_again_changes_nothing() {
    let scratch = Scratch::new().await;
    assert_eq!(town(&scratch).await, Imported { cells: 24, changed: 24, above: 10 });
    let before = leaves(&scratch).await;
    assert_eq!(town(&scratch).await, Imported { cells: 24, changed: 0, above: 10 });
    assert_eq!(leaves(&scratch).await, before, "nothing was written");
    let districts = areas(&scratch, Level::District, "").await;
    assert_eq!(districts.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["虚构东区", "虚构西区"]);
    let cells = areas(&scratch, Level::Cell, "990101001001").await;
    assert_eq!(cells.len(), 6);
    // What lies above consists of what lies below.
    let [community] = &areas(&scratch, Level::Community, "990101002").await[..] else { panic!("one community") };
    let parts: f64 =
        areas(&scratch, Level::Cell, &community.code).await.iter().map(|cell| cell.outline.unsigned_area()).sum();
    assert!((community.outline.unsigned_area() - parts).abs() < parts * 1e-6);
    let path = store::path(&mut scratch.db.read().await.unwrap(), Level::Cell, "990101001001001").await.unwrap();
    assert_eq!(path.iter().map(|one| one.name.as_str()).collect::<Vec<_>>()[..2], ["虚构东区", "虚构河滨街道"]);
    assert!(store::path(&mut scratch.db.read().await.unwrap(), Level::Cell, "nowhere").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_later_file_says_how_cells_are_now_and_what_is_empty_goes() {
    let scratch = Scratch::new().await;
    town(&scratch).await;
    let mut file = parsed();
    // The one community of a street becomes part of another street's, and a cell gets another name.
    let features = file["features"].as_array_mut().unwrap();
    features.retain(|feature| feature["properties"]["community_code"] == "990101002001");
    for feature in &mut *features {
        let properties = feature["properties"].as_object_mut().unwrap();
        properties.insert("street_code".to_owned(), json!(990_101_001));
        properties.insert("street".to_owned(), json!("虚构河滨街道"));
    }
    features[0]["properties"]["name"] = json!("石阶新网格");
    assert_eq!(imported(&scratch, &file).await, Imported { cells: 6, changed: 1, above: 9 });
    assert_eq!(areas(&scratch, Level::Street, "990101").await.len(), 1);
    assert_eq!(areas(&scratch, Level::Community, "990101001").await.len(), 3);
    assert_eq!(areas(&scratch, Level::Cell, "990101002001").await[0].name, "石阶新网格");
    assert_eq!(areas(&scratch, Level::Cell, "990102001002").await.len(), 4, "what the file does not name stays");
}

#[tokio::test]
async fn what_cannot_be_a_city_is_refused_in_words_and_nothing_is_taken() {
    type Spoil = fn(&mut Value);
    let scratch = Scratch::new().await;
    let table: [(&str, Spoil); 14] = [
        ("area-no-collection", |file| *file = file["features"][0].clone()),
        ("area-empty", |file| file["features"] = json!([])),
        ("area-property-missing", |file| {
            drop(file["features"][3]["properties"].as_object_mut().unwrap().remove("street"));
        }),
        ("area-property-missing", |file| file["features"][3]["properties"] = Value::Null),
        ("area-property-bad", |file| file["features"][3]["properties"]["code"] = json!("12/3")),
        ("area-property-bad", |file| file["features"][3]["properties"]["name"] = json!("长".repeat(61))),
        ("area-no-polygon", |file| {
            file["features"][3]["geometry"] = json!({"type": "Point", "coordinates": [117, 31]});
        }),
        ("area-no-polygon", |file| file["features"][3]["geometry"] = Value::Null),
        ("area-off-earth", |file| {
            for corner in file["features"][3]["geometry"]["coordinates"][0].as_array_mut().unwrap() {
                *corner = json!([corner[0].as_f64().unwrap() * 1e5, corner[1].as_f64().unwrap() * 1e5]);
            }
        }),
        ("area-bad-outline", |file| {
            file["features"][3]["geometry"]["coordinates"][0].as_array_mut().unwrap().swap(1, 2);
        }),
        ("area-code-twice", |file| {
            file["features"][3]["properties"]["code"] = file["features"][0]["properties"]["code"].clone();
        }),
        ("area-two-names", |file| file["features"][3]["properties"]["community"] = json!("虚构另社区")),
        ("area-two-parents", |file| {
            file["features"][3]["properties"]["street_code"] = json!("990101009");
        }),
        ("area-overlap", |file| {
            file["features"][3]["geometry"] = file["features"][20]["geometry"].clone();
        }),
    ];
    for (key, spoil) in table {
        let mut file = parsed();
        spoil(&mut file);
        let fault = import(&scratch.db, Micros(1), &file.to_string()).await.unwrap().unwrap_err();
        assert_eq!(fault.key, key, "{:?}", fault.values);
        for locale in Locale::ALL {
            let values: Vec<_> = fault.values.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let text = locale.text_with(fault.key, &values);
            assert!(!text.contains("{$") && text != fault.key, "{text}");
        }
    }
    for text in ["", "no JSON", "{\"type\":\"Topology\"}", "[1,2", "\u{0}"] {
        assert_eq!(import(&scratch.db, Micros(1), text).await.unwrap().unwrap_err().key, "area-not-geojson", "{text}");
    }
    assert!(areas(&scratch, Level::District, "").await.is_empty());
}

/// So many square cells side by side, a hundred a community.
fn many(count: u32) -> String {
    let mut file = String::from("{\"type\":\"FeatureCollection\",\"features\":[");
    for number in 0..count {
        let (community, street) = (number / 100, number / 10_000);
        let (x, y) = (f64::from(number % 400) / 1e3, f64::from(number / 400) / 1e3);
        let (right, top) = (x + 1e-3, y + 1e-3);
        write!(
            file,
            "{}{{\"type\":\"Feature\",\"properties\":{{\"code\":\"{number}\",\"name\":\"n\",\"community_code\":\"{community}\",\
             \"community\":\"c\",\"street_code\":\"{street}\",\"street\":\"s\",\"district_code\":\"1\",\"district\":\"d\"}},\
             \"geometry\":{{\"type\":\"Polygon\",\"coordinates\":[[[{x},{y}],[{right},{y}],[{right},{top}],[{x},{top}],[{x},{y}]]]}}}}",
            if number == 0 { "" } else { "," },
        )
        .unwrap();
    }
    file + "]}"
}

#[test]
fn a_city_has_no_more_cells_than_fit() {
    assert_eq!(rules::read(&many(100_001)).unwrap_err().key, "area-too-many");
    let areas = rules::tree(Vec::new(), rules::read(&many(2_000)).unwrap()).unwrap();
    assert!(areas.values().all(|area| area.outline.coords_count() <= rules::POINTS_MAX));
    let cells = rules::read(&many(1_000)).unwrap();
    let wide = cells.into_iter().map(|mut cell| {
        cell.path[2] = ("1".to_owned(), "c".to_owned());
        cell
    });
    assert_eq!(rules::tree(Vec::new(), wide.collect()).unwrap_err().key, "area-too-wide");
}
