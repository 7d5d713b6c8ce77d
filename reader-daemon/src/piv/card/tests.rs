//! Every PIV command as a dialogue with a scripted card.

use super::*;
use crate::{
    card::{
        apdu::{ProtocolError, StatusWord},
        scripted::{Breaks, Bytes, Line, Says, Scripted},
        trace::from_hex,
    },
    piv::{Reason, secrets::SecretFormatError},
};

const SELECT: Line = Says("00A40400 09 A00000030800001000 00", "61 11 4F 06 000010000100 79 07 4F 05 A000000308 9000");
const ASK_CHUID: &str = "00CB3FFF 05 5C035FC102 00";
const CHUID: &str = "533B 3019D4E739DA739CED39CE739D836858210842108421C84210C3EB \
                     34100102030405068708890A0B0C0D0E0F10 350832303330303130 31 3E00 FE00 9000";
const SIGN_9E: &str = "0087119E 26 7C24 8200 8120 0000000000000000000000000000000000000000000000000000000000000000 00";
const SIGNATURE: &str = "7C0A 8208 3006020101020102 9000";
const VERIFY: &str = "00200080 08 313233343536FFFF";

fn piv(lines: impl Into<Vec<Line>>) -> PivCard<Scripted> {
    PivCard::new(Scripted::new(lines))
}

fn pin() -> Pin {
    Pin::parse("123456").expect("a PIN")
}

fn reason<T: std::fmt::Debug>(result: Result<T, PivError>) -> Option<Reason> {
    result.expect_err("the card refused").reason()
}

#[test]
fn a_tap_of_a_known_card_costs_three_apdus() {
    let mut card = piv([SELECT, Says(ASK_CHUID, CHUID), Says(SIGN_9E, SIGNATURE)]);
    let chuid = card.identify(Selection::Always).expect("a card of ours");
    assert_eq!(chuid.guid.as_bytes()[..4], [1, 2, 3, 4]);
    assert_eq!(card.sign(Slot::Tap, &[0; 32]), Ok(vec![0x30, 6, 2, 1, 1, 2, 1, 2]));
    assert_eq!(card.channel().usage().apdus, 3);
    assert_eq!(card.channel().usage().bytes_up, 15 + 11 + 44);
}

#[test]
fn a_card_whose_default_is_piv_costs_two_and_any_other_is_selected() {
    let mut two = piv([Says(ASK_CHUID, CHUID), Says(SIGN_9E, SIGNATURE)]);
    assert!(two.identify(Selection::TryWithout).is_ok() && two.sign(Slot::Tap, &[0; 32]).is_ok());
    for other_application_says in ["6A82", "6D00", "6E00", "53 00 9000", "7F00 9000", ""] {
        let mut four = piv([Says(ASK_CHUID, other_application_says), SELECT, Says(ASK_CHUID, CHUID)]);
        assert!(four.identify(Selection::TryWithout).is_ok(), "{other_application_says}");
    }
    let mut gone = piv([Breaks(ASK_CHUID, LinkError::Removed)]);
    assert_eq!(gone.identify(Selection::TryWithout), Err(LinkError::Removed.into()));
}

#[test]
fn a_card_that_is_no_piv_card_or_is_blank_says_not_found() {
    let mut other = piv([Says("00A40400 09 A00000030800001000 00", "6A82")]);
    assert_eq!(reason(other.identify(Selection::Always)), Some(Reason::NotFound));
    let mut blank = piv([SELECT, Says(ASK_CHUID, "6A82")]);
    assert_eq!(reason(blank.identify(Selection::Always)), Some(Reason::NotFound));
}

#[test]
fn a_chuid_that_lies_is_refused() {
    for answer in ["533B 3019 9000", "5301 00 9000", "5305 3003000000 9000", "3002 0000 9000"] {
        let result = piv([Says(ASK_CHUID, answer)]).chuid();
        assert!(matches!(result, Err(PivError::Malformed { command: Name::GetData, .. })), "{answer}: {result:?}");
    }
}

