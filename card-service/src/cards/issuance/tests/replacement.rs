//! What becomes of an issuance that is given up, and of the cards that a holder had before.

use card_schema::money::Fen;
use card_schema::operation::purse::{Payment, TopUp};

use super::*;
use crate::cards::issuance::give_up;
use crate::cards::{stock, unblock};
use crate::db::{DbError, Value};
use crate::testing::rows;

const TOP_UP: Operation = Operation::PurseTopUp(TopUp::cash(Fen(500)));
const PAY: Operation = Operation::PursePayment(Payment::online(Fen(100)));

impl Station {
    /// Issues a card to a holder up to its consent.
    async fn hand_out(&mut self, holder: HolderId) -> (CardId, Chip, Uuid) {
        let (card, job) = self.issue_to(holder).await;
        let mut chip = Chip::blank();
        self.carry_out(&mut chip, job, None).await;
        (card, chip, job)
    }

    /// The card asks for something with its 9E key.
    fn ask(&mut self, card: CardId, chip: &Chip, operation: Operation) -> Signed {
        let tap = Tap { card: Some(card), ..self.terminal.next(None, operation) };
        self.terminal.sign(&tap, chip.key(KeySlot::Tap), Kid::Card(Slot::Tap))
    }

    async fn outcomes(&self, taps: &[Signed]) -> Vec<Outcome> {
        self.town.submit(&self.terminal, taps).await.into_iter().map(|tap| tap.outcome).collect()
    }

    async fn list_says(&self, card: CardId) -> CardStatus {
        self.listed().await.statuses.get(card.status_index())
    }
}

#[tokio::test]
async fn an_issuance_that_is_given_up_frees_the_reader_and_its_chip_is_issued_anew() {
    let mut station = Station::new().await;
    let (card, job) = station.issue().await;
    let mut chip = Chip::blank();
    let (asked, _) = station.until_consent(&mut chip, job).await;
    give_up(&station.app, station.clerk, job).await.unwrap();
    assert_eq!((station.state(card).await, station.look(job).await.state), (CardState::Abandoned, Progress::Failed));
    assert!(current_step(&station.app, station.terminal.id).await.unwrap().is_none(), "the reader has nothing to do");
    assert_eq!(give_up(&station.app, station.clerk, job).await.unwrap_err().kind(), ProblemType::Conflict);
    assert_eq!(resume(&station.app, job).await.unwrap_err().kind(), ProblemType::Conflict);

    // What the holder signs meanwhile makes nothing active, and the reader hears that it is over.
    let agreed = station.agree(card, &chip, Text::find(1, Locale::En).unwrap());
    let heard = station.answer(job, asked, &Observation::Consent { tap_id: agreed.id }).await;
    assert!(matches!(heard.step, Step::Failed { .. }));
    assert_eq!(station.outcomes(&[agreed]).await, [Outcome::CardNotActive]);

    let (another, job) = station.issue().await;
    station.carry_out(&mut chip, job, None).await;
    assert_eq!(station.consent(another, &chip).await, Outcome::Accepted);
    assert_eq!(station.state(card).await, CardState::Abandoned);
}

#[tokio::test]
async fn the_old_card_works_until_the_new_one_does_and_is_on_the_list_with_that_very_consent() {
    let mut station = Station::new().await;
    let holder = station.newcomer().await;
    let (old, old_chip, _) = station.hand_out(holder).await;
    assert_eq!(station.consent(old, &old_chip).await, Outcome::Accepted);
    let top_up = station.ask(old, &old_chip, TOP_UP);
    assert_eq!(station.outcomes(&[top_up]).await, [Outcome::Accepted]);

    // One that is complete and whose holder did not agree takes nobody's place.
    let (declined, _, job) = station.hand_out(holder).await;
    give_up(&station.app, station.clerk, job).await.unwrap();
    assert_eq!((station.state(declined).await, station.state(old).await), (CardState::Abandoned, CardState::Active));

    let (new, chip, _) = station.hand_out(holder).await;
    assert_eq!(station.list_says(old).await, CardStatus::Valid);
    let changes = station.changes().await;
    let others = {
        let stranger = station.newcomer().await;
        let (card, chip, _) = station.hand_out(stranger).await;
        (card, chip)
    };
    // In one batch: before the consent the old card pays, after it the new one does, from the same purse.
    let taps = [
        station.ask(old, &old_chip, PAY),
        station.agree(new, &chip, Text::find(1, Locale::En).unwrap()),
        station.ask(old, &old_chip, PAY),
        station.ask(new, &chip, PAY),
        station.agree(others.0, &others.1, Text::find(1, Locale::En).unwrap()),
    ];
    let expected = [Outcome::Accepted, Outcome::Accepted, Outcome::CardNotActive, Outcome::Accepted, Outcome::Accepted];
    assert_eq!(station.outcomes(&taps).await, expected);
    assert_eq!((station.state(old).await, station.state(new).await), (CardState::Replaced, CardState::Active));
    assert_eq!(station.list_says(old).await, CardStatus::Invalid);
    assert_eq!(station.changes().await, changes + 1, "somebody's first card puts nobody on the list");
    let again = station.ask(new, &chip, PAY);
    assert_eq!(station.town.submit(&station.terminal, &[again]).await[0].balance, Some(Fen(200)));
}

