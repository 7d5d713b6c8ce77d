//! Just enough of Rust's text to tell code from comment and a word from a part of a word. No parser.

/// The part of a line that is code. A `//` inside a string ends it too early, which makes a rule miss and never cry.
pub fn code(line: &str) -> &str {
    match line.find("//") {
        // A web address is no comment.
        Some(at) if line[..at].ends_with(':') => line,
        Some(at) => &line[..at],
        None => line,
    }
}

/// Whether `text` has `word` as a whole identifier.
pub fn has_word(text: &str, word: &str) -> bool {
    let part = |character: char| character.is_alphanumeric() || character == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(part);
        let after = text[at + word.len()..].chars().next().is_some_and(part);
        !before && !after
    })
}

/// Whether this file is test code as a whole.
pub fn is_test_file(path: &str) -> bool {
    let inside = ["/tests/", "/testing/"].iter().any(|folder| path.contains(folder));
    inside || path.starts_with("tests/") || path.ends_with("/tests.rs") || path.ends_with("_tests.rs")
}

/// The lines of shipped code with their numbers: up to the tests at the end of the file.
pub fn shipped_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_not_found_inside_another() {
        assert!(has_word("use axum::Router;", "axum"));
        assert!(!has_word("use axum_server::Server;", "axum"));
        assert!(!has_word("let maxum = 1;", "axum"));
    }

    #[test]
    fn a_comment_is_no_code() {
        assert_eq!(code("let a = 1; // axum"), "let a = 1; ");
        assert_eq!(code("let a = \"https://test\";"), "let a = \"https://test\";");
    }
}
