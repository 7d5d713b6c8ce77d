//! Slips of 80 mm about what was done at the desk. One shape for all; nothing stands on them that could hurt whoever loses
//! one: no name, no number, no address, so nothing of a record is read.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::clock::Micros;
use card_schema::ids::{CardId, HolderId, TerminalId};
use card_schema::wire::ProblemType;
use uuid::Uuid;

use super::frame::Frame;
use super::page;
use super::reader_job::Job;
use super::register::Link;
use super::view::{minute, short};
use crate::app::App;
use crate::cards::issuance::api::Progress;
use crate::cards::{issuance, unblock};
use crate::db::Connection;
use crate::domains::residence;
use crate::http::{Path, Refusal, SignedIn, language};
use crate::people::member;
use crate::people::model::Permission;
use crate::terminals;

/// The pages of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 3] {
    [
        ("/holders/{holder_id}/slip", get(registered)),
        ("/issuances/{issuance_id}/slip", get(issued)),
        ("/unblocks/{unblock_id}/slip", get(unblocked)),
    ]
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// A person was registered.
    Registered,
    /// A card was issued.
    CardIssued,
    /// A PIN was chosen anew.
    PinChosen,
}

impl Deed {
    #[cfg(test)]
    pub(super) const ALL: [Self; 3] = [Self::Registered, Self::CardIssued, Self::PinChosen];

    /// The middle part of the keys of its texts.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::CardIssued => "card-issued",
            Self::PinChosen => "pin-chosen",
        }
    }
}

/// See the module.
#[derive(Debug, Template)]
#[template(path = "console/slip.html")]
pub(super) struct SlipPage {
    pub(super) frame: Frame,
    pub(super) deed: Deed,
    pub(super) back: Link,
    pub(super) at: String,
    /// Where it was done.
    pub(super) station: String,
    /// The beginning of the card's number.
    pub(super) card: Option<String>,
}

impl SlipPage {
    fn t(&self, part: &str) -> String {
        self.frame.t(&format!("slip-{}-{part}", self.deed.name()))
    }
}

async fn registered(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(holder): Path<HolderId>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let mut connection = app.db.read().await?;
    let registration = residence::store::registration(&mut connection, holder).await?;
    let (at, _) = registration.ok_or(Refusal::because(ProblemType::NotFound, "holder-unknown"))?;
    let station = match residence::store::registrar(&mut connection, holder).await? {
        Some(by) => member::store::station(&mut connection, by).await?,
        None => None,
    };
    let frame = Frame::new(language(&headers), format!("/holders/{holder}/slip"), Some(&who.0));
    let back = Link { to: format!("/holders/{holder}/papers"), text: frame.t("paper-title") };
    let station = station.unwrap_or_else(|| frame.t("paper-station"));
    page(&SlipPage { frame, deed: Deed::Registered, back, at: minute(at), station, card: None })
}

/// What was done with a card at a reader, once it is done.
async fn at_reader(
    connection: &mut Connection,
    who: &SignedIn,
    headers: &HeaderMap,
    (job, deed): (Job, Deed),
    (card, at, terminal): (CardId, Micros, TerminalId),
) -> Result<Response, Refusal> {
    let frame = Frame::new(language(headers), format!("{}/slip", job.address()), Some(&who.0));
    let station = terminals::store::one(connection, terminal).await?.map(|terminal| terminal.organisation.name);
    let station = station.unwrap_or_else(|| frame.t("paper-station"));
    let back = Link { to: job.address(), text: frame.t("slip-back") };
    let card = Some(short(&card.to_string()));
    page(&SlipPage { frame, deed, back, at: minute(at), station, card })
}

fn not_done(job: Job) -> Response {
    Redirect::to(&job.address()).into_response()
}

async fn issued(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let (mut connection, job) = (app.db.read().await?, Job::Issuance(id));
    let seen = issuance::api::look(&mut connection, id).await?;
    if seen.reply().state != Progress::Finished {
        return Ok(not_done(job));
    }
    let what = (seen.card.card_id, seen.issuance.created_at, seen.issuance.terminal_id);
    at_reader(&mut connection, &who, &headers, (job, Deed::CardIssued), what).await
}

async fn unblocked(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let (mut connection, job) = (app.db.read().await?, Job::Unblock(id));
    let found = unblock::look(&mut connection, id).await?.unblock;
    if found.journal.asked != unblock::Want::Finished {
        return Ok(not_done(job));
    }
    let what = (found.card_id, found.created_at, found.terminal_id);
    at_reader(&mut connection, &who, &headers, (job, Deed::PinChosen), what).await
}
