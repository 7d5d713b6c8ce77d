//! Checking a paper: anybody may, without signing in. Says how the paper stands and, to whoever types what is on it, whether
//! name and document number are those that were signed; nothing else, and nobody is noted.

pub mod api;
pub mod pages;

use std::net::IpAddr;

use card_schema::clock::Micros;
use card_schema::envelope::paper::{Paper, Printed};
use card_schema::envelope::pass::Pass;
use card_schema::paper::{self, CheckCode, Named};
use card_schema::wire::ProblemType;
use zeroize::Zeroizing;

use super::model::Standing;
use super::{standing, store};
use crate::app::App;
use crate::domains;
use crate::http::Refusal;
use crate::keys::paper::public_key;

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Issued here, and it says what is so.
    Genuine,
    /// Issued here, and it is not good yet.
    NotYet,
    /// Issued here, and its time is over.
    Expired,
    /// Issued here, and good no longer.
    Withdrawn,
    /// Not issued here, or altered.
    NotOurs,
}

impl Verdict {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Genuine, Self::NotYet, Self::Expired, Self::Withdrawn, Self::NotOurs];

    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Genuine => "genuine",
            Self::NotYet => "not_yet",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::NotOurs => "not_ours",
        }
    }
}

/// What somebody typed from a paper.
#[derive(Debug)]
pub struct Typed {
    /// The name.
    pub name: Zeroizing<String>,
    /// The document number.
    pub document_number: Zeroizing<String>,
    /// The check code.
    pub code: CheckCode,
}

/// A paper that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What came of it.
    pub verdict: Verdict,
    /// What its square code says; none where it is not ours.
    pub paper: Option<Printed>,
    /// The site of a visitor's pass, where it is known.
    pub site: Option<String>,
    /// Whether what was typed is what was signed, where something was typed.
    pub is_named: Option<bool>,
}

/// Checks the text of a square code, and what was typed beside it.
///
/// # Errors
/// `TooManyRequests` where too many came from this address.
pub async fn check(app: &App, from: IpAddr, text: &str, typed: Option<Typed>) -> Result<Checked, Refusal> {
    if !app.check_limits.allow(from) {
        return Err(Refusal::because(ProblemType::TooManyRequests, "paper-too-many"));
    }
    match paper::read(text, &public_key(&*app.keys)?) {
        Err(_) => Ok(Checked { verdict: Verdict::NotOurs, paper: None, site: None, is_named: None }),
        Ok(Printed::Pass(pass)) => check_pass(app, pass).await,
        Ok(Printed::Paper(paper)) => check_paper(app, paper, typed).await,
    }
}

/// A pass names nobody: there is nothing to compare.
async fn check_pass(app: &App, pass: Pass) -> Result<Checked, Refusal> {
    let (now, seen) = (app.now(), domains::pass_seen(&mut app.db.read().await?, pass.number).await?);
    let is_withdrawn = seen.as_ref().is_none_or(|seen| seen.is_withdrawn);
    let verdict = pass_verdict(&pass, is_withdrawn, now);
    Ok(Checked { verdict, paper: Some(Printed::Pass(pass)), site: seen.map(|seen| seen.site), is_named: None })
}

fn pass_verdict(pass: &Pass, is_withdrawn: bool, now: Micros) -> Verdict {
    if is_withdrawn {
        Verdict::Withdrawn
    } else if now >= pass.until {
        Verdict::Expired
    } else if now < pass.from {
        Verdict::NotYet
    } else {
        Verdict::Genuine
    }
}

async fn check_paper(app: &App, paper: Paper, typed: Option<Typed>) -> Result<Checked, Refusal> {
    let mut connection = app.db.read().await?;
    // What was signed here and is known no longer went with its record.
    let verdict = match store::one(&mut connection, paper.number).await? {
        None => Verdict::Withdrawn,
        Some(issued) => match standing(&mut connection, &issued, app.today()).await? {
            Standing::Valid => Verdict::Genuine,
            Standing::Expired => Verdict::Expired,
            Standing::Outdated | Standing::Withdrawn => Verdict::Withdrawn,
        },
    };
    drop(connection);
    let is_named = match typed {
        None => None,
        Some(typed) => {
            let compared = tokio::task::spawn_blocking(move || {
                let Typed { name, document_number, code } = &typed;
                Named { name, document_number, code }.is_on(&paper)
            });
            Some(compared.await.map_err(Refusal::internal)?)
        }
    };
    Ok(Checked { verdict, paper: Some(Printed::Paper(paper)), site: None, is_named })
}
