//! Texts of a csv file that a spreadsheet would take for a formula: they are written behind an apostrophe, as people write
//! them, and read without it. Pure.

/// What a formula begins with, in spreadsheets of any country; and what says that none follows.
const BEGINS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠', APOSTROPHE];
const APOSTROPHE: char = '\'';

/// As it is written.
pub fn with(text: &str) -> String {
    if text.starts_with(BEGINS) { format!("{APOSTROPHE}{text}") } else { text.to_owned() }
}

/// As it was meant.
pub fn without(text: &str) -> &str {
    text.strip_prefix(APOSTROPHE).filter(|rest| rest.starts_with(BEGINS)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_formula_and_each_is_read_as_it_was_meant() {
        for text in ["=1+1", "+442079460000", "-1", "@a", "'=1", "''", "＝1", "测试", "", "'s Hertog"] {
            let written = with(text);
            assert!(!written.starts_with(['=', '+', '-', '@', '\t', '＝', '＋', '－', '＠']), "{written}");
            assert_eq!(without(&written), text);
        }
        assert_eq!((with("'s"), without("'90"), without("'+86")), ("''s".to_owned(), "'90", "+86"));
    }
}
