//! Which files of grid cells can be taken, and what follows from them for the areas above. Pure.

use std::collections::{BTreeMap, BTreeSet};

use geo::{
    Area as _, BooleanOps as _, BoundingRect as _, Coord, CoordsIter as _, MapCoords as _, MultiPolygon, Polygon, Rect,
    Simplify as _, Validation as _, unary_union,
};
use geojson::{Feature, FeatureCollection, GeoJson, GeometryValue};

use super::model::{Area, AreaKey, Cell, Level, rounded};

/// The most cells in a city.
pub const CELLS_MAX: usize = 100_000;
/// The most areas into which one is divided: they stand on one page.
pub const CHILDREN_MAX: usize = 200;
/// The most points in the outline of a cell.
pub const POINTS_MAX: usize = 2_000;
/// The most points that are kept of the outline of what consists of cells.
const POINTS_ABOVE: usize = 400;
/// The longest code and name, in characters.
const TEXT_MAX: usize = 60;
/// Neighbours are drawn a little over one another: up to this part of the smaller is no overlap.
const OVERLAP: f64 = 1e-3;
/// A hole that is smaller than this part of the whole is a seam between neighbours.
const SEAM: f64 = 1e-2;
/// How the properties of a feature are called: code and name of each level, the largest first.
const PROPERTIES: [(&str, &str); 4] =
    [("district_code", "district"), ("street_code", "street"), ("community_code", "community"), ("code", "name")];

/// Why a file was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key of the text that says what to do.
    pub key: &'static str,
    /// What is filled in.
    pub values: Vec<(&'static str, String)>,
}

impl Fault {
    fn of(key: &'static str, values: &[(&'static str, &str)]) -> Self {
        Self { key, values: values.iter().map(|(name, value)| (*name, (*value).to_owned())).collect() }
    }

    /// What is wrong with one feature, counted from 1.
    fn at(key: &'static str, number: usize, what: &str) -> Self {
        Self::of(key, &[("number", &(number + 1).to_string()), ("what", what)])
    }
}

/// Reads the cells of a file.
///
/// # Errors
/// The first thing that is wrong.
pub fn read(text: &str) -> Result<Vec<Cell>, Fault> {
    let file: GeoJson = text.parse().map_err(|error: geojson::Error| {
        // The library's text of a wrong feature repeats it whole.
        let cause: String = error.to_string().chars().take(200).collect();
        Fault::of("area-not-geojson", &[("cause", &cause)])
    })?;
    let GeoJson::FeatureCollection(FeatureCollection { features, .. }) = file else {
        return Err(Fault::of("area-no-collection", &[]));
    };
    if features.is_empty() {
        return Err(Fault::of("area-empty", &[]));
    }
    if features.len() > CELLS_MAX {
        return Err(Fault::of("area-too-many", &[("max", &CELLS_MAX.to_string())]));
    }
    let mut codes = BTreeMap::new();
    let mut cells = Vec::with_capacity(features.len());
    for (number, feature) in features.iter().enumerate() {
        let cell = cell(number, feature)?;
        if let Some(first) = codes.insert(cell.code().to_owned(), number) {
            return Err(Fault::at("area-code-twice", number, &format!("{} ({})", cell.code(), first + 1)));
        }
        cells.push(cell);
    }
    Ok(cells)
}

