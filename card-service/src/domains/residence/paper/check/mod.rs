//! Checking a paper: anybody may, without signing in. Says how the paper stands and, to whoever types what is on it, whether
//! name and document number are those that were signed; nothing else, and nobody is noted.

pub mod api;
pub mod pages;

use std::net::IpAddr;

use card_schema::envelope::paper::Paper;
use card_schema::paper::{self, CheckCode, Named};
use card_schema::wire::ProblemType;
use zeroize::Zeroizing;

use super::model::Standing;
use super::{public_key, standing, store};
use crate::app::App;
use crate::http::Refusal;

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Issued here, and it says what is so.
    Genuine,
    /// Issued here, and its last day is over.
    Expired,
    /// Issued here, and good no longer.
    Withdrawn,
    /// Not issued here, or altered.
    NotOurs,
}

impl Verdict {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Genuine, Self::Expired, Self::Withdrawn, Self::NotOurs];

    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Genuine => "genuine",
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What came of it.
    pub verdict: Verdict,
    /// What its square code says; none where it is not ours.
    pub paper: Option<Paper>,
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
    let Ok(paper) = paper::read(text, &public_key(&*app.keys)?) else {
        return Ok(Checked { verdict: Verdict::NotOurs, paper: None, is_named: None });
    };
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
    Ok(Checked { verdict, paper: Some(paper), is_named })
}
