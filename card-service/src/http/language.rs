//! The language of a request. The texts are in `i18n`.

use axum::http::{HeaderMap, header};

use crate::i18n::Locale;

/// What the person chose (cookie `lang`), otherwise the first language of `Accept-Language` that we have, otherwise
/// Chinese.
pub fn language(headers: &HeaderMap) -> Locale {
    let chosen = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).find_map(|cookies| {
        cookies.split(';').find_map(|cookie| cookie.trim().strip_prefix("lang=").and_then(Locale::from_tag))
    });
    chosen
        .or_else(|| {
            let accepted = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
            accepted.split(',').find_map(|tag| Locale::from_tag(tag.split(';').next()?))
        })
        .unwrap_or(Locale::ZhCn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_wins_over_the_browser_and_chinese_is_the_last_resort() {
        let table = [
            (None, None, Locale::ZhCn),
            (None, Some("fr, en-GB;q=0.8, zh;q=0.5"), Locale::En),
            (None, Some("fr"), Locale::ZhCn),
            (Some("a=b; lang=zh-CN"), Some("en"), Locale::ZhCn),
            (Some("lang=xx"), Some("en"), Locale::En),
        ];
        for (cookie, accept, expected) in table {
            let mut headers = HeaderMap::new();
            if let Some(cookie) = cookie {
                headers.insert(header::COOKIE, cookie.parse().unwrap());
            }
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT_LANGUAGE, accept.parse().unwrap());
            }
            assert_eq!(language(&headers), expected, "{cookie:?} {accept:?}");
        }
    }
}
