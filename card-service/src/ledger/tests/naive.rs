//! The model: a plain list of entries, from which everything is found out anew each time.

use std::collections::{HashMap, HashSet};

use super::*;

/// What became of linked transfers: their numbers, or that they were there before, or that they are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Posted(Vec<i64>),
    Repeated,
    Refused,
}

impl From<Result<Linked<'_>, Refused>> for Outcome {
    fn from(result: Result<Linked<'_>, Refused>) -> Self {
        match result {
            Ok(Linked::Posted(entries)) => Self::Posted(entries.iter().map(|entry| entry.id).collect()),
            Ok(Linked::Repeated) => Self::Repeated,
            Err(_) => Self::Refused,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Naive {
    pub(super) entries: Vec<Entry>,
}

impl Naive {
    fn find(&self, shard: Shard, id: i64) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.transfer.debit.shard == shard && entry.id == id)
    }

    /// The entries that name one.
    fn followers(&self, named: &Entry) -> impl Iterator<Item = &Entry> {
        let (shard, id) = (named.transfer.debit.shard, named.id);
        self.entries.iter().filter(move |e| e.transfer.debit.shard == shard && e.transfer.phase.refers_to() == Some(id))
    }

    /// Balance and held amount of each account that has transfers.
    pub(super) fn states(&self) -> HashMap<AccountKey, (i64, i64)> {
        let shard_of = |entry: &Entry| entry.transfer.debit.shard;
        let ended: HashSet<_> =
            self.entries.iter().map(|entry| (shard_of(entry), entry.transfer.phase.refers_to())).collect();
        let mut states: HashMap<AccountKey, (i64, i64)> = HashMap::new();
        for entry in &self.entries {
            let Transfer { debit, credit, amount, phase, .. } = entry.transfer;
            match phase {
                Phase::VoidHold { .. } | Phase::ExpireHold { .. } => {}
                Phase::Pending { .. } if ended.contains(&(debit.shard, Some(entry.id))) => {}
                Phase::Pending { .. } => states.entry(debit).or_default().1 += amount,
                _ => {
                    states.entry(debit).or_default().0 -= amount;
                    states.entry(credit).or_default().0 += amount;
                }
            }
        }
        states
    }

    /// Balance and held amount of one account.
    pub(super) fn state(&self, key: &AccountKey) -> (i64, i64) {
        self.states().get(key).copied().unwrap_or_default()
    }

    /// How far below zero an account may go, in the tests' world.
    fn limit(key: &AccountKey) -> i64 {
        match key.kind {
            AccountKind::Takings => TAKINGS_LIMIT,
            AccountKind::Purse => 0,
            _ => 1 << 60,
        }
    }

    pub(super) fn post(&mut self, at: Micros, t: Transfer) -> Outcome {
        let Transfer { debit, credit, amount, phase, .. } = t;
        let fits = (1..1 << 53).contains(&amount)
            && debit != credit
            && (debit.shard, debit.unit) == (credit.shard, credit.unit);
        if !fits || phase.timeout_micros().is_some_and(|timeout| timeout < 1) {
            return Outcome::Refused;
        }
        let expires = matches!(phase, Phase::ExpireHold { .. });
        let before = self.entries.iter().find(|Entry { transfer: old, .. }| {
            let same_cause = t.reference.is_some()
                && (old.debit.shard, old.reference, old.kind) == (debit.shard, t.reference, t.kind);
            if expires {
                old.phase == phase && old.debit == debit
            } else {
                same_cause && !matches!(old.phase, Phase::ExpireHold { .. })
            }
        });
        if let Some(before) = before {
            return if before.transfer == t { Outcome::Repeated } else { Outcome::Refused };
        }
        let named = phase.refers_to().map(|id| self.find(debit.shard, id));
        let admitted = match (phase, named) {
            (Phase::Posted | Phase::Pending { .. }, _) => true,
            (_, None | Some(None)) => false,
            (Phase::Reversal { .. }, Some(Some(original))) => {
                let reversed: i64 = self.followers(original).map(|follower| follower.transfer.amount).sum();
                let old = &original.transfer;
                matches!(old.phase, Phase::Posted | Phase::PostHold { .. })
                    && (old.credit, old.debit, old.kind) == (debit, credit, t.kind)
                    && reversed + amount <= old.amount
            }
            (_, Some(Some(hold))) => {
                let old = &hold.transfer;
                let over = old.phase.timeout_micros().is_some_and(|timeout| at.0 >= hold.at.0 + timeout);
                let posts = matches!(phase, Phase::PostHold { .. });
                matches!(old.phase, Phase::Pending { .. })
                    && self.followers(hold).next().is_none()
                    && (old.debit, old.credit, old.kind) == (debit, credit, t.kind)
                    && (over == expires)
                    && if posts { amount <= old.amount } else { amount == old.amount }
            }
        };
        let (balance, held) = self.state(&debit);
        let spends = matches!(phase, Phase::Posted | Phase::Pending { .. } | Phase::Reversal { .. });
        if !admitted || spends && balance - held - amount < -Self::limit(&debit) {
            return Outcome::Refused;
        }
        let id = self.next_id(debit.shard);
        self.entries.push(Entry { id, at, transfer: t });
        Outcome::Posted(vec![id])
    }

    pub(super) fn next_id(&self, shard: Shard) -> i64 {
        1 + self
            .entries
            .iter()
            .filter(|entry| entry.transfer.debit.shard == shard)
            .map(|entry| entry.id)
            .max()
            .unwrap_or(0)
    }

    pub(super) fn post_linked(&mut self, at: Micros, chain: &[Transfer]) -> Outcome {
        let before = self.entries.len();
        let outcomes: Vec<_> = chain.iter().map(|transfer| self.post(at, *transfer)).collect();
        let one_shard = chain.iter().all(|transfer| transfer.debit.shard == chain[0].debit.shard);
        if one_shard && outcomes.iter().all(|outcome| *outcome == Outcome::Repeated) {
            return Outcome::Repeated;
        }
        if !one_shard || !outcomes.iter().all(|outcome| matches!(outcome, Outcome::Posted(_))) {
            self.entries.truncate(before);
            return Outcome::Refused;
        }
        Outcome::Posted(self.entries[before..].iter().map(|entry| entry.id).collect())
    }
}

/// How far the merchant's takings may go below zero in the tests' world.
pub(super) const TAKINGS_LIMIT: i64 = 20;
