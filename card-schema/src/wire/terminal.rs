//! A terminal's enrolment, its profile, and the taps it brings.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Bytes, insurance::Insurance, journeys::Journeys};
use crate::{
    clock::Micros,
    ids::{CardId, OrganisationId, TapId, TerminalId},
    money::Fen,
    operation::OperationCode,
    points::Terms,
};

/// `POST /v1/enrolments`, on the public listener: a terminal asks for its certificate.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EnrolmentRequest {
    /// The one-time code that the office gave out.
    pub code: String,
    /// PKCS #10 request in DER, signed by the terminal's new key.
    pub csr: Bytes,
}

impl fmt::Debug for EnrolmentRequest {
    /// Without the code: it is worth a certificate until it is used.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnrolmentRequest").field("csr", &self.csr).finish_non_exhaustive()
    }
}

/// The answer to an enrolment.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnrolmentReply {
    /// The terminal's certificate in DER; its subject's common name is the terminal id.
    pub certificate: Bytes,
    /// Certificates from the terminal CA up to, not including, the root.
    pub chain: Vec<Bytes>,
    /// Base URL of the listener for terminals (mutual TLS).
    pub terminal_url: String,
    /// What the terminal may do and whom it trusts.
    pub profile: TerminalProfile,
}

/// The answer to `POST /v1/sign-ins`: what a member of staff's card is to sign at this terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignInChallenge {
    /// For `card.sign_in`: the origin of the console.
    pub audience: String,
    /// For `card.sign_in`: 32 bytes that are good for this sign-in, for some minutes.
    pub challenge: Bytes,
}

/// `POST /v1/sign-ins/links`: a card has signed what this terminal was given, and the tap was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignInProof {
    /// The card.
    pub card_id: CardId,
    /// The tap.
    pub tap_id: TapId,
}

/// The answer to a [`SignInProof`].
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignInLink {
    /// The page of the console that signs its bearer in: works once, for a minute.
    pub url: String,
}

impl fmt::Debug for SignInLink {
    /// Without the address: whoever opens it is signed in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInLink").finish_non_exhaustive()
    }
}

/// `POST /v1/statements`: a holder has just asked at this terminal for what there is of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StatementRequest {
    /// The card.
    pub card_id: CardId,
    /// The tap: a `purse.statement` that was accepted.
    pub tap_id: TapId,
}

/// The answer to a [`StatementRequest`], for the holder's eyes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StatementReply {
    /// What was booked, newest first.
    pub entries: Vec<StatementEntry>,
    /// Where the holder has travelled, and what it cost.
    pub journeys: Journeys,
    /// What there is of social security; nothing where the holder was never insured here.
    pub insurance: Option<Insurance>,
    /// Who has read the holder's record, newest first.
    pub reads: Vec<RecordRead>,
}

impl fmt::Debug for StatementReply {
    /// Without what it says: it is nobody's but the holder's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatementReply").finish_non_exhaustive()
    }
}

/// One entry of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StatementEntry {
    /// The terminal's clock, in microseconds since 1970.
    pub at: Micros,
    /// What was done.
    pub operation: OperationCode,
    /// The money that it was about.
    pub amount_fen: Option<Fen>,
    /// How much of that has gone back since.
    pub returned_fen: Option<Fen>,
    /// The points that the holder has more because of it; below zero for fewer.
    pub points: Option<i64>,
    /// Who runs the terminal.
    pub organisation: Option<String>,
}

/// Somebody has read a person's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordRead {
    /// When, in microseconds since 1970.
    pub at: Micros,
    /// In which role, by its name in the API.
    pub role: String,
    /// Of which station.
    pub station: Option<String>,
    /// Why, by the purpose's name in the API.
    pub purpose: String,
}

/// `POST /v1/certificates`: a terminal asks for another certificate of the key that it has.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RenewalRequest {
    /// PKCS #10 request for that key, in DER. Names in it are ignored.
    pub csr: Bytes,
}

