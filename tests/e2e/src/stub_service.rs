//! An issuer and a service that exist only in a test, because here the service must misbehave: it is busy, it is gone,
//! it lies. Speaks the terminal's side of the protocol; decides nothing about money.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use card_schema::{
    card::Slot,
    clock::Micros,
    envelope::{
        Envelope, Kid, Payload, PublicKey, Signature, ToBeSigned,
        batch::Batch,
        receipt::{Outcome, Receipt, TapOutcome},
        status_list::{self, CardStatus, Claims, StatusDelta, StatusList, Statuses},
        tap::Tap,
    },
    ids::{BatchId, CardId, OrganisationId, TapId, TerminalId},
    money::Fen,
    operation::OperationCode,
    wire::{
        Bytes,
        terminal::{
            BatchReply, BatchRequest, EnrolmentReply, EnrolmentRequest, Limits, OfflineLimits, RefundLimits,
            RenewalReply, RenewalRequest, TerminalProfile, Trust,
        },
    },
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, date_time_ymd,
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// More than any story spends.
const OFFLINE: OfflineLimits = OfflineLimits {
    tap: Fen(100_000),
    card_day: Fen(100_000_000),
    card_count: 100_000,
    terminal: Fen(1_000_000_000),
    drawn_percent: 0,
    freeze_days: 30,
};

/// How the service behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// As it should.
    Honest,
    /// 503 with Retry-After.
    Busy,
    /// Takes batches and signs receipts with a key that nobody trusts.
    OtherKey,
    /// Answers with a receipt for another batch.
    OtherBatch,
    /// Names no tap in its receipts.
    Forgetful,
    /// Takes batches and never answers.
    Mute,
}

/// A certificate authority.
#[derive(Debug)]
pub struct Authority {
    params: CertificateParams,
    key: KeyPair,
    /// Its certificate in DER.
    pub der: Vec<u8>,
}

fn key_pair() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("ring makes P-256 keys")
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2090, 1, 1));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

impl Authority {
    /// A root.
    pub fn root(name: &str) -> Self {
        let (params, key) = (authority_params(name), key_pair());
        let der = params.self_signed(&key).expect("a certificate").der().to_vec();
        Self { params, key, der }
    }

    fn below(&self, name: &str) -> Self {
        let (params, key) = (authority_params(name), key_pair());
        let der = self.sign(&params, &key);
        Self { params, key, der }
    }

    fn sign(&self, params: &CertificateParams, subject: &impl PublicKeyData) -> Vec<u8> {
        let issuer = Issuer::from_params(&self.params, &self.key);
        params.signed_by(subject, &issuer).expect("a certificate").der().to_vec()
    }

    /// A card's certificate, good until a year.
    pub fn card(&self, card: CardId, slot: Slot, point: &[u8; 65], until_year: i32) -> Vec<u8> {
        struct Point<'a>(&'a [u8]);
        impl PublicKeyData for Point<'_> {
            fn der_bytes(&self) -> &[u8] {
                self.0
            }
            fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
                &PKCS_ECDSA_P256_SHA256
            }
        }
        let mut params = named(&card.to_string());
        params.not_after = date_time_ymd(until_year, 1, 1);
        let name = format!("urn:uuid:{card}");
        params.subject_alt_names = vec![SanType::URI(name.as_str().try_into().expect("ASCII"))];
        match slot {
            Slot::Approve => params.key_usages.push(KeyUsagePurpose::ContentCommitment),
            Slot::SignIn => params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
            _ => {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(vec![2, 16, 840, 1, 101, 3, 6, 8])];
            }
        }
        self.sign(&params, &Point(point))
    }
}

struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        Self(EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).expect("a key"))
    }

    fn public(&self) -> PublicKey {
        PublicKey::from_sec1(self.0.public_key().as_ref()).expect("a point")
    }

    fn signature(&self, message: &[u8]) -> Signature {
        let signature = self.0.sign(&SystemRandom::new(), message).expect("a signature");
        Signature(signature.as_ref().try_into().expect("64 bytes"))
    }

    fn seal<P: Payload>(&self, payload: &P) -> Vec<u8> {
        let to_be_signed = ToBeSigned::new(payload, Kid::Key(self.public().key_id()));
        to_be_signed.sign(&self.signature(to_be_signed.message()))
    }
}

/// What has happened, and what is to happen.
#[derive(Debug)]
pub struct Inside {
    /// How it behaves from now on.
    pub mood: Mood,
    /// Every tap that was ever taken in, by its id, in the order of arrival.
    pub taps: Vec<(TapId, Tap)>,
    /// How often each tap was brought.
    pub brought: BTreeMap<TapId, u32>,
    /// How often the terminal has renewed its certificate.
    pub renewed: u32,
    /// Of the list with nobody on it.
    version: u64,
    changes: Vec<(u32, CardStatus)>,
}

