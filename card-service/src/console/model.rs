//! What a page shows of a thing: its tone, its mask, the address to go back to. No I/O.

use card_schema::envelope::receipt::Outcome;

use crate::cards::model::CardState;

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
