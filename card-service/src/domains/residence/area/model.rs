//! The areas of a city: districts, their streets, communities, and grid cells. Public, about nobody. No I/O.

use std::collections::BTreeMap;

use geo::{Coord, MultiPolygon};

/// How large an area is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// 区.
    District = 1,
    /// 街道.
    Street = 2,
    /// 社区.
    Community = 3,
    /// 网格.
    Cell = 4,
}

impl Level {
    /// Every level, from the largest to the smallest.
    pub const ALL: [Self; 4] = [Self::District, Self::Street, Self::Community, Self::Cell];

    /// Its number in the database.
    pub const fn number(self) -> i64 {
        self as i64
    }

    /// The level of a number.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.number() == number)
    }

    /// Its name in addresses and forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::District => "district",
            Self::Street => "street",
            Self::Community => "community",
            Self::Cell => "cell",
        }
    }

    /// The level of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// What an area of this level is divided into; nothing below a cell.
    pub fn below(self) -> Option<Self> {
        Self::from_number(self.number() + 1)
    }

    /// What an area of this level lies in; nothing above a district.
    pub fn above(self) -> Option<Self> {
        Self::from_number(self.number() - 1)
    }
}

/// What names an area: codes are unique within their level.
pub type AreaKey = (Level, String);

/// An area.
#[derive(Clone, Debug, PartialEq)]
pub struct Area {
    /// How large it is.
    pub level: Level,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// The code of the area in which it lies; empty for a district.
    pub parent: String,
    /// Where it lies: longitude and latitude, WGS 84.
    pub outline: MultiPolygon,
}

impl Area {
    /// What names it.
    pub fn key(&self) -> AreaKey {
        (self.level, self.code.clone())
    }
}

/// A grid cell with all in which it lies, as a file says it.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Code and name of district, street, community and the cell itself.
    pub path: [(String, String); 4],
    /// Where it lies.
    pub outline: MultiPolygon,
}

impl Cell {
    /// The cell's own code.
    pub fn code(&self) -> &str {
        &self.path[3].0
    }
}

/// The cells among these areas, each with all in which it lies; none for a cell whose way up is broken.
pub fn cells(areas: &BTreeMap<AreaKey, Area>) -> Vec<Cell> {
    let path = |cell: &Area| {
        let mut path: [(String, String); 4] = Default::default();
        let mut at = cell;
        loop {
            path[at.level as usize - 1] = (at.code.clone(), at.name.clone());
            match at.level.above() {
                Some(above) => at = areas.get(&(above, at.parent.clone()))?,
                None => return Some(path),
            }
        }
    };
    let cells = areas.values().filter(|area| area.level == Level::Cell);
    cells.filter_map(|cell| Some(Cell { path: path(cell)?, outline: cell.outline.clone() })).collect()
}

/// Coordinates in their one form: a centimetre is more than anybody draws.
pub fn rounded(at: Coord) -> Coord {
    const PER_DEGREE: f64 = 1e7;
    Coord { x: (at.x * PER_DEGREE).round() / PER_DEGREE, y: (at.y * PER_DEGREE).round() / PER_DEGREE }
}
