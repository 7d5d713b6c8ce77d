//! A QR code as an SVG path, drawn into the page: nothing is fetched for it. Pure.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

/// A drawing of black squares on white, with a margin.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Squares on a side, the margin of four included.
    pub side: usize,
    /// The black ones, as a path.
    pub path: String,
}

/// What a reader of QR codes must see around one (ISO/IEC 18004 §9.1).
const MARGIN: usize = 4;

impl Picture {
    /// Of a short text.
    pub fn of(text: &str) -> Self {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).expect("the text is far below 2,331 bytes");
        let width = code.width();
        let mut path = String::new();
        for (y, row) in code.to_colors().chunks(width).enumerate() {
            let mut x = 0;
            while x < width {
                let run = row[x..].iter().take_while(|color| **color == Color::Dark).count();
                if run > 0 {
                    let (left, top) = (x + MARGIN, y + MARGIN);
                    write!(path, "M{left} {top}h{run}v1h-{run}z").expect("writing to memory does not fail");
                }
                x += run.max(1);
            }
        }
        Self { side: width + 2 * MARGIN, path }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drawing_has_every_dark_square_once_and_no_other() {
        let text = "https://card.example/papers/check#0oRNogEmBEjy8ur43CldEKBYJ6UBAQIBA0oD";
        let (picture, code) = (Picture::of(text), QrCode::with_error_correction_level(text, EcLevel::M).unwrap());
        let mut drawn = vec![Color::Light; code.width() * code.width()];
        for run in picture.path.split('z').filter(|run| !run.is_empty()) {
            let numbers: Vec<usize> = run
                .split(|c: char| !c.is_ascii_digit())
                .filter(|n| !n.is_empty())
                .map(|n| n.parse().unwrap())
                .collect();
            let &[left, top, length, _, _] = numbers.as_slice() else { panic!("{run}") };
            for x in left..left + length {
                let square = &mut drawn[(top - MARGIN) * code.width() + x - MARGIN];
                assert_eq!(*square, Color::Light, "drawn twice");
                *square = Color::Dark;
            }
        }
        assert!(drawn == code.to_colors());
    }
}
