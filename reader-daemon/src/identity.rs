//! Who this terminal is: its key, its certificate, and the issuer's root it was enrolled with. Files of mode 0600 in
//! the data folder, replaced as a whole.
//!
//! The root comes from enrolment alone: nothing that the service says later changes it.

use std::{
    fs,
    io::Write as _,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use card_schema::{clock::Micros, ids::TerminalId, wire::Bytes};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::tap::sign::TerminalKey;

/// What is kept besides the key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityFile {
    /// This terminal.
    pub terminal_id: TerminalId,
    /// Base URL of the service's listener for terminals.
    pub terminal_url: String,
    /// Base URL of the service's public listener.
    pub service_url: String,
    /// The terminal's certificate in DER.
    pub certificate: Bytes,
    /// Certificates between it and the root.
    pub chain: Vec<Bytes>,
    /// The issuer's root certificate in DER, as given at enrolment.
    pub root: Bytes,
}

/// The terminal's identity, ready for use.
pub struct Identity {
    /// What the file says.
    pub file: IdentityFile,
    /// The key for signing batches and abandoned numbers.
    pub key: Arc<TerminalKey>,
    pkcs8: Zeroizing<Vec<u8>>,
    data: PathBuf,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("file", &self.file).finish_non_exhaustive()
    }
}

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The terminal has not been enrolled.
    #[error("this terminal is not enrolled: there is no {0}")]
    NotEnrolled(PathBuf),
    /// A file cannot be read or written.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A file's content is not what this program wrote.
    #[error("{0} is damaged")]
    Damaged(PathBuf),
    /// Certificate and key cannot be used for TLS.
    #[error("the terminal's certificate cannot be used: {0}")]
    Tls(#[from] rustls::Error),
}

/// The terminal's key in PKCS #8 DER.
pub fn key_path(data: &Path) -> PathBuf {
    data.join("terminal.key")
}

fn file_path(data: &Path) -> PathBuf {
    data.join("terminal.json")
}

/// Whether the folder holds an identity.
pub fn exists(data: &Path) -> bool {
    file_path(data).exists()
}

impl Identity {
    /// Reads the identity.
    ///
    /// # Errors
    /// [`IdentityError::NotEnrolled`] before enrolment.
    pub fn load(data: &Path) -> Result<Self, IdentityError> {
        let path = file_path(data);
        if !path.exists() {
            return Err(IdentityError::NotEnrolled(path));
        }
        let text = fs::read(&path).map_err(|cause| IdentityError::File { path: path.clone(), cause })?;
        let file = serde_json::from_slice(&text).map_err(|_| IdentityError::Damaged(path))?;
        let path = key_path(data);
        let pkcs8 = fs::read(&path).map_err(|cause| IdentityError::File { path: path.clone(), cause })?;
        let pkcs8 = Zeroizing::new(pkcs8);
        let key = TerminalKey::from_pkcs8(&pkcs8).map_err(|_| IdentityError::Damaged(path))?;
        Ok(Self { file, key: Arc::new(key), pkcs8, data: data.to_owned() })
    }

    /// The same terminal with another certificate, which is kept.
    ///
    /// # Errors
    /// [`IdentityError::File`]; the certificate before it is kept then.
    pub fn renewed(&self, certificate: Bytes, chain: Vec<Bytes>) -> Result<Self, IdentityError> {
        let file = IdentityFile { certificate, chain, ..self.file.clone() };
        Self::save(&self.data, &file)?;
        Ok(Self { file, key: Arc::clone(&self.key), pkcs8: self.pkcs8.clone(), data: self.data.clone() })
    }

    /// A request for a certificate of the terminal's key: PKCS #10 in DER, without names.
    ///
    /// # Errors
    /// [`IdentityError::Damaged`] where the key is none.
    pub fn request(&self) -> Result<Vec<u8>, IdentityError> {
        let damaged = |_| IdentityError::Damaged(key_path(&self.data));
        let pair = KeyPair::try_from(self.pkcs8.as_slice()).map_err(damaged)?;
        let csr = CertificateParams::default().serialize_request(&pair).map_err(damaged)?;
        Ok(csr.der().to_vec())
    }

    /// Keeps what enrolment brought.
    ///
    /// # Errors
    /// [`IdentityError::File`].
    pub fn save(data: &Path, file: &IdentityFile) -> Result<(), IdentityError> {
        let text = serde_json::to_vec_pretty(file).expect("plain data always serialises");
        write_private(&file_path(data), &text)
    }

    /// TLS towards the service: the enrolled root only, and this terminal's certificate.
    ///
    /// # Errors
    /// [`IdentityError::Tls`].
    pub fn tls(&self) -> Result<rustls::ClientConfig, IdentityError> {
        let certificate = |der: &Bytes| CertificateDer::from(der.0.clone());
        let chain = std::iter::once(&self.file.certificate).chain(&self.file.chain).map(certificate).collect();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.pkcs8.to_vec()));
        Ok(crate::tls::client_config(&certificate(&self.file.root), Some((chain, key)))?)
    }
}

/// From when to when a certificate (DER) of this key (uncompressed point) is valid.
///
/// # Errors
/// What is wrong with it, in words.
pub fn validity(certificate: &[u8], key: &[u8]) -> Result<Range<Micros>, &'static str> {
    let (_, certificate) =
        x509_parser::parse_x509_certificate(certificate).map_err(|_| "its certificate cannot be read")?;
    if certificate.public_key().subject_public_key.data != key {
        return Err("its certificate is for another key");
    }
    let at = |time: x509_parser::time::ASN1Time| Micros(time.timestamp().saturating_mul(1_000_000));
    Ok(at(certificate.validity().not_before)..at(certificate.validity().not_after))
}

/// Writes a file that only its owner may read, as a whole or not at all, and durably.
///
/// # Errors
/// [`IdentityError::File`].
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), IdentityError> {
    let write = || {
        let folder = path.parent().unwrap_or(Path::new("."));
        let beside = path.with_extension("new");
        let _ = fs::remove_file(&beside);
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        // The new name is durable only when its folder is.
        fs::File::open(folder)?.sync_all()
    };
    write().map_err(|cause| IdentityError::File { path: path.to_owned(), cause })
}

/// Makes the data folder, for its owner alone.
///
/// # Errors
/// [`IdentityError::File`].
pub fn make_folder(data: &Path) -> Result<(), IdentityError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(data).map_err(|cause| IdentityError::File { path: data.to_owned(), cause })
}
