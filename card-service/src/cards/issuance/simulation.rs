//! A chip on paper, torn out and asked twice at every step of its issuance. What it shows: whatever happens at the reader,
//! the chip ends complete or in factory state, and a chip that still answers to factory secrets is never issued.

use std::collections::BTreeSet;

use card_schema::wire::issuance::{KeySlot, ManagementAlgorithm};
use proptest::prelude::*;

use super::journal::{Failure, InPlace, Journal, Object, Relation, STEPS_EXPECTED, Seen, Want};
use crate::cards::Away;

/// More steps than any of these issuances takes: one that takes them goes in circles.
const STEPS_MAX: usize = 400;
const TRIES: u8 = 3;

/// What is wrong with a chip by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Flaw {
    #[default]
    None,
    /// Says that it changed its management key, and keeps the factory's.
    KeepsManagementKey,
    /// Says that it changed its PIN, and takes the factory's still.
    KeepsPin,
    /// Makes the keys that another chip made.
    RepeatsKeys,
    /// Signs with other keys than it shows.
    SignsWithOtherKeys,
    /// Has no room for a photo.
    HasNoRoom,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Chip {
    relation: Relation,
    management: Option<InPlace>,
    says_algorithm: bool,
    puk: InPlace,
    puk_tries: u8,
    pin: InPlace,
    pin_tries: u8,
    keys: [Option<u32>; 3],
    objects: BTreeSet<Object>,
    authenticated: bool,
    flaw: Flaw,
}

const fn place(slot: KeySlot) -> usize {
    match slot {
        KeySlot::SignIn => 0,
        KeySlot::Approve => 1,
        KeySlot::Tap => 2,
    }
}

impl Chip {
    fn blank(says_algorithm: bool) -> Self {
        Self {
            relation: Relation::Blank,
            management: Some(InPlace::Factory),
            says_algorithm,
            puk: InPlace::Factory,
            puk_tries: TRIES,
            pin: InPlace::Factory,
            pin_tries: TRIES,
            keys: [None; 3],
            objects: BTreeSet::new(),
            authenticated: false,
            flaw: Flaw::None,
        }
    }

    fn is_blank(&self) -> bool {
        let mut blank = Self::blank(self.says_algorithm);
        (blank.flaw, blank.authenticated) = (self.flaw, self.authenticated);
        *self == blank
    }

    fn algorithm(&self) -> Option<ManagementAlgorithm> {
        self.says_algorithm.then_some(match self.management {
            Some(InPlace::Factory) => ManagementAlgorithm::TripleDes,
            _ => ManagementAlgorithm::Aes256,
        })
    }