fn cell(number: usize, feature: &Feature) -> Result<Cell, Fault> {
    let mut path: [(String, String); 4] = Default::default();
    for (part, (code, name)) in path.iter_mut().zip(PROPERTIES) {
        *part = (property(number, feature, code)?, property(number, feature, name)?);
    }
    let geometry = feature.geometry.as_ref().map(|geometry| &geometry.value);
    let outline = match geometry {
        Some(value @ GeometryValue::Polygon { .. }) => Polygon::try_from(value).map(|one| MultiPolygon(vec![one])),
        Some(value @ GeometryValue::MultiPolygon { .. }) => MultiPolygon::try_from(value),
        _ => return Err(Fault::at("area-no-polygon", number, &path[3].0)),
    };
    let outline = outline.map_err(|_| Fault::at("area-no-polygon", number, &path[3].0))?;
    let on_earth = |at: Coord| at.x.abs() <= 180.0 && at.y.abs() <= 90.0;
    if !outline.coords_iter().all(on_earth) {
        return Err(Fault::at("area-off-earth", number, &path[3].0));
    }
    if outline.coords_count() > POINTS_MAX {
        return Err(Fault::at("area-too-fine", number, &path[3].0));
    }
    let outline = outline.map_coords(rounded);
    if outline.0.is_empty() || outline.unsigned_area() <= 0.0 || !outline.is_valid() {
        return Err(Fault::at("area-bad-outline", number, &path[3].0));
    }
    Ok(Cell { path, outline })
}

