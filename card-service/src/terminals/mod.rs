//! The terminals that organisations run: enrolment by one-time code, certificates, profile, revocation.
//!
//! Not here: what a terminal's taps do (`intake`, `domains`), jobs for its readers (`jobs`).

pub mod api;
pub mod heard;
pub mod model;
pub mod pages;
pub mod store;
#[cfg(test)]
mod tests;

use card_schema::ids::{OrganisationId, Shard, TerminalId};
use card_schema::operation::OperationCode;
use card_schema::wire::ProblemType;
use ring::digest;
use zeroize::Zeroizing;

pub use model::{Terminal, TerminalState};
pub use store::{changed_since, load_all};

use self::model::{RevocationReason, enrolment_code, normal_code};
use self::store::NewCode;
use crate::app::App;
use crate::http::Refusal;
use crate::people::{StaffId, organisation};

/// An enrolment code is good for a day.
const CODE_SECONDS: i64 = 86_400;

/// A terminal to be added.
#[derive(Clone, Debug)]
pub struct New {
    /// Its name for people.
    pub name: String,
    /// Who runs it, by name; added if there is none of that name.
    pub organisation: String,
    /// What it may submit.
    pub operations: Vec<OperationCode>,
}

/// Why no terminal was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdded {
    /// The terminal cannot be called that.
    BadName,
    /// Nor can an organisation.
    BadOrganisation,
    /// The organisation is closed.
    Closed,
}

/// A code by which a terminal is enrolled once. It is shown to whoever asked for it, once.
#[derive(Debug)]
pub struct Code {
    /// The terminal.
    pub terminal_id: TerminalId,
    /// The code.
    pub text: Zeroizing<String>,
}

fn unknown() -> Refusal {
    Refusal::because(ProblemType::NotFound, "terminal-unknown")
}

fn code_hash(code: &str) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"nrc/enrolment-code/v1\0");
    context.update(normal_code(code).as_bytes());
    context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// A code that nobody has seen yet, and how it is kept.
fn new_code(app: &App, terminal_id: TerminalId) -> Result<(Code, NewCode), Refusal> {
    let text = Zeroizing::new(enrolment_code(*app.random_bytes()?));
    let kept = NewCode { hash: code_hash(&text), expires_at: app.now().plus_seconds(CODE_SECONDS) };
    Ok((Code { terminal_id, text }, kept))
}

/// Adds a terminal that waits for its enrolment.
pub async fn add(app: &App, by: StaffId, new: New) -> Result<Result<Code, NotAdded>, Refusal> {
    let Some(name) = organisation::model::name(&new.name).map(str::to_owned) else { return Ok(Err(NotAdded::BadName)) };
    let Some(runs) = organisation::model::name(&new.organisation).map(str::to_owned) else {
        return Ok(Err(NotAdded::BadOrganisation));
    };
    let (now, terminal_id) = (app.now(), TerminalId(app.new_id()));
    let (code, kept) = new_code(app, terminal_id)?;
    let new_organisation = OrganisationId(app.new_id());
    let added = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move {
            let organisation = organisation::store::named(tx, now, new_organisation, &runs).await?;
            let entry = organisation::store::one(tx.conn(), organisation.organisation_id).await?;
            if entry.is_some_and(|entry| entry.closed) {
                return Ok(Err(NotAdded::Closed));
            }
            let terminal = Terminal {
                terminal_id,
                name,
                organisation,
                operations: new.operations,
                state: TerminalState::Awaiting,
                public_key: None,
                certificate_until: None,
            };
            store::insert(tx, now, by, &terminal, kept).await?;
            Ok(Ok(()))
        })
    });
    Ok(added.await?.map(|()| code))
}

/// Gives out another code for a terminal; those before it are good no longer.
///
/// # Errors
/// `NotFound` where there is no such terminal, `Conflict` where it is revoked.
pub async fn give_code(app: &App, by: StaffId, terminal: TerminalId) -> Result<Code, Refusal> {
    let now = app.now();
    let (code, kept) = new_code(app, terminal)?;
    let given = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move {
            tx.lock([Shard(0)]).await?;
            let found = store::load(tx, terminal).await?.ok_or_else(unknown)?;
            if found.state == TerminalState::Revoked {
                return Err(Refusal::because(ProblemType::Conflict, "terminal-revoked-already"));
            }
            Ok(store::give_code(tx, now, by, terminal, kept).await?)
        })
    });
    given.await?;
    Ok(code)
}

/// Revokes a terminal for good; revoking it twice is once.
///
/// # Errors
/// `NotFound` where there is no such terminal.
pub async fn revoke(app: &App, by: StaffId, terminal: TerminalId, reason: RevocationReason) -> Result<(), Refusal> {
    let now = app.now();
    let revoked = app.db.write::<_, Refusal, _>(move |tx| {
        Box::pin(async move {
            tx.lock([Shard(0)]).await?;
            Ok(store::revoke(tx, now, by, terminal, reason).await?)
        })
    });
    if revoked.await? { Ok(()) } else { Err(unknown()) }
}
