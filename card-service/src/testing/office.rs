//! The service's shared parts on an installation of its own, and requests to its routes without sockets.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode, header};
use axum::{Extension, Router};
use card_schema::ids::TerminalId;
use ring::rand::SystemRandom;
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tower::ServiceExt;
use zeroize::Zeroizing;

use crate::app::{App, Parts};
use crate::cards::identification::Identifications;
use crate::cards::status::StatusLists;
use crate::config::{Config, Overrides};
use crate::db::DbError;
use crate::domains::clinic::coverage::city::Coverage;
use crate::domains::residence::map::Counted;
use crate::domains::social_security::scheme::Scheme;
use crate::domains::transit::import::Recalled;
use crate::domains::transit::pack::Packs;
use crate::domains::transit::waiting::Uploads;
use crate::evidence::{Log, checkpoint};
use crate::http::signed_in::COOKIE;
use crate::intake::Intake;
use crate::jobs::Hub;
use crate::keys::KeyStore;
use crate::keys::file::{FileStore, Opener};
use crate::keys::pki::Authorities;
use crate::people::card_sign_in::SignIns;
use crate::people::limits::{CheckLimits, SignInLimits, StrangerLimits};
use crate::people::member::{self, model::Post};
use crate::people::model::SignedInBy;
use crate::people::{Staff, StaffId, StaffRole, factor, password, session, store};
use crate::terminals::heard::Heard;
use crate::testing::Scratch;
use crate::testing::town::{POLICY, TERMINALS_URL, identity_of};
use crate::{api, clock};

/// An invented password, long enough to be taken.
pub(crate) const PASSWORD: &str = "invented for a test";

/// What makes the codes of whoever has a second factor in a test.
const SECRET: [u8; 20] = [7; 20];

/// The office's side of a service that goes away with its folder.
pub(crate) struct Office {
    pub(crate) app: App,
    pub(crate) log: Log,
    pub(crate) intake: Intake,
    folder: tempfile::TempDir,
    pub(crate) scratch: Scratch,
    _stop: watch::Sender<bool>,
}

/// An installation without anybody in it.
pub(crate) async fn office() -> Office {
    let folder = tempfile::tempdir().unwrap();
    let overrides = Overrides { data_dir: Some(folder.path().to_owned()), ..Overrides::default() };
    let config = Config::load(None, &HashMap::new(), &overrides).unwrap();
    let keys_dir = config.keys_dir();
    let keys = FileStore::create(&keys_dir, &Opener::choose(&keys_dir, None, None)).unwrap();
    let authorities = Authorities::issue(&keys, clock::now()).unwrap();
    let keys: Arc<dyn KeyStore> = Arc::new(keys);
    let scratch = Scratch::new().await;
    let db = scratch.db.clone();
    let (stop, stopping) = watch::channel(false);
    let origin = checkpoint::origin(&*keys).unwrap();
    let log = Log::open(db.clone(), Arc::clone(&keys), &origin).await.unwrap();
    let intake =
        Intake::start(db.clone(), Arc::clone(&keys), log.head(), log.recent(), POLICY, Arc::new(clock::now)).unwrap();
    let app = App::new(Parts {
        db,
        status_lists: StatusLists::new(Arc::clone(&keys), TERMINALS_URL),
        fares: Recalled::default(),
        fare_packs: Packs::new(Arc::clone(&keys)),
        fare_uploads: Uploads::default(),
        scheme: Scheme::beijing(),
        coverage: Coverage::beijing(),
        contributions: Notify::new(),
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
        metrics: None,
        log_key: String::new(),
        public_url: "https://localhost:8443".to_owned(),
        terminals_url: TERMINALS_URL.to_owned(),
        stopping,
    });
    Office { app, log, intake, folder, scratch, _stop: stop }
}

/// What a browser is shown.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) status: StatusCode,
    /// Where it is led; empty where it is not.
    pub(crate) leads_to: String,
    /// The cookie that it is given; empty where it is not.
    pub(crate) cookie: String,
    pub(crate) page: String,
}

impl Office {
    /// Where the installation lies.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Adds a member of staff who has a password of their own.
    pub(crate) async fn member(&self, name: &str, role: StaffRole) -> Staff {
        let hash = password::hashed(Zeroizing::new(PASSWORD.to_owned())).await.unwrap();
        let staff = Staff { staff_id: StaffId(self.app.new_id()), name: name.to_owned(), role };
        let (now, row) = (self.app.now(), staff.clone());
        let added = self.app.db.write::<_, DbError, _>(move |tx| {
            Box::pin(async move { member::store::insert(tx, now, &row, &Post::working(now), &hash).await })
        });
        assert!(added.await.unwrap(), "{name} is there already");
        if role.needs_second_factor() {
            self.enrol(&staff).await;
        }
        staff
    }

