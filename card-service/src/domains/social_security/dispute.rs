//! What holders say against months of theirs, and what the bureau answers (decision 0063).
//!
//! A dispute is a tap that the holder's card has signed with the PIN; it is raised in the tap's own transaction. Which records are of one
//! person is for whoever calls to know.

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::envelope::receipt::Outcome;
use card_schema::ids::{HolderId, OrganisationId, TapId};
use card_schema::month::Month;
use card_schema::operation::social_security::Dispute as Said;
use card_schema::wire::insurance::{Answered, DisputeAnswer, DisputeSeen};

use super::record::MonthOf;
use super::store;
use crate::db::{DbError, Tx};
use crate::people::StaffId;

/// Within so many days the bureau answers.
const ANSWER_DAYS: i64 = 30;

/// A dispute as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The tap with which it was raised.
    pub tap: TapId,
    /// The record with whose card.
    pub holder: HolderId,
    /// The employer who had to see to the month.
    pub employer: OrganisationId,
    /// Which.
    pub month: Month,
    /// When the service got it.
    pub at: Micros,
    /// What was answered.
    pub answered: Option<Answered>,
}

impl Dispute {
    /// The last day on which it is to be answered.
    pub fn due(&self) -> Date {
        Date::in_china(self.at.plus_seconds(ANSWER_DAYS * 86_400))
    }

    /// As its holder sees it.
    pub fn seen(&self) -> DisputeSeen {
        DisputeSeen { at: self.at, due: self.due(), answered: self.answered }
    }
}

/// Takes what a holder says with a tap, in the holder's shard, which is locked. Of one month one dispute waits at a time: whoever says it
/// once more has said it already. `records` are all of the person's, the holder's own among them.
///
/// # Errors
/// When the database fails.
pub async fn raise(
    tx: &mut Tx,
    at: Micros,
    (tap, holder): (TapId, HolderId),
    records: &[HolderId],
    Said { month, employer }: Said,
) -> Result<Outcome, DbError> {
    let (mut is_known, mut waits) = (false, false);
    for record in records {
        let employments = store::employment::of_holder(tx.conn(), *record).await?;
        let mut employments = employments.iter().map(|found| found.employment);
        is_known |= employments.any(|one| one.employer == employer && one.is_in(month));
        // Whoever was declared and enrolled for fewer months afterwards is told of that month still.
        let declared = store::declaration::of_holder(tx.conn(), *record).await?;
        is_known |= declared.iter().any(|one| (one.month, one.employer) == (month, employer));
        let disputes = store::dispute::of_holder(tx.conn(), *record).await?;
        waits |= disputes.iter().any(|one| (one.month, one.employer, one.answered) == (month, employer, None));
    }
    // What is to come cannot be wrong yet.
    if !is_known || month > Month::of(Date::in_china(at)) {
        return Ok(Outcome::NothingToDispute);
    }
    if !waits {
        store::dispute::put(tx, at, &Dispute { tap, holder, employer, month, at, answered: None }, None).await?;
    }
    Ok(Outcome::Accepted)
}

/// Whether an answer can be true of a month as it stands.
pub fn may_be(answer: DisputeAnswer, month: Option<&MonthOf>) -> bool {
    let is_set_right = |of: &MonthOf| of.declared.is_some() && !of.state.is_gap();
    answer != DisputeAnswer::SetRight || month.is_some_and(is_set_right)
}

/// Answers a dispute, in the holder's shard, which is locked; false where somebody has answered it meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn answer(
    tx: &mut Tx,
    (by, at): (StaffId, Micros),
    dispute: &Dispute,
    answer: DisputeAnswer,
) -> Result<bool, DbError> {
    let all = store::dispute::of_holder(tx.conn(), dispute.holder).await?;
    if !all.iter().any(|one| one.tap == dispute.tap && one.answered.is_none()) {
        return Ok(false);
    }
    let answered = Dispute { answered: Some(Answered { at, answer }), ..*dispute };
    store::dispute::put(tx, at, &answered, Some(by)).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use card_schema::money::Fen;
    use card_schema::wire::insurance::MonthState;
    use uuid::Uuid;

    use super::*;
    use crate::domains::social_security::declaration::{DeclarationId, Sums};
    use crate::domains::social_security::record::Declared;

    #[test]
    fn nobody_is_told_that_something_was_set_right_which_was_not() {
        let (month, employer) = ("2026-09".parse().unwrap(), OrganisationId(Uuid::nil()));
        let of = |state| {
            let declared = Declared {
                month,
                employer,
                declaration: DeclarationId([1; 16]),
                filed_at: Micros(0),
                paid_at: None,
                wage: Fen(1),
                sums: Sums::default(),
            };
            let is_declared = !matches!(state, MonthState::Open | MonthState::Missing);
            MonthOf { month, employer, state, declared: is_declared.then_some(declared), correction_waits: false }
        };
        for (state, is_set_right) in [
            (MonthState::Paid, true),
            (MonthState::PaidLate, true),
            (MonthState::Declared, true),
            (MonthState::Unpaid, false),
            (MonthState::Open, false),
            (MonthState::Missing, false),
        ] {
            assert_eq!(may_be(DisputeAnswer::SetRight, Some(&of(state))), is_set_right, "{state:?}");
            for answer in [DisputeAnswer::Upheld, DisputeAnswer::Unfounded] {
                assert!(may_be(answer, Some(&of(state))) && may_be(answer, None));
            }
        }
        assert!(!may_be(DisputeAnswer::SetRight, None));
    }
}
