//! The shapes of the local API: what a terminal page, a shop's register or the command line says to the daemon.
//!
//! There is no request that signs bytes of the caller's choice: a caller names an operation, the daemon makes the bytes.

use card_schema::{
    clock::Micros,
    envelope::receipt::Outcome,
    ids::{CardId, TapId, TerminalId},
    money::Fen,
    operation::OperationCode,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{
    cli::messages::CliError,
    counter::{Bearer, CardSeen},
    validator::Duty,
};

/// Where the running daemon is and what opens it: the content of `local.json`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalFile {
    /// `127.0.0.1:PORT`.
    pub address: std::net::SocketAddr,
    /// Bearer token, made anew at each start.
    pub token: String,
    /// The daemon's process id, for people.
    pub pid: u32,
}

impl std::fmt::Debug for LocalFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalFile").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A PIN on its way from a person to the card: written over when dropped, never shown.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PinText(pub String);

impl std::fmt::Debug for PinText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PinText")
    }
}

/// `POST /v1/taps`: do this operation with the card that is presented.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TapRequest {
    /// Which operation.
    pub operation: OperationCode,
    /// The amount, for operations that move money; for a payment the price, for `points.award` what was paid otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_fen: Option<Fen>,
    /// The points that the holder gives: for goods (`points.redemption`), or for money off (`purse.payment`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<u32>,
    /// The tap that is given back or undone, for `purse.refund`, `purse.void` and `points.undo`. This terminal has taken it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<TapId>,
    /// The reader by its PC/SC name; the only one when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reader: Option<String>,
    /// The holder's PIN, where the operation asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<PinText>,
    /// How long to wait for a card, in milliseconds.
    #[serde(default = "default_wait_ms")]
    pub wait_ms: u64,
    /// How long to wait for the service's answer once the tap is stored, in milliseconds; 0: not at all.
    #[serde(default = "default_receipt_wait_ms")]
    pub receipt_wait_ms: u64,
}

/// `POST /v1/sign-ins`: sign the member of staff in whose card is presented. The answer is a
/// [`SignInLink`](card_schema::wire::terminal::SignInLink).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    /// The reader by its PC/SC name; the only one when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reader: Option<String>,
    /// The card's PIN.
    pub pin: PinText,
    /// How long to wait for a card, in milliseconds.
    #[serde(default = "default_wait_ms")]
    pub wait_ms: u64,
}

/// `PUT /v1/validator`: what readers are there for from now on, all of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorRequest {
    /// A duty a reader; none for a machine that does not validate any more.
    pub duties: Vec<ValidatorDuty>,
}

/// What a reader is there for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidatorDuty {
    /// Its PC/SC name; all that are not named where there is none.
    pub reader: Option<String>,
    /// What it does with each card.
    #[serde(flatten)]
    pub duty: Duty,
}

/// `GET /v1/validator`: what readers are there for, and what they show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidatorReply {
    /// The version of the fares in force, if any is known.
    pub tariff: Option<u32>,
    /// What is known of who may pass, where this terminal is a gate and has been told.
    pub gate: Option<GateStatus>,
    /// What was set.
    pub duties: Vec<ValidatorDuty>,
    /// Readers that are at work.
    pub readers: Vec<ValidatorReader>,
}

/// What a gate knows, without saying of whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateStatus {
    /// When the service said so, by its clock.
    pub at: Micros,
    /// Whether it stands at a site.
    pub stands: bool,
    /// How many rights to pass there are, now or later.
    pub rights: usize,
}

/// `POST /v1/passes`: somebody without a card shows a visitor's pass at this gate. The answer is 204, or why not.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassRequest {
    /// The text of its square code.
    pub text: String,
}

impl std::fmt::Debug for PassRequest {
    /// Without the text: whoever has it passes.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PassRequest").finish_non_exhaustive()
    }
}

/// A reader at work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidatorReader {
    /// Its PC/SC name.
    pub reader: String,
    /// What it is there for.
    pub duty: Duty,
    /// How many cards it has had.
    pub cards: u64,
    /// Whether it shows what became of the last one.
    pub shown: bool,
    /// Why that one was refused, if it was.
    pub refusal: Option<Refusal>,
    /// Where its time went, if it signed.
    pub timing: Option<Timing>,
}

