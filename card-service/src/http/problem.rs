//! The one way in which a request is refused: RFC 9457 problem documents, with texts in the reader's language.
//!
//! A handler answers [`Refusal`]; [`localise`] writes it in the language of the request. What is logged is the kind
//! and the cause, never the request's content.

use std::error::Error as StdError;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use card_schema::envelope::EnvelopeError;
use card_schema::wire::{Problem, ProblemType};

use super::language;
use crate::db::DbError;
use crate::i18n::{Locale, Words};
use crate::keys::KeyError;
use crate::keys::pki::PkiError;

/// Seconds after which a client that met a full queue or a full disk may come back.
const RETRY_AFTER_SECONDS: &str = "2";

/// Why a request was refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    kind: ProblemType,
    detail: Option<Detail>,
    cause: Option<Arc<dyn StdError + Send + Sync>>,
    leads_to: Option<&'static str>,
}

/// What stands in `detail`.
#[derive(Clone, Debug)]
enum Detail {
    /// A text of `i18n/`, with what is filled in.
    Words(Words),
    /// What a parser said about a program's request; English.
    Technical(String),
}

impl Refusal {
    /// A refusal with no more to say than its kind.
    pub const fn new(kind: ProblemType) -> Self {
        Self { kind, detail: None, cause: None, leads_to: None }
    }

    /// A refusal that tells a person what to do, by a text's key.
    pub const fn because(kind: ProblemType, key: &'static str) -> Self {
        Self { kind, detail: Some(Detail::Words((key, Vec::new()))), cause: None, leads_to: None }
    }

    /// The same where something is filled into the text, as `at`.
    pub fn saying(kind: ProblemType, key: &'static str, at: &str) -> Self {
        Self::worded(kind, (key, vec![("at", at.to_owned())]))
    }

    /// The same with whatever the text is filled in with.
    pub const fn worded(kind: ProblemType, words: Words) -> Self {
        Self { kind, detail: Some(Detail::Words(words)), cause: None, leads_to: None }
    }

    /// A request that does not have the expected form; `what` is for its programmer.
    pub fn malformed(what: impl Into<String>) -> Self {
        Self {
            kind: ProblemType::MalformedRequest,
            detail: Some(Detail::Technical(what.into())),
            cause: None,
            leads_to: None,
        }
    }

    /// Something failed inside.
    pub fn internal(cause: impl StdError + Send + Sync + 'static) -> Self {
        Self::caused(ProblemType::Internal, cause)
    }

    /// A refusal whose cause is for the log alone.
    pub fn caused(kind: ProblemType, cause: impl StdError + Send + Sync + 'static) -> Self {
        Self { kind, detail: None, cause: Some(Arc::new(cause)), leads_to: None }
    }

    /// The same, which leads a browser to the page where what is missing can be done.
    #[must_use]
    pub fn leading_to(self, page: &'static str) -> Self {
        Self { leads_to: Some(page), ..self }
    }

    /// The page where what is missing can be done.
    pub const fn leads_to(&self) -> Option<&'static str> {
        self.leads_to
    }

    /// Its kind.
    pub const fn kind(&self) -> ProblemType {
        self.kind
    }

    /// What a person reads about it.
    pub fn text(&self, locale: Locale) -> String {
        match &self.detail {
            Some(Detail::Words((key, values))) => {
                let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
                locale.text_with(key, &values)
            }
            Some(Detail::Technical(text)) => text.clone(),
            None => locale.text(&title_key(self.kind)),
        }
    }

    /// The document in a language.
    pub fn document(&self, locale: Locale) -> Problem {
        Problem {
            kind: self.kind,
            title: locale.text(&title_key(self.kind)),
            status: status(self.kind).as_u16(),
            detail: self.detail.is_some().then(|| self.text(locale)),
        }
    }

    /// Its HTTP status.
    pub const fn status(&self) -> StatusCode {
        status(self.kind)
    }
}

/// The last part of the type's URN.
pub fn name(kind: ProblemType) -> String {
    let urn = serde_json::to_value(kind).expect("a name serialises");
    urn.as_str().and_then(|urn| urn.rsplit(':').next()).unwrap_or_default().to_owned()
}

/// The key of the title's text.
pub(super) fn title_key(kind: ProblemType) -> String {
    format!("problem-{}", name(kind))
}

const fn status(kind: ProblemType) -> StatusCode {
    match kind {
        ProblemType::MalformedRequest | ProblemType::BadEnvelope | ProblemType::BadSignature => StatusCode::BAD_REQUEST,
        ProblemType::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ProblemType::NotSignedIn => StatusCode::UNAUTHORIZED,
        ProblemType::Forbidden
        | ProblemType::UnknownTerminal
        | ProblemType::TerminalRevoked
        | ProblemType::EnrolmentCode => StatusCode::FORBIDDEN,
        ProblemType::NotFound => StatusCode::NOT_FOUND,
        ProblemType::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ProblemType::Conflict => StatusCode::CONFLICT,
        ProblemType::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        ProblemType::Busy | ProblemType::Storage => StatusCode::SERVICE_UNAVAILABLE,
        ProblemType::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Whether the same request may be tried again after a while.
pub(super) const fn has_retry_after(kind: ProblemType) -> bool {
    matches!(kind, ProblemType::Busy | ProblemType::Storage | ProblemType::TooManyRequests)
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        let kind = if error.is_transient() { ProblemType::Storage } else { ProblemType::Internal };
        Self::caused(kind, error)
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        DbError::from(error).into()
    }
}

impl From<EnvelopeError> for Refusal {
    /// Only what concerns the caller's own bytes is explained.
    fn from(error: EnvelopeError) -> Self {
        let kind = match error {
            EnvelopeError::TooLarge { .. } => ProblemType::TooLarge,
            EnvelopeError::SignatureMismatch => ProblemType::BadSignature,
            _ => ProblemType::BadEnvelope,
        };
        Self { kind, detail: Some(Detail::Technical(error.to_string())), cause: None, leads_to: None }
    }
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        Self::internal(error)
    }
}

impl From<PkiError> for Refusal {
    fn from(error: PkiError) -> Self {
        match error {
            PkiError::Request => Self::malformed(error.to_string()),
            other => Self::internal(other),
        }
    }
}

impl IntoResponse for Refusal {
    /// Status and headers; [`localise`] adds the document.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        if has_retry_after(self.kind) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
        }
        if let Some(cause) = &self.cause {
            let chain = chain(cause.as_ref());
            tracing::error!(problem = name(self.kind), cause = chain, "request failed");
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// An error and what caused it, in one line.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Middleware: writes a refusal as a problem document in the language of the request.
pub async fn localise(request: Request, next: Next) -> Response {
    let locale = language(request.headers());
    let mut response = next.run(request).await;
    let Some(refusal) = response.extensions_mut().remove::<Refusal>() else {
        return response;
    };
    let body = serde_json::to_vec(&refusal.document(locale)).expect("a problem serialises");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(Problem::MEDIA_TYPE));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(locale.tag()));
    headers.remove(header::CONTENT_LENGTH);
    let (parts, _) = response.into_parts();
    Response::from_parts(parts, body.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_problem_has_a_title_in_both_languages() {
        for kind in ProblemType::ALL {
            for locale in Locale::ALL {
                assert!(locale.has(&title_key(kind)), "{} {}", locale.tag(), title_key(kind));
            }
        }
    }
}
