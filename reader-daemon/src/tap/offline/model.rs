//! Several terminals without the service, a stolen card and honest ones, clocks that are moved: whatever comes in which
//! order, no terminal accepts more than the bound that `docs/limits.md` states. `PROPTEST_CASES` raises the number of
//! sequences.

use std::{env, sync::Arc};

use card_schema::{envelope::status_list::CardStatus, ids::Shard, operation::Operation};
use proptest::prelude::*;

use super::*;
use crate::{
    outbox::Exposure,
    tap::{authorise, tests::knowledge},
};

const LIMITS: OfflineLimits = OfflineLimits {
    tap: Fen(100),
    card_day: Fen(250),
    card_count: 9,
    terminal: Fen(1_500),
    drawn_percent: 5,
    freeze_days: 3,
};
const TERMINALS: usize = 4;
const CARDS: u32 = 6;
/// The card that a thief has.
const STOLEN: u32 = 0;

/// Something that happens at a terminal.
#[derive(Clone, Copy, Debug)]
enum Act {
    Pay { card: u32, fen: i64 },
    HoursPass(u8),
    ClockMoved { hours: i16 },
    ServiceReached,
    ServiceGone,
}

fn act() -> impl Strategy<Value = (usize, Act)> {
    let act = prop_oneof![
        12 => (0..CARDS, 1..=LIMITS.tap.0 + 20).prop_map(|(card, fen)| Act::Pay { card, fen }),
        3 => (1..30_u8).prop_map(Act::HoursPass),
        1 => any::<i16>().prop_map(|hours| Act::ClockMoved { hours }),
        1 => Just(Act::ServiceReached),
        2 => Just(Act::ServiceGone),
    ];
    (0..TERMINALS, act)
}

fn card(number: u32) -> CardId {
    CardId::new(number, Shard(0), [1; 16])
}

/// A terminal as its outbox has it.
struct Terminal {
    known: Knowledge,
    clock: Micros,
    lot: hmac::Key,
    waiting: Vec<(u32, Fen, Micros)>,
    /// What it has accepted of the stolen card on its own.
    stolen: i64,
}

impl Terminal {
    fn new(number: usize) -> Self {
        let clock = begins(20_000);
        let mut known = Knowledge { online: Some(false), synced_at: Some(clock), ..knowledge() };
        Arc::make_mut(&mut known.profile).limits.offline = LIMITS;
        let lot = hmac::Key::new(hmac::HMAC_SHA256, &number.to_be_bytes());
        Self { known, clock, lot, waiting: Vec::new(), stolen: 0 }
    }

    fn exposure(&self, of: u32) -> Exposure {
        let today = begins(day(self.clock));
        let sum = |taps: &mut dyn Iterator<Item = &(u32, Fen, Micros)>| Fen(taps.map(|(_, fen, _)| fen.0).sum());
        let mut card = self.waiting.iter().filter(|(card, ..)| *card == of);
        Exposure {
            validations: 0,
            terminal: sum(&mut self.waiting.iter()),
            card_count: u32::try_from(card.clone().count()).expect("few"),
            card_day: sum(&mut card.by_ref().filter(|(.., at)| *at >= today)),
        }
    }

    fn pay(&mut self, number: u32, fen: i64) {
        let payment = Payment::online(Fen(fen));
        let operation = Operation::PursePayment(payment);
        let drawn = is_drawn(&self.lot, card(number), self.clock, LIMITS.drawn_percent);
        let allowed = authorise::operation(&operation, false, &self.known)
            .and_then(|_| authorise::card(card(number), &operation, &self.known))
            .and_then(|()| accept(payment, &self.known, &self.exposure(number), drawn, self.clock));
        if let Ok(Payment { amount, .. }) = allowed
            && self.known.decides_alone()
        {
            self.waiting.push((number, amount, self.clock));
            if number == STOLEN {
                self.stolen += amount.0;
            }
        }
    }

    fn act(&mut self, act: Act) {
        let moved = |clock: Micros, hours: i64| clock.plus_seconds(hours * 3_600);
        match act {
            Act::Pay { card, fen } => self.pay(card, fen),
            Act::HoursPass(hours) => self.clock = moved(self.clock, hours.into()),
            Act::ClockMoved { hours } => self.clock = moved(self.clock, hours.into()),
            Act::ServiceReached => {
                // The list says what was reported stolen, and what waited is settled.
                self.known.set_status_for_test(STOLEN, CardStatus::Invalid);
                self.known.online = Some(true);
                self.known.synced_at = Some(self.clock);
                self.waiting.clear();
            }
            Act::ServiceGone => self.known.online = Some(false),
        }
    }
}

/// What one card can cost at one terminal, until that has heard that it is stolen.
fn bound_of_a_card() -> i64 {
    let by_count = i64::from(LIMITS.card_count) * LIMITS.tap.0;
    by_count.min(LIMITS.terminal.0)
}

fn sequences() -> ProptestConfig {
    let asked = env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(2_000), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(sequences())]

    #[test]
    fn no_sequence_of_taps_exceeds_the_published_bound(acts in prop::collection::vec(act(), 1..120)) {
        let mut terminals: Vec<Terminal> = (0..TERMINALS).map(Terminal::new).collect();
        for (at, act) in acts {
            terminals[at].act(act);
            for terminal in &terminals {
                let waiting: i64 = terminal.waiting.iter().map(|(_, fen, _)| fen.0).sum();
                prop_assert!(waiting <= LIMITS.terminal.0, "{waiting} wait at one terminal");
                prop_assert!(terminal.stolen <= bound_of_a_card(), "{} of the stolen card", terminal.stolen);
            }
        }
    }
}

#[test]
fn and_a_thief_gets_that_far() {
    let mut terminal = Terminal::new(1);
    for _ in 0..40 {
        (0..5).for_each(|_| terminal.act(Act::Pay { card: STOLEN, fen: LIMITS.tap.0 }));
        (0..5).for_each(|_| terminal.act(Act::Pay { card: STOLEN, fen: 50 }));
        terminal.act(Act::HoursPass(8));
    }
    // Two of 100 and one of 50 a day, nine altogether: a bound that nothing comes near would say nothing.
    assert_eq!((terminal.stolen, terminal.waiting.len()), (750, 9));
    assert!(terminal.stolen * 10 > bound_of_a_card() * 8);
}
