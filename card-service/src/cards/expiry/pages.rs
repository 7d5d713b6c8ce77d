//! The list of cards that expire soon or have: what a station works with, because nobody is written to. It names nobody.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{MethodRouter, get};

use super::rules::Clock;
use super::store;
use crate::app::App;
use crate::cards::Card;
use crate::console::frame::Frame;
use crate::console::page;
use crate::console::view::{Tag, day, short};
use crate::http::{Refusal, SignedIn, language};
use crate::i18n::Locale;
use crate::people::model::Permission;

/// How many cards a list shows.
const LISTED: u32 = 40;

/// The pages by their paths.
pub fn routes() -> [(&'static str, MethodRouter<App>); 1] {
    [("/expiring", get(show))]
}

/// A card that is to be renewed.
#[derive(Clone, Debug)]
struct Line {
    holder: String,
    number: String,
    state: Tag,
    day: String,
}

/// Some of them.
#[derive(Clone, Debug)]
struct List {
    id: &'static str,
    title: String,
    none: String,
    lines: Vec<Line>,
    more: bool,
}

impl List {
    fn new(locale: Locale, clock: Clock<'_>, id: &'static str, cards: &[Card]) -> Self {
        let line = |card: &Card| Line {
            holder: card.holder_id.to_string(),
            number: short(&card.card_id.to_string()),
            state: Tag::of_card(locale, clock.state(card)),
            day: locale.text_with("expiring-last-day", &[("day", &day(card.expires_at))]),
        };
        Self {
            id,
            title: locale.text(&format!("expiring-{id}")),
            none: locale.text(&format!("expiring-{id}-none")),
            lines: cards.iter().take(LISTED as usize).map(line).collect(),
            more: cards.len() > LISTED as usize,
        }
    }
}

/// See the module.
#[derive(Debug, Template)]
#[template(path = "console/expiring.html")]
struct ExpiringPage {
    frame: Frame,
    lists: Vec<List>,
}

async fn show(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let (locale, now) = (language(&headers), app.now());
    let clock = Clock::at(now);
    let mut connection = app.db.read().await?;
    let soon = store::between(&mut connection, (now, clock.renewed_up_to()), LISTED + 1).await?;
    let over = store::ended(&mut connection, now, LISTED + 1).await?;
    page(&ExpiringPage {
        frame: Frame::new(locale, "/expiring", Some(&who.0)),
        lists: vec![List::new(locale, clock, "soon", &soon), List::new(locale, clock, "over", &over)],
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use card_schema::clock::Micros;
    use card_schema::ids::{CardId, HolderId, Shard};

    use super::*;
    use crate::cards::CardState;

    /// The page with nothing and with something on its lists.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        let clock = Clock::at(Micros(1_790_000_000_000_000));
        let card = |days: i64| Card {
            card_id: CardId::new(1204, Shard(3), [7; 16]),
            holder_id: HolderId::new(Shard(3), [8; 16]),
            state: CardState::Active,
            created_at: Micros(0),
            expires_at: Micros(1_790_000_000_000_000).plus_seconds(days * 86_400),
            changed_at: Micros(0),
        };
        let many = vec![card(5); LISTED as usize + 1];
        let shown = |name: &str, soon: &[Card], over: &[Card]| {
            let locale = frame.locale();
            let lists = vec![List::new(locale, clock, "soon", soon), List::new(locale, clock, "over", over)];
            (format!("expiring-{name}"), ExpiringPage { frame: frame.clone(), lists }.render().unwrap())
        };
        vec![shown("none", &[], &[]), shown("some", &many, &[card(-3)])]
    }
}
