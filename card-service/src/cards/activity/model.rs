//! Why activity is looked at, and places in a list. No I/O.

use crate::hex;
use card_schema::clock::Micros;
use card_schema::operation::OperationCode;
use utoipa::ToSchema;

/// What no list of taps shows: where somebody goes in and out, and that somebody was at a clinic, is nobody's business.
const UNLISTED: [OperationCode; 4] = [
    OperationCode::GateCheck,
    OperationCode::ClinicCheckIn,
    OperationCode::ClinicSettlement,
    OperationCode::ClinicReversal,
];

/// The condition under which a list shows a tap `t`.
pub fn listable() -> String {
    format!("t.operation NOT IN ({})", UNLISTED.map(|code| code.number().to_string()).join(", "))
}

/// Taps in one answer.
pub const PAGE_ROWS: usize = 25;

/// Why somebody looks at card activity. No person's record is among what is shown; the look itself is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum ActivityPurpose {
    /// The regular look.
    Oversight,
    /// A complaint or a dispute.
    Complaint,
    /// Something does not work.
    Fault,
}

impl ActivityPurpose {
    /// Every purpose.
    pub const ALL: [Self; 3] = [Self::Oversight, Self::Complaint, Self::Fault];

    /// Its name in addresses and in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Oversight => "oversight",
            Self::Complaint => "complaint",
            Self::Fault => "fault",
        }
    }

    /// The purpose of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }
}

/// The last row of a page: the next page begins after it, whatever has come in meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// When the service got the tap.
    pub received_at: Micros,
    /// The terminal's clock: orders the taps of one batch.
    pub at: Micros,
    /// The tap.
    pub tap_id: [u8; 32],
}

impl Place {
    /// As it stands in an address.
    pub fn encode(&self) -> String {
        format!("{}.{}.{}", self.received_at.0, self.at.0, hex::encode(&self.tap_id))
    }

    /// Reads what [`Place::encode`] writes.
    pub fn decode(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let received_at = Micros(parts.next()?.parse().ok()?);
        let at = Micros(parts.next()?.parse().ok()?);
        let hex = parts.next().filter(|hex| hex.len() == 64 && hex.is_ascii())?;
        let mut tap_id = [0; 32];
        for (index, byte) in tap_id.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[index * 2..index * 2 + 2], 16).ok()?;
        }
        Some(Self { received_at, at, tap_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_list_survives_the_address_bar_and_nothing_else_is_a_place() {
        let place = Place { received_at: Micros(5), at: Micros(-7), tap_id: [0xab; 32] };
        assert_eq!(Place::decode(&place.encode()), Some(place));
        for text in ["", "1.2", "1.2.ab", "1.2.zz", &format!("1.2.{}", "+1".repeat(32)[..63].to_owned() + "g")] {
            assert_eq!(Place::decode(text), None, "{text}");
        }
    }

    #[test]
    fn what_no_list_shows_waits_for_no_person_to_decide_either() {
        assert!(UNLISTED.iter().all(|operation| !operation.moves()));
        assert_eq!(listable(), "t.operation NOT IN (513, 1793, 1794, 1795)");
    }
}
