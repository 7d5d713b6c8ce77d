//! Identifiers. Each is a type of its own, so that a card cannot be passed where a holder is meant.
//!
//! None of them says anything about a person: a card id carries its place in the status list and its shard, nothing else.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How many shards holders can be spread over. How many there are is fixed when an installation is initialised.
pub const SHARDS: u8 = 64;

/// The part of the database in which everything of one holder lies, `0..SHARDS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shard(pub u8);

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The sixteen bytes, as they are stored and signed.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// From sixteen stored or signed bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::from_str(text).map(Self)
            }
        }
    };
}

uuid_id!(
    /// A card, as its CHUID's GUID and its certificates name it: a UUIDv8 (RFC 9562 §5.8) of a 32-bit status-list
    /// index, an 8-bit shard and random bits, so that status look-up and routing need no table.
    CardId
);
uuid_id!(
    /// A holder: a UUIDv8 whose first byte is the shard, the rest random.
    HolderId
);
uuid_id!(
    /// A terminal (a reader daemon with its own key), UUIDv7.
    TerminalId
);
uuid_id!(
    /// A station, merchant, clinic, operator or gate site, UUIDv7.
    OrganisationId
);
uuid_id!(
    /// A place with gates: a village, a compound, a dormitory, UUIDv7.
    SiteId
);
uuid_id!(
    /// A bill of a clinic: a UUIDv8 whose first byte is the shard of the holder, the rest random.
    ClaimId
);

impl CardId {
    /// Builds the id of a new card. `random` fills every bit that is not fixed.
    pub const fn new(status_index: u32, shard: Shard, random: [u8; 16]) -> Self {
        let mut bytes = random;
        let index = status_index.to_be_bytes();
        (bytes[0], bytes[1], bytes[2], bytes[3]) = (index[0], index[1], index[2], index[3]);
        bytes[4] = shard.0;
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The card's place in the status list.
    pub const fn status_index(&self) -> u32 {
        let b = self.as_bytes();
        u32::from_be_bytes([b[0], b[1], b[2], b[3]])
    }

    /// The shard of the card's holder.
    pub const fn shard(&self) -> Shard {
        Shard(self.as_bytes()[4])
    }
}

impl HolderId {
    /// Builds the id of a new holder. `random` fills every bit that is not fixed.
    pub const fn new(shard: Shard, random: [u8; 16]) -> Self {
        let mut bytes = random;
        bytes[0] = shard.0;
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The shard in which everything of this holder lies.
    pub const fn shard(&self) -> Shard {
        Shard(self.as_bytes()[0])
    }
}

impl ClaimId {
    /// Builds the id of a new bill. `random` fills every bit that is not fixed.
    pub const fn new(shard: Shard, random: [u8; 16]) -> Self {
        let mut bytes = random;
        bytes[0] = shard.0;
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The shard of the holder whose bill it is.
    pub const fn shard(&self) -> Shard {
        Shard(self.as_bytes()[0])
    }
}

macro_rules! digest_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, pattern = r"^[0-9a-f]+$"))]
        pub struct $name(pub [u8; $len]);

        impl fmt::Display for $name {
            /// Lower-case hexadecimal.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseDigestError;

            fn from_str(text: &str) -> Result<Self, ParseDigestError> {
                let mut bytes = [0; $len];
                if text.len() != 2 * $len || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return Err(ParseDigestError);
                }
                for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
                    let pair = std::str::from_utf8(pair).map_err(|_| ParseDigestError)?;
                    *byte = u8::from_str_radix(pair, 16).map_err(|_| ParseDigestError)?;
                }
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// Text that is not the hexadecimal form of an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a hexadecimal identifier of the right length")]
pub struct ParseDigestError;

digest_id!(
    /// A tap: SHA-256 of its `Sig_structure` (RFC 9052 §4.4), never of the signature, which is malleable.
    TapId,
    32
);
digest_id!(
    /// A batch of taps: SHA-256 of its `Sig_structure`.
    BatchId,
    32
);
digest_id!(
    /// A signing key: the first eight bytes of SHA-256 over its `SubjectPublicKeyInfo` in DER.
    KeyId,
    8
);

digest_id!(
    /// A printed paper: ten bytes that nobody guesses, of which the first is the holder's shard.
    PaperNumber,
    10
);

impl PaperNumber {
    /// Builds the number of a new paper. `random` fills every byte but the first.
    pub const fn new(shard: Shard, random: [u8; 10]) -> Self {
        let mut bytes = random;
        bytes[0] = shard.0;
        Self(bytes)
    }

    /// The shard of the paper's holder.
    pub const fn shard(&self) -> Shard {
        Shard(self.0[0])
    }
}

impl TapId {
    /// What the first tap of a lane names as its predecessor.
    pub const NONE: Self = Self([0; 32]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_card_id_carries_its_index_and_shard(index: u32, shard in 0..SHARDS, random: [u8; 16]) {
            let id = CardId::new(index, Shard(shard), random);
            prop_assert_eq!((id.status_index(), id.shard()), (index, Shard(shard)));
            prop_assert_eq!(id.0.get_version_num(), 8);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn ids_of_what_is_a_holders_carry_the_shard(shard in 0..SHARDS, random: [u8; 16]) {
            prop_assert_eq!(HolderId::new(Shard(shard), random).shard(), Shard(shard));
            prop_assert_eq!(ClaimId::new(Shard(shard), random).shard(), Shard(shard));
        }

        #[test]
        fn a_digest_reads_back(bytes: [u8; 32]) {
            prop_assert_eq!(TapId(bytes).to_string().parse(), Ok(TapId(bytes)));
        }
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for text in ["", "00", "zz00000000000000", "+100000000000000", "é0000000000000"] {
            assert!(text.parse::<KeyId>().is_err(), "{text}");
        }
    }
}