#[test]
fn an_object_is_read_in_parts_and_one_that_is_not_there_is_none() {
    let get = "00CB3FFF 05 5C035FC101 00";
    let mut parts = vec![0x53, 0x82, 0x01, 0x00];
    parts.extend([0xAB; 252]);
    let first = [&parts[..], &[0x61, 0x04]].concat();
    let mut card = piv([Bytes(from_hex(get).unwrap(), first), Says("00C00000 04", "ABABABAB 9000")]);
    assert_eq!(card.get_data(ObjectTag::CERTIFICATE_TAP), Ok(Some(vec![0xAB; 256])));
    for nothing in ["6A82", "5300 9000", "9000"] {
        assert_eq!(piv([Says(get, nothing)]).get_data(ObjectTag::CERTIFICATE_TAP), Ok(None), "{nothing}");
    }
    let discovery = piv([Says("00CB3FFF 03 5C017E 00", "7E02 5F00 9000")]).get_data(ObjectTag::DISCOVERY);
    assert_eq!(discovery, Ok(Some(vec![0x5F, 0x00])));
    let printed = piv([Says("00CB3FFF 05 5C035FC109 00", "6982")]).get_data(ObjectTag::PRINTED);
    assert_eq!(reason(printed), Some(Reason::SecurityStatusNotSatisfied));
}

#[test]
fn an_endless_object_is_cut_off() {
    let get = from_hex("00CB3FFF 05 5C035FC108 00").unwrap();
    let full = |status: u8| [&[0xAB; 256][..], &[status, 0x00]].concat();
    let mut lines = vec![Bytes(get, full(0x61))];
    lines.extend((0..64).map(|_| Bytes(vec![0x00, 0xC0, 0x00, 0x00, 0x00], full(0x61))));
    let result = piv(lines).get_data(ObjectTag::PHOTO);
    let expected = ProtocolError::AnswerTooLong { most: get_data::ANSWER_MAX };
    assert_eq!(result, Err(LinkError::Protocol(expected).into()));
}

#[test]
fn an_object_is_written_as_a_chain_when_it_is_long() {
    let mut short = piv([Says("00DB3FFF 09 5C035FC102 5302 ABCD", "9000")]);
    assert_eq!(short.put_data(ObjectTag::CHUID, &[0xAB, 0xCD]), Ok(()));
    let contents = vec![0xAB; 300];
    let all = [&from_hex("5C035FC101 5382012C").unwrap()[..], &contents].concat();
    let first = [&[0x10, 0xDB, 0x3F, 0xFF, 0xFF][..], &all[..255]].concat();
    let last = [&[0x00, 0xDB, 0x3F, 0xFF, 54][..], &all[255..]].concat();
    let ok = || vec![0x90, 0x00];
    let mut long = piv([Bytes(first.clone(), ok()), Bytes(last.clone(), ok())]);
    assert_eq!(long.put_data(ObjectTag::CERTIFICATE_TAP, &contents), Ok(()));
    let mut full = piv([Bytes(first, ok()), Bytes(last, vec![0x6A, 0x84])]);
    assert_eq!(reason(full.put_data(ObjectTag::CERTIFICATE_TAP, &contents)), Some(Reason::NotEnoughMemory));
}

#[test]
fn tries_left_are_asked_without_spending_one() {
    let table = [
        ("63C3", PinState::TriesLeft(3)),
        ("63CF", PinState::TriesLeft(15)),
        ("63C0", PinState::Blocked),
        ("6983", PinState::Blocked),
        ("9000", PinState::Verified),
    ];
    for (answer, expected) in table {
        assert_eq!(piv([Says("00200080", answer)]).pin_state(), Ok(expected), "{answer}");
    }
    let contactless = piv([Says("00200080", "6A81")]).pin_state();
    assert_eq!(reason(contactless), Some(Reason::FunctionNotSupported));
}

#[test]
fn a_pin_is_right_wrong_or_blocked() {
    assert_eq!(piv([Says(VERIFY, "9000")]).verify_pin(&pin()), Ok(()));
    let table = [
        ("63C2", Reason::WrongPin { tries_left: Some(2) }),
        ("63C0", Reason::WrongPin { tries_left: Some(0) }),
        ("6983", Reason::PinBlocked),
        ("6A81", Reason::FunctionNotSupported),
    ];
    for (answer, expected) in table {
        assert_eq!(reason(piv([Says(VERIFY, answer)]).verify_pin(&pin())), Some(expected), "{answer}");
    }
}

