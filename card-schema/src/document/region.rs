//! Place codes. Knows provinces (GB/T 2260); districts come and go every year and are not looked up.

use super::DocumentError;

/// First two digits of a place: provinces, Taiwan, and the codes of Hong Kong (81), Macao (82) and Taiwan (83) that
/// residence permits for people from there carry.
const PROVINCES: &[u8] = &[
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63,
    64, 65, 71, 81, 82, 83,
];

/// Refuses two digits that name no province.
pub(super) fn check(digits: &[u8]) -> Result<(), DocumentError> {
    match digits {
        [tens, ones] if PROVINCES.contains(&((tens - b'0') * 10 + (ones - b'0'))) => Ok(()),
        _ => Err(DocumentError::Region),
    }
}
