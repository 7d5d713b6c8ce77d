//! Signing in with a staff card and its PIN (decision 0032): a terminal is given a challenge, the card signs it for this
//! console, and once that tap is accepted the terminal gets a link that begins a session, once.
//!
//! What is under way lives in memory and is good for minutes: after a restart the card is put on the reader again. Not
//! here: how a card becomes somebody's (`cards::issuance`), and who agrees that they sign in with it (`approval`).

pub mod api;
pub mod pages;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Mutex;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use card_schema::clock::Micros;
use card_schema::envelope::receipt::Outcome;
use card_schema::ids::{CardId, TapId, TerminalId};
use card_schema::operation::{Operation, sign_in::SignIn};
use card_schema::wire::ProblemType;
use zeroize::Zeroizing;

use super::StaffId;
use super::session::{self, Begun};
use crate::app::App;
use crate::cards::expiry::rules::Clock;
use crate::cards::{self, Bearer, Card, CardState};
use crate::http::Refusal;
use crate::intake;

/// So long somebody may take to put the card on the reader and type the PIN.
const CHALLENGE_SECONDS: i64 = 5 * 60;
/// So long a link is good.
const LINK_SECONDS: i64 = 60;
/// The page of a link.
const PAGE: &str = "/sign-in/card";

/// What a terminal was given to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Challenge {
    bytes: [u8; 32],
    until: Micros,
}

/// Whom a link signs in, with which card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Link {
    staff: StaffId,
    card: CardId,
    until: Micros,
}

/// Sign-ins that are under way: at most one a terminal, so that there are no more of them than terminals.
#[derive(Debug, Default)]
pub struct SignIns {
    challenges: Mutex<HashMap<TerminalId, Challenge>>,
    /// By the hash of what stands in the link, for the terminal that it was given to.
    links: Mutex<HashMap<TerminalId, ([u8; 32], Link)>>,
}

impl SignIns {
    fn challenges(&self) -> std::sync::MutexGuard<'_, HashMap<TerminalId, Challenge>> {
        self.challenges.lock().expect("nothing panics while holding the challenges")
    }

    fn links(&self) -> std::sync::MutexGuard<'_, HashMap<TerminalId, ([u8; 32], Link)>> {
        self.links.lock().expect("nothing panics while holding the links")
    }

    /// Whom a link signs in, while it is good.
    fn find(&self, word: &str, now: Micros) -> Option<Link> {
        let hash = session::token_hash(word);
        self.links().values().find(|(of, link)| *of == hash && now < link.until).map(|(_, link)| *link)
    }

    /// The same, and the link is used up.
    fn take(&self, word: &str, now: Micros) -> Option<Link> {
        let found = self.find(word, now)?;
        let hash = session::token_hash(word);
        self.links().retain(|_, (of, _)| *of != hash);
        Some(found)
    }
}

/// Gives a terminal what a card is to sign. What it was given before is worth nothing any more.
fn challenge(app: &App, terminal: TerminalId) -> Result<Challenge, Refusal> {
    let given = Challenge { bytes: *app.random_bytes()?, until: app.now().plus_seconds(CHALLENGE_SECONDS) };
    app.sign_ins.challenges().insert(terminal, given);
    Ok(given)
}

/// Whom a card signs in: a working card of staff of which that was agreed.
fn bearer(card: &Card, now: Micros) -> Option<StaffId> {
    match card.bearer {
        Bearer::Staff(staff) if card.signs_in && Clock::at(now).state(card) == CardState::Active => Some(staff),
        Bearer::Staff(_) | Bearer::Holder(_) => None,
    }
}

/// The link for what a card has signed at a terminal: its address with the word that is good once.
///
/// # Errors
/// `Conflict` where the terminal has no challenge that is still good, or the tap is not the answer to it; `Forbidden`
/// where the card signs nobody in.
async fn link(app: &App, terminal: TerminalId, card: CardId, tap: TapId) -> Result<Zeroizing<String>, Refusal> {
    let over = || Refusal::because(ProblemType::Conflict, "card-sign-in-over");
    let now = app.now();
    let given = app.sign_ins.challenges().get(&terminal).copied().filter(|given| now < given.until);
    let given = given.ok_or_else(over)?;
    let mut connection = app.db.read().await?;
    let kept = intake::kept(&mut connection, card, tap).await?.ok_or_else(over)?;
    let asked = Operation::SignIn(SignIn { audience: app.public_url.clone(), challenge: given.bytes });
    if (kept.outcome, kept.terminal, &kept.operation) != (Outcome::Accepted, terminal, &asked) {
        return Err(over());
    }
    let found = cards::store::one(&mut connection, card).await?;
    let staff = found.and_then(|card| bearer(&card, now));
    let staff = staff.ok_or(Refusal::because(ProblemType::Forbidden, "card-sign-in-no-card"))?;
    // Used up only now: whoever asks again because the answer was lost gets none, and puts the card on the reader again.
    if app.sign_ins.challenges().remove(&terminal) != Some(given) {
        return Err(over());
    }
    let word = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(*app.random_bytes::<32>()?));
    let link = Link { staff, card, until: now.plus_seconds(LINK_SECONDS) };
    app.sign_ins.links().insert(terminal, (session::token_hash(&word), link));
    Ok(Zeroizing::new(format!("{}{PAGE}?link={}", app.public_url, *word)))
}

/// Begins the session of a link, once.
///
/// # Errors
/// `NotSignedIn` where the link is over, or the card or its bearer is out of use since.
async fn begin(app: &App, word: &str) -> Result<Begun, Refusal> {
    let over = || Refusal::because(ProblemType::NotFound, "card-sign-in-link-over");
    let link = app.sign_ins.take(word, app.now()).ok_or_else(over)?;
    let card = cards::store::one(&mut app.db.read().await?, link.card).await?;
    if card.and_then(|card| bearer(&card, app.now())) != Some(link.staff) {
        return Err(Refusal::because(ProblemType::Forbidden, "card-sign-in-no-card"));
    }
    session::begin_with_card(app, link.staff).await
}
