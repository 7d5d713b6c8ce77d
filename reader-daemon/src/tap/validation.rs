//! What a validator decides on its own. Pure.
//!
//! Whoever leaves is let out, whatever is known of the card: nobody is kept inside because a list is newer, a card has expired or a
//! limit is reached. Whoever gets on is let in as far as the limits go for what a terminal accepts without the service.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use card_schema::{
    clock::Micros,
    ids::CardId,
    operation::{
        Operation,
        transit::{AGAIN_SECONDS, Side, Validation},
    },
};

use super::{Knowledge, Refused};
use crate::outbox::Exposure;

/// Whether an operation lets somebody out.
pub const fn lets_out(operation: &Operation) -> bool {
    matches!(operation, Operation::TransitValidation(validation) if matches!(validation.side, Side::Off))
}

/// Accepts a validation, as the card is to sign it.
///
/// # Errors
/// [`Refused`] where whoever gets on has to be sent away.
pub fn accept(
    validation: &Validation,
    known: &Knowledge,
    exposure: &Exposure,
    now: Micros,
) -> Result<Validation, Refused> {
    let version = known.fares.as_ref().and_then(|pack| pack.at(now));
    let tariff = version.map_or(0, |version| version.number);
    let accepted = Validation { tariff, ..validation.clone() };
    if validation.side == Side::Off {
        return Ok(accepted);
    }
    let version = version.ok_or(Refused::NoFares)?;
    let (_, network) = version.route(&validation.route).ok_or(Refused::PlaceUnknown)?;
    version.stop(&validation.stop).ok_or(Refused::PlaceUnknown)?;
    let limits = known.profile.limits.offline;
    if known.is_frozen(now) {
        return Err(Refused::Frozen);
    }
    // What waits has not been seen by anybody but this validator.
    if exposure.card_count >= limits.card_count {
        return Err(Refused::OfflineCard);
    }
    let rides = i64::try_from(exposure.validations).unwrap_or(i64::MAX).saturating_add(1);
    if network.most.0.saturating_mul(rides) > limits.terminal.0 {
        return Err(Refused::OfflineTerminal);
    }
    Ok(accepted)
}

/// Cards that have validated at this terminal just now, in memory and for a minute: who holds the same card to it again is told so, and
/// nobody gets on with the card of somebody who has.
#[derive(Clone, Debug, Default)]
pub struct Recent(Arc<Mutex<HashMap<CardId, (Side, Micros)>>>);

impl Recent {
    /// Whether a card has validated on this side just now.
    pub fn has(&self, card: CardId, side: Side, now: Micros) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&card).is_some_and(|(of, at)| *of == side && is_recent(*at, now))
    }

    /// It has now.
    pub fn note(&self, card: CardId, side: Side, now: Micros) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (_, at)| is_recent(*at, now));
        known.insert(card, (side, now));
    }
}

