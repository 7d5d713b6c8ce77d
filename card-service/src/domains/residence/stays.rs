//! Where a person lived and when, from what is known now and what was known before. Pure.

use zeroize::Zeroizing;

use super::model::{ChangeReason, Facts, Field};

/// Living at one address.
#[derive(Clone, PartialEq, Eq)]
pub struct Stay {
    /// Where.
    pub address: Zeroizing<String>,
    /// The first day, `YYYY-MM-DD`; empty where it is not known.
    pub since: String,
    /// The day of moving out, `YYYY-MM-DD`; none while it lasts.
    pub until: Option<String>,
}

impl std::fmt::Debug for Stay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stay").finish_non_exhaustive()
    }
}

/// Fields as they were before one change of a record.
#[derive(Clone, Debug)]
pub struct Before {
    /// Why they were changed.
    pub reason: ChangeReason,
    /// What they were; empty where nothing was known.
    pub was: Vec<(Field, Zeroizing<String>)>,
}

/// The addresses of a life here, the present one first. `changes` come newest first. What was taken down wrongly is no
/// place where somebody lived; what was right until the person moved is.
pub fn stays(now: &Facts, changes: &[Before]) -> Vec<Stay> {
    let stay = |facts: &Facts, until| Stay {
        address: Zeroizing::new(facts.get(Field::Address).to_owned()),
        since: facts.get(Field::AddressSince).to_owned(),
        until,
    };
    let mut found = vec![stay(now, None)];
    let mut known = now.clone();
    for change in changes {
        let was = change.was.iter().fold(known.clone(), |facts, (field, text)| facts.with(*field, text.as_str()));
        let moved = change.reason == ChangeReason::Changed
            && was.get(Field::Address) != known.get(Field::Address)
            && !was.get(Field::Address).is_empty();
        if moved {
            let until = found.last().map(|later| later.since.clone());
            found.push(stay(&was, until));
        }
        known = was;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lives(address: &str, since: &str) -> Facts {
        Facts::default().with(Field::Address, address).with(Field::AddressSince, since)
    }

    fn before(reason: ChangeReason, was: &[(Field, &str)]) -> Before {
        let was = was.iter().map(|(field, text)| (*field, Zeroizing::new((*text).to_owned()))).collect();
        Before { reason, was }
    }

    fn lines(stays: &[Stay]) -> Vec<String> {
        let line = |stay: &Stay| format!("{} {} {}", *stay.address, stay.since, stay.until.as_deref().unwrap_or("now"));
        stays.iter().map(line).collect()
    }

    #[test]
    fn moving_leaves_an_address_behind_and_a_mistake_does_not() {
        use ChangeReason::{Changed, Mistyped};
        use Field::{Address, AddressSince, Home};
        // First A; then, moved, B on the 5th; then B was really C, and on the 6th; then D on the 9th.
        let changes = [
            before(Changed, &[(Address, "C"), (AddressSince, "2026-01-06")]),
            before(Mistyped, &[(Address, "B"), (AddressSince, "2026-01-05"), (Home, "owned")]),
            before(Changed, &[(Address, "A"), (AddressSince, "2026-01-01")]),
        ];
        let found = stays(&lives("D", "2026-01-09"), &changes);
        assert_eq!(lines(&found), ["D 2026-01-09 now", "C 2026-01-06 2026-01-09", "A 2026-01-01 2026-01-06"]);
    }

    #[test]
    fn whoever_moves_within_a_day_keeps_the_day() {
        let changes = [before(ChangeReason::Changed, &[(Field::Address, "A")])];
        assert_eq!(lines(&stays(&lives("B", "2026-01-01"), &changes)), ["B 2026-01-01 now", "A 2026-01-01 2026-01-01"]);
    }

    #[test]
    fn an_address_that_was_not_known_is_no_place() {
        let changes = [before(ChangeReason::Changed, &[(Field::Address, "")])];
        assert_eq!(lines(&stays(&lives("B", "2026-01-01"), &changes)), ["B 2026-01-01 now"]);
    }
}