#[test]
fn an_empty_pin_never_reaches_the_card() {
    assert_eq!(Pin::parse("").err(), Some(SecretFormatError::Empty));
    assert_eq!(Puk::from_bytes(&[]).err(), Some(SecretFormatError::Empty));
}

#[test]
fn a_card_removed_while_the_pin_is_shown_is_no_wrong_pin() {
    let result = piv([Breaks(VERIFY, LinkError::Removed)]).verify_pin(&pin());
    assert_eq!(result, Err(PivError::Link(LinkError::Removed)));
    let mut torn = piv([Says(VERIFY, "9000"), Breaks(SIGN_9E, LinkError::Removed)]);
    assert_eq!(torn.sign_with_pin(Slot::Tap, &pin(), &[0; 32]), Err(LinkError::Removed.into()));
}

#[test]
fn nothing_is_signed_when_the_pin_is_wrong() {
    let mut card = piv([Says(VERIFY, "63C1")]);
    let result = card.sign_with_pin(Slot::Approve, &pin(), &[0; 32]);
    assert_eq!(reason(result), Some(Reason::WrongPin { tries_left: Some(1) }));
}

#[test]
fn pin_and_puk_are_changed_against_the_old_ones() {
    let change_pin = "00240080 10 313233343536FFFF 3837363534333231";
    let new_pin = Pin::parse("87654321").unwrap();
    assert_eq!(piv([Says(change_pin, "9000")]).change_pin(&pin(), &new_pin), Ok(()));
    let wrong = piv([Says(change_pin, "6300")]).change_pin(&pin(), &new_pin);
    assert_eq!(reason(wrong), Some(Reason::WrongPin { tries_left: None }));
    let change_puk = "00240081 10 3132333435363738 4142434445464748";
    let (old, new) = (Puk::from_bytes(b"12345678").unwrap(), Puk::from_bytes(b"ABCDEFGH").unwrap());
    assert_eq!(piv([Says(change_puk, "9000")]).change_puk(&old, &new), Ok(()));
    assert_eq!(reason(piv([Says(change_puk, "6983")]).change_puk(&old, &new)), Some(Reason::PukBlocked));
    let unblock = "002C0080 10 3132333435363738 313233343536FFFF";
    assert_eq!(piv([Says(unblock, "9000")]).unblock_pin(&old, &pin()), Ok(()));
    let wrong = piv([Says(unblock, "63C2")]).unblock_pin(&old, &pin());
    assert_eq!(reason(wrong), Some(Reason::WrongPuk { tries_left: Some(2) }));
}

#[test]
fn a_key_is_made_on_the_card_and_its_point_checked() {
    let generate = from_hex("0047009A 05 AC03800111 00").unwrap();
    let answer = |point: &[u8]| {
        let inner = card_schema::card::tlv::encode(0x86, point);
        [card_schema::card::tlv::encode(0x7F49, &inner), vec![0x90, 0x00]].concat()
    };
    let mut point = [0x55; 65];
    point[0] = 0x04;
    assert_eq!(piv([Bytes(generate.clone(), answer(&point))]).generate_key(Slot::SignIn), Ok(point));
    let compressed = [0x02; 65];
    for bad in [&point[..64], &compressed, &[]] {
        let result = piv([Bytes(generate.clone(), answer(bad))]).generate_key(Slot::SignIn);
        assert!(matches!(result, Err(PivError::Malformed { command: Name::Generate, .. })));
    }
    let locked = piv([Bytes(generate, vec![0x69, 0x82])]).generate_key(Slot::SignIn);
    assert_eq!(reason(locked), Some(Reason::SecurityStatusNotSatisfied));
}

#[test]
fn a_signature_that_is_none_is_refused() {
    let lies = ["7C02 8200 9000", "7C00 9000", "9000", "7C04 82023000 9000", "7C05 8203300500 9000", "7C7F 8208 9000"];
    for answer in lies {
        let result = piv([Says(SIGN_9E, answer)]).sign(Slot::Tap, &[0; 32]);
        assert!(matches!(result, Err(PivError::Malformed { command: Name::Sign, .. })), "{answer}: {result:?}");
    }
}

