//! Why bytes are not an envelope of ours.

/// Why an envelope was refused. Holds no payload data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Longer than anything we write.
    #[error("{found} bytes are more than the {limit} that this kind of message may have")]
    TooLarge {
        /// Bytes received.
        found: usize,
        /// The limit of the kind.
        limit: usize,
    },
    /// Not CBOR, or not of the expected shape.
    #[error("not the expected CBOR: {0}")]
    Malformed(String),
    /// Readable, but not the deterministic encoding (RFC 8949 §4.2.1), or followed by more bytes.
    #[error("not the deterministic encoding of its content")]
    NotCanonical,
    /// An algorithm other than ES256, or a protected header with other content.
    #[error("the protected header is not that of an ES256 signature")]
    ProtectedHeader,
    /// A version of the payload that this program does not know.
    #[error("payload version {0} is not known")]
    UnknownVersion(u64),
    /// A number that stands for nothing.
    #[error("unknown {0}")]
    UnknownValue(&'static str),
    /// A field longer than allowed.
    #[error("{0} is too long")]
    TooLong(&'static str),
    /// A public key that is not an uncompressed point of P-256.
    #[error("not an uncompressed P-256 point (SEC 1 §2.3.3)")]
    PublicKey,
    /// A signature that is not DER, or whose numbers are zero or too large.
    #[error("not an ECDSA signature over P-256")]
    SignatureEncoding,
    /// The signature is not that of this key over these bytes for this purpose.
    #[error("the signature does not verify")]
    SignatureMismatch,
}

impl From<minicbor::decode::Error> for EnvelopeError {
    fn from(error: minicbor::decode::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}
