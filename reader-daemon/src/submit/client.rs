//! The service's listener for terminals over mutual TLS: one function a request. Retries nothing.

use std::{sync::RwLock, time::Duration};

use card_schema::envelope::{fares, gate, status_list};
use card_schema::wire::{
    Problem,
    clinic::{ClaimReply, ClaimRequest, VisitReply, VisitRequest},
    issuance::{Job, ObservationReply, ObservationRequest},
    terminal::{
        BatchReply, BatchRequest, RenewalReply, RenewalRequest, SignInChallenge, SignInLink, SignInProof,
        StatementReply, StatementRequest, TerminalProfile,
    },
};
use reqwest::{
    Method, StatusCode,
    header::{self, HeaderMap, HeaderValue},
};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{
    cli::messages::Language,
    identity::{Identity, IdentityError},
};

/// How long an ordinary request may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// What the service says to this client goes to the log, which is in English.
const LOG_LANGUAGE: HeaderValue = HeaderValue::from_static("en");
/// The longest wait that a busy service may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(5);

/// Why a request did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// No answer: network, TLS, time.
    #[error("the service cannot be reached: {0}")]
    Unreachable(String),
    /// The service asks to come back later.
    #[error("the service is busy")]
    Busy {
        /// When, if it says so.
        retry_after: Option<Duration>,
    },
    /// The service says no.
    #[error("the service refused: {}", .0.title)]
    Problem(Box<Problem>),
    /// The answer is not of the protocol.
    #[error("the service's answer cannot be understood: {0}")]
    Strange(String),
}

/// A connection to the service as this terminal.
#[derive(Debug)]
pub struct ServiceClient {
    http: RwLock<reqwest::Client>,
    base: String,
}

impl ServiceClient {
    /// A client with this terminal's identity. Connects at the first request.
    ///
    /// # Errors
    /// [`IdentityError`] for an identity that TLS cannot use.
    pub fn new(identity: &Identity) -> Result<Self, IdentityError> {
        Ok(Self { http: RwLock::new(Self::as_terminal(identity)?), base: identity.file.terminal_url.clone() })
    }

    /// From now on connects with another certificate.
    ///
    /// # Errors
    /// As [`Self::new`]; it goes on as before then.
    pub fn present(&self, identity: &Identity) -> Result<(), IdentityError> {
        *self.http.write().expect("nobody panics while holding this lock") = Self::as_terminal(identity)?;
        Ok(())
    }

    fn http(&self) -> reqwest::Client {
        self.http.read().expect("nobody panics while holding this lock").clone()
    }

