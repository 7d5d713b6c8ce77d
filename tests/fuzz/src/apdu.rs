//! The transport rules of APDUs against a card that lies about lengths: 61xx, 6Cxx, chaining, extended length.

use reader_daemon::card::apdu::{Command, Lengths};
use reader_daemon::card::channel::Channel;

use crate::hostile::HostileCard;

/// The first three bytes choose the command, the rest are the card's answers. Accepted when an answer came to its end.
pub fn run(data: &[u8]) -> bool {
    let [lengths, body, most, answers @ ..] = data else { return false };
    let mut channel = Channel::new(HostileCard::new(answers));
    channel.keep_trace();
    if lengths % 2 == 1 {
        channel.use_lengths(Lengths::Extended);
    }
    let command = Command::new(0x00, 0xCB, 0x3F, 0xFF).data(vec![*body; usize::from(*body) * 4]).answer();
    let answer_max = usize::from(*most) * 16;
    match channel.exchange(&command, answer_max) {
        Ok(answer) => {
            assert!(answer.data.len() <= answer_max, "more was accepted than asked for");
            true
        }
        Err(_) => false,
    }
}
