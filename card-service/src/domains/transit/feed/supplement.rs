//! What GTFS has no file for, beside the feed as TOML: how networks validate, caps, discounts, concessions, windows and passes. Pure.
//!
//! Amounts are in fen, times in seconds; networks are named by their `network_id`, routes of none by an empty text.
//! An unknown key is an error: what is misspelt would not be followed.

use std::collections::{HashMap, HashSet};

use card_schema::money::Fen;
use card_schema::operation::transit::MAX_ID_BYTES;
use serde::Deserialize;

use super::fares::Fares;
use super::places::Places;
use super::report::{At, Report, SUPPLEMENT};
use super::times::second_of_day;
use crate::domains::transit::tariff::{
    Concession, CountRule, Counted, LONGEST_S, Network, NetworkIx, Networks, Pass, PassTime, Period, Validation, Window,
};

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Supplement {
    /// `fare_media_id` of this card.
    pub(super) medium: Option<String>,
    /// Local time at which a day of service begins.
    day_starts: Option<String>,
    /// A journey goes on if the next leg begins so many seconds after the last has ended.
    change_s: Option<i64>,
    /// The same for legs that count as one.
    join_s: Option<i64>,
    #[serde(default)]
    network: Vec<NetworkEntry>,
    #[serde(default)]
    cap: Vec<CapEntry>,
    #[serde(default)]
    discount: Vec<DiscountEntry>,
    #[serde(default)]
    concession: Vec<ConcessionEntry>,
    #[serde(default)]
    window: Vec<WindowEntry>,
    #[serde(default)]
    pass: Vec<PassEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkEntry {
    id: String,
    validation: ValidationEntry,
    maximum_fen: Option<i64>,
    grace_s: Option<i64>,
    longest_s: Option<i64>,
    valid_s: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ValidationEntry {
    On,
    OnOff,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CapEntry {
    id: String,
    networks: Vec<String>,
    period: Period,
    fen: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DiscountEntry {
    id: String,
    networks: Vec<String>,
    period: Period,
    steps: Vec<StepEntry>,
    #[serde(default)]
    except: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepEntry {
    from_fen: i64,
    percent: u8,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConcessionEntry {
    id: String,
    rider_category: Option<String>,
    percent: Option<u8>,
    networks: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowEntry {
    id: String,
    from: Vec<String>,
    to: Vec<String>,
    within_s: i64,
    off_fen: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PassEntry {
    id: String,
    name: String,
    networks: Vec<String>,
    days: Option<u16>,
    fen: i64,
}

/// What it says, by numbers.
pub(super) struct Extras {
    pub(super) networks: Vec<Network>,
    pub(super) counted: Vec<Counted>,
    pub(super) concessions: Vec<Concession>,
    pub(super) windows: Vec<Window>,
    pub(super) passes: Vec<Pass>,
    pub(super) day_starts: i32,
    pub(super) change_s: i64,
    pub(super) join_s: i64,
}

/// How long a change takes at most, where it does not say: four hours, and half an hour between legs that count as one.
const CHANGE_S: i64 = 4 * 3_600;
const JOIN_S: i64 = 1_800;
/// The largest supplement.
pub const MAX_BYTES: usize = 1 << 20;
/// How long a validation is found where a network does not say: two hours.
const VALID_S: i64 = 2 * 3_600;

pub(super) fn read(text: &str, report: &mut Report) -> Supplement {
    if text.len() > MAX_BYTES {
        report.error(At::file(SUPPLEMENT), "too-large", MAX_BYTES >> 20);
        return Supplement::default();
    }
    toml::from_str(text).unwrap_or_else(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map(|before| before.matches('\n').count() as u64 + 1);
        report.error(At { line, ..At::file(SUPPLEMENT) }, "supplement", error.message());
        Supplement::default()
    })
}

impl Supplement {
    /// By numbers: `others` is the network of routes that belong to none.
    pub(super) fn resolve(
        &self,
        places: &Places,
        fares: &Fares,
        others: Option<NetworkIx>,
        report: &mut Report,
    ) -> Extras {
        let mut known = places.network_numbers.clone();
        known.extend(others.map(|number| (String::new(), number)));
        let of_feed = places.networks.iter().map(|(id, name)| (id.as_str(), name.as_str()));
        let all: Vec<(&str, &str)> = of_feed.chain(others.map(|_| ("", "—"))).collect();
        let scope = Scope { known: &known, all: all.len() };
        let networks = all.iter().map(|(id, name)| Network {
            id: (*id).to_owned(),
            name: (*name).to_owned(),
            validation: self.validation(id, report),
        });
        let networks = networks.collect();
        for entry in &self.network {
            named("network", &entry.id, &known, report);
        }
        let day_starts = self.day_starts.as_deref().map_or(Some(0), second_of_day);
        if day_starts.is_none() {
            let at = At::file(SUPPLEMENT).field("day_starts");
            report.error(at, "not-a-time", self.day_starts.as_deref().unwrap_or_default());
        }
        Extras {
            networks,
            counted: self.counted(&scope, report),
            concessions: self.concessions(&scope, fares, report),
            windows: self.windows(&scope, report),
            passes: self.passes(&scope, report),
            day_starts: day_starts.unwrap_or_default(),
            change_s: seconds("change_s", self.change_s.unwrap_or(CHANGE_S), report),
            join_s: seconds("join_s", self.join_s.unwrap_or(JOIN_S), report),
        }
    }

    fn validation(&self, id: &str, report: &mut Report) -> Validation {
        let at = At::file(SUPPLEMENT).field("network");
        let mut entries = self.network.iter().filter(|entry| entry.id == id);
        let (entry, another) = (entries.next(), entries.next());
        if another.is_some() {
            report.error(at, "key-twice", id);
        }
        let Some(entry) = entry else {
            report.error(at, "no-validation", id);
            return Validation::On { valid_s: VALID_S };
        };
        let of_both = [("maximum_fen", entry.maximum_fen), ("grace_s", entry.grace_s), ("longest_s", entry.longest_s)];
        match (entry.validation, entry.maximum_fen) {
            (ValidationEntry::On, _) => {
                for (field, _) in of_both.iter().filter(|(_, value)| value.is_some()) {
                    report.error(at.field(field), "on-off-alone", id);
                }
                Validation::On { valid_s: seconds("valid_s", entry.valid_s.unwrap_or(VALID_S), report) }
            }
            (ValidationEntry::OnOff, maximum) => {
                if entry.valid_s.is_some() {
                    report.error(at.field("valid_s"), "on-alone", id);
                }
                if entry.longest_s == Some(0) {
                    report.error(at.field("longest_s"), "not-positive", 0);
                }
                if maximum.is_none() {
                    report.error(at.field("maximum_fen"), "empty", id);
                }
                Validation::OnOff {
                    maximum: fen("maximum_fen", maximum.unwrap_or_default(), report),
                    grace_s: seconds("grace_s", entry.grace_s.unwrap_or_default(), report),
                    longest_s: seconds("longest_s", entry.longest_s.unwrap_or(LONGEST_S), report),
                }
            }
        }
    }

    fn counted(&self, scope: &Scope<'_>, report: &mut Report) -> Vec<Counted> {
        let concessions: HashMap<String, usize> =
            self.concession.iter().zip(0..).map(|(entry, number)| (entry.id.clone(), number)).collect();
        let caps = self.cap.iter().map(|cap| (&cap.id, &cap.networks, cap.period, None, Some(cap.fen)));
        let discounts = self.discount.iter().map(|one| (&one.id, &one.networks, one.period, Some(one), None));
        let mut counted: Vec<Counted> = Vec::new();
        for (id, networks, period, discount, cap) in caps.chain(discounts) {
            let except = discount.into_iter().flat_map(|discount| &discount.except);
            let except = except.filter_map(|id| named("except", id, &concessions, report)).collect();
            let steps = discount.map(|discount| &discount.steps);
            let steps: Vec<(Fen, u8)> = steps
                .into_iter()
                .flatten()
                .map(|step| (fen("from_fen", step.from_fen, report), percent(step.percent, report)))
                .collect();
            if cap.is_none() && steps.is_empty() {
                report.error(At::file(SUPPLEMENT).field("steps"), "empty", id);
            }
            if !steps.is_sorted_by(|(one, _), (next, _)| one < next) {
                report.error(At::file(SUPPLEMENT).field("from_fen"), "not-ascending", id);
            }
            counted.push(Counted {
                id: id.clone(),
                networks: scope.networks(networks, report),
                period,
                except,
                rule: cap.map_or(CountRule::Steps(steps), |cap| CountRule::Cap(fen("fen", cap, report))),
            });
        }
        unique("id", counted.iter().map(|entry| &*entry.id), report);
        counted
    }

    fn concessions(&self, scope: &Scope<'_>, fares: &Fares, report: &mut Report) -> Vec<Concession> {
        let entries = self.concession.iter().map(|entry| {
            let rider = entry.rider_category.as_ref();
            let rider = rider.and_then(|id| named("rider_category", id, &fares.rider_numbers, report));
            if entry.percent.is_some() != entry.networks.is_some() {
                report.error(At::file(SUPPLEMENT).field("percent"), "both-or-none", "networks");
            }
            if entry.percent.is_none() && entry.rider_category.is_none() {
                report.error(At::file(SUPPLEMENT).field("concession"), "grants-nothing", &entry.id);
            }
            let of = entry.percent.zip(entry.networks.as_ref());
            let percent = of.map(|(of, networks)| (percent(of, report), scope.networks(networks, report)));
            Concession { id: entry.id.clone(), rider, percent }
        });
        let entries: Vec<Concession> = entries.collect();
        unique("concession", entries.iter().map(|entry| &*entry.id), report);
        entries
    }

    fn windows(&self, scope: &Scope<'_>, report: &mut Report) -> Vec<Window> {
        let entries = self.window.iter().map(|entry| Window {
            id: entry.id.clone(),
            from: scope.networks(&entry.from, report),
            to: scope.networks(&entry.to, report),
            within_s: seconds("within_s", entry.within_s, report),
            off: entry.off_fen.map(|off| fen("off_fen", off, report)),
        });
        let entries: Vec<Window> = entries.collect();
        unique("window", entries.iter().map(|entry| &*entry.id), report);
        entries
    }

    fn passes(&self, scope: &Scope<'_>, report: &mut Report) -> Vec<Pass> {
        if self.pass.iter().any(|entry| entry.days == Some(0)) {
            report.error(At::file(SUPPLEMENT).field("days"), "not-positive", 0);
        }
        if self.pass.iter().any(|entry| entry.id.len() > MAX_ID_BYTES) {
            report.error(At::file(SUPPLEMENT).field("pass"), "too-long", MAX_ID_BYTES);
        }
        let entries = self.pass.iter().map(|entry| Pass {
            id: entry.id.clone(),
            name: entry.name.clone(),
            networks: scope.networks(&entry.networks, report),
            good_for: entry.days.map_or(PassTime::Month, PassTime::Days),
            price: fen("fen", entry.fen, report),
        });
        let entries: Vec<Pass> = entries.collect();
        unique("pass", entries.iter().map(|entry| &*entry.id), report);
        entries
    }
}

/// The networks that may be named.
struct Scope<'a> {
    known: &'a HashMap<String, NetworkIx>,
    all: usize,
}

impl Scope<'_> {
    fn networks(&self, ids: &[String], report: &mut Report) -> Networks {
        if ids.is_empty() {
            report.error(At::file(SUPPLEMENT).field("networks"), "empty", "");
        }
        let mut networks = Networks(vec![false; self.all]);
        for id in ids {
            if let Some(number) = named("networks", id, self.known, report) {
                networks.0[usize::from(number)] = true;
            }
        }
        networks
    }
}

/// What the feed has under an id.
fn named<T: Copy>(field: &str, id: &str, known: &HashMap<String, T>, report: &mut Report) -> Option<T> {
    let found = known.get(id).copied();
    if found.is_none() {
        report.error(At::file(SUPPLEMENT).field(field), "dangling", id);
    }
    found
}

fn unique<'a>(field: &str, ids: impl Iterator<Item = &'a str>, report: &mut Report) {
    let mut seen = HashSet::new();
    for id in ids.filter(|id| !seen.insert(*id)) {
        report.error(At::file(SUPPLEMENT).field(field), "key-twice", id);
    }
}

fn fen(field: &str, fen: i64, report: &mut Report) -> Fen {
    const MOST: i64 = 1_000_000;
    if !(0..=MOST).contains(&fen) {
        report.error(At::file(SUPPLEMENT).field(field), "not-an-amount", fen);
    }
    Fen(fen.clamp(0, MOST))
}

fn seconds(field: &str, seconds: i64, report: &mut Report) -> i64 {
    const MOST: i64 = 86_400;
    if !(0..=MOST).contains(&seconds) {
        report.error(At::file(SUPPLEMENT).field(field), "not-a-duration", seconds);
    }
    seconds.clamp(0, MOST)
}

fn percent(percent: u8, report: &mut Report) -> u8 {
    if percent > 100 {
        report.error(At::file(SUPPLEMENT).field("percent"), "not-one-of", percent);
    }
    percent.min(100)
}