    /// Carries out a step as a chip and a faithful daemon do.
    fn perform(&mut self, want: &Want, minted: &mut u32) -> Seen {
        let error = |status_word| Seen::Error { status_word };
        match want {
            Want::ReadCard => {
                self.authenticated = false;
                Seen::Card { relation: self.relation, algorithm: self.algorithm(), factory_key: None }
            }
            Want::Witness { .. } => Seen::Witness(vec![0; 16]),
            Want::Respond { key, .. } => {
                self.authenticated = self.management == Some(*key);
                Seen::Authenticated(self.authenticated)
            }
            Want::SetPuk { .. } if self.puk_tries == 0 => error(0x6983),
            Want::SetPuk { old } if *old == self.puk => {
                (self.puk, self.puk_tries) = (InPlace::Ours, TRIES);
                Seen::Done
            }
            Want::SetPuk { .. } => {
                self.puk_tries -= 1;
                error(0x63C0 | u16::from(self.puk_tries))
            }
            Want::SetPin if self.pin_tries == 0 => error(0x6983),
            Want::SetPin if self.pin == InPlace::Factory => {
                self.pin_tries = TRIES;
                if self.flaw != Flaw::KeepsPin {
                    self.pin = InPlace::Ours;
                }
                Seen::Done
            }
            Want::SetPin => {
                self.pin_tries -= 1;
                error(0x63C0 | u16::from(self.pin_tries))
            }
            Want::TryFactoryPin if self.pin == InPlace::Factory => Seen::FactoryPin { refused: false },
            Want::TryFactoryPin => {
                self.pin_tries = self.pin_tries.saturating_sub(1);
                Seen::FactoryPin { refused: true }
            }
            Want::Prove { slot: KeySlot::Tap, .. } => Seen::Proof { valid: true },
            Want::Prove { .. } | Want::Consent if self.pin_tries == 0 => error(0x6983),
            Want::Prove { .. } => {
                self.pin_tries = TRIES;
                Seen::Proof { valid: true }
            }
            Want::Consent => Seen::Consented,
            Want::Reset { .. } => {
                *self = Self { flaw: self.flaw, ..Self::blank(self.says_algorithm) };
                Seen::Done
            }
            Want::SetManagementKey | Want::Generate { .. } | Want::Put { .. } if !self.authenticated => error(0x6982),
            Want::SetManagementKey => {
                if self.flaw != Flaw::KeepsManagementKey {
                    self.management = Some(InPlace::Ours);
                }
                Seen::Done
            }
            Want::Generate { slot } => {
                *minted += 1;
                self.keys[place(*slot)] = Some(*minted);
                Seen::Key { fresh: self.flaw != Flaw::RepeatsKeys }
            }
            Want::Put { object: Object::Photo } if self.flaw == Flaw::HasNoRoom => error(0x6A84),
            Want::Put { object } => {
                if *object == Object::Chuid {
                    self.relation = Relation::This;
                }
                self.objects.insert(*object);
                Seen::Done
            }
            Want::Finished | Want::Failed { .. } => panic!("nothing is left to be done"),
        }
    }
}

/// What goes wrong at one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Torn out before the first APDU.
    TornBefore,
    /// Torn out after the last, before the answer.
    TornAfter,
    /// The answer is lost and the step is done again, the card having stayed.
    DoneTwice,
    /// As before, the daemon having been started anew: the card has forgotten who spoke to it.
    DoneTwiceAnew,
}

impl Fault {
    const ALL: [Self; 4] = [Self::TornBefore, Self::TornAfter, Self::DoneTwice, Self::DoneTwiceAnew];
}

#[derive(Clone, Debug)]
struct Issuance {
    chip: Chip,
    journal: Journal,
    /// The public keys that the service has on record.
    recorded: [Option<u32>; 3],
    minted: u32,
    steps: usize,
}

impl Issuance {
    fn new(chip: Chip) -> Self {
        Self { chip, journal: Journal::default(), recorded: [None; 3], minted: 0, steps: 0 }
    }

    fn is_complete(&self) -> bool {
        let chip = &self.chip;
        chip.relation == Relation::This
            && (chip.management, chip.puk, chip.pin) == (Some(InPlace::Ours), InPlace::Ours, InPlace::Ours)
            && chip.keys == self.recorded
            && chip.keys.iter().all(Option::is_some)
            && chip.objects == self.journal.secured().chain([Object::Security]).collect()
    }

    /// One step. Where something goes wrong the service is started anew as well: the journal takes its form in the database.
    fn step(&mut self, fault: Option<Fault>) {
        let mut journal = self.journal.clone();
        if fault.is_some() {
            journal = serde_json::from_str(&serde_json::to_string(&journal).unwrap()).unwrap();
        }
        let want = journal.asked.clone();
        if want == Want::Consent {
            assert!(self.is_complete(), "{self:?}");
        }
        let mut seen = match fault {
            Some(Fault::TornBefore) => Seen::Removed(Away::Card),
            _ => self.chip.perform(&want, &mut self.minted),
        };
        match fault {
            Some(Fault::TornBefore | Fault::TornAfter) => {
                self.chip.authenticated = false;
                seen = Seen::Removed(Away::Card);
            }
            Some(Fault::DoneTwice) => seen = self.chip.perform(&want, &mut self.minted),
            Some(Fault::DoneTwiceAnew) => {
                self.chip.authenticated = false;
                seen = self.chip.perform(&want, &mut self.minted);
            }
            None => {}
        }
        match (&want, &mut seen) {
            (Want::Generate { slot }, Seen::Key { .. }) => {
                self.recorded[place(*slot)] = self.chip.keys[place(*slot)];
            }
            (Want::Prove { slot, .. }, Seen::Proof { valid }) => {
                let slot = place(*slot);
                *valid = self.chip.flaw != Flaw::SignsWithOtherKeys && self.chip.keys[slot] == self.recorded[slot];
            }
            _ => {}
        }
        self.journal = journal.next(&seen, [7; 16]);
        self.steps += 1;
    }

