//! What every request handler has: database, keys, configuration, and the parts of the service that outlive a request.
//!
//! Holds no routes (`serve`) and no rules.

use std::ops::Deref;
use std::sync::Arc;

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::wire::ProblemType;
use metrics_exporter_prometheus::PrometheusHandle;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::{Notify, watch};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::cards::identification::Identifications;
use crate::cards::status::StatusLists;
use crate::clock;
use crate::config::Config;
use crate::db::Db;
use crate::domains::clinic::coverage::city::Coverage;
use crate::domains::residence::map;
use crate::domains::social_security::scheme::Scheme;
use crate::domains::transit::import::Recalled;
use crate::domains::transit::pack::Packs;
use crate::domains::transit::waiting::Uploads;
use crate::http::Refusal;
use crate::jobs::Hub;
use crate::keys::KeyStore;
use crate::keys::pki::Authorities;
use crate::people::card_sign_in::SignIns;
use crate::people::limits::{CheckLimits, SignInLimits, StrangerLimits};
use crate::terminals::heard::Heard;

/// The service's shared parts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// See [`App`].
#[derive(Debug)]
pub struct Parts {
    /// The one database.
    pub db: Db,
    /// The service's keys.
    pub keys: Arc<dyn KeyStore>,
    /// What terminals are told of cards.
    pub status_lists: StatusLists,
    /// The fares.
    pub fares: Recalled,
    /// What validators are told of the fares.
    pub fare_packs: Packs,
    /// Fares that somebody has uploaded and not brought in yet.
    pub fare_uploads: Uploads,
    /// What is contributed to social security in this city.
    pub scheme: Scheme,
    /// What is covered of bills in this city.
    pub coverage: Coverage,
    /// Is told when contributions were filed, or something has arrived for them.
    pub contributions: Notify,
    /// The issuer's certificates.
    pub authorities: Authorities,
    /// The configuration in force.
    pub config: Config,
    /// Wakes terminals that wait for jobs.
    pub jobs: Hub,
    /// How many sign-ins may be tried.
    pub sign_in_limits: SignInLimits,
    /// How many papers and receipts may be checked.
    pub check_limits: CheckLimits,
    /// How many whom nobody knows an employer may name.
    pub stranger_limits: StrangerLimits,
    /// The operating system's randomness.
    pub random: SystemRandom,
    /// What `/metrics` renders; none where another service in this process counts.
    pub metrics: Option<PrometheusHandle>,
    /// The log's verifier key (C2SP signed-note vkey).
    pub log_key: String,
    /// Where people open the console and check papers.
    pub public_url: String,
    /// Where terminals connect to.
    pub terminals_url: String,
    /// When terminals were last heard of.
    pub heard: Heard,
    /// Which cards are looked at.
    pub identifications: Identifications,
    /// Sign-ins with cards that are under way.
    pub sign_ins: SignIns,
    /// How many people live where, as it was counted last.
    pub counted: map::Counted,
    /// Becomes true when the service is to stop: long polls end.
    pub stopping: watch::Receiver<bool>,
}

impl App {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The present time. Deciding code takes it as an argument.
    pub fn now(&self) -> Micros {
        clock::now()
    }

    /// The day on which it is where the stations are. Deciding code takes it as an argument.
    pub fn today(&self) -> Date {
        // China has had one time all year round since 1992: UTC+8.
        Date::in_china(self.now())
    }

    /// Random bytes, wiped when dropped.
    ///
    /// # Errors
    /// When the operating system has none.
    pub fn random_bytes<const N: usize>(&self) -> Result<Zeroizing<[u8; N]>, Refusal> {
        random_bytes(&self.random)
    }

    /// A new id that sorts by time.
    pub fn new_id(&self) -> Uuid {
        clock::new_id(&self.random)
    }
}

/// Random bytes, wiped when dropped.
///
/// # Errors
/// When the operating system has none.
pub fn random_bytes<const N: usize>(random: &SystemRandom) -> Result<Zeroizing<[u8; N]>, Refusal> {
    let mut bytes = Zeroizing::new([0; N]);
    random.fill(&mut *bytes).map_err(|_| Refusal::new(ProblemType::Internal))?;
    Ok(bytes)
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
