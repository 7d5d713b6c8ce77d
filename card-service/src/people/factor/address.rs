//! What an authenticator reads in a picture. Pure.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// What an authenticator reads: whose secret it is, and where.
pub(super) fn address(issuer: &str, name: &str, secret: &str) -> String {
    let [issuer, name] = [issuer, name].map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC));
    format!("otpauth://totp/{issuer}:{name}?secret={secret}&issuer={issuer}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_name_holds_it_stays_one_part_of_the_address() {
        let text = address("New Resident Card", "测试 clerk", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
        assert!(text.starts_with("otpauth://totp/New%20Resident%20Card:%E6%B5%8B"), "{text}");
        assert!(text.ends_with("%20clerk?secret=ABCDEFGHIJKLMNOPQRSTUVWXYZ234567&issuer=New%20Resident%20Card"));
    }
}
