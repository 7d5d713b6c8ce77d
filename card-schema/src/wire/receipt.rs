//! The address under which whoever has a receipt sees what the service has of the tap: what its square code says.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    envelope::receipt::Recorded,
    ids::{Shard, TapId},
};

/// Where the service has its pages of receipts.
pub const RECEIPTS: &str = "/receipts";

/// A tap as its receipt names it: `SHARD.LEAF.TAP`, the tap in base64url. Whoever knows all of it holds the receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptName {
    /// Where the log has it.
    pub recorded: Recorded,
    /// The tap.
    pub tap: TapId,
}

impl ReceiptName {
    /// The page of this receipt at a service that is found at this address.
    pub fn page(&self, service: &str) -> String {
        format!("{service}{RECEIPTS}/{self}")
    }
}

impl fmt::Display for ReceiptName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.recorded.shard.0, self.recorded.leaf, URL_SAFE_NO_PAD.encode(self.tap.0))
    }
}

/// What is no name of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no name of a receipt")]
pub struct NoReceipt;

impl FromStr for ReceiptName {
    type Err = NoReceipt;

    fn from_str(text: &str) -> Result<Self, NoReceipt> {
        let mut parts = text.split('.');
        let mut next = || parts.next().ok_or(NoReceipt);
        let (shard, leaf, tap) = (next()?, next()?, next()?);
        let tap = URL_SAFE_NO_PAD.decode(tap).map_err(|_| NoReceipt)?;
        let name = Self {
            recorded: Recorded {
                shard: Shard(shard.parse().map_err(|_| NoReceipt)?),
                leaf: leaf.parse().map_err(|_| NoReceipt)?,
            },
            tap: TapId(tap.try_into().map_err(|_| NoReceipt)?),
        };
        // One name a receipt.
        if name.to_string() == text { Ok(name) } else { Err(NoReceipt) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_was_written_and_nothing_else_is_one() {
        let recorded = Recorded { shard: Shard(7), leaf: 70_002 };
        let name = ReceiptName { recorded, tap: TapId([0xCD; 32]) };
        assert_eq!(name.to_string().parse(), Ok(name));
        assert_eq!(name.page("https://card.example"), format!("https://card.example/receipts/{name}"));
        let tap = URL_SAFE_NO_PAD.encode([0xCD; 32]);
        for text in [
            String::new(),
            "7.70002".to_owned(),
            format!("7.70002.{}", &tap[1..]),
            format!("7.70002.{tap}="),
            format!("7.70002.{tap}.1"),
            format!("07.70002.{tap}"),
            format!("7.+70002.{tap}"),
            format!("256.70002.{tap}"),
            format!("7.-1.{tap}"),
        ] {
            assert_eq!(text.parse::<ReceiptName>(), Err(NoReceipt), "{text}");
        }
    }
}