    /// Gives somebody the tests' second factor.
    async fn enrol(&self, who: &Staff) {
        let (now, who) = (self.app.now(), who.staff_id);
        let sealed = factor::sealed(&*self.app.keys, who, &SECRET, [7; 12]).unwrap();
        let factor = factor::store::Factor { on: true, changed_at: now, sealed };
        let put = self
            .app
            .db
            .write::<_, DbError, _>(move |tx| Box::pin(async move { factor::store::put(tx, now, who, &factor).await }));
        put.await.unwrap();
    }

    /// The code that it shows some steps from now.
    pub(crate) fn code(&self, steps: i64) -> String {
        let at = self.app.now().seconds() + 30 * steps;
        factor::totp(&SECRET).generate(at.try_into().unwrap()).to_string()
    }

    /// Signs somebody in, as if they had shown all that is asked of them.
    pub(crate) async fn session(&self, who: &Staff) -> String {
        session(&self.app, who).await
    }

    /// Adds a member of staff and signs them in: the bearer token.
    pub(crate) async fn staff(&self, name: &str, role: StaffRole) -> String {
        self.member(name, role).await;
        let mut body = serde_json::json!({"name": name, "password": PASSWORD});
        if role.needs_second_factor() {
            body["code"] = self.code(0).into();
        }
        let (status, session) = self.public("POST", "/v1/sessions", None, Some(body)).await;
        assert_eq!(status, StatusCode::CREATED, "{session}");
        session["token"].as_str().unwrap().to_owned()
    }

    /// The public listener.
    pub(crate) fn public_router(&self) -> Router {
        api::public_router(self.app.clone(), self.log.clone())
    }

    /// The terminals' listener.
    pub(crate) fn terminals_router(&self) -> Router {
        api::terminals_router(self.app.clone(), self.log.clone(), self.intake.clone())
    }

    /// A request on the public listener.
    pub(crate) async fn public(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        ask(self.public_router(), method, path, token, body).await
    }

    /// What a browser with a session is shown at a path, or after sending a form there.
    pub(crate) async fn browse(&self, session: Option<&str>, path: &str, form: Option<&str>) -> Shown {
        let form = form.map(|form| ("application/x-www-form-urlencoded", form.as_bytes().to_vec()));
        self.browse_with(session, path, form).await
    }

    /// The same with a form of any type: its content type and itself.
    pub(crate) async fn browse_with(&self, session: Option<&str>, path: &str, form: Option<(&str, Vec<u8>)>) -> Shown {
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let mut request = Request::builder().uri(path).extension(ConnectInfo(peer));
        request = request.header("sec-fetch-site", "same-origin");
        request = request.header(header::ACCEPT, "text/html").header(header::ACCEPT_LANGUAGE, "en");
        if let Some(session) = session {
            request = request.header(header::COOKIE, format!("{COOKIE}={session}"));
        }
        let body = match form {
            Some((kind, form)) => {
                request = request.method("POST").header(header::CONTENT_TYPE, kind);
                Body::from(form)
            }
            None => Body::empty(),
        };
        let response = self.public_router().oneshot(request.body(body).unwrap()).await.unwrap();
        let text = |name| response.headers().get(name).map_or("", |text| text.to_str().unwrap()).to_owned();
        let (status, leads_to, cookie) = (response.status(), text(header::LOCATION), text(header::SET_COOKIE));
        let page = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        Shown { status, leads_to, cookie, page: String::from_utf8(page.to_vec()).unwrap() }
    }

    /// A request on the terminals' listener, as this terminal.
    pub(crate) async fn terminal(
        &self,
        terminal: Option<TerminalId>,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let mut router = self.terminals_router();
        if let Some(terminal) = terminal {
            router = router.layer(Extension(identity_of(&self.app.db, terminal).await));
        }
        ask(router, method, path, None, body).await
    }
}

/// Signs somebody in, as if they had shown all that is asked of them.
pub(crate) async fn session(app: &App, who: &Staff) -> String {
    let token = app.new_id().to_string();
    let (now, hash, who) = (app.now(), session::token_hash(&token), who.staff_id);
    let begun = app.db.write::<_, DbError, _>(move |tx| {
        Box::pin(
            async move { store::begin_session(tx, now, hash, who, now.plus_seconds(3_600), SignedInBy::Code).await },
        )
    });
    begun.await.unwrap();
    token
}

async fn ask(
    router: Router,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<Value>,
) -> (StatusCode, Value) {
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    let mut request = Request::builder().method(method).uri(path).extension(ConnectInfo(peer));
    request = request.header(header::ACCEPT_LANGUAGE, "en");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let body = match body {
        Some(json) => {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Body::from(json.to_string())
        }
        None => Body::empty(),
    };
    let response = router.oneshot(request.body(body).unwrap()).await.unwrap();
    let status = response.status();
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}
