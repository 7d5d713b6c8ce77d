//! What a gate is told, so that it decides without the service: which cards pass at its site and when, and which visitors' passes
//! were withdrawn. Made and signed when it asks, unless it has that already.

use std::sync::Arc;

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::envelope::gate::{CardDigest, CardRight, GatePack};
use card_schema::gate::Window;
use card_schema::ids::{CardId, PaperNumber, SiteId, TerminalId};
use ring::digest;

use super::store;
use crate::app::App;
use crate::cards;
use crate::db::Connection;
use crate::http::Refusal;
use crate::keys::{Role, envelope};

/// What holds at the site of a gate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Known {
    site: Option<SiteId>,
    cards: Vec<(CardId, Window)>,
    withdrawn: Vec<PaperNumber>,
}

impl Known {
    async fn load(connection: &mut Connection, terminal: TerminalId, now: Micros, shards: u8) -> Result<Self, Refusal> {
        let Some(site) = store::site_of(&mut *connection, terminal).await? else { return Ok(Self::default()) };
        // Hours that began yesterday may last until today.
        let today = Date::in_china(now);
        let yesterday = Date::from_days(today.days() - 1).unwrap_or(today);
        let mut cards = store::credentials::cards(&mut *connection, site, yesterday, shards).await?;
        for (record, window) in store::credentials::of_merged(&mut *connection, site, yesterday, shards).await? {
            // Where it points to no other any more, its cards are among those above.
            let of_person = cards::person::of_merged(&mut *connection, record).await?;
            cards.extend(of_person.into_iter().flatten().map(|card| (card, window)));
        }
        cards.sort_by_key(|(card, _)| *card);
        let withdrawn = store::passes::withdrawn(connection, site, now).await?;
        Ok(Self { site: Some(site), cards, withdrawn })
    }

    /// Another number for whatever says something else: the first eight bytes of SHA-256, and fit for a signed 64-bit column.
    fn tag(&self) -> u64 {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(self.site.as_ref().map_or(&[], |site| &site.as_bytes()[..]));
        for (card, Window { first, last, days, hours }) in &self.cards {
            context.update(card.as_bytes());
            for number in [first.days(), last.days(), days.bits().into(), hours.from().into(), hours.until().into()] {
                context.update(&number.to_be_bytes());
            }
        }
        self.withdrawn.iter().for_each(|number| context.update(&number.0));
        let first = context.finish().as_ref()[..8].try_into().expect("SHA-256 has 32 bytes");
        u64::from_be_bytes(first) >> 1
    }

    fn pack(self, tag: u64, at: Micros, terminal: TerminalId, salt: [u8; 16]) -> GatePack {
        let right =
            |(card, window): &(CardId, Window)| CardRight { card: CardDigest::of(&salt, card), window: *window };
        let mut rights: Vec<_> = self.cards.iter().map(right).collect();
        rights.sort_by_key(|right| right.card);
        GatePack { at, terminal, tag, site: self.site, salt, rights, withdrawn: self.withdrawn }
    }
}

/// The signed pack of a gate and its tag; no pack where whoever asks has that already.
pub(super) async fn signed(
    app: &App,
    terminal: TerminalId,
    is_there: impl FnOnce(u64) -> bool,
) -> Result<(u64, Option<Vec<u8>>), Refusal> {
    let now = app.now();
    let mut connection = app.db.read().await?;
    let known = Known::load(&mut connection, terminal, now, app.db.engine().shards()).await?;
    drop(connection);
    let tag = known.tag();
    if is_there(tag) {
        return Ok((tag, None));
    }
    let (keys, salt) = (Arc::clone(&app.keys), *app.random_bytes()?);
    let signing = move || envelope::signed(&*keys, Role::Receipt, &known.pack(tag, now, terminal, salt));
    let signed = tokio::task::spawn_blocking(signing).await.map_err(Refusal::internal)??;
    Ok((tag, Some(signed)))
}

#[cfg(test)]
mod tests {
    use card_schema::gate::{Hours, Weekdays};
    use card_schema::ids::Shard;

    use super::*;
    use crate::cards::CardState;
    use crate::db::{Db, DbError, query};
    use crate::domains::gate::model::{EndReason, Issued, Reason};
    use crate::domains::gate::tests::holder_of;
    use crate::testing::gate::{always, credential, opens, points_on, site_of};
    use crate::testing::town::{START, Town, clerk_in, set_state, terminal_beside};

    async fn known(db: &Db, terminal: TerminalId, now: Micros) -> Known {
        Known::load(&mut db.read().await.unwrap(), terminal, now, db.engine().shards()).await.unwrap()
    }

    async fn admits(town: &Town, terminal: TerminalId, cards: &[CardId]) -> Vec<bool> {
        let pack = known(&town.scratch.db, terminal, START).await.pack(1, START, terminal, [7; 16]);
        cards.iter().map(|card| pack.admits(card, START)).collect()
    }