/// The service and its issuer.
pub struct StubService {
    /// Root of everything.
    pub root: Authority,
    /// Signs cards' certificates.
    pub card_ca: Authority,
    terminal_ca: Authority,
    receipt: Key,
    status: Key,
    inside: Mutex<Inside>,
    address: Mutex<Option<SocketAddr>>,
}

impl std::fmt::Debug for StubService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StubService")
    }
}

/// The only terminal.
pub const TERMINAL: TerminalId = TerminalId::from_bytes([0x77; 16]);

impl StubService {
    /// An issuer, and a service that listens. Call within a runtime, which serves it.
    pub fn start() -> Arc<Self> {
        let root = Authority::root("Test Root");
        let service = Arc::new(Self {
            card_ca: root.below("Test Card CA"),
            terminal_ca: root.below("Test Terminal CA"),
            root,
            receipt: Key::new(),
            status: Key::new(),
            inside: Mutex::new(Inside {
                mood: Mood::Honest,
                taps: Vec::new(),
                brought: BTreeMap::new(),
                renewed: 0,
                version: 1,
                changes: Vec::new(),
            }),
            address: Mutex::default(),
        });
        let key = key_pair();
        let mut params = named("Test Service");
        params.subject_alt_names = vec![SanType::IpAddress([127, 0, 0, 1].into())];
        let certificate = CertificateDer::from(service.root.sign(&params, &key));
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from(service.root.der.clone())).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clients = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .allow_unauthenticated()
            .build()
            .expect("a verifier");
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![certificate], PrivateKeyDer::try_from(key.serialize_der()).expect("a key"))
            .expect("a configuration");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        *service.address.lock().expect("no panics") = Some(listener.local_addr().expect("an address"));
        let routes = Router::new()
            .route("/v1/enrolments", post(enrol))
            .route("/v1/certificates", post(renew))
            .route("/v1/batches", post(batch))
            .route("/v1/profile", get(async |State(service): State<Arc<Self>>| Json(service.profile())))
            .route(status_list::PATH, get(status_list))
            .route(&format!("{}/changes", status_list::PATH), get(status_changes))
            .route("/v1/jobs/next", get(no_job))
            .with_state(Arc::clone(&service));
        let config = axum_server::tls_rustls::RustlsConfig::from_config(Arc::new(tls));
        let server = axum_server::from_tcp_rustls(listener, config).expect("a server");
        tokio::spawn(server.serve(routes.into_make_service()));
        service
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("https://{}", self.address.lock().expect("no panics").expect("started"))
    }

    /// What has happened so far.
    pub fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().expect("no panics while holding this lock")
    }

    /// Puts a card on the status list.
    pub fn list(&self, card: CardId, status: CardStatus) {
        self.inside().changes.push((card.status_index(), status));
    }

    /// Knows a list of this version with nobody on it and nothing from before, as after a backup was restored.
    pub fn forget_the_list(&self, version: u64) {
        let mut inside = self.inside();
        inside.version = version;
        inside.changes.clear();
    }

    fn profile(&self) -> TerminalProfile {
        TerminalProfile {
            terminal_id: TERMINAL,
            name: "Test Till".into(),
            organisation_id: OrganisationId::from_bytes([8; 16]),
            organisation: "Test Shop".into(),
            operations: vec![OperationCode::PursePayment, OperationCode::PurseTopUp],
            limits: Limits {
                no_pin_limit: Fen(10_000),
                tap_limit: Fen(100_000),
                top_up_alone: Fen(100_000),
                offline: OFFLINE,
                refunds: RefundLimits { refund_days: 30, void_minutes: 15 },
                low_balance: Fen(1_000),
            },
            points: None,
            public_url: "https://card.test.invalid".into(),
            trust: Trust {
                root: Bytes(self.root.der.clone()),
                card_cas: vec![Bytes(self.card_ca.der.clone())],
                receipt_keys: vec![Bytes(self.receipt.public().to_spki().to_vec())],
                paper_keys: vec![],
                status_list: LIST.into(),
                status_keys: vec![Bytes(self.status.public().to_spki().to_vec())],
                log_key: "test".into(),
            },
        }
    }
}

