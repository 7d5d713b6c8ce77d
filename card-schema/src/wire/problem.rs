//! Errors as RFC 9457 problem documents. The texts for people are the service's, in the reader's language.

use serde::{Deserialize, Serialize};

/// An error as the API answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// What kind of problem: stable, for programs.
    #[serde(rename = "type")]
    pub kind: ProblemType,
    /// A short text for people.
    pub title: String,
    /// The HTTP status, repeated.
    pub status: u16,
    /// What to do next, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Problem {
    /// The media type of a problem document (RFC 9457 §3).
    pub const MEDIA_TYPE: &'static str = "application/problem+json";
}

/// The kinds of problem, as URNs `urn:nrc:problem:<name>`. Never renumbered or reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ProblemType {
    /// The request is not of the expected form.
    #[serde(rename = "urn:nrc:problem:malformed-request")]
    MalformedRequest,
    /// An envelope was refused as bytes.
    #[serde(rename = "urn:nrc:problem:bad-envelope")]
    BadEnvelope,
    /// A signature does not verify.
    #[serde(rename = "urn:nrc:problem:bad-signature")]
    BadSignature,
    /// Larger than this kind of request may be.
    #[serde(rename = "urn:nrc:problem:too-large")]
    TooLarge,
    /// No valid sign-in.
    #[serde(rename = "urn:nrc:problem:not-signed-in")]
    NotSignedIn,
    /// Signed in, but this role may not do it.
    #[serde(rename = "urn:nrc:problem:forbidden")]
    Forbidden,
    /// No such thing.
    #[serde(rename = "urn:nrc:problem:not-found")]
    NotFound,
    /// There is such a thing, and this cannot be done with it.
    #[serde(rename = "urn:nrc:problem:method-not-allowed")]
    MethodNotAllowed,
    /// The thing is in another state than the request needs.
    #[serde(rename = "urn:nrc:problem:conflict")]
    Conflict,
    /// The terminal is not known here.
    #[serde(rename = "urn:nrc:problem:unknown-terminal")]
    UnknownTerminal,
    /// The terminal has been revoked.
    #[serde(rename = "urn:nrc:problem:terminal-revoked")]
    TerminalRevoked,
    /// The enrolment code is wrong, used or expired.
    #[serde(rename = "urn:nrc:problem:enrolment-code")]
    EnrolmentCode,
    /// Too many attempts from here.
    #[serde(rename = "urn:nrc:problem:too-many-requests")]
    TooManyRequests,
    /// No room in the queue: come back after `Retry-After`.
    #[serde(rename = "urn:nrc:problem:busy")]
    Busy,
    /// The database cannot be written: come back after `Retry-After`.
    #[serde(rename = "urn:nrc:problem:storage")]
    Storage,
    /// Something failed inside.
    #[serde(rename = "urn:nrc:problem:internal")]
    Internal,
}

impl ProblemType {
    /// Every kind there is.
    pub const ALL: [Self; 16] = [
        Self::MalformedRequest,
        Self::BadEnvelope,
        Self::BadSignature,
        Self::TooLarge,
        Self::NotSignedIn,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::UnknownTerminal,
        Self::TerminalRevoked,
        Self::EnrolmentCode,
        Self::TooManyRequests,
        Self::Busy,
        Self::Storage,
        Self::Internal,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_what_rfc_9457_shows() {
        let problem = Problem { kind: ProblemType::Busy, title: "Busy".into(), status: 503, detail: None };
        let json = serde_json::json!({"type": "urn:nrc:problem:busy", "title": "Busy", "status": 503});
        assert_eq!(serde_json::to_value(problem).unwrap(), json);
    }
}
