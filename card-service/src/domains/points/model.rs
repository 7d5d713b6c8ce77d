//! Programmes, their rules, who takes part, and the accounts that points move between. No I/O.

use std::collections::{BTreeMap, HashMap};

use card_schema::date::Date;
use card_schema::ids::{HolderId, OrganisationId, Shard};
use card_schema::points::{EarnRule, ProgrammeId, Terms, Worth};
use uuid::Uuid;

use crate::ledger::{AccountKey, AccountKind, Owner, Unit};

/// Days for which rules that have ended are still told to terminals: their profile may be as old.
pub(super) const TOLD_DAYS: i64 = 31;

/// Where points of a programme are given and taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// At one merchant.
    Merchant,
    /// At the shops of a street.
    Street,
    /// All over the city.
    City,
}

impl Reach {
    /// Every reach.
    pub const ALL: [Self; 3] = [Self::Merchant, Self::Street, Self::City];

    /// Its name in the database and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Merchant => "merchant",
            Self::Street => "street",
            Self::City => "city",
        }
    }

    /// The reach of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reach| reach.name() == name)
    }
}

/// A programme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programme {
    /// Its number.
    pub id: ProgrammeId,
    /// Its name for people; no two are equal.
    pub name: String,
    /// Where it works.
    pub reach: Reach,
    /// What points are worth as money off; nothing where they are good for goods alone.
    pub worth: Option<Worth>,
    /// Points are good to the end of the month so many after that in which they were earned.
    pub validity_months: u32,
    /// The most that a holder earns a day.
    pub day_most: Option<u32>,
    /// Whether a refund takes back points that were given away already.
    pub below_zero: bool,
}

/// What kind of shop it is: a merchant category code (ISO 18245), four digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category(String);

impl Category {
    /// From four ASCII digits.
    pub fn new(code: &str) -> Option<Self> {
        (code.len() == 4 && code.bytes().all(|byte| byte.is_ascii_digit())).then(|| Self(code.to_owned()))
    }

    /// The four digits.
    pub fn code(&self) -> &str {
        &self.0
    }
}

/// A rule of a programme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: Uuid,
    /// The programme.
    pub programme: ProgrammeId,
    /// What is earned, and when.
    pub earn: EarnRule,
    /// At which shops; at all of the programme where it says nothing.
    pub category: Option<Category>,
}

/// An organisation that takes part in a programme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub organisation: OrganisationId,
    /// In what.
    pub programme: ProgrammeId,
    /// What kind of shop it is.
    pub category: Category,
    /// The first day.
    pub from: Date,
    /// The last day; nothing while it takes part.
    pub until: Option<Date>,
}

impl Member {
    /// Whether it takes part on a day.
    pub fn takes_part(&self, day: Date) -> bool {
        self.from <= day && self.until.is_none_or(|until| day <= until)
    }
}

/// All programmes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Programmes {
    /// By number.
    pub programmes: BTreeMap<ProgrammeId, Programme>,
    /// In no order.
    pub rules: Vec<Rule>,
    /// By organisation, also those that take part no more.
    pub members: HashMap<OrganisationId, Vec<Member>>,
}

impl Programmes {
    /// In what an organisation takes part on a day.
    pub fn member(&self, organisation: OrganisationId, day: Date) -> Option<&Member> {
        self.members.get(&organisation)?.iter().find(|member| member.takes_part(day))
    }

    /// The programme of an organisation on a day, with the terms there.
    pub fn terms(&self, organisation: OrganisationId, day: Date) -> Option<(&Programme, Terms)> {
        let member = self.member(organisation, day)?;
        let programme = self.programmes.get(&member.programme)?;
        let is_told = |rule: &&Rule| {
            rule.programme == programme.id
                && rule.earn.until.days() >= day.days() - TOLD_DAYS
                && rule.category.as_ref().is_none_or(|category| *category == member.category)
        };
        let earn = self.rules.iter().filter(is_told).map(|rule| rule.earn).collect();
        let (name, worth) = (programme.name.clone(), programme.worth);
        Some((programme, Terms { programme: programme.id, name, earn, worth }))
    }
}

/// Points that a holder has earned on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earned {
    /// Where it is kept.
    pub shard: Shard,
    /// Who.
    pub holder: HolderId,
    /// Of which programme.
    pub programme: ProgrammeId,
    /// When: the day of the tap.
    pub day: Date,
    /// How many.
    pub points: i64,
}

/// What a holder has earned in a programme and is still good, by days.
pub type Lots = BTreeMap<Date, i64>;

/// Of whom lots are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Where they lie.
    pub shard: Shard,
    /// Whose.
    pub holder: HolderId,
    /// Of which programme.
    pub programme: ProgrammeId,
    /// Of this day alone, where one is given.
    pub day: Option<Date>,
}

/// A holder's points.
pub fn points_of(holder: HolderId, shard: Shard, programme: ProgrammeId) -> AccountKey {
    AccountKey { shard, owner: holder.into(), kind: AccountKind::HolderPoints, unit: Unit::Points(programme) }
}

/// Points that an organisation has given to holders of one shard, less those that it has taken.
pub fn given_by(organisation: OrganisationId, shard: Shard, programme: ProgrammeId) -> AccountKey {
    AccountKey { shard, owner: organisation.into(), kind: AccountKind::PointsLiability, unit: Unit::Points(programme) }
}

/// Where points go whose time is over.
pub fn lapsed(shard: Shard, programme: ProgrammeId) -> AccountKey {
    AccountKey { shard, owner: Owner::ISSUER, kind: AccountKind::PointsLiability, unit: Unit::Points(programme) }
}
