//! What a terminal keeps and asks for again: the answer has a tag, and whoever has that already gets nothing (RFC 9110 §13.1.2).

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// The media type of what is signed as `COSE_Sign1` (RFC 9052 §2).
pub const COSE_SIGN1: &str = "application/cose; cose-type=\"cose-sign1\"";

/// What tells one answer from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(pub u64);

impl Tag {
    fn value(self) -> HeaderValue {
        HeaderValue::from_str(&format!("\"{}\"", self.0)).expect("a number is a header value")
    }

    /// Whether whoever asks has that already.
    pub fn is_had(self, headers: &HeaderMap) -> bool {
        headers.get(header::IF_NONE_MATCH) == Some(&self.value())
    }

    /// The answer: bytes of this media type; nothing where whoever asks has them.
    pub fn answer(self, media_type: &'static str, body: Option<Bytes>) -> Response {
        let mut response = match body {
            None => StatusCode::NOT_MODIFIED.into_response(),
            Some(body) => ([(header::CONTENT_TYPE, media_type)], body).into_response(),
        };
        response.headers_mut().insert(header::ETAG, self.value());
        response
    }
}
