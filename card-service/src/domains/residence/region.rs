//! Administrative regions by their codes (GB/T 2260), also those that were given up: people's documents outlive them.
//!
//! The table is `data/regions.csv`. Knows counties and what stands above them, not streets.

use std::sync::LazyLock;

const TABLE: &str = include_str!("../../../data/regions.csv");

/// Sorted by code, then by time.
static REGIONS: LazyLock<Vec<Region>> = LazyLock::new(|| TABLE.lines().skip(1).filter_map(Region::read).collect());

/// A region under one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region {
    /// Six digits.
    pub(super) code: &'static str,
    /// Its own name, without what stands above it.
    pub(super) name: &'static str,
    /// The first year of the code and name, where it is known.
    pub(super) from: Option<u16>,
    /// The last year, where it is over.
    pub(super) until: Option<u16>,
}

impl Region {
    fn read(line: &'static str) -> Option<Self> {
        let mut cells = line.split(',');
        let (code, name) = (cells.next()?, cells.next()?);
        Some(Self { code, name, from: cells.next()?.parse().ok(), until: cells.next()?.parse().ok() })
    }

    /// Whether code and name were in force in a year.
    fn holds_in(&self, year: u16) -> bool {
        self.from.is_none_or(|from| from <= year) && self.until.is_none_or(|until| year <= until)
    }

    /// Its name with those of what stands above it, as they were when it was in force last: 安徽省合肥市蜀山区.
    pub(super) fn full_name(&self) -> String {
        let year = self.until.unwrap_or(u16::MAX);
        let mut name = String::new();
        for above in [format!("{}0000", &self.code[..2]), format!("{}00", &self.code[..4])] {
            if above == self.code {
                break;
            }
            let named = of_code(&above).iter().find(|region| region.holds_in(year));
            // A municipality's districts stand under a place that only holds them together.
            name.extend(named.map(|region| region.name).filter(|name| !COLLECTIVE.contains(name)));
        }
        name.push_str(self.name);
        name
    }
}

/// Names of places that are none.
const COLLECTIVE: [&str; 6] = ["市辖区", "县", "市", "省直辖县级行政单位", "省直辖行政单位", "自治区直辖县级行政单位"];

/// The regions that had this code, one after the other.
fn of_code(code: &str) -> &'static [Region] {
    let from = REGIONS.partition_point(|region| region.code < code);
    let count = REGIONS[from..].partition_point(|region| region.code == code);
    &REGIONS[from..from + count]
}

/// The region that has this code, or had it last.
pub(super) fn by_code(code: &str) -> Option<Region> {
    of_code(code).iter().max_by_key(|region| region.until.unwrap_or(u16::MAX)).copied()
}

/// Regions in force whose full name ends with what was typed, spaces aside; none for less than two characters.
pub(super) fn by_name(typed: &str) -> Vec<Region> {
    let typed: String = typed.split_whitespace().collect();
    if typed.chars().count() < 2 {
        return Vec::new();
    }
    let in_force = REGIONS.iter().filter(|region| region.until.is_none() && !COLLECTIVE.contains(&region.name));
    // Its own name first: full names are put together for few.
    let candidates = in_force.filter(|region| typed.ends_with(region.name) || region.name.ends_with(&typed));
    candidates.filter(|region| region.full_name().ends_with(&typed)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_a_region_and_they_are_in_order() {
        assert_eq!(REGIONS.len(), TABLE.lines().count() - 1);
        assert!(REGIONS.windows(2).all(|pair| pair[0].code <= pair[1].code));
        for region in REGIONS.iter() {
            assert!(region.code.len() == 6 && region.code.bytes().all(|byte| byte.is_ascii_digit()), "{region:?}");
            assert!(!region.name.is_empty() && !region.name.contains(char::is_whitespace), "{region:?}");
            assert!(region.until.is_none_or(|until| region.from.is_none_or(|from| from <= until)), "{region:?}");
        }
    }

    #[test]
    fn a_code_that_was_given_up_is_known_with_its_last_year() {
        let region = by_code("110103").unwrap();
        assert_eq!((region.full_name().as_str(), region.until), ("北京市崇文区", Some(2009)));
        // Chongqing was a city of Sichuan.
        assert_eq!(by_code("510213").unwrap().full_name(), "四川省重庆市九龙坡区");
        assert_eq!(by_code("340104").unwrap().full_name(), "安徽省合肥市蜀山区");
        assert_eq!(by_code("340000").unwrap().full_name(), "安徽省");
        assert_eq!(by_code("110099"), None);
        assert_eq!(by_code(""), None);
    }

    #[test]
    fn a_name_finds_the_regions_that_have_it_today() {
        let codes = |typed| by_name(typed).iter().map(|region| region.code).collect::<Vec<_>>();
        assert_eq!(codes("蜀山区"), ["340104"]);
        assert_eq!(codes("安徽省 合肥市 蜀山区"), ["340104"]);
        assert!(codes("鼓楼区").len() > 1, "several cities have one");
        assert_eq!(codes("南京市鼓楼区").len(), 1);
        assert!(codes("崇文区").is_empty(), "it is no more");
        assert!(codes("区").is_empty() && codes("").is_empty());
    }
}
