//! `card-service healthcheck`: asks a running service, over TLS verified to the issuer's root, whether it is ready.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde::Serialize;

use super::Settings;
use super::output::{CliError, Context};
use crate::config::Config;
use crate::serve::CERTIFICATES;

/// How long the service may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Arguments of `healthcheck`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  card-service healthcheck --data-dir ./data
  card-service healthcheck --public-listen 127.0.0.1:8443 && echo ready")]
pub(super) struct HealthcheckArgs {}

#[derive(Serialize)]
struct Health {
    ready: bool,
}

pub(super) fn run(context: Context, settings: &Settings, _arguments: &HealthcheckArgs) -> Result<(), CliError> {
    let config = settings.load()?;
    let status = ask(&config)?;
    if !status.starts_with("HTTP/1.1 200") {
        return Err(CliError::nothing(context.locale.text("cli-not-ready")));
    }
    context.print(&Health { ready: true }, |_| context.locale.text("cli-ready"));
    Ok(())
}

/// The status line of `/readyz`.
fn ask(config: &Config) -> Result<String, CliError> {
    let root = config.certificates_dir().join(CERTIFICATES[0]);
    let root = CertificateDer::from_pem_file(&root)
        .map_err(|error| CliError::nothing(format!("{}: {error}", root.display())))?;
    let mut anchors = RootCertStore::empty();
    anchors.add(root).map_err(|error| CliError::failed(&error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| CliError::failed(&error))?
        .with_root_certificates(anchors)
        .with_no_client_auth();
    let host = config.public.hosts.first().cloned().unwrap_or_else(|| "localhost".to_owned());
    let name = ServerName::try_from(host.clone()).map_err(|error| CliError::usage(&error))?;
    let session = ClientConnection::new(Arc::new(client), name).map_err(|error| CliError::failed(&error))?;
    let unreachable = |error: std::io::Error| CliError::nothing(error.to_string());
    let socket = TcpStream::connect_timeout(&reachable(config.public.listen), TIMEOUT).map_err(unreachable)?;
    socket.set_read_timeout(Some(TIMEOUT)).map_err(unreachable)?;
    let mut stream = StreamOwned::new(session, socket);
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(unreachable)?;
    let mut head = [0; 64];
    let read = stream.read(&mut head).map_err(unreachable)?;
    Ok(String::from_utf8_lossy(&head[..read]).into_owned())
}

/// A service that listens on every address is reached on loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let mut address = listen;
    if listen.ip().is_unspecified() {
        address.set_ip(if listen.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    address
}
