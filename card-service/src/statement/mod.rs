//! What a holder is shown of their own at a station, after the PIN: the newest entries of the purse and of points, what journeys have
//! cost and why, what has become of their months of social security, and who has read their record and why (decisions 0049, 0055 and
//! 0063).
//!
//! A terminal gets it for a tap of the holder that was just accepted there, and for nothing else. Social security is put together here
//! (`insurance`) for the pages of the console, too. Not here: what staff see of cards (`cards::activity`) and of a person
//! (`console::timeline`).

pub mod api;
pub mod insurance;
#[cfg(test)]
mod tests;

use card_schema::envelope::receipt::Outcome;
use card_schema::ids::{CardId, TapId, TerminalId};
use card_schema::month::Month;
use card_schema::operation::Operation;
use card_schema::wire::ProblemType;
use card_schema::wire::terminal::{StatementEntry, StatementReply};

use crate::app::App;
use crate::cards;
use crate::cards::activity::store::Activity;
use crate::domains::residence;
use crate::domains::transit::history;
use crate::http::Refusal;
use crate::intake;

/// So long after the tap the terminal may ask: the holder stands there still.
const GOOD_SECONDS: i64 = 120;
/// How many entries are shown.
const ENTRIES: u32 = 20;
/// How far back it goes, and how many reads of the record are told.
const BACK_SECONDS: i64 = 90 * 86_400;
const READS: u32 = 20;

/// What a tap lets its terminal know.
///
/// # Errors
/// `Conflict` where it is no such tap, was not accepted, is another terminal's, or too long ago.
async fn of(app: &App, terminal: TerminalId, card: CardId, tap: TapId) -> Result<StatementReply, Refusal> {
    let over = || Refusal::because(ProblemType::Conflict, "statement-over");
    let now = app.now();
    let mut connection = app.db.read().await?;
    let kept = intake::kept(&mut connection, card, tap).await?.ok_or_else(over)?;
    let is_asked = matches!(kept.operation, Operation::PurseStatement(_));
    let is_good = now < kept.received_at.plus_seconds(GOOD_SECONDS);
    if (kept.outcome, kept.terminal, is_asked, is_good) != (Outcome::Accepted, terminal, true, true) {
        return Err(over());
    }
    let found = cards::store::one(&mut connection, card).await?;
    let holder = found.and_then(|card| card.bearer.holder()).ok_or_else(over)?;
    let since = now.plus_seconds(-BACK_SECONDS);
    let entries = cards::activity::store::of_holder(&mut connection, holder, since, ENTRIES).await?;
    let reads = residence::store::readers(&mut connection, holder, since, READS).await?;
    let journeys = history::of_holder(&mut connection, &app.fares, holder, now).await?;
    let person = residence::merge::primary(&mut connection, holder).await?;
    let this = Month::of(app.today());
    let insurance = insurance::of(&mut connection, person, now, this).await?.told(this);
    Ok(StatementReply { entries: entries.into_iter().filter_map(entry).collect(), journeys, insurance, reads })
}

/// A tap as its holder sees it.
fn entry(tap: Activity) -> Option<StatementEntry> {
    Some(StatementEntry {
        at: tap.place.at,
        operation: tap.operation?,
        amount_fen: tap.amount,
        returned_fen: tap.is_reversible().then_some(tap.reversed).filter(|returned| returned.0 > 0),
        points: tap.points,
        organisation: tap.terminal.map(|(_, organisation)| organisation),
    })
}
