//! A card that follows a script: the dialogue is data, anything unexpected fails the test, and so does what was
//! expected and never said.

use super::link::{Link, LinkError};
use super::trace::{from_hex, hex};

/// One line of a dialogue, in hexadecimal; spaces are for the reader.
#[derive(Debug, Clone)]
pub(crate) enum Line {
    /// This command is answered with this response.
    Says(&'static str, &'static str),
    /// This command gets no answer.
    Breaks(&'static str, LinkError),
    /// A command and an answer too long to write down.
    Bytes(Vec<u8>, Vec<u8>),
}

pub(crate) use Line::{Breaks, Bytes, Says};

/// A link that follows a script.
#[derive(Debug)]
pub(crate) struct Scripted {
    lines: std::vec::IntoIter<Line>,
    /// Whether the link was told that a secret was accepted.
    pub(crate) resets_at_end: bool,
}

impl Scripted {
    pub(crate) fn new(lines: impl Into<Vec<Line>>) -> Self {
        Self { lines: lines.into().into_iter(), resets_at_end: false }
    }
}

fn bytes(text: &str) -> Vec<u8> {
    from_hex(text).unwrap_or_else(|| panic!("the script is not hexadecimal: {text}"))
}

impl Link for Scripted {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let Some(line) = self.lines.next() else {
            panic!("the script is over, and the program still says {}", hex(command));
        };
        let (expected, answer) = match line {
            Says(expected, answer) => (bytes(expected), Ok(bytes(answer))),
            Breaks(expected, error) => (bytes(expected), Err(error)),
            Bytes(expected, answer) => (expected, Ok(answer)),
        };
        assert_eq!(hex(&expected), hex(command), "the script expects the first, the program says the second");
        answer
    }

    fn reset_at_end(&mut self) {
        self.resets_at_end = true;
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let unsaid: Vec<_> = self.lines.by_ref().collect();
            assert!(unsaid.is_empty(), "the program left unsaid: {unsaid:?}");
        }
    }
}

mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "left unsaid")]
    fn a_script_fails_on_what_was_left_unsaid() {
        let _ = Scripted::new([Says("00A4", "9000")]);
    }

    #[test]
    #[should_panic(expected = "the script is over")]
    fn a_script_fails_on_one_command_too_many() {
        let _ = Scripted::new([]).transmit(&[0x00, 0xA4]);
    }

    #[test]
    #[should_panic(expected = "the script expects the first")]
    fn a_script_fails_on_another_command() {
        let _ = Scripted::new([Says("00A4", "9000")]).transmit(&[0x00, 0xCB]);
    }
}