/// A text of a feature; codes are often numbers.
fn property(number: usize, feature: &Feature, name: &str) -> Result<String, Fault> {
    let value = feature.properties.as_ref().and_then(|all| all.get(name));
    let text = match value {
        Some(serde_json::Value::String(text)) => text.trim().to_owned(),
        Some(serde_json::Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    // A code stands in addresses of pages.
    let is_code = name.ends_with("code");
    let fits = |text: &str| text.chars().all(|one| one.is_ascii_alphanumeric() || one == '-');
    if text.is_empty() {
        Err(Fault::at("area-property-missing", number, name))
    } else if text.chars().count() > TEXT_MAX || text.chars().any(char::is_control) || (is_code && !fits(&text)) {
        Err(Fault::at("area-property-bad", number, name))
    } else {
        Ok(text)
    }
}

/// The areas of a city from those that are known and the cells of a file, which replace known cells of the same code.
///
/// # Errors
/// What does not fit together.
pub fn tree(known: Vec<Cell>, new: Vec<Cell>) -> Result<BTreeMap<AreaKey, Area>, Fault> {
    let mut cells: BTreeMap<String, (Cell, bool)> =
        known.into_iter().map(|cell| (cell.code().to_owned(), (cell, false))).collect();
    for cell in new {
        let same = cells.get(cell.code()).is_some_and(|(known, _)| *known == cell);
        cells.insert(cell.code().to_owned(), (cell, !same));
    }
    if cells.len() > CELLS_MAX {
        return Err(Fault::of("area-too-many", &[("max", &CELLS_MAX.to_string())]));
    }
    let cells: Vec<_> = cells.into_values().collect();
    no_overlap(&cells)?;
    let mut areas = BTreeMap::new();
    for (cell, _) in &cells {
        hang(&mut areas, cell)?;
    }
    few_children(&areas)?;
    // Each from what it consists of, from below.
    for level in [Level::Community, Level::Street, Level::District] {
        let mut parts: BTreeMap<String, Vec<MultiPolygon>> = BTreeMap::new();
        for area in areas.values().filter(|area| Some(area.level) == level.below()) {
            parts.entry(area.parent.clone()).or_default().push(area.outline.clone());
        }
        for (code, parts) in parts {
            if let Some(area) = areas.get_mut(&(level, code)) {
                area.outline = whole(&parts);
            }
        }
    }
    for area in areas.values_mut().filter(|area| area.level != Level::Cell) {
        area.outline = simplified(&area.outline, POINTS_ABOVE).map_coords(rounded);
    }
    Ok(areas)
}

/// Puts a cell and all in which it lies among the areas.
fn hang(areas: &mut BTreeMap<AreaKey, Area>, cell: &Cell) -> Result<(), Fault> {
    let mut parent = String::new();
    for (level, (code, name)) in Level::ALL.into_iter().zip(&cell.path) {
        let area = Area {
            level,
            code: code.clone(),
            name: name.clone(),
            parent: std::mem::replace(&mut parent, code.clone()),
            outline: if level == Level::Cell { cell.outline.clone() } else { MultiPolygon(Vec::new()) },
        };
        match areas.get(&area.key()) {
            Some(known) if known.name != area.name => {
                let values = [("code", code.as_str()), ("one", &known.name), ("other", &area.name)];
                return Err(Fault::of("area-two-names", &values));
            }
            Some(known) if known.parent != area.parent => {
                let values = [("code", code.as_str()), ("one", &known.parent), ("other", &area.parent)];
                return Err(Fault::of("area-two-parents", &values));
            }
            Some(_) => {}
            None => drop(areas.insert(area.key(), area)),
        }
    }
    Ok(())
}

fn few_children(areas: &BTreeMap<AreaKey, Area>) -> Result<(), Fault> {
    let mut children: BTreeMap<(Level, &str), usize> = BTreeMap::new();
    for area in areas.values() {
        let count = children.entry((area.level, &area.parent)).or_default();
        *count += 1;
        if *count > CHILDREN_MAX {
            return Err(Fault::of("area-too-wide", &[("code", &area.parent), ("max", &CHILDREN_MAX.to_string())]));
        }
    }
    Ok(())
}

/// No two cells share a place, of which one at least is new.
fn no_overlap(cells: &[(Cell, bool)]) -> Result<(), Fault> {
    let mut boxes: Vec<_> =
        cells.iter().filter_map(|(cell, new)| Some((cell.outline.bounding_rect()?, cell, *new))).collect();
    boxes.sort_by(|one, other| one.0.min().x.total_cmp(&other.0.min().x));
    let apart = |one: &Rect, other: &Rect| {
        one.min().y >= other.max().y || other.min().y >= one.max().y || one.min().x >= other.max().x
    };
    for (at, (rect, cell, new)) in boxes.iter().enumerate() {
        let reach = boxes[at + 1..].iter().take_while(|(next, ..)| next.min().x < rect.max().x);
        for (next, other, other_new) in reach {
            if (!new && !other_new) || apart(rect, next) {
                continue;
            }
            let shared = cell.outline.intersection(&other.outline).unsigned_area();
            if shared > OVERLAP * cell.outline.unsigned_area().min(other.outline.unsigned_area()) {
                return Err(Fault::of("area-overlap", &[("one", cell.code()), ("other", other.code())]));
            }
        }
    }
    Ok(())
}

/// One outline of many that lie side by side.
fn whole(parts: &[MultiPolygon]) -> MultiPolygon {
    let mut whole = unary_union(parts);
    for polygon in &mut whole.0 {
        let least = SEAM * polygon.unsigned_area();
        polygon.interiors_mut(|holes| {
            for hole in holes.iter_mut() {
                if Polygon::new(hole.clone(), Vec::new()).unsigned_area() < least {
                    hole.0.clear();
                }
            }
        });
        let (exterior, holes) = std::mem::replace(polygon, Polygon::empty()).into_inner();
        *polygon = Polygon::new(exterior, holes.into_iter().filter(|hole| hole.0.len() > 3).collect());
    }
    whole
}

/// An outline of at most about so many points, and what is too small to be seen left out.
pub fn simplified(outline: &MultiPolygon, points: usize) -> MultiPolygon {
    let Some(rect) = outline.bounding_rect() else { return outline.clone() };
    let mut tolerance = rect.width().max(rect.height()) / 4096.0;
    let mut simple = outline.clone();
    // Twelve doublings reach the size of the whole.
    for _ in 0..12 {
        if simple.coords_count() <= points {
            break;
        }
        simple = outline.simplify(tolerance);
        simple.0.retain(|polygon| polygon.unsigned_area() > tolerance * tolerance);
        tolerance *= 2.0;
    }
    simple
}

/// The rows that change a city into another: areas that are new or another, and what is no more.
pub fn difference(before: &BTreeMap<AreaKey, Area>, after: &BTreeMap<AreaKey, Area>) -> (Vec<Area>, BTreeSet<AreaKey>) {
    let changed = after.iter().filter(|(key, area)| before.get(key) != Some(area)).map(|(_, area)| area.clone());
    let gone = before.keys().filter(|key| !after.contains_key(key)).cloned();
    (changed.collect(), gone.collect())
}
