//! TLS server settings whose private key stays in the key store.
//!
//! Two listeners, two settings: the public one, and the terminals', which asks for a client
//! certificate of the terminal CA. Holds no sockets.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::server::{ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, Signer, SigningKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig, SignatureAlgorithm, SignatureScheme};

use super::{KeyStore, Role, der};

/// The TLS role's key, as rustls asks for it.
#[derive(Debug)]
struct TlsKey(Arc<dyn KeyStore>);

impl SigningKey for TlsKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered
            .contains(&SignatureScheme::ECDSA_NISTP256_SHA256)
            .then(|| Box::new(TlsSigner(Arc::clone(&self.0))) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

#[derive(Debug)]
struct TlsSigner(Arc<dyn KeyStore>);

impl Signer for TlsSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let raw = self.0.sign(Role::Tls, message).map_err(|error| rustls::Error::General(error.to_string()))?;
        Ok(der::ecdsa_signature(&raw))
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP256_SHA256
    }
}

fn identity(keys: &Arc<dyn KeyStore>, certificate: CertificateDer<'static>) -> Arc<dyn ResolvesServerCert> {
    let key = CertifiedKey::new(vec![certificate], Arc::new(TlsKey(Arc::clone(keys))));
    Arc::new(SingleCertAndKey::from(key))
}

/// Settings of the public listener: TLS 1.2 and 1.3, no client certificates.
pub fn public(keys: &Arc<dyn KeyStore>, certificate: CertificateDer<'static>) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(identity(keys, certificate));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Settings of the terminals' listener: TLS 1.3, and a client certificate that the terminal CA signed.
pub fn terminals(
    keys: &Arc<dyn KeyStore>,
    certificate: CertificateDer<'static>,
    terminal_ca: CertificateDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut anchors = RootCertStore::empty();
    anchors.add(terminal_ca)?;
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(anchors), Arc::clone(&provider))
        .build()
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(identity(keys, certificate));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
