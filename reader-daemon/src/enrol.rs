//! Enrolment: a key pair made here, a request signed by it, a one-time code; back come certificate and profile.
//!
//! The issuer's root is given by the person who enrols, so the first contact is verified like every later one.

use std::{path::Path, time::Duration};

use card_schema::wire::{
    Bytes, Problem,
    terminal::{EnrolmentReply, EnrolmentRequest},
};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use reqwest::header;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};

use crate::{
    identity::{self, Identity, IdentityError, IdentityFile},
    outbox::{Outbox, OutboxError, Snapshot},
};

/// How long the service may take to answer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Why a terminal was not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The folder holds an identity already.
    #[error("this folder holds an enrolled terminal already")]
    AlreadyEnrolled,
    /// The root certificate cannot be read.
    #[error("the root certificate cannot be read: {0}")]
    Root(String),
    /// The service cannot be reached, or is not the root's.
    #[error("the service cannot be reached: {0}")]
    Unreachable(String),
    /// The service said no.
    #[error("the service refused: {}", .0.title)]
    Problem(Box<Problem>),
    /// The service's answer does not fit the request or the root.
    #[error("the service's answer is not to be trusted: {0}")]
    Answer(&'static str),
    /// Files.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Outbox.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

/// Enrols this terminal and keeps its identity and profile in `data`. `language` is the tag of the language in which
/// the service is to say why it refuses.
///
/// # Errors
/// [`EnrolError`]; unless the service had already answered, the code can be used again.
pub async fn enrol(
    data: &Path,
    service: &str,
    code: &str,
    root_pem: &Path,
    language: &str,
) -> Result<EnrolmentReply, EnrolError> {
    if identity::exists(data) {
        return Err(EnrolError::AlreadyEnrolled);
    }
    let root = CertificateDer::from_pem_file(root_pem)
        .map_err(|error| EnrolError::Root(format!("{}: {error}", root_pem.display())))?;
    identity::make_folder(data)?;

    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("ring makes P-256 key pairs");
    let pkcs8 = zeroize::Zeroizing::new(pair.serialize_der());
    identity::write_private(&identity::key_path(data), &pkcs8)?;
    let csr = CertificateParams::default().serialize_request(&pair).expect("a request without names can be built");

    let service = service.trim_end_matches('/');
    let request = EnrolmentRequest { code: code.trim().to_owned(), csr: Bytes(csr.der().to_vec()) };
    let reply = ask(&root, service, &request, language).await?;
    check(&reply, &root, pair.public_key_raw())?;
    let file = IdentityFile {
        terminal_id: reply.profile.terminal_id,
        terminal_url: reply.terminal_url.trim_end_matches('/').to_owned(),
        service_url: service.to_owned(),
        certificate: reply.certificate.clone(),
        chain: reply.chain.clone(),
        root: Bytes(root.to_vec()),
    };
    let outbox = Outbox::open(&data.join(crate::run::OUTBOX_FILE), file.terminal_id).await?;
    let profile = serde_json::to_vec(&reply.profile).expect("plain data always serialises");
    outbox.keep_snapshot(Snapshot::Profile, 1, &profile).await?;
    // Last: with this file the terminal is enrolled.
    Identity::save(data, &file)?;
    Ok(reply)
}

async fn ask(
    root: &CertificateDer<'static>,
    service: &str,
    request: &EnrolmentRequest,
    language: &str,
) -> Result<EnrolmentReply, EnrolError> {
    let unreachable = |error: reqwest::Error| EnrolError::Unreachable(crate::submit::client::causes(&error));
    let tls = crate::tls::client_config(root, None).map_err(|error| EnrolError::Root(error.to_string()))?;
    let http = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .https_only(true)
        .no_proxy()
        .timeout(TIMEOUT)
        .build()
        .map_err(unreachable)?;
    let request = http.post(format!("{service}/v1/enrolments")).header(header::ACCEPT_LANGUAGE, language).json(request);
    let reply = request.send().await.map_err(unreachable)?;
    let ok = reply.status().is_success();
    let bytes = reply.bytes().await.map_err(unreachable)?;
    if ok {
        return serde_json::from_slice(&bytes).map_err(|_| EnrolError::Answer("it is not an enrolment"));
    }
    match serde_json::from_slice(&bytes) {
        Ok(problem) => Err(EnrolError::Problem(Box::new(problem))),
        Err(_) => Err(EnrolError::Answer("it is neither an enrolment nor a problem")),
    }
}

/// The answer is for our key, and the root in the profile is the one given.
fn check(reply: &EnrolmentReply, root: &CertificateDer<'_>, public: &[u8]) -> Result<(), EnrolError> {
    if reply.profile.trust.root.0 != root.as_ref() {
        return Err(EnrolError::Answer("its root is another than the one given"));
    }
    identity::validity(&reply.certificate.0, public).map(drop).map_err(EnrolError::Answer)
}
