//! What is written on the chip, as SP 800-73-5 part 1 lays it out. Pure.

use card_schema::card::{Chuid, ObjectTag, tlv};
use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::ids::CardId;

use super::journal::Object;
use crate::domains::residence::photo::SIZE as PHOTO_SIZE;

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
            Self::Photo => ObjectTag::PHOTO,
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
            Self::Photo => [0x60, 0x30],
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

/// The holder's photo, readable with the PIN (part 1, table 16), of which the security object is the signature; without a photo
/// an empty object, for a photo that was removed while the card was made. A CBEFF header (SP 800-76-2, section 9.3, table 14)
/// and a face record of one frontal image (INCITS 385-2004, section 5; SP 800-76-2, section 7.2).
pub fn photo(jpeg: Option<&[u8]>, created: Micros, expires: Micros) -> Vec<u8> {
    let record = jpeg.map_or_else(Vec::new, |jpeg| face(jpeg, created, expires));
    let mut out = Vec::with_capacity(record.len() + 8);
    tlv::push(&mut out, 0xBC, &record);
    tlv::push(&mut out, 0xFE, &[]);
    out
}

fn face(jpeg: &[u8], created: Micros, expires: Micros) -> Vec<u8> {
    const RECORD_HEADER: usize = 14;
    const IMAGE_HEADER: usize = 32;
    let length =
        |extra: usize| u32::try_from(jpeg.len() + extra).expect("a photo is as short as a chip's object").to_be_bytes();
    let mut out = Vec::with_capacity(88 + RECORD_HEADER + IMAGE_HEADER + jpeg.len());
    // Version 3 of the header; no signature and no encryption within.
    out.extend([0x03, 0x00]);
    out.extend(length(RECORD_HEADER + IMAGE_HEADER));
    out.extend([0x00, 0x00]);
    // INCITS M1, face.
    out.extend([0x00, 0x1B, 0x05, 0x01]);
    for day in [created, created, expires] {
        out.extend(cbeff_date(Date::of_utc(day)));
    }
    // Facial features; raw data; of no stated quality.
    out.extend([0x00, 0x00, 0x02, 0x20, 0xFE]);
    out.extend(b"New Resident Card\0");
    out.extend(Chuid::FASC_N_NOT_FEDERAL);
    out.extend([0; 4]);
    out.extend(b"FAC\x00010\x00");
    out.extend(length(RECORD_HEADER + IMAGE_HEADER));
    out.extend(1_u16.to_be_bytes());
    // Neither points of the face nor sex, eyes, hair, expression and pose are stated.
    out.extend(length(IMAGE_HEADER));
    out.extend([0; 16]);
    // Full frontal, JPEG, sRGB, a still from a digital camera.
    let (width, height) = PHOTO_SIZE;
    out.extend([0x01, 0x00]);
    out.extend(width.to_be_bytes());
    out.extend(height.to_be_bytes());
    out.extend([0x01, 0x02, 0x00, 0x00, 0x00, 0x00]);
    out.extend(jpeg);
    out
}

/// `YYYYMMDD000000Z`, two decimal digits a byte.
fn cbeff_date(date: Date) -> [u8; 8] {
    let digits = date.to_digits().map(|digit| digit - b'0');
    let [a, b, c, d] = [0, 2, 4, 6].map(|at| digits[at] << 4 | digits[at + 1]);
    [a, b, c, d, 0, 0, 0, b'Z']
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
    fn the_photo_stands_behind_its_headers_and_their_lengths_are_right() {
        let (created, expires) = (Micros::from_seconds(1_800_000_000), Micros::from_seconds(1_900_000_000));
        let object = photo(Some(b"invented"), created, expires);
        let record = tlv::find(&object, 0xBC).unwrap();
        let (header, face) = record.split_at(88);
        assert_eq!(header[2..6], u32::try_from(face.len()).unwrap().to_be_bytes());
        assert_eq!(header[12..20], [0x20, 0x27, 0x01, 0x15, 0, 0, 0, b'Z']);
        assert_eq!(header[28..36], [0x20, 0x30, 0x03, 0x17, 0, 0, 0, b'Z']);
        assert_eq!((&face[..8], &face[8..12]), (&b"FAC\x00010\0"[..], &header[2..6]));
        assert_eq!(face[14..18], u32::try_from(face.len() - 14).unwrap().to_be_bytes());
        assert_eq!((&face[36..40], &face[46..]), (&[0, 240, 1, 64][..], &b"invented"[..]));
        assert!(tlv::find(&photo(None, created, expires), 0xBC).unwrap().is_empty());
    }

    #[test]
    fn the_capability_container_names_the_card_in_21_bytes() {
        let object = capabilities(CardId::new(7, Shard(1), [9; 16]));
        assert_eq!(tlv::find(&object, 0xF0).unwrap().len(), 21);
    }
}
