//! Gates that open: a site at which a terminal stands, and cards whose holders may pass there whenever they come.

use std::collections::BTreeSet;

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::gate::{Hours, Weekdays, Window};
use card_schema::ids::{CardId, HolderId, Shard, SiteId, TerminalId};
use uuid::Uuid;

use super::town::{START, TestCard, clerk_in, random};
use crate::cards;
use crate::db::{Db, DbError};
use crate::domains::gate::model::{Credential, Site, SiteKind};
use crate::domains::gate::store;
use crate::domains::residence::merge;
use crate::people::StaffId;
use crate::terminals;

/// As long as there are days.
pub(crate) fn always() -> Window {
    let (first, last) = (Date::from_days(0), Date::new(9999, 12, 31));
    let (first, last) = (first.expect("a day"), last.expect("a day"));
    Window { first, last, days: Weekdays::ALL, hours: Hours::ALL }
}

/// A credential of which nobody can read why it was granted.
pub(crate) fn credential(holder: HolderId, site: SiteId, window: Window, by: StaffId) -> Credential {
    let (id, reason) = (Uuid::from_bytes(random()), random::<40>().to_vec());
    Credential { id, holder, site, window, reason, granted_at: START, granted_by: by, ended: None }
}

/// The site at which a terminal stands, since long ago; it is put at one of its own where it stands at none.
pub(crate) async fn site_of(db: &Db, terminal: TerminalId) -> SiteId {
    let mut connection = db.read().await.unwrap();
    let posts = store::posts(&mut connection, None).await.unwrap();
    if let Some(post) = posts.iter().find(|post| post.terminal == terminal) {
        return post.site;
    }
    let run_by = terminals::store::one(&mut connection, terminal).await.unwrap().unwrap().organisation;
    drop(connection);
    let by = clerk_in(db).await;
    let id = SiteId::from_bytes(random());
    let (name, organisation, kind) = (format!("Test Site {id}"), run_by.organisation_id, SiteKind::Village);
    let site = Site { id, organisation, kind, name, closed: false };
    let placed = db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            store::insert_site(tx, START, by, &site).await?;
            store::place(tx, Micros(0), by, terminal, Some(id)).await
        })
    });
    placed.await.unwrap();
    id
}

/// Lets the holders of cards pass at a terminal, whenever they come.
pub(crate) async fn opens(db: &Db, terminal: TerminalId, cards: &[&TestCard]) -> SiteId {
    let (site, by) = (site_of(db, terminal).await, clerk_in(db).await);
    let cards: Vec<_> = cards.iter().map(|card| card.id).collect();
    let granted = db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            let shards: BTreeSet<Shard> = cards.iter().map(CardId::shard).collect();
            tx.lock(shards).await?;
            for card in cards {
                let found = cards::store::one(tx.conn(), card).await?.expect("a card");
                let holder = found.bearer.holder().expect("a holder's card");
                store::credentials::insert(tx, &credential(holder, site, always(), by)).await?;
            }
            Ok(())
        })
    });
    granted.await.unwrap();
    site
}

/// Has a record point to another, or stand for itself again.
pub(crate) async fn points_on(db: &Db, by: StaffId, (record, other): (HolderId, HolderId), is_merged: bool) {
    let act = if is_merged { merge::Act::Merged } else { merge::Act::Undone };
    let pointed = db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            tx.lock([record.shard()]).await?;
            merge::store::put(tx, START, by, (record, other), act, "registered_twice").await
        })
    });
    pointed.await.unwrap();
}
