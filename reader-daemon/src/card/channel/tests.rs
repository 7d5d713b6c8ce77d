//! Transport rules, as dialogues.

use super::*;
use crate::card::scripted::{Breaks, Bytes, Line, Says, Scripted};

fn get(data: &[u8]) -> Command {
    Command::new(0x00, ins::GET_DATA, 0x3F, 0xFF).data(data).answer()
}

/// What one command makes of a dialogue, with at most `most` bytes of answer.
fn talk(lines: impl Into<Vec<Line>>, command: &Command, most: usize) -> (Result<Answer, LinkError>, Usage) {
    let mut channel = Channel::new(Scripted::new(lines));
    let result = channel.exchange(command, most);
    (result, channel.usage())
}

#[test]
fn an_answer_in_parts_is_put_together_and_counted() {
    let (answer, usage) = talk(
        [Says("00CB3FFF 01 5C 00", "0102 6103"), Says("00C00000 03", "030405 6101"), Says("00C00000 01", "06 9000")],
        &get(&[0x5C]),
        6,
    );
    assert_eq!(answer, Ok(Answer { data: vec![1, 2, 3, 4, 5, 6], status: StatusWord::OK }));
    assert_eq!((usage.apdus, usage.bytes_up, usage.bytes_down, usage.wire_bytes()), (3, 17, 12, 29));
}

#[test]
fn a_corrected_length_is_followed_once() {
    let corrected = [Says("00CB3FFF 01 5C 00", "6C02"), Says("00CB3FFF 01 5C 02", "0102 9000")];
    assert_eq!(talk(corrected, &get(&[0x5C]), 2).0.map(|answer| answer.data), Ok(vec![1, 2]));
    let twice = [Says("00CB3FFF 01 5C 00", "6C02"), Says("00CB3FFF 01 5C 02", "6C03")];
    assert_eq!(talk(twice, &get(&[0x5C]), 2).0, Err(ProtocolError::LengthCorrectedTwice.into()));
    let of_a_part = [Says("00CB3FFF 01 5C 00", "6105"), Says("00C00000 05", "6C01"), Says("00C00000 01", "07 9000")];
    assert_eq!(talk(of_a_part, &get(&[0x5C]), 1).0.map(|answer| answer.data), Ok(vec![7]));
}

#[test]
fn long_data_goes_as_a_chain_and_its_last_block_has_the_rest() {
    let data = vec![0xAB; 255 + 3];
    let first = [&[0x10, 0xDB, 0x3F, 0xFF, 0xFF][..], &[0xAB; 255]].concat();
    let last = vec![0x00, 0xDB, 0x3F, 0xFF, 0x03, 0xAB, 0xAB, 0xAB];
    let put = || Command::new(0x00, ins::PUT_DATA, 0x3F, 0xFF).data(data.clone());
    let (answer, usage) = talk([Bytes(first.clone(), vec![0x90, 0x00]), Bytes(last, vec![0x90, 0x00])], &put(), 0);
    assert_eq!(answer.map(|answer| answer.status), Ok(StatusWord::OK));
    assert_eq!(usage.apdus, 2);
    let (refused, _) = talk([Bytes(first, vec![0x68, 0x84])], &put(), 0);
    assert_eq!(refused.map(|answer| answer.status), Ok(StatusWord(0x6884)), "nothing is sent after a refused block");
}

#[test]
fn exactly_one_block_of_data_is_no_chain() {
    let whole = [&[0x00, 0xDB, 0x3F, 0xFF, 0xFF][..], &[0xAB; 255]].concat();
    let put = Command::new(0x00, ins::PUT_DATA, 0x3F, 0xFF).data(vec![0xAB; 255]);
    assert!(talk([Bytes(whole, vec![0x90, 0x00])], &put, 0).0.is_ok());
}

#[test]
fn extended_length_is_one_block_however_long() {
    let put = Command::new(0x00, ins::PUT_DATA, 0x3F, 0xFF).data(vec![0xAB; 300]).answer();
    let blocks = put.blocks(Lengths::Extended).expect("fits");
    assert_eq!(blocks.len(), 1);
    assert_eq!(blocks[0][..7], [0x00, 0xDB, 0x3F, 0xFF, 0x00, 0x01, 0x2C]);
    assert_eq!(blocks[0].len(), 7 + 300 + 2);
    assert_eq!(with_expected_length(&blocks[0], 9)[307..], [0x00, 0x09]);
    let too_long = Command::new(0x00, ins::PUT_DATA, 0x3F, 0xFF).data(vec![0; 65_536]);
    assert_eq!(too_long.blocks(Lengths::Extended).err(), Some(ProtocolError::CommandTooLong { data: 65_536 }));
}

