//! The running service: opens what `init` made, binds both listeners, and stops gracefully.
//!
//! Holds the wiring of TLS and sockets. Routes are `api`'s.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::middleware::AddExtension;
use axum_server::Handle;
use axum_server::accept::{Accept, NoDelayAcceptor};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use card_schema::envelope::PublicKey;
use ring::rand::SystemRandom;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, watch};
use tower::Layer;

use crate::app::{App, Parts};
use crate::cards::identification::Identifications;
use crate::cards::status::StatusLists;
use crate::clock;
use crate::config::Config;
use crate::db::{Db, DbError};
use crate::domains::clinic::coverage;
use crate::domains::residence::map::Counted;
use crate::domains::residence::{draft, import};
use crate::domains::social_security::{city, paying};
use crate::domains::transit::import::Recalled;
use crate::domains::transit::pack::Packs;
use crate::domains::transit::waiting::Uploads;
use crate::domains::{points, purse, transit};
use crate::evidence::checkpoint::{self, CheckpointError};
use crate::evidence::{Log, LogError};
use crate::folding;
use crate::http::Refusal;
use crate::http::connections::Bounded;
use crate::intake::{self, Intake, TerminalIdentity, suspicion};
use crate::jobs::Hub;
use crate::keys::file::{FileStore, Opener};
use crate::keys::pki::{Authorities, PkiError};
use crate::keys::{KeyError, KeyStore, tls};
use crate::people::card_sign_in::SignIns;
use crate::people::limits::{CheckLimits, SignInLimits, StrangerLimits};
use crate::rule_file::Unread;
use crate::terminals::heard::Heard;
use crate::{api, ledger, open_files, telemetry};

/// How long requests under way may take once the service is to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How often holds whose time is over are looked for, and how many are ended in one transaction.
const EXPIRE_EVERY: Duration = Duration::from_secs(10);
const HOLDS_AT_ONCE: usize = 1_000;
/// How often old registrations are removed that nobody has finished; they may lie for days.
const FORGET_EVERY: Duration = Duration::from_hours(1);
/// How often it is looked at whether a day has begun on which points are over.
const LOOK_EVERY: Duration = Duration::from_mins(10);
/// How often what terminals have brought is counted.
const SUSPECT_EVERY: Duration = Duration::from_hours(1);
/// How often legs are closed whose end does not come.
const CLOSE_LEGS_EVERY: Duration = Duration::from_mins(1);
/// The TLS certificate is renewed this often; it is good for much longer.
const RENEW_EVERY: Duration = Duration::from_hours(24);
/// A checkpoint is signed at most this long after something happened.
const SIGN_EVERY: Duration = Duration::from_secs(2);

/// Connections of the console and the API, and of terminals, that are open at once at most; fewer where the operating
/// system allows few open files.
const PUBLIC_CONNECTIONS: usize = 2_048;
const TERMINAL_CONNECTIONS: usize = 16_384;

