//! Check characters. Pure arithmetic over characters that are already known to be allowed.

/// The check character of ISO 7064 MOD 11-2 over digits (GB 11643-1999, 4.4): `X` stands for ten.
pub(super) fn mod_11_2(digits: &[u8]) -> u8 {
    let sum = digits.iter().fold(0_u32, |sum, digit| (sum + u32::from(digit - b'0')) * 2 % 11);
    b"10X98765432"[sum as usize]
}

/// The check digit of ICAO Doc 9303 part 3, section 4.9: weights 7, 3, 1; a letter counts 10 to 35.
pub(super) fn icao_7_3_1(characters: &[u8]) -> u8 {
    let value = |character: u8| match character {
        b'0'..=b'9' => u32::from(character - b'0'),
        _ => u32::from(character - b'A') + 10,
    };
    let sum: u32 = characters.iter().zip([7, 3, 1].into_iter().cycle()).map(|(c, weight)| value(*c) * weight).sum();
    b"0123456789"[(sum % 10) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_characters_are_those_of_the_standards_own_examples() {
        // GB 11643-1999, annex A.
        assert_eq!(mod_11_2(b"11010519491231002"), b'X');
        assert_eq!(mod_11_2(b"44052418800101001"), b'4');
        // ICAO Doc 9303 part 3, section 4.9, examples 1 and 2.
        assert_eq!(icao_7_3_1(b"520727"), b'3');
        assert_eq!(icao_7_3_1(b"AB2134"), b'5');
    }
}
