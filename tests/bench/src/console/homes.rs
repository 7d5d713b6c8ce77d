//! Where the people of a city live: a grid of invented cells, and houses in them.

use anyhow::{Result, anyhow};
use card_schema::{clock::Micros, ids::Shard};
use card_service::{
    db::{self, Db, DbError, Tx},
    domains::residence::area,
    evidence::{
        self, Action, ActionKind,
        tables::{self, Value},
    },
    people::StaffId,
};
use serde_json::json;

use crate::intake::installation::{by_column, random};

/// Districts, streets in one, communities in one, cells in one.
const PARTS: [usize; 4] = [4, 8, 8, 8];
/// People who live in one house.
const IN_A_HOUSE: u64 = 25;

/// Houses of one leaf.
const AT_ONCE: usize = 1_000;

/// The id of a house.
pub(super) type House = [u8; 16];

/// Codes of the cells.
fn codes() -> Vec<[usize; 4]> {
    let [districts, streets, communities, cells] = PARTS;
    let streets = (0..districts).flat_map(move |district| (0..streets).map(move |street| [district, street]));
    let communities = streets.flat_map(move |[d, s]| (0..communities).map(move |community| [d, s, community]));
    communities.flat_map(move |[d, s, c]| (0..cells).map(move |cell| [d, s, c, cell])).collect()
}

fn code(parts: &[usize]) -> String {
    parts.iter().map(|part| format!("{:02}", part + 1)).collect::<Vec<_>>().concat()
}

/// Reads the cells as an operator does: those of a community lie in a row, communities below one another.
pub(super) async fn found_cells(db: &Db, at: Micros) -> Result<()> {
    let place = |number: usize| f64::from(u32::try_from(number).unwrap_or_default()) / 1_000.0;
    let feature = |parts: &[usize; 4]| {
        let [district, street, community, cell] = *parts;
        let (west, south) = (117.0 + place(cell + PARTS[3] * street), 31.0 + place(community + PARTS[2] * district));
        let (east, north) = (west + place(1), south + place(1));
        let ring = [[west, south], [east, south], [east, north], [west, north], [west, south]];
        json!({
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            "properties": {
                "district_code": code(&parts[..1]), "district": format!("虚构{district}区"),
                "street_code": code(&parts[..2]), "street": format!("虚构{street}街道"),
                "community_code": code(&parts[..3]), "community": format!("虚构{community}社区"),
                "code": code(parts), "name": format!("第{cell}网格"),
            },
        })
    };
    let file = json!({"type": "FeatureCollection", "features": codes().iter().map(feature).collect::<Vec<_>>()});
    area::import(db, at, &file.to_string()).await?.map(drop).map_err(|fault| anyhow!("cells: {fault:?}"))
}

/// Houses for so many people, spread over the cells. Nobody finds them by an address: they are only lived in.
pub(super) async fn build(tx: &mut Tx, at: Micros, by: StaffId, people: u64) -> Result<Vec<House>, DbError> {
    let (cells, houses) = (codes(), usize::try_from(people.div_ceil(IN_A_HOUSE)).unwrap_or_default());
    tx.lock([Shard(0)]).await?;
    let mut built = Vec::with_capacity(houses);
    for first in (0..houses).step_by(AT_ONCE) {
        let leaf = evidence::reserve(tx, Shard(0));
        let (mut rows, mut images, mut blinds, mut sealed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for number in first..houses.min(first + AT_ONCE) {
            let (house, blind) = (drawn::<16>()?, drawn::<32>()?);
            // Some cells have many houses, some few.
            let cell = Value::Text(code(&cells[number * number % cells.len()]));
            let row = vec![house[..].into(), cell, at.0.into(), by.0.as_bytes()[..].into(), leaf.leaf_id.into()];
            let withheld: [Value; 2] = [blind[..].into(), blind[..].into()];
            let exported: Vec<_> = row.iter().cloned().chain(tables::HOUSE.seal(&withheld)).collect();
            images.push(tables::HOUSE.image(&exported));
            rows.push(row);
            blinds.push(blind);
            sealed.push(blind);
            built.push(house);
        }
        let action = Action::new(Shard(0), ActionKind::HouseAdded, images);
        evidence::append_reserved(tx, at, vec![(leaf, action)]).await?;
        let rows =
            by_column(&tables::HOUSE, &rows)?.bytes("blind", blinds.into_iter()).bytes("sealed", sealed.into_iter());
        db::insert(tx.conn(), tables::HOUSE.name, rows, "").await?;
    }
    Ok(built)
}

fn drawn<const N: usize>() -> Result<[u8; N], DbError> {
    random().map_err(|_| DbError::Randomness)
}
