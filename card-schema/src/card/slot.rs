//! Key references of the PIV application. Holds no keys.

use super::object::ObjectTag;

/// A key of the card (SP 800-73-5 part 1, table 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// 9A, PIV authentication: signing in, PIN once.
    SignIn = 0x9A,
    /// 9B, card management: a symmetric key, for issuance only.
    Management = 0x9B,
    /// 9C, digital signature: approvals, PIN before every signature.
    Approve = 0x9C,
    /// 9E, card authentication: taps, no PIN.
    Tap = 0x9E,
}

impl Slot {
    /// The slots with a key pair and a certificate.
    pub const SIGNING: [Self; 3] = [Self::SignIn, Self::Approve, Self::Tap];

    /// Where the slot's certificate is; the management key has none.
    pub const fn certificate(self) -> Option<ObjectTag> {
        match self {
            Self::SignIn => Some(ObjectTag::CERTIFICATE_SIGN_IN),
            Self::Approve => Some(ObjectTag::CERTIFICATE_APPROVE),
            Self::Tap => Some(ObjectTag::CERTIFICATE_TAP),
            Self::Management => None,
        }
    }

    /// The key reference byte.
    pub const fn key_reference(self) -> u8 {
        self as u8
    }

    /// The slot of a key reference byte.
    pub const fn from_key_reference(byte: u8) -> Option<Self> {
        match byte {
            0x9A => Some(Self::SignIn),
            0x9B => Some(Self::Management),
            0x9C => Some(Self::Approve),
            0x9E => Some(Self::Tap),
            _ => None,
        }
    }
}
