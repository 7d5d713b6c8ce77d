//! The one DER shape that ECDSA needs: `SEQUENCE { r INTEGER, s INTEGER }` from r‖s.
//!
//! Key stores give r‖s, as COSE wants it; X.509, TLS and CMS want DER. Holds nothing else of ASN.1.

/// Encodes r‖s (64 bytes) as an `ECDSA-Sig-Value` (RFC 3279 §2.2.3).
///
/// # Panics
/// When `raw` is not 64 bytes long: a P-256 signature always is.
pub fn ecdsa_signature(raw: &[u8]) -> Vec<u8> {
    assert_eq!(raw.len(), 64, "a P-256 signature is r‖s of 32 bytes each");
    let (r, s) = raw.split_at(32);
    let mut body = integer(r);
    body.extend(integer(s));
    let mut out = vec![0x30, u8::try_from(body.len()).expect("at most 70 bytes")];
    out.extend(body);
    out
}

/// A positive INTEGER: leading zeros off, one back on where the first bit would read as a sign.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|&byte| byte != 0).unwrap_or(bytes.len() - 1);
    let digits = &bytes[start..];
    let sign = usize::from(digits[0] & 0x80 != 0);
    let mut out = vec![0x02, u8::try_from(digits.len() + sign).expect("at most 33 bytes")];
    out.extend(std::iter::repeat_n(0, sign));
    out.extend_from_slice(digits);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_zeros_go_and_a_sign_bit_gets_one() {
        let mut raw = [0; 64];
        raw[31] = 0x7f;
        raw[32] = 0x80;
        let der = ecdsa_signature(&raw);
        assert_eq!(&der[..5], &[0x30, 0x26, 0x02, 0x01, 0x7f]);
        assert_eq!(&der[5..9], &[0x02, 0x21, 0x00, 0x80]);
    }
}
