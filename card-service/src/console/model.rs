//! Why activity is looked at, and places in a list. No I/O.

use card_schema::clock::Micros;
use card_schema::envelope::receipt::Outcome;

use crate::cards::model::CardState;
use crate::db::sets;

/// Rows on one page.
pub const PAGE_ROWS: usize = 25;

/// Why somebody looks at card activity. No person's record is among what is shown; the look itself is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        format!("{}.{}.{}", self.received_at.0, self.at.0, sets::hex(&self.tap_id))
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

/// How good or bad something is, for those who look before they read. Words say it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// In order.
    Ok,
    /// Refused.
    No,
    /// Somebody has to do something.
    Wait,
    /// Over.
    Idle,
}

impl Tone {
    /// The class in the style sheet.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::No => "no",
            Self::Wait => "wait",
            Self::Idle => "idle",
        }
    }

    /// A sign that differs in shape.
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Ok => "✓",
            Self::No => "×",
            Self::Wait => "!",
            Self::Idle => "–",
        }
    }

    /// Of what became of a tap.
    pub const fn of_outcome(outcome: Option<Outcome>) -> Self {
        match outcome {
            Some(Outcome::Accepted) => Self::Ok,
            Some(Outcome::Quarantined) | None => Self::Wait,
            Some(_) => Self::No,
        }
    }

    /// Of where a card is in its life.
    pub const fn of_state(state: CardState) -> Self {
        match state {
            CardState::Active => Self::Ok,
            CardState::Personalising | CardState::Personalised | CardState::Suspended => Self::Wait,
            CardState::Blocked | CardState::Lost | CardState::Expired => Self::No,
            CardState::Replaced | CardState::Returned | CardState::Abandoned => Self::Idle,
        }
    }
}

/// The first character of a name; the others are hidden, however many they are.
pub fn masked_name(name: &str) -> String {
    name.chars().next().map_or_else(String::new, |first| format!("{first}**"))
}

/// The last three characters of a document's number.
pub fn masked_number(number: &str) -> String {
    let count = number.chars().count();
    let hidden = count.saturating_sub(3);
    number.chars().enumerate().map(|(at, character)| if at < hidden { '*' } else { character }).collect()
}

/// An address within the console, or the start page for anything else: nobody is sent to another site.
pub fn own_path(path: &str) -> &str {
    let inside = path.starts_with('/')
        && !path.starts_with("//")
        && path.chars().all(|character| character.is_ascii_graphic() && character != '\\');
    if inside { path } else { "/" }
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
    fn after_signing_in_nobody_is_sent_to_another_site() {
        for path in ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:1", "", "/a\r\nb: c"] {
            assert_eq!(own_path(path), "/", "{path:?}");
        }
        assert_eq!(own_path("/activity?purpose=fault"), "/activity?purpose=fault");
    }

    #[test]
    fn a_name_shows_its_first_character_and_a_number_its_last_three() {
        assert_eq!(masked_name("测试甲"), "测**");
        assert_eq!(masked_number("E12345678"), "******678");
        assert_eq!(masked_number("12"), "12");
    }
}
