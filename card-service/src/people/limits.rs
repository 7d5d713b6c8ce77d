//! How often somebody may try to sign in, and how often papers and receipts may be checked. Knows neither names nor passwords,
//! and of papers and receipts only who asks.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::model::StaffId;

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

/// How many whom nobody knows somebody who files may name: those of a file with a wrong column, then one every five minutes. Whoever
/// files is not to find out who is registered.
#[derive(Debug)]
pub struct FilerLimits(DefaultKeyedRateLimiter<StaffId>);

impl FilerLimits {
    /// How many at once.
    pub const BURST: u32 = 200;

    /// Counts so many, and says whether they may be told which.
    pub fn allow(&self, who: StaffId, unknown: usize) -> bool {
        let Some(unknown) = u32::try_from(unknown).ok().map(NonZeroU32::new) else { return false };
        unknown.is_none_or(|unknown| matches!(self.0.check_key_n(&who, unknown), Ok(Ok(()))))
    }
}

impl Default for FilerLimits {
    fn default() -> Self {
        Self(RateLimiter::dashmap(quota(Self::BURST, Duration::from_mins(5))))
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
