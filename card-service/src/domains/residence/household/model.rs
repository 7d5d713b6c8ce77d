//! Households: who belongs to one, and how each is related to its head. No I/O.

use card_schema::clock::Micros;
use card_schema::ids::HolderId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A household. It is nothing but its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HouseholdId(pub Uuid);

/// How somebody is related to the head of the household.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relationship {
    /// 户主.
    Head,
    /// 配偶.
    Spouse,
    /// 子.
    Son,
    /// 女.
    Daughter,
    /// 孙子、孙女或外孙子、外孙女.
    Grandchild,
    /// 父母.
    Parent,
    /// 祖父母或外祖父母.
    Grandparent,
    /// 兄弟姐妹.
    Sibling,
    /// 其他亲属.
    OtherRelative,
    /// 非亲属.
    NotRelated,
    /// Another became the head, and nobody has said since how the two are related.
    NotSaid,
}

impl Relationship {
    /// What somebody may be who is not the head.
    pub const OF_MEMBERS: [Self; 9] = [
        Self::Spouse,
        Self::Son,
        Self::Daughter,
        Self::Grandchild,
        Self::Parent,
        Self::Grandparent,
        Self::Sibling,
        Self::OtherRelative,
        Self::NotRelated,
    ];

    /// Its name in forms and in keys of texts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Spouse => "spouse",
            Self::Son => "son",
            Self::Daughter => "daughter",
            Self::Grandchild => "grandchild",
            Self::Parent => "parent",
            Self::Grandparent => "grandparent",
            Self::Sibling => "sibling",
            Self::OtherRelative => "other-relative",
            Self::NotRelated => "not-related",
            Self::NotSaid => "not-said",
        }
    }

    /// What a member may be said to be.
    pub fn of_member(name: &str) -> Option<Self> {
        Self::OF_MEMBERS.into_iter().find(|one| one.name() == name)
    }

    /// Its code in GB/T 4761-2008, as it is stored; 0, which is none there, where nobody has said.
    pub const fn code(self) -> u8 {
        match self {
            Self::NotSaid => 0,
            Self::Head => 2,
            Self::Spouse => 10,
            Self::Son => 20,
            Self::Daughter => 30,
            Self::Grandchild => 40,
            Self::Parent => 50,
            Self::Grandparent => 60,
            Self::Sibling => 70,
            Self::OtherRelative => 97,
            Self::NotRelated => 99,
        }
    }

    /// The relationship of a code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::OF_MEMBERS.into_iter().chain([Self::Head, Self::NotSaid]).find(|one| one.code() == code)
    }
}

/// That a record belongs, or belonged, to a household.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The record.
    pub record: HolderId,
    /// The leaf that opened it.
    pub opened: i64,
    /// To which.
    pub household: HouseholdId,
    /// Since when.
    pub since: Micros,
    /// Up to when; none while it lasts.
    pub until: Option<Micros>,
    /// The relationship to the head, sealed.
    pub sealed: Vec<u8>,
}

/// Somebody who belongs to a household: of two records of one person, the person is found under the one that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Under which record the person is found.
    pub person: HolderId,
    /// What says so.
    pub membership: Membership,
    /// How the person is related to the head.
    pub relationship: Relationship,
}

/// An answer to the question whether a newcomer belongs to a household in the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HouseholdAnswer {
    /// To none.
    None,
    /// To that of a person, who is its head or lives there alone so far.
    Of {
        /// Who.
        person: HolderId,
        /// How the newcomer is related to that person, once that was said.
        relationship: Option<Relationship>,
    },
}