    fn run(mut self, fault: impl Fn(usize) -> Option<Fault>) -> Self {
        while !self.journal.asked.is_end() {
            assert!(self.steps < STEPS_MAX, "goes in circles: {self:?}");
            self.step(fault(self.steps));
        }
        self
    }

    /// Finished and complete, or given up and in factory state.
    fn assert_clean_end(&self) {
        match self.journal.asked {
            Want::Finished => assert!(self.is_complete(), "{self:?}"),
            Want::Failed { reset: true, .. } => assert!(self.chip.is_blank(), "{self:?}"),
            _ => panic!("neither finished nor reset: {self:?}"),
        }
    }
}

#[test]
fn a_card_is_issued_in_the_steps_that_the_progress_bar_shows() {
    for says_algorithm in [false, true] {
        let issued = Issuance::new(Chip::blank(says_algorithm)).run(|_| None);
        assert_eq!(issued.journal.asked, Want::Finished);
        assert!(issued.is_complete());
        assert_eq!(issued.steps, STEPS_EXPECTED as usize);
    }
}

#[test]
fn a_holders_photo_is_written_and_a_chip_without_room_for_it_is_a_card_without_it() {
    for (flaw, has_photo, steps) in
        [(Flaw::None, true, STEPS_EXPECTED + 1), (Flaw::HasNoRoom, false, STEPS_EXPECTED + 4)]
    {
        let mut issuance = Issuance::new(Chip { flaw, ..Chip::blank(true) });
        issuance.journal = Journal::begin(true);
        let issued = issuance.run(|_| None);
        assert_eq!(issued.journal.asked, Want::Finished);
        assert!(issued.is_complete() && issued.journal.is_personalised());
        assert_eq!((issued.chip.objects.contains(&Object::Photo), issued.steps), (has_photo, steps as usize));
    }
}

#[test]
fn a_card_torn_out_or_asked_twice_at_any_one_step_is_finished_all_the_same() {
    for says_algorithm in [false, true] {
        for at in 0..STEPS_EXPECTED as usize {
            for fault in Fault::ALL {
                let ended = Issuance::new(Chip::blank(says_algorithm)).run(|step| (step == at).then_some(fault));
                assert_eq!(ended.journal.asked, Want::Finished, "{fault:?} at {at}: {ended:?}");
                assert!(ended.is_complete(), "{fault:?} at {at}: {ended:?}");
            }
        }
    }
}

