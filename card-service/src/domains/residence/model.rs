//! What is known of a person: a value a field. No I/O.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// What a person shows at the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Document {
    /// A document with a national number: identity card, residence permit, foreigner's permanent residence card.
    ResidentIdentityCard,
    /// 港澳居民来往内地通行证.
    HongKongMacaoTravelPermit,
    /// 台湾居民来往大陆通行证.
    TaiwanTravelPermit,
    /// A passport.
    Passport,
}

impl Document {
    /// Every kind, the most frequent first.
    pub const ALL: [Self; 4] =
        [Self::ResidentIdentityCard, Self::HongKongMacaoTravelPermit, Self::TaiwanTravelPermit, Self::Passport];

    /// Its name in forms and where it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ResidentIdentityCard => "resident_identity_card",
            Self::HongKongMacaoTravelPermit => "hong_kong_macao_travel_permit",
            Self::TaiwanTravelPermit => "taiwan_travel_permit",
            Self::Passport => "passport",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|document| document.name() == name)
    }
}

/// How a person lives where they live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Home {
    /// In a home of their own.
    Owned,
    /// As a tenant.
    Rented,
    /// In an employer's dormitory.
    Employer,
    /// In a school's dormitory.
    School,
    /// With relatives or friends.
    Relatives,
    /// Otherwise.
    Other,
}

impl Home {
    /// Every kind, the most frequent first.
    pub const ALL: [Self; 6] = [Self::Rented, Self::Employer, Self::Relatives, Self::Owned, Self::School, Self::Other];

    /// Its name in forms and where it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owned => "owned",
            Self::Rented => "rented",
            Self::Employer => "employer",
            Self::School => "school",
            Self::Relatives => "relatives",
            Self::Other => "other",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|home| home.name() == name)
    }
}

/// A field of the record. Each can be read by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The kind of the document that was shown: a name of [`Document`].
    DocumentKind = 1,
    /// The document's number.
    DocumentNumber = 2,
    /// The name as it will be printed.
    Name = 3,
    /// The name in Latin letters.
    LatinName = 4,
    /// The day of birth, `YYYY-MM-DD`.
    Birth = 5,
    /// A telephone number.
    Phone = 6,
    /// Where the household is registered: a code of GB/T 2260.
    HouseholdRegion = 7,
    /// Where the person lives now.
    Address = 8,
    /// Since when: `YYYY-MM-DD`.
    AddressSince = 9,
    /// How: a name of [`Home`].
    Home = 10,
    /// Whose home it is: the landlord, the dormitory, the relative.
    Host = 11,
    /// Since when the person lives in this city without a break: `YYYY-MM-DD`.
    CitySince = 12,
    /// Until when the person means to stay: `YYYY-MM-DD`.
    StayUntil = 13,
    /// Where the person works or studies.
    Occupation = 14,
    /// The room, or the bed, in the house.
    Room = 15,
}

impl Field {
    /// Every field, in the order in which they are asked for.
    pub const ALL: [Self; 15] = [
        Self::DocumentKind,
        Self::DocumentNumber,
        Self::Name,
        Self::LatinName,
        Self::Birth,
        Self::Phone,
        Self::HouseholdRegion,
        Self::Occupation,
        Self::Address,
        Self::Room,
        Self::AddressSince,
        Self::Home,
        Self::Host,
        Self::CitySince,
        Self::StayUntil,
    ];

    /// Its number in the database.
    pub const fn number(self) -> i64 {
        self as i64
    }

    /// The field of a number.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.number() == number)
    }

    /// Its name in forms and in what holders see of reads.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DocumentKind => "document_kind",
            Self::DocumentNumber => "document_number",
            Self::Name => "name",
            Self::LatinName => "latin_name",
            Self::Birth => "birth",
            Self::Phone => "phone",
            Self::HouseholdRegion => "household_region",
            Self::Address => "address",
            Self::AddressSince => "address_since",
            Self::Home => "home",
            Self::Host => "host",
            Self::CitySince => "city_since",
            Self::StayUntil => "stay_until",
            Self::Occupation => "occupation",
            Self::Room => "room",
        }
    }

    /// The field of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// The only texts that it may have, where it has such; none where anything may be typed.
    pub fn names(self) -> Vec<&'static str> {
        match self {
            Self::DocumentKind => Document::ALL.map(Document::name).into(),
            Self::Home => Home::ALL.map(Home::name).into(),
            _ => Vec::new(),
        }
    }

    /// What is changed together with it: a number means nothing without its kind, and whoever moves does so on a day.
    pub const fn changed_with(self) -> &'static [Self] {
        match self {
            Self::DocumentKind | Self::DocumentNumber => &[Self::DocumentKind, Self::DocumentNumber],
            Self::Name => &[Self::Name],
            Self::LatinName => &[Self::LatinName],
            Self::Birth => &[Self::Birth],
            Self::Phone => &[Self::Phone],
            Self::HouseholdRegion => &[Self::HouseholdRegion],
            Self::Address | Self::Room | Self::AddressSince | Self::Home | Self::Host => {
                &[Self::Address, Self::Room, Self::AddressSince, Self::Home, Self::Host]
            }
            Self::CitySince => &[Self::CitySince],
            Self::StayUntil => &[Self::StayUntil],
            Self::Occupation => &[Self::Occupation],
        }
    }
}

/// What a form carries, by the names of its fields.
pub type Typed = BTreeMap<String, Zeroizing<String>>;

/// Texts of a person by field: as they were typed, or checked and in their one canonical form. Wiped when dropped.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(BTreeMap<Field, Zeroizing<String>>);

impl Facts {
    /// The text of a field; empty where there is none.
    pub fn get(&self, field: Field) -> &str {
        self.0.get(&field).map_or("", |text| text.as_str())
    }

    /// Sets the text of a field. An empty one is none.
    pub fn set(&mut self, field: Field, text: impl Into<String>) {
        let text = Zeroizing::new(text.into());
        if text.is_empty() {
            self.0.remove(&field);
        } else {
            self.0.insert(field, text);
        }
    }

    /// Takes the texts of some fields from a form.
    pub fn take(&mut self, fields: &[Field], typed: &Typed) {
        for field in fields {
            self.set(*field, typed.get(field.name()).map_or("", |text| text.trim()));
        }
    }

    /// The same with a field set.
    #[must_use]
    pub fn with(mut self, field: Field, text: impl Into<String>) -> Self {
        self.set(field, text);
        self
    }

    /// Those that are there, in the order in which they are asked for.
    pub fn iter(&self) -> impl Iterator<Item = (Field, &str)> {
        self.0.iter().map(|(field, text)| (*field, text.as_str()))
    }
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Why something that is known of a person becomes something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeReason {
    /// It was wrong from the beginning.
    Mistyped,
    /// It was right and is so no longer: the person moved, married, got another document.
    Changed,
}

impl ChangeReason {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Mistyped, Self::Changed];

    /// Its name in forms and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mistyped => "mistyped",
            Self::Changed => "changed",
        }
    }

    /// The reason of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// What is wrong with what was typed, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Where.
    pub field: Field,
    /// The key of the text that says what to do.
    pub key: &'static str,
    /// What is filled in, as `at` in the text. Never anything that was typed.
    pub at: String,
}
