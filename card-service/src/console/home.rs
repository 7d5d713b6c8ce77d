//! The first page: what somebody of this role does here, and what they have not finished.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{MethodRouter, get};

use super::frame::Frame;
use super::page;
use super::view::minute;
use crate::app::App;
use crate::cards::stock;
use crate::domains::residence::draft;
use crate::domains::social_security;
use crate::http::{Refusal, SignedIn, language};
use crate::intake::{quarantine, suspicion};
use crate::people::approval;
use crate::people::model::{Permission, StaffRole};

/// The pages of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 1] {
    [("/", get(home))]
}

/// A registration that is not finished.
#[derive(Clone, Debug)]
pub(super) struct Unfinished {
    pub(super) draft: String,
    pub(super) changed: String,
}

/// See the module.
#[derive(Debug, Template)]
#[template(path = "console/home.html")]
pub(super) struct HomePage {
    pub(super) frame: Frame,
    pub(super) role: StaffRole,
    /// How many requests of others wait for a second person.
    pub(super) waiting: usize,
    /// How many stations have few blank cards.
    pub(super) low_stocks: i64,
    /// How many terminals have taps that somebody has to decide about.
    pub(super) held: i64,
    /// How many terminals look wrong, and nobody has looked.
    pub(super) suspicions: i64,
    /// How many disputes of months of social security nobody has answered.
    pub(super) disputes: i64,
    pub(super) unfinished: Vec<Unfinished>,
}

async fn home(State(app): State<App>, who: SignedIn, headers: HeaderMap) -> Result<Response, Refusal> {
    let role = who.0.role;
    let drafts =
        if role.may(Permission::ServeHolders) { draft::of_staff(&app, who.0.staff_id).await? } else { Vec::new() };
    let waiting = if role.approves() {
        let waiting = approval::waiting_for(&mut app.db.read().await?, app.now(), role).await?;
        waiting.iter().filter(|request| request.asked_by != who.0.staff_id).count()
    } else {
        0
    };
    let low_stocks =
        if role.may(Permission::KeepStock) { stock::store::count_low(&mut app.db.read().await?).await? } else { 0 };
    let held = if role.may(Permission::ReverseTransfers) {
        quarantine::store::count(&mut app.db.read().await?).await?
    } else {
        0
    };
    let suspicions = if role.may(Permission::ReviewSuspicions) {
        suspicion::store::count_open(&mut app.db.read().await?).await?
    } else {
        0
    };
    let disputes = if role.may(Permission::ReconcileContributions) {
        social_security::store::dispute::count_waiting(&mut app.db.read().await?).await?
    } else {
        0
    };
    let unfinished =
        |draft: draft::Pending| Unfinished { draft: draft.draft_id.to_string(), changed: minute(draft.changed_at) };
    page(&HomePage {
        frame: Frame::new(language(&headers), "/", Some(&who.0)),
        role,
        waiting,
        low_stocks,
        held,
        suspicions,
        disputes,
        unfinished: drafts.into_iter().map(unfinished).collect(),
    })
}
