//! How long a contactless card takes: its bits on the air, and its private key.
//! A model of time only; what is answered is the same.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// GENERAL AUTHENTICATE (SP 800-73-5 part 2, 3.2.4): the command that uses a private key.
const GENERAL_AUTHENTICATE: u8 = 0x87;
/// The class byte's bit of a command that more parts of follow (ISO/IEC 7816-4, 5.4.1).
const CHAINING: u8 = 0x10;
/// Bits of a byte with its parity (ISO/IEC 14443-3, 6.2.3).
const BITS_PER_BYTE: u64 = 9;
/// Block byte and check sum around each block (ISO/IEC 14443-4, 7.1).
const BYTES_PER_BLOCK: u64 = 3;
/// What a block carries of a frame of 256 bytes.
const BLOCK_BYTES: u64 = 253;
/// Between the two directions, at least (ISO/IEC 14443-3, 6.2.1.1: 1172 periods of 13.56 MHz).
const FRAME_DELAY_US: u64 = 87;

/// How long things take; by default no longer than they do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// Bits a second in each direction; as fast as may be where it is 0.
    pub bit_rate: u32,
    /// What one use of a private key takes, ms.
    pub signature_ms: u64,
}

impl Pace {
    /// ISO/IEC 14443 at its slowest rate, with a key that takes 80 ms.
    pub const CONTACTLESS: Self = Self { bit_rate: 106_000, signature_ms: 80 };

    /// How long an exchange takes, from the command's first bit to the answer's last.
    pub(crate) fn exchange(self, command: &[u8], response: &[u8]) -> Duration {
        let on_air = |bytes: &[u8]| {
            let bytes = bytes.len() as u64;
            let blocks = bytes.div_ceil(BLOCK_BYTES).max(1);
            let bits = (bytes + blocks * BYTES_PER_BLOCK) * BITS_PER_BYTE;
            let micros = (bits * 1_000_000).checked_div(u64::from(self.bit_rate));
            micros.map_or(0, |micros| micros + blocks * FRAME_DELAY_US)
        };
        let signs = matches!(command, [class, GENERAL_AUTHENTICATE, ..] if class & CHAINING == 0);
        let key = if signs { self.signature_ms } else { 0 };
        Duration::from_micros(on_air(command) + on_air(response)) + Duration::from_millis(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_and_keys_take_their_time() {
        let sign = [0x00, 0x87, 0x11, 0x9E, 0x00];
        // (5 + 3) * 9 bits and (2 + 3) * 9 bits at 106 kbit/s, two turns, the key.
        assert_eq!(Pace::CONTACTLESS.exchange(&sign, &[0x90, 0x00]).as_micros(), 679 + 424 + 2 * 87 + 80_000);
        let part_of_a_command = [0x10, 0x87, 0x11, 0x9E, 0x00];
        assert!(Pace::CONTACTLESS.exchange(&part_of_a_command, &[0x90, 0x00]).as_millis() < 5);
        assert_eq!(Pace::default().exchange(&sign, &[0x90, 0x00]), Duration::ZERO);
    }
}