#[test]
fn a_card_torn_out_at_any_two_steps_ends_finished_or_reset() {
    for first in 0..STEPS_EXPECTED as usize {
        for second in first + 1..STEPS_EXPECTED as usize + 12 {
            for (one, other) in Fault::ALL.into_iter().flat_map(|one| Fault::ALL.map(|other| (one, other))) {
                let fault = |step| match step {
                    step if step == first => Some(one),
                    step if step == second => Some(other),
                    _ => None,
                };
                Issuance::new(Chip::blank(first % 2 == 0)).run(fault).assert_clean_end();
            }
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_at_the_reader_a_card_ends_finished_or_reset(
        says_algorithm: bool,
        photo: bool,
        flaw in prop::sample::select(vec![Flaw::None, Flaw::HasNoRoom]),
        faults in prop::collection::vec(prop::option::weighted(0.3, prop::sample::select(Fault::ALL.to_vec())), 0..120),
    ) {
        let fault = |step: usize| faults.get(step).copied().flatten();
        let mut issuance = Issuance::new(Chip { flaw, ..Chip::blank(says_algorithm) });
        issuance.journal = Journal::begin(photo);
        issuance.run(fault).assert_clean_end();
    }
}

#[test]
fn a_chip_that_keeps_factory_secrets_or_has_no_keys_of_its_own_is_never_issued() {
    let flaws = [Flaw::KeepsManagementKey, Flaw::KeepsPin, Flaw::RepeatsKeys, Flaw::SignsWithOtherKeys];
    for flaw in flaws {
        for at in 0..60 {
            for fault in Fault::ALL {
                let chip = Chip { flaw, ..Chip::blank(true) };
                let mut issuance = Issuance::new(chip);
                while !issuance.journal.asked.is_end() && issuance.steps < STEPS_MAX {
                    assert_ne!(issuance.journal.asked, Want::Consent, "{flaw:?}");
                    let now = (issuance.steps == at).then_some(fault);
                    issuance.step(now);
                }
                assert!(matches!(issuance.journal.asked, Want::Failed { .. }), "{flaw:?}: {issuance:?}");
            }
        }
    }
}

#[test]
fn another_holders_card_is_not_touched() {
    let chip = Chip { relation: Relation::Other, management: Some(InPlace::Factory), ..Chip::blank(true) };
    let ended = Issuance::new(chip.clone()).run(|_| None);
    assert_eq!(ended.journal.asked, Want::Failed { failure: Failure::HoldersCard, reset: false });
    assert_eq!((ended.steps, &ended.chip), (1, &chip));
    let resumed = Issuance { journal: ended.journal.resumed(), ..Issuance::new(Chip::blank(true)) }.run(|_| None);
    assert_eq!(resumed.journal.asked, Want::Finished, "the right card can follow");
}

/// A card that is one's own until the holder is asked for a PIN, and is then taken off.
fn torn_at_the_pin() -> Issuance {
    let mut torn = Issuance::new(Chip::blank(true));
    while torn.journal.asked != Want::SetPin {
        torn.step(None);
    }
    torn.journal = torn.journal.next(&Seen::Removed(Away::Card), [0; 16]);
    torn
}

#[test]
fn another_card_in_the_middle_is_told_and_the_one_that_was_begun_goes_on() {
    let torn = torn_at_the_pin();
    assert_eq!((&torn.journal.asked, torn.journal.away()), (&Want::ReadCard, Some(Away::Card)));
    let holders = Seen::Card { relation: Relation::Other, algorithm: None, factory_key: None };
    let table = [(holders, Failure::OtherCard), (Seen::Error { status_word: 0x6A82 }, Failure::ForeignCard)];
    for (seen, failure) in table {
        let journal = torn.journal.clone().next(&seen, [0; 16]);
        assert_eq!(journal.asked, Want::Failed { failure, reset: false });
        assert!(failure.may_resume());
        let resumed = Issuance { journal: journal.resumed(), ..torn.clone() }.run(|_| None);
        assert_eq!(resumed.journal.asked, Want::Finished, "{failure:?}");
    }
}

#[test]
fn whoever_looks_is_told_what_has_to_come_back() {
    let begun = Journal::default();
    assert_eq!(begun.away(), None);
    let no_reader = begun.clone().next(&Seen::Removed(Away::Reader), [0; 16]);
    assert_eq!((&no_reader.asked, no_reader.away()), (&Want::ReadCard, Some(Away::Reader)));
    assert_eq!(begun.next(&Seen::Removed(Away::Card), [0; 16]).away(), None, "any blank card is good");
    let unplugged = torn_at_the_pin().journal.next(&Seen::Removed(Away::Reader), [0; 16]);
    assert_eq!(unplugged.away(), Some(Away::Reader));
    let back = Seen::Card { relation: Relation::This, algorithm: None, factory_key: None };
    assert_eq!(unplugged.next(&back, [0; 16]).away(), None);
}

#[test]
fn a_foreign_card_that_knows_neither_key_is_left_as_it_is() {
    for says_algorithm in [false, true] {
        let chip = Chip { management: None, ..Chip::blank(says_algorithm) };
        let ended = Issuance::new(chip.clone()).run(|_| None);
        assert_eq!(ended.journal.asked, Want::Failed { failure: Failure::UnknownManagementKey, reset: false });
        assert_eq!(ended.chip, chip);
    }
}

#[test]
fn a_card_that_answers_nothing_as_it_should_is_given_up_and_not_wiped_unless_it_is_ours() {
    let mut journal = Journal::default();
    for _ in 0..20 {
        let seen = match journal.asked {
            Want::ReadCard => Seen::Card { relation: Relation::Blank, algorithm: None, factory_key: None },
            // No answer to what was asked.
            _ => Seen::Done,
        };
        journal = journal.next(&seen, [0; 16]);
        assert!(!matches!(journal.asked, Want::Reset { .. }));
    }
    assert_eq!(journal.asked, Want::Failed { failure: Failure::CardErrors, reset: false });
}

#[test]
fn a_returned_card_is_wiped_before_it_is_issued_anew() {
    let used = Chip { relation: Relation::Free, management: Some(InPlace::Ours), ..Chip::blank(true) };
    let mut issuance = Issuance::new(used);
    issuance.step(None);
    assert_eq!(issuance.journal.asked, Want::Reset { failed: None });
    let ended = issuance.run(|_| None);
    assert_eq!(ended.journal.asked, Want::Finished);
    assert!(ended.is_complete());
}

#[test]
fn another_chip_with_the_same_id_cannot_take_the_cards_place_half_way() {
    let mut issuance = Issuance::new(Chip::blank(true));
    while !matches!(issuance.journal.asked, Want::Put { object: Object::Printed }) {
        issuance.step(None);
    }
    issuance.step(Some(Fault::TornBefore));
    issuance.chip.keys = [Some(901), Some(902), Some(903)];
    let ended = issuance.run(|_| None);
    assert_eq!(ended.journal.asked, Want::Failed { failure: Failure::NoPossession, reset: true });
}

#[test]
fn a_holder_who_does_not_agree_gets_no_card() {
    let mut issuance = Issuance::new(Chip::blank(true));
    while issuance.journal.asked != Want::Consent {
        issuance.step(None);
    }
    issuance.journal = issuance.journal.next(&Seen::Declined, [0; 16]);
    let torn =
        Issuance { journal: issuance.journal.clone(), chip: issuance.chip.clone(), ..Issuance::new(Chip::blank(true)) };
    for mut issuance in [issuance, torn] {
        assert_eq!(issuance.journal.asked, Want::Reset { failed: Some(Failure::ConsentDeclined) });
        issuance.step(Some(Fault::TornBefore));
        let ended = issuance.run(|_| None);
        assert_eq!(ended.journal.asked, Want::Failed { failure: Failure::ConsentDeclined, reset: true });
        assert!(ended.chip.is_blank(), "torn out instead of being wiped, it is wiped when it comes back");
    }
}

#[test]
fn a_card_whose_consent_has_come_in_is_left_alone_whatever_the_reader_says() {
    let mut issuance = Issuance::new(Chip::blank(true));
    while issuance.journal.asked != Want::Consent {
        issuance.step(None);
    }
    for seen in [Seen::Declined, Seen::Removed(Away::Card), Seen::Error { status_word: 0x6983 }] {
        assert_eq!(issuance.journal.clone().agreed().next(&seen, [0; 16]).asked, Want::Finished);
    }
}

#[test]
fn a_person_who_walks_away_can_come_back() {
    let mut issuance = Issuance::new(Chip::blank(true));
    while issuance.journal.asked != Want::SetPin {
        issuance.step(None);
    }
    issuance.journal = issuance.journal.next(&Seen::Declined, [0; 16]);
    assert_eq!(issuance.journal.asked, Want::Failed { failure: Failure::Declined, reset: false });
    issuance.journal = issuance.journal.resumed();
    let ended = issuance.run(|_| None);
    assert_eq!(ended.journal.asked, Want::Finished);
}