    fn as_terminal(identity: &Identity) -> Result<reqwest::Client, IdentityError> {
        let client = reqwest::Client::builder()
            .default_headers(HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, LOG_LANGUAGE)]))
            .tls_backend_preconfigured(identity.tls()?)
            .https_only(true)
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(2)
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        Ok(client)
    }

    /// Hands over a batch.
    pub async fn batch(&self, request: &BatchRequest) -> Result<BatchReply, ServiceError> {
        self.json(Method::POST, "/v1/batches", Some(request), TIMEOUT).await
    }

    /// The terminal's profile as it is now.
    pub async fn profile(&self) -> Result<TerminalProfile, ServiceError> {
        self.json::<(), _>(Method::GET, "/v1/profile", None, TIMEOUT).await
    }

    /// The status list: a signed token; nothing where it is the one of this version.
    pub async fn status_list(&self, have: Option<u64>) -> Result<Option<Vec<u8>>, ServiceError> {
        self.token(status_list::PATH, have).await
    }

    /// What has changed since a version of the status list, as a signed token; nothing where nothing has.
    pub async fn status_changes(&self, since: u64) -> Result<Option<Vec<u8>>, ServiceError> {
        self.token(&format!("{}/changes?since={since}", status_list::PATH), None).await
    }

    /// What a validator has to know of the fares, signed; nothing where it is the one of this version, and where there is none.
    pub async fn fares(&self, have: Option<u64>) -> Result<Option<Vec<u8>>, ServiceError> {
        self.token(fares::PATH, have).await
    }

    /// Who may pass at this gate, signed; nothing where it is what has this tag.
    pub async fn gate(&self, have: Option<u64>) -> Result<Option<Vec<u8>>, ServiceError> {
        self.token(gate::PATH, have).await
    }

    /// Another certificate of the terminal's key.
    pub async fn renew(&self, request: &RenewalRequest) -> Result<RenewalReply, ServiceError> {
        self.json(Method::POST, "/v1/certificates", Some(request), TIMEOUT).await
    }

    /// The next job for this terminal's readers; nothing when none came within `wait`.
    pub async fn next_job(&self, wait: Duration) -> Result<Option<Job>, ServiceError> {
        let path = format!("{}/v1/jobs/next?wait_s={}", self.base, wait.as_secs());
        let reply = self.http().get(path).timeout(wait + TIMEOUT).send().await.map_err(unreachable)?;
        read(reply).await
    }

    /// Says what was observed, and hears what comes next.
    pub async fn observe(&self, job: Uuid, request: &ObservationRequest) -> Result<ObservationReply, ServiceError> {
        self.json(Method::POST, &format!("/v1/jobs/{job}/observations"), Some(request), TIMEOUT).await
    }

    /// What a staff card is to sign here.
    pub async fn sign_in_challenge(&self) -> Result<SignInChallenge, ServiceError> {
        self.json::<(), _>(Method::POST, "/v1/sign-ins", None, TIMEOUT).await
    }

    /// The link for what a card has signed.
    pub async fn sign_in_link(&self, proof: &SignInProof) -> Result<SignInLink, ServiceError> {
        self.json(Method::POST, "/v1/sign-ins/links", Some(proof), TIMEOUT).await
    }

    /// What a holder has asked to see, for the tap with which that was asked.
    pub async fn statement(&self, request: &StatementRequest) -> Result<StatementReply, ServiceError> {
        self.json(Method::POST, "/v1/statements", Some(request), TIMEOUT).await
    }

    /// What is covered of somebody who has checked in. What is wrong is said in a language.
    pub async fn visit(&self, request: &VisitRequest, language: Language) -> Result<VisitReply, ServiceError> {
        self.said("/v1/visits", request, language).await
    }

    /// What a bill comes to. What is wrong with it is said in a language.
    pub async fn claim(&self, request: &ClaimRequest, language: Language) -> Result<ClaimReply, ServiceError> {
        self.said("/v1/claims", request, language).await
    }

    async fn said<Q: Serialize, R: DeserializeOwned>(
        &self,
        path: &str,
        body: &Q,
        language: Language,
    ) -> Result<R, ServiceError> {
        let request = self.http().post(format!("{}{path}", self.base)).timeout(TIMEOUT).json(body);
        let reply = request.header(header::ACCEPT_LANGUAGE, language.tag()).send().await.map_err(unreachable)?;
        read(reply).await?.ok_or_else(|| ServiceError::Strange(format!("nothing from {path}")))
    }

    async fn token(&self, path: &str, have: Option<u64>) -> Result<Option<Vec<u8>>, ServiceError> {
        let mut request = self.http().get(format!("{}{path}", self.base)).timeout(TIMEOUT);
        if let Some(version) = have {
            request = request.header(header::IF_NONE_MATCH, format!("\"{version}\""));
        }
        body(request.send().await.map_err(unreachable)?).await
    }

    async fn json<Q: Serialize, R: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Q>,
        timeout: Duration,
    ) -> Result<R, ServiceError> {
        let mut request = self.http().request(method, format!("{}{path}", self.base)).timeout(timeout);
        if let Some(body) = body {
            request = request.json(body);
        }
        let reply = request.send().await.map_err(unreachable)?;
        read(reply).await?.ok_or_else(|| ServiceError::Strange(format!("nothing from {path}")))
    }
}

/// The answer as JSON; nothing for 204.
async fn read<R: DeserializeOwned>(reply: reqwest::Response) -> Result<Option<R>, ServiceError> {
    let Some(body) = body(reply).await? else { return Ok(None) };
    serde_json::from_slice(&body).map(Some).map_err(|error| ServiceError::Strange(error.to_string()))
}

/// The answer's body; nothing for 204 and 304.
async fn body(reply: reqwest::Response) -> Result<Option<Vec<u8>>, ServiceError> {
    let status = reply.status();
    if status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED {
        return Ok(None);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
        let seconds = reply.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let retry_after = seconds.map(|seconds| Duration::from_secs(seconds).min(RETRY_AFTER_MAX));
        return Err(ServiceError::Busy { retry_after });
    }
    let bytes = reply.bytes().await.map_err(unreachable)?;
    if status.is_success() {
        return Ok(Some(bytes.into()));
    }
    match serde_json::from_slice(&bytes) {
        Ok(problem) => Err(ServiceError::Problem(Box::new(problem))),
        Err(_) => Err(ServiceError::Strange(format!("HTTP {status}"))),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn unreachable(error: reqwest::Error) -> ServiceError {
    ServiceError::Unreachable(causes(&error))
}

/// An error and what caused it, in one line: reqwest's own words end before the cause.
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
