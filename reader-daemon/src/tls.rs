//! TLS towards the service: ring, and no trust anchor but the issuer's root from enrolment.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer},
};

/// Makes ring the process's provider, for libraries that look for one. Harmless when repeated.
pub fn install_provider() {
    // An error says that a provider is installed already: nothing else in this program installs one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A configuration that trusts exactly `root`, and shows the terminal's certificate where one is given.
///
/// # Errors
/// Certificates or a key that rustls cannot use.
pub fn client_config(
    root: &CertificateDer<'static>,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone())?;
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots);
    let mut config = match identity {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key)?,
        None => builder.with_no_client_auth(),
    };
    // One connection at a time, kept open: a small cache of sessions is enough.
    config.resumption = rustls::client::Resumption::in_memory_sessions(4);
    Ok(config)
}
