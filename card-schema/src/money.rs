//! Amounts of money in fen. Holds no accounts and no rounding of fares: those belong to the ledger and the tariff.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An amount in fen, the hundredth part of a yuan. Signed: a balance may be below zero where a rule allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Fen(pub i64);

impl Fen {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// The sum, or nothing when it leaves the range of 64 bits.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference, or nothing when it leaves the range of 64 bits.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }
}

impl fmt::Display for Fen {
    /// Yuan with two decimals and no currency sign: `12.50`, `-0.05`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", fen / 100, fen % 100)
    }
}

/// Text that is not an amount in yuan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an amount in yuan: write it like 12.50, with at most two decimals")]
pub struct ParseFenError;

impl FromStr for Fen {
    type Err = ParseFenError;

    /// Reads yuan as a person types them: `12`, `12.5`, `12.50`. No sign, no exponent, no thousands separators.
    fn from_str(text: &str) -> Result<Self, ParseFenError> {
        let (yuan, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(yuan) || !digits(decimals) || decimals.len() > 2 {
            return Err(ParseFenError);
        }
        let yuan: i64 = yuan.parse().map_err(|_| ParseFenError)?;
        let fen: i64 = format!("{decimals:0<2}").parse().map_err(|_| ParseFenError)?;
        yuan.checked_mul(100).and_then(|hundreds| hundreds.checked_add(fen)).map(Fen).ok_or(ParseFenError)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_read_as_people_type_them() {
        for (text, fen) in [("0", 0), ("12", 1200), ("12.5", 1250), ("12.50", 1250), ("0.05", 5)] {
            assert_eq!(text.parse(), Ok(Fen(fen)), "{text}");
        }
        for text in ["", ".", ".5", "1.", "-1", "+1", "1.234", "1e3", "1,000", "１２", " 1", "92233720368547758.08"] {
            assert_eq!(text.parse::<Fen>(), Err(ParseFenError), "{text}");
        }
    }

    #[test]
    fn sums_that_leave_the_range_are_refused() {
        assert_eq!(Fen(i64::MAX).checked_add(Fen(1)), None);
        assert_eq!(Fen(i64::MIN).checked_sub(Fen(1)), None);
        assert_eq!(Fen(i64::MIN).to_string(), "-92233720368547758.08");
    }

    proptest! {
        #[test]
        fn what_is_displayed_reads_back(fen in 0..=i64::MAX) {
            prop_assert_eq!(Fen(fen).to_string().parse(), Ok(Fen(fen)));
        }
    }
}