/// Whom a page at the reader is for: screens of one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// Whoever owns the card.
    Holder,
    /// Whoever works here.
    Counter,
    /// Whoever sets readers that work alone.
    Validator,
}

/// `POST /v1/pages`: lets one browser on this machine open a page at the reader. The answer is a [`PageLink`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageRequest {
    /// Which page. The counter's browser may open the holder's too, and no other another.
    pub view: View,
}

/// What lets a browser in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageLink {
    /// Path with the daemon's address before it; works once, for a minute.
    pub path: String,
}

/// How long a tap waits for a card when the caller does not say.
pub const fn default_wait_ms() -> u64 {
    30_000
}

/// How long a tap waits for the service's answer when the caller does not say.
pub const fn default_receipt_wait_ms() -> u64 {
    3_000
}

/// What became of a tap so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TapState {
    /// Signed and safe in the outbox; the service has not answered yet.
    Signed,
    /// The service has accepted it.
    Accepted,
    /// Refused, by the terminal before anything was signed or by the service: `refusal` or `outcome` says why.
    Refused,
}

/// Why not, for people and programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Refusal {
    /// Stable name, kebab-case.
    pub code: String,
    /// Simplified Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl From<&CliError> for Refusal {
    fn from(error: &CliError) -> Self {
        Self { code: error.code.to_string(), zh: error.zh.clone(), en: error.en.clone() }
    }
}

/// `PUT /v1/transactions/{id}`: what a register orders.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransactionRequest {
    /// `purse.payment`, `purse.top_up`, `purse.refund`, `purse.void`, `points.award`, `points.redemption`, `points.undo`:
    /// what this terminal may do.
    pub operation: OperationCode,
    /// Above zero. For a payment the price, for a void all that was paid, for an award what was paid otherwise; not for
    /// `points.redemption` and `points.undo`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_fen: Option<Fen>,
    /// The points that the holder gives: for goods (`points.redemption`), or for money off a price (`purse.payment`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<u32>,
    /// For a refund, a void or an undo: the `tap_id` of what goes back, which this terminal has taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<TapId>,
    /// The reader by its PC/SC name; the only one when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reader: Option<String>,
}

/// Where a transaction stands, and the name of the event that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransactionState {
    /// The holder is to type the PIN.
    Pin,
    /// The holder is to hold the card to the reader.
    InsertCard,
    /// Card or service are at work: nobody can give up.
    Progress,
    /// It is over: `result` says how.
    Result,
}

impl TransactionState {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pin => "pin",
            Self::InsertCard => "insert_card",
            Self::Progress => "progress",
            Self::Result => "result",
        }
    }
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransactionResult {
    /// The service has accepted it.
    Accepted,
    /// Accepted without the service, and guaranteed.
    AcceptedOffline,
    /// Signed, but the service has not answered and nothing is guaranteed: ask again before goods go out.
    Unconfirmed,
    /// Nothing was charged: `reason` says why.
    Refused,
    /// Somebody gave up, or nobody came: nothing was charged.
    GivenUp,
}

/// A transaction as a register is told of it: no balance, and nothing that names card or holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TransactionReply {
    /// The register's number.
    pub id: Uuid,
    /// What was ordered.
    pub operation: OperationCode,
    /// The amount, where money moves: what is left of the price.
    pub amount_fen: Option<Fen>,
    /// What points take off the price.
    pub discount_fen: Option<Fen>,
    /// The points that the holder has more when it is accepted; below zero for fewer.
    pub points: Option<i64>,
    /// Where it stands.
    pub state: TransactionState,
    /// Whose card and PIN it asks for: above a limit a member of staff approves a top-up first.
    pub asked: Bearer,
    /// What is known of the card.
    pub card: CardSeen,
    /// Why once more, or why not.
    pub reason: Option<Refusal>,
    /// How it ended; nothing before.
    pub result: Option<TransactionResult>,
    /// The tap, as soon as one is signed.
    pub tap_id: Option<TapId>,
}

