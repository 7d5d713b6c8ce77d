//! What somebody who gets a response can read in it, however it is written. Knows nothing of persons.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::Value;

/// Every text that can be read out of a response.
pub(super) fn of(headers: &HeaderMap, body: &[u8]) -> Vec<String> {
    let mut readings: Vec<String> =
        headers.values().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
    readings.push(String::from_utf8_lossy(body).into_owned());
    if let Ok(json) = serde_json::from_slice(body) {
        strings(&json, &mut readings);
    }
    let more = readings.iter().flat_map(|text| [unescaped(text), percent_decoded(text)]).collect::<Vec<_>>();
    readings.extend(more);
    let bytes = readings.iter().flat_map(|text| text.split(|c: char| !is_base64(c))).filter_map(from_base64);
    let more: Vec<_> = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect();
    readings.extend(more);
    readings
}

fn strings(json: &Value, found: &mut Vec<String>) {
    match json {
        Value::String(text) => found.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| strings(value, found)),
        Value::Object(values) => values.iter().for_each(|(name, value)| {
            found.push(name.clone());
            strings(value, found);
        }),
        _ => {}
    }
}

/// With HTML's character references and JSON's escapes taken out.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['&', '\\']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let reference = rest.strip_prefix('&').and_then(|inner| {
            let (name, after) = inner.split_once(';')?;
            let character = match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                _ => {
                    let number = name.strip_prefix('#')?;
                    let hexadecimal = number.strip_prefix(['x', 'X']).map(|hex| u32::from_str_radix(hex, 16));
                    char::from_u32(hexadecimal.unwrap_or_else(|| number.parse()).ok()?)?
                }
            };
            Some((character, after))
        });
        let escape = || {
            let inner = rest.strip_prefix("\\u")?;
            let code = u32::from_str_radix(inner.get(..4)?, 16).ok()?;
            Some((char::from_u32(code)?, &inner[4..]))
        };
        let (character, after) = reference.or_else(escape).unwrap_or_else(|| {
            let first = rest.chars().next().expect("there is one");
            (first, &rest[first.len_utf8()..])
        });
        out.push(character);
        rest = after;
    }
    out + rest
}

fn percent_decoded(text: &str) -> String {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        let decoded = pair.filter(|_| bytes[at] == b'%').and_then(|pair| u8::from_str_radix(pair, 16).ok());
        out.push(decoded.unwrap_or(bytes[at]));
        at += if decoded.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

const fn is_base64(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '+' | '/' | '-' | '_' | '=')
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let engines = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD];
    engines.iter().filter(|_| text.len() >= 8).find_map(|engine| engine.decode(text).ok())
}

/// Every character as JSON's escape.
pub(super) fn json_escaped(text: &str) -> String {
    text.chars().map(|character| format!("\\u{:04x}", u32::from(character))).collect::<Vec<_>>().concat()
}

/// Every byte as it may stand in an address.
pub(super) fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat()
}

#[test]
fn whatever_a_reader_can_undo_is_undone() {
    const TEXT: &str = "Qwyx'zel <测试>";
    let (json, percent) = (json_escaped(TEXT), percent_encoded(TEXT));
    for written in [
        TEXT.to_owned(),
        "<p>Qwyx&#39;zel &lt;测试&gt;</p>".to_owned(),
        "Qwyx&apos;zel &#60;&#27979;&#x8bd5;&#x3E;".to_owned(),
        format!("{{\"a\": [{{\"b\": \"{json}\"}}]}}"),
        format!("no JSON at all: {json}"),
        format!("/somewhere?name={percent}"),
        format!("{{\"data\": \"{}\"}}", URL_SAFE_NO_PAD.encode(format!("\u{1}\u{10}{TEXT}\u{4}"))),
    ] {
        let readings = of(&HeaderMap::new(), written.as_bytes());
        assert!(readings.iter().any(|reading| reading.contains(TEXT)), "{written}: {readings:?}");
    }
    assert!(of(&HeaderMap::new(), b"nothing at all; & \\u12 %4").iter().all(|reading| !reading.contains("Qwyx")));
}