#[test]
fn a_card_that_lies_about_lengths_is_refused() {
    let more_than_a_response_holds = vec![0x00; 257 + 2];
    let cases: Vec<(Vec<Line>, ProtocolError)> = vec![
        (vec![Says("00CB3FFF 01 5C 00", "")], ProtocolError::NoStatusWord { length: 0 }),
        (vec![Says("00CB3FFF 01 5C 00", "90")], ProtocolError::NoStatusWord { length: 1 }),
        (
            vec![Bytes(vec![0x00, 0xCB, 0x3F, 0xFF, 0x01, 0x5C, 0x00], more_than_a_response_holds)],
            ProtocolError::MoreThanAsked { length: 257, most: 256 },
        ),
        (vec![Says("00CB3FFF 01 5C 00", "01020304 9000")], ProtocolError::AnswerTooLong { most: 3 }),
        (
            vec![Says("00CB3FFF 01 5C 00", "0102 6100"), Says("00C00000 00", "0304 6100")],
            ProtocolError::AnswerTooLong { most: 3 },
        ),
        (vec![Says("00CB3FFF 01 5C 00", "6105"), Says("00C00000 05", "6105")], ProtocolError::NoProgress),
    ];
    for (lines, expected) in cases {
        assert_eq!(talk(lines.clone(), &get(&[0x5C]), 3).0, Err(expected.into()), "{lines:?}");
    }
}

#[test]
fn what_broke_on_the_way_is_reported_as_it_was_and_counted() {
    for error in [LinkError::Removed, LinkError::Reset, LinkError::ServiceDown, LinkError::ReaderGone] {
        let (result, usage) = talk([Breaks("00CB3FFF 01 5C 00", error.clone())], &get(&[0x5C]), 3);
        assert_eq!(result, Err(error));
        assert_eq!((usage.apdus, usage.bytes_down), (1, 0));
    }
}

#[test]
fn no_secret_and_no_personal_data_is_in_a_trace() {
    let secret = "31 32 33 34 35 36 FF FF";
    let cases: [(&str, &str, &str, &str); 7] = [
        ("00 20 00 80 08 313233343536FFFF", "63C2", "0020008008 [8 bytes withheld]", "63C2"),
        ("00 24 00 80 08 313233343536FFFF", "9000", "0024008008 [8 bytes withheld]", "9000"),
        ("00 2C 00 80 08 313233343536FFFF", "6983", "002C008008 [8 bytes withheld]", "6983"),
        ("00 FF FF FF 04 0A9B0000", "9000", "00FFFFFF04 [4 bytes withheld]", "9000"),
        ("00 CB 3F FF 05 5C035FC109 00", "0102 9000", "00CB3FFF055C035FC10900", "[2 bytes withheld] 9000"),
        ("00 CB 3F FF 05 5C035FC102 00", "0102 9000", "00CB3FFF055C035FC10200", "01029000"),
        ("10 DB 3F FF 03 010203", "9000", "10DB3FFF03 [3 bytes withheld]", "9000"),
    ];
    for (command, answer, shown_command, shown_answer) in cases {
        let command = crate::card::trace::from_hex(command).expect("a table of hexadecimal");
        let answer = crate::card::trace::from_hex(answer).expect("a table of hexadecimal");
        let mut channel = Channel::new(Scripted::new([Bytes(command.clone(), answer)]));
        channel.keep_trace();
        channel.exchange_raw(&command).expect("scripted");
        let trace = channel.trace();
        assert_eq!((trace[0].sent.as_str(), trace[0].received.as_str()), (shown_command, shown_answer));
        assert!(!format!("{trace:?}").contains(&secret.replace(' ', "")));
    }
}

#[test]
fn the_card_is_reset_at_the_end_only_when_it_accepted_a_secret() {
    let verify = |data: &[u8]| Command::new(0x00, ins::VERIFY, 0x00, 0x80).data(data);
    let cases = [
        (verify(&[0x31; 8]), "0020008008 3131313131313131", "9000", true),
        (verify(&[0x31; 8]), "0020008008 3131313131313131", "63C2", false),
        (verify(&[]), "00200080", "9000", false),
        (get(&[0x5C]), "00CB3FFF015C00", "9000", false),
    ];
    for (command, said, answer, resets) in cases {
        let mut channel = Channel::new(Scripted::new([Says(said, answer)]));
        channel.exchange(&command, 0).expect("scripted");
        assert_eq!(channel.link.resets_at_end, resets, "{said} {answer}");
    }
}