/// Where the time of a tap went, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// From the card-present event (or the request, where the card lay there before) to the durable row in the outbox.
    pub present_to_durable_us: u64,
    /// Of that: handing over to the reader's thread, connecting to the card and beginning its transaction.
    pub connect_us: u64,
    /// Of that: the card's answers to its commands.
    pub card_us: u64,
    /// Of that: the outbox's one statement.
    pub outbox_us: u64,
    /// Of the statement: from the commit's start on, writing and waiting for the disk.
    pub disk_us: u64,
    /// This program's own work in the transaction: neither card nor disk.
    pub own_us: u64,
}

/// How a holder's points stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointsReply {
    /// What was added; below zero for what was taken.
    pub moved: i64,
    /// How many there are, where the service says it.
    pub balance: Option<i64>,
}

/// The answer to [`TapRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapReply {
    /// What became of it.
    pub state: TapState,
    /// The tap, when one was signed.
    pub tap_id: Option<TapId>,
    /// The card that was presented.
    pub card_id: Option<CardId>,
    /// The service's decision, when it has answered.
    pub outcome: Option<Outcome>,
    /// The holder's balance afterwards, when the service has said it.
    pub balance_fen: Option<Fen>,
    /// The holder's points, when the service has said how they stand.
    pub points: Option<PointsReply>,
    /// Why the terminal refused.
    pub refusal: Option<Refusal>,
    /// Where the time went.
    pub timing: Timing,
    /// Commands sent to the card.
    pub apdus: u32,
    /// Bytes exchanged with the card, both ways.
    pub wire_bytes: u32,
}

/// What a job waits for from the person at the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromptKind {
    /// A PIN of the holder's own choice, for a new card.
    NewPin,
    /// The holder's PIN.
    Pin,
    /// Agreement to a text, and the PIN to sign it.
    Consent,
    /// A card is to be put on the reader.
    InsertCard,
}

/// One entry of `GET /v1/prompts`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// For the answer.
    pub id: Uuid,
    /// What is asked.
    pub kind: PromptKind,
    /// The reader that the card is in.
    pub reader: Option<String>,
    /// The text to agree to, for [`PromptKind::Consent`].
    pub text: Option<String>,
    /// PIN tries left, where known.
    pub tries_left: Option<u8>,
}

/// `POST /v1/prompts/{id}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptAnswer {
    /// The PIN, where one is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<PinText>,
    /// False to decline.
    #[serde(default)]
    pub confirm: bool,
}

/// One reader in [`Status`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaderStatus {
    /// PC/SC name.
    pub name: String,
    /// Whether a card is in it.
    pub card_present: bool,
}

/// `GET /v1/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// This terminal.
    pub terminal_id: TerminalId,
    /// Its name for people.
    pub name: String,
    /// Readers that PC/SC shows.
    pub readers: Vec<ReaderStatus>,
    /// Taps that the service has not answered.
    pub pending: u64,
    /// Version of the status list in force, 0 for none.
    pub status_version: u64,
    /// Whether the last exchange with the service succeeded; nothing before the first.
    pub online: Option<bool>,
}

/// One entry of `GET /v1/outbox`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// The tap.
    pub tap_id: TapId,
    /// Its operation.
    pub operation: OperationCode,
    /// The card, unless the terminal spoke on its own.
    pub card_id: Option<CardId>,
    /// Reader lane.
    pub lane: u8,
    /// Counter in the lane.
    pub counter: u64,
    /// Terminal clock, microseconds since 1970 UTC.
    pub at: Micros,
    /// The amount, if money moves.
    pub amount_fen: Option<Fen>,
}

/// `GET /v1/outbox`: what waits for the service, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxReply {
    /// How many taps wait altogether.
    pub pending: u64,
    /// The oldest of them, at most 1,000.
    pub taps: Vec<OutboxEntry>,
}

/// Every error of the local API: RFC 9457, with the text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LocalProblem {
    /// `urn:nrc:daemon:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// English.
    pub title: String,
    /// Simplified Chinese.
    pub title_zh: String,
    /// The HTTP status, repeated.
    pub status: u16,
}

impl LocalProblem {
    /// What every `type` starts with.
    pub const PREFIX: &'static str = "urn:nrc:daemon:";
}