/// Why the service does not start or has stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// `init` has not been run here.
    #[error("{0} holds no installation: run `card-service init` first")]
    NotInitialised(PathBuf),
    /// The key store.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A certificate.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A certificate file that cannot be read.
    #[error("cannot read {path}: {reason}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The rules of social security.
    #[error("the rules of social security cannot be followed")]
    Rules(#[source] Unread),
    /// The rules of what is covered, or the catalogue.
    #[error("what is covered of bills cannot be followed")]
    Coverage(#[source] Unread),
    /// An address that cannot be bound.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// TLS settings.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// A request made at start.
    #[error("{0}")]
    Start(String),
    /// A listener failed.
    #[error("a listener failed")]
    Io(#[from] io::Error),
}

impl From<CheckpointError> for ServeError {
    fn from(error: CheckpointError) -> Self {
        Self::Log(error.into())
    }
}

impl From<Refusal> for ServeError {
    fn from(refusal: Refusal) -> Self {
        Self::Start(refusal.text(crate::i18n::Locale::En))
    }
}

/// Names of the issuer's public certificates in their folder.
pub const CERTIFICATES: [&str; 3] = ["root.pem", "card-ca.pem", "terminal-ca.pem"];

/// Opens the key store of an installation.
pub fn open_keys(config: &Config) -> Result<Arc<dyn KeyStore>, ServeError> {
    let folder = config.keys_dir();
    if !FileStore::exists(&folder) {
        return Err(ServeError::NotInitialised(config.data_dir.clone()));
    }
    let passphrase = config.keys.passphrase().map_err(|source| KeyError::File {
        operation: "read",
        path: config.keys.passphrase_file.clone().unwrap_or_default(),
        source,
    })?;
    Ok(Arc::new(FileStore::open(&folder, &Opener::choose(&folder, passphrase, config.keys.key_file.clone()))?))
}

fn open_authorities(config: &Config) -> Result<Authorities, ServeError> {
    let [root, card_ca, terminal_ca] = CERTIFICATES.map(|name| {
        let path = config.certificates_dir().join(name);
        CertificateDer::from_pem_file(&path)
            .map_err(|error| ServeError::Certificate { path, reason: error.to_string() })
    });
    Ok(Authorities { root: root?, card_ca: card_ca?, terminal_ca: terminal_ca? })
}

/// Both listeners, bound and not yet served.
#[derive(Debug)]
pub struct Service {
    app: App,
    intake: Intake,
    log: Log,
    public: TcpListener,
    terminals: TcpListener,
    stop: watch::Sender<bool>,
    /// How long it took to get here.
    pub started_in: Duration,
}

/// Where a service listens.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Addresses {
    /// Base URL of console and API.
    pub public_url: String,
    /// Base URL for terminals.
    pub terminals_url: String,
    /// The issuer's root certificate, to be given to terminals and browsers.
    pub root: PathBuf,
}

impl Service {
    /// Opens the installation and binds both listeners.
    pub async fn start(config: Config) -> Result<Self, ServeError> {
        let began = Instant::now();
        let keys = open_keys(&config)?;
        let authorities = open_authorities(&config)?;
        let db = Db::open(&config.database_url()).await?;
        let public = bind(config.public.listen)?;
        let terminals = bind(config.terminals.listen)?;
        let host = config.public.hosts.first().map_or("localhost", String::as_str);
        let terminals_url = match &config.terminals.url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => url(host, terminals.local_addr()?.port()),
        };
        let public_url = match &config.public.url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => url(host, public.local_addr()?.port()),
        };
        let (stop, stopping) = watch::channel(false);
        let log = Log::open(db.clone(), Arc::clone(&keys), &checkpoint::origin(&*keys)?).await?;
        let log_key = log.key()?.vkey().to_owned();
        let policy = intake::Policy::of(&config);
        let intake =
            Intake::start(db.clone(), Arc::clone(&keys), log.head(), log.recent(), policy, Arc::new(clock::now))?;
        let app = App::new(Parts {
            db,
            status_lists: StatusLists::new(Arc::clone(&keys), &terminals_url),
            fares: Recalled::default(),
            fare_packs: Packs::new(Arc::clone(&keys)),
            fare_uploads: Uploads::default(),
            contributions: Notify::new(),
            scheme: city::scheme(config.social_security.rules.as_deref()).map_err(ServeError::Rules)?,
            coverage: coverage::city::coverage(config.coverage.rules.as_deref(), config.coverage.catalogue.as_deref())
                .map_err(ServeError::Coverage)?,
            keys,
            authorities,
            config,
            jobs: Hub::default(),
            identifications: Identifications::default(),
            sign_ins: SignIns::default(),
            counted: Counted::default(),
            heard: Heard::default(),
            sign_in_limits: SignInLimits::default(),
            check_limits: CheckLimits::default(),
            stranger_limits: StrangerLimits::default(),
            random: SystemRandom::new(),
            metrics: telemetry::start_metrics(),
            log_key,
            public_url,
            terminals_url,
            stopping,
        });
        Ok(Self { app, intake, log, public, terminals, stop, started_in: began.elapsed() })
    }

    /// Where it listens.
    pub fn addresses(&self) -> Result<Addresses, ServeError> {
        Ok(Addresses {
            public_url: self.app.public_url.clone(),
            terminals_url: self.app.terminals_url.clone(),
            root: self.app.config.certificates_dir().join(CERTIFICATES[0]),
        })
    }

    /// Serves until SIGTERM or SIGINT, then lets requests under way end.
    pub async fn run(self) -> Result<(), ServeError> {
        let Self { app, intake, log, public, terminals, stop, .. } = self;
        let (public_tls, terminals_tls) = tls_configs(&app)?;
        let public_routes = api::public_router(app.clone(), log.clone());
        let handles = [Handle::new(), Handle::new()];
        let files = open_files::limit()?;
        // An answer does not wait until what was sent before it is acknowledged (RFC 896).
        let at_once = |tls| RustlsAcceptor::new(tls).acceptor(NoDelayAcceptor::new());
        let acceptor = at_once(public_tls.clone());
        let console = axum_server::from_tcp(public)?
            .acceptor(Bounded::new(acceptor, "public", PUBLIC_CONNECTIONS.min(files / 8)))
            .handle(handles[0].clone())
            .serve(public_routes.into_make_service_with_connect_info::<SocketAddr>());
        let acceptor = TerminalAcceptor(at_once(terminals_tls.clone()));
        let acceptor = Bounded::new(acceptor, "terminals", TERMINAL_CONNECTIONS.min(files / 2));
        let routes = api::terminals_router(app.clone(), log.clone(), intake);
        let sequencer = tokio::spawn(log.clone().run(SIGN_EVERY, Arc::new(clock::now)));
        let terminal = axum_server::from_tcp(terminals)?
            .acceptor(acceptor)
            .handle(handles[1].clone())
            .serve(routes.into_make_service_with_connect_info::<SocketAddr>());
        let expiry = tokio::spawn(expire_holds(app.clone()));
        let forgetting = tokio::spawn(forget_drafts(app.clone()));
        let days = tokio::spawn(end_days(app.clone()));
        let suspecting = tokio::spawn(suspect(app.clone()));
        let closing = tokio::spawn(close_legs(app.clone()));
        let importing = tokio::spawn(import::work(app.clone()));
        let paying = tokio::spawn(paying::work(app.clone()));
        let renewal = tokio::spawn(renew(app.clone(), public_tls, terminals_tls));
        let (console, terminal) = (tokio::spawn(console), tokio::spawn(terminal));
        let _unsupervised = sd_notify::notify(&[sd_notify::NotifyState::Ready]);

        stop_signal().await?;
        tracing::info!("stopping");
        let _unsupervised = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
        stop.send_replace(true);
        renewal.abort();
        expiry.abort();
        forgetting.abort();
        days.abort();
        suspecting.abort();
        closing.abort();
        importing.abort();
        paying.abort();
        sequencer.abort();
        for handle in &handles {
            handle.graceful_shutdown(Some(GRACE));
        }
        for listener in [console, terminal] {
            listener.await.map_err(|error| ServeError::Start(error.to_string()))??;
        }
        // What came in last is signed before the service is gone.
        log.integrate(clock::now()).await?;
        app.db.close().await;
        Ok(())
    }
}

