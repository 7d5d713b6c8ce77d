//! Listens on loopback and leaves address and token in a file that only the daemon's own user can read.

use std::{net::SocketAddr, path::Path};

use axum::{Router, extract::DefaultBodyLimit, middleware, serve::ListenerExt as _};
use tokio::net::TcpListener;

use super::{
    api::{self, App},
    guard::{self, Gate},
    page,
    wire::LocalFile,
};
use crate::identity;

/// The largest request: an operation and a PIN.
const BODY_MAX: usize = 16 * 1024;

/// A listener that has its address.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    /// Where it is and what opens it.
    pub file: LocalFile,
}

/// Binds the address and makes a token.
///
/// # Errors
/// When the address is taken, or the system has no randomness.
pub async fn listen(address: SocketAddr) -> std::io::Result<Listening> {
    let listener = TcpListener::bind(address).await?;
    let token = guard::secret().map_err(|_| std::io::Error::other("no randomness"))?;
    let address = listener.local_addr()?;
    let file = LocalFile { address, token, pid: std::process::id() };
    Ok(Listening { listener, file })
}

impl Listening {
    /// Writes the file by which clients find us. From here on they may come.
    ///
    /// # Errors
    /// [`identity::IdentityError::File`].
    pub fn announce(&self, path: &Path) -> Result<(), identity::IdentityError> {
        identity::write_private(path, &serde_json::to_vec(&self.file).expect("plain data always serialises"))
    }

    /// Serves until `stop`.
    ///
    /// # Errors
    /// From the listener.
    pub async fn serve(self, app: App, stop: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
        let router = router(&app, Gate::new(self.file.address, &self.file.token, app.visits.clone()));
        // What changes is shown at once: an event does not wait until the one before it is acknowledged (RFC 896).
        let listener = self.listener.tap_io(|connection| {
            let _slower = connection.set_nodelay(true);
        });
        axum::serve(listener, router).with_graceful_shutdown(stop).await
    }
}

fn router(app: &App, gate: Gate) -> Router {
    // Outermost each: what does not pass reaches no handler, not even to learn whether it exists.
    let programs = api::routes(app.clone()).layer(middleware::from_fn_with_state(gate.clone(), guard::programs));
    let browsers = page::routes(app.clone()).layer(middleware::from_fn_with_state(gate, guard::browsers));
    programs.merge(browsers).layer(DefaultBodyLimit::max(BODY_MAX))
}