/// Where a card's id may stay when another has taken its place, and as what.
const HISTORY: [(&str, &str); 10] = [
    ("blank_move", "of which blank it was made"),
    ("card", "what it is, with its state"),
    ("card_certificate", "what was written on its chip"),
    ("card_deed", "who did what with it"),
    ("card_key", "a key belongs to one card for ever"),
    ("card_state_change", "what became of it"),
    ("consent_request", "what its holder was asked"),
    ("issuance", "how it was made"),
    ("tap", "what it did"),
    ("unblock", "what was done with it; none is open"),
];

#[tokio::test]
async fn whatever_happened_before_nothing_points_to_a_card_that_was_replaced_as_to_the_holders_card() {
    use CardState::{Active, Blocked, Lost, Returned, Suspended};
    let mut station = Station::new().await;
    let ways: [&[CardState]; 7] =
        [&[], &[Suspended], &[Suspended, Active], &[Lost], &[Blocked], &[Suspended, Blocked], &[Returned]];
    for way in ways {
        let holder = station.newcomer().await;
        let (old, old_chip, _) = station.hand_out(holder).await;
        assert_eq!(station.consent(old, &old_chip).await, Outcome::Accepted);
        let top_up = station.ask(old, &old_chip, TOP_UP);
        station.outcomes(&[top_up]).await;
        let unblocked = unblock::start(&station.app, station.clerk, holder, old, station.terminal.id).await.unwrap();
        for state in way {
            set_state(&station.app, station.clerk, old, *state, "test".to_owned()).await.unwrap();
        }
        let last = station.state(old).await;
        // The reader is free for the new card: nobody waits for the old one there.
        let (new, chip, _) = station.hand_out(holder).await;
        assert_eq!(station.consent(new, &chip).await, Outcome::Accepted);

        let ended = if last == Returned { Returned } else { CardState::Replaced };
        assert_eq!((station.state(old).await, station.state(new).await), (ended, Active), "{way:?}");
        assert_eq!(station.list_says(old).await, CardStatus::Invalid, "{way:?}");
        assert_eq!(station.list_says(new).await, CardStatus::Valid, "{way:?}");
        assert!(current_step(&station.app, station.terminal.id).await.unwrap().is_none(), "{way:?}");
        assert!(unblock::current_step(&station.app, station.terminal.id).await.unwrap().is_none(), "{way:?}");
        let mut connection = station.town.scratch.db.read().await.unwrap();
        assert!(!unblock::look(&mut connection, unblocked).await.unwrap().unblock.open, "{way:?}");
        drop(connection);
        let paid = station.ask(new, &chip, PAY);
        assert_eq!(station.town.submit(&station.terminal, &[paid]).await[0].balance, Some(Fen(400)), "{way:?}");

        let id = Value::Bytes(Some(old.as_bytes().to_vec()));
        let found: Vec<String> = rows(&station.town.scratch.db)
            .await
            .into_iter()
            .filter(|(_, rows)| rows.iter().flatten().any(|value| *value == id))
            .map(|(table, _)| table)
            .collect();
        assert!(!found.is_empty());
        for table in found {
            assert!(HISTORY.iter().any(|(known, _)| *known == table), "{table} has the card's id after {way:?}");
        }
    }
}

#[tokio::test]
async fn a_card_that_comes_into_use_takes_a_blank_and_an_empty_drawer_keeps_nobody_waiting() {
    let mut station = Station::new().await;
    let terminal = station.terminal.id;
    let mut connection = station.town.scratch.db.read().await.unwrap();
    let at = crate::terminals::store::one(&mut connection, terminal).await.unwrap().unwrap();
    let at = at.organisation.organisation_id;
    drop(connection);
    let one_card = async |station: &mut Station| {
        let holder = station.newcomer().await;
        let (card, chip, _) = station.hand_out(holder).await;
        assert_eq!(station.consent(card, &chip).await, Outcome::Accepted);
        let mut connection = station.town.scratch.db.read().await.unwrap();
        let drawer = stock::store::drawer_of(&mut connection, at).await.unwrap().unwrap();
        (drawer.balance, drawer.to_count)
    };
    assert_eq!(one_card(&mut station).await, (None, false), "nobody keeps stock here yet");
    for found in [1, 2] {
        let (clerk, act) = (station.clerk, stock::model::Act::Count { found, reason: "regular" });
        let counted = station.town.scratch.db.write::<_, DbError, _>(move |tx| {
            Box::pin(async move { stock::store::carry_out(tx, START, clerk, at, &act).await })
        });
        counted.await.unwrap().unwrap();
        for left in (0..found).rev() {
            assert_eq!(one_card(&mut station).await, (Some(left), false));
        }
        assert_eq!(one_card(&mut station).await, (Some(0), true), "it was issued, and the station is told to count");
    }
}
