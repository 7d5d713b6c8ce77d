//! What is insured, and of whom. Pure.

use serde::{Deserialize, Serialize};

/// An insurance (Social Insurance Law of 2010, article 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Insurance {
    /// 基本养老保险.
    Pension,
    /// 基本医疗保险.
    Medical,
    /// 失业保险.
    Unemployment,
    /// 工伤保险.
    WorkInjury,
    /// 生育保险.
    Maternity,
}

impl Insurance {
    /// Every one, in the order of the law.
    pub const ALL: [Self; 5] = [Self::Pension, Self::Medical, Self::Unemployment, Self::WorkInjury, Self::Maternity];

    /// Its name in files and in keys of texts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pension => "pension",
            Self::Medical => "medical",
            Self::Unemployment => "unemployment",
            Self::WorkInjury => "work_injury",
            Self::Maternity => "maternity",
        }
    }
}

/// Where a household is registered, as rates depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Household {
    /// In a town of this city.
    LocalUrban,
    /// In the country around this city.
    LocalRural,
    /// In a town elsewhere.
    OtherUrban,
    /// In the country elsewhere.
    OtherRural,
}

impl Household {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::LocalUrban, Self::LocalRural, Self::OtherUrban, Self::OtherRural];

    /// Its name in the database and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LocalUrban => "local_urban",
            Self::LocalRural => "local_rural",
            Self::OtherUrban => "other_urban",
            Self::OtherRural => "other_rural",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|household| household.name() == name)
    }
}
