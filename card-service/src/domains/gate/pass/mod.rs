//! Visitors' passes: for whoever has no card, printed, good at one site from when until when, and nobody's by name.
//!
//! Stored is that one was given out, and whether somebody withdrew it. Its square code is signed like that of any paper, and checked
//! like that (`residence::paper::check`). Who comes with it is written down nowhere.

pub mod pages;
pub mod view;

use card_schema::clock::Micros;
use card_schema::envelope::pass::Pass;
use card_schema::ids::{PaperNumber, Shard, SiteId};
use card_schema::wire::ProblemType;

use super::model::{Issued, Reason, Site, Standing};
use super::rules::{check_pass, standing};
use super::store::{self, passes};
use crate::app::App;
use crate::db::{Connection, Tx};
use crate::http::Refusal;
use crate::keys::paper::square_code;
use crate::people::StaffId;

/// What a pass is to be.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// Why it is given out.
    pub reason: Reason,
    /// From when on it is good.
    pub from: Micros,
    /// From when on it is good no more.
    pub until: Micros,
}

fn unknown() -> Refusal {
    Refusal::because(ProblemType::NotFound, "gate-pass-unknown")
}

/// A site, where passes are given out for it.
async fn site(connection: &mut Connection, id: SiteId) -> Result<Site, Refusal> {
    store::one(connection, id).await?.ok_or_else(super::pages::unknown)
}

/// Gives out a pass for a site: its number, or what is wrong.
///
/// # Errors
/// `NotFound` where there is no such site.
pub async fn issue(
    app: &App,
    tx: &mut Tx,
    by: StaffId,
    id: SiteId,
    wish: Wish,
) -> Result<Result<PaperNumber, (&'static str, &'static str)>, Refusal> {
    tx.lock([Shard(0)]).await?;
    if site(tx.conn(), id).await?.closed {
        return Ok(Err(("reason", "gate-closed-already")));
    }
    let (now, Wish { reason, from, until }) = (app.now(), wish);
    if let Err(wrong) = check_pass(from, until, now) {
        return Ok(Err(wrong));
    }
    let number = PaperNumber::new(Shard(0), *app.random_bytes()?);
    let new = Issued { number, site: id, reason, from, until, issued_at: now, by, withdrawn_at: None };
    passes::insert(tx, &new).await?;
    Ok(Ok(number))
}

/// A pass of a site and how it stands.
///
/// # Errors
/// `NotFound` where the site has no such pass.
pub async fn one(
    app: &App,
    connection: &mut Connection,
    id: SiteId,
    number: PaperNumber,
) -> Result<(Site, Issued, Standing), Refusal> {
    let site = site(&mut *connection, id).await?;
    let pass = passes::one(connection, number).await?.filter(|pass| pass.site == id).ok_or_else(unknown)?;
    let stands = standing(&pass, site.closed, app.now());
    Ok((site, pass, stands))
}

/// Withdraws a pass; false where that changes nothing any more.
///
/// # Errors
/// `NotFound` where the site has no such pass.
pub async fn withdraw(app: &App, tx: &mut Tx, by: StaffId, id: SiteId, number: PaperNumber) -> Result<bool, Refusal> {
    tx.lock([Shard(0)]).await?;
    let (.., stands) = one(app, tx.conn(), id, number).await?;
    if !matches!(stands, Standing::Good | Standing::NotYet) {
        return Ok(false);
    }
    passes::withdraw(tx, app.now(), by, number).await?;
    Ok(true)
}

/// The text of a pass's square code.
///
/// # Errors
/// When the key store fails.
pub fn text(app: &App, pass: &Issued) -> Result<String, Refusal> {
    let Issued { number, site, from, until, .. } = *pass;
    Ok(square_code(&*app.keys, &Pass { number, site, from, until }, &app.public_url)?)
}
