//! What is covered of a bill: where somebody was treated and how, the lines of a bill, and into which shares each falls. Pure.
//!
//! Not here: the rules by which a bill is reckoned, the catalogue of items, and who is insured (all the service's).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{date::Date, money::Fen, rate::Rate};

/// The level of a clinic, as the co-insurance depends on it (医院分级管理办法; community health stations apart).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// 社区卫生服务机构.
    Community,
    /// 一级.
    Primary,
    /// 二级.
    Secondary,
    /// 三级.
    Tertiary,
}

impl Level {
    /// Every level, the lowest first.
    pub const ALL: [Self; 4] = [Self::Community, Self::Primary, Self::Secondary, Self::Tertiary];

    /// Its name in the database, in files and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Community => "community",
            Self::Primary => "primary",
            Self::Secondary => "secondary",
            Self::Tertiary => "tertiary",
        }
    }

    /// The level of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// What a visit is insured as: each has its own deductible, its own bands and its own ceiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Benefit {
    /// 门诊.
    Outpatient,
    /// 门诊特殊疾病: an outpatient with a disease that is insured like a stay.
    SpecialOutpatient,
    /// 住院.
    Inpatient,
}

impl Benefit {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Outpatient, Self::SpecialOutpatient, Self::Inpatient];

    /// Its name in the database, in files and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Outpatient => "outpatient",
            Self::SpecialOutpatient => "special_outpatient",
            Self::Inpatient => "inpatient",
        }
    }

    /// The benefit of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|benefit| benefit.name() == name)
    }

    /// The number in a signed payload.
    pub const fn number(self) -> u8 {
        match self {
            Self::Outpatient => 1,
            Self::SpecialOutpatient => 2,
            Self::Inpatient => 3,
        }
    }

    /// The benefit of a number in a signed payload.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|benefit| benefit.number() == number)
    }
}

/// The class of an item in the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ItemClass {
    /// 甲类: covered whole.
    A,
    /// 乙类: covered after a part that the holder pays first.
    B,
    /// 丙类: not covered.
    C,
}

/// The code of a drug or a service, as catalogues have it: 1 to 32 capital letters, digits, dots and hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemCode(String);

/// A text that is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the code of an item is 1 to 32 capital letters, digits, dots and hyphens")]
pub struct NoItemCode;

impl ItemCode {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ItemCode {
    type Err = NoItemCode;

    fn from_str(text: &str) -> Result<Self, NoItemCode> {
        let good = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
        if !(1..=32).contains(&text.len()) || !text.bytes().all(good) {
            return Err(NoItemCode);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ItemCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// How many units of something, in thousandths; above zero and no more than a million units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(u32);

/// A text that is no quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a quantity is above zero, at most 1000000, with at most three decimals")]
pub struct NoQuantity;

impl Quantity {
    /// One unit.
    pub const ONE: Self = Self(1_000);

    /// Of thousandths of a unit.
    pub const fn of_thousandths(thousandths: i64) -> Option<Self> {
        if thousandths < 1 || thousandths > 1_000_000_000 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the range")]
        Some(Self(thousandths as u32))
    }

    /// In thousandths of a unit.
    pub const fn thousandths(self) -> u32 {
        self.0
    }

    /// What so many cost at a price of one that is zero or above, to the nearest fen, half a fen upwards; nothing when that leaves the
    /// range of 64 bits.
    pub fn cost(self, price: Fen) -> Option<Fen> {
        let thousandths = i128::from(price.0) * i128::from(self.0);
        i64::try_from((thousandths + 500) / 1_000).ok().map(Fen)
    }
}

impl FromStr for Quantity {
    type Err = NoQuantity;

    fn from_str(text: &str) -> Result<Self, NoQuantity> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits =
            |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit());
        if !digits(whole, 7) || !digits(part, 3) {
            return Err(NoQuantity);
        }
        let thousandths = format!("{whole}{part:0<3}").parse().map_err(|_| NoQuantity)?;
        Self::of_thousandths(thousandths).ok_or(NoQuantity)
    }
}

impl fmt::Display for Quantity {
    /// Without decimals that say nothing: `2`, `0.5`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 1_000, format!("{:03}", self.0 % 1_000));
        match part.trim_end_matches('0') {
            "" => write!(out, "{whole}"),
            part => write!(out, "{whole}.{part}"),
        }
    }
}

macro_rules! as_text {
    ($($name:ident),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

as_text!(ItemCode, Quantity);

/// A line of a bill, as the clinic writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What was given or done.
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = r"^[A-Z0-9.-]{1,32}$"))]
    pub item: ItemCode,
    /// How much of it.
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = r"^[0-9]{1,7}(\.[0-9]{1,3})?$"))]
    pub quantity: Quantity,
    /// What one costs; zero or above.
    pub price_fen: Fen,
}

