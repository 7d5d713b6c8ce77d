//! Names of the data objects on the chip. Holds no contents: those are with whoever writes them.

use serde::{Deserialize, Serialize};

/// The tag of a data object, as GET DATA and PUT DATA name it in their `5C` object
/// (SP 800-73-5 part 1, table 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectTag(pub u32);

impl ObjectTag {
    /// Card holder unique identifier: the card id and its expiry. Read without a PIN.
    pub const CHUID: Self = Self(0x5F_C102);
    /// Card capability container.
    pub const CCC: Self = Self(0x5F_C107);
    /// Certificate of slot 9A.
    pub const CERTIFICATE_SIGN_IN: Self = Self(0x5F_C105);
    /// Certificate of slot 9C.
    pub const CERTIFICATE_APPROVE: Self = Self(0x5F_C10A);
    /// Certificate of slot 9E.
    pub const CERTIFICATE_TAP: Self = Self(0x5F_C101);
    /// Printed information. Read with the PIN.
    pub const PRINTED: Self = Self(0x5F_C109);
    /// Facial image. Read with the PIN.
    pub const PHOTO: Self = Self(0x5F_C108);
    /// Security object: a signature over hashes of the others.
    pub const SECURITY: Self = Self(0x5F_C106);
    /// Discovery object: which PINs the card takes.
    pub const DISCOVERY: Self = Self(0x7E);

    /// The tag's bytes on the wire: three, or one for the discovery object.
    pub fn bytes(self) -> Vec<u8> {
        let bytes = self.0.to_be_bytes();
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes[zeros..].to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::ObjectTag;

    #[test]
    fn tags_are_written_without_leading_zeros() {
        assert_eq!(ObjectTag::CHUID.bytes(), [0x5F, 0xC1, 0x02]);
        assert_eq!(ObjectTag::DISCOVERY.bytes(), [0x7E]);
    }
}