/// A terminal's certificate.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RenewalReply {
    /// The terminal's certificate in DER.
    pub certificate: Bytes,
    /// Certificates between it and the root.
    pub chain: Vec<Bytes>,
}

/// `GET /v1/profile`: what a terminal may do and whom it trusts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TerminalProfile {
    /// The terminal.
    pub terminal_id: TerminalId,
    /// Its name for people.
    pub name: String,
    /// The organisation that runs it.
    pub organisation_id: OrganisationId,
    /// That organisation's name for people.
    pub organisation: String,
    /// The operations that it may submit.
    pub operations: Vec<OperationCode>,
    /// The limits that it keeps by itself.
    pub limits: Limits,
    /// The points that the organisation gives and takes; nothing where it takes part in no programme.
    pub points: Option<Terms>,
    /// Where people find the service: what its receipts lead to.
    pub public_url: String,
    /// Whom it trusts.
    pub trust: Trust,
}

/// Limits that a terminal applies before a card signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Limits {
    /// The largest payment without a PIN.
    pub no_pin_limit: Fen,
    /// The largest amount of one tap.
    pub tap_limit: Fen,
    /// The largest top-up that no member of staff approves.
    pub top_up_alone: Fen,
    /// What it accepts while it cannot reach the service.
    pub offline: OfflineLimits,
    /// How long a payment may be given back.
    pub refunds: RefundLimits,
    /// Of whose purse a payment leaves less than this, is told so.
    pub low_balance: Fen,
}

/// How long after a payment was booked it may be given back, by the service's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefundLimits {
    /// Days in which it may be refunded.
    pub refund_days: u32,
    /// Minutes in which it may be voided.
    pub void_minutes: u32,
}

impl RefundLimits {
    /// Whether a payment may be refunded so many microseconds after it was booked. With no days never.
    pub fn allows_refund(self, elapsed_us: u64) -> bool {
        within(u64::from(self.refund_days) * 86_400_000_000, elapsed_us)
    }

    /// The same for a void. With no minutes never.
    pub fn allows_void(self, elapsed_us: u64) -> bool {
        within(u64::from(self.void_minutes) * 60_000_000, elapsed_us)
    }
}

const fn within(longest_us: u64, elapsed_us: u64) -> bool {
    longest_us > 0 && elapsed_us <= longest_us
}

/// What a terminal accepts on its own. Everything that is accepted so stands: these limits bound what the issuer may lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OfflineLimits {
    /// The largest payment.
    pub tap: Fen,
    /// The most that one card pays on one day.
    pub card_day: Fen,
    /// How many payments of one card may wait for the service.
    pub card_count: u32,
    /// The most that all payments come to that wait for the service.
    pub terminal: Fen,
    /// Of a hundred cards, how many are drawn each day that have to reach the service, 0 to 100.
    pub drawn_percent: u8,
    /// Days since the service was reached last after which nothing is accepted.
    pub freeze_days: u32,
}

/// The keys and certificates that a terminal verifies with. All keys are `SubjectPublicKeyInfo` in DER.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Trust {
    /// The issuer's root certificate in DER.
    pub root: Bytes,
    /// Certificates of the CAs that sign cards' certificates, in DER.
    pub card_cas: Vec<Bytes>,
    /// Keys that sign receipts.
    pub receipt_keys: Vec<Bytes>,
    /// Keys that sign printed papers.
    pub paper_keys: Vec<Bytes>,
    /// URI of the status list.
    pub status_list: String,
    /// Keys that sign the status list and its changes.
    pub status_keys: Vec<Bytes>,
    /// The log's verifier key (C2SP signed-note vkey).
    pub log_key: String,
}

/// `POST /v1/batches`: taps for the service.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// An [`Envelope`](crate::envelope::Envelope) of a [`Batch`](crate::envelope::batch::Batch).
    pub batch: Bytes,
}

/// What became of the batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BatchReply {
    /// An [`Envelope`](crate::envelope::Envelope) of a [`Receipt`](crate::envelope::receipt::Receipt).
    pub receipt: Bytes,
}
