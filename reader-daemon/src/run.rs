//! The daemon itself: everything composed, from start to a stop in good order. Decides nothing about taps.

use std::{
    fs::{File, TryLockError},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{signal::unix, sync::watch, task::JoinHandle};

use crate::{
    card::{apdu_trace, monitor::Monitor, readers::Readers},
    clinic::Clinic,
    config::Config,
    counter::Counter,
    identity::{Identity, IdentityError},
    jobs::Jobs,
    local::{self, App, Prompts, Visits},
    outbox::{Outbox, OutboxError},
    station::{Presence, Stations},
    submit::{self, Submitter, client::ServiceClient},
    tap::Shared,
    validator::Validator,
};

/// The outbox's name in the data folder.
pub const OUTBOX_FILE: &str = "outbox.db";
/// Held by the daemon that uses the folder.
const LOCK_FILE: &str = "daemon.lock";

/// Why the daemon did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No usable identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// No usable outbox.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// Another daemon uses the folder.
    #[error("another daemon uses {0}")]
    Running(PathBuf),
    /// The local API's address cannot be had.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
    /// The local API's listener failed.
    #[error("the local API failed: {0}")]
    Serve(std::io::Error),
}

/// Runs until the process is asked to stop.
///
/// # Errors
/// [`RunError`].
pub async fn run(config: &Config) -> Result<(), RunError> {
    let data = &config.data_dir;
    let identity = Arc::new(Identity::load(data)?);
    let _lock = lock(data)?;
    apdu_trace::mark("start");
    let outbox = Arc::new(Outbox::open(&data.join(OUTBOX_FILE), identity.file.terminal_id).await?);
    let known = Shared::new(submit::load_known(&outbox, &identity).await?);
    let client = Arc::new(ServiceClient::new(&identity)?);

    let refresh = Duration::from_secs(config.refresh_s.max(1));
    let submitter =
        Submitter::new(Arc::clone(&outbox), Arc::clone(&client), Arc::clone(&identity), known.clone(), refresh);
    let handle = submitter.handle();

    let readers = Arc::new(Readers::new());
    let (monitor, events) = Monitor::start();
    let unplugged = Arc::clone(&readers);
    let presence = Presence::follow(events, config.reader.clone(), move |reader| unplugged.forget(reader));
    let terminal = identity.file.terminal_id;
    let key = Arc::clone(&identity.key);
    let stations = Arc::new(Stations::new(readers, presence, Arc::clone(&outbox), known.clone(), key, terminal));
    let prompts = Prompts::default();

    let address = config.local.listen;
    let listening = local::listen(address).await.map_err(|cause| RunError::Listen { address, cause })?;
    let local_file = config.local_file();
    listening.announce(&local_file)?;
    tracing::info!(%terminal, address = %listening.file.address, "the daemon is ready");

    let service = Arc::clone(&client);
    let jobs = Jobs { client, stations: Arc::clone(&stations), prompts: prompts.clone(), submitter: handle.clone() };
    let background = [tokio::spawn(submitter.run()), tokio::spawn(jobs.run())];
    let clinic = Clinic::default();
    let counter = Counter::new(
        Arc::clone(&stations),
        Arc::clone(&outbox),
        handle.clone(),
        Arc::clone(&service),
        known.clone(),
        clinic.clone(),
    );
    let forgetting = tokio::spawn(clinic.clone().keep_short());
    let validator = Validator::load(Arc::clone(&stations), Arc::clone(&outbox), handle.clone()).await?;
    let validating = tokio::spawn(validator.clone().run());
    let (stop, stopping) = watch::channel(false);
    let app = App {
        stations: Arc::clone(&stations),
        outbox,
        known,
        service,
        submitter: handle,
        prompts,
        counter,
        clinic,
        validator,
        visits: Visits::default(),
        stopping,
    };
    let stop_asked = async move {
        self::stop_asked().await;
        stop.send_replace(true);
    };
    let served = listening.serve(app, stop_asked).await.map_err(RunError::Serve);

    // Nobody is to find an address where nobody listens.
    let _ = std::fs::remove_file(&local_file);
    background.iter().for_each(JoinHandle::abort);
    validating.abort();
    forgetting.abort();
    stations.release().await;
    drop(monitor);
    apdu_trace::mark("stop");
    tracing::info!("the daemon has stopped");
    served
}

/// One daemon a folder: two would use the same counters.
fn lock(data: &Path) -> Result<File, RunError> {
    let path = data.join(LOCK_FILE);
    let failed = |cause| IdentityError::File { path: path.clone(), cause };
    let file = File::create(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RunError::Running(data.to_owned())),
        Err(TryLockError::Error(cause)) => Err(failed(cause).into()),
    }
}

/// Ctrl-C, or SIGTERM from a service manager.
async fn stop_asked() {
    let mut terminate = unix::signal(unix::SignalKind::terminate()).expect("a handler for SIGTERM can be set");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
