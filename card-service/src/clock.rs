//! Where the service reads the clock and the operating system's randomness. Deciding code takes both as arguments.

use std::time::{SystemTime, UNIX_EPOCH};

use card_schema::clock::Micros;
use ring::rand::{SecureRandom, SystemRandom};
use uuid::{Builder, Uuid};

/// The present time of the system's clock.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    Micros(i64::try_from(since.as_micros()).expect("microseconds fit for 292,000 years"))
}

/// A new id that sorts by time (`UUIDv7`): rows are written in the order of their keys.
pub fn new_id(random: &SystemRandom) -> Uuid {
    let mut bytes = [0; 10];
    random.fill(&mut bytes).expect("the operating system's randomness does not fail once it has begun");
    let millis = u64::try_from(now().0 / 1_000).expect("the clock is past 1970");
    Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}
