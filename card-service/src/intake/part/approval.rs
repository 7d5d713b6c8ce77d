//! Top-ups that a member of staff approves (decision 0048): the approval is the tap right before the top-up in its lane, so that
//! no other can take the top-up's place.

use std::collections::HashMap;

use card_schema::clock::Micros;
use card_schema::envelope::receipt;
use card_schema::envelope::tap::Tap;
use card_schema::ids::{CardId, TapId, TerminalId};
use card_schema::money::Fen;
use card_schema::operation::Operation;

use super::{Part, Placed};
use crate::cards::{Bearer, CardForIntake};
use crate::db::{DbError, Tx};
use crate::intake::store;
use crate::people::member::{self, model::State};
use crate::people::model::Permission;

/// How long an approval is good, by the clock of the terminal: whoever has approved stands there still.
const GOOD_SECONDS: i64 = 600;

/// What a member of staff has approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::intake) struct Approval {
    pub(in crate::intake) card: CardId,
    pub(in crate::intake) terminal: TerminalId,
    pub(in crate::intake) amount: Fen,
    pub(in crate::intake) at: Micros,
}

/// Approvals that were accepted.
pub(in crate::intake) type Approvals = HashMap<TapId, Approval>;

/// The card whose approval a tap names.
fn named(tap: &Tap) -> Option<CardId> {
    match tap.operation {
        Operation::PurseTopUp(top_up) => top_up.approved_by,
        _ => None,
    }
}

impl Approval {
    /// What a tap approves, if it does.
    pub(in crate::intake) fn of(tap: &Tap) -> Option<Self> {
        let Operation::PurseTopUpApproval(approval) = tap.operation else { return None };
        Some(Self { card: tap.card?, terminal: tap.terminal, amount: approval.amount, at: tap.at })
    }

    fn covers(&self, tap: &Tap) -> bool {
        let same =
            (Some(self.card), self.terminal, Some(self.amount)) == (named(tap), tap.terminal, tap.operation.amount());
        same && (self.at..=self.at.plus_seconds(GOOD_SECONDS)).contains(&tap.at)
    }
}

impl Placed {
    /// Whether it names another tap's approval, which may lie in another shard.
    pub(in crate::intake) fn is_approved_by_another(&self) -> bool {
        named(self.tap()).is_some()
    }
}

impl Part {
    /// Loads the approvals that these taps name.
    pub(super) async fn load_approvals(&mut self, tx: &mut Tx, taps: &[Placed]) -> Result<(), DbError> {
        let wanted = taps.iter().map(Placed::tap);
        let wanted =
            wanted.filter_map(|tap| Some((named(tap)?, tap.previous, tap.at.plus_seconds(-GOOD_SECONDS)..=tap.at)));
        self.approvals = store::approvals(tx.conn(), &wanted.collect::<Vec<_>>()).await?;
        Ok(())
    }

    /// Whether a member of staff has approved it, or has looked at it since.
    pub(super) fn is_approved(&self, tap: &Tap) -> bool {
        self.is_settling || self.approvals.get(&tap.previous).is_some_and(|approval| approval.covers(tap))
    }

    /// What comes of an approval: whoever's card it is must serve holders, as of now.
    pub(super) async fn approve(&self, tx: &mut Tx, card: Option<&CardForIntake>) -> Result<receipt::Outcome, DbError> {
        let who = match card.filter(|card| card.signs_in).map(|card| card.bearer) {
            Some(Bearer::Staff(who)) => member::store::one(tx.conn(), who).await?,
            _ => None,
        };
        let may =
            who.is_some_and(|who| who.post.state == State::Working && who.staff.role.may(Permission::ServeHolders));
        Ok(if may { receipt::Outcome::Accepted } else { receipt::Outcome::ApprovalRequired })
    }
}