#[test]
fn the_management_key_is_proven_by_both_sides_with_every_cipher() {
    use ManagementAlgorithm::{Aes128, Aes192, Aes256, TripleDes};
    for (algorithm, reference) in [(TripleDes, 0x03), (Aes128, 0x08), (Aes192, 0x0A), (Aes256, 0x0C)] {
        let key = ManagementKey::new(algorithm, &vec![0x42; management::key_bytes(algorithm)]).unwrap();
        let block = management::block_bytes(algorithm);
        let (witness, challenge) = (vec![0x77; block], [0x33; 16]);
        let template = |objects: &[(u32, &[u8])]| {
            let inner: Vec<u8> =
                objects.iter().flat_map(|(tag, value)| card_schema::card::tlv::encode(*tag, value)).collect();
            card_schema::card::tlv::encode(0x7C, &inner)
        };
        let apdu =
            |data: &[u8]| [&[0x00, 0x87, reference, 0x9B, u8::try_from(data.len()).unwrap()], data, &[0x00]].concat();
        let ok = |data: Vec<u8>| [data, vec![0x90, 0x00]].concat();
        let first = Bytes(apdu(&template(&[(0x80, &[])])), ok(template(&[(0x80, &key.encrypt(&witness).unwrap())])));
        let asked = apdu(&template(&[(0x80, &witness), (0x81, &challenge[..block])]));
        let proof = key.encrypt(&challenge[..block]).unwrap();
        let good = Bytes(asked.clone(), ok(template(&[(0x82, &proof)])));
        assert_eq!(piv([first.clone(), good]).authenticate_management(&key, &challenge), Ok(()), "{algorithm:?}");
        let refused = Bytes(asked.clone(), vec![0x69, 0x82]);
        let result = piv([first.clone(), refused]).authenticate_management(&key, &challenge);
        assert_eq!(reason(result), Some(Reason::SecurityStatusNotSatisfied));
        // A card that accepts anything and has no key itself (the inverted check of CVE-2025-25201 seen from here).
        let pretender = Bytes(asked, ok(template(&[(0x82, &vec![0; block])])));
        let result = piv([first, pretender]).authenticate_management(&key, &challenge);
        let cause = Malformation::ManagementKeyNotProven;
        assert_eq!(result, Err(PivError::Malformed { command: Name::AuthenticateManagement, cause }));
    }
}

#[test]
fn vendor_commands_set_the_management_key_and_reset() {
    let key = ManagementKey::new(ManagementAlgorithm::Aes128, &[0x42; 16]).unwrap();
    let set = "00FFFFFF 13 08 9B 10 42424242424242424242424242424242";
    assert_eq!(piv([Says(set, "9000")]).set_management_key(&key), Ok(()));
    assert_eq!(reason(piv([Says(set, "6982")]).set_management_key(&key)), Some(Reason::SecurityStatusNotSatisfied));
    assert_eq!(piv([Says("00FB0000", "9000")]).reset_application(), Ok(()));
    assert_eq!(reason(piv([Says("00FB0000", "6985")]).reset_application()), Some(Reason::ConditionsNotSatisfied));
    let metadata = piv([Says("00F70080 00", "0101FF 050101 06020302 9000")]).metadata(0x80);
    let expected = Metadata { algorithm: Some(0xFF), is_factory: Some(true), tries_left: Some(2) };
    assert_eq!(metadata, Ok(expected));
    assert_eq!(reason(piv([Says("00F70080 00", "6D00")]).metadata(0x80)), Some(Reason::InstructionNotSupported));
}

#[test]
fn an_unlisted_status_word_reaches_the_caller() {
    let error = piv([Says(SIGN_9E, "6F42")]).sign(Slot::Tap, &[0; 32]).unwrap_err();
    assert!(matches!(error, PivError::Refused(refused) if refused.status == StatusWord(0x6F42)));
    assert!(error.to_string().contains("6F42"));
}
