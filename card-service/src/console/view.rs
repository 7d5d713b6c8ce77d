//! What the templates show: page structs, filled with texts in the reader's language.
//!
//! Pure: no request, no database. A page struct embeds its [`Frame`]; the test renders each in every language.

use askama::Template;
use card_schema::clock::Micros;
use card_schema::envelope::receipt::Outcome;
use card_schema::ids::PaperNumber;
use card_schema::money::Fen;
use card_schema::operation::OperationCode;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::frame::Frame;
use super::model::Tone;
use crate::cards::activity::ActivityPurpose;
use crate::cards::activity::store::Activity;
use crate::cards::model::CardState;
use crate::evidence::store::Checkpoint;
use crate::hex;
use crate::i18n::Locale;
use crate::people::Purpose;

/// A field that has to be filled in otherwise.
#[derive(Clone, Debug)]
pub struct Wrong {
    /// The field's id.
    pub field: &'static str,
    /// What to do.
    pub text: String,
}

/// Signing in.
#[derive(Debug, Template)]
#[template(path = "console/sign_in.html")]
pub struct SignInPage {
    /// See [`Frame`].
    pub frame: Frame,
    /// Where to go afterwards.
    pub to: String,
    /// What was typed.
    pub name: String,
    /// What was wrong with it.
    pub wrong: Option<Wrong>,
}

impl SignInPage {
    fn wrong_text(&self, field: &str) -> Option<&str> {
        self.wrong.as_ref().filter(|wrong| wrong.field == field).map(|wrong| wrong.text.as_str())
    }

    fn is_wrong(&self, field: &str) -> bool {
        self.wrong_text(field).is_some()
    }
}

/// One answer of several.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What it says.
    pub text: String,
    /// What it means, where that needs saying.
    pub hint: String,
    /// Whether it is the answer so far.
    pub chosen: bool,
}

impl Choice {
    /// An answer that needs no explanation and is not chosen yet.
    pub fn new(value: impl Into<String>, text: String) -> Self {
        Self { value: value.into(), text, hint: String::new(), chosen: false }
    }

    /// Why activity is looked at.
    pub fn of_activity(locale: Locale) -> Vec<Self> {
        let choice = |purpose: ActivityPurpose| Self {
            hint: locale.text(&format!("console-purpose-{}-hint", purpose.name())),
            ..Self::new(purpose.name(), activity_purpose(locale, purpose))
        };
        ActivityPurpose::ALL.map(choice).into()
    }

    /// Why a person's record is read, as far as a role may.
    pub fn of_person(locale: Locale, purposes: &[Purpose]) -> Vec<Self> {
        purposes.iter().map(|purpose| Self::new(purpose.name(), reason(locale, *purpose))).collect()
    }
}

/// A purpose of looking at activity in words.
pub fn activity_purpose(locale: Locale, purpose: ActivityPurpose) -> String {
    locale.text(&format!("console-purpose-{}", purpose.name()))
}

/// A purpose of reading a person's record in words.
pub fn reason(locale: Locale, purpose: Purpose) -> String {
    locale.text(&format!("console-reason-{}", purpose.name().replace('_', "-")))
}

/// Asks why, before activity is shown.
#[derive(Debug, Template)]
#[template(path = "console/purpose.html")]
pub struct PurposePage {
    /// See [`Frame`].
    pub frame: Frame,
    /// The page that it is asked for.
    pub action: String,
    /// What may be answered.
    pub purposes: Vec<Choice>,
    /// An answer came that is none of them.
    pub missing: bool,
}

/// How something stands: in words, and for those who look before they read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// In words.
    pub text: String,
    /// How good that is.
    pub tone: Tone,
}

impl Tag {
    /// Of where a card is in its life.
    pub fn of_card(locale: Locale, state: CardState) -> Self {
        Self { text: card_state(locale, state), tone: Tone::of_state(state) }
    }
}

/// A card's state in words.
pub fn card_state(locale: Locale, state: CardState) -> String {
    locale.text(&format!("console-state-{}", state.name()))
}

/// What is done by a tap, in words.
pub fn operation_text(locale: Locale, operation: Option<OperationCode>) -> String {
    let key = operation.map_or_else(|| "unknown".to_owned(), |code| code.name().replace(['.', '_'], "-"));
    locale.text(&format!("console-operation-{key}"))
}

/// A line of a list of taps.
#[derive(Debug)]
pub struct RowView {
    datetime: String,
    clock: String,
    date: String,
    card: String,
    card_short: String,
    operation: String,
    amount: Option<String>,
    /// Of what moved money that can be moved back: the tap's number.
    tap: Option<i64>,
    /// How much of that went back since.
    reversed: Option<String>,
    outcome: String,
    tone: &'static str,
    mark: &'static str,
    terminal: String,
    organisation: String,
}

