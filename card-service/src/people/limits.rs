//! How often somebody may try to sign in, how often papers and receipts may be checked, and how many strangers an employer may name. Knows
//! neither names nor passwords, and of papers and receipts only who asks.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use card_schema::clock::Micros;
use card_schema::ids::OrganisationId;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// How many sign-ins may be tried: per name and per address, then one every twelve seconds.
#[derive(Debug)]
pub struct SignInLimits {
    by_name: DefaultKeyedRateLimiter<String>,
    by_address: DefaultKeyedRateLimiter<IpAddr>,
}

impl Default for SignInLimits {
    fn default() -> Self {
        let quota = |burst| quota(burst, Duration::from_secs(12));
        Self { by_name: RateLimiter::dashmap(quota(10)), by_address: RateLimiter::dashmap(quota(30)) }
    }
}

/// How many papers and receipts may be checked from one address: an employer's staff at once, then one every two seconds.
#[derive(Debug)]
pub struct CheckLimits(DefaultKeyedRateLimiter<IpAddr>);

impl Default for CheckLimits {
    fn default() -> Self {
        Self(RateLimiter::dashmap(quota(60, Duration::from_secs(2))))
    }
}

impl CheckLimits {
    /// Counts a check, and says whether it may be made.
    pub fn allow(&self, address: IpAddr) -> bool {
        if self.0.len() > 10_000 {
            self.0.retain_recent();
        }
        self.0.check_key(&address).is_ok()
    }
}

/// How many whom nobody knows an employer may name: as many as a sheet has with a wrong column, then one every five minutes. Whoever
/// files is not to find out who is registered: who has none left is told nothing of anybody.
#[derive(Debug, Default)]
pub struct StrangerLimits(Mutex<HashMap<OrganisationId, Named>>);

/// How many an employer had left, and when.
#[derive(Clone, Copy, Debug)]
struct Named {
    left: u32,
    at: Micros,
}

/// How many at once.
const STRANGERS: u32 = 200;
/// How long until there is one more.
const STRANGER_EVERY_SECONDS: i64 = 300;

impl Named {
    /// As it is later.
    fn at(self, now: Micros) -> Self {
        let more = (now.0 - self.at.0).max(0) / (STRANGER_EVERY_SECONDS * 1_000_000);
        let left = self.left.saturating_add(u32::try_from(more).unwrap_or(STRANGERS)).min(STRANGERS);
        let at = if left == STRANGERS { now } else { self.at.plus_seconds(more * STRANGER_EVERY_SECONDS) };
        Self { left, at }
    }
}

impl StrangerLimits {
    /// How many may be named now.
    pub fn left(&self, employer: OrganisationId, now: Micros) -> usize {
        self.of(employer, now, 0) as usize
    }

    /// So many were named.
    pub fn named(&self, employer: OrganisationId, now: Micros, strangers: usize) {
        self.of(employer, now, u32::try_from(strangers).unwrap_or(u32::MAX));
    }

    fn of(&self, employer: OrganisationId, now: Micros, named: u32) -> u32 {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(&employer).map_or(Named { left: STRANGERS, at: now }, |known| known.at(now));
        let known = Named { left: known.left.saturating_sub(named), ..known };
        all.insert(employer, known);
        known.left
    }
}

fn quota(burst: u32, period: Duration) -> Quota {
    Quota::with_period(period)
        .expect("a period is not zero")
        .allow_burst(NonZeroU32::new(burst).expect("a burst is at least one"))
}

impl SignInLimits {
    /// Counts a try by somebody who is signed in.
    pub fn allow_name(&self, name: &str) -> bool {
        self.by_name.check_key(&name.to_lowercase()).is_ok()
    }

    /// Counts a try of a code, apart from passwords: how many may be wrong is the second factor's own rule.
    pub fn allow_code(&self, name: &str) -> bool {
        self.by_name.check_key(&format!("{}\0code", name.to_lowercase())).is_ok()
    }

    /// Counts a try, and says whether it may be made.
    pub fn allow(&self, name: &str, address: IpAddr) -> bool {
        // Forgets those that are at rest again, so that made-up names do not fill the memory.
        if self.by_name.len() > 10_000 || self.by_address.len() > 10_000 {
            self.by_name.retain_recent();
            self.by_address.retain_recent();
        }
        self.by_address.check_key(&address).is_ok() && self.allow_name(name)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_employer_names_so_many_strangers_and_one_more_every_five_minutes() {
        let (limits, start) = (StrangerLimits::default(), Micros(1_795_424_645_000_000));
        let [one, other] = [7, 8].map(|id| OrganisationId(Uuid::from_u128(id)));
        assert_eq!(limits.left(one, start), 200);
        limits.named(one, start, 150);
        assert_eq!((limits.left(one, start), limits.left(other, start)), (50, 200));
        limits.named(one, start, 5_000);
        for (seconds, left) in [(299, 0), (300, 1), (599, 1), (600, 2), (60_000, 200), (100_000, 200)] {
            assert_eq!(limits.left(one, start.plus_seconds(seconds)), left, "after {seconds} s");
        }
        limits.named(one, start.plus_seconds(100_000), 1);
        assert_eq!(limits.left(one, start), 199, "a clock that goes back gives none");
    }
}