/// Into which shares an amount falls. They come to it, always. All but `fund` is the holder's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Shares {
    /// What the fund pays.
    pub fund_fen: Fen,
    /// 丙类自费: of class C.
    pub excluded_fen: Fen,
    /// 超限价: above the highest price that is covered.
    pub over_price_fen: Fen,
    /// 先行自付: of class B, before the rest is covered.
    pub first_fen: Fen,
    /// 起付线: below the deductible.
    pub deductible_fen: Fen,
    /// 按比例自付: what is left to the holder of what the fund pays a part of.
    pub co_insurance_fen: Fen,
    /// 超封顶线: above the ceiling of a year.
    pub over_ceiling_fen: Fen,
}

impl Shares {
    /// Each share.
    pub const fn all(&self) -> [Fen; 7] {
        [
            self.fund_fen,
            self.excluded_fen,
            self.over_price_fen,
            self.first_fen,
            self.deductible_fen,
            self.co_insurance_fen,
            self.over_ceiling_fen,
        ]
    }

    /// What they come to.
    pub fn total(&self) -> Fen {
        Fen(self.all().iter().map(|share| share.0).sum())
    }

    /// What is left to the holder.
    pub fn own(&self) -> Fen {
        Fen(self.total().0 - self.fund_fen.0)
    }

    /// Both together.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        const fn sum(one: Fen, other: Fen) -> Fen {
            Fen(one.0 + other.0)
        }
        Self {
            fund_fen: sum(self.fund_fen, other.fund_fen),
            excluded_fen: sum(self.excluded_fen, other.excluded_fen),
            over_price_fen: sum(self.over_price_fen, other.over_price_fen),
            first_fen: sum(self.first_fen, other.first_fen),
            deductible_fen: sum(self.deductible_fen, other.deductible_fen),
            co_insurance_fen: sum(self.co_insurance_fen, other.co_insurance_fen),
            over_ceiling_fen: sum(self.over_ceiling_fen, other.over_ceiling_fen),
        }
    }
}

/// What of a line lies in a band.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Piece {
    /// How much of it the fund pays, up to the ceiling.
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = r"^[0-9]{1,3}(\.[0-9]{1,4})?%$"))]
    pub rate: Rate,
    /// How much lies there.
    pub amount_fen: Fen,
}

/// Whether somebody is covered on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Eligibility {
    /// They are.
    Covered {
        /// The last day of it, unless another month counts.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
        until: Date,
    },
    /// They contribute, and are not covered yet.
    Waiting {
        /// From this day on, if their months go on counting.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
        from: Date,
    },
    /// They were, and are not any more.
    Ended {
        /// The last day on which they were.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = Date))]
        on: Date,
    },
    /// They never were.
    Never,
}

impl Eligibility {
    /// Whether the fund pays.
    pub const fn is_covered(self) -> bool {
        matches!(self, Self::Covered { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_people_type_them_and_cost_to_the_nearest_fen() {
        for (text, written, price, cost) in
            [("2", "2", 250, 500), ("0.5", "0.5", 1, 1), ("0.500", "0.5", 3, 2), ("0.333", "0.333", 1_000, 333)]
        {
            let quantity: Quantity = text.parse().unwrap();
            assert_eq!(
                (quantity.to_string().as_str(), quantity.cost(Fen(price))),
                (written, Some(Fen(cost))),
                "{text}"
            );
        }
        for text in ["", "0", "-1", "+1", "1e3", "0.0001", "1.", ".5", "1000000.001", "10000000", "１"] {
            assert_eq!(text.parse::<Quantity>(), Err(NoQuantity), "{text}");
        }
        assert_eq!("1000000".parse::<Quantity>().unwrap().cost(Fen(i64::MAX)), None);
    }

    #[test]
    fn codes_of_items_are_plain() {
        for text in ["XA10BAE012A001010100483", "330100005", "A.1-2"] {
            assert_eq!(text.parse::<ItemCode>().unwrap().as_str(), text);
        }
        for text in ["", "a1", "A 1", "A\u{0}", "一", &"A".repeat(33)] {
            assert_eq!(text.parse::<ItemCode>(), Err(NoItemCode), "{text}");
        }
    }

    #[test]
    fn every_share_is_part_of_the_total() {
        let shares = Shares {
            fund_fen: Fen(1),
            excluded_fen: Fen(2),
            over_price_fen: Fen(4),
            first_fen: Fen(8),
            deductible_fen: Fen(16),
            co_insurance_fen: Fen(32),
            over_ceiling_fen: Fen(64),
        };
        assert_eq!((shares.total(), shares.own()), (Fen(127), Fen(126)));
        assert_eq!(shares.plus(&shares).total(), Fen(254));
        assert_eq!(shares.plus(&shares).all(), shares.all().map(|share| Fen(share.0 * 2)));
    }

    #[test]
    fn names_and_numbers_lead_back() {
        assert!(Level::ALL.into_iter().all(|level| Level::from_name(level.name()) == Some(level)));
        for benefit in Benefit::ALL {
            assert_eq!(Benefit::from_name(benefit.name()), Some(benefit));
            assert_eq!(Benefit::from_number(benefit.number()), Some(benefit));
        }
        assert_eq!(Benefit::from_number(0), None);
    }
}
