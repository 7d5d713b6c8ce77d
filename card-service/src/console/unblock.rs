//! Unblocking the PIN of a card: the clerk sees the holder's document before the reader is told.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use card_schema::ids::{CardId, HolderId, TerminalId};

use super::frame::Frame;
use super::reader_job::Job;
use super::view::{Choice, short};
use super::{asking, card_desk, holder};
use crate::app::App;
use crate::cards::unblock;
use crate::console::input::Input;
use crate::domains::residence;
use crate::domains::residence::model::{Facts, Field, Typed, Wrong};
use crate::domains::residence::view::{DOCUMENT, inputs};
use crate::http::{Refusal, SignedIn, language};
use crate::people::model::Permission;

/// The pages of this file.
pub(super) fn routes() -> [(&'static str, MethodRouter<App>); 1] {
    [("/holders/{holder_id}/cards/{card_id}/unblock", get(show).post(start))]
}

/// See the module.
#[derive(Debug, Template)]
#[template(path = "console/unblock.html")]
pub(super) struct UnblockPage {
    pub(super) frame: Frame,
    pub(super) holder: String,
    pub(super) card: String,
    pub(super) card_short: String,
    pub(super) inputs: Vec<Input>,
    /// Readers at which it can be done.
    pub(super) desks: Vec<Choice>,
    /// No reader was chosen.
    pub(super) no_desk: bool,
}

impl UnblockPage {
    fn is_wrong(&self) -> bool {
        self.inputs.iter().any(Input::is_wrong)
    }
}

/// What was typed, and what is wrong with it.
#[derive(Default)]
struct Asked {
    facts: Facts,
    wrong: Vec<Wrong>,
    no_desk: bool,
}

async fn shown(
    app: &App,
    who: &SignedIn,
    headers: &HeaderMap,
    (holder, card): (HolderId, CardId),
    asked: &Asked,
) -> Result<Response, Refusal> {
    let found = card_desk::card_of(app, holder, card).await?;
    let number = found.card_id.to_string();
    let locale = language(headers);
    let is_wrong = asked.no_desk || !asked.wrong.is_empty();
    let shown = UnblockPage {
        frame: Frame::new(locale, format!("/holders/{holder}/cards/{card}/unblock"), Some(&who.0)),
        holder: holder.to_string(),
        card_short: short(&number),
        card: number,
        inputs: inputs(locale, DOCUMENT, &asked.facts, &asked.wrong, app.today()),
        desks: holder::desks(app, who.0.staff_id).await?,
        no_desk: asked.no_desk,
    };
    asking(&shown, is_wrong)
}

async fn show(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path(of): Path<(HolderId, CardId)>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    shown(&app, &who, &headers, of, &Asked::default()).await
}

async fn start(
    State(app): State<App>,
    who: SignedIn,
    headers: HeaderMap,
    Path((holder, card)): Path<(HolderId, CardId)>,
    Form(form): Form<Typed>,
) -> Result<Response, Refusal> {
    who.require(Permission::ServeHolders)?;
    let mut asked = Asked::default();
    asked.facts.take(DOCUMENT, &form);
    let terminal = form.get("terminal_id").and_then(|id| id.parse::<TerminalId>().ok());
    match residence::whose_document(&app, &asked.facts).await? {
        Err(wrong) => asked.wrong = wrong,
        // Also of another record that points to this one: it is the same person's.
        Ok(found) if found != Some(holder) => {
            let key = "unblock-not-holders-document";
            asked.wrong = vec![Wrong { field: Field::DocumentNumber, key, at: String::new() }];
        }
        Ok(_) => {}
    }
    asked.no_desk = terminal.is_none();
    match terminal {
        Some(terminal) if asked.wrong.is_empty() => {
            let id = unblock::start(&app, who.0.staff_id, holder, card, terminal).await?;
            Ok(Redirect::to(&Job::Unblock(id).address()).into_response())
        }
        _ => shown(&app, &who, &headers, (holder, card), &asked).await,
    }
}
