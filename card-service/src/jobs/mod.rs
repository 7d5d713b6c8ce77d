//! Jobs for readers: a terminal's long poll is woken when there is something for it to do.
//!
//! The hub only wakes. Not here: what there is to do (`cards::issuance`, `cards::unblock`, `cards::identification`).

pub mod api;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use card_schema::ids::TerminalId;
use card_schema::wire::ProblemType;
use card_schema::wire::issuance::{Job, NumberedStep, ObservationRequest};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::app::App;
use crate::cards::{identification, issuance, unblock};
use crate::http::Refusal;

/// The next job of a terminal with its present step: somebody who waits for a card comes before somebody who waits for a PIN.
///
/// # Errors
/// When the database or the key store fails.
pub async fn current_step(app: &App, terminal: TerminalId) -> Result<Option<Job>, Refusal> {
    if let Some(job) = issuance::current_step(app, terminal).await? {
        return Ok(Some(job));
    }
    if let Some(job) = unblock::current_step(app, terminal).await? {
        return Ok(Some(job));
    }
    Ok(identification::current_step(app, terminal))
}

/// Takes what was seen at a step of a job and answers what is to be done next.
///
/// # Errors
/// `NotFound` where there is no such job of this terminal, `Conflict` where it is at another step.
pub async fn observe(
    app: &App,
    terminal: TerminalId,
    job: Uuid,
    request: ObservationRequest,
) -> Result<NumberedStep, Refusal> {
    if let Some(next) = issuance::observe(app, terminal, job, request.clone()).await? {
        return Ok(next);
    }
    if let Some(next) = unblock::observe(app, terminal, job, request.clone()).await? {
        return Ok(next);
    }
    let next = identification::observe(app, terminal, job, &request).await?;
    next.ok_or(Refusal::new(ProblemType::NotFound))
}

/// Wakes terminals that wait.
#[derive(Debug, Default)]
pub struct Hub(Mutex<HashMap<TerminalId, Arc<Notify>>>);

impl Hub {
    /// What a terminal waits on. Take it before looking into the database, so that nothing is missed in between.
    pub fn bell(&self, terminal: TerminalId) -> Arc<Notify> {
        let mut bells = self.0.lock().expect("nothing panics while holding the bells");
        Arc::clone(bells.entry(terminal).or_default())
    }

    /// There is something for this terminal.
    pub fn ring(&self, terminal: TerminalId) {
        self.bell(terminal).notify_waiters();
    }
}
