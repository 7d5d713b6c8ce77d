//! What a terminal accepts on its own while the service cannot be reached. Pure.
//!
//! Whatever is accepted so stands, also where the purse turns out not to cover it: the issuer advances the rest. So these
//! limits, and nothing else, bound what can be lost at one terminal.

use card_schema::{clock::Micros, ids::CardId, money::Fen, operation::purse::Payment, wire::terminal::OfflineLimits};
use ring::hmac;

use super::{Knowledge, Refused};
use crate::{clock::CHINA, outbox::Exposure};

#[cfg(test)]
mod model;

const DAY: i64 = 86_400 * Micros::PER_SECOND;
/// How far the day of China is ahead of UTC's.
const AHEAD: i64 = CHINA.seconds() as i64 * Micros::PER_SECOND;

/// The day that a moment lies in, counted from 1970 in the time of China.
pub const fn day(at: Micros) -> i64 {
    at.0.saturating_add(AHEAD).div_euclid(DAY)
}

/// When a day begins.
pub const fn begins(day: i64) -> Micros {
    Micros(day.saturating_mul(DAY).saturating_sub(AHEAD))
}

/// Accepts a payment, as the card is to sign it.
///
/// # Errors
/// [`Refused`] where the limits do not allow it.
pub fn accept(
    payment: Payment,
    known: &Knowledge,
    exposure: &Exposure,
    is_drawn: bool,
    now: Micros,
) -> Result<Payment, Refused> {
    let limits = known.profile.limits.offline;
    within(&limits, payment.amount, exposure, is_drawn)?;
    if known.is_frozen(now) {
        return Err(Refused::Frozen);
    }
    Ok(Payment { accepted_offline: true, ..payment })
}

fn within(limits: &OfflineLimits, amount: Fen, exposure: &Exposure, is_drawn: bool) -> Result<(), Refused> {
    let is_within = |spent: Fen, limit: Fen| spent.checked_add(amount).is_some_and(|sum| sum <= limit);
    if amount > limits.tap {
        return Err(Refused::OfflineAmount { limit: limits.tap });
    }
    if is_drawn {
        return Err(Refused::Drawn);
    }
    if exposure.card_count >= limits.card_count || !is_within(exposure.card_day, limits.card_day) {
        return Err(Refused::OfflineCard);
    }
    if !is_within(exposure.terminal, limits.terminal) {
        return Err(Refused::OfflineTerminal);
    }
    Ok(())
}

/// Draws, each day anew, the cards that have to reach the service: with a secret of this terminal, so that nobody knows
/// beforehand, and the same however often a card is tried.
pub fn is_drawn(secret: &hmac::Key, card: CardId, now: Micros, percent: u8) -> bool {
    let mut drawn = hmac::Context::with_key(secret);
    drawn.update(card.as_bytes());
    drawn.update(&day(now).to_be_bytes());
    let drawn = drawn.sign();
    let [high, low, ..] = drawn.as_ref() else { return true };
    // 65,536 is no multiple of a hundred: a card is drawn too often by one part in a thousand, at most.
    u16::from_be_bytes([*high, *low]) % 100 < u16::from(percent)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use card_schema::ids::Shard;

    use super::*;
    use crate::tap::tests::knowledge;

    /// What is paid, what waits, whether the card was drawn, and what is said.
    type Case = (&'static str, i64, Exposure, bool, Result<(), Refused>);

    const LIMITS: OfflineLimits = OfflineLimits {
        tap: Fen(100),
        card_day: Fen(250),
        card_count: 4,
        terminal: Fen(1_000),
        drawn_percent: 5,
        freeze_days: 7,
    };

    fn known(synced_at: Option<Micros>) -> Knowledge {
        let mut known = Knowledge { online: Some(false), synced_at, ..knowledge() };
        Arc::make_mut(&mut known.profile).limits.offline = LIMITS;
        known
    }

    fn card(number: u32) -> CardId {
        CardId::new(number, Shard(0), [1; 16])
    }

    #[test]
    fn what_is_accepted_without_the_service() {
        let now = begins(20_000);
        let exposure = |terminal, card_day, card_count| Exposure {
            terminal: Fen(terminal),
            validations: 0,
            card_day: Fen(card_day),
            card_count,
        };
        let none = Exposure::default();
        let table: [Case; 10] = [
            ("a first one", 100, none, false, Ok(())),
            ("too much at once", 101, none, false, Err(Refused::OfflineAmount { limit: Fen(100) })),
            ("a card that was drawn", 1, none, true, Err(Refused::Drawn)),
            ("up to the card's limit", 50, exposure(200, 200, 3), false, Ok(())),
            ("over the card's limit", 51, exposure(200, 200, 3), false, Err(Refused::OfflineCard)),
            ("once too often", 1, exposure(4, 4, 4), false, Err(Refused::OfflineCard)),
            ("up to the terminal's limit", 100, exposure(900, 0, 0), false, Ok(())),
            ("over the terminal's limit", 100, exposure(901, 0, 0), false, Err(Refused::OfflineTerminal)),
            ("a sum beyond numbers", 1, exposure(i64::MAX, 0, 0), false, Err(Refused::OfflineTerminal)),
            ("a card's beyond numbers", 1, exposure(0, i64::MAX, 0), false, Err(Refused::OfflineCard)),
        ];
        for (case, fen, exposure, is_drawn, expected) in table {
            let payment = Payment::online(Fen(fen));
            let said = accept(payment, &known(Some(now)), &exposure, is_drawn, now);
            assert_eq!(said, expected.map(|()| Payment { accepted_offline: true, ..payment }), "{case}");
        }
    }

    #[test]
    fn after_days_without_the_service_nothing_is_accepted_whichever_way_the_clock_moved() {
        let synced = begins(20_000);
        let said = |synced, now| accept(Payment::online(Fen(1)), &known(synced), &Exposure::default(), false, now);
        let week = 7 * DAY;
        for (moved, expected) in [
            (0, true),
            (week, true),
            (week + 1, false),
            (-week, true),
            (-week - 1, false),
            (365 * DAY, false),
            (-365 * DAY, false),
        ] {
            assert_eq!(said(Some(synced), Micros(synced.0 + moved)).is_ok(), expected, "{moved}");
        }
        assert_eq!(said(None, synced), Err(Refused::Frozen), "never reached");
    }

    #[test]
    fn a_day_begins_at_midnight_in_china() {
        // 2026-11-29T00:00:00+08:00.
        let midnight = Micros::from_seconds(1_795_881_600);
        assert_eq!(begins(day(midnight)), midnight);
        assert_eq!(day(Micros(midnight.0 - 1)), day(midnight) - 1);
        assert_eq!(day(Micros(midnight.0 + DAY - 1)), day(midnight));
    }

    #[test]
    fn cards_are_drawn_anew_each_day_as_often_as_asked_and_the_same_however_often_they_are_tried() {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        let now = begins(20_000);
        let drawn = |percent| (0..20_000).filter(|number| is_drawn(&secret, card(*number), now, percent)).count();
        assert_eq!((drawn(0), drawn(100)), (0, 20_000));
        assert!((800..1_200).contains(&drawn(5)), "{}", drawn(5));
        let one = |now| (0..2_000).map(|number| is_drawn(&secret, card(number), now, 5)).collect::<Vec<_>>();
        assert_eq!(one(now), one(Micros(now.0 + DAY - 1)));
        assert_ne!(one(now), one(Micros(now.0 + DAY)));
    }
}