    #[tokio::test]
    async fn a_gate_is_told_of_cards_in_use_that_pass_at_its_site_and_of_no_others() {
        let town = Town::new().await;
        let db = &town.scratch.db;
        let (gate, nowhere) = (town.terminal().await, town.terminal().await);
        let cards = [town.card().await, town.card().await, town.card().await, town.card().await];
        let ids: Vec<_> = cards.iter().map(|card| card.id).collect();
        let [one, elsewhere, lost, nobody] = &cards;
        let beside = terminal_beside(db, gate.id).await;
        opens(db, gate.id, &[one, lost]).await;
        opens(db, beside.id, &[elsewhere]).await;
        assert_eq!(admits(&town, gate.id, &ids).await, [true, false, true, false], "{}", nobody.id);
        assert_eq!(admits(&town, beside.id, &ids).await, [false, true, false, false]);
        assert_eq!(known(db, nowhere.id, START).await, Known::default());
        // What may come back stays; the status list keeps it out meanwhile.
        set_state(db, START, one.id, CardState::Suspended).await;
        set_state(db, START, lost.id, CardState::Lost).await;
        assert_eq!(admits(&town, gate.id, &ids).await, [true, false, false, false]);
    }

    #[tokio::test]
    async fn what_is_over_or_was_ended_is_not_told_and_withdrawn_passes_are_until_their_time_is_over() {
        let town = Town::new().await;
        let db = &town.scratch.db;
        let (gate, card) = (town.terminal().await, town.card().await);
        let (site, by, holder) = (site_of(db, gate.id).await, clerk_in(db).await, holder_of(db, card.id).await);
        let today = Date::in_china(START);
        let day = move |more| Date::from_days(today.days() + more).unwrap();
        let until = move |last| Window { last: day(last), ..always() };
        let night = Window { hours: Hours::new(1_320, 360).unwrap(), days: Weekdays::ALL, ..until(-1) };
        let pass = move |number: u8, hours: i64| Issued {
            number: PaperNumber::new(Shard(0), [number; 10]),
            site,
            reason: Reason::Visits,
            from: START,
            until: START.plus_seconds(hours * 3_600),
            issued_at: START,
            by,
            withdrawn_at: None,
        };
        let (kept, soon) = (pass(1, 9), pass(2, 1));
        let written = db.write::<_, DbError, _>(move |tx| {
            Box::pin(async move {
                tx.lock([Shard(0), holder.shard()]).await?;
                let ended = credential(holder, site, always(), by);
                for new in [&ended, &credential(holder, site, until(-2), by), &credential(holder, site, night, by)] {
                    store::credentials::insert(tx, new).await?;
                }
                store::credentials::end(tx, START, by, &ended, EndReason::SiteAsked).await?;
                for pass in [&kept, &soon, &pass(3, 9)] {
                    store::passes::insert(tx, pass).await?;
                }
                store::passes::withdraw(tx, START, by, kept.number).await?;
                store::passes::withdraw(tx, START, by, soon.number).await
            })
        });
        written.await.unwrap();
        let now = known(db, gate.id, START).await;
        assert_eq!(now.cards, [(card.id, night)]);
        assert_eq!(now.withdrawn, [kept.number, soon.number]);
        let later = known(db, gate.id, START.plus_seconds(2 * 3_600)).await;
        assert_eq!(later.withdrawn, [kept.number]);
        assert_ne!(now.tag(), later.tag());
        assert_eq!(now.tag(), known(db, gate.id, START.plus_seconds(1)).await.tag(), "nothing has changed");
    }

    #[tokio::test]
    async fn who_had_two_records_passes_with_the_card_that_is_left() {
        let town = Town::new().await;
        let db = &town.scratch.db;
        let (gate, kept, gone) = (town.terminal().await, town.card().await, town.card().await);
        opens(db, gate.id, &[&gone]).await;
        let (by, into, record) = (clerk_in(db).await, holder_of(db, kept.id).await, holder_of(db, gone.id).await);
        set_state(db, START, gone.id, CardState::Replaced).await;
        for is_merged in [true, false] {
            points_on(db, by, (record, into), is_merged).await;
            assert_eq!(admits(&town, gate.id, &[kept.id, gone.id]).await, [is_merged, false]);
        }
    }

    #[tokio::test]
    async fn a_pack_names_no_card() {
        let town = Town::new().await;
        let (gate, card) = (town.terminal().await, town.card().await);
        opens(&town.scratch.db, gate.id, &[&card]).await;
        let pack = known(&town.scratch.db, gate.id, START).await.pack(1, START, gate.id, [7; 16]);
        let text = envelope::signed(&*town.keys, Role::Receipt, &pack).unwrap();
        assert!(!text.windows(16).any(|bytes| bytes == card.id.as_bytes()));
        let holder: Vec<u8> = query("SELECT holder_id FROM card WHERE card_id = $1")
            .bind(card.id)
            .scalar_one(&mut town.scratch.db.read().await.unwrap())
            .await
            .unwrap();
        assert!(!text.windows(16).any(|bytes| bytes == holder));
    }
}
