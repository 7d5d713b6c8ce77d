//! What people type made canonical. Judges nothing.

use zeroize::Zeroizing;

/// Most characters that are looked at: twice the longest number, with its spaces.
const MAX_CHARACTERS: usize = 64;

/// Without spaces and hyphens, letters capital, full-width forms (U+FF01 to U+FF5E) as the ASCII they stand for.
pub(super) fn canonical(typed: &str) -> Zeroizing<String> {
    // Reserved once, so that no smaller copy is left behind unwiped.
    let mut text = Zeroizing::new(String::with_capacity(MAX_CHARACTERS * 4));
    let meaning = typed.chars().filter(|character| !character.is_whitespace() && !matches!(character, '-' | '－'));
    for character in meaning.take(MAX_CHARACTERS) {
        let ascii = match character {
            '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(character) - 0xFEE0).unwrap_or(character),
            other => other,
        };
        text.push(ascii.to_ascii_uppercase());
    }
    text
}