fn tls_configs(app: &App) -> Result<(RustlsConfig, RustlsConfig), ServeError> {
    let (public, terminals) = fresh_tls(app)?;
    Ok((RustlsConfig::from_config(Arc::new(public)), RustlsConfig::from_config(Arc::new(terminals))))
}

fn fresh_tls(app: &App) -> Result<(rustls::ServerConfig, rustls::ServerConfig), ServeError> {
    let certificate = app.authorities.tls_server(&*app.keys, &app.config.public.hosts, app.now())?;
    let public = tls::public(&app.keys, certificate.clone())?;
    let terminals = tls::terminals(&app.keys, certificate, app.authorities.terminal_ca.clone())?;
    Ok((public, terminals))
}

async fn renew(app: App, public: RustlsConfig, terminals: RustlsConfig) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        match fresh_tls(&app) {
            Ok((fresh_public, fresh_terminals)) => {
                public.reload_from_config(Arc::new(fresh_public));
                terminals.reload_from_config(Arc::new(fresh_terminals));
            }
            Err(error) => tracing::error!(%error, "the TLS certificate was not renewed"),
        }
    }
}

/// Removes registrations and spreadsheets that nobody has gone on with, again and again.
async fn forget_drafts(app: App) {
    let mut turn = tokio::time::interval(FORGET_EVERY);
    turn.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        turn.tick().await;
        if let Err(error) = draft::forget_old(&app).await {
            tracing::error!(%error, "old registrations were not removed");
        }
        if let Err(error) = import::forget_old(&app).await {
            tracing::error!(%error, "old imports were not removed");
        }
    }
}

