//! What is written on the chip, as SP 800-73-5 part 1 lays it out. Pure.

use card_schema::card::{Chuid, ObjectTag, tlv};
use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::CardId;

use super::journal::Object;

/// The longest name in the printed information, in bytes (part 1, table 15).
const PRINTED_NAME_MAX_BYTES: usize = 125;

impl Object {
    /// The object's tag.
    pub const fn tag(self) -> ObjectTag {
        match self {
            Self::Chuid => ObjectTag::CHUID,
            Self::TapCertificate => ObjectTag::CERTIFICATE_TAP,
            Self::SignInCertificate => ObjectTag::CERTIFICATE_SIGN_IN,
            Self::ApproveCertificate => ObjectTag::CERTIFICATE_APPROVE,
            Self::Capabilities => ObjectTag::CCC,
            Self::Printed => ObjectTag::PRINTED,
            Self::Security => ObjectTag::SECURITY,
        }
    }

    /// The container id by which the security object names it (part 1, table 2).
    pub const fn container(self) -> [u8; 2] {
        match self {
            Self::Chuid => [0x30, 0x00],
            Self::TapCertificate => [0x05, 0x00],
            Self::SignInCertificate => [0x01, 0x01],
            Self::ApproveCertificate => [0x01, 0x00],
            Self::Capabilities => [0xDB, 0x00],
            Self::Printed => [0x30, 0x01],
            Self::Security => [0x90, 0x00],
        }
    }
}

/// The card's id and last day.
pub fn chuid(card: CardId, expires: Micros) -> Vec<u8> {
    Chuid::new(card, Date::of_utc(expires)).encode()
}

/// A certificate, uncompressed (part 1, tables 11, 16 and 18).
pub fn certificate(der: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(der.len() + 12);
    tlv::push(&mut out, 0x70, der);
    tlv::push(&mut out, 0x71, &[0]);
    tlv::push(&mut out, 0xFE, &[]);
    out
}

/// The card capability container (part 1, table 9). Nothing reads it any more, but it is mandatory.
pub fn capabilities(card: CardId) -> Vec<u8> {
    // GSC-RID, manufacturer "none", card type JavaCard, then 14 bytes that are this card's own.
    let mut identifier = vec![0xA0, 0x00, 0x00, 0x01, 0x16, 0xFF, 0x02];
    identifier.extend_from_slice(&card.as_bytes()[2..]);
    let mut out = Vec::with_capacity(64);
    tlv::push(&mut out, 0xF0, &identifier);
    tlv::push(&mut out, 0xF1, &[0x21]);
    tlv::push(&mut out, 0xF2, &[0x21]);
    tlv::push(&mut out, 0xF3, &[]);
    tlv::push(&mut out, 0xF4, &[0x00]);
    tlv::push(&mut out, 0xF5, &[0x10]);
    for empty in [0xF6, 0xF7, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE] {
        tlv::push(&mut out, empty, &[]);
    }
    out
}

/// What is printed on the card, readable with the PIN (part 1, table 15).
pub fn printed(name: &str, card: CardId, expires: Micros, issuer: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(160);
    tlv::push(&mut out, 0x01, up_to(name, PRINTED_NAME_MAX_BYTES).as_bytes());
    tlv::push(&mut out, 0x04, printed_date(Date::of_utc(expires)).as_bytes());
    tlv::push(&mut out, 0x05, format!("{:010}", card.status_index()).as_bytes());
    tlv::push(&mut out, 0x06, up_to(issuer, 15).as_bytes());
    tlv::push(&mut out, 0xFE, &[]);
    out
}

/// As many whole characters as fit.
fn up_to(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// `YYYYMMMDD`, e.g. `2031NOV23`.
fn printed_date(date: Date) -> String {
    const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
    format!("{:04}{}{:02}", date.year(), MONTHS[usize::from(date.month() - 1)], date.day())
}

#[cfg(test)]
mod tests {
    use card_schema::ids::Shard;

    use super::*;

    #[test]
    fn a_long_chinese_name_is_cut_between_characters() {
        let name = "测".repeat(60);
        let object = printed(&name, CardId::new(7, Shard(1), [9; 16]), Micros::from_seconds(1_900_000_000), "NRC");
        let printed = tlv::find(&object, 0x01).unwrap();
        assert_eq!(std::str::from_utf8(printed).unwrap(), "测".repeat(41));
        assert_eq!(tlv::find(&object, 0x04).unwrap(), b"2030MAR17");
    }

    #[test]
    fn the_capability_container_names_the_card_in_21_bytes() {
        let object = capabilities(CardId::new(7, Shard(1), [9; 16]));
        assert_eq!(tlv::find(&object, 0xF0).unwrap().len(), 21);
    }
}
