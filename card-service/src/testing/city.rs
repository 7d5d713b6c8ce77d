//! A city on paper: a small feed with a bus and a metro, and its fares in force.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};

use card_schema::clock::Micros;
use card_schema::ids::{HolderId, OrganisationId, TapId};
use card_schema::operation::transit::Side;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::town::{START, random};
use crate::db::{Db, DbError};
use crate::domains::transit::import::{self, Wish};
use crate::domains::transit::model::{Ride, RiderKey, Showing};
use crate::domains::transit::store;

/// A feed that is in order; invented, like every name here.
pub(crate) const FILES: [(&str, &str); 14] = [
    ("agency.txt", "agency_name,agency_url,agency_timezone\n测试公交,https://example.test,Asia/Shanghai\n"),
    ("stops.txt", "stop_id,stop_name,location_type,parent_station\ns,S,1,\np,P,0,s\nq,Q,,\n"),
    ("areas.txt", "area_id,area_name\n1,一\n2,二\n"),
    ("stop_areas.txt", "area_id,stop_id\n1,s\n2,q\n"),
    ("networks.txt", "network_id\nbus\nmetro\n"),
    ("routes.txt", "route_id,route_short_name,route_type\nb,1,3\nm,2,1\n"),
    ("route_networks.txt", "network_id,route_id\nbus,b\nmetro,m\n"),
    (
        "calendar.txt",
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n\
         daily,1,1,1,1,1,1,1,20260101,20261231\n",
    ),
    ("timeframes.txt", "timeframe_group_id,start_time,end_time,service_id\npeak,07:00:00,09:00:00,daily\n"),
    ("rider_categories.txt", "rider_category_id,rider_category_name,is_default_fare_category\na,成人,1\nc,儿童,0\n"),
    ("fare_media.txt", "fare_media_id,fare_media_type\ncard,2\ncash,0\n"),
    (
        "fare_products.txt",
        "fare_product_id,rider_category_id,fare_media_id,amount,currency\n\
         bus,a,card,2.00,CNY\nmetro,,card,3.00,CNY\noff,,,-1.00,CNY\n",
    ),
    (
        "fare_leg_rules.txt",
        "leg_group_id,network_id,from_area_id,to_area_id,from_timeframe_group_id,fare_product_id\n\
         gb,bus,,,,bus\ngm,metro,1,2,,metro\n",
    ),
    (
        "fare_transfer_rules.txt",
        "from_leg_group_id,to_leg_group_id,transfer_count,duration_limit,duration_limit_type,fare_transfer_type,fare_product_id\n\
         gb,gb,1,1800,1,0,\ngb,gm,,3600,0,1,off\n",
    ),
];
/// What stands beside it.
pub(crate) const SUPPLEMENT_TEXT: &str = r#"
[[network]]
id = "bus"
validation = "on"

[[network]]
id = "metro"
validation = "on_off"
maximum_fen = 900
"#;

/// Its files.
pub(crate) fn files() -> BTreeMap<String, Vec<u8>> {
    FILES.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
}

/// Files as an archive.
pub(crate) fn zipped(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, text) in files {
        zip.start_file(name, options).unwrap();
        zip.write_all(text).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The archive of a city in which a bus costs the same everywhere, and what stands beside it, with more.
pub(crate) fn city(more: &str) -> (Vec<u8>, String) {
    let mut files = files();
    // With priorities the bus costs the same everywhere, also where the metro has areas.
    let rules = "leg_group_id,network_id,from_area_id,to_area_id,fare_product_id,rule_priority\n\
                 gb,bus,,,bus,1\ngm,metro,1,2,metro,1\n";
    files.insert("fare_leg_rules.txt".to_owned(), rules.as_bytes().to_vec());
    (zipped(&files), format!("{SUPPLEMENT_TEXT}{more}"))
}

/// Brings its fares into force, from a day before everything on.
pub(crate) async fn fares_in(db: &Db, more: &str) {
    let (archive, supplement) = city(more);
    let wish = Wish { archive, supplement, from: None, in_part: false, by: None };
    import::import(db, START.plus_seconds(-86_400), wish).await.unwrap().unwrap();
}

/// Somebody has got on the bus at a stop.
pub(crate) async fn got_on(db: &Db, holder: HolderId, at: Micros, stop: &str) {
    let (rider, organisation, tap) =
        (RiderKey::holder(holder.shard(), holder), OrganisationId::from_bytes(random()), TapId(random()));
    let (stop, route, side) = (stop.to_owned(), "b".to_owned(), Side::On);
    let showing = Some(Showing { at, side, stop, route, organisation, tariff: 1, tap });
    let ride = Ride { rider, showing, charged: Vec::new(), named: Vec::new(), advanced: 0, open_until: None };
    let written = db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move { store::riding::add(tx.conn(), std::slice::from_ref(&ride)).await })
    });
    written.await.unwrap();
}