/// Folds what nobody can dispute any more, takes off points that are over, and forgets what days were used for that are over, once a
/// day.
async fn end_days(app: App) {
    let mut turn = tokio::time::interval(LOOK_EVERY);
    turn.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut done = None;
    loop {
        turn.tick().await;
        let (now, today) = (app.now(), app.today());
        if done == Some(today) {
            continue;
        }
        match folding::fold(&app.db, app.config.limits.into(), now).await {
            Ok(leaves) => metrics::counter!("leaves_folded_total").increment(leaves),
            Err(error) => {
                tracing::error!(%error, "what nobody can dispute any more was not folded");
                continue;
            }
        }
        let forgotten = app.db.write_concurrently(move |tx| Box::pin(purse::store::forget_old_days(tx, today))).await;
        match (points::expiry::expire(&app.db, now).await, forgotten) {
            (Ok(holders), Ok(())) => {
                metrics::counter!("points_expired_total").increment(holders);
                done = Some(today);
            }
            (Err(error), _) => tracing::error!(%error, "points that are over were not taken off"),
            (_, Err(error)) => tracing::error!(%error, "what was paid on days that are over was not forgotten"),
        }
    }
}

/// Looks whether what terminals bring looks wrong, again and again.
async fn suspect(app: App) {
    let mut turn = tokio::time::interval(SUSPECT_EVERY);
    turn.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        turn.tick().await;
        match suspicion::look(&app, app.config.suspicion).await {
            Ok(noted) => metrics::counter!("suspicions_noted_total").increment(noted as u64),
            Err(error) => tracing::error!(%error, "what terminals bring was not looked at"),
        }
    }
}

/// Closes legs whose end does not come, again and again.
async fn close_legs(app: App) {
    let mut turn = tokio::time::interval(CLOSE_LEGS_EVERY);
    turn.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        turn.tick().await;
        match transit::closing::close(&app.db, &app.fares, app.now()).await {
            Ok(riders) => metrics::counter!("transit_legs_closed_total").increment(riders),
            Err(error) => tracing::error!(%error, "legs whose end is missing were not closed"),
        }
    }
}

/// Ends holds whose time is over, again and again.
async fn expire_holds(app: App) {
    let mut turn = tokio::time::interval(EXPIRE_EVERY);
    turn.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        turn.tick().await;
        // At once again while there are many.
        let mut ended = HOLDS_AT_ONCE;
        while ended == HOLDS_AT_ONCE {
            let now = app.now();
            let expire = app
                .db
                .write_concurrently::<_, DbError, _>(move |tx| Box::pin(ledger::expire(tx, now, HOLDS_AT_ONCE)))
                .await;
            ended = expire.unwrap_or_else(|error| {
                tracing::error!(%error, "holds whose time is over were not ended");
                0
            });
            metrics::counter!("ledger_holds_expired_total").increment(ended as u64);
        }
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let listener = TcpListener::bind(address).map_err(|source| ServeError::Bind { address, source })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn url(host: &str, port: u16) -> String {
    if host.contains(':') { format!("https://[{host}]:{port}") } else { format!("https://{host}:{port}") }
}

async fn stop_signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Takes TLS connections of terminals and tells the request who is at the other end.
#[derive(Clone, Debug)]
struct TerminalAcceptor<A>(RustlsAcceptor<A>);

type Accepting<Stream, Service> = Pin<Box<dyn Future<Output = io::Result<(Stream, Service)>> + Send>>;

impl<A, I, S> Accept<I, S> for TerminalAcceptor<A>
where
    A: Accept<I, S, Service: Send, Future: Send + 'static> + Clone + Send + 'static,
    A::Stream: AsyncRead + AsyncWrite + Unpin + Send,
    I: Send + 'static,
    S: Send + 'static,
{
    type Stream = <RustlsAcceptor<A> as Accept<I, S>>::Stream;
    type Service = AddExtension<<RustlsAcceptor<A> as Accept<I, S>>::Service, TerminalIdentity>;
    type Future = Accepting<Self::Stream, Self::Service>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let acceptor = self.0.clone();
        Box::pin(async move {
            let (stream, service) = acceptor.accept(stream, service).await?;
            let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
            let identity = certificates.first().and_then(identity_of).ok_or_else(|| {
                io::Error::new(io::ErrorKind::PermissionDenied, "the client certificate names no terminal")
            })?;
            Ok((stream, Extension(identity).layer(service)))
        })
    }
}

/// The terminal that a certificate's common name says, and its key. The certificate was verified by the handshake.
fn identity_of(certificate: &CertificateDer<'_>) -> Option<TerminalIdentity> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let terminal = certificate.subject().iter_common_name().next()?.as_str().ok()?.parse().ok()?;
    let key = PublicKey::from_sec1(&certificate.public_key().subject_public_key.data).ok()?;
    Some(TerminalIdentity { terminal, key })
}