/// Also where the clock was put back.
fn is_recent(at: Micros, now: Micros) -> bool {
    now.distance(at) <= AGAIN_SECONDS.unsigned_abs() * Micros::PER_SECOND.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use card_schema::{
        envelope::fares::{FareNetwork, FarePack, FareRoute, FareStop, FareVersion},
        ids::Shard,
        money::Fen,
        wire::terminal::OfflineLimits,
    };

    use super::*;
    use crate::tap::tests::knowledge;

    /// Two versions, the second of which has no tram.
    fn known() -> Knowledge {
        let route = |id: &str| FareRoute { id: id.to_owned(), name: String::new(), network: 0 };
        let version = |number, starts_at, routes| FareVersion {
            number,
            starts_at: Micros(starts_at),
            networks: vec![FareNetwork { on_off: true, most: Fen(300) }],
            routes,
            stops: vec![FareStop { id: "s".to_owned(), name: String::new() }],
            passes: vec![],
        };
        let versions = vec![version(4, 0, vec![route("bus"), route("tram")]), version(5, 1_000, vec![route("bus")])];
        let mut known = Knowledge { synced_at: Some(Micros(0)), ..knowledge() };
        known.fares = Some(Arc::new(FarePack { at: Micros(0), versions }));
        let limits = &mut Arc::make_mut(&mut known.profile).limits;
        limits.offline = OfflineLimits { card_count: 4, terminal: Fen(3_000), freeze_days: 7, ..limits.offline };
        known
    }

    fn asked(route: &str, stop: &str, side: Side) -> Validation {
        Validation { tariff: 0, route: route.to_owned(), stop: stop.to_owned(), side }
    }

    const NONE: Exposure = Exposure { terminal: Fen::ZERO, validations: 0, card_day: Fen::ZERO, card_count: 0 };

    #[test]
    fn who_gets_on_is_let_in_within_the_limits_by_the_fares_in_force() {
        let week = 7 * 86_400 * Micros::PER_SECOND;
        let (waits, of_card) =
            (|validations| Exposure { validations, ..NONE }, |card_count| Exposure { card_count, ..NONE });
        for (route, stop, exposure, at, expected) in [
            ("bus", "s", NONE, 0, Ok(4)),
            ("bus", "s", NONE, 999, Ok(4)),
            ("bus", "s", NONE, 1_000, Ok(5)),
            ("tram", "s", NONE, 999, Ok(4)),
            ("tram", "s", NONE, 1_000, Err(Refused::PlaceUnknown)),
            ("bus", "t", NONE, 0, Err(Refused::PlaceUnknown)),
            ("bus", "s", NONE, -1, Err(Refused::NoFares)),
            // Ten rides of 3.00 are 30.00.
            ("bus", "s", waits(9), 0, Ok(4)),
            ("bus", "s", waits(10), 0, Err(Refused::OfflineTerminal)),
            ("bus", "s", waits(u64::MAX), 0, Err(Refused::OfflineTerminal)),
            ("bus", "s", of_card(3), 0, Ok(4)),
            ("bus", "s", of_card(4), 0, Err(Refused::OfflineCard)),
            ("bus", "s", NONE, week, Ok(5)),
            ("bus", "s", NONE, week + 1, Err(Refused::Frozen)),
        ] {
            let said = accept(&asked(route, stop, Side::On), &known(), &exposure, Micros(at));
            assert_eq!(said.map(|accepted| accepted.tariff), expected, "{route} {stop} at {at}");
        }
    }

    #[test]
    fn who_leaves_is_let_out_whatever_is_known() {
        let much =
            Exposure { terminal: Fen(1 << 40), validations: 1 << 40, card_day: Fen(1 << 40), card_count: 1 << 30 };
        let nothing = Knowledge { fares: None, synced_at: None, ..known() };
        for (known, at, tariff) in [(known(), 0, 4), (known(), i64::MAX / 2, 5), (nothing, 0, 0)] {
            let said = accept(&asked("nowhere", "nowhere", Side::Off), &known, &much, Micros(at));
            assert_eq!(said, Ok(Validation { tariff, ..asked("nowhere", "nowhere", Side::Off) }));
        }
    }

    #[test]
    fn a_card_gets_on_once_a_minute_and_leaves_when_it_likes() {
        let (recent, card, at) = (Recent::default(), CardId::new(1, Shard(0), [1; 16]), Micros::from_seconds(1_000));
        assert!(!recent.has(card, Side::On, at));
        recent.note(card, Side::On, at);
        for (seconds, has) in [(0, true), (60, true), (61, false), (-60, true), (-61, false)] {
            assert_eq!(recent.has(card, Side::On, at.plus_seconds(seconds)), has, "{seconds}");
        }
        assert!(!recent.has(card, Side::Off, at), "another side");
        assert!(!recent.has(CardId::new(2, Shard(0), [1; 16]), Side::On, at), "another card");
        recent.note(CardId::new(2, Shard(0), [1; 16]), Side::On, at.plus_seconds(61));
        assert_eq!(recent.0.lock().unwrap().len(), 1, "nobody is remembered longer");
    }
}
