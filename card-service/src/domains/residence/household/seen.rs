//! Of two clerks who do something with the same household at once, the second is told what the first did: a page says what
//! was known when it was opened.

use std::fmt::Write as _;

use card_schema::ids::HolderId;

use super::{conflict, head_of, merge, store};
use crate::app::App;
use crate::db::Connection;
use crate::domains::residence::Meanwhile;
use crate::http::Refusal;

/// The memberships on which it depends what may be done with somebody's household.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Which they are, by the newest change of each record, to be compared.
    pub(super) mark: String,
    newest: Option<Meanwhile>,
}

impl Seen {
    /// Refuses nobody who knew of these; tells others the newest change.
    ///
    /// # Errors
    /// `Conflict` where nothing is left of what was known.
    pub(super) fn unknown_to(self, mark: &str) -> Result<Option<Meanwhile>, Refusal> {
        if self.mark == mark { Ok(None) } else { self.newest.map(Some).ok_or(conflict("household-meanwhile")) }
    }
}

/// The memberships of a person, and of the head of the household of that person or of another whom the person may join.
/// Deciding alone: nothing of it is shown but when something changed and who changed it.
pub(super) async fn of(
    app: &App,
    connection: &mut Connection,
    person: HolderId,
    joins: Option<HolderId>,
) -> Result<Seen, Refusal> {
    let mut people = vec![person];
    let head = head_of(app, &mut *connection, joins.unwrap_or(person)).await?;
    if head != person {
        people.push(head);
    }
    let mut seen = Seen::default();
    for one in people {
        for record in merge::records(&mut *connection, one).await? {
            let Some(change) = store::newest_change(&mut *connection, record).await? else { continue };
            write!(seen.mark, "{record}.{} ", change.leaf).expect("a text takes everything");
            if seen.newest.as_ref().is_none_or(|newest| newest.at < change.at) {
                seen.newest = Some(change);
            }
        }
    }
    Ok(seen)
}