async fn enrol(State(service): State<Arc<StubService>>, Json(request): Json<EnrolmentRequest>) -> Response {
    if request.code != "TEST-CODE" {
        let problem = serde_json::json!({"type": "urn:nrc:problem:enrolment-code", "title": "no", "status": 403});
        return (StatusCode::FORBIDDEN, Json(problem)).into_response();
    }
    let request = CertificateSigningRequestParams::from_der(&request.csr.0.as_slice().into()).expect("a request");
    let mut params = named(&TERMINAL.to_string());
    // It is near its end, for a certificate that began so long ago.
    (params.not_before, params.not_after) = (date_time_ymd(1975, 1, 1), date_time_ymd(2040, 1, 1));
    let (certificate, chain) = service.terminals(params, &request.public_key);
    Json(EnrolmentReply { certificate, chain, terminal_url: service.url(), profile: service.profile() }).into_response()
}

async fn renew(State(service): State<Arc<StubService>>, Json(request): Json<RenewalRequest>) -> Response {
    let request = CertificateSigningRequestParams::from_der(&request.csr.0.as_slice().into()).expect("a request");
    service.inside().renewed += 1;
    let (certificate, chain) = service.terminals(named(&TERMINAL.to_string()), &request.public_key);
    Json(RenewalReply { certificate, chain }).into_response()
}

async fn batch(State(service): State<Arc<StubService>>, Json(request): Json<BatchRequest>) -> Response {
    let envelope = Envelope::<Batch>::decode(&request.batch.0).expect("a batch");
    let mood = service.inside().mood;
    if mood == Mood::Busy {
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response();
    }
    let mut outcomes = Vec::new();
    for cose in &envelope.payload.taps {
        let tap = Envelope::<Tap>::decode(cose).expect("a tap");
        let id = TapId(tap.digest());
        let mut inside = service.inside();
        let times = inside.brought.entry(id).or_default();
        *times += 1;
        if *times == 1 {
            inside.taps.push((id, tap.payload));
        }
        outcomes.push(TapOutcome {
            tap: id,
            outcome: Outcome::Accepted,
            balance: Some(Fen(5_000)),
            recorded: None,
            points: None,
        });
    }
    match mood {
        Mood::Mute => std::future::pending().await,
        Mood::Forgetful => outcomes.clear(),
        _ => {}
    }
    let id = if mood == Mood::OtherBatch { [9; 32] } else { envelope.digest() };
    let receipt = Receipt { batch: BatchId(id), at: Micros(1), outcomes, log_head: None };
    let sealed = if mood == Mood::OtherKey { Key::new().seal(&receipt) } else { service.receipt.seal(&receipt) };
    Json(BatchReply { receipt: Bytes(sealed) }).into_response()
}

/// URI of the list, wherever it listens.
const LIST: &str = "https://test.example/v1/status-lists/cards";

impl StubService {
    /// A terminal's certificate, and those between it and the root.
    fn terminals(&self, mut params: CertificateParams, key: &impl PublicKeyData) -> (Bytes, Vec<Bytes>) {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        (Bytes(self.terminal_ca.sign(&params, key)), vec![Bytes(self.terminal_ca.der.clone())])
    }

    fn signed(&self, claims: &impl Claims) -> Vec<u8> {
        let to_be_signed = claims.to_be_signed(self.status.public().key_id());
        to_be_signed.sign(&self.status.signature(to_be_signed.message()))
    }
}

/// The list with nobody on it, and what has changed since.
async fn status_list(State(service): State<Arc<StubService>>) -> Response {
    let version = service.inside().version;
    let list = StatusList {
        subject: LIST.into(),
        issued_at_s: 1,
        time_to_live_s: 3_600,
        version,
        statuses: Statuses::default(),
    };
    service.signed(&list).into_response()
}

async fn status_changes(
    State(service): State<Arc<StubService>>,
    Query(asked): Query<BTreeMap<String, u64>>,
) -> Response {
    let (since, changes) = {
        let inside = service.inside();
        (inside.version, inside.changes.clone())
    };
    let version = since + changes.len() as u64;
    if asked["since"] == version {
        return StatusCode::NO_CONTENT.into_response();
    }
    if !(since..version).contains(&asked["since"]) {
        let problem = serde_json::json!({"type": "urn:nrc:problem:not-found", "title": "no", "status": 404});
        return (StatusCode::NOT_FOUND, Json(problem)).into_response();
    }
    let subject = LIST.into();
    let changes = changes.into_iter().collect();
    service.signed(&StatusDelta { subject, issued_at_s: 1, version, since, changes }).into_response()
}

async fn no_job() -> StatusCode {
    std::future::pending().await
}

/// A PIV certificate object's contents (SP 800-73-5 part 1, tables 11, 16 and 18).
pub fn certificate_object(der: &[u8]) -> Vec<u8> {
    let mut contents = card_schema::card::tlv::encode(0x70, der);
    contents.extend([0x71, 1, 0, 0xFE, 0]);
    contents
}
