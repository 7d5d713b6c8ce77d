//! What the page of the map shows: a picture of areas, and a table of the same figures. Pure.

use std::fmt::Write as _;

use askama::Template;
use card_schema::date::Date;
use geo::{BoundingRect as _, Coord, InteriorPoint as _, MultiPolygon, Rect};

use super::model::Place;
use super::rules::LEAST;
use crate::console::frame::Frame;
use crate::domains::residence::area::model::{Area, AreaKey, Level};
use crate::domains::residence::area::rules::simplified;
use crate::i18n::Locale;

/// The longer side of the picture, in its own units.
const SIDE: f64 = 1_000.0;
/// Points in all outlines of a picture together: what is left of a page's weight for them.
const POINTS: usize = 2_400;
/// Up to so many areas, each has its count written on it; beyond, only its number in the table.
const COUNTS_WRITTEN: usize = 40;
/// From how many people on an area is drawn darker.
const DARKER: [u64; 4] = [LEAST, 50, 200, 1_000];

/// An area of the picture, and a line of the table.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Its number on the picture and in the table.
    number: usize,
    name: String,
    /// Where it is shown in its parts; nothing for a cell.
    address: Option<String>,
    count: String,
    /// How dark it is drawn, as a class; hatched where the count is not shown.
    shade: String,
    /// SVG path.
    outline: String,
    /// Where its number is written.
    label: (i64, i64),
}

/// One step of the way from the city to an area.
#[derive(Clone, Debug)]
struct Step {
    name: String,
    address: String,
}

/// See the module.
#[derive(Debug, Template)]
#[template(path = "residence/map.html")]
pub struct MapPage {
    frame: Frame,
    title: String,
    /// In what it lies, the city first.
    above: Vec<Step>,
    /// How many live there.
    total: String,
    day: String,
    parts: Vec<Part>,
    /// What the parts are.
    column: String,
    width: i64,
    height: i64,
    counts_written: bool,
}

fn count_text(locale: Locale, count: Option<u64>) -> String {
    count.map_or_else(|| locale.text("map-not-shown"), |count| count.to_string())
}

fn name_of(locale: Locale, place: &Place) -> String {
    if place.key.is_none() { locale.text("map-city") } else { place.name.clone() }
}

impl MapPage {
    /// The address of the page of an area.
    pub(super) fn address(area: Option<&AreaKey>) -> String {
        area.map_or_else(|| "/map".to_owned(), |(level, code)| format!("/map/{}/{code}", level.name()))
    }

    /// The page of the last area of a path that begins with the city; outlines are those of its parts.
    ///
    /// # Panics
    /// When the path is empty: it begins with the city.
    pub fn new(frame: Frame, day: Date, path: &[&Place], outlines: &[Area]) -> Self {
        let locale = frame.locale();
        let (place, above) = path.split_last().expect("a path begins with the city");
        let picture = Picture::of(outlines);
        let points = POINTS / outlines.len().max(1);
        let part = |(at, part): (usize, &Place)| {
            let outline = part.key.as_ref().and_then(|key| outlines.iter().find(|area| area.code == key.1));
            let divided = part.key.as_ref().filter(|(level, _)| *level != Level::Cell);
            Part {
                number: at + 1,
                name: part.name.clone(),
                address: divided.map(|key| Self::address(Some(key))),
                count: count_text(locale, part.count),
                shade: part.count.map_or_else(
                    || "hatched".to_owned(),
                    |count| format!("shade-{}", DARKER.iter().filter(|least| **least <= count).count()),
                ),
                outline: outline.map_or_else(String::new, |area| picture.path(&simplified(&area.outline, points))),
                label: outline.map_or((0, 0), |area| picture.label(&area.outline)),
            }
        };
        let below = place.key.as_ref().map_or(Some(Level::District), |(level, _)| level.below());
        Self {
            title: name_of(locale, place),
            above: above
                .iter()
                .map(|step| Step { name: name_of(locale, step), address: Self::address(step.key.as_ref()) })
                .collect(),
            total: count_text(locale, place.count),
            day: day.to_string(),
            parts: place.parts.iter().enumerate().map(part).collect(),
            column: locale.text(&format!("map-level-{}", below.unwrap_or(Level::Cell).name())),
            width: picture.size.0,
            height: picture.size.1,
            counts_written: place.parts.len() <= COUNTS_WRITTEN,
            frame,
        }
    }

    fn least(&self) -> String {
        self.frame.locale().text_with("map-least", &[("least", &LEAST.to_string())])
    }

    fn picture_text(&self) -> String {
        self.frame.locale().text_with("map-picture", &[("area", &self.title)])
    }
}

/// How places become points of a picture.
struct Picture {
    west: f64,
    north: f64,
    /// Units a degree, to the east and to the south.
    scale: (f64, f64),
    size: (i64, i64),
}