impl RowView {
    /// In words of a language.
    pub fn new(locale: Locale, row: &Activity) -> Self {
        let at = beijing(row.place.at);
        let tone = Tone::of_outcome(Outcome::from_number(row.outcome));
        // Only money that moved has a direction.
        let sign = match row.operation {
            _ if row.outcome != Outcome::Accepted.number() => "",
            Some(OperationCode::PurseTopUp | OperationCode::PurseRefund | OperationCode::PurseVoid) => "+",
            _ => "−",
        };
        let (terminal, organisation) =
            row.terminal.clone().unwrap_or_else(|| (locale.text("console-unknown-terminal"), String::new()));
        let card = row.card.to_string();
        Self {
            datetime: at.strftime("%Y-%m-%dT%H:%M:%S+08:00").to_string(),
            clock: at.strftime("%H:%M:%S").to_string(),
            date: at.strftime("%Y-%m-%d").to_string(),
            card_short: short(&card),
            card,
            operation: operation_text(locale, row.operation),
            amount: row.amount.map(|amount| format!("{sign}{amount}")),
            tap: row.is_reversible().then_some(row.tap),
            reversed: (row.reversed > Fen::ZERO)
                .then(|| locale.text_with("reversal-reversed", &[("amount", &row.reversed.to_string())])),
            outcome: locale.text(&format!("console-outcome-{}", row.outcome)),
            tone: tone.class(),
            mark: tone.mark(),
            terminal,
            organisation,
        }
    }
}

/// The part of a card's number that people compare: its first eight characters, which no other card has.
pub fn short(card: &str) -> String {
    card.chars().take(8).collect()
}

fn beijing(at: Micros) -> DateTime {
    let at = Timestamp::from_microsecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH);
    Offset::constant(8).to_datetime(at)
}

/// A day as people write it.
pub fn day(at: Micros) -> String {
    beijing(at).strftime("%Y-%m-%d").to_string()
}

/// A minute as people write it.
pub fn minute(at: Micros) -> String {
    beijing(at).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The number of a paper as people compare it: in groups of four.
pub fn grouped(number: PaperNumber) -> String {
    let digits: Vec<char> = number.to_string().chars().collect();
    digits.chunks(4).map(|group| group.iter().collect()).collect::<Vec<String>>().join(" ")
}

/// How many lines a list has, in words.
pub fn caption(locale: Locale, count: usize) -> String {
    locale.text_with("console-activity-caption", &[("count", &count.to_string())])
}

/// The newest signed head of the log.
#[derive(Debug)]
pub struct Evidence {
    size: u64,
    root: String,
    at: String,
}

impl From<Checkpoint> for Evidence {
    fn from(checkpoint: Checkpoint) -> Self {
        let hex = hex::encode(&checkpoint.root);
        let groups: Vec<&str> =
            hex.as_bytes().chunks(8).map(|group| std::str::from_utf8(group).expect("hex is ASCII")).collect();
        Self { size: checkpoint.size, root: groups.join(" "), at: minute(checkpoint.at) }
    }
}

/// The newest taps.
#[derive(Debug, Template)]
#[template(path = "console/activity.html")]
pub struct ActivityPage {
    /// See [`Frame`].
    pub frame: Frame,
    /// Why it is looked at, as in the address.
    pub purpose: &'static str,
    /// The same in words.
    pub purpose_text: String,
    /// The lines.
    pub list: Vec<RowView>,
    /// What the list is.
    pub caption: String,
    /// Whether newer lines are on another page.
    pub paged: bool,
    /// Where older lines begin.
    pub older: Option<String>,
    /// The log's newest head.
    pub evidence: Option<Evidence>,
}

/// A holder, shown in part to somebody who said why.
#[derive(Debug)]
pub struct HolderView {
    /// Masked.
    pub name: String,
    /// Masked.
    pub document: String,
    /// Why.
    pub purpose: String,
}

/// One card.
#[derive(Debug, Template)]
#[template(path = "console/card.html")]
pub struct CardPage {
    /// See [`Frame`].
    pub frame: Frame,
    /// Why its activity is looked at.
    pub purpose: &'static str,
    /// Its whole number.
    pub card: String,
    /// See [`short`].
    pub card_short: String,
    /// Its state.
    pub state: Tag,
    /// Its last day.
    pub expires: String,
    /// When it was put to issue.
    pub issued: String,
    /// Since when it is in its state.
    pub changed: String,
    /// The holder, once a purpose was stated and recorded.
    pub holder: Option<HolderView>,
    /// Whether it is no holder's, but a member of staff's.
    pub is_of_staff: bool,
    /// For which purposes the reader may see the holder.
    pub purposes: Vec<Choice>,
    /// The holder was asked for without a purpose.
    pub missing: bool,
    /// The lines.
    pub list: Vec<RowView>,
    /// What the list is.
    pub caption: String,
    /// Where older lines begin.
    pub older: Option<String>,
}

/// Something did not work, and what to do next.
#[derive(Debug, Template)]
#[template(path = "console/error.html")]
pub struct ErrorPage {
    frame: Frame,
    status: u16,
    title: String,
    detail: Option<String>,
    next: String,
}

impl ErrorPage {
    /// The page of a status.
    pub fn new(locale: Locale, status: u16, title: String, detail: Option<String>) -> Self {
        let known = match status {
            403 | 404 | 429 | 503 => status,
            400..500 => 400,
            _ => 500,
        };
        let next = locale.text(&format!("console-error-next-{known}"));
        Self { frame: Frame::new(locale, "/", None), status, title, detail, next }
    }
}
