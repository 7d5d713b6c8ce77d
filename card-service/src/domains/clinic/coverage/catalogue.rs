//! What is covered, item by item, as a table (CSV, UTF-8): drugs, services and materials with the days on which a row holds. Pure.
//!
//! Headings are code, name, name_en, kind, class, first, limit_fen, from and until, in any order; a heading that is not known is an error. What
//! the fund pays of what is covered is not said here (`policy`).

use std::collections::BTreeMap;

use card_schema::coverage::{ItemClass, ItemCode};
use card_schema::date::Date;
use card_schema::money::Fen;
use card_schema::rate::Rate;
use serde::{Deserialize, Serialize};

use crate::i18n::Words;

/// The items of Beijing.
const BEIJING: &str = include_str!("../../../../data/coverage/catalogue.csv");
/// The largest file: the national lists have some tens of thousands of rows.
pub const MAX_BYTES: usize = 16 << 20;

/// The items of a city.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    /// By code, the oldest row first.
    items: BTreeMap<ItemCode, Vec<Item>>,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// What clinics write.
    pub code: ItemCode,
    /// What it is called.
    pub name: String,
    /// In English.
    pub name_en: String,
    /// What it is.
    pub kind: Kind,
    /// How it is covered.
    pub class: ItemClass,
    /// Of class B, how much the holder pays first; nothing of others.
    #[serde(deserialize_with = "rate_or_nothing")]
    pub first: Rate,
    /// The highest price of one unit that is covered; any where it does not say.
    pub limit_fen: Option<Fen>,
    /// The first day on which the row holds.
    pub from: Date,
    /// The last; without end where it does not say.
    pub until: Option<Date>,
}

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 药品.
    Drug,
    /// 医疗服务项目.
    Service,
    /// 医用耗材.
    Material,
}

fn rate_or_nothing<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Rate, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Why a catalogue cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It is no such table; what its reader says, with the line.
    Malformed(String),
    /// There is no item.
    Empty,
    /// A row: in which line of the file, of which item, and what is wrong.
    Row(u64, ItemCode, Broken),
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A name is missing.
    Name,
    /// Class B does not say what is paid first, or another class does.
    First,
    /// The limit is negative, or it is one of something that is not covered at all.
    Limit,
    /// It ends before it begins.
    Days,
    /// Another row of this item holds on one of its days.
    Overlap,
}

impl Unusable {
    /// The key of a text that says so, and what it is filled in with.
    pub fn words(&self) -> Words {
        match self {
            Self::Malformed(text) => ("coverage-catalogue-malformed", vec![("at", text.clone())]),
            Self::Empty => ("coverage-catalogue-empty", Vec::new()),
            Self::Row(line, code, broken) => {
                (broken.text_key(), vec![("line", line.to_string()), ("code", code.to_string())])
            }
        }
    }
}

impl Broken {
    /// The key of its text.
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::Name => "coverage-item-name",
            Self::First => "coverage-item-first",
            Self::Limit => "coverage-item-limit",
            Self::Days => "coverage-item-days",
            Self::Overlap => "coverage-item-overlap",
        }
    }
}

impl Item {
    fn check(&self) -> Result<(), Broken> {
        if self.name.trim().is_empty() || self.name_en.trim().is_empty() {
            return Err(Broken::Name);
        }
        if (self.class == ItemClass::B) != (self.first > Rate::ZERO) {
            return Err(Broken::First);
        }
        if self.limit_fen.is_some_and(|limit| limit < Fen::ZERO || self.class == ItemClass::C) {
            return Err(Broken::Limit);
        }
        if self.until.is_some_and(|until| until < self.from) {
            return Err(Broken::Days);
        }
        Ok(())
    }

    fn holds(&self, day: Date) -> bool {
        self.from <= day && self.until.is_none_or(|until| day <= until)
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.holds(other.from) || other.holds(self.from)
    }
}

impl Catalogue {
    /// That which comes with the program.
    ///
    /// # Panics
    /// Never: a test reads it.
    pub fn beijing() -> Self {
        Self::read(BEIJING).expect("a test reads it")
    }

    /// Reads a catalogue and looks whether it can be followed.
    ///
    /// # Errors
    /// Why it cannot; says the line.
    pub fn read(text: &str) -> Result<Self, Unusable> {
        let malformed = |error: csv::Error| Unusable::Malformed(error.to_string());
        let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{FEFF}').as_bytes());
        let headings = reader.headers().map_err(malformed)?.clone();
        let mut items: BTreeMap<ItemCode, Vec<Item>> = BTreeMap::new();
        for record in reader.records() {
            let record = record.map_err(malformed)?;
            let item: Item = record.deserialize(Some(&headings)).map_err(malformed)?;
            let line = record.position().map_or(0, csv::Position::line);
            let wrong = |broken| Unusable::Row(line, item.code.clone(), broken);
            item.check().map_err(wrong)?;
            let rows = items.entry(item.code.clone()).or_default();
            if rows.iter().any(|row| row.overlaps(&item)) {
                return Err(wrong(Broken::Overlap));
            }
            rows.insert(rows.partition_point(|row| row.from < item.from), item);
        }
        if items.is_empty() { Err(Unusable::Empty) } else { Ok(Self { items }) }
    }

    /// Every row, by code and day.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.items.values().flatten()
    }

    /// An item as it is covered on a day; nothing where no row of it holds then.
    pub fn item(&self, code: &ItemCode, day: Date) -> Option<&Item> {
        self.items.get(code)?.iter().rev().find(|item| item.holds(day))
    }
}