impl Picture {
    fn of(outlines: &[Area]) -> Self {
        let rects = outlines.iter().filter_map(|area| area.outline.bounding_rect());
        let around = |one: Rect, other: Rect| {
            let corner =
                |pick: fn(f64, f64) -> f64, one: Coord, other: Coord| (pick(one.x, other.x), pick(one.y, other.y));
            Rect::new(corner(f64::min, one.min(), other.min()), corner(f64::max, one.max(), other.max()))
        };
        let all = rects.reduce(around).unwrap_or_else(|| Rect::new((0.0, 0.0), (1.0, 1.0)));
        // A degree to the east is shorter than one to the north.
        let east = all.center().y.to_radians().cos().max(0.01);
        let (width, height) = (all.width() * east, all.height());
        let unit = SIDE / width.max(height).max(f64::EPSILON);
        Self {
            west: all.min().x,
            north: all.max().y,
            scale: (unit * east, unit),
            size: (whole(width * unit).max(1), whole(height * unit).max(1)),
        }
    }

    fn point(&self, at: Coord) -> (i64, i64) {
        (whole((at.x - self.west) * self.scale.0), whole((self.north - at.y) * self.scale.1))
    }

    /// An outline as a path of SVG, in whole units.
    fn path(&self, outline: &MultiPolygon) -> String {
        let mut path = String::new();
        for polygon in outline {
            for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
                let mut points: Vec<_> = ring.coords().map(|at| self.point(*at)).collect();
                points.dedup();
                // It closes by itself.
                points.pop();
                let Some((first, rest)) = points.split_first() else { continue };
                // Writing to memory does not fail.
                let _ = write!(path, "M{} {}", first.0, first.1);
                let mut last = *first;
                for next in rest {
                    let _ = write!(path, "l{} {}", next.0 - last.0, next.1 - last.1);
                    last = *next;
                }
                path.push('z');
            }
        }
        path
    }

    /// Where something is written on an area.
    fn label(&self, outline: &MultiPolygon) -> (i64, i64) {
        outline.interior_point().map_or((0, 0), |at| self.point(at.0))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "units of the picture are a thousand at most")]
fn whole(units: f64) -> i64 {
    units.round() as i64
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domains::residence::area::{rules, tests::TOWN};
    use std::collections::BTreeMap;

    use super::super::model::City;
    use super::super::rules::When;
    use crate::domains::residence::area::store::Named;

    const WHEN: When = When { day: Date::new(2026, 11, 23).unwrap(), at: card_schema::clock::Micros(0) };

    /// The city of invented cells and invented counts.
    fn city(counts: &BTreeMap<String, u64>) -> (City, Vec<Area>) {
        let areas: Vec<_> = rules::tree(Vec::new(), rules::read(TOWN).unwrap()).unwrap().into_values().collect();
        let named = areas.iter().map(|area| Named {
            level: area.level,
            code: area.code.clone(),
            name: area.name.clone(),
            parent: area.parent.clone(),
        });
        (City::new(WHEN, named.collect(), counts), areas)
    }

    /// Pages of the map in a language, by name, from invented data.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        let counts = (1..=6).map(|cell| (format!("990101001001{cell:03}"), cell * 37 % 60)).collect();
        let (city, areas) = city(&counts);
        let of = |key: Option<AreaKey>| {
            let (level, parent) = key
                .as_ref()
                .map_or((Level::District, String::new()), |(level, code)| (level.below().unwrap(), code.clone()));
            let outlines: Vec<_> =
                areas.iter().filter(|area| area.level == level && area.parent == parent).cloned().collect();
            MapPage::new(frame.clone(), WHEN.day, &city.path(key.as_ref()).unwrap(), &outlines).render().unwrap()
        };
        let empty = City::new(WHEN, Vec::new(), &BTreeMap::new());
        let nothing = MapPage::new(frame.clone(), WHEN.day, &[&empty.whole], &[]).render().unwrap();
        vec![
            ("map-city".to_owned(), of(None)),
            ("map-community".to_owned(), of(Some((Level::Community, "990101001001".to_owned())))),
            ("map-empty".to_owned(), nothing),
        ]
    }

    #[test]
    fn a_page_of_as_many_areas_as_there_may_be_weighs_less_than_sixty_kilobytes() {
        let round = |at: f64| {
            let points = (0..rules::POINTS_MAX - 1).map(|point| {
                let angle = f64::from(u32::try_from(point).unwrap()) / 300.0;
                Coord { x: 117.0 + at / 50.0 + angle.cos() / 110.0, y: 31.0 + angle.sin() / 110.0 }
            });
            geo::Polygon::new(points.collect(), Vec::new()).into()
        };
        let number = |at: usize| f64::from(u32::try_from(at).unwrap());
        let areas: Vec<_> = (0..rules::CHILDREN_MAX)
            .map(|at| Area {
                level: Level::Community,
                code: format!("990101001{at:03}"),
                name: "一个名字很长的虚构社区".to_owned(),
                parent: "990101001".to_owned(),
                outline: round(number(at)),
            })
            .collect();
        let part = |area: &Area| Place {
            key: Some(area.key()),
            name: area.name.clone(),
            count: Some(12_345),
            parts: Vec::new(),
        };
        let key = Some((Level::Street, "990101001".to_owned()));
        let street =
            Place { key, name: "虚构街道".to_owned(), count: Some(1), parts: areas.iter().map(part).collect() };
        let whole = Place { key: None, name: String::new(), count: Some(1), parts: Vec::new() };
        for locale in Locale::ALL {
            let page = MapPage::new(Frame::new(locale, "/map", None), WHEN.day, &[&whole, &street], &areas);
            let bytes = page.render().unwrap().len();
            assert!(bytes <= 60_000, "{bytes} bytes");
        }
    }
}
