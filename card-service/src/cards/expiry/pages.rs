//! The list of cards that expire soon or have: what a station works with, because nobody is written to. It names nobody.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use card_schema::ids::HolderId;

use super::rules::Clock;
use super::store;
use crate::app::App;
use crate::cards::Card;
use crate::console::frame::Frame;
use crate::console::page;
use crate::console::register::{Due, DueList, DuePage};
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

fn list(locale: Locale, clock: Clock<'_>, id: &'static str, cards: &[Card]) -> DueList {
    let due = |(holder, card): (HolderId, &Card)| Due {
        to: format!("/holders/{holder}"),
        number: short(&card.card_id.to_string()),
        state: Tag::of_card(locale, clock.state(card)),
        day: locale.text_with("expiring-last-day", &[("day", &day(card.expires_at))]),
    };
    let cards = cards.iter().filter_map(|card| Some((card.bearer.holder()?, card)));
    let (title, none) = (locale.text(&format!("expiring-{id}")), locale.text(&format!("expiring-{id}-none")));
    DueList::new(id, title, none, LISTED as usize, cards.map(due))
}

fn due_page(frame: Frame, clock: Clock<'_>, soon: &[Card], over: &[Card]) -> DuePage {
    let locale = frame.locale();
    DuePage {
        title: locale.text("expiring-title"),
        lead: locale.text("expiring-lead"),
        number: locale.text("console-col-card"),
        lists: vec![list(locale, clock, "soon", soon), list(locale, clock, "over", over)],
        frame,
    }
}

async fn show(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let now = app.now();
    let clock = Clock::at(now);
    let mut connection = app.db.read().await?;
    let soon = store::between(&mut connection, (now, clock.renewed_up_to()), LISTED + 1).await?;
    let over = store::ended(&mut connection, now, LISTED + 1).await?;
    page(&due_page(Frame::new(language(&headers), "/expiring", Some(&who.0)), clock, &soon, &over))
}

#[cfg(test)]
pub(crate) mod tests {
    use askama::Template as _;
    use card_schema::clock::Micros;
    use card_schema::ids::{CardId, Shard};

    use super::*;
    use crate::cards::{Bearer, CardState};

    /// The page with nothing and with something on its lists.
    pub(crate) fn pages(frame: &Frame) -> Vec<(String, String)> {
        let clock = Clock::at(Micros(1_790_000_000_000_000));
        let card = |days: i64| Card {
            card_id: CardId::new(1204, Shard(3), [7; 16]),
            bearer: Bearer::Holder(HolderId::new(Shard(3), [8; 16])),
            signs_in: false,
            state: CardState::Active,
            created_at: Micros(0),
            expires_at: Micros(1_790_000_000_000_000).plus_seconds(days * 86_400),
            changed_at: Micros(0),
        };
        let many = vec![card(5); LISTED as usize + 1];
        let shown = |name: &str, soon: &[Card], over: &[Card]| {
            (format!("expiring-{name}"), due_page(frame.clone(), clock, soon, over).render().unwrap())
        };
        vec![shown("none", &[], &[]), shown("some", &many, &[card(-3)])]
    }
}
