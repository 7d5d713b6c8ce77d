//! What people type in its one form, so that it can be compared: however wide its characters are and whatever stands between them. Pure.

/// The half-width form of a full-width character.
pub(crate) fn half_width(character: char) -> char {
    match character {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(character) - 0xFEE0).unwrap_or(character),
        other => other,
    }
}

/// Without spaces and hyphens, with capital letters, and with the half-width form of full-width characters, which Chinese
/// input methods write.
pub(crate) fn compact(text: &str) -> String {
    let kept = |character: &char| !character.is_whitespace() && *character != '-';
    text.chars().map(half_width).filter(kept).map(|character| character.to_ascii_uppercase()).collect()
}

/// An address, or the name of an organisation or a person, in its one form: however wide its characters are and whatever stands between them.
pub(crate) fn normal(address: &str) -> String {
    let character = |one: char| match half_width(one) {
        '—' | '–' | '−' | '～' | '~' => Some('-'),
        // The dots in names of several peoples are typed in many ways.
        ',' | '、' | '.' | '。' | ';' | ':' | '·' | '•' | '・' | '‧' => None,
        other if other.is_whitespace() => None,
        other => Some(other.to_ascii_uppercase()),
    };
    address.chars().filter_map(character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_same_however_it_is_typed() {
        for typed in ["测试路 12-3 号 A 座", "测试路１２－３号ａ座", " 测试路，12—3号 A座。"] {
            assert_eq!(normal(typed), "测试路12-3号A座", "{typed}");
        }
        assert_ne!(normal("测试路 1-23 号"), normal("测试路 12-3 号"));
    }
}
